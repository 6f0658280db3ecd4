// SPDX-License-Identifier: MIT
// The design sva/attach-handle against Debian's own iommu-sva.c and iommu.c of 6.12: the same calls
// by the same threads have the same outcomes, in the model under every interleaving of its steps
// and in the code under every schedule.
#include <gtest/gtest.h>

#include "model/iommu/sva_attach_handle.h"
#include "tests/impl/linux/on_target.h"
#include "tests/impl/linux/outcomes.h"

namespace iommucheck::linux_harness {
namespace {

using iommu::CallKind;
using iommu::Err;

/// What each thread's calls answer: thread by thread, call by call, as the target prints it.
using Outcomes = std::vector<std::vector<std::string>>;

/// A call of the model; `fault` stands for a TLP.
struct Step {
  CallKind kind{};
  unsigned device = 0, mm = 0;
  unsigned slot = 0;     ///< which of the thread's bonds
  bool reports = false;  ///< its value is the answer, not just that it succeeded
  bool inner = false;    ///< the second half of another call: no answer of its own
};

/// The calls of a scenario as the model makes them.  Nothing where a bond is given up by another
/// thread than the one that made it, which the model's drivers do not do.
struct Script {
  std::vector<std::vector<Step>> threads;  ///< the set-up's calls first
  std::vector<unsigned> setup;             ///< whose turn it is, one after the other
  unsigned bonds = 1;
};

/// What a call of the target is: glue/target_sva.c.
std::optional<Script> script_of(const Scenario& scenario) {
  const std::size_t n = scenario.threads.size();
  // Files: of devices 0, 1, 2 and of the other process.
  const auto file_of = [](const std::string& call) -> unsigned {
    if (call == "other_close" || call == "other0") return 3;
    return static_cast<unsigned>(call.back() - '0');
  };
  struct Bond {
    unsigned file, slot;
  };
  Script script;
  script.threads.resize(n);
  std::vector<std::vector<Bond>> held(n);
  std::vector<unsigned> slots(n, 0);
  const auto bind = [&](std::size_t thread, const std::string& call, bool composite) {
    const unsigned file = file_of(call), slot = slots[thread]++;
    script.threads[thread].push_back({.kind = CallKind::bind,
                                      .device = file == 3 ? 0 : file,
                                      .mm = file == 3 ? 1U : 0U,
                                      .slot = slot,
                                      .reports = composite});
    if (composite)
      script.threads[thread].push_back({.kind = CallKind::unbind, .slot = slot, .inner = true});
    else
      held[thread].push_back({file, slot});
  };
  // A bond of the set-up is made by the thread that gives it up, as far as there is one.
  std::vector<std::vector<unsigned>> wanted(n);
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<unsigned> own;
    for (const TargetCall& call : scenario.threads[i]) {
      if (call.words.starts_with("bind") || call.words == "other0")
        own.push_back(file_of(call.words));
      if (!call.words.starts_with("unbind") && call.words != "other_close") continue;
      const auto mine = std::ranges::find(own, file_of(call.words));
      if (mine != own.end())
        own.erase(mine);
      else
        wanted[i].push_back(file_of(call.words));
    }
  }
  for (const TargetCall& call : scenario.setup) {
    std::size_t thread = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const auto mine = std::ranges::find(wanted[i], file_of(call.words));
      if (mine == wanted[i].end()) continue;
      wanted[i].erase(mine);
      thread = i;
      break;
    }
    bind(thread, call.words, false);
    script.setup.push_back(static_cast<unsigned>(thread));
  }
  for (const auto& left : wanted) {
    if (!left.empty()) return {};
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (const TargetCall& call : scenario.threads[i]) {
      const std::string& name = call.words;
      if (name.starts_with("bind") || name == "other0") {
        bind(i, name, false);
      } else if (name.starts_with("pasid")) {
        bind(i, name, true);
      } else if (name.starts_with("tlp")) {
        script.threads[i].push_back({.kind = CallKind::fault, .device = file_of(name)});
      } else if (name == "exit" || name == "other_exit") {
        script.threads[i].push_back({.kind = CallKind::exit, .mm = name == "exit" ? 0U : 1U});
      } else {
        const auto mine = std::ranges::find(held[i], file_of(name), &Bond::file);
        script.threads[i].push_back({.kind = CallKind::unbind, .slot = mine->slot});
        held[i].erase(mine);
      }
    }
    script.bonds = std::max(script.bonds, slots[i]);
  }
  return script;
}

/// sva/attach-handle with threads that make the calls of a script: devices 0 and 2 in one group, a
/// PASID, and two processes, of which the first has a task for each thread.
class Scripted : public model::SvaAttachHandle<Concrete> {
 public:
  using Edit = std::function<void(Scripted&)>;
  explicit Scripted(const Script& script, const Edit& change = {})
      : SvaAttachHandle{bounds_of(script)},
        script_{script},
        made_{this->root(), "script.made", process_count(), kMost},
        answers_{this->root(), "script.answers", process_count() * kMost, 255U},
        scope_{this->root()},
        setup_{scope_, "script.setup", static_cast<unsigned>(script.setup.size())},
        tasks_{scope_, "script.tasks", process_count()} {
    for (const auto& steps : script_.threads) {
      if (steps.size() > kMost) throw std::length_error{"more calls than the script holds"};
    }
    const auto set_up = this->initial;
    this->initial = [this, set_up] {
      set_up();
      tasks_ = static_cast<unsigned>(script_.threads.size());
      mm.object(1).count.set(2);  // mmgrab(other) of the target
    };
    edit("iommu_sva_bind_device").arguments([this](T& t) {
      const Step* step = turn(t, CallKind::bind);
      if (step == nullptr) return;
      auto&& l = local(t);
      l.dev = step->device;
      l.bond = step->slot;
      l.mm = step->mm + 1;
      l.task = step->mm + 1;
    });
    edit("iommu_sva_unbind_device").arguments([this](T& t) {
      const Step* step = turn(t, CallKind::unbind);
      if (step == nullptr) return;
      auto&& l = local(t);
      l.bond = step->slot;
      l.handle = handle_of(t);
      driver[t.self()].handle[step->slot] = 0;
    });
    auto& exit = edit("do_exit");
    exit.arguments([this](T& t) {
      const Step* step = turn(t, CallKind::exit);
      if (step != nullptr) local(t).mm = step->mm + 1;
    });
    exit.insert_before("if (!atomic_dec_and_test(&mm->mm_users)) return", "a task leaves",
                       [this](T& t) {
                         if (local(t).mm.value().word() != 1) return;
                         tasks_ -= 1;
                         if (tasks_.value().word() == 0) return;
                         only_effect(t);
                         answered(t, CallKind::exit, {}, Err::ok, 0);
                         t.ret();
                       });
    auto& tlp = this->program("TLP");
    tlp.arguments([this](T& t) { turn(t, CallKind::fault); });
    tlp.step("the PASID is translated", [this](T& t) {
      only_effect(t);
      const Step* step = turn(t, CallKind::fault);
      if (step == nullptr) return;
      const V dev = step->device;
      hardware.with(dev, 0, [&](unsigned, unsigned, auto&& h) {
        answered(t, CallKind::fault, {}, Err::ok, h.entry);
      });
    });
    edit("mm_get_enqcmd_pasid").arguments([](T& t) { t.require(false); });
    if (change) change(*this);
    complete();
  }

  bool is_over() const {
    for (unsigned i = 0; i < script_.threads.size(); ++i) {
      if (position(i) != script_.threads[i].size()) return false;
    }
    return true;
  }
  Outcomes outcomes() const {
    Outcomes all(script_.threads.size());
    for (unsigned i = 0; i < script_.threads.size(); ++i) {
      const auto in_setup = std::ranges::count(script_.setup, i);
      for (auto k = static_cast<unsigned>(in_setup); k < script_.threads[i].size(); ++k) {
        if (!script_.threads[i][k].inner)
          all[i].push_back(text(answers_[i * kMost + k].value().word()));
      }
    }
    return all;
  }

 private:
  static constexpr unsigned kMost = 6;

  static model::IommuBounds bounds_of(const Script& script) {
    model::IommuBounds bounds;
    bounds.threads = static_cast<unsigned>(script.threads.size());
    bounds.threads_told_apart = true;
    bounds.devices = 3;
    bounds.groups = 2;
    bounds.pasids = 1;
    bounds.mms = 2;
    bounds.bonds = script.bonds;
    return bounds;
  }
  static std::string text(unsigned answer) {
    if (answer == 0) return std::string{kNotMade};
    const auto err = static_cast<Err>((answer - 1) % iommu::kErrs);
    return err == Err::ok ? std::to_string((answer - 1) / iommu::kErrs) : std::string{name(err)};
  }
  /// An unbind of what was not bound is not made.
  unsigned position(unsigned thread) const {
    unsigned at = made_[thread].value().word();
    const auto& steps = script_.threads[thread];
    while (at < steps.size() && steps[at].kind == CallKind::unbind &&
           driver[thread].handle[steps[at].slot].value().word() == 0)
      ++at;
    return at;
  }
  /// The next call of the thread, if it is one of this kind, and its turn.
  const Step* turn(T& t, CallKind kind) {
    const unsigned self = t.self(), at = position(self);
    const unsigned done = setup_.value().word();
    const auto& steps = script_.threads[self];
    const bool mine = at < steps.size() && steps[at].kind == kind &&
                      (done == script_.setup.size() || script_.setup[done] == self);
    t.require(mine);
    return mine ? &steps[at] : nullptr;
  }
  void answered(T& t, CallKind kind, const iommu::Args<Concrete>& made, Val<Concrete, Err> err,
                V value) override {
    if (kind == CallKind::bind) t.require(made.nomem.word() == 0);
    const unsigned self = t.self();
    // The bond of an unbind is no longer the driver's: its place is the first one open.
    unsigned at = made_[self].value().word();
    const auto& steps = script_.threads[self];
    while (at < steps.size() && steps[at].kind != kind) ++at;
    if (at == steps.size()) return;
    const bool shows = steps[at].reports || kind == CallKind::fault;
    const unsigned shown = shows ? value.word() : 0;
    answers_[self * kMost + at] = 1 + shown * iommu::kErrs + err.word();
    made_[self] = at + 1;
    if (setup_.value().word() < script_.setup.size()) setup_ += 1;
  }

  const Script script_;
  Array<Concrete, Var<Concrete>> made_, answers_;
  Scope<Concrete> scope_;
  Var<Concrete> setup_, tasks_;
};

std::set<Outcomes> outcomes_in_the_model(const Script& script, const Scripted::Edit& change = {}) {
  Scripted machine{script, change};
  return all_outcomes<Outcomes>(machine, static_cast<bool>(change));
}

std::set<Outcomes> outcomes_in_the_code(const Scenario& scenario, const Exploration& exploration) {
  std::set<Outcomes> all;
  for (const ScheduledHistory& history : exploration.histories) {
    Outcomes one(scenario.threads.size());
    for (const ScheduledCall& call : history.calls) {
      EXPECT_TRUE(call.returned);
      one[call.thread].push_back(call.result);
    }
    all.insert(std::move(one));
  }
  return all;
}

class SvaOutcomesTest : public OnTarget<sva_target> {
 protected:
  /// The outcomes of both, where the model can follow.
  static std::optional<std::pair<std::set<Outcomes>, std::set<Outcomes>>> both(
      const Scenario& one, const Scripted::Edit& change = {}) {
    const std::optional<Script> script = script_of(one);
    if (!script) return {};
    const Exploration explored = kernel_->explore(one, {});
    EXPECT_TRUE(explored.exhausted);
    return std::pair{outcomes_in_the_model(*script, change), outcomes_in_the_code(one, explored)};
  }
};

/// Each thread ends with TLPs, or nearly all calls succeed whatever happens.
Scenario observed(Scenario scenario, std::initializer_list<const char*> tlps) {
  for (auto& thread : scenario.threads) {
    for (const char* tlp : tlps) thread.emplace_back(tlp);
  }
  return scenario;
}

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
  const auto differs = [](const char* name, const Scripted::Edit& change) {
    const auto outcomes = both(observed(scenario(name), {"tlp0"}), change);
    return outcomes && outcomes->first != outcomes->second;
  };
  EXPECT_TRUE(differs("bind-unbind", [](Scripted& design) {
    design.edit("iommu_sva_unbind_device")
        .replace_all("ops->remove_dev_pasid(device->dev, pasid): the entry is cleared",
                     "(it stays)", [](auto&) {});
  }));
  EXPECT_TRUE(differs("bind-unbind", [](Scripted& design) {
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
