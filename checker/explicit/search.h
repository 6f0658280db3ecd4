// SPDX-License-Identifier: MIT
// Search: the levels of the breadth-first search, one after the other.
//
// For one thread, which has the team do the work of each level.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_SEARCH_H
#define IOMMUCHECK_CHECKER_EXPLICIT_SEARCH_H

#include <memory>
#include <vector>

#include "checker/explicit/backtrack.h"
#include "checker/explicit/team.h"
#include "checker/explicit/worker.h"

namespace iommucheck::checker::explicit_state {

template <unsigned W>
class Search {
 public:
  Search(const Options& options, const Machines& machines,
         const symmetry::Canonicalizer* canonicalizer, Team& team)
      : options_(options),
        team_(team),
        shared_(options, *machines.at(0), canonicalizer, team.size()) {
    for (unsigned w = 0; w < team.size(); ++w) {
      workers_.push_back(std::make_unique<Worker<W>>(shared_, *machines.at(w), w));
    }
    resized();
  }

  void run() {
    try {
      workers_[0]->begin();
      expand_level(Level{});
      while (close_level()) {
        if (shared_.watch.stopped() != Stop::none) return;
        if (violation_ && options_.stop_at_violation) return;
        expand_level(levels_.back());
        judge_level();
      }
    } catch (const std::bad_alloc&) {
      shared_.watch.stop(Stop::memory);
    }
  }

  const Watch& watch() const { return shared_.watch; }
  std::uint64_t states() const {
    std::uint64_t sum = 0;
    for (const auto& worker : workers_) sum += worker->writer().count();
    return sum;
  }
  std::uint64_t states_without_symmetry() const {
    std::uint64_t sum = 0;
    for (const auto& worker : workers_) sum += worker->states_without_symmetry();
    return sum;
  }
  std::vector<std::uint64_t> taken() const {
    std::vector<std::uint64_t> sum(shared_.steps.size());
    for (const auto& worker : workers_) {
      for (std::size_t s = 0; s < sum.size(); ++s) sum[s] += worker->taken()[s];
    }
    return sum;
  }
  const std::vector<Level>& levels() const { return levels_; }
  /// The violation that is reported, and the level whose states it was found in.
  const std::optional<Violation>& violation() const { return violation_; }
  std::size_t violation_level() const { return violation_level_; }

 private:
  /// A level with fewer states is done by one worker: waking the others costs more.
  static constexpr std::uint64_t kAlone = 128;

  /// Makes a level of the states that were added since the last one; false if there are none.
  bool close_level() {
    Level level;
    closed_.resize(workers_.size());
    for (std::size_t w = 0; w < workers_.size(); ++w) {
      const StateWriter& writer = workers_[w]->writer();
      level.add(writer, closed_[w], writer.count());
      closed_[w] = writer.count();
    }
    if (level.states == 0) return false;
    levels_.push_back(std::move(level));
    return true;
  }

  void expand_level(const Level& level) {
    shared_.feed.start(level, team_.size());
    shared_.watch.enter_level(levels_.empty() ? 0 : levels_.size() - 1, shared_.feed);
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

  void judge_level() {
    if (violation_) return;
    FirstViolation first;
    for (const auto& worker : workers_) first.merge(worker->first_violation());
    violation_ = first.get();
    violation_level_ = levels_.size() - 1;
    shared_.judging = !violation_;
  }

  /// Makes room in the visited set.
  void grow() {
    shared_.pause.store(false, std::memory_order_relaxed);
    const std::uint64_t met = states();
    // With so much room, every worker gets the share that it is going to ask for.
    std::uint64_t needed = met + team_.size() * Quota::kShare;
    for (const auto& worker : workers_) {
      worker->give_share_back();
      needed += worker->pending();
    }
    std::uint64_t slots = shared_.set.slots();
    constexpr std::uint64_t kSmall = std::uint64_t{1} << 20;
    do {
      slots *= slots < kSmall ? 4 : 2;
    } while (usual_load(slots) < needed);
    if (shared_.watch.fits(met, slots * sizeof(std::uint64_t)) && resize(slots)) {
      const Level all = all_states();
      rehash_.start(all, team_.size(), 1U << 14);
      team_.run([this](unsigned w) {
        Run block;
        while (rehash_.take(block, shared_.store.words())) workers_[w]->reinsert(block);
      });
      resized();
    } else if (needed <= highest_load(shared_.set.slots())) {
      // Slower, but it goes on.
      shared_.quota.reset(met, highest_load(shared_.set.slots()));
    } else {
      shared_.watch.stop(Stop::memory);
    }
  }

  bool resize(std::uint64_t slots) {
    try {
      shared_.set.resize(slots);
    } catch (const std::bad_alloc&) {
      return false;
    }
    return true;
  }
  void resized() {
    shared_.watch.set_bytes(shared_.set.bytes());
    shared_.quota.reset(states(), usual_load(shared_.set.slots()));
  }
  // Probe sequences are about 4 slots long at 5/8, 30 at 7/8.
  static std::uint64_t usual_load(std::uint64_t slots) { return slots / 8 * 5; }
  static std::uint64_t highest_load(std::uint64_t slots) { return slots / 8 * 7; }

  Level all_states() const {
    Level level;
    for (const auto& worker : workers_) level.add(worker->writer(), 0, worker->writer().count());
    return level;
  }

  const Options& options_;
  Team& team_;
  Shared<W> shared_;
  std::vector<std::unique_ptr<Worker<W>>> workers_;
  std::vector<std::uint64_t> closed_;  ///< of each worker: how many of its states are in levels_
  std::vector<Level> levels_;
  std::optional<Violation> violation_;
  std::size_t violation_level_ = 0;
  Feed rehash_;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_SEARCH_H
