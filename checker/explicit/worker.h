// SPDX-License-Identifier: MIT
// Worker: expands states and adds what it meets to the shared set.
//
// Each worker belongs to one thread at a time; what they share is in Shared.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_WORKER_H
#define IOMMUCHECK_CHECKER_EXPLICIT_WORKER_H

#include <atomic>
#include <memory>
#include <new>
#include <stdexcept>
#include <thread>

#include "checker/compiled/steps.h"
#include "checker/explicit/batch.h"
#include "checker/explicit/coverage.h"
#include "checker/explicit/exchange.h"
#include "checker/explicit/feed.h"
#include "checker/explicit/form.h"
#include "checker/explicit/quota.h"
#include "checker/explicit/recent.h"
#include "checker/explicit/same_steps.h"
#include "checker/explicit/sent.h"
#include "checker/explicit/spilled_set.h"
#include "checker/explicit/violation.h"
#include "checker/explicit/watch.h"

namespace iommucheck::checker::explicit_state {

/// What all workers use.
template <class Keys>
struct Shared {
  Shared(const Options& options, const Machine<Concrete>& machine, const Form* state_form,
         unsigned workers)
      : form(state_form),
        steps(machine),
        state_file(options.disk.empty() ? nullptr : std::make_unique<Scratch>(options.disk)),
        spilled(options.disk.empty() ? nullptr : std::make_unique<SpilledSet>(options.disk)),
        store(machine.schema.words(), state_file.get(), options.limits.memory_bytes / 8),
        keys(machine.schema, workers),
        set(keys.extra_bits(), options.initial_slots, options.limits.memory_bytes, workers == 1),
        watch(options, workers),
        exchange(options.exchange) {}

  const Form* form;  ///< null: each state is its own
  StepIndex steps;

  /// Of all of it, in memory.
  std::uint64_t bytes() const {
    return set.bytes() + keys.bytes() + store.bytes() + (spilled ? spilled->bytes() : 0);
  }

  // Null without a disk:
  std::unique_ptr<Scratch> state_file;
  std::unique_ptr<SpilledSet> spilled;
  StateStore store;
  Keys keys;
  VisitedSet set;
  Watch watch;
  Exchange* exchange;  ///< null: this process has all states
  Feed feed;
  /// Steps are executed by the machine until there is code for them.
  CompiledSteps compiled;
  /// Whether violations are looked at: not after those of an earlier level.
  bool judging = true;
  Quota quota;
  std::uint64_t generation = 0;  ///< of the set: places found before it grew are of no use
  /// Set when the set or the keys must grow: workers return at the next state.
  alignas(64) std::atomic<bool> pause = false;
  /// A place in the set is full, whatever the quota says.
  std::atomic<bool> no_room = false;
};

template <unsigned W, class Keys>
class alignas(64) Worker {
 public:
  Worker(Shared<Keys>& shared, Machine<Concrete>& machine, unsigned number)
      : shared_(shared),
        machine_(machine),
        number_(number),
        width_(machine.schema.words()),
        local_(shared.keys),
        batches_{Batch<W>(machine.schema.words()), Batch<W>(machine.schema.words())},
        writer_(shared.store),
        base_(shared.steps.base().data()),
        taken_pages_(shared.steps.size() * sizeof(std::uint64_t)),
        taken_(taken_pages_.as<std::uint64_t>()) {
    if (shared.exchange != nullptr) sent_.start(width_.get());
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
      const std::uint32_t i = push(state);
      canonicalize(i);
      // Every rank has all of them: nothing is sent.
      if (shared_.exchange != nullptr && owner(hash(width_, filling_->words(i))) != rank())
        filling_->cut(i);
    });
    unplaced_ = true;
  }

  /// Expands states of the level until there are no more, or all workers must pause or stop.
  /// Called again after a pause, it goes on where it was.
  void work() {
    try {
      if (shared_.watch.stopped() != Stop::none || !resume()) return;
      do {
        for (; block_.count != 0; --block_.count, block_.first += width_.get()) {
          if (shared_.pause.load(std::memory_order_relaxed)) return;
          // States may have very many successors: a block can take long.
          if (met_ >= next_tick_ && !tick()) return;
          if (shared_.exchange != nullptr && ++polled_ % kPollEvery == 0) receive();
          expand_one();
        }
        if (!tick()) return;
      } while (shared_.feed.take(block_, width_.get()));
      if (shared_.exchange != nullptr && !await_others()) return;
      if (settle(*older_)) settle(*filling_);
    } catch (const std::bad_alloc&) {
      shared_.watch.stop(Stop::memory);
    } catch (const DiskError& error) {
      shared_.watch.stop_for_disk(error.what());
    } catch (...) {
      shared_.watch.stop(Stop::error);
      throw;
    }
  }

  /// Adds states of the feed, which are known to others, to the set: about `most` (up to kLoaded)
  /// of them.  False if there are no more.
  bool load(Feed& feed, std::uint64_t most) {
    Run block;
    for (std::uint64_t n = 0; n < most;) {
      if (!feed.take(block, width_.get())) return false;
      static_cast<void>(shared_.keys.reserve(local_, block.count));
      // A block's places are fetched together.
      std::array<VisitedSet::Probe, Feed::kLargestBlock> probes;
      for (std::uint64_t i = 0; i < block.count; ++i) {
        probes[i] = shared_.set.probe(shared_.keys(local_, block.first + i * width_.get()));
        VisitedSet::prefetch(probes[i]);
      }
      for (std::uint64_t i = 0; i < block.count; ++i) {
        const Insertion insertion = shared_.set.insert(probes[i]);
        if (insertion == Insertion::added) ++inserted_;
        if (insertion == Insertion::no_room) shared_.no_room.store(true, std::memory_order_relaxed);
      }
      n += block.count;
    }
    return true;
  }
  static constexpr std::uint64_t kLoaded = std::uint64_t{1} << 16;

  // With a disk, between levels and in a pause: a state that was added may be known there.
  std::uint64_t unresolved() const { return writer_.count() - resolved_; }
  std::uint64_t resolved() const { return resolved_; }
  void want_unresolved() {
    bool some = true;
    writer_.retain(resolved_, [&](const std::uint64_t* states, std::uint64_t n, bool*) {
      for (std::uint64_t i = 0; i < n && some; ++i)
        some = shared_.spilled->want(shared_.keys(local_, states + i * width_.get()));
    });
  }
  void drop_known() {
    writer_.retain(resolved_, [&](const std::uint64_t* states, std::uint64_t n, bool* kept) {
      std::array<Key, StateWriter::kRetained> keys;
      for (std::uint64_t i = 0; i < n; ++i) {
        keys[i] = shared_.keys(local_, states + i * width_.get());
        VisitedSet::prefetch(shared_.set.probe(keys[i]));
      }
      for (std::uint64_t i = 0; i < n; ++i) {
        const auto slot = shared_.set.find(keys[i]);
        if (!slot) throw std::logic_error("internal error: a state that was added is lost");
        kept[i] = !shared_.spilled->marked(*slot);
        if (!kept[i]) all_states_ -= orbit(states + i * width_.get());
      }
    });
  }
  void set_resolved() { resolved_ = writer_.count(); }

  // Between levels, and in a pause:
  /// Keys that this worker has put into the set, ever.
  std::uint64_t inserted() const { return inserted_; }
  StateWriter& writer() { return writer_; }
  const StateWriter& writer() const { return writer_; }
  std::uint64_t pending() const {
    std::uint64_t n = 0;
    for (const Batch<W>& batch : batches_) n += batch.size() - batch.done();
    return n;
  }
  void give_shares_back() {
    share_ = 0;
    local_ = typename Keys::Local(shared_.keys);
  }
  const std::uint64_t* taken() const { return taken_; }
  std::uint64_t states_without_symmetry() const { return all_states_; }
  const FirstViolation& first_violation() const { return first_violation_; }

  // For expand():
  void successor(ActionId action, StateView next) {
    const std::uint32_t i = push(next);
    *filling_->steps(i) = std::uint32_t{action.process} << 16 | action.step;
    count(*filling_->steps(i));
  }
  void violation(ActionId action, const Failure& failure, StateView after) {
    count(std::uint32_t{action.process} << 16 | action.step);
    wrong_ = true;
    if (shared_.judging) first_violation_.in_step(state(), action, failure, after);
  }
  void stuck(const Failure& failure) {
    wrong_ = true;
    if (shared_.judging) first_violation_.in_state(state(), failure);
  }

 private:
  StateView state() const { return {block_.first, width_.get()}; }
  void count(std::uint32_t step) { ++taken_[base_[step >> 16] + (step & 0xffff)]; }
  /// The successors of the batch from number `first` on.
  void canonicalize(std::uint32_t first) {
    if (shared_.form == nullptr) return;
    for (std::uint32_t i = first; i < filling_->size(); ++i) (*shared_.form)(filling_->words(i));
  }
  std::uint64_t orbit(const std::uint64_t* state) const {
    return shared_.form == nullptr ? 1 : shared_.form->orbit_size(state);
  }

  /// False if all workers must stop.
  bool tick() {
    constexpr std::uint64_t kSuccessors = 4096;
    next_tick_ = met_ + kSuccessors;
    return shared_.watch.tick(number_, writer_.count(), shared_.bytes());
  }

  void expand_one() {
    const CompiledSteps& code = shared_.compiled;
    if (code.expand == nullptr) {
      execute();
    } else if (++expanded_ % kCompareEvery == 1) {
      compare();
    } else {
      Batch<W>& batch = *filling_;
      const std::uint32_t before = batch.size();
      batch.reserve(code.room);
      const std::uint32_t n = code.expand(block_.first, batch.words(before), batch.steps(before));
      if ((n & CompiledSteps::kLook) != 0) return execute();
      batch.add(n);
      for (std::uint32_t i = before; i < before + n; ++i) count(*batch.steps(i));
      arrive(before);
    }
  }

  void execute() {
    const std::uint32_t before = filling_->size();
    run_machine();
    arrive(before);
  }

  void run_machine() {
    wrong_ = false;
    if (has_invariants_) {
      const auto broken = broken_invariant(machine_, state());
      if (broken) wrong_ = true;
      if (broken && shared_.judging) first_violation_.in_state(state(), *broken);
    }
    expand(machine_, state(), *this);
  }

  /// Both ways, now and then: code that does something else than the machine is never trusted.
  void compare() {
    const CompiledSteps& code = shared_.compiled;
    std::vector<std::uint64_t> words(std::size_t{code.room} * width_.get());
    std::vector<std::uint32_t> steps(code.room);
    const std::uint32_t n = code.expand(block_.first, words.data(), steps.data());
    const std::uint32_t before = filling_->size();
    const bool looked = (n & CompiledSteps::kLook) != 0;
    run_machine();
    const Successors executed{filling_->words(before), filling_->steps(before),
                              filling_->size() - before};
    if (!looked &&
        (wrong_ || !same_steps(executed, {words.data(), steps.data(), n}, width_.get()))) {
      throw std::logic_error(
          "internal error: compiled steps differ from the machine's own; use --steps executed, "
          "and report this");
    }
    arrive(before);
  }

  std::uint32_t push(StateView state) {
    filling_->reserve(1);
    const std::uint32_t i = filling_->size();
    copy(width_, state.data(), filling_->words(i));
    filling_->add(1);
    return i;
  }

  /// The successors from number `first` on are there: their places are fetched.
  void arrive(std::uint32_t first) {
    Batch<W>& batch = *filling_;
    met_ += batch.size() - first;
    canonicalize(first);
    if (shared_.exchange != nullptr) send_away(first);
    if (!find_places(batch, first)) return;
    if (batch.full()) turn();
  }

  /// Of the successors from number `first` on, fetches the places of those that were not met a
  /// moment ago; the others are dropped.  False, and all workers must pause, if there is no room.
  bool find_places(Batch<W>& batch, std::uint32_t first) {
    if (!shared_.keys.reserve(local_, batch.size() - first)) {
      unplaced_ = true;
      return hold();
    }
    std::uint32_t kept = first;
    for (std::uint32_t i = first; i < batch.size(); ++i) {
      const Key key = shared_.keys(local_, batch.words(i));
      if (recent_.meet(key)) continue;
      batch.probe(kept) = shared_.set.probe(key);
      VisitedSet::prefetch(batch.probe(kept));
      if (kept != i) copy(width_, batch.words(i), batch.words(kept));
      ++kept;
    }
    batch.cut(kept);
    return true;
  }
  /// The set has grown: what was on its way has other places now.
  bool find_places_again(Batch<W>& batch) {
    if (!shared_.keys.reserve(local_, batch.size() - batch.done())) return hold();
    for (std::uint32_t i = batch.done(); i < batch.size(); ++i) {
      batch.probe(i) = shared_.set.probe(shared_.keys(local_, batch.words(i)));
    }
    return true;
  }

  // With other ranks:
  unsigned rank() const { return shared_.exchange->rank(); }
  unsigned owner(std::uint64_t hash) const { return shared_.exchange->owner(hash); }
  /// Of the successors from number `first` on, those of other ranks go there.
  void send_away(std::uint32_t first) {
    Batch<W>& batch = *filling_;
    std::uint32_t kept = first;
    for (std::uint32_t i = first; i < batch.size(); ++i) {
      const std::uint64_t* const state = batch.words(i);
      const std::uint64_t h = hash(width_, state);
      const unsigned to = owner(h);
      if (to == rank()) {
        if (kept != i) copy(width_, state, batch.words(kept));
        ++kept;
      } else if (!sent_.meet(width_, h, state)) {
        shared_.exchange->send(to, state);
      }
    }
    batch.cut(kept);
  }
  /// What others have sent goes where this rank's own successors go.
  bool receive() {
    return shared_.exchange->receive([this](const std::uint64_t* states, std::uint64_t count) {
      const std::uint32_t before = filling_->size();
      for (std::uint64_t i = 0; i < count; ++i) push({states + i * width_.get(), width_.get()});
      met_ += count;
      if (find_places(*filling_, before) && filling_->full()) turn();
    });
  }
  /// Until no state of this level is on its way.  False if all workers must pause or stop before.
  bool await_others() {
    shared_.exchange->end_level();
    while (!shared_.exchange->level_ended()) {
      if (!receive()) std::this_thread::yield();
      if (shared_.pause.load(std::memory_order_relaxed) || !tick()) return false;
    }
    return true;
  }

  void turn() {
    if (!settle(*older_)) return;
    older_->clear();
    std::swap(older_, filling_);
  }

  /// After a pause: what was on its way goes on.
  bool resume() {
    if (unplaced_ || generation_ != shared_.generation) {
      for (Batch<W>* batch : {older_, filling_}) {
        if (!find_places_again(*batch)) return false;
      }
      unplaced_ = false;
      generation_ = shared_.generation;
    }
    if (!settle(*older_)) return false;
    if (older_->empty()) older_->clear();
    if (filling_->empty()) filling_->clear();
    return true;
  }

  /// Adds the successors of the batch to the set.  False, and all workers must pause, if there is
  /// no room.
  bool settle(Batch<W>& batch) {
    if (unplaced_) return false;
    const std::uint64_t n = batch.size() - batch.done();
    if (share_ < n) {
      const std::uint64_t more = std::max(n, Quota::kShare);
      if (!shared_.quota.take(more)) return hold();
      share_ += more;
    }
    for (std::uint32_t i = batch.done(); i < batch.size(); ++i) {
      const Insertion insertion = shared_.set.insert(batch.probe(i));
      if (insertion == Insertion::added) {
        ++inserted_;
        --share_;
        writer_.append(batch.words(i), width_.get());
        all_states_ += orbit(batch.words(i));
      } else if (insertion == Insertion::no_room) {
        batch.set_done(i);
        shared_.no_room.store(true, std::memory_order_relaxed);
        return hold();
      }
    }
    batch.set_done(batch.size());
    return true;
  }
  bool hold() {
    shared_.pause.store(true, std::memory_order_relaxed);
    return false;
  }

  static constexpr std::uint64_t kCompareEvery = 1024;
  /// States are expanded in about a microsecond each; looking for messages takes as long.
  static constexpr std::uint64_t kPollEvery = 32;

  Shared<Keys>& shared_;
  Machine<Concrete>& machine_;
  unsigned number_;
  [[no_unique_address]] Width<W> width_;
  Run block_;
  typename Keys::Local local_;
  std::array<Batch<W>, 2> batches_;
  Batch<W>* older_ = &batches_[0];
  Batch<W>* filling_ = &batches_[1];
  Recent recent_;
  Sent<W> sent_;
  StateWriter writer_;
  std::uint64_t all_states_ = 0;
  std::uint64_t inserted_ = 0;
  std::uint64_t resolved_ = 0;  ///< states of writer_ that are new for certain
  std::uint64_t share_ = 0;     ///< states that this worker may add without asking
  std::uint64_t met_ = 0, next_tick_ = 0, expanded_ = 0, polled_ = 0, generation_ = 0;
  bool unplaced_ = false;  ///< successors have no place yet
  bool wrong_ = false;     ///< the state at hand violates something
  bool has_invariants_ = false;
  const std::uint32_t* base_;
  Pages taken_pages_;  // pages of its own: workers do not share cache lines
  std::uint64_t* taken_;
  FirstViolation first_violation_;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_WORKER_H
