// SPDX-License-Identifier: MIT
// The design sva/attach-handle against Debian's own iommu-sva.c and iommu.c of 6.12: the same calls
// by the same threads have the same outcomes, in the model under every interleaving of its steps
// and in the code under every schedule.
#include <gtest/gtest.h>

#include "model/iommu/sva_attach_handle.h"
#include "tests/impl/linux/sva_script.h"

namespace iommucheck::linux_harness {
namespace {

template <class D>
using Design = model::SvaAttachHandle<D>;
using ScriptedDesign = ScriptedSva<Design>;

/// Devices 0 and 2 in one group, and a PASID.
std::set<Answers> outcomes_in_the_model(const SvaScript& script,
                                        const ScriptedDesign::Edit& change = {}) {
  model::IommuBounds bounds;
  bounds.devices = 3;
  bounds.groups = 2;
  bounds.pasids = 1;
  ScriptedDesign machine{
      script, bounds, [&](ScriptedDesign& design) {
        design.edit("mm_get_enqcmd_pasid").arguments([](auto& t) { t.require(false); });
        if (change) change(design);
      }};
  return all_outcomes<Answers>(machine, static_cast<bool>(change));
}

class SvaOutcomesTest : public OnTarget<sva_target> {
 protected:
  /// The outcomes of both, where the model can follow.
  static std::optional<std::pair<std::set<Answers>, std::set<Answers>>> both(
      const Scenario& one, const ScriptedDesign::Edit& change = {}) {
    const std::optional<SvaScript> script = script_of(one, 3);
    if (!script) return {};
    const Exploration explored = kernel_->explore(one, {});
    EXPECT_TRUE(explored.exhausted);
    return std::pair{outcomes_in_the_model(*script, change), outcomes_in_the_code(one, explored)};
  }
};

TEST_F(SvaOutcomesTest, OfTheDesignAndOfTheCodeAreTheSame) {
  std::size_t most = 0;
  for (const Scenario& one : sva_target().written()) {
    if (one.name == "unplugged") continue;  // a call of it does not return
    SCOPED_TRACE(one.name);
    const bool large = one.threads.size() > 3;
    const auto outcomes = both(large ? observed(one, {"tlp0"}) : observed(one, {"tlp0", "tlp1"}));
    ASSERT_TRUE(outcomes) << "the model cannot follow";
    EXPECT_EQ(outcomes->first, outcomes->second);
    most = std::max(most, outcomes->second.size());
    std::printf("%s: %zu outcomes\n", one.name.c_str(), outcomes->second.size());
  }
  EXPECT_GT(most, 10U) << "or nothing was compared";
}

/// Devices 0 and 2 share a group, and are set one after the other.
TEST_F(SvaOutcomesTest, OfTlpsInTheMiddleOfACallAreTheSame) {
  const auto calls = [](std::initializer_list<const char*> names) {
    std::vector<TargetCall> all;
    for (const char* name : names) all.emplace_back(name);
    return all;
  };
  const std::vector<Scenario> scenarios{
      {"bind", "", {}, {calls({"bind0"}), calls({"tlp0", "tlp2"})}},
      {"bind, seen from the other end", "", {}, {calls({"bind2"}), calls({"tlp2", "tlp0"})}},
      {"unbind", "", calls({"bind0"}), {calls({"unbind0"}), calls({"tlp0", "tlp2", "tlp0"})}},
      {"both", "", {}, {calls({"bind0", "unbind0"}), calls({"bind1"}), calls({"tlp2", "tlp0"})}},
  };
  for (const Scenario& one : scenarios) {
    SCOPED_TRACE(one.name);
    const auto outcomes = both(one);
    ASSERT_TRUE(outcomes);
    EXPECT_EQ(outcomes->first, outcomes->second);
    EXPECT_GT(outcomes->second.size(), 2U);
  }
  // The design leaves open in which order a driver's notifier clears what leads to a process; that
  // of the target goes from device to device.
  const auto exit = both({"exit",
                          "",
                          calls({"bind0"}),
                          {calls({"exit", "unbind0"}), calls({"exit", "tlp2", "tlp0"})}});
  ASSERT_TRUE(exit);
  EXPECT_TRUE(std::ranges::includes(exit->first, exit->second));
  EXPECT_EQ(exit->first.size(), exit->second.size() + 1);
}

TEST_F(SvaOutcomesTest, OfGeneratedPairsAreTheSame) {
  std::size_t compared = 0, outcomes = 0, left_out = 0;
  for (const Scenario& one : sva_target().generated(2)) {
    SCOPED_TRACE(one.name + ": " + one.sentence);
    const auto both_of = both(observed(one, {"tlp0", "tlp2"}));
    if (!both_of) {
      ++left_out;
      continue;
    }
    EXPECT_EQ(both_of->first, both_of->second);
    ++compared;
    outcomes += both_of->second.size();
  }
  std::printf("%zu pairs, %zu outcomes; %zu in which a thread gives up what another one bound\n",
              compared, outcomes, left_out);
  EXPECT_GT(compared, 50U);
  EXPECT_LT(left_out, compared);
  EXPECT_GT(outcomes, compared);
}

TEST_F(SvaOutcomesTest, OfADesignWithAMistakeAreNot) {
  const auto differs = [](const char* name, const ScriptedDesign::Edit& change) {
    const auto outcomes = both(observed(scenario(name), {"tlp0"}), change);
    return outcomes && outcomes->first != outcomes->second;
  };
  EXPECT_TRUE(differs("bind-unbind", [](ScriptedDesign& design) {
    design.edit("iommu_sva_unbind_device")
        .replace_all("ops->remove_dev_pasid(device->dev, pasid): the entry is cleared",
                     "(it stays)", [](auto&) {});
  }));
  EXPECT_TRUE(differs("bind-unbind", [](ScriptedDesign& design) {
    design.edit("iommu_sva_unbind_device")
        .replace("if (!refcount_dec_and_test(&handle->users))", "(whoever comes is the last one)",
                 [&design](auto& t) {
                   auto&& l = design.local(t);
                   l.pasid = design.iommu_mm_data.at(l.iommu_mm).pasid - 1U;
                 });
  }));
}

}  // namespace
}  // namespace iommucheck::linux_harness
