// SPDX-License-Identifier: MIT
// Random schedules, for programs whose executions are too many: uniform at each point, or PCT.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_RANDOM_H
#define IOMMUCHECK_CHECKER_SCHEDULE_RANDOM_H

#include <array>
#include <random>
#include <vector>

#include "checker/schedule/strategy.h"

namespace iommucheck::schedule {

/// What both have in common: no races are asked for, and executions never end.
class Unsystematic : public Strategy {
 public:
  unsigned choose(unsigned alternatives) override {
    return static_cast<unsigned>(random_() % alternatives);
  }
  void executed(std::span<const Event>, std::span<const std::uint32_t>) override {}
  void left_waiting(std::span<const Event>, ThreadId, const Clock&,
                    std::span<const std::uint32_t>) override {}
  void end(Ending) override {}

 protected:
  explicit Unsystematic(std::uint64_t seed) : random_{seed} {}
  std::mt19937_64 random_;  ///< the same numbers everywhere, unlike the distributions
};

/// Each point: one of those who can go on.
class RandomWalk : public Unsystematic {
 public:
  explicit RandomWalk(std::uint64_t seed) : Unsystematic{seed} {}
  bool begin() override { return true; }
  ThreadId pick(const Situation& situation) override;
};

/// Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010): a
/// thread of highest priority runs, and at `depth` - 1 places the one that runs falls to the end.
/// A bug that `depth` ordering constraints are enough for is found by one execution with a
/// probability of at least 1 / (n k^(depth-1)), for n threads and k points.
class Pct : public Unsystematic {
 public:
  Pct(std::uint64_t seed, unsigned depth) : Unsystematic{seed}, depth_{depth} {}
  bool begin() override;
  ThreadId pick(const Situation& situation) override;

 private:
  unsigned depth_;
  std::uint32_t at_ = 0, longest_ = 1;
  std::array<std::uint64_t, kMaxThreads> priority_{};
  std::vector<std::uint32_t> changes_;
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_RANDOM_H
