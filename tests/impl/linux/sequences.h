// SPDX-License-Identifier: MIT
// What a sequence of calls did, in one line of text.
#ifndef IOMMUCHECK_TESTS_IMPL_LINUX_SEQUENCES_H
#define IOMMUCHECK_TESTS_IMPL_LINUX_SEQUENCES_H

#include <span>
#include <string>
#include <vector>

#include "impl/linux/ioasid.h"
#include "spec/ioasid/make_call.h"

namespace iommucheck::linux_harness {

using ioasid::Call;
using ioasid::CallKind;
using ioasid::Getter;

using namespace ioasid::calls;  // NOLINT(google-build-using-namespace): what this file is for

inline Call add(std::uint32_t ops, std::uint32_t nomem = 0) { return enroll(ops, nomem); }
inline Call remove(std::uint32_t ops) { return withdraw(ops); }

/// "id 0; ok; data 2, getter ran on data 2", a crash as its kind.
inline std::string told(std::span<const Call> calls, const std::vector<Step>& steps) {
  std::string text;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (i != 0) text += "; ";
    text += steps[i].returned ? print(calls[i], steps[i].outcome) : steps[i].report->kind;
  }
  return text;
}

inline std::string reports(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& step : steps) {
    if (step.report) text += print(*step.report);
    for (const Report& report : step.others) text += print(report);
  }
  return text;
}

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_TESTS_IMPL_LINUX_SEQUENCES_H
