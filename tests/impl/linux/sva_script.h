// SPDX-License-Identifier: MIT
// The calls of a target of shared virtual addressing, made by the threads of an SVA design.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <stdexcept>

#include "model/iommu/iommu_design.h"
#include "tests/impl/linux/on_target.h"
#include "tests/impl/linux/outcomes.h"

namespace iommucheck::linux_harness {

/// What each thread's calls answer: thread by thread, call by call, as the target prints it.
using SvaOutcomes = std::vector<std::vector<std::string>>;

struct SvaStep {
  enum class What { bind, unbind, exit, tlp, dma, page_request, unmap } what{};
  unsigned device = 0, mm = 0;
  unsigned slot = 0;     ///< which of the thread's bonds
  bool reports = false;  ///< its value is the answer, not just that it succeeded
  bool inner = false;    ///< the second half of another call: no answer of its own
  bool fails = false;    ///< the driver refuses it
};

struct SvaScript {
  std::vector<std::vector<SvaStep>> threads;  ///< the set-up's calls first
  std::vector<unsigned> setup;                ///< whose turn it is, one after the other
  unsigned bonds = 1;
  unsigned tasks = 0;  ///< of the first process
  bool dma = false;    ///< devices have made DMA: it is looked at
};

/// The calls of a scenario, as glue/target_sva.c and glue/target_intel_svm.c name them: bind0,
/// unbind0, other0, pasid0, tlp0, exit, dma0, fault0, unmap; by their number of devices.  Nothing
/// where a bond is given up by another thread than the one that made it, which the drivers of the
/// designs do not do, or where a call is not one of those.
inline std::optional<SvaScript> script_of(const Scenario& scenario, unsigned devices) {
  using What = SvaStep::What;
  const std::size_t n = scenario.threads.size();
  // Files: one for each device, then those of the other process.
  const auto file_of = [devices](const std::string& call) -> unsigned {
    if (call == "other_close") return devices;
    const auto number = static_cast<unsigned>(call.back() - '0');
    return call.starts_with("other") ? devices + number : number;
  };
  const auto binds = [](const std::string& call) {
    return call.starts_with("bind") || (call.starts_with("other") && !call.starts_with("other_"));
  };
  const auto unbinds = [](const std::string& call) {
    return call.starts_with("unbind") || call == "other_close";
  };
  struct Bond {
    unsigned file, slot;
  };
  SvaScript script;
  script.threads.resize(n);
  script.tasks = static_cast<unsigned>(n);
  std::vector<std::vector<Bond>> held(n);
  std::vector<unsigned> slots(n, 0);
  std::vector<unsigned> refused;  // devices whose driver can set no entry
  const auto bind = [&](std::size_t thread, const std::string& call, bool composite) {
    const unsigned file = file_of(call), slot = slots[thread]++;
    script.threads[thread].push_back(
        {.what = What::bind,
         .device = file % devices,
         .mm = file / devices,
         .slot = slot,
         .reports = composite,
         .fails = std::ranges::find(refused, file % devices) != refused.end()});
    if (composite)
      script.threads[thread].push_back({.what = What::unbind, .slot = slot, .inner = true});
    else
      held[thread].push_back({file, slot});
  };
  // A bond of the set-up is made by the thread that gives it up, as far as there is one.
  std::vector<std::vector<unsigned>> wanted(n);
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<unsigned> own;
    for (const TargetCall& call : scenario.threads[i]) {
      if (binds(call.words)) own.push_back(file_of(call.words));
      if (!unbinds(call.words)) continue;
      const auto mine = std::ranges::find(own, file_of(call.words));
      if (mine != own.end())
        own.erase(mine);
      else
        wanted[i].push_back(file_of(call.words));
    }
  }
  for (const TargetCall& call : scenario.setup) {
    const std::string& name = call.words;
    if (name.starts_with("no_table")) {
      refused.push_back(file_of(name));
      continue;
    }
    if (name.starts_with("dma")) {
      script.dma = true;
      continue;
    }
    if (name == "one_task") {
      script.tasks = 1;
      continue;
    }
    if (name == "exit") {
      script.tasks = 1;
      script.threads[0].push_back({.what = What::exit});
      script.setup.push_back(0);
      continue;
    }
    if (!binds(name)) return {};
    std::size_t thread = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const auto mine = std::ranges::find(wanted[i], file_of(name));
      if (mine == wanted[i].end()) continue;
      wanted[i].erase(mine);
      thread = i;
      break;
    }
    bind(thread, name, false);
    script.setup.push_back(static_cast<unsigned>(thread));
  }
  for (const auto& left : wanted) {
    if (!left.empty()) return {};
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (const TargetCall& call : scenario.threads[i]) {
      const std::string& name = call.words;
      const bool of_a_task = name.starts_with("bind") || name.starts_with("pasid") ||
                             name == "exit" || name == "unmap";
      if (of_a_task && i >= script.tasks) return {};
      if (binds(name)) {
        bind(i, name, false);
      } else if (name.starts_with("pasid")) {
        bind(i, name, true);
      } else if (name.starts_with("tlp")) {
        script.threads[i].push_back({.what = What::tlp, .device = file_of(name)});
      } else if (name.starts_with("dma")) {
        script.threads[i].push_back({.what = What::dma, .device = file_of(name)});
      } else if (name == "unmap") {
        script.threads[i].push_back({.what = What::unmap});
      } else if (name == "fault0") {
        script.threads[i].push_back({.what = What::page_request});
      } else if (name == "exit" || name == "other_exit") {
        script.threads[i].push_back({.what = What::exit, .mm = name == "exit" ? 0U : 1U});
      } else if (unbinds(name)) {
        const auto mine = std::ranges::find(held[i], file_of(name), &Bond::file);
        script.threads[i].push_back({.what = What::unbind, .slot = mine->slot});
        held[i].erase(mine);
      } else {
        return {};
      }
    }
    script.bonds = std::max(script.bonds, slots[i]);
  }
  return script;
}

/// An SVA design with threads that make the calls of a script; of two processes, the first has a
/// task for each thread.
template <template <class> class Sva>
class ScriptedSva : public Sva<Concrete> {
 public:
  using Base = Sva<Concrete>;
  using Base::edit, Base::hardware, Base::local;
  using typename Base::T, typename Base::V, typename Base::Kind;
  using Edit = std::function<void(ScriptedSva&)>;

  /// `bounds`: devices, groups, pasids and what belongs to the design.
  ScriptedSva(const SvaScript& script, const model::IommuBounds& bounds, const Edit& change)
      : Base{with_script(bounds, script)},
        script_{script},
        made_{this->root(), "script.made", this->process_count(), kMost},
        answers_{this->root(), "script.answers", this->process_count() * kMost, 255U},
        scope_{this->root()},
        setup_{scope_, "script.setup", static_cast<unsigned>(script.setup.size())},
        tasks_{scope_, "script.tasks", this->process_count()} {
    for (const auto& steps : script_.threads) {
      if (steps.size() > kMost) throw std::length_error{"more calls than the script holds"};
    }
    const auto set_up = this->initial;
    this->initial = [this, set_up] {
      set_up();
      tasks_ = script_.tasks;
      this->mm.object(1).count.set(2);  // mmgrab(other) of the target
    };
    edit("iommu_sva_bind_device").arguments([this](T& t) {
      const SvaStep* step = turn(t, What::bind);
      if (step == nullptr) return;
      auto&& l = local(t);
      l.dev = step->device;
      l.bond = step->slot;
      l.mm = step->mm + 1;
      l.task = step->mm + 1;
    });
    edit("iommu_sva_unbind_device").arguments([this](T& t) {
      const SvaStep* step = turn(t, What::unbind);
      if (step == nullptr) return;
      auto&& l = local(t);
      l.bond = step->slot;
      l.handle = this->handle_of(t);
      this->driver[t.self()].handle[step->slot] = 0;
    });
    auto& exit = edit("do_exit");
    exit.arguments([this](T& t) {
      const SvaStep* step = turn(t, What::exit);
      if (step != nullptr) local(t).mm = step->mm + 1;
    });
    exit.insert_before("if (!atomic_dec_and_test(&mm->mm_users)) return", "a task leaves",
                       [this](T& t) {
                         if (local(t).mm.value().word() != 1) return;
                         tasks_ -= 1;
                         if (tasks_.value().word() == 0) return;
                         this->only_effect(t);
                         answers(t, What::exit, Err::ok, 0);
                         t.ret();
                       });
    instead_of_a_call("TLP", What::tlp, [this](T& t) {
      const V dev = turn(t, What::tlp)->device;
      hardware.with(dev, 0,
                    [&](unsigned, unsigned, auto&& h) { answers(t, What::tlp, Err::ok, h.entry); });
    });
    if (change) change(*this);
    this->complete();
  }

  /// A program of one step, which is no call of the design.
  void instead_of_a_call(const char* name, SvaStep::What what, std::function<void(T&)> step) {
    auto& p = this->program(name);
    p.arguments([this, what](T& t) { turn(t, what); });
    p.step(name, [this, what, step](T& t) {
      this->only_effect(t);
      if (turn(t, what) != nullptr) step(t);
    });
  }
  /// What the call of this thread answers; `value`: where it is asked for.
  void answers(T& t, SvaStep::What what, Val<Concrete, iommu::Err> err, V value) {
    const unsigned self = t.self();
    // The bond of an unbind is no longer the driver's: its place is the first one open.
    unsigned at = made_[self].value().word();
    const auto& steps = script_.threads[self];
    while (at < steps.size() && steps[at].what != what) ++at;
    if (at == steps.size()) return;
    const bool shows = steps[at].reports || what == What::tlp;
    const unsigned shown = shows ? value.word() : 0;
    note(t, at, 1 + shown * iommu::kErrs + err.word());
  }
  void answers_not_made(T& t) { note(t, made_[t.self()].value().word(), 0); }
  /// Whether the driver has a bond of the device with the process (from 0) and keeps it for some
  /// time.
  bool device_uses(unsigned device, unsigned process) const {
    for (unsigned c = 0; c < script_.threads.size(); ++c) {
      for (const SvaStep& step : script_.threads[c]) {
        if (step.what == What::bind && !step.reports && step.device == device &&
            step.mm == process && this->driver[c].handle[step.slot].value().word() != 0)
          return true;
      }
    }
    return false;
  }
  /// The call that this thread is in.
  const SvaStep& step_of(T& t) const { return script_.threads[t.self()].at(position(t.self())); }
  /// The driver refuses the bind that this thread is in, if the script says so; it ends at `undo`.
  bool is_refused(T& t) const {
    return position(t.self()) < script_.threads[t.self()].size() && step_of(t).fails;
  }
  void refuse(T& t, const model::Label& undo) {
    refusing_ = true;
    this->bind_fails(t, Err::enomem, undo);
    refusing_ = false;
  }

  bool is_over() const {
    for (unsigned i = 0; i < script_.threads.size(); ++i) {
      if (position(i) != script_.threads[i].size()) return false;
    }
    return true;
  }
  SvaOutcomes outcomes() const {
    SvaOutcomes all(script_.threads.size());
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
  using What = SvaStep::What;
  using Err = iommu::Err;
  static constexpr unsigned kMost = 6;

  static model::IommuBounds with_script(model::IommuBounds bounds, const SvaScript& script) {
    bounds.threads = static_cast<unsigned>(script.threads.size());
    bounds.threads_told_apart = true;
    bounds.mms = 2;
    bounds.bonds = script.bonds;
    return bounds;
  }
  static std::string text(unsigned answer) {
    if (answer == 0) return std::string{kNotMade};
    const auto err = static_cast<Err>((answer - 1) % iommu::kErrs);
    return err == Err::ok ? std::to_string((answer - 1) / iommu::kErrs) : std::string{name(err)};
  }
  void note(T& t, unsigned at, unsigned answer) {
    answers_[t.self() * kMost + at] = answer;
    made_[t.self()] = at + 1;
  }
  void on_return(T& t) override {
    Base::on_return(t);
    if (!this->is_worker(t.self()) && setup_.value().word() < script_.setup.size()) setup_ += 1;
  }
  /// An unbind of what was not bound is not made.
  unsigned position(unsigned thread) const {
    unsigned at = made_[thread].value().word();
    const auto& steps = script_.threads[thread];
    while (at < steps.size() && steps[at].what == What::unbind &&
           this->driver[thread].handle[steps[at].slot].value().word() == 0)
      ++at;
    return at;
  }
  /// The next call of the thread, if it is one of this kind, and its turn.
  const SvaStep* turn(T& t, What what) {
    const unsigned self = t.self(), at = position(self);
    const unsigned done = setup_.value().word();
    const auto& steps = script_.threads[self];
    const bool mine = at < steps.size() && steps[at].what == what &&
                      (done == script_.setup.size() || script_.setup[done] == self);
    t.require(mine);
    return mine ? &steps[at] : nullptr;
  }
  void answered(T& t, Kind kind, const iommu::Args<Concrete>& made, Val<Concrete, Err> err,
                V value) override {
    switch (kind) {
      case Kind::bind:
        t.require((made.nomem.word() != 0) == refusing_);
        return answers(t, What::bind, err, value);
      case Kind::unbind: return answers(t, What::unbind, err, value);
      case Kind::exit: return answers(t, What::exit, err, value);
      default: t.require(false);  // in no script
    }
  }

  const SvaScript script_;
  bool refusing_ = false;  ///< in the middle of a step
  Array<Concrete, Var<Concrete>> made_, answers_;
  Scope<Concrete> scope_;
  Var<Concrete> setup_, tasks_;
};

/// What the calls of a scenario answer in the code, where all of them return.
inline std::set<SvaOutcomes> outcomes_in_the_code(const Scenario& scenario,
                                                  const Exploration& exploration) {
  std::set<SvaOutcomes> all;
  for (const ScheduledHistory& history : exploration.histories) {
    SvaOutcomes one(scenario.threads.size());
    for (const ScheduledCall& call : history.calls) one[call.thread].push_back(call.result);
    // A report has ended an execution in which a call does not return.
    const bool whole = std::ranges::all_of(history.calls, &ScheduledCall::returned);
    EXPECT_TRUE(whole || !exploration.reports.empty());
    if (whole) all.insert(std::move(one));
  }
  return all;
}

/// Each thread ends with TLPs, or nearly all calls succeed whatever happens.
inline Scenario observed(Scenario scenario, std::initializer_list<const char*> tlps) {
  for (auto& thread : scenario.threads) {
    for (const char* tlp : tlps) thread.emplace_back(tlp);
  }
  return scenario;
}

}  // namespace iommucheck::linux_harness
