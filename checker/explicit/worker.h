// SPDX-License-Identifier: MIT
// Worker: expands states with a machine of its own and adds what it meets to the shared set.
//
// Each worker belongs to one thread at a time; what they share is in Shared.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_WORKER_H
#define IOMMUCHECK_CHECKER_EXPLICIT_WORKER_H

#include <atomic>
#include <new>
#include <stdexcept>

#include "checker/explicit/batch.h"
#include "checker/explicit/coverage.h"
#include "checker/explicit/feed.h"
#include "checker/explicit/quota.h"
#include "checker/explicit/violation.h"
#include "checker/explicit/visited_set.h"
#include "checker/explicit/watch.h"
#include "checker/symmetry/canonicalizer.h"

namespace iommucheck::checker::explicit_state {

/// What all workers use.
template <unsigned W>
struct Shared {
  Shared(const Options& options, const Machine<Concrete>& machine,
         const symmetry::Canonicalizer* canonical, unsigned workers)
      : canonicalizer(canonical),
        steps(machine),
        store(machine.schema.words()),
        set(store, options.initial_slots),
        watch(options, workers, machine.schema.words()) {}

  const symmetry::Canonicalizer* canonicalizer;  ///< null without symmetry
  StepIndex steps;
  StateStore store;
  VisitedSet<W> set;
  Watch watch;
  Feed feed;
  /// Whether violations are looked at: not after those of an earlier level.
  bool judging = true;
  Quota quota;
  /// Set when the visited set must grow: workers return at the next state.
  alignas(64) std::atomic<bool> pause = false;
};

template <unsigned W>
class alignas(64) Worker {
 public:
  Worker(Shared<W>& shared, Machine<Concrete>& machine, unsigned number)
      : shared_(shared),
        machine_(machine),
        number_(number),
        width_(machine.schema.words()),
        batch_(machine.schema.words()),
        writer_(shared.store),
        base_(shared.steps.base().data()),
        taken_pages_(shared.steps.size() * sizeof(std::uint64_t)),
        taken_(taken_pages_.as<std::uint64_t>()) {
    const auto& properties = machine.properties();
    for (std::size_t i = 0; i < properties.size(); ++i) {
      const bool checked = machine.context.checked(static_cast<PropertyId>(i));
      has_invariants_ = has_invariants_ || (properties[i].holds && checked);
    }
  }

  /// Collects the initial states; work() adds them.
  void begin() {
    initial_states(machine_, [this](StateView state) {
      if (machine_.context.failed()) {
        throw std::logic_error(
            std::string{"an initial state of the machine fails: "} +
            machine_.context.failure().detail +
            ".  Machine::initial must give values that are in range: check the bounds.");
      }
      canonicalize();
      batch_.push(state.data());
      if (batch_.full()) batch_.enlarge();
    });
  }

  /// Expands states of the level until there are no more, or all workers must pause or stop.
  /// Called again after a pause, it goes on where it was.
  void work() {
    try {
      holding_ = false;
      if (shared_.watch.stopped() != Stop::none || !flush()) return;
      do {
        for (; block_.count != 0; --block_.count, block_.first += width_.get()) {
          if (shared_.pause.load(std::memory_order_relaxed)) return;
          // States may have very many successors: a block can take long.
          if (batch_.pushed() >= next_tick_ && !tick()) return;
          expand_one();
        }
        if (!tick()) return;
      } while (shared_.feed.take(block_, width_.get()));
      flush();
    } catch (const std::bad_alloc&) {
      shared_.watch.stop(Stop::memory);
    } catch (...) {
      shared_.watch.stop(Stop::error);
      throw;
    }
  }

  /// Adds the states of a block to the set after it was resized.
  void reinsert(const Run& block) {
    constexpr std::uint64_t kAhead = 32;
    std::uint64_t hashes[kAhead];
    for (std::uint64_t i = 0; i < block.count + kAhead; ++i) {
      std::uint64_t& h = hashes[i % kAhead];
      if (i >= kAhead) shared_.set.reinsert(block.id + i - kAhead, h);
      if (i < block.count) {
        h = hash(width_, block.first + i * width_.get());
        shared_.set.prefetch_slot(h);
      }
    }
  }

  // Between levels, and in a pause:
  const StateWriter& writer() const { return writer_; }
  std::uint64_t pending() const { return batch_.size(); }
  void give_share_back() { share_ = 0; }
  const std::uint64_t* taken() const { return taken_; }
  std::uint64_t states_without_symmetry() const { return all_states_; }
  const FirstViolation& first_violation() const { return first_violation_; }

  // For expand():
  void successor(ActionId action, StateView next) {
    ++taken_[base_[action.process] + action.step];
    canonicalize();
    shared_.set.prefetch_slot(batch_.push(next.data()));
    if (batch_.pushed() % Batch<W>::kGroup == 0) move_on();
  }
  void violation(ActionId action, const Failure& failure, StateView after) {
    ++taken_[base_[action.process] + action.step];
    if (shared_.judging) first_violation_.in_step(state(), action, failure, after);
  }
  void stuck(const Failure& failure) {
    if (shared_.judging) first_violation_.in_state(state(), failure);
  }

 private:
  StateView state() const { return {block_.first, width_.get()}; }
  /// In place: every step begins by copying its state into the machine's buffer.
  void canonicalize() {
    if (shared_.canonicalizer != nullptr) (*shared_.canonicalizer)(machine_.context.words.data());
  }
  void count_added(const std::uint64_t* state) {
    all_states_ += shared_.canonicalizer == nullptr ? 1 : shared_.canonicalizer->orbit_size(state);
  }

  /// False if all workers must stop.
  bool tick() {
    constexpr std::uint64_t kSuccessors = 4096;
    next_tick_ = batch_.pushed() + kSuccessors;
    return shared_.watch.tick(number_, writer_.count());
  }

  void expand_one() {
    if (has_invariants_) {
      const auto broken = broken_invariant(machine_, state());
      if (broken && shared_.judging) first_violation_.in_state(state(), *broken);
    }
    expand(machine_, state(), *this);
  }

  void move_on() {
    // While the set has no room, the rest of the state's successors are kept for later.
    const std::uint64_t pushed = batch_.pushed();
    if (!holding_ && batch_.size() > Batch<W>::kPop) {
      settle(pushed - Batch<W>::kLook, pushed - Batch<W>::kPop);
    }
    if (batch_.full()) batch_.enlarge();
  }

  bool flush() { return settle(batch_.pushed(), batch_.pushed()); }

  /// Looks at successors before number `look`, and adds those before `add` to the set.  False, and
  /// all workers must pause, if there is no room.
  bool settle(std::uint64_t look, std::uint64_t add) {
    const std::uint64_t n = add - batch_.popped();
    if (share_ < n) {
      const std::uint64_t more = std::max(n, Quota::kShare);
      if (!shared_.quota.take(more)) {
        holding_ = true;
        shared_.pause.store(true, std::memory_order_relaxed);
        return false;
      }
      share_ += more;
    }
    batch_.look(look, [this](std::uint64_t hash) { shared_.set.prefetch_state(hash); });
    batch_.pop(add, [this](const std::uint64_t* state, std::uint64_t hash) {
      if (!shared_.set.insert(state, hash, writer_)) return;
      --share_;
      count_added(state);
    });
    return true;
  }

  Shared<W>& shared_;
  Machine<Concrete>& machine_;
  unsigned number_;
  [[no_unique_address]] Width<W> width_;
  Run block_;
  Batch<W> batch_;
  StateWriter writer_;
  std::uint64_t all_states_ = 0;
  std::uint64_t share_ = 0;  ///< states that this worker may add without asking
  std::uint64_t next_tick_ = 0;
  bool holding_ = false;
  bool has_invariants_ = false;
  const std::uint32_t* base_;
  Pages taken_pages_;  // pages of its own: workers do not share cache lines
  std::uint64_t* taken_;
  FirstViolation first_violation_;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_WORKER_H
