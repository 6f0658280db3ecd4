// SPDX-License-Identifier: MIT
// Replay: one execution, as a schedule has it.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_REPLAY_H
#define IOMMUCHECK_CHECKER_SCHEDULE_REPLAY_H

#include "checker/schedule/schedule_text.h"

namespace iommucheck::schedule {

/// Behind the end of the schedule the same thread goes on as long as it can, then the next.  A
/// schedule that does not fit throws std::invalid_argument out of the exploration.  Several
/// schedules are repeated one after the other.
class Replay : public Strategy {
 public:
  explicit Replay(Schedule schedule) : schedules_{std::move(schedule)} {}
  explicit Replay(std::vector<Schedule> schedules) : schedules_{std::move(schedules)} {}
  bool begin() override;
  ThreadId pick(const Situation& situation) override;
  unsigned choose(unsigned alternatives) override;
  void executed(std::span<const Event>, std::span<const std::uint32_t>) override {}
  void left_waiting(std::span<const Event>, ThreadId, const Clock&,
                    std::span<const std::uint32_t>) override {}
  void end(Ending ending) override;
  std::span<const std::uintptr_t> promoted() const override { return now().promoted; }

 private:
  std::vector<Schedule> schedules_;
  std::size_t next_ = 0;  ///< the schedule behind the one at hand
  std::size_t at_ = 0;    ///< how many of its steps are done

  const Schedule& now() const { return schedules_[next_ - 1]; }
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_REPLAY_H
