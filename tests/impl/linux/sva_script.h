// SPDX-License-Identifier: MIT
// The calls of a target of shared virtual addressing, made by the threads of an SVA design.
#pragma once

#include <optional>

#include "model/iommu/iommu_design.h"
#include "tests/impl/linux/script.h"

namespace iommucheck::linux_harness {

struct SvaStep {
  enum class What { bind, unbind, exit, tlp, dma, page_request, unmap } what{};
  unsigned device = 0, mm = 0;
  unsigned slot = 0;     ///< which of the thread's bonds
  bool reports = false;  ///< its value is the answer, not just that it succeeded
  bool inner = false;    ///< the second half of another call: no answer of its own
  bool fails = false;    ///< the driver refuses it
};

struct SvaScript : Script<SvaStep> {
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
class ScriptedSva : public Scripted<Sva<Concrete>, SvaStep> {
 public:
  using Base = Scripted<Sva<Concrete>, SvaStep>;
  using Base::edit, Base::hardware, Base::local, Base::turn;
  using typename Base::T, typename Base::V, typename Base::Kind, typename Base::What;
  using Edit = std::function<void(ScriptedSva&)>;

  /// `bounds`: devices, groups, pasids and what belongs to the design.
  ScriptedSva(const SvaScript& script, const model::IommuBounds& bounds, const Edit& change)
      : Base{script, with_script(bounds, script)},
        tasks_at_first_{script.tasks},
        scope_{this->root()},
        tasks_{scope_, "script.tasks", this->process_count()} {
    const auto set_up = this->initial;
    this->initial = [this, set_up] {
      set_up();
      tasks_ = tasks_at_first_;
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
    this->instead_of_a_call("TLP", What::tlp, [this](T& t) {
      const V dev = turn(t, What::tlp)->device;
      hardware.with(dev, 0,
                    [&](unsigned, unsigned, auto&& h) { answers(t, What::tlp, Err::ok, h.entry); });
    });
    if (change) change(*this);
    this->complete();
  }

  /// What the call of this thread answers; `value`: where it is asked for.
  void answers(T& t, What what, iommu::Err err, V value) {
    const SvaStep* step = this->next(t.self());
    const bool shows = what == What::tlp || (step != nullptr && step->reports);
    const unsigned shown = shows ? value.word() : 0;
    Base::answers(t, what, shown * iommu::kErrs + static_cast<unsigned>(err));
  }
  /// Whether the driver has a bond of the device with the process (from 0) and keeps it for some
  /// time.
  bool device_uses(unsigned device, unsigned process) const {
    for (unsigned c = 0; c < this->script().threads.size(); ++c) {
      for (const SvaStep& step : this->script().threads[c]) {
        if (step.what == What::bind && !step.reports && step.device == device &&
            step.mm == process && holds(c, step.slot))
          return true;
      }
    }
    return false;
  }
  /// The driver refuses the bind that this thread is in, if the script says so; it ends at `undo`.
  bool is_refused(T& t) const {
    const SvaStep* step = this->next(t.self());
    return step != nullptr && step->fails;
  }
  void refuse(T& t, const model::Label& undo) {
    refusing_ = true;
    this->bind_fails(t, Err::enomem, undo);
    refusing_ = false;
  }

 private:
  using Err = iommu::Err;

  static model::IommuBounds with_script(model::IommuBounds bounds, const SvaScript& script) {
    bounds.threads = static_cast<unsigned>(script.threads.size());
    bounds.threads_told_apart = true;
    bounds.mms = 2;
    bounds.bonds = script.bonds;
    return bounds;
  }
  std::string text_of(unsigned code) const override {
    const auto err = static_cast<Err>(code % iommu::kErrs);
    return err == Err::ok ? std::to_string(code / iommu::kErrs) : std::string{name(err)};
  }
  bool holds(unsigned thread, unsigned slot) const {
    return this->driver[thread].handle[slot].value().word() != 0;
  }
  /// An unbind of what was not bound.
  bool is_skipped(unsigned thread, const SvaStep& step) const override {
    return step.what == What::unbind && !holds(thread, step.slot);
  }
  void no_call(T& t) override { this->only_effect(t); }
  void answered(T& t, Kind kind, const iommu::Args<Concrete>& made, Val<Concrete, Err> err,
                V value) override {
    const auto code = static_cast<Err>(err.word());
    switch (kind) {
      case Kind::bind:
        t.require((made.nomem.word() != 0) == refusing_);
        return answers(t, What::bind, code, value);
      // The bond of an unbind is no longer the driver's: it is the first one open.
      case Kind::unbind: return answers(t, What::unbind, code, value);
      case Kind::exit: return answers(t, What::exit, code, value);
      default: t.require(false);  // in no script
    }
  }

  const unsigned tasks_at_first_;
  bool refusing_ = false;  ///< in the middle of a step
  Scope<Concrete> scope_;
  Var<Concrete> tasks_;
};

/// A bond comes or goes, or the process ends, while device 0 makes DMA.
inline std::vector<Scenario> with_tlps_in_the_middle() {
  std::vector<Scenario> all;
  for (const auto& [setup, threads] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"", {"bind0", "tlp0 tlp0"}},
           {"bind0", {"unbind0", "tlp0 tlp0"}},
           {"bind0", {"exit unbind0", "exit tlp0 tlp0"}},
           {"bind0 one_task", {"exit tlp0 tlp0", "unbind0"}},
           {"bind0 exit", {"unbind0 tlp0", "other0 tlp0"}},
       }) {
    all.push_back(
        scenario("test", setup + "; " + threads.front() + " || " + threads.back(), setup, threads));
  }
  return all;
}

}  // namespace iommucheck::linux_harness
