// SPDX-License-Identifier: MIT
// A design whose threads make the calls of a script and no others.
#pragma once

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "model/kernel/cpu.h"
#include "tests/impl/linux/on_target.h"
#include "tests/impl/linux/outcomes.h"

namespace iommucheck::linux_harness {

/// What each thread's calls answer: thread by thread, call by call, as the target prints it.
using Answers = std::vector<std::vector<std::string>>;

/// Step: has `what` kind of call it is, and `inner`: it is half of the one before it, and has no
/// answer of its own.
template <class Step>
struct Script {
  std::vector<std::vector<Step>> threads;  ///< the set-up's calls first
  std::vector<unsigned> setup;             ///< whose turn it is, one after the other
};

/// The calls of a scenario; `step_of` makes a step of a call's name.  "as1", "as2", ... in the
/// set-up say for whom the calls after it are; until then, for the first thread.
template <class Step, class StepOf>
Script<Step> script_with(const Scenario& scenario, StepOf step_of) {
  Script<Step> script;
  script.threads.resize(scenario.threads.size());
  unsigned acting = 0;
  for (const TargetCall& call : scenario.setup) {
    if (call.words.starts_with("as")) {
      acting = static_cast<unsigned>(call.words.back() - '1');
      continue;
    }
    script.threads.at(acting).push_back(step_of(call.words));
    script.setup.push_back(acting);
  }
  for (std::size_t i = 0; i < scenario.threads.size(); ++i) {
    for (const TargetCall& call : scenario.threads[i])
      script.threads[i].push_back(step_of(call.words));
  }
  return script;
}

/// The base of such a design; Design: of the Concrete domain.
template <class Design, class Step>
class Scripted : public Design {
 public:
  using T = typename Design::T;
  using What = decltype(Step::what);

  template <class Bounds>
  Scripted(const Script<Step>& script, const Bounds& bounds)
      : Design{bounds},
        script_{script},
        made_{this->root(), "script.made", this->process_count(), kMost},
        answers_{this->root(), "script.answers", this->process_count() * kMost, 255U},
        scope_{this->root()},
        setup_{scope_, "script.setup", static_cast<unsigned>(script.setup.size())} {
    for (const auto& steps : script_.threads) {
      if (steps.size() > kMost) throw std::length_error{"more calls than the script holds"};
    }
  }

  /// A program of one step, which is no call of the design.
  void instead_of_a_call(const char* name, What what, std::function<void(T&)> step) {
    auto& p = this->program(name);
    p.arguments([this, what](T& t) { turn(t, what); });
    p.step(name, [this, what, step](T& t) {
      no_call(t);
      if (turn(t, what) != nullptr) step(t);
    });
  }
  /// The next call of the thread, if it is one of this kind and its turn.
  const Step* turn(T& t, What what) {
    const unsigned self = t.self(), at = position(self);
    const unsigned done = setup_.value().word();
    const auto& steps = script_.threads[self];
    const bool mine = at < steps.size() && steps[at].what == what &&
                      (done == script_.setup.size() || script_.setup[done] == self);
    t.require(mine);
    return mine ? &steps[at] : nullptr;
  }
  /// The call that this thread is in, or makes next; null: none.
  const Step* next(unsigned thread) const {
    const unsigned at = position(thread);
    return at < script_.threads[thread].size() ? &script_.threads[thread][at] : nullptr;
  }
  /// The first open call of this kind has this answer; `code`: below 255, for text_of().
  void answers(T& t, What what, unsigned code) {
    const unsigned self = t.self();
    unsigned at = made_[self].value().word();
    const auto& steps = script_.threads[self];
    while (at < steps.size() && steps[at].what != what) ++at;
    if (at == steps.size()) return;
    answers_[self * kMost + at] = 1 + code;
    made_[self] = at + 1;
  }
  void answers_not_made(T& t) { made_[t.self()] = position(t.self()) + 1; }

  bool is_over() const {
    for (unsigned i = 0; i < script_.threads.size(); ++i) {
      if (next(i) != nullptr) return false;
    }
    return true;
  }
  Answers outcomes() const {
    Answers all(script_.threads.size());
    for (unsigned i = 0; i < script_.threads.size(); ++i) {
      const auto in_setup = std::ranges::count(script_.setup, i);
      for (auto k = static_cast<unsigned>(in_setup); k < script_.threads[i].size(); ++k) {
        const unsigned answer = answers_[i * kMost + k].value().word();
        if (!script_.threads[i][k].inner)
          all[i].push_back(answer == 0 ? std::string{kNotMade} : text_of(answer - 1));
      }
    }
    return all;
  }

 protected:
  const Script<Step>& script() const { return script_; }
  virtual std::string text_of(unsigned code) const = 0;
  /// A call that is not made, because its precondition does not hold.
  virtual bool is_skipped(unsigned thread, const Step& step) const {
    static_cast<void>(thread), static_cast<void>(step);
    return false;
  }
  bool in_setup() const { return setup_.value().word() < script_.setup.size(); }
  /// What a program has to do that is no call.
  virtual void no_call(T&) {}
  void on_return(T& t) override {
    Design::on_return(t);
    if (!this->is_worker(t.self()) && in_setup()) setup_ += 1;
  }

 private:
  static constexpr unsigned kMost = 9;

  unsigned position(unsigned thread) const {
    unsigned at = made_[thread].value().word();
    const auto& steps = script_.threads[thread];
    while (at < steps.size() && is_skipped(thread, steps[at])) ++at;
    return at;
  }

  const Script<Step> script_;
  Array<Concrete, Var<Concrete>> made_, answers_;
  Scope<Concrete> scope_;
  Var<Concrete> setup_;
};

/// What the calls of a scenario answer in the code, where all of them return.
inline std::set<Answers> outcomes_in_the_code(const Scenario& scenario,
                                              const Exploration& exploration) {
  std::set<Answers> all;
  for (const ScheduledHistory& history : exploration.histories) {
    Answers one(scenario.threads.size());
    for (const ScheduledCall& call : history.calls) one[call.thread].push_back(call.result);
    // A report has ended an execution in which a call does not return.
    const bool whole = std::ranges::all_of(history.calls, &ScheduledCall::returned);
    EXPECT_TRUE(whole || !exploration.reports.empty());
    if (whole) all.insert(std::move(one));
  }
  return all;
}

/// Each thread ends with calls that look at the hardware, or nearly all calls succeed whatever
/// happens.
inline Scenario observed(Scenario scenario, std::initializer_list<const char*> calls) {
  for (auto& thread : scenario.threads) {
    for (const char* call : calls) thread.emplace_back(call);
  }
  return scenario;
}

}  // namespace iommucheck::linux_harness
