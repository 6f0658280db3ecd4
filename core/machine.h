// SPDX-License-Identifier: MIT
// Machine: a state machine as processes of labelled steps; what every engine runs.
//
// A step is written once, over a domain D.  A Machine<Concrete> executes it (`expand`), a
// Machine<Symbolic> turns it into terms (core/relation.h).  A machine belongs to one thread: an
// engine with several workers builds one machine for each.
#ifndef IOMMUCHECK_CORE_MACHINE_H
#define IOMMUCHECK_CORE_MACHINE_H

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/liveness.h"
#include "core/var.h"

namespace iommucheck {

/// One atomic step.  `run(self)` is executed with the number of the process that takes it.
struct StepCode {
  std::string program;     ///< "ioasid_free"; the kernel function that the step belongs to
  std::string label;       ///< the kernel statement that the step stands for
  bool entry = false;      ///< can be taken when the process is idle (program counter 0)
  std::uint32_t next = 0;  ///< the program counter after it: 0, or 1 + the number of a step
  std::function<void(unsigned self)> run;
};

/// The steps that processes share.
using Code = std::vector<StepCode>;

/// A sentence about states.  Properties without `holds` are violated by steps only.
template <class D>
struct Property {
  std::string name;
  std::string sentence;
  std::function<Bool<D>()> holds;
};

/// Who takes steps: a CPU running a thread, a device, a worker.  Without a program counter every
/// step of the code is tried in every state.
template <class D>
struct Process {
  std::string name;
  unsigned self = 0;
  const Code* code = nullptr;
  const Var<D>* pc = nullptr;
  bool works = false;  ///< begins whenever it can; others need not (their idle steps are calls)
};

/// Sets of processes are masks of 32 bits.
inline constexpr std::size_t kMaxProcesses = 32;

template <class D>
class Machine : public Liveness<D> {
 public:
  Machine() {
    property("in-range",
             "Every value stays inside its declared range and every index inside its array.");
  }
  virtual ~Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  Context<D> context;
  Schema schema;

  /// Declares a property; `holds`, if given, is an invariant of every state.
  PropertyId property(std::string name, std::string sentence, std::function<Bool<D>()> holds = {}) {
    if (properties_.size() == 64) throw std::length_error("a machine has at most 64 properties");
    properties_.push_back({std::move(name), std::move(sentence), std::move(holds)});
    return static_cast<PropertyId>(properties_.size() - 1);
  }
  const std::vector<Property<D>>& properties() const { return properties_; }

  /// Checks the property with this name only, of safety or liveness; false if there is none.
  [[nodiscard]] bool check_only(const std::string& property_name) {
    if (this->only_liveness(property_name)) {
      context.checked.only(kInRange);
      return true;
    }
    for (std::size_t i = 0; i < properties_.size(); ++i) {
      if (properties_[i].name != property_name) continue;
      context.checked.only(static_cast<PropertyId>(i));
      return true;
    }
    return false;
  }

  void process(Process<D> p) {
    if (processes_.size() == kMaxProcesses)
      throw std::length_error("a machine has at most 32 processes");
    processes_.push_back(std::move(p));
  }
  const std::vector<Process<D>>& processes() const { return processes_; }

  /// Sets up the initial states: runs on the all-zero state, may choose.
  std::function<void()> initial = [] {};
  /// Holds in states where nothing has to happen any more; elsewhere a state without a step is a
  /// deadlock.
  std::function<Bool<D>()> may_rest = [] { return Bool<D>(true); };
  /// Violated by states without a step that may not rest, and by cycles of waiting processes.
  std::optional<PropertyId> deadlock;

  Scope<D> root() { return Scope<D>(context, schema); }
  /// Declares a sort: things that no step tells apart.  See Schema::sort().
  Sort sort(std::string_view name, unsigned size) { return schema.sort(name, size); }

 private:
  std::vector<Property<D>> properties_;
  std::vector<Process<D>> processes_;
};

/// A step of a process, by numbers: what an engine stores and a trace names.
struct ActionId {
  std::uint16_t process = 0;
  std::uint16_t step = 0;
  friend bool operator==(const ActionId&, const ActionId&) = default;
  friend auto operator<=>(const ActionId&, const ActionId&) = default;
};

namespace detail {
inline StateView buffer(const Machine<Concrete>& machine) {
  return StateView{machine.context.words.data(), machine.schema.words()};
}
/// Whether a cycle goes through processes that wait for one another (edges[p]: mask of those that
/// p waits for).
bool has_cycle(std::span<const std::uint32_t> edges);
}  // namespace detail

/// Calls emit(state) for each initial state.
template <class Emit>
void initial_states(Machine<Concrete>& machine, Emit&& emit) {
  auto& context = machine.context;
  context.begin_choices();
  do {
    context.words.fill(0);
    context.begin_step();
    machine.initial();
    if (context.enabled()) emit(detail::buffer(machine));
  } while (context.next_choices());
}

/// Calls, for every step that is enabled in `state`, in the order of processes, steps and choices:
///   visit.successor(action, next)            or
///   visit.violation(action, failure, next)   where the step fails;
///   visit.blocked(action), if it has that    where a process in the middle of a call cannot move;
/// and at the end visit.stuck(failure) where the state is a deadlock.
template <class Visit>
void expand(Machine<Concrete>& machine, StateView state, Visit&& visit) {
  auto& context = machine.context;
  const auto reset = [&] {
    // States have a few words: a loop is faster than a call of memmove.
    for (std::size_t w = 0; w < state.size(); ++w) context.words[w] = state[w];
    context.begin_step();
  };
  bool any = false;
  bool waiting = false;
  bool moves = false;  // of the process at hand
  std::array<std::uint32_t, kMaxProcesses> waits{};
  const auto& processes = machine.processes();
  for (std::uint16_t p = 0; p < processes.size(); ++p) {
    const Process<Concrete>& process = processes[p];
    const Code& code = *process.code;
    moves = false;
    const auto take = [&](std::uint16_t s) {
      const StepCode& step = code[s];
      context.begin_choices();
      do {
        reset();
        if (process.pc != nullptr) *process.pc = step.next;
        step.run(process.self);
        if (!context.enabled()) {
          // An idle process has not begun to wait: it can still choose not to make the call.
          if (!step.entry) waits[p] |= context.waits_on();
          continue;
        }
        moves = true;
        if (context.failed()) {
          visit.violation(ActionId{p, s}, context.failure(), detail::buffer(machine));
        } else {
          visit.successor(ActionId{p, s}, detail::buffer(machine));
        }
      } while (context.next_choices());
    };
    reset();
    const std::uint32_t pc = process.pc == nullptr ? 0U : process.pc->value().word();
    if (pc != 0) {
      take(static_cast<std::uint16_t>(pc - 1));
    } else {
      for (std::uint16_t s = 0; s < code.size(); ++s) {
        if (process.pc == nullptr || code[s].entry) take(s);
      }
    }
    if constexpr (requires { visit.blocked(ActionId{}); }) {
      if (pc != 0 && !moves) visit.blocked(ActionId{p, static_cast<std::uint16_t>(pc - 1)});
    }
    any = any || moves;
    if (moves) waits[p] = 0;
    waiting = waiting || waits[p] != 0;
  }
  if (!machine.deadlock || !context.checked(*machine.deadlock)) return;
  if (waiting && detail::has_cycle(std::span{waits}.first(processes.size()))) {
    visit.stuck(Failure{*machine.deadlock, "processes wait for one another in a cycle"});
  } else if (!any) {
    reset();
    if (!machine.may_rest().bit()) {
      visit.stuck(Failure{*machine.deadlock, "no process can take a step"});
    }
  }
}

/// The first invariant that does not hold in `state`.
inline std::optional<Failure> broken_invariant(Machine<Concrete>& machine, StateView state) {
  auto& context = machine.context;
  std::copy(state.begin(), state.end(), context.words.begin());
  context.begin_step();
  const auto& properties = machine.properties();
  for (std::size_t i = 0; i < properties.size(); ++i) {
    if (!properties[i].holds || !context.checked(static_cast<PropertyId>(i))) continue;
    if (!properties[i].holds().bit()) {
      return Failure{static_cast<PropertyId>(i), properties[i].sentence.c_str()};
    }
  }
  return std::nullopt;
}

}  // namespace iommucheck

#endif  // IOMMUCHECK_CORE_MACHINE_H
