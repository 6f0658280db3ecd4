// SPDX-License-Identifier: MIT
// Debian's own mm/mmu_notifier.c of 6.12 under every schedule, and the design mm beside it: the
// same calls by the same threads have the same outcomes, in the model under every interleaving of
// its steps.
#include <gtest/gtest.h>

#include <map>

#include "model/mm/mm.h"
#include "tests/impl/linux/script.h"

namespace iommucheck::linux_harness {

/// A call of glue/target_mmu_notifier.c.
struct MmStep {
  enum class What { bind, unbind, fault, exit, tlp } what{};
  unsigned device = 0;  ///< of a TLP: the thread whose file it is, from 0
  bool inner = false;
};

using MmScript = Script<MmStep>;

/// The design mm with tasks that make the calls of a script.
class ScriptedMm : public Scripted<model::MmDesign<Concrete>, MmStep> {
 public:
  using Base = Scripted<model::MmDesign<Concrete>, MmStep>;
  using Edit = std::function<void(ScriptedMm&)>;

  ScriptedMm(const MmScript& script, const Edit& change)
      : Base{script, bounds_of(script)},
        got_{this->root(), "script.got", process_count(), 1U},
        device_{this->root(), "script.device", process_count(), b.bonds()},
        age_{this->root(), "script.age", b.bonds(), 15U},
        scope_{this->root()},
        binds_{scope_, "script.binds", 15U} {
    for (const auto& [program, what] :
         std::vector<std::pair<const char*, What>>{{"iommu_sva_bind_device", What::bind},
                                                   {"iommu_sva_unbind_device", What::unbind},
                                                   {"iommu_sva_handle_mm", What::fault},
                                                   {"exit_mm", What::exit}}) {
      auto& p = edit(program);
      p.arguments([this, what = what, begins = p.arguments()](T& t) {
        if (turn(t, what) != nullptr) begins(t);
      });
    }
    edit("iommu_sva_bind_device")
        .insert_after("hlist_add_head_rcu()", "(at the head)", [this](T& t) {
          binds_ += 1;
          age_[local(t).bond.value() - 1U] = binds_;
        });
    // The design takes any of those that are left, the list has the youngest first.
    for (const char* program : {"exit_mm", "iommu_sva_handle_mm"}) {
      edit(program).insert_after(
          "hlist_for_each_entry_rcu(subscription", "(the first one)", [this](T& t) {
            auto&& l = local(t);
            const unsigned chosen = l.bond.value().word();
            for (unsigned i = 0; i < b.bonds(); ++i) {
              const bool left = B(bond.object(i).hashed).bit() && !has_bit(l.walk.value(), i).bit();
              t.require(!left || age_[i].value().word() < age_[chosen - 1].value().word());
            }
          });
    }
    edit("iommu_sva_bind_device").insert_after("the PASID entry is set", "(bound)", [this](T& t) {
      device_[t.self()] = local(t).bond;
      answers(t, What::bind, 0);
    });
    edit("iommu_sva_bind_device").insert_before("return", "(there is memory)", [this](T& t) {
      t.require(file[t.self()] != 0U);
    });
    edit("iommu_sva_unbind_device").insert_before("kfree(bond)", "(unbound)", [this](T& t) {
      device_[t.self()] = 0;
      answers(t, What::unbind, 0);
    });
    auto& fault = edit("iommu_sva_handle_mm");
    fault.insert_after("if (!mmget_not_zero(mm)) return", "(the process is there)",
                       [this](T& t) { got_[t.self()] = 1; });
    fault.insert_before("return", "(handled, or not)", [this](T& t) {
      answers(t, What::fault, got_[t.self()].value().word());
      got_[t.self()] = 0;
    });
    edit("exit_mm").insert_before("return", "(over)", [this](T& t) { answers(t, What::exit, 0); });
    instead_of_a_call("TLP", What::tlp, [this](T& t) {
      const unsigned used = device_[next(t.self())->device].value().word();
      answers(t, What::tlp, used != 0 && B(bond.object(used - 1).entry).bit() ? 1 : 0);
    });
    if (change) change(*this);
    complete();
  }

 private:
  static model::MmBounds bounds_of(const MmScript& script) {
    model::MmBounds bounds;
    bounds.threads = static_cast<unsigned>(script.threads.size());
    bounds.threads_told_apart = true;
    bounds.mms = 1;
    bounds.pasids = 1;
    return bounds;
  }
  std::string text_of(unsigned code) const override { return std::to_string(code); }
  bool is_skipped(unsigned thread, const MmStep& step) const override {
    const bool has_file = file[thread].value().word() != 0;
    const bool is_task = current_mm[thread].value().word() != 0;
    switch (step.what) {
      case What::bind: return has_file || !is_task;
      case What::unbind:
      case What::fault: return !has_file;
      case What::exit: return !is_task;
      case What::tlp: return false;
    }
    return false;
  }

  Array<Concrete, Var<Concrete>> got_, device_, age_;
  Scope<Concrete> scope_;
  Var<Concrete> binds_;
};

namespace {

MmScript script_of(const Scenario& scenario) {
  using What = MmStep::What;
  static const std::map<std::string, What> kinds{
      {"bind", What::bind}, {"unbind", What::unbind}, {"fault", What::fault}, {"exit", What::exit}};
  const auto step = [](const std::string& call) {
    if (call.starts_with("tlp"))
      return MmStep{.what = What::tlp, .device = static_cast<unsigned>(call.back() - '1')};
    return MmStep{.what = kinds.at(call)};
  };
  return script_with<MmStep>(scenario, step);
}

/// The design has no shared subscriptions, and no windows.
bool is_in_the_design(const Scenario& scenario) {
  static const std::set<std::string> kKnown{"bind", "unbind", "fault", "exit", "as1", "as2"};
  const auto knows = [](const std::vector<TargetCall>& calls) {
    return std::ranges::all_of(calls,
                               [](const TargetCall& call) { return kKnown.contains(call.words); });
  };
  return knows(scenario.setup) && std::ranges::all_of(scenario.threads, knows);
}

std::set<Answers> outcomes_in_the_model(const Scenario& one, const ScriptedMm::Edit& change = {}) {
  ScriptedMm machine{script_of(one), change};
  return all_outcomes<Answers>(machine, static_cast<bool>(change));
}

class NotifierTest : public OnTarget<mmu_notifier_target> {
 protected:
  static std::set<Answers> in_the_code(const Scenario& one) {
    const Exploration explored = kernel_->explore(one, {});
    EXPECT_TRUE(explored.exhausted);
    for (const ScheduledReport& report : explored.reports)
      EXPECT_EQ(report.kind, "data race") << report.message;
    return outcomes_in_the_code(one, explored);
  }
};

TEST_F(NotifierTest, DporAndSleepSetsAgreeOnEveryWrittenScenario) {
  std::size_t small = 0;
  for (const Scenario& one : mmu_notifier_target().written()) {
    // Sleep sets take ten times as many and more.
    if (kernel_->explore(one, {.executions = 3000}).executions == 3000) continue;
    expect_searches_agree(one, false);
    ++small;
  }
  EXPECT_GT(small, 12U);
}

TEST_F(NotifierTest, SetUpsAreMade) { expect_set_ups_made(); }

TEST_F(NotifierTest, OutcomesOfTheDesignAndOfTheCodeAreTheSame) {
  std::vector<Scenario> all = mmu_notifier_target().written();
  for (Scenario& pair : mmu_notifier_target().generated(2)) all.push_back(std::move(pair));
  std::erase_if(all, [](const Scenario& one) { return !is_in_the_design(one); });
  EXPECT_EQ(all.size(), 37U);
  std::size_t outcomes = 0;
  for (const Scenario& plain : all) {
    SCOPED_TRACE(plain.name + ": " + plain.sentence);
    const Scenario one = observed(plain, {"tlp1", "tlp2"});
    const auto code = in_the_code(one);
    EXPECT_EQ(outcomes_in_the_model(one), code);
    outcomes += code.size();
  }
  std::printf("%zu scenarios, %zu outcomes\n", all.size(), outcomes);
  EXPECT_GT(outcomes, 2 * all.size());
}

TEST_F(NotifierTest, OutcomesInTheMiddleOfACallAreTheSame) {
  for (const auto& [setup, threads] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"as1 bind as2 bind", {"exit", "exit tlp1 tlp2 tlp1"}},
           {"as1 bind", {"unbind", "tlp1 tlp1 exit tlp1"}},
           {"as1 bind", {"exit unbind", "exit tlp1 tlp1"}}}) {
    SCOPED_TRACE(setup + "; " + threads.front() + " || " + threads.back());
    const Scenario one = linux_harness::scenario("test", "", setup, threads);
    const auto code = in_the_code(one);
    EXPECT_EQ(outcomes_in_the_model(one), code);
    EXPECT_GT(code.size(), 1U);
  }
}

TEST_F(NotifierTest, OutcomesOfADesignWithAMistakeAreNot) {
  const Scenario one = observed(scenario("exit-exit"), {"tlp1", "tlp2"});
  EXPECT_EQ(outcomes_in_the_model(one, [](auto&) {}), in_the_code(one));
  EXPECT_NE(outcomes_in_the_model(one,
                                  [](ScriptedMm& design) {
                                    design.edit("exit_mm").replace(
                                        "the PASID entry is cleared, the caches are "
                                        "invalidated",
                                        "(it stays)", [](auto&) {});
                                  }),
            in_the_code(one));
}

// What is counted under the lock is waited for without it.
TEST_F(NotifierTest, SharedSubscriptionsAndWindowsShowNothingElse) {
  for (const Scenario& one : mmu_notifier_target().written()) {
    if (is_in_the_design(one)) continue;
    const Exploration run = kernel_->explore(one, {.executions = 3000, .minimise = false});
    const bool waits = one.threads.back().front().words == "unmap" || one.name == "close-unmap";
    for (const ScheduledReport& report : run.reports) {
      EXPECT_TRUE(waits && report.kind == "data race") << one.name << ": " << report.kind;
      EXPECT_EQ(report.other.empty() ? "" : report.other.front().function,
                "mmu_interval_read_begin")
          << one.name;
    }
  }
}

TEST_F(NotifierTest, MistakesAreFound) {
  // The bond goes while the end of the process is at its subscription.
  EXPECT_TRUE(
      kinds_on(without("void mmu_notifier_unregister(", "synchronize_srcu(&srcu);"), "exit-unbind")
          .contains("use-after-free"));
  // The end of the process does not wait for an unbind that is clearing the entry.
  EXPECT_TRUE(
      kinds_on(without("static void mn_hlist_release(", "synchronize_srcu(&srcu);"), "exit-unbind")
          .contains("page tables freed under a device"));
  expect_found({{"mmu_notifier_unregister", "drop-lock", "unbind-unbind", "data race"},
                {"mn_itree_inv_start_range", "drop-increment", "access-unmap", "deadlock"},
                {"mn_itree_inv_end", "drop-lock", "access-unmap", "WARN_ON"},
                {"mmu_notifier_put", "early-unlock", "get-put", "use-after-free"},
                {"find_get_mmu_notifier", "drop-increment", "put-put", "use-after-free"}});
}

}  // namespace
}  // namespace iommucheck::linux_harness
