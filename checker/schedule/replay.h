// SPDX-License-Identifier: MIT
// Replay: one execution, as a schedule has it.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_REPLAY_H
#define IOMMUCHECK_CHECKER_SCHEDULE_REPLAY_H

#include "checker/schedule/schedule_text.h"

namespace iommucheck::schedule {

/// Behind the end of the schedule the same thread goes on as long as it can, then the next.  A
/// schedule that does not fit throws std::invalid_argument out of the exploration.
class Replay : public Strategy {
 public:
  explicit Replay(Schedule schedule) : schedule_{std::move(schedule)} {}
  bool begin() override;
  ThreadId pick(const Situation& situation) override;
  unsigned choose(unsigned alternatives) override;
  void executed(std::span<const Event>, std::span<const std::uint32_t>) override {}
  void left_waiting(std::span<const Event>, ThreadId, const Clock&,
                    std::span<const std::uint32_t>) override {}
  void end(Ending) override {}

 private:
  Schedule schedule_;
  std::size_t at_ = 0;
  bool done_ = false;
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_REPLAY_H
