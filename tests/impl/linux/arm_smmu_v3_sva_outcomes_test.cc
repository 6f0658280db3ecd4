// SPDX-License-Identifier: MIT
// The design sva/pasid-lib against Debian's own arm-smmu-v3-sva.c and iommu-sva-lib.c of 6.1: the
// same calls by the same threads have the same outcomes, in the model under every interleaving of
// its steps and in the code under every schedule.
#include <gtest/gtest.h>

#include "model/iommu/sva_pasid_lib.h"
#include "tests/impl/linux/sva_script.h"

namespace iommucheck::linux_harness {
namespace {

using ScriptedDesign = ScriptedSva<model::SvaPasidLib>;

/// What the design does not do by itself: hardware, and a driver that refuses.
void follow(ScriptedDesign& design, const SvaScript& script) {
  using What = SvaStep::What;
  design.instead_of_a_call("DMA", What::dma, [&design, &script](auto& t) {
    if (script.dma && design.device_uses(design.next(t.self())->device, 0))
      design.answers(t, What::dma, iommu::Err::ok, 0);
    else
      design.answers_not_made(t);
  });
  // Without the call stall0 the device makes none.
  design.instead_of_a_call("page request", What::page_request,
                           [&design](auto& t) { design.answers_not_made(t); });
  design.instead_of_a_call("unmap", What::unmap, [&design](auto& t) {
    design.answers(t, What::unmap, iommu::Err::ok, 0);
  });
  // mmu_notifier_put(), arm_smmu_free_shared_cd().
  design.edit("iommu_sva_bind_device")
      .insert_before("arm_smmu_write_ctx_desc(): the PASID entry is set", "... or refused",
                     [&design](auto& t) {
                       if (!design.is_refused(t)) return;
                       auto&& mm = design.mm.at(design.local(t).mm.value());
                       static_cast<void>(mm.count.dec_and_test());
                       design.refuse(t, design.err_free_bond);
                     });
}

std::set<Answers> in_the_model(const SvaScript& script, const ScriptedDesign::Edit& change = {}) {
  model::IommuBounds bounds;
  bounds.devices = 2;
  bounds.pasids = 2;
  ScriptedDesign machine{script, bounds, [&](ScriptedDesign& design) {
                           follow(design, script);
                           if (change) change(design);
                         }};
  return all_outcomes<Answers>(machine, static_cast<bool>(change));
}

class SmmuOutcomesTest : public OnTarget<arm_smmu_v3_sva_target> {
 protected:
  static std::set<Answers> in_the_code(const Scenario& one) {
    const Exploration explored = kernel_->explore(one, {});
    EXPECT_TRUE(explored.exhausted);
    return outcomes_in_the_code(one, explored);
  }
};

TEST_F(SmmuOutcomesTest, OfTheDesignAndOfTheCodeAreTheSame) {
  std::size_t compared = 0, outcomes = 0;
  for (const Scenario& written : arm_smmu_v3_sva_target().written()) {
    SCOPED_TRACE(written.name);
    const Scenario one = observed(written, {"tlp0", "tlp1"});
    const auto script = script_of(one, 2);
    if (!script) {
      std::printf("%s: the model cannot follow\n", one.name.c_str());
      continue;
    }
    const auto code = in_the_code(one);
    EXPECT_EQ(in_the_model(*script), code);
    ++compared;
    outcomes += code.size();
    std::printf("%s: %zu outcomes\n", one.name.c_str(), code.size());
  }
  EXPECT_GT(compared, 10U);
  EXPECT_GT(outcomes, compared);
}

TEST_F(SmmuOutcomesTest, OfTlpsInTheMiddleOfACallAreTheSame) {
  for (const Scenario& one : with_tlps_in_the_middle()) {
    SCOPED_TRACE(one.sentence);
    const auto script = script_of(one, 2);
    ASSERT_TRUE(script);
    EXPECT_EQ(in_the_model(*script), in_the_code(one));
  }
}

TEST_F(SmmuOutcomesTest, OfGeneratedPairsAreTheSame) {
  std::size_t compared = 0, outcomes = 0, left_out = 0;
  for (const Scenario& pair : arm_smmu_v3_sva_target().generated(2)) {
    SCOPED_TRACE(pair.name + ": " + pair.sentence);
    Scenario one = observed(pair, {"tlp0"});
    // What is cached shows in reports only, and costs ten times as many executions.
    std::erase_if(one.setup, [](const TargetCall& call) { return call.words == "dma0"; });
    const auto script = script_of(one, 2);
    (script ? compared : left_out) += 1;
    if (!script) continue;
    const auto code = in_the_code(one);
    EXPECT_EQ(in_the_model(*script), code);
    outcomes += code.size();
  }
  std::printf("%zu pairs, %zu outcomes; %zu that the model cannot follow\n", compared, outcomes,
              left_out);
  EXPECT_GT(compared, 80U);
  EXPECT_GT(outcomes, compared);
}

TEST_F(SmmuOutcomesTest, OfADesignWithAMistakeAreNot) {
  const auto differs = [](const char* name, const ScriptedDesign::Edit& mistake) {
    const Scenario one = observed(scenario(name), {"tlp0", "tlp1"});
    return in_the_model(*script_of(one, 2), mistake) != in_the_code(one);
  };
  EXPECT_FALSE(differs("reuse", [](auto&) {}));
  EXPECT_TRUE(differs("reuse", [](ScriptedDesign& design) {  // the PASID stays with nobody
    design.everywhere([](auto& p) {
      return p.replace_all("if (pasid_valid(mm->pasid)) ioasid_free(mm->pasid)", "(kept)",
                           [](auto&) {});
    });
  }));
  EXPECT_TRUE(differs("bind-unbind", [](ScriptedDesign& design) {
    design.edit("iommu_sva_unbind_device")
        .replace("list_del(&bond->list); arm_smmu_write_ctx_desc(): the PASID entry is cleared",
                 "(it stays)", [](auto&) {});
  }));
}

}  // namespace
}  // namespace iommucheck::linux_harness
