// SPDX-License-Identifier: MIT
// Why a kernel cannot be run here: what happened, the usual cause, and what to do about it.
#ifndef IOMMUCHECK_IMPL_LINUX_ERROR_H
#define IOMMUCHECK_IMPL_LINUX_ERROR_H

#include <stdexcept>
#include <string>

namespace iommucheck::linux_harness {

/// Thrown by everything in this folder.  what() is the whole text, several lines.
class HarnessError : public std::runtime_error {
 public:
  HarnessError(const std::string& happened, const std::string& cause, const std::string& advice)
      : std::runtime_error(happened + (cause.empty() ? "" : "\n  usual cause: " + cause) +
                           (advice.empty() ? "" : "\n  what to do: " + advice)),
        happened_{happened} {}
  const std::string& happened() const { return happened_; }

 private:
  std::string happened_;
};

/// A kernel file does not compile for user space.
class CompileError : public HarnessError {
  using HarnessError::HarnessError;
};

/// The code under test does something wrong already in a scenario's set-up, without concurrency.
class SetUpError : public HarnessError {
 public:
  /// `wrong`: "use-after-free, read of 8 bytes ...".
  SetUpError(const std::string& scenario, std::string wrong)
      : HarnessError("the set-up of scenario " + scenario + " ends in a report: " + wrong,
                     "the scenario breaks the contract of a call, or the code is wrong",
                     "make the same calls by hand"),
        wrong_{std::move(wrong)} {}
  const std::string& wrong() const { return wrong_; }

 private:
  std::string wrong_;
};

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_ERROR_H
