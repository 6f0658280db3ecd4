// SPDX-License-Identifier: MIT
// The design vtd/pasid-entry against Debian's own intel/pasid.c of 6.12: the same calls by the same
// threads, and the same reads by the hardware, have the same outcomes and break the same rules, in
// the model under every interleaving of its steps and in the code under every schedule.
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "model/vtd/edits.h"
#include "model/vtd/pasid_entry.h"
#include "tests/impl/linux/script.h"
#include "tests/sweeps.h"

namespace iommucheck::linux_harness {

/// A call of glue/target_intel_pasid.c.
struct PasidStep {
  enum class What { bind, unbind, exit, unmap, touch, fetch, walk, ats, entry, cached } what{};
  unsigned device = 0;
  bool inner = false;
};

struct PasidScript : Script<PasidStep> {
  bool one_task = false, apart = false, untrusted = false;
  bool ended = false;  ///< the first process, in the set-up
};

/// vtd/pasid-entry with threads that make the calls of a script; what the hardware does is there,
/// too, and nowhere else.
class ScriptedPasid : public Scripted<model::VtdPasidEntry<Concrete>, PasidStep> {
 public:
  using Base = Scripted<model::VtdPasidEntry<Concrete>, PasidStep>;
  using Edit = std::function<void(ScriptedPasid&)>;

  ScriptedPasid(const PasidScript& script, const Edit& change)
      : Base{script, bounds_of(script)},
        script_{script},
        left_{this->root(), "script.left", this->process_count(), 1U},
        drained_{this->root(), "script.drained", this->process_count(), 1U} {
    add_bonds();
    add_processes();
    add_hardware();
    if (change) change(*this);
    complete();
  }

  /// Whether the hardware reads a torn entry, on any path.
  bool has_torn() const { return has_torn_; }

 private:
  static model::VtdBounds bounds_of(const PasidScript& script) {
    model::VtdBounds bounds;
    bounds.threads = static_cast<unsigned>(script.threads.size());
    bounds.threads_told_apart = true;
    bounds.devices = 2;
    bounds.mms = 2;
    bounds.untrusted = script.untrusted;
    bounds.acts = false;
    return bounds;
  }
  std::string text_of(unsigned code) const override { return std::to_string(code); }
  static constexpr unsigned kTorn = 9;  // as the target has it

  /// The program makes the calls of the script and no others, and there is one that makes those
  /// whose preconditions do not hold.
  void add(const char* name, What what) {
    auto& p = edit(name);
    p.arguments([this, what, chooses = p.arguments()](T& t) {
      const PasidStep* step = turn(t, what);
      if (step == nullptr) return;
      t.require(can(t.self(), *step));
      chooses(t);
      auto&& l = vtd.local(t);
      const bool of_a_device = what == What::bind || what == What::unbind;
      t.require((!of_a_device || l.row.value().word() == step->device) &&
                (what == What::unbind || l.mm.value().word() == process_of(t.self())));
    });
    instead_of_a_call(fmt::format("{} (not made)", name).c_str(), what, [this](T& t) {
      const PasidStep& step = *next(t.self());
      t.require(!can(t.self(), step) && !is_busy(t.self(), step));
      answers_not_made(t);
    });
  }
  void add_bonds() {
    add("intel_svm_set_dev_pasid", What::bind);
    edit("intel_svm_set_dev_pasid")
        .insert_after("list_add(&dev_pasid->link_domain, &domain->dev_pasids); unlock", "(bound)",
                      [this](T& t) { answers(t, What::bind, 0); });
    add("intel_iommu_remove_dev_pasid", What::unbind);
    auto& unbind = edit("intel_iommu_remove_dev_pasid");
    // What is drained behind both.
    for (const char* step : {"pasid_clear_entry(pte)", "pasid_clear_present(pte)"})
      unbind.insert_after(step, "(will be drained)", [this](T& t) { drained_[t.self()] = 1; });
    unbind.insert_before("return", "(unbound)", [this](T& t) {
      answers(t, What::unbind, drained_[t.self()].value().word());
      drained_[t.self()] = 0;
    });
  }
  void add_processes() {
    add("zap_pte_range", What::unmap);
    edit("zap_pte_range").insert_after("free_pages_and_swap_cache()", "(unmapped)", [this](T& t) {
      answers(t, What::unmap, 0);
    });
    add("do_anonymous_page", What::touch);
    edit("do_anonymous_page")
        .insert_after("set_ptes(mm, addr, vmf->pte, entry, nr_pages)", "(touched)",
                      [this](T& t) { answers(t, What::touch, 0); });
    add("exit_mmap", What::exit);
    edit("exit_mmap").insert_after("free_pgtables(mm)", "(ended)", [this](T& t) {
      left_[t.self()] = 1;
      answers(t, What::exit, 0);
    });
    instead_of_a_call("exit_mm", What::exit, [this](T& t) {
      t.require(!has_left(t.self()) && tasks_beside(t.self()) > 0);
      left_[t.self()] = 1;
      answers(t, What::exit, 0);
    });
  }
  void add_hardware() {
    auto& p = program("the IOMMU reads an entry");
    const auto begin = p.label();
    p.arguments([this](T& t) {
      if (const PasidStep* step = turn(t, What::fetch)) vtd.local(t).row = step->device;
    });
    p.place(begin);
    // One entry is read by one.
    p.step("val[0]", [this](T& t) {
      const unsigned row = vtd.row(t).word();
      auto&& h = vtd.caches[row];
      if (is_cached(row)) return answered(t, h.flptr.value().word());
      t.require(h.fetched.value().word() == 0);
      if (vtd.entry[row].state.value().word() != model::kPresent) return answered(t, 0);
      vtd.fetch(row, 0);
    });
    for (unsigned w = 1; w < model::kWords; ++w) {
      p.step(fmt::format("val[{}]", w), [this, w, begin](T& t) {
        const unsigned row = vtd.row(t).word();
        if (vtd.caches[row].fetched.value().word() == 0) return t.jump(begin);
        vtd.fetch(row, w);
      });
    }
    p.step("it is cached", [this, begin](T& t) {
      const unsigned row = vtd.row(t).word();
      auto&& h = vtd.caches[row];
      if (h.fetched.value().word() == 0) return t.jump(begin);
      const unsigned who = h.fetched_flptr.value().word();
      if (who != 0 && who == h.fetched_did.value().word()) {
        vtd.end_fetch(row);
        return answered(t, who);
      }
      // As the target has it: nothing is cached.
      h.fetched = 0;
      h.fetched_did = 0;
      h.fetched_flptr = 0;
      has_torn_ = true;
      answered(t, kTorn);
    });
    instead_of_a_call("a walk of its page tables", What::walk, [this](T& t) {
      const unsigned row = next(t.self())->device;
      auto&& h = vtd.caches[row];
      const unsigned who = is_cached(row) ? h.flptr.value().word() : 0;
      if (h.iotlb.value().word() == 0 && who != 0 && is_mapped(who)) vtd.walk(row);
      answers(t, What::walk, h.iotlb.value().word());
    });
    instead_of_a_call("an answer of the IOTLB", What::ats, [this](T& t) {
      const unsigned row = next(t.self())->device;
      auto&& h = vtd.caches[row];
      if (h.devtlb.value().word() == 0 && h.iotlb.value().word() != 0) vtd.answer(row);
      answers(t, What::ats, h.devtlb.value().word());
    });
    instead_of_a_call("a look at the entry", What::entry, [this](T& t) {
      answers(t, What::entry, vtd.entry[next(t.self())->device].state.value().word());
    });
    instead_of_a_call("a look at the caches", What::cached, [this](T& t) {
      const unsigned row = next(t.self())->device;
      auto&& h = vtd.caches[row];
      const unsigned entry = is_cached(row) ? h.flptr.value().word() : 0;
      answers(t, What::cached, 100 * entry + 10 * h.iotlb.value().word() + h.devtlb.value().word());
    });
  }
  void answered(T& t, unsigned who) {
    answers(t, What::fetch, who);
    t.ret();
  }

  // Processes: 1, 2.
  unsigned process_of(unsigned self) const { return script_.apart && self > 0 ? 2 : 1; }
  bool has_left(unsigned self) const {
    if (left_[self].value().word() != 0) return true;
    const bool alone = script_.one_task || script_.apart;
    return !in_setup() && process_of(self) == 1 && (script_.ended || (alone && self != 0));
  }
  unsigned tasks_beside(unsigned self) const {
    unsigned tasks = 0;
    for (unsigned i = 0; i < script_.threads.size() && !in_setup(); ++i)
      tasks += i != self && process_of(i) == process_of(self) && !has_left(i) ? 1 : 0;
    return tasks;
  }
  unsigned page_of(unsigned process) const {
    return static_cast<unsigned>(vtd.page[process - 1].value().word());
  }
  bool is_mapped(unsigned process) const {
    return page_of(process) == static_cast<unsigned>(model::PageState::mapped);
  }
  bool is_cached(unsigned row) const { return Bool<Concrete>(vtd.caches[row].valid).bit(); }

  /// Whether the call waits, as the device's group is locked, or is another program.
  bool is_busy(unsigned self, const PasidStep& step) const {
    if (step.what == What::exit) return !has_left(self);
    auto&& bond = device[step.device];
    const bool of_a_device = step.what == What::bind || step.what == What::unbind;
    return of_a_device && bond.owner.value().word() != 0 && !Bool<Concrete>(bond.in_use).bit();
  }
  bool can(unsigned self, const PasidStep& step) const {
    auto&& bond = device[step.device];
    const unsigned process = process_of(self);
    switch (step.what) {
      case What::bind: return !has_left(self) && bond.owner.value().word() == 0;
      case What::unbind: return Bool<Concrete>(bond.in_use).bit();
      case What::unmap: return !has_left(self) && is_mapped(process);
      case What::touch:
        return !has_left(self) &&
               page_of(process) == static_cast<unsigned>(model::PageState::freed);
      case What::exit: return !has_left(self) && tasks_beside(self) == 0;
      default: return true;
    }
  }

  const PasidScript script_;
  bool has_torn_ = false;
  Array<Concrete, Var<Concrete>> left_, drained_;
};

namespace {

std::optional<PasidScript> script_of(const Scenario& scenario) {
  using What = PasidStep::What;
  static const std::map<std::string, What> kinds{{"bind", What::bind},   {"unbind", What::unbind},
                                                 {"exit", What::exit},   {"unmap", What::unmap},
                                                 {"touch", What::touch}, {"fetch", What::fetch},
                                                 {"walk", What::walk},   {"ats", What::ats},
                                                 {"entry", What::entry}, {"cached", What::cached}};
  PasidScript script;
  script.threads.resize(scenario.threads.size());
  const auto add = [&](std::size_t thread, const std::string& call) {
    const bool numbered = call.back() >= '0' && call.back() <= '9';
    const auto kind = kinds.find(numbered ? call.substr(0, call.size() - 1) : call);
    if (kind == kinds.end()) return false;
    script.threads[thread].push_back(
        {.what = kind->second, .device = numbered ? static_cast<unsigned>(call.back() - '0') : 0});
    return true;
  };
  for (const TargetCall& call : scenario.setup) {
    if (call.words == "shown") continue;
    if (call.words == "one_task") {
      script.one_task = true;
    } else if (call.words == "apart") {
      script.apart = true;
    } else if (call.words == "untrusted") {
      script.untrusted = true;
    } else if (add(0, call.words)) {
      script.setup.push_back(0);
      script.ended = script.ended || call.words == "exit";
    } else {
      return {};
    }
  }
  for (std::size_t i = 0; i < scenario.threads.size(); ++i) {
    for (const TargetCall& call : scenario.threads[i]) {
      if (!add(i, call.words)) return {};
    }
  }
  return script;
}

/// The answers, and the rules of the design that are broken.
struct Behaviours {
  std::set<Answers> outcomes;
  std::set<std::string> broken;
  bool operator==(const Behaviours&) const = default;
};

/// How the code reports what breaks a property of the design.
const std::map<std::string, std::string> kRules{
    {"torn PASID entry", "no-torn-entry"},
    {"page tables freed under a device", "no-freed-table"},
    {"stale translation", "no-freed-page"},
    {"translation for another owner", "right-process"},
    {"translation left behind", "nothing-cached-after-unbind"},
    {"PASID entry left behind", "nothing-cached-after-unbind"}};

Behaviours in_the_model(const Scenario& scenario, const ScriptedPasid::Edit& change) {
  ScriptedPasid machine{script_of(scenario).value(), change};
  Behaviours all;
  all.outcomes = outcomes_where<Answers>(
      machine,
      [&](const std::string& property, const char*) {
        all.broken.insert(property);
        return true;
      },
      [&](const std::string& property) { all.broken.insert(property); });
  if (machine.has_torn()) all.broken.insert("no-torn-entry");
  return all;
}

/// As it is in 6.12.117: the end of a process asks whether the entry is present that it has just
/// made not present.
void fault_disabled_never_set(ScriptedPasid& design) {
  design.edit("exit_mmap")
      .replace("WRITE_ONCE(pe->val[0], PASID_PTE_FPD)", "WRITE_ONCE(.., 0)",
               [&design](auto& t) { design.vtd.write_state(t, model::kEmpty); });
}
Behaviours in_the_model(const Scenario& scenario) {
  return in_the_model(scenario, fault_disabled_never_set);
}

constexpr const char* kTearingDown = "void intel_pasid_tear_down_entry(";

class IntelPasidOutcomesTest : public OnTarget<intel_pasid_target> {
 protected:
  static Behaviours explored(ScheduledKernel& kernel, const Scenario& one) {
    const Exploration exploration = kernel.explore(one, {});
    EXPECT_TRUE(exploration.exhausted);
    Behaviours all{outcomes_in_the_code(one, exploration), {}};
    for (const std::string& kind : kinds_in(exploration)) {
      const auto rule = kRules.find(kind);
      all.broken.insert(rule == kRules.end() ? kind : rule->second);
    }
    return all;
  }
  static Behaviours in_the_code(const Scenario& one) { return explored(*kernel_, one); }
  /// Those of the code.
  static Behaviours expect_same(const Scenario& one) {
    const Behaviours code = in_the_code(one), model = in_the_model(one);
    EXPECT_EQ(model.outcomes, code.outcomes);
    EXPECT_EQ(model.broken, code.broken);
    return code;
  }
  /// What the hardware reads is shown, and each thread ends with a look at all that there is; with
  /// three of them, that costs a hundred times as many executions.
  static Scenario observed(const Scenario& one) {
    Scenario all = one.threads.size() < 3
                       ? linux_harness::observed(one, {"entry0", "cached0", "cached1"})
                       : one;
    if (one.threads.size() == 3) all.threads[1].emplace_back("cached0");
    all.setup.emplace(all.setup.begin(), "shown");
    return all;
  }
};

TEST_F(IntelPasidOutcomesTest, OfTheDesignAndOfTheCodeAreTheSame) {
  std::size_t most = 0, compared = 0;
  for (const Scenario& written : intel_pasid_target().written()) {
    SCOPED_TRACE(written.name);
    const Scenario one = observed(written);
    if (!script_of(one)) {
      std::printf("%s: the model cannot follow\n", one.name.c_str());
      continue;
    }
    const Behaviours code = expect_same(one);
    EXPECT_TRUE(code.broken.empty());
    most = std::max(most, code.outcomes.size());
    ++compared;
    std::printf("%s: %zu outcomes\n", one.name.c_str(), code.outcomes.size());
  }
  EXPECT_GT(compared, 12U);
  EXPECT_GT(most, 10U);
}

TEST_F(IntelPasidOutcomesTest, OfGeneratedPairsAreTheSame) {
  std::size_t compared = 0, left_out = 0, outcomes = 0;
  for (const Scenario& pair : intel_pasid_target().generated(2)) {
    SCOPED_TRACE(pair.name + ": " + pair.sentence);
    const Scenario one = observed(pair);
    if (!script_of(one)) {
      ++left_out;
      continue;
    }
    outcomes += expect_same(one).outcomes.size();
    ++compared;
  }
  std::printf("%zu pairs, %zu outcomes; %zu that the model cannot follow\n", compared, outcomes,
              left_out);
  EXPECT_GT(compared, 100U);
  EXPECT_GT(outcomes, 2 * compared);
}

// What is in the entry and in each cache, in the middle of each call.
TEST_F(IntelPasidOutcomesTest, OfLooksInTheMiddleOfACallAreTheSame) {
  for (const auto& [setup, call] : std::vector<std::pair<std::string, std::string>>{
           {"", "bind0"},
           {"bind0 fetch0 walk0 ats0", "unbind0"},
           {"bind0 fetch0 walk0 ats0 one_task", "exit"},
           {"bind0 fetch0 walk0 ats0 one_task", "exit unbind0"},
           {"bind0 fetch0 walk0 ats0", "unmap touch"}}) {
    SCOPED_TRACE(setup + "; " + call);
    const Scenario one = linux_harness::scenario(
        "test", "", "shown " + setup,
        {call, "cached0 entry0 cached0 fetch0 walk0 ats0 entry0 cached0 cached0"});
    EXPECT_GT(expect_same(one).outcomes.size(), 3U);
  }
}

// The hardware goes on with what its driver has given up, or has not got yet.
TEST_F(IntelPasidOutcomesTest, OfAnUntrustedDeviceAreTheSame) {
  std::set<std::string> broken;
  for (const auto& [setup, threads] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"bind0 fetch0 walk0 ats0", {"unmap", "unbind0"}},
           {"bind0 fetch0 walk0 ats0 one_task", {"exit", "unbind0"}},
           {"apart bind0 fetch0 walk0 ats0", {"exit", "unbind0"}}}) {
    SCOPED_TRACE(setup);
    broken.merge(
        expect_same(linux_harness::scenario("test", "", "shown untrusted " + setup, threads))
            .broken);
  }
  EXPECT_EQ(broken, (std::set<std::string>{"no-freed-page", "no-freed-table"}));
}

// The design that holds, and the file with the question that was meant.
TEST_F(IntelPasidOutcomesTest, OfTheRepairedDesignAndCodeAreTheSame) {
  const auto repaired = with(replaced("intel_pasid_clear_entry(",
                                      "fault_ignore && pasid_pte_is_present(pe)", "fault_ignore"));
  for (const char* name : {"exit", "exit-warm", "exit-unbind", "reuse-exit", "two-devices-exit"}) {
    SCOPED_TRACE(name);
    const Scenario one = observed(scenario(name));
    const Behaviours design = in_the_model(one, {});
    EXPECT_EQ(design, explored(*repaired, one));
    EXPECT_TRUE(design.broken.empty());
    EXPECT_NE(design, in_the_code(one));
  }
}

// A mistake in the design is the same mistake in a copy of the file.
TEST_F(IntelPasidOutcomesTest, OfTheSameMistakesAreTheSame) {
  if (!sweeps()) GTEST_SKIP() << kSweep;
  namespace edits = model::vtd_edits;
  const auto compare = [](ScheduledKernel& kernel, const std::string& name,
                          const ScriptedPasid::Edit& mistake) {
    SCOPED_TRACE(name);
    const Scenario one = observed(scenario(name));
    const Behaviours design = in_the_model(one, [&](ScriptedPasid& machine) {
      fault_disabled_never_set(machine);
      mistake(machine);
    });
    const Behaviours code = explored(kernel, one);
    EXPECT_EQ(design.outcomes, code.outcomes);
    EXPECT_EQ(design.broken, code.broken);
    EXPECT_FALSE(design.broken.empty());
  };
  constexpr const char* kUnbind = "intel_iommu_remove_dev_pasid";
  constexpr const char* kExit = "exit_mmap";
  const std::string flush = "pasid_cache_invalidation_with_pasid(iommu, did, pasid);";
  const auto entry = with(without(kTearingDown, flush));
  compare(*entry, "tear-down", edits::without(kUnbind, edits::kFlushPasidCache));
  compare(*entry, "exit-warm", edits::without(kExit, edits::kFlushPasidCache));
  const auto iotlb = with(without(kTearingDown, "qi_flush_piotlb(iommu, did, pasid, 0, -1, 0);"));
  compare(*iotlb, "tear-down-warm", edits::without(kUnbind, edits::kFlushIotlb));
  compare(*iotlb, "exit", edits::without(kExit, edits::kFlushIotlb));
  const auto devtlb =
      with(without(kTearingDown, "devtlb_invalidation_with_pasid(iommu, dev, pasid);"));
  compare(*devtlb, "exit-warm", edits::without(kExit, edits::kFlushDevtlb));
  const auto early = with(moved(kTearingDown, "pasid_clear_present(pte);", flush));
  compare(*early, "exit", edits::swapped(kExit, edits::kClearPresent, edits::kFlushPasidCache));
}

TEST_F(IntelPasidOutcomesTest, OfADesignWithAMistakeAreNot) {
  namespace edits = model::vtd_edits;
  const auto differs = [](const char* name, const ScriptedPasid::Edit& mistake) {
    const Scenario one = observed(scenario(name));
    return in_the_code(one) != in_the_model(one, [&](ScriptedPasid& design) {
             fault_disabled_never_set(design);
             mistake(design);
           });
  };
  EXPECT_FALSE(differs("set-up", [](ScriptedPasid&) {}));
  EXPECT_TRUE(differs(
      "set-up", edits::swapped("intel_svm_set_dev_pasid", edits::kSetPointer, edits::kSetPresent)));
  EXPECT_TRUE(differs("tear-down", edits::torn("intel_iommu_remove_dev_pasid")));
  EXPECT_TRUE(differs("exit", edits::torn("exit_mmap")));
  EXPECT_TRUE(differs("exit-unbind", edits::release_unlocked("exit_mmap")));
  EXPECT_TRUE(differs("unmap", edits::without("zap_pte_range", edits::kZapIotlb)));
  EXPECT_TRUE(differs("unmap-unbind", edits::wrong_range("zap_pte_range")));
  // As if both tags went at once.
  EXPECT_TRUE(differs("unmap-unbind", [](ScriptedPasid& design) {
    design.edit("intel_iommu_remove_dev_pasid").drop("list_del(&tag->node): CACHE_TAG_DEVTLB");
    design.edit("intel_iommu_remove_dev_pasid")
        .replace("list_del(&tag->node): CACHE_TAG_IOTLB", "list_del(): both", [&design](auto& t) {
          auto&& tags = design.vtd.dev_pasid[design.vtd.row(t)];
          t.lock(design.vtd.cache_lock);
          tags.iotlb_tag = 0;
          tags.devtlb_tag = 0;
          t.unlock(design.vtd.cache_lock);
        });
  }));
}

}  // namespace
}  // namespace iommucheck::linux_harness
