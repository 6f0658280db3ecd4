// SPDX-License-Identifier: MIT
// Comparing what a machine does in a state and in a permuted one.
#include "checker/symmetry/asymmetry.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace iommucheck::checker::symmetry {

namespace {

using State = std::vector<std::uint64_t>;

/// Something that can happen in a state.
struct Event {
  std::string program, label;
  std::string failure;  ///< property and detail, or empty
  State next;           ///< the state after it; empty for a deadlock or a failure
  State canonical;      ///< of next

  auto key() const { return std::tie(program, label, failure, canonical); }
  bool same_step(const Event& other) const {
    return program == other.program && label == other.label && failure == other.failure;
  }
};

/// Collects the events of a state.
class Events {
 public:
  Events(Machine<Concrete>& machine, const Canonicalizer& canonicalizer, const State& state)
      : machine_(machine), canonicalizer_(canonicalizer) {
    expand(machine, state, *this);
    std::sort(events_.begin(), events_.end(),
              [](const Event& a, const Event& b) { return a.key() < b.key(); });
  }
  const std::vector<Event>& all() const { return events_; }
  /// The first event here that does not happen there.
  const Event* missing(const Events& there) const {
    for (const Event& e : events_) {
      const auto less = [](const Event& a, const Event& b) { return a.key() < b.key(); };
      if (!std::binary_search(there.events_.begin(), there.events_.end(), e, less)) return &e;
    }
    return nullptr;
  }

  // For expand():
  void successor(ActionId action, StateView next) { add(action, "", next); }
  // What the state is after a failure does not matter: the search ends there.
  void violation(ActionId action, const Failure& failure, StateView) {
    const StepCode& step = step_of(action);
    events_.push_back({step.program, step.label, text(failure), {}, {}});
  }
  void stuck(const Failure& failure) { events_.push_back({"", "", text(failure), {}, {}}); }

 private:
  std::string text(const Failure& failure) const {
    const auto& property = machine_.properties().at(static_cast<std::size_t>(failure.property));
    return property.name + ": " + failure.detail;
  }
  const StepCode& step_of(ActionId action) const {
    return (*machine_.processes()[action.process].code)[action.step];
  }
  void add(ActionId action, std::string failure, StateView next) {
    const StepCode& step = step_of(action);
    Event event{step.program, step.label, std::move(failure), {next.begin(), next.end()}, {}};
    event.canonical = event.next;
    canonicalizer_(event.canonical.data());
    events_.push_back(std::move(event));
  }

  Machine<Concrete>& machine_;
  const Canonicalizer& canonicalizer_;
  std::vector<Event> events_;
};

/// One state, one exchange of two elements.
class Comparison {
 public:
  Comparison(Machine<Concrete>& machine, const Canonicalizer& canonicalizer, const State& state,
             const Canonicalizer::Swap& swap)
      : machine_(machine), canonicalizer_(canonicalizer), swap_(swap) {
    found_.state = state;
    found_.sort = canonicalizer.sorts().at(swap.level);
    found_.element = swap.element;
  }

  std::optional<Asymmetry> run(const Events& here) {
    State swapped = found_.state;
    canonicalizer_.swap(swapped.data(), swap_);
    if (swapped == found_.state) return std::nullopt;
    const Events there(machine_, canonicalizer_, swapped);
    if (const Event* event = here.missing(there)) return differ(*event, there, false);
    if (const Event* event = there.missing(here)) return differ(*event, here, true);
    const auto broken_here = broken(found_.state);
    const auto broken_there = broken(swapped);
    if (broken_here == broken_there) return std::nullopt;
    found_.sentence = fmt::format(
        "in one of two states that differ by an exchange of {}, the invariant '{}' is broken, in "
        "the other not",
        elements(), broken_here ? *broken_here : *broken_there);
    return found_;
  }

 private:
  std::string elements() const {
    return fmt::format("{} {} and {}", found_.sort, swap_.element, swap_.element + 1);
  }
  std::optional<std::string> broken(const State& state) {
    const auto failure = broken_invariant(machine_, state);
    if (!failure) return std::nullopt;
    return machine_.properties().at(static_cast<std::size_t>(failure->property)).name;
  }

  /// `event` has no counterpart among `others`, which happen on the other side of the exchange.
  Asymmetry differ(const Event& event, const Events& others, bool event_is_swapped) {
    found_.program = event.program;
    found_.label = event.label;
    const std::string what =
        event.program.empty()
            ? "'" + event.failure + "'"
            : fmt::format("{}(): {}{}{}", event.program, event.label,
                          event.failure.empty() ? "" : ", which fails with ", event.failure);
    const auto closest = closest_change(event, others);
    if (!closest) {
      found_.sentence = fmt::format(
          "{} happens in one of two states that differ by an exchange of {}, but in the other {}",
          what, elements(), other_failure(event, others));
      return found_;
    }
    found_.field = closest->name;
    const std::string& first = event_is_swapped ? closest->after : closest->before;
    const std::string& second = event_is_swapped ? closest->before : closest->after;
    found_.sentence = fmt::format(
        "{}: {} are told apart: the step and then an exchange of the two leave {}={}, but the "
        "exchange and then the step leave {}={}",
        what, elements(), closest->name, first, closest->name, second);
    return found_;
  }

  static std::string other_failure(const Event& event, const Events& others) {
    for (const Event& other : others.all()) {
      const bool same = other.program == event.program && other.label == event.label;
      if (same && other.failure != event.failure)
        return other.failure.empty() ? "the step succeeds" : "it fails with " + other.failure;
    }
    return "it does not";
  }

  /// The first field of the same step's most similar outcome: before, as `event` should have it
  /// after the exchange; after, as it is.
  std::optional<FieldChange> closest_change(const Event& event, const Events& others) const {
    if (event.next.empty()) return std::nullopt;
    State expected = event.next;
    canonicalizer_.swap(expected.data(), swap_);
    std::optional<FieldChange> best;
    std::size_t fewest = 0;
    for (const Event& other : others.all()) {
      if (!other.same_step(event) || other.next.empty()) continue;
      const auto changes = machine_.schema.diff(expected, other.next);
      if (changes.empty() || (best && changes.size() >= fewest)) continue;
      fewest = changes.size();
      best = changes.front();
    }
    return best;
  }

  Machine<Concrete>& machine_;
  const Canonicalizer& canonicalizer_;
  Canonicalizer::Swap swap_;
  Asymmetry found_;
};

}  // namespace

std::optional<Asymmetry> find_asymmetry(Machine<Concrete>& machine,
                                        const Canonicalizer& canonicalizer,
                                        std::span<const State> states) {
  const auto swaps = canonicalizer.generators();
  for (const State& state : states) {
    const Events here(machine, canonicalizer, state);
    for (const auto& swap : swaps) {
      if (auto found = Comparison(machine, canonicalizer, state, swap).run(here)) return found;
    }
  }
  return std::nullopt;
}

}  // namespace iommucheck::checker::symmetry
