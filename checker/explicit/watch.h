// SPDX-License-Identifier: MIT
// Watch: looks after the limits and reports progress while the workers work.
//
// tick() and stop() may be called by all workers at once; enter_level() while they rest.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_WATCH_H
#define IOMMUCHECK_CHECKER_EXPLICIT_WATCH_H

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "checker/explicit/explicit.h"
#include "checker/explicit/feed.h"

namespace iommucheck::checker::explicit_state {

/// Why a search ends early.
enum class Stop : std::uint8_t { none, states, memory, seconds, disk, error };

class Watch {
 public:
  Watch(const Options& options, unsigned workers);

  /// From now on the workers expand the states of `feed`.
  void enter_level(std::uint64_t depth, const Feed& feed);

  /// `worker` has met `states` states, and all use `bytes` bytes.  False if it must stop.
  bool tick(unsigned worker, std::uint64_t states, std::uint64_t bytes);
  /// Stops all workers at their next tick; the first reason counts.
  void stop(Stop reason);
  /// The disk fails: what it says.
  void stop_for_disk(const std::string& failure);
  Stop stopped() const { return stop_.load(std::memory_order_relaxed); }

  double seconds() const;
  /// What was reached, and which option raises the limit.
  std::string sentence(std::uint64_t states, std::uint64_t depth) const;

 private:
  using Clock = std::chrono::steady_clock;
  /// On a cache line of its own: written often, by one worker.
  struct alignas(64) Count {
    std::atomic<std::uint64_t> states = 0;
  };
  void report(std::uint64_t states, Clock::time_point now);

  const Options& options_;
  unsigned workers_;
  Clock::time_point begin_ = Clock::now();
  std::unique_ptr<Count[]> counts_;
  std::uint64_t depth_ = 0;
  const Feed* feed_ = nullptr;
  std::atomic<Stop> stop_ = Stop::none;
  std::string disk_failure_;  ///< under reporting_

  std::mutex reporting_;
  std::atomic<Clock::rep> next_report_;
  Clock::time_point last_report_ = begin_;
  std::uint64_t last_states_ = 0;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_WATCH_H
