// SPDX-License-Identifier: MIT
// Random machines with random promises and fairness: the engine agrees with fixpoints over sets.
#include <gtest/gtest.h>

#include <iostream>
#include <map>

#include "tests/checker/explicit/random_machine.h"
#include "tests/checker/liveness/machine_oracle.h"
#include "tests/checker/liveness/random_graph.h"

namespace iommucheck::checker {
namespace {

class LiveMachine : public RandomMachine<Concrete> {
 public:
  explicit LiveMachine(unsigned seed) : RandomMachine<Concrete>(seed), random_(seed + 1) {
    const auto count = static_cast<unsigned>(processes().size());
    if (pick(2) == 0) {
      for (unsigned p = 0; p < count; ++p) weakly_fair(p, "all");
    }
    for (unsigned n = pick(5); n > 0; --n) {
      const unsigned process = pick(count);
      const unsigned step = pick(4);
      Liveness<Concrete>::StepFilter which;
      if (pick(3) == 0)
        which = [label = fmt::format("{}", step)](const StepCode& s) { return s.label == label; };
      switch (pick(3)) {
        case 0: weakly_fair(process, "weak", which); break;
        case 1: strongly_fair(process, "strong", which); break;
        default: each_step_fair(pick(2) == 0 ? Fair::weak : Fair::strong, process, "each", which);
      }
    }
    const auto somewhere = [&] {
      std::uint32_t field = 0;
      do field = pick(static_cast<unsigned>(schema.fields().size()));
      while (schema.fields()[field].name.rfind("padding", 0) == 0);
      const unsigned value = pick(std::min(3U, schema.fields()[field].max + 1));
      return [this, field, value](unsigned) {
        return Bool<Concrete>(schema.get(context.words, field) == value);
      };
    };
    const auto p = somewhere();
    leads_to("promise", "p leads to q.", {""}, p, somewhere());
    if (!check_only("promise")) throw std::logic_error("the promise is not there");
  }

 private:
  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }
  std::mt19937_64 random_;
};

TEST(LivenessMachines, AgreeWithFixpoints) {
  const auto base = static_cast<unsigned>(liveness::seed_of_environment());
  std::cout << "seed " << base << " (IOMMUCHECK_SEED gives another)\n";
  constexpr unsigned kMachines = 1500;
  constexpr std::size_t kMost = 400;
  std::map<Verdict, unsigned> met;
  unsigned checked = 0, fairness_matters = 0;
  for (unsigned i = 0; i < kMachines; ++i) {
    const unsigned seed = base + i;
    std::map<Assume, Verdict> by_assumption;
    for (const Assume assume : {Assume::none, Assume::weak, Assume::strong}) {
      LiveMachine machine(seed);
      Verdict expected{};
      try {
        expected = oracle_verdict(machine, 0, assume, kMost);
      } catch (const std::length_error&) {
        continue;
      }
      LivenessOptions options;
      options.fairness = assume;
      const LivenessResult result = check_liveness(make<LiveMachine>(seed), options);
      ASSERT_EQ(result.verdict, expected) << "seed " << seed << ", " << name(assume);
      by_assumption[assume] = expected;
      ++met[expected];
      ++checked;
    }
    if (by_assumption[Assume::none] != by_assumption[Assume::strong]) ++fairness_matters;
  }
  std::cout << checked << " checked: " << met[Verdict::violated] << " violated, "
            << met[Verdict::holds] << " hold, " << met[Verdict::unknown]
            << " fail a step; fairness matters for " << fairness_matters << " machines\n";
  EXPECT_GT(met[Verdict::violated], checked / 10);
  EXPECT_GT(met[Verdict::holds], checked / 10);
  EXPECT_GT(met[Verdict::unknown], 20U);
  EXPECT_GT(fairness_matters, 10U);
}

}  // namespace
}  // namespace iommucheck::checker
