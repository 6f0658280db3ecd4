// SPDX-License-Identifier: MIT
// Limits, and reports of progress.
#include "checker/explicit/watch.h"

#include <fmt/format.h>

namespace iommucheck::checker::explicit_state {

namespace {
constexpr std::chrono::milliseconds kReportEvery{200};
}  // namespace

Watch::Watch(const Options& options, unsigned workers)
    : options_(options),
      workers_(workers),
      counts_(std::make_unique<Count[]>(workers)),
      next_report_((begin_ + kReportEvery).time_since_epoch().count()) {}

void Watch::enter_level(std::uint64_t depth, const Feed& feed) {
  depth_ = depth;
  feed_ = &feed;
}

bool Watch::tick(unsigned worker, std::uint64_t states, std::uint64_t bytes) {
  counts_[worker].states.store(states, std::memory_order_relaxed);
  if (stopped() != Stop::none) return false;
  std::uint64_t all = 0;
  for (unsigned w = 0; w < workers_; ++w) all += counts_[w].states.load(std::memory_order_relaxed);
  const Limits& limits = options_.limits;
  // With a disk, some of them may turn out to be known when the level ends.
  if (limits.states != 0 && options_.disk.empty() && all > limits.states) stop(Stop::states);
  if (bytes > limits.memory_bytes) stop(Stop::memory);
  if (limits.seconds > 0 || options_.progress) {
    const Clock::time_point now = Clock::now();
    const std::chrono::duration<double> passed = now - begin_;
    if (limits.seconds > 0 && passed.count() > limits.seconds) stop(Stop::seconds);
    if (options_.progress) report(all, now);
  }
  return stopped() == Stop::none;
}

void Watch::stop(Stop reason) {
  Stop none = Stop::none;
  stop_.compare_exchange_strong(none, reason, std::memory_order_relaxed);
}

void Watch::stop_for_disk(const std::string& failure) {
  const std::lock_guard lock(reporting_);
  if (disk_failure_.empty()) disk_failure_ = failure;
  stop(Stop::disk);
}

double Watch::seconds() const {
  return std::chrono::duration<double>(Clock::now() - begin_).count();
}

void Watch::report(std::uint64_t states, Clock::time_point now) {
  if (now.time_since_epoch().count() < next_report_.load(std::memory_order_relaxed)) return;
  const std::unique_lock lock(reporting_, std::try_to_lock);
  // Another worker reports, or did so while this one came here.
  if (!lock || now < last_report_ + kReportEvery) return;
  const std::chrono::duration<double> since = now - last_report_;
  const std::uint64_t more = states > last_states_ ? states - last_states_ : 0;
  Progress progress;
  progress.states = states;
  progress.frontier = feed_ == nullptr ? 0 : feed_->left();
  progress.depth = depth_;
  progress.seconds = std::chrono::duration<double>(now - begin_).count();
  progress.states_per_second = static_cast<double>(more) / since.count();
  last_report_ = now;
  last_states_ = states;
  next_report_.store((now + kReportEvery).time_since_epoch().count(), std::memory_order_relaxed);
  options_.progress(progress);
}

std::string Watch::sentence(std::uint64_t states, std::uint64_t depth) const {
  constexpr double kMebibyte = 1 << 20;
  const auto stopped_by = [&](std::string limit, const char* option) {
    return fmt::format(
        "{} states up to depth {} show no violation, but {} was reached: raise it with {}, or use "
        "smaller bounds",
        states, depth, limit, option);
  };
  const Limits& limits = options_.limits;
  switch (stopped()) {
    case Stop::states:
      return stopped_by(fmt::format("the limit of {} states", limits.states), "--max-states");
    case Stop::memory:
      return stopped_by(fmt::format("the limit of {:.0f} MiB of memory",
                                    static_cast<double>(limits.memory_bytes) / kMebibyte),
                        "--max-memory");
    case Stop::seconds:
      return stopped_by(fmt::format("the limit of {} seconds", limits.seconds), "--max-seconds");
    case Stop::disk:
      return fmt::format(
          "{} states up to depth {} show no violation, but then the disk failed: {}; give --disk a "
          "directory with more room, or raise --max-memory",
          states, depth, disk_failure_);
    case Stop::none:
    case Stop::error: break;
  }
  return "";
}

}  // namespace iommucheck::checker::explicit_state
