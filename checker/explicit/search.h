// SPDX-License-Identifier: MIT
// Search: the levels of the breadth-first search, one after the other.
//
// For one thread, which has the team do the work of each level.  Where several processes share the
// search, each has a Search of its own, and they meet when a level is done: what they decide then
// (whether to stop, whether there is a violation, whether that was the last level), all decide
// alike.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_SEARCH_H
#define IOMMUCHECK_CHECKER_EXPLICIT_SEARCH_H

#include <memory>
#include <vector>

#include "checker/explicit/backtrack.h"
#include "checker/explicit/bytes.h"
#include "checker/explicit/journal.h"
#include "checker/explicit/team.h"
#include "checker/explicit/worker.h"

namespace iommucheck::checker::explicit_state {

template <unsigned W, class Keys>
class Search {
 public:
  /// `keep_levels`: all states stay where they can be read again, for a path.
  Search(const Options& options, const Machines& machines, const Form* form, Team& team,
         bool keep_levels)
      : options_(options),
        team_(team),
        keep_levels_(keep_levels),
        exchange_(options.exchange),
        shared_(options, *machines.at(0), form, team.size()) {
    if (exchange_ != nullptr) exchange_->start(shared_.store.words());
    for (unsigned w = 0; w < team.size(); ++w) {
      workers_.push_back(std::make_unique<Worker<W, Keys>>(shared_, *machines.at(w), w));
    }
    resized(0);
  }

  void run() {
    try {
      if (!load_journal()) {
        workers_[0]->begin();
        expand_level(Level{});
        meet_others();
        if (!close_level()) return;
      }
      do {
        if (shared_.watch.stopped() != Stop::none) return;
        if (violation_ && options_.stop_at_violation) return;
        compile();
        expand_level(levels_.back());
        meet_others();
      } while (close_level());
    } catch (const std::bad_alloc&) {
      // Other ranks wait for this one: it has to end.
      if (exchange_ != nullptr) throw;
      shared_.watch.stop(Stop::memory);
    } catch (const DiskError& error) {
      shared_.watch.stop_for_disk(error.what());
    }
  }
  /// Uses the code that another search has made.
  void use(const CompiledSteps& code) { shared_.compiled = code; }

  const Watch& watch() const { return shared_.watch; }
  const CompiledSteps& compiled() const { return shared_.compiled; }
  const std::string& not_compiled() const { return not_compiled_; }
  /// Of this rank, as are the other counters.
  std::uint64_t states() const {
    std::uint64_t sum = loaded_;
    // What may be known from the disk is not counted before it is looked up.
    for (const auto& worker : workers_)
      sum += shared_.spilled ? worker->resolved() : worker->writer().count();
    return sum;
  }
  std::uint64_t states_without_symmetry() const {
    if (shared_.form == nullptr) return states();
    std::uint64_t sum = before_.states_without_symmetry;
    for (const auto& worker : workers_) sum += worker->states_without_symmetry();
    return sum;
  }
  std::uint64_t bytes() const { return shared_.bytes(); }
  std::optional<DiskUse> disk() const {
    if (!shared_.spilled) return std::nullopt;
    const Scratch& keys = shared_.spilled->file();
    return DiskUse{shared_.spilled->runs(), keys.bytes(), keys.bytes_read(),
                   shared_.state_file->bytes()};
  }
  std::vector<std::uint64_t> taken() const {
    std::vector<std::uint64_t> sum = before_.taken;
    sum.resize(shared_.steps.size());
    for (const auto& worker : workers_) {
      for (std::size_t s = 0; s < sum.size(); ++s) sum[s] += worker->taken()[s];
    }
    return sum;
  }
  /// Those before the last ones may have been forgotten (see levels_kept()).
  const std::vector<Level>& levels() const { return levels_; }
  bool levels_kept() const { return !forgotten_; }
  /// The violation that is reported, and the level whose states it was found in.
  const std::optional<Violation>& violation() const { return violation_; }
  std::size_t violation_level() const { return violation_level_; }

 private:
  /// A level with fewer states is done by one worker: waking the others costs more.
  static constexpr std::uint64_t kAlone = 128;

  /// When a level is done: what all ranks have to know of it.
  void meet_others() {
    FirstViolation first;
    if (shared_.judging) {
      for (const auto& worker : workers_) first.merge(worker->first_violation());
    }
    const std::uint64_t known = all_states_;
    all_states_ = states();
    if (exchange_ != nullptr) {
      // Where this rank stops, what is on its way to it is of no use.
      exchange_->end_level();
      while (!exchange_->level_ended()) {
        if (!exchange_->receive([](const std::uint64_t*, std::uint64_t) {}))
          std::this_thread::yield();
      }
      exchange_->next_level();
      BytesWriter mine;
      mine.number(static_cast<std::uint64_t>(shared_.watch.stopped())).number(all_states_);
      mine.text(first.bytes());
      all_states_ = 0;
      for (const std::string& bytes : exchange_->all_gather(mine.bytes())) {
        BytesReader reader(bytes);
        const auto stopped = static_cast<Stop>(reader.number());
        if (stopped != Stop::none) shared_.watch.stop(stopped);
        all_states_ += reader.number();
        first.merge(reader.text());
      }
      const std::uint64_t most = options_.limits.states;
      if (most != 0 && all_states_ > most) shared_.watch.stop(Stop::states);
    }
    added_ = all_states_ - known;
    judge_level(first);
  }

  /// Makes a level of the states that were added since the last one; false if there are none.
  bool close_level() {
    Level level;
    closed_.resize(workers_.size());
    // What an early end left undone, and what lies behind a violation, has to be done again.
    const bool whole = shared_.watch.stopped() == Stop::none && !violation_;
    const bool forget = !keep_levels_ && shared_.store.bytes() > options_.keep_bytes;
    for (std::size_t w = 0; w < workers_.size(); ++w) {
      StateWriter& writer = workers_[w]->writer();
      if (forget) writer.forget(closed_[w]);
      level.add(writer, closed_[w], writer.count());
      closed_[w] = writer.count();
    }
    if (added_ == 0) return false;
    if (journal_ && whole) {
      journal_->append(level, {states_without_symmetry(), taken()});
      level = journal_->levels().back();
      for (auto& worker : workers_) worker->writer().forget(worker->writer().count());
    }
    if (forget && !journal_) {
      for (Level& old : levels_) old.runs.clear();
      forgotten_ = true;
    }
    levels_.push_back(std::move(level));
    return true;
  }

  /// Takes the states of a journal as met; true if there are any.
  bool load_journal() {
    if (options_.journal.empty()) return false;
    journal_.emplace(options_.journal, options_.identity, shared_.store.words(), options_.resume);
    if (exchange_ != nullptr)
      journal_->cut(static_cast<std::size_t>(exchange_->smallest(journal_->levels().size())));
    before_ = journal_->counted();
    closed_.resize(workers_.size());
    for (const Level& level : journal_->levels()) {
      if (!load(level)) break;
      levels_.push_back(level);
      loaded_ += level.states;
    }
    if (shared_.watch.stopped() == Stop::none) resized(0);
    all_states_ = loaded_;
    if (exchange_ != nullptr) all_states_ = agree_on_start();
    return all_states_ != 0 || shared_.watch.stopped() != Stop::none;
  }

  /// The states that all ranks have loaded; they stop if one has to.
  std::uint64_t agree_on_start() {
    const bool stopped = shared_.watch.stopped() != Stop::none;
    const auto sums = exchange_->sum({stopped ? 1U : 0U, loaded_});
    if (sums[0] != 0) shared_.watch.stop(Stop::memory);
    return sums[1];
  }

  /// False, and the search stops, if there is no memory for them.
  bool load(const Level& level) {
    for (;;) {
      const std::uint64_t at_once = shared_.spilled ? 0 : level.states;
      const bool full = shared_.no_room.exchange(false, std::memory_order_relaxed);
      if (!make_room(at_once + team_.size() * Quota::kShare, full)) return false;
      Feed feed;
      feed.start(level, team_.size());
      std::atomic<bool> more = true;
      while (more.exchange(false) && !shared_.no_room.load(std::memory_order_relaxed)) {
        for (auto& worker : workers_) worker->give_shares_back();
        std::uint64_t most = Worker<W, Keys>::kLoaded;
        if (shared_.spilled) {
          most = std::min(most, shared_.set.usual_load() / (4 * team_.size()));
          if (!make_room(team_.size() * (most + Feed::kLargestBlock), false)) return false;
        }
        if (!make_keys(most + Feed::kLargestBlock)) return false;
        team_.run([&](unsigned w) {
          if (workers_[w]->load(feed, most)) more = true;
        });
      }
      // Where a place was full, all of them once more: those that are there are known.
      if (!shared_.no_room.load(std::memory_order_relaxed)) return true;
    }
  }

  void compile() {
    if (!options_.compile || shared_.compiled.expand != nullptr || !not_compiled_.empty()) return;
    if (all_states_ < options_.compile_after) return;
    // The first rank compiles; the others find the code where it has put it.
    if (exchange_ != nullptr && exchange_->rank() != 0) exchange_->barrier();
    try {
      shared_.compiled = options_.compile();
    } catch (const std::runtime_error& error) {
      not_compiled_ = error.what();
    }
    if (exchange_ == nullptr) return;
    if (exchange_->rank() == 0) exchange_->barrier();
    // All have it, or none.
    if (exchange_->sum({not_compiled_.empty() ? 0U : 1U})[0] == 0) return;
    shared_.compiled = {};
    if (not_compiled_.empty()) not_compiled_ = "another rank cannot compile them";
  }

  void expand_level(const Level& level) {
    shared_.feed.start(level, team_.size());
    shared_.watch.enter_level(levels_.empty() ? 0 : levels_.size() - 1, shared_.feed);
    expand_all(level);
    resolve();
    if (shared_.spilled && in_set() > most_in_set() && shared_.watch.stopped() == Stop::none) {
      spill();
      resized(0);
    }
  }
  void expand_all(const Level& level) {
    for (;;) {
      if (level.states < kAlone) {
        workers_[0]->work();
      } else {
        team_.run([this](unsigned w) { workers_[w]->work(); });
      }
      if (shared_.watch.stopped() != Stop::none) return;
      if (!shared_.pause.load(std::memory_order_relaxed)) return;
      grow();
    }
  }

  void judge_level(const FirstViolation& first) {
    if (violation_ || levels_.empty()) return;
    violation_ = first.get();
    violation_level_ = levels_.size() - 1;
    shared_.judging = !violation_;
  }

  /// Makes room in the visited set, and for keys.
  void grow() {
    shared_.pause.store(false, std::memory_order_relaxed);
    // With so much room, every worker gets the share that it is going to ask for.
    std::uint64_t pending = 0;
    for (const auto& worker : workers_) {
      worker->give_shares_back();
      pending = std::max(pending, worker->pending());
    }
    const std::uint64_t more = team_.size() * (std::max(pending, Quota::kShare) + Quota::kShare);
    const bool full = shared_.no_room.exchange(false, std::memory_order_relaxed);
    constexpr std::uint64_t kKeys = 4096;
    if (make_room(more, full) && make_keys(pending + kKeys)) resized(more);
  }

  /// Room in the visited set for so many more keys or, where a place is full, for more than it has.
  /// False, and the search stops, if there is no memory.
  bool make_room(std::uint64_t more, bool full) {
    const std::uint64_t needed = in_set() + more;
    if (needed <= usual_load() && !full) return true;
    // Once keys are on disk, marks belong to the slots as they are.
    const bool may_grow = !shared_.spilled || (shared_.spilled->empty() && needed <= most_in_set());
    if (may_grow && shared_.set.grow(needed, set_share(), team_)) {
      ++shared_.generation;
      return true;
    }
    if (shared_.spilled) {
      if (in_set() != 0) {
        resolve();
        spill();
      }
      if (more <= shared_.set.usual_load()) return true;
      // What workers have on their way is more than the set ever had.
      if (shared_.set.grow(more, set_share(), team_)) {
        shared_.spilled->clear_marks(shared_.set);
        ++shared_.generation;
        return true;
      }
    } else if (needed <= shared_.set.highest_load() && !full) {
      return true;
    }
    shared_.watch.stop(Stop::memory);
    return false;
  }
  /// The bytes that the set may have.
  std::uint64_t set_share() const {
    const std::uint64_t limit = options_.limits.memory_bytes;
    const std::uint64_t others = bytes() - shared_.set.bytes();
    const std::uint64_t rest = limit - std::min(limit, others);
    if (!shared_.spilled) return rest;
    // States have an eighth, marks and indices the rest; keys that need memory cannot do without.
    return std::min(rest, Keys::kGrow ? limit / 2 : limit / 4 * 3);
  }

  // With a disk:
  /// Of the states that were added since the last time, drops those that are known there.
  void resolve() {
    if (!shared_.spilled || shared_.watch.stopped() == Stop::disk) return;
    std::uint64_t unresolved = 0;
    for (const auto& worker : workers_) unresolved += worker->unresolved();
    if (unresolved != 0 && !shared_.spilled->empty()) {
      shared_.spilled->want_only(unresolved);
      team_.run([this](unsigned w) { workers_[w]->want_unresolved(); });
      shared_.spilled->look_up(shared_.set, team_);
      team_.run([this](unsigned w) { workers_[w]->drop_known(); });
    }
    for (auto& worker : workers_) worker->set_resolved();
    const std::uint64_t most = options_.limits.states;
    if (most != 0 && states() > most) shared_.watch.stop(Stop::states);
  }
  /// Empties the set; all that it has is resolved.
  void spill() {
    shared_.spilled->spill(shared_.set, in_set(), team_);
    before_spill_ += in_set();
  }
  /// The same for the keys of so many states for each worker.
  bool make_keys(std::uint64_t states) {
    const std::uint64_t limit = options_.limits.memory_bytes;
    if (shared_.keys.grow(states, limit - std::min(limit, bytes()))) return true;
    shared_.watch.stop(Stop::memory);
    return false;
  }

  /// Keys in the visited set.
  std::uint64_t in_set() const {
    std::uint64_t sum = 0;
    for (const auto& worker : workers_) sum += worker->inserted();
    return sum - before_spill_;
  }

  /// What the options allow in the set before it is written to the disk.
  std::uint64_t most_in_set() const {
    return shared_.spilled && options_.spill_keys != 0 ? options_.spill_keys : ~std::uint64_t{0};
  }
  std::uint64_t usual_load() const { return std::min(shared_.set.usual_load(), most_in_set()); }

  /// Workers may add what there is room for, `more` at least.
  void resized(std::uint64_t more) {
    const std::uint64_t met = in_set();
    const std::uint64_t usual =
        std::max(usual_load(), std::min(met + more, shared_.set.usual_load()));
    // Past the usual load there was no memory to grow: slower, but it goes on.
    shared_.quota.reset(met, met + team_.size() * Quota::kShare < usual || shared_.spilled
                                 ? usual
                                 : shared_.set.highest_load());
  }

  const Options& options_;
  Team& team_;
  bool keep_levels_;
  Exchange* exchange_;
  Shared<Keys> shared_;
  std::vector<std::unique_ptr<Worker<W, Keys>>> workers_;
  std::uint64_t all_states_ = 0;       ///< of all ranks, when the last level was done
  std::uint64_t added_ = 0;            ///< of those, the ones that were new in that level
  std::vector<std::uint64_t> closed_;  ///< of each worker: how many of its states are in levels_
  std::vector<Level> levels_;
  bool forgotten_ = false;
  std::optional<Journal> journal_;
  Counted before_;                  ///< what the journal had counted
  std::uint64_t loaded_ = 0;        ///< states that came from the journal
  std::uint64_t before_spill_ = 0;  ///< keys that were put into the set before it was last emptied
  std::string not_compiled_;
  std::optional<Violation> violation_;
  std::size_t violation_level_ = 0;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_SEARCH_H
