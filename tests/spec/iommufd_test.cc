// SPDX-License-Identifier: MIT
// The specification of /dev/iommu: every invariant can fail, each call can be made, its invariants
// are inductive, and both engines find the same states.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "checker/explicit/explicit.h"
#include "checker/symbolic/count.h"
#include "checker/symbolic/induction.h"
#include "spec/iommufd/spec_machine.h"

namespace iommucheck::iommufd {
namespace {

using checker::Verdict;
using S = State<Concrete>;
using C = Context<Concrete>;

constexpr Bounds kWorld{.devices = 2, .groups = 2, .kinds = 2, .ioases = 2, .hwpts = 2};
constexpr Bounds kDevices{.devices = 3, .groups = 2, .hwpts = 0, .accesses = 0, .queues = 0};
constexpr Bounds kRest{.devices = 1, .ioases = 1, .hwpts = 2, .accesses = 0};

/// A mistake: a sentence that is not required, or a step that does something wrong.
struct Mistake {
  const char* invariant;
  const char* dropped = nullptr;
  std::function<void(S&, C&)> wrong_step = nullptr;
};

const std::vector<Mistake>& mistakes() {
  static const char* const kDestroy =
      "ioas_destroy succeeds only where it is there and nobody uses it";
  static const std::vector<Mistake> kMistakes{
      {"target-is-there", kDestroy},
      {"target-fits",
       "attach succeeds only with what is there and fits, and is what the group meets"},
      {"attached-meets", nullptr,
       [](S& s, C& c) {  // the last device goes, and its group does not
         c.require(s.device[1].attached);
         s.device[1].attached = false;
       }},
      {"attached-is-bound", "unbind: the device is bound, and detached"},
      {"hwpt-has-ioas", kDestroy},
      {"no-hwpt-is-clean", nullptr,
       [](S& s, C& c) {  // the next page table is taken for one of its kind
         c.require(s.hwpt[0].kind != 0U && !s.hwpt_used(0));
         s.hwpt[0].ioas = 0;
       }},
      {"access-reaches-what-is-there", kDestroy},
      {"used-queue-is-there",
       "queue_destroy succeeds only where it is there, its file is closed, and no page table has "
       "it"},
      {"nested-has-parent", "hwpt_destroy succeeds only where it is there and nobody uses it"},
  };
  return kMistakes;
}

/// The specification with one mistake; one invariant is looked at.
class Mistaken : public SpecMachine<Concrete> {
 public:
  explicit Mistaken(const Mistake& m) : SpecMachine<Concrete>(kWorld) {
    context.requirements.dropped = m.dropped;
    if (!check_only(m.invariant)) throw std::logic_error("no such invariant");
    if (!m.wrong_step) return;
    code_.push_back({"mistake", "mistake", false, 0,
                     [this, step = m.wrong_step](unsigned) { step(spec().state, context); }});
    process({"mistake", 1, &code_, nullptr});
  }

 private:
  Code code_;
};

TEST(IommufdSpec, EachInvariantCanFail) {
  std::set<std::string> without_mistake;
  const SpecMachine<Concrete> right{kWorld};
  for (const auto& p : right.properties()) {
    if (p.holds) without_mistake.insert(p.name);
  }
  EXPECT_EQ(without_mistake.size(), 9U);
  for (const Mistake& m : mistakes()) {
    const auto wrong = checker::explore([&] { return std::make_unique<Mistaken>(m); });
    EXPECT_EQ(wrong.verdict, Verdict::violated) << m.invariant << ": the mistake does not break it";
    without_mistake.erase(m.invariant);
  }
  for (const std::string& name : without_mistake) ADD_FAILURE() << "no mistake breaks " << name;
}

TEST(IommufdSpec, HoldsWithPinnedCountsAndEveryCallMade) {
  struct Pinned {
    Bounds bounds;
    std::uint64_t states;
  };
  std::set<std::string> made;
  for (const Pinned& one : {Pinned{kWorld, 11238}, Pinned{Bounds{}, 1062}}) {
    const auto result =
        checker::explore([&] { return std::make_unique<SpecMachine<Concrete>>(one.bounds); });
    EXPECT_EQ(result.verdict, Verdict::holds) << result.reason;
    EXPECT_EQ(result.states, one.states);
    for (const auto& step : result.coverage) {
      EXPECT_GT(step.taken, 0U) << step.label;
      made.insert(step.label);
    }
  }
  EXPECT_EQ(made.size(), kCallKinds);
}

TEST(IommufdSpec, TheInvariantsAreInductive) {
  for (const Bounds& bounds :
       {kWorld, kDevices, kRest, Bounds{.devices = 4, .groups = 2, .ioases = 4, .hwpts = 3}}) {
    const checker::Relation relation{
        [&] { return std::make_unique<SpecMachine<Symbolic>>(bounds); }};
    const auto result = checker::prove_by_induction(relation);
    EXPECT_EQ(result.verdict, Verdict::proved);
    EXPECT_GT(result.queries, 0U);
  }
}

TEST(IommufdSpec, TheSolverFindsTheSameStates) {
  for (const Bounds& bounds : {kDevices, kRest}) {
    const auto executed =
        checker::explore([&] { return std::make_unique<SpecMachine<Concrete>>(bounds); });
    const checker::Relation relation{
        [&] { return std::make_unique<SpecMachine<Symbolic>>(bounds); }};
    const auto solved = checker::count_states(relation);
    ASSERT_TRUE(solved.complete) << solved.reason;
    EXPECT_EQ(solved.states, executed.states);
  }
}

}  // namespace
}  // namespace iommucheck::iommufd
