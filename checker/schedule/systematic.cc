// SPDX-License-Identifier: MIT
// Source-set DPOR, sleep sets, bounded search: a depth-first walk over the tree of executions.
#include "checker/schedule/systematic.h"

#include <stdexcept>

#include <fmt/format.h>

namespace iommucheck::schedule {
namespace {

ThreadId lowest(ThreadMask mask) { return static_cast<ThreadId>(__builtin_ctz(mask)); }

}  // namespace

Systematic::Systematic(SystematicOptions options) : options_{options} {
  if (options.switches && options.reduction != Reduction::none) {
    throw std::invalid_argument{"a bound on switches goes with no reduction"};
  }
}

bool Systematic::is_preemption(const Node& node, ThreadId thread) const {
  return node.before != kNobody && node.before != thread &&
         (node.enabled & mask_of(node.before)) != 0;
}

ThreadMask Systematic::within_bound(const Node& node) const {
  if (options_.switches && node.before != kNobody && node.switches >= *options_.switches) {
    return node.enabled & mask_of(node.before);
  }
  if (!bounded() || node.preemptions < *options_.preemptions) return node.enabled;
  if (node.before == kNobody || (node.enabled & mask_of(node.before)) == 0) return node.enabled;
  return mask_of(node.before);
}

/// Goes back to the last state where something is left to do.
bool Systematic::begin() {
  at_ = 0;
  if (first_) {
    first_ = false;
    return true;
  }
  while (!path_.empty()) {
    Node& node = path_.back();
    if (++node.alternative < node.alternatives) break;
    node.alternative = 0;
    node.alternatives = 1;
    // Whatever begins with this thread has been seen.
    node.sleep |= mask_of(node.thread);
    const ThreadMask left = node.backtrack & ~node.sleep & within_bound(node);
    if (left != 0) {
      node.thread = lowest(left);
      break;
    }
    path_.pop_back();
  }
  replay_ = path_.size();
  return !path_.empty();
}

ThreadId Systematic::pick(const Situation& situation) {
  if (at_ >= replay_) return extend(situation);
  Node& node = path_[at_];
  const Operation& operation = (*situation.pending)[node.thread];
  const bool is_last = at_ + 1 == replay_;
  if (node.enabled != situation.enabled || (!is_last && !(node.operation == operation))) {
    throw std::runtime_error{fmt::format(
        "the program is not deterministic: at scheduling point {} the threads {:x} could go on "
        "before and {:x} now, and thread {} is about to {} at {:x}; something that changes between "
        "executions is not restored (static data, files, time, addresses)",
        at_, node.enabled, situation.enabled, node.thread, name(operation.kind), operation.object)};
  }
  node.operation = operation;
  node.alternatives = operation.kind == Kind::choose ? operation.alternatives : std::uint16_t{1};
  ++at_;
  return node.thread;
}

ThreadId Systematic::extend(const Situation& situation) {
  Node node;
  node.enabled = situation.enabled;
  if (!path_.empty()) {
    const Node& last = path_.back();
    node.before = last.thread;
    node.switches = last.switches + (last.before != kNobody && last.before != last.thread ? 1 : 0);
    node.preemptions = last.preemptions + (is_preemption(last, last.thread) ? 1 : 0);
    if (options_.reduction != Reduction::none && !bounded()) {
      for (ThreadMask left = last.sleep & ~mask_of(last.thread); left != 0; left &= left - 1) {
        const ThreadId thread = lowest(left);
        if (!dependent((*situation.pending)[thread], last.operation)) {
          node.sleep |= mask_of(thread);
        }
      }
    }
  }
  const ThreadMask awake = within_bound(node) & ~node.sleep;
  if (awake == 0) return kNobody;
  // Going on with the same thread gives schedules that people can read.
  const bool same = situation.current != kNobody && (awake & mask_of(situation.current)) != 0;
  node.thread = same ? situation.current : lowest(awake);
  node.backtrack = options_.reduction == Reduction::dpor ? mask_of(node.thread) : situation.enabled;
  node.operation = (*situation.pending)[node.thread];
  if (node.operation.kind == Kind::choose) node.alternatives = node.operation.alternatives;
  path_.push_back(node);
  ++at_;
  return node.thread;
}

unsigned Systematic::choose(unsigned) { return path_[at_ - 1].alternative; }

void Systematic::executed(std::span<const Event> events, std::span<const std::uint32_t> races) {
  // The races of what is repeated are known.
  if (options_.reduction != Reduction::dpor || events.size() < replay_) return;
  const Event& event = events.back();
  for (const std::uint32_t race : races) {
    reverse(events, events.size() - 1, event.thread, event.clock, race);
  }
}

void Systematic::left_waiting(std::span<const Event> events, ThreadId thread, const Clock& clock,
                              std::span<const std::uint32_t> races) {
  if (options_.reduction != Reduction::dpor) return;
  for (const std::uint32_t race : races) reverse(events, events.size(), thread, clock, race);
}

/// The event at `race` could come after the next step of `thread`, whose clock is `clock`: sees to
/// it that the state before `race` tries somebody with whom that can begin.
void Systematic::reverse(std::span<const Event> events, std::size_t end, ThreadId thread,
                         const Clock& clock, std::uint32_t race) {
  if (bounded()) {
    demand(race, thread);
    // The switch may be cheaper at the start of the block that the race lies in.
    std::size_t block = race;
    while (block > 0 && events[block - 1].thread == events[race].thread) --block;
    if (block != race) demand(block, thread);
    return;
  }
  // What is between the two and not behind the first: whoever can begin it is an initial.
  ThreadMask seen = 0, initials = 0;
  std::array<std::uint32_t, kMaxThreads> first{};
  const ThreadId racing = events[race].thread;
  const auto comes_first = [&](const Clock& at) {
    for (ThreadMask left = seen; left != 0; left &= left - 1) {
      const ThreadId other = lowest(left);
      if (at.covers(other, first[other])) return false;
    }
    return true;
  };
  for (std::size_t i = race + 1; i < end; ++i) {
    const Event& event = events[i];
    if ((seen & mask_of(event.thread)) != 0 || event.clock.covers(racing, race)) continue;
    if (comes_first(event.clock)) initials |= mask_of(event.thread);
    seen |= mask_of(event.thread);
    first[event.thread] = static_cast<std::uint32_t>(i);
  }
  if ((seen & mask_of(thread)) == 0 && comes_first(clock)) initials |= mask_of(thread);
  Node& node = path_[race];
  if ((node.backtrack & initials) != 0) return;
  initials &= node.enabled;
  if (initials == 0) {
    node.backtrack |= node.enabled;
  } else {
    node.backtrack |= (initials & mask_of(thread)) != 0 ? mask_of(thread) : initials & -initials;
  }
}

/// The bounded search: `thread` has to be tried here; who cannot go on yet waits for somebody.
void Systematic::demand(std::size_t position, ThreadId thread) {
  Node& node = path_[position];
  node.backtrack |= (node.enabled & mask_of(thread)) != 0 ? mask_of(thread) : node.enabled;
}

void Systematic::end(Ending) {}

}  // namespace iommucheck::schedule
