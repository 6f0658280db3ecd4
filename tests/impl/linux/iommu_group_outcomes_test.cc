// SPDX-License-Identifier: MIT
// The design attach/group with owners against Debian's own iommu.c of 6.12: the same calls by the
// same threads have the same outcomes, in the model under every interleaving of its steps and in
// the code under every schedule.
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "model/iommu/group_owner.h"
#include "tests/impl/linux/script.h"

namespace iommucheck::linux_harness {

/// A call of glue/target_iommu_group.c.
struct GroupStep {
  enum class What {
    use,
    unuse,
    claim,
    release,
    attach,
    detach,
    replace,
    map,
    alloc,
    free,
    change,
    plug,
    unplug,
    tlp
  } what{};
  unsigned device = 0;  ///< or the group
  bool inner = false;
};

using GroupScript = Script<GroupStep>;

/// attach/group with drivers that make the calls of a script: devices 0 and 2 in one group.
class ScriptedGroup : public Scripted<model::AttachGroup<Concrete>, GroupStep> {
 public:
  using Base = Scripted<model::AttachGroup<Concrete>, GroupStep>;
  using Edit = std::function<void(ScriptedGroup&)>;

  ScriptedGroup(const GroupScript& script, const Edit& change) : Base{script, bounds_of(script)} {
    for (const auto& [program, what] : std::vector<std::pair<const char*, What>>{
             {"iommu_device_use_default_domain", What::use},
             {"iommu_device_unuse_default_domain", What::unuse},
             {"iommu_device_claim_dma_owner", What::claim},
             {"iommu_device_release_dma_owner", What::release},
             {"iommu_attach_device", What::attach},
             {"iommu_detach_device", What::detach},
             {"iommu_group_replace_domain", What::replace},
             {"iommu_dma_map_page", What::map},
             {"iommu_domain_alloc", What::alloc},
             {"iommu_domain_free", What::free},
             {"iommu_group_store_type", What::change},
             {"iommu_probe_device", What::plug},
             {"iommu_release_device", What::unplug}})
      add(program, what);
    edit("iommu_dma_map_page")
        .insert_after("iommu_map(domain, iova, phys)", "(mapped)",
                      [this](T& t) { answers(t, What::map, 0); });
    instead_of_a_call("TLP", What::tlp, [this](T& t) {
      const unsigned domain = hardware.at(next(t.self())->device, 0).entry.value().word();
      const bool freed =
          domain != 0 && (iommu_domain.object(domain - 1).life != model::Life::live).bit();
      const unsigned owner = domain == 0 ? 0 : client_of(domain).owner.value().word();
      const unsigned reached = domain == 0 ? 0 : freed ? kFreed : 1 + owner;
      answers(t, What::tlp, reached * iommu::kErrs);
    });
    if (change) change(*this);
    complete();
  }

 private:
  static constexpr unsigned kFreed = 9;  // as the target has it

  static model::AttachBounds bounds_of(const GroupScript& script) {
    model::AttachBounds bounds;
    bounds.threads = static_cast<unsigned>(script.threads.size());
    bounds.threads_told_apart = true;
    bounds.devices = 3;
    bounds.groups = 2;
    bounds.owners = true;
    for (const auto& thread : script.threads) {
      for (const GroupStep& step : thread) {
        if (step.what == What::alloc) ++bounds.domains;
        if (step.what == What::plug || step.what == What::unplug) bounds.hotplug = true;
      }
    }
    return bounds;
  }

  /// The program makes the calls of the script and no others, and there is one that makes those
  /// whose preconditions do not hold.
  void add(const char* name, What what) {
    const bool needs_domains = what == What::replace;
    const bool needs_hotplug = what == What::plug || what == What::unplug;
    if ((!needs_domains || b.domains > 1) && (!needs_hotplug || b.hotplug)) {
      auto& p = edit(name);
      p.arguments([this, what, chooses = p.arguments()](T& t) {
        const GroupStep* step = turn(t, what);
        if (step == nullptr) return;
        if (chooses) chooses(t);
        const bool of_a_device = what != What::alloc && what != What::free;
        t.require(!of_a_device || local(t).dev.value().word() == step->device);
      });
    }
    instead_of_a_call(fmt::format("{} (not made)", name).c_str(), what, [this, what](T& t) {
      const unsigned device = next(t.self())->device;
      t.require(!is_used(t, device) && !can(t.self(), what, device));
      answers_not_made(t);
    });
  }
  /// The domain of the thread with this `where`.
  bool has(unsigned self, unsigned where) const {
    for (unsigned i = 0; i < b.client_domains(); ++i) {
      if (client[i].owner.value().word() == self + 1 && client[i].where.value().word() == where)
        return true;
    }
    return false;
  }
  bool can(unsigned self, What what, unsigned device) const {
    auto&& at = gdev[device];
    const bool gone = b.hotplug && at.driverless.value().word() != 0;
    const unsigned user = at.user.value().word();
    const bool claims = at.claims.value().word() != 0, mine = user == self + 1;
    const bool another = device != 1 && gdev[2 - device].user.value().word() == self + 1;
    switch (what) {
      case What::use:
      case What::claim:
      case What::unplug: return !gone && user == 0;
      case What::plug: return gone;
      case What::unuse: return mine && !claims && !has(self, 1 + device);
      case What::release: return mine && claims && (!another || !has(self, 1 + device));
      case What::attach: return mine && has(self, 0);
      case What::detach: return has(self, 1 + device);
      case What::replace: return mine && claims && has(self, 1 + device) && has(self, 0);
      case What::map: return mine && !claims;
      case What::free: return has(self, 0);
      case What::alloc:
      case What::change:
      case What::tlp: return true;
    }
    return true;
  }
  void answered(T& t, Kind kind, const iommu::Args<Concrete>& made, Val<Concrete, iommu::Err> err,
                V value) override {
    static const std::map<Kind, What> kinds{
        {Kind::use_default_domain, What::use}, {Kind::unuse_default_domain, What::unuse},
        {Kind::claim_dma_owner, What::claim},  {Kind::release_dma_owner, What::release},
        {Kind::attach, What::attach},          {Kind::detach, What::detach},
        {Kind::replace, What::replace},        {Kind::domain_alloc, What::alloc},
        {Kind::domain_free, What::free},       {Kind::change_default_domain, What::change},
        {Kind::probe_device, What::plug},      {Kind::release_device, What::unplug}};
    static_cast<void>(value);
    t.require(made.nomem.word() == 0);
    answers(t, kinds.at(kind), err.word());
  }
  std::string text_of(unsigned code) const override {
    const auto err = static_cast<iommu::Err>(code % iommu::kErrs);
    return err == iommu::Err::ok ? std::to_string(code / iommu::kErrs) : std::string{name(err)};
  }
  void no_call(T& t) override { only_effect(t); }
};

namespace {

GroupScript script_of(const Scenario& scenario) {
  using What = GroupStep::What;
  static const std::map<std::string, What> kinds{
      {"use", What::use},         {"unuse", What::unuse},   {"claim", What::claim},
      {"release", What::release}, {"attach", What::attach}, {"detach", What::detach},
      {"replace", What::replace}, {"map", What::map},       {"alloc", What::alloc},
      {"free", What::free},       {"change", What::change}, {"plug", What::plug},
      {"unplug", What::unplug},   {"tlp", What::tlp}};
  const auto step = [](const std::string& call) {
    const bool numbered = call.back() >= '0' && call.back() <= '9';
    return GroupStep{.what = kinds.at(numbered ? call.substr(0, call.size() - 1) : call),
                     .device = numbered ? static_cast<unsigned>(call.back() - '0') : 0};
  };
  return script_with<GroupStep>(scenario, step);
}

/// The answers, and whether a domain is freed where it is attached.
struct Behaviours {
  std::set<Answers> outcomes;
  bool freed_while_attached = false;
  bool operator==(const Behaviours&) const = default;
};

Behaviours in_the_model(const Scenario& scenario, const ScriptedGroup::Edit& change) {
  ScriptedGroup machine{script_of(scenario), change};
  Behaviours all;
  all.outcomes = outcomes_where<Answers>(
      machine,
      [](const std::string& property, const char* detail) {
        ADD_FAILURE() << property << ": " << detail;
        return true;
      },
      [&](const std::string& invariant) {
        if (invariant == "no-stale-translation") all.freed_while_attached = true;
      });
  return all;
}
/// As it is in 6.12.117.
Behaviours in_the_model(const Scenario& scenario) {
  return in_the_model(scenario, [](ScriptedGroup& design) { design.detach_counting_devices(); });
}

/// The design has none.
bool has_pasids(const Scenario& scenario) {
  return std::ranges::any_of(scenario.threads, [](const auto& calls) {
    return std::ranges::any_of(calls, [](const TargetCall& call) {
      return call.words.find("_pasid") != std::string::npos;
    });
  });
}

class GroupOutcomesTest : public OnTarget<iommu_group_target> {
 protected:
  static Behaviours in_the_code(const Scenario& one) {
    const Exploration explored = kernel_->explore(one, {});
    EXPECT_TRUE(explored.exhausted);
    const auto kinds = kinds_in(explored);
    for (const std::string& kind : kinds)
      EXPECT_TRUE(kind == "WARN_ON" || kind == "domain freed while attached") << kind;
    return {outcomes_in_the_code(one, explored), kinds.contains("domain freed while attached")};
  }
};

TEST_F(GroupOutcomesTest, OfTheDesignAndOfTheCodeAreTheSame) {
  std::size_t freed = 0, most = 0;
  for (const Scenario& written : iommu_group_target().written()) {
    SCOPED_TRACE(written.name);
    if (has_pasids(written)) continue;
    // That a domain is gone is noted device by device.
    const bool goes = written.name == "grown-group";
    const Scenario one = goes ? observed(written, {"tlp0"}) : observed(written, {"tlp0", "tlp2"});
    const Behaviours code = in_the_code(one), model = in_the_model(one);
    EXPECT_EQ(model.outcomes, code.outcomes);
    EXPECT_EQ(model.freed_while_attached, code.freed_while_attached);
    freed += code.freed_while_attached ? 1 : 0;
    most = std::max(most, code.outcomes.size());
    std::printf("%s: %zu outcomes\n", one.name.c_str(), code.outcomes.size());
  }
  EXPECT_EQ(freed, 1U);
  EXPECT_GT(most, 5U);
}

// A group moves device by device.
TEST_F(GroupOutcomesTest, OfTlpsInTheMiddleOfACallAreTheSame) {
  for (const auto& [setup, call] : std::vector<std::pair<std::string, std::string>>{
           {"", "claim0"},
           {"", "change0"},
           {"as1 claim0", "release0"},
           {"as1 claim0 alloc", "attach0"},
           {"as1 claim0 alloc attach0", "detach0"},
           {"as1 claim0 alloc attach0 alloc", "replace0"},
           {"as1 claim0 alloc attach0", "unplug2"},
           {"as1 unplug2 claim0 alloc attach0", "plug2"}}) {
    SCOPED_TRACE(setup + "; " + call);
    const Scenario one =
        linux_harness::scenario("test", "", setup, {call, "tlp0 tlp2 tlp0", "tlp2 tlp0"});
    const Behaviours code = in_the_code(one);
    EXPECT_EQ(in_the_model(one), code);
    if (call == "change0" || call == "replace0") continue;  // from one of a kind to another
    EXPECT_GT(code.outcomes.size(), 3U);
  }
}

TEST_F(GroupOutcomesTest, OfGeneratedPairsAreTheSame) {
  std::size_t compared = 0, outcomes = 0;
  for (const Scenario& pair : iommu_group_target().generated(2)) {
    SCOPED_TRACE(pair.name + ": " + pair.sentence);
    if (has_pasids(pair)) continue;
    const Scenario one = observed(pair, {"tlp0", "tlp2"});
    const Behaviours code = in_the_code(one);
    EXPECT_EQ(in_the_model(one), code);
    ++compared;
    outcomes += code.outcomes.size();
  }
  std::printf("%zu pairs, %zu outcomes\n", compared, outcomes);
  EXPECT_GT(compared, 200U);
  EXPECT_GT(outcomes, compared);
}

TEST_F(GroupOutcomesTest, OfADesignWithAMistakeAreNot) {
  const auto scenario_of = [](const char* name) {
    return observed(scenario(name), {"tlp0", "tlp2"});
  };
  const auto differs = [](const Scenario& one, const ScriptedGroup::Edit& mistake) {
    ScriptedGroup machine{script_of(one), mistake};
    return all_outcomes<Answers>(machine, true) != in_the_code(one).outcomes;
  };
  const auto without = [](const char* program, const char* step) {
    return [=](ScriptedGroup& design) {
      design.edit(program).replace(step, "(left out)", [](auto&) {});
    };
  };
  EXPECT_FALSE(differs(scenario_of("attach-use"), {}));
  EXPECT_TRUE(differs(scenario_of("attach-use"),
                      without("iommu_device_use_default_domain", "if (group->owner_cnt && ")));
  EXPECT_TRUE(differs(scenario_of("claim-claim"),
                      without("iommu_device_claim_dma_owner", "if (group->owner != owner)")));
  EXPECT_TRUE(differs(scenario_of("use-change"), without("iommu_group_store_type", "if (list_")));
  // The mended detach does not leave its domain behind.
  EXPECT_TRUE(differs(scenario_of("grown-group"), {}));
}

}  // namespace
}  // namespace iommucheck::linux_harness
