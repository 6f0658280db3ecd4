// SPDX-License-Identifier: MIT
// A breadth-first search as simple as it can be: what the tests of the specification count with.
#ifndef IOMMUCHECK_TESTS_SPEC_EXPLORE_H
#define IOMMUCHECK_TESTS_SPEC_EXPLORE_H

#include <cstdint>
#include <functional>
#include <unordered_set>
#include <vector>

#include "core/machine.h"
#include "spec/ioasid/call.h"
#include "spec/ioasid/spec.h"
#include "tests/sanitized.h"

namespace iommucheck::ioasid {

using Packed = std::vector<std::uint64_t>;

struct PackedHash {
  std::size_t operator()(const Packed& state) const {
    std::size_t h = 0;
    for (const std::uint64_t word : state) {
      h = (h ^ word) * 0x9e3779b97f4a7c15U;
      h ^= h >> 29;
    }
    return h;
  }
};

struct Exploration {
  std::vector<Packed> states;  ///< in the order in which they were found
  std::uint64_t transitions = 0;
  std::uint64_t violations = 0;  ///< steps that fail
};

/// All reachable states; `stop(state)`, asked of each, ends the search.
inline Exploration explore(
    Machine<Concrete>& machine,
    const std::function<bool(const Packed&)>& stop = [](const Packed&) { return false; }) {
  Exploration result;
  std::unordered_set<Packed, PackedHash> seen;
  bool stopped = false;
  const auto add = [&](StateView view) {
    const auto [state, is_new] = seen.emplace(view.begin(), view.end());
    if (!is_new) return;
    result.states.push_back(*state);
    stopped = stopped || stop(*state);
  };
  struct Visitor {
    Exploration& result;
    std::vector<Packed>& next;
    void successor(ActionId, StateView state) {
      ++result.transitions;
      next.emplace_back(state.begin(), state.end());
    }
    void violation(ActionId, const Failure&, StateView) { ++result.violations; }
    void stuck(const Failure&) {}
  };
  initial_states(machine, [&](StateView state) { add(state); });
  std::vector<Packed> next;
  for (std::size_t i = 0; i < result.states.size() && !stopped; ++i) {
    next.clear();
    const Packed state = result.states[i];
    expand(machine, state, Visitor{result, next});
    // Asking whether to stop may use the machine, so only now.
    for (const Packed& successor : next) add(successor);
  }
  return result;
}

/// f(call) for all arguments that the bounds have, and ids one beyond the space.
template <class F>
void for_each_call(CallKind kind, const Bounds& b, F f) {
  using Args = Arguments<std::uint32_t>;
  const auto last = [&](std::uint32_t Args::*field) -> std::uint32_t {
    if (field == &Args::client) return b.clients - 1;
    if (field == &Args::set) return b.sets;
    if (field == &Args::id) return b.ids;
    if (field == &Args::min || field == &Args::max) return b.ids - 1;
    if (field == &Args::data) return b.data;
    if (field == &Args::token) return b.tokens;
    if (field == &Args::quota) return b.capacity + (kind == CallKind::install_capacity ? 0 : 1);
    if (field == &Args::ops) return b.ops;
    if (field == &Args::spid) return b.spids;
    if (field == &Args::nb) return b.notifiers;
    if (field == &Args::getter) return b.data > 0 ? 2 : 0;
    if (field == &Args::callback) return b.ops > 0 ? b.ids : 0;
    return 1;  // take, nomem
  };
  Call call{kind, {}};
  const auto& fields = arguments(kind);
  const auto vary = [&](const auto& self, std::size_t i) -> void {
    if (i == fields.size()) return f(call);
    const auto field = fields[i].field;
    const std::uint32_t first = field == &Args::ops || field == &Args::nb ? 1 : 0;
    for (std::uint32_t v = first; v <= last(field); ++v) {
      call.args.*field = v;
      self(self, i + 1);
    }
  };
  vary(vary, 0);
}
template <class F>
void for_each_call(const Bounds& b, F f) {
  for (unsigned k = 0; k < kCallKinds; ++k) {
    const auto kind = static_cast<CallKind>(k);
    if (in_scope(kind, b)) for_each_call(kind, b, f);
  }
}

/// Small bounds that have, together, every feature; each is explored in well under a second.  Under
/// a sanitizer the first two, which are the largest, have one id less.
inline const std::vector<Bounds>& small_bounds() {
  static const std::vector<Bounds> kBounds{
      {.ids = share(2U, 1U), .sets = 2, .data = 1, .clients = 1, .tokens = 1, .capacity = 2},
      {.ids = share(2U, 1U), .sets = 1, .data = 0, .clients = 2, .capacity = 2},
      {.ids = 2, .sets = 1, .data = 0, .clients = 1, .spids = 1, .capacity = 2},
      {.ids = 1, .sets = 1, .data = 1, .clients = 1, .notifiers = 1, .spids = 1, .capacity = 1},
      {.ids = 2, .sets = 0, .data = 1, .clients = 1, .ops = 3},
      {.ids = 2, .sets = 2, .data = 1, .clients = 1, .static_sets = true},
      {.ids = 1,
       .sets = 1,
       .data = 1,
       .clients = 1,
       .ops = 2,
       .notifiers = 1,
       .tokens = 1,
       .capacity = 1},
  };
  return kBounds;
}

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_TESTS_SPEC_EXPLORE_H
