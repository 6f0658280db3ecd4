// SPDX-License-Identifier: MIT
// What has to happen, and what may be assumed for it: liveness properties and fairness of a
// machine.
//
//   weakly_fair(0, "a call that has begun goes on");
//   leads_to("every-call-returns", "A call that has begun returns.",
//            [this] { return pc[0] != 0U; }, [this] { return pc[0] == 0U; });
//
// A machine inherits these declarations; checker/liveness reads them.
#ifndef IOMMUCHECK_CORE_LIVENESS_H
#define IOMMUCHECK_CORE_LIVENESS_H

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/context.h"

namespace iommucheck {

struct StepCode;

/// Whenever p holds, q holds then or later, on every fair run: in every case, which is a thread or
/// an object, say.
template <class D>
struct LeadsTo {
  std::string name;
  std::string sentence;
  std::vector<std::string> cases;  ///< at least one; a single one may be ""
  std::function<Bool<D>(unsigned)> p, q;
};

enum class Fair : std::uint8_t {
  weak,    ///< what is enabled for ever from some time on is done again and again
  strong,  ///< what is enabled again and again is done again and again
};

/// An assumption about some steps of a process, taken while it is not idle: nobody has to begin a
/// call.
struct Fairness {
  Fair kind = Fair::weak;
  unsigned process = 0;  ///< its place in processes()
  std::string sentence;  ///< what it means; the same for all processes that it is assumed of
  std::function<bool(const StepCode&)> which;  ///< empty: any step
  bool each = false;  ///< an assumption for each of the steps; else one for all together
};

template <class D>
class Liveness {
 public:
  using Predicate = std::function<Bool<D>()>;
  using Family = std::function<Bool<D>(unsigned)>;
  using StepFilter = std::function<bool(const StepCode&)>;

  void leads_to(std::string name, std::string sentence, Predicate p, Predicate q) {
    leads_to(
        std::move(name), std::move(sentence), {""}, [p = std::move(p)](unsigned) { return p(); },
        [q = std::move(q)](unsigned) { return q(); });
  }
  /// The same for each i of 0 .. cases.size()-1: p(i) leads to q(i).
  void leads_to(std::string name, std::string sentence, std::vector<std::string> cases, Family p,
                Family q) {
    leads_to_.push_back(
        {std::move(name), std::move(sentence), std::move(cases), std::move(p), std::move(q)});
  }
  /// q holds again and again.
  void always_eventually(std::string name, std::string sentence, Predicate q) {
    leads_to(
        std::move(name), std::move(sentence), [] { return Bool<D>(true); }, std::move(q));
  }

  void weakly_fair(unsigned process, std::string sentence, StepFilter which = {}) {
    fair_.push_back({Fair::weak, process, std::move(sentence), std::move(which), false});
  }
  void strongly_fair(unsigned process, std::string sentence, StepFilter which = {}) {
    fair_.push_back({Fair::strong, process, std::move(sentence), std::move(which), false});
  }
  /// For each step of the process alone.
  void each_step_fair(Fair kind, unsigned process, std::string sentence, StepFilter which = {}) {
    fair_.push_back({kind, process, std::move(sentence), std::move(which), true});
  }

  const std::vector<LeadsTo<D>>& liveness() const { return leads_to_; }
  const std::vector<Fairness>& fairness() const { return fair_; }

  /// Whether the engine should look at the liveness property with this number.
  bool checks_liveness(std::size_t number) const { return !only_ || *only_ == number; }

 protected:
  /// The liveness property with this name is the only one; false if there is none.
  [[nodiscard]] bool only_liveness(const std::string& name) {
    for (std::size_t i = 0; i < leads_to_.size(); ++i) {
      if (leads_to_[i].name != name) continue;
      only_ = i;
      return true;
    }
    return false;
  }

 private:
  std::vector<LeadsTo<D>> leads_to_;
  std::vector<Fairness> fair_;
  std::optional<std::size_t> only_;
};

}  // namespace iommucheck

#endif  // IOMMUCHECK_CORE_LIVENESS_H
