// SPDX-License-Identifier: MIT
// The design sva/intel-svm against Debian's own intel/svm.c of 6.1: the same calls by the same
// threads have the same outcomes and break the same rules, in the model under every interleaving of
// its steps and in the code under every schedule.
#include <gtest/gtest.h>

#include "model/iommu/intel_svm.h"
#include "tests/impl/linux/sva_script.h"

namespace iommucheck::linux_harness {

/// Devices ask for pages when the script says so.
template <class D>
class Asked : public model::IntelSvm<D> {
 public:
  using Base = model::IntelSvm<D>;
  using Base::Base;
  typename Base::B may_ask(unsigned, unsigned) const override { return Bool<D>(asking); }
  bool asking = false;  ///< in the middle of a step
};

namespace {

using ScriptedDesign = ScriptedSva<Asked>;

/// The answers of executions that come to their end, and the rules that the others break.
struct Behaviours {
  std::set<Answers> outcomes;
  std::set<std::string> broken;
  bool operator==(const Behaviours&) const = default;
};

/// How the code reports what breaks a property of the design.
const std::vector<std::pair<std::string, std::string>> kRules{
    {"no-use-after-free", "use-after-free"},
    {"page-request-reaches-its-process", "page request of another process"},
};

/// What is no call of the API.
void add_hardware(ScriptedDesign& design, bool dma) {
  using What = SvaStep::What;
  const auto answer = [&design](auto& t, What what, bool made) {
    if (made)
      design.answers(t, what, iommu::Err::ok, 0);
    else
      design.answers_not_made(t);
  };
  // For the process whose translation it uses, as long as that has a bond.
  design.instead_of_a_call("page request", What::page_request, [&design, answer](auto& t) {
    const unsigned who = design.hardware.translation(0, 0).word();
    const bool made = who != 0 && design.device_uses(0, who - 1);
    design.asking = true;
    if (made) design.ask_for_page(0, 0);
    design.asking = false;
    answer(t, What::page_request, made);
  });
  design.instead_of_a_call("DMA", What::dma, [&design, dma, answer](auto& t) {
    answer(t, What::dma, dma && design.device_uses(design.next(t.self())->device, 0));
  });
  // Of pages the design knows nothing.
  design.instead_of_a_call("unmap", What::unmap,
                           [answer](auto& t) { answer(t, What::unmap, true); });
}

Behaviours in_the_model(const SvaScript& script, const ScriptedDesign::Edit& change) {
  model::IommuBounds bounds;
  bounds.devices = 2;
  bounds.pasids = 2;
  bounds.faults = true;  // 6.1 drains whenever the device has page requests
  ScriptedDesign machine{script, bounds, [&](ScriptedDesign& design) {
                           auto& bind = design.edit("iommu_sva_bind_device");
                           const auto undo = bind.label_at("free_svm: ");
                           bind.insert_before(
                               "intel_pasid_setup_first_level(): the PASID entry is set",
                               "... or refused: kfree(sdev)", [&design, undo](auto& t) {
                                 if (!design.is_refused(t)) return;
                                 design.iommu_sva.kfree(design.local(t).handle);
                                 design.refuse(t, undo);
                               });
                           add_hardware(design, script.dma);
                           change(design);
                         }};
  Behaviours all;
  // An execution of the code ends with a report.
  all.outcomes = outcomes_where<Answers>(machine, [&](const std::string& property, const char*) {
    const auto rule =
        std::ranges::find(kRules, property, &std::pair<std::string, std::string>::first);
    if (rule == kRules.end()) return true;
    all.broken.insert(property);
    return false;
  });
  return all;
}

/// As it is in 6.1.192.
Behaviours in_the_model(const SvaScript& script) {
  return in_the_model(script, [](ScriptedDesign& design) { design.drain_without_mutex(); });
}

Behaviours in_the_code(const Scenario& scenario, const Exploration& exploration) {
  Behaviours all;
  for (Answers one : outcomes_in_the_code(scenario, exploration)) {
    for (auto& thread : one) std::ranges::replace(thread, "-ENODEV", "-ENOMEM");  // see refuse()
    all.outcomes.insert(std::move(one));
  }
  for (const std::string& kind : kinds_in(exploration)) {
    const auto rule = std::ranges::find(kRules, kind, &std::pair<std::string, std::string>::second);
    if (kind != "data race") all.broken.insert(rule == kRules.end() ? kind : rule->first);
  }
  return all;
}

class IntelSvmOutcomesTest : public OnTarget<intel_svm_target> {
 protected:
  static Behaviours explored(ScheduledKernel& kernel, const Scenario& one) {
    const Exploration exploration = kernel.explore(one, {});
    EXPECT_TRUE(exploration.exhausted);
    return in_the_code(one, exploration);
  }
  /// Those of the code, if the model can follow, and those of the model as well.
  static std::optional<Behaviours> expect_same(const Scenario& one) {
    const auto script = script_of(one, 2);
    if (!script) return {};
    Behaviours code = explored(*kernel_, one);
    const Behaviours model = in_the_model(*script);
    EXPECT_EQ(model.outcomes, code.outcomes);
    EXPECT_EQ(model.broken, code.broken);
    return code;
  }
};

TEST_F(IntelSvmOutcomesTest, OfTheDesignAndOfTheCodeAreTheSame) {
  std::size_t most = 0, broken = 0;
  for (const Scenario& one : intel_svm_target().written()) {
    SCOPED_TRACE(one.name);
    const auto code = expect_same(observed(one, {"tlp0", "tlp1"}));
    if (!code) {
      std::printf("%s: the model cannot follow\n", one.name.c_str());
      continue;
    }
    most = std::max(most, code->outcomes.size());
    broken += code->broken.size();
    std::printf("%s: %zu outcomes\n", one.name.c_str(), code->outcomes.size());
  }
  EXPECT_GT(most, 4U) << "or nothing was compared";
  EXPECT_GT(broken, 2U);
}

// While a bond is on no list, and its entry still leads to the process, the process ends.
TEST_F(IntelSvmOutcomesTest, OfTlpsInTheMiddleOfACallAreTheSame) {
  for (const Scenario& one : with_tlps_in_the_middle()) {
    SCOPED_TRACE(one.sentence);
    const auto code = expect_same(one);
    ASSERT_TRUE(code);
    EXPECT_GT(code->outcomes.size(), 1U);
  }
}

TEST_F(IntelSvmOutcomesTest, OfGeneratedPairsAreTheSame) {
  std::size_t compared = 0, outcomes = 0, left_out = 0;
  for (const Scenario& pair : intel_svm_target().generated(2)) {
    SCOPED_TRACE(pair.name + ": " + pair.sentence);
    Scenario one = observed(pair, {"tlp0"});
    // What is cached shows in reports only, and costs ten times as many executions.
    std::erase_if(one.setup, [](const TargetCall& call) { return call.words == "dma0"; });
    const auto code = expect_same(one);
    (code ? compared : left_out) += 1;
    if (code) outcomes += code->outcomes.size();
  }
  std::printf("%zu pairs, %zu outcomes; %zu that the model cannot follow\n", compared, outcomes,
              left_out);
  EXPECT_GT(compared, 100U);
  EXPECT_GT(outcomes, compared);
}

// The design that holds, and the file without the two lines that drop the mutex.
TEST_F(IntelSvmOutcomesTest, OfTheRepairedDesignAndCodeAreTheSame) {
  const auto held = mutants_of("intel_svm_drain_prq", "drop-lock");
  ASSERT_EQ(held.size(), 1U);
  const auto kernel = with(held.front());
  for (const char* name : {"last-two", "failed-bind", "two-devices-exit", "fault-last-two"}) {
    SCOPED_TRACE(name);
    const Scenario one = observed(scenario(name), {"tlp0", "tlp1"});
    const Behaviours design = in_the_model(*script_of(one, 2), [](ScriptedDesign&) {});
    EXPECT_EQ(design, explored(*kernel, one));
    EXPECT_TRUE(design.broken.empty());
    EXPECT_NE(design, explored(*kernel_, one));
  }
}

TEST_F(IntelSvmOutcomesTest, OfADesignWithAMistakeAreNot) {
  const auto differs = [](const char* name, const ScriptedDesign::Edit& mistake) {
    const Scenario one = observed(scenario(name), {"tlp0", "tlp1"});
    return explored(*kernel_, one) != in_the_model(*script_of(one, 2), [&](ScriptedDesign& design) {
             design.drain_without_mutex();
             mistake(design);
           });
  };
  EXPECT_FALSE(differs("fault-unbind", [](ScriptedDesign&) {}));
  EXPECT_TRUE(differs("fault-unbind", [](ScriptedDesign& design) {
    design.edit("iommu_sva_unbind_device")
        .replace("intel_pasid_tear_down_entry(): the PASID entry is cleared", "(it stays)",
                 [](auto&) {});
  }));
  EXPECT_TRUE(differs("bind-unbind", [](ScriptedDesign& design) {
    design.edit("iommu_sva_bind_device")
        .replace("sdev->users++", "(not counted)", [&design](auto& t) {
          design.bind_succeeds(t);
          t.jump(design.bind_unlocks);
        });
  }));
  // With the list changed last, the end of the process finds all that leads to it.
  EXPECT_TRUE(differs("exit-unbind", [](ScriptedDesign& design) {
    design.edit("iommu_sva_unbind_device").drop("list_del_rcu(&sdev->list)");
    design.edit("iommu_sva_unbind_device")
        .insert_after("intel_pasid_tear_down_entry(): the PASID entry is cleared",
                      "list_del_rcu(&sdev->list), late", [&design](auto& t) {
                        design.iommu_sva.at(design.local(t).handle).listed = false;
                      });
  }));
}

}  // namespace
}  // namespace iommucheck::linux_harness
