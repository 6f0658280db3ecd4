// SPDX-License-Identifier: MIT
// Merging runs of a schedule, and searching those of few switches.
#include "checker/schedule/minimise.h"

#include <algorithm>
#include <stdexcept>

#include "checker/schedule/systematic.h"

namespace iommucheck::schedule {
namespace {

/// Switches first, then steps.
std::pair<std::size_t, std::size_t> cost(const Schedule& schedule) {
  return {context_switches(schedule), schedule.steps.size()};
}

/// The best so far, and how it came about.
struct Search {
  Engine& engine;
  const Wanted* wanted;  ///< null: the history of the first execution is
  std::uint64_t left;    ///< executions
  Schedule best;
  Report report = {};
  History history = {};
  bool found = false, better = false;

  /// In the middle of an execution.
  bool shows() const {
    return wanted != nullptr &&
           std::any_of(engine.reports().begin(), engine.reports().end(), *wanted);
  }
  /// An execution is over.
  void judge() {
    if (wanted != nullptr) {
      for (const Report& candidate : engine.reports()) {
        if ((*wanted)(candidate) && consider(candidate.schedule)) report = candidate;
      }
    } else if (!engine.histories().all().empty()) {
      const History& candidate = engine.histories().all().front();
      if ((!found || candidate.is_same(history)) && consider(candidate.schedule))
        history = candidate;
    }
    engine.forget_reports();
    engine.histories().clear();
  }

 private:
  /// Whether it is better than the best.
  bool consider(const std::string& text) {
    Schedule schedule = parse_schedule(text);
    if (found && cost(schedule) >= cost(best)) return false;
    best = std::move(schedule);
    return found = better = true;
  }
};

// ---- merging ----

/// Steps of one thread without a break.
using Run = std::vector<ScheduleStep>;

std::vector<Run> runs_of(const Schedule& schedule) {
  std::vector<Run> runs;
  for (const ScheduleStep& step : schedule.steps) {
    if (runs.empty() || runs.back()[0].thread != step.thread) runs.emplace_back();
    runs.back().push_back(step);
  }
  return runs;
}

/// Tries changed schedules.  They need not fit: a step whose thread cannot go on is left out, and
/// behind the end the same thread goes on as long as it can.
class Merging : public Strategy {
 public:
  explicit Merging(Search& search) : search_{search}, steps_{search.best.steps} {}

  bool begin() override {
    if (search_.left == 0) return false;
    if (!first_ && !next_candidate()) return false;
    first_ = false;
    --search_.left;
    at_ = 0;
    return true;
  }
  ThreadId pick(const Situation& situation) override {
    if (search_.shows()) return kNobody;
    alternative_ = 0;
    while (at_ < steps_.size()) {
      const ScheduleStep& step = steps_[at_++];
      const auto place = std::find(situation.paths->begin(), situation.paths->end(), step.thread);
      const auto thread = static_cast<unsigned>(place - situation.paths->begin());
      if (thread >= kMaxThreads || (situation.enabled & mask_of(thread)) == 0) continue;
      alternative_ = step.alternative;
      return static_cast<ThreadId>(thread);
    }
    const bool same =
        situation.current != kNobody && (situation.enabled & mask_of(situation.current)) != 0;
    return same ? situation.current : static_cast<ThreadId>(__builtin_ctz(situation.enabled));
  }
  unsigned choose(unsigned alternatives) override {
    return alternative_ < alternatives ? alternative_ : 0;
  }
  void executed(std::span<const Event>, std::span<const std::uint32_t>) override {}
  void left_waiting(std::span<const Event>, ThreadId, const Clock&,
                    std::span<const std::uint32_t>) override {}
  void end(Ending) override {
    search_.better = false;
    search_.judge();
    // What worked may work again: from the beginning, with what is left.
    if (search_.better) change_ = 0;
  }
  std::span<const std::uintptr_t> promoted() const override { return search_.best.promoted; }

 private:
  Search& search_;
  std::vector<ScheduleStep> steps_;
  std::size_t at_ = 0, change_ = 0;
  unsigned alternative_ = 0;
  bool first_ = true;

  /// The next change of the best one that makes a difference.
  bool next_candidate() {
    const std::vector<Run> runs = runs_of(search_.best);
    constexpr std::size_t kChanges = 5;
    while (change_ < runs.size() * kChanges) {
      const std::size_t at = change_ / kChanges, what = change_ % kChanges;
      ++change_;
      std::vector<Run> changed = runs;
      if (!change(changed, at, what)) continue;
      steps_.clear();
      for (const Run& run : changed) steps_.insert(steps_.end(), run.begin(), run.end());
      return true;
    }
    return false;
  }

  static bool change(std::vector<Run>& runs, std::size_t at, std::size_t what) {
    Run& run = runs[at];
    const auto same_thread = [&](const Run& other) {
      return !other.empty() && other[0].thread == run[0].thread;
    };
    const auto here = runs.begin() + static_cast<std::ptrdiff_t>(at);
    switch (what) {
      case 0:  // does not run at all
        run.clear();
        return true;
      case 1: {  // not yet: with the thread's next run
        const auto next = std::find_if(here + 1, runs.end(), same_thread);
        if (next == runs.end()) return false;
        next->insert(next->begin(), run.begin(), run.end());
        run.clear();
        return true;
      }
      case 2: {  // at once: with the thread's run before
        const auto last = std::find_if(std::make_reverse_iterator(here), runs.rend(), same_thread);
        if (last == runs.rend()) return false;
        last->insert(last->end(), run.begin(), run.end());
        run.clear();
        return true;
      }
      case 3:  // half as long
        if (run.size() < 3) return false;
        run.resize(run.size() / 2);
        return true;
      default:
        if (run.size() < 2) return false;
        run.pop_back();
        return true;
    }
  }
};

// ---- searching ----

/// All schedules of so many switches, as long as they are shorter than the best one.
class FewSwitches : public Systematic {
 public:
  FewSwitches(Search& search, unsigned switches)
      : Systematic{{Reduction::none, {}, switches}}, search_{search}, switches_{switches} {}

  bool begin() override {
    if (search_.left == 0 || !Systematic::begin()) return false;
    --search_.left;
    at_ = 0;
    return true;
  }
  ThreadId pick(const Situation& situation) override {
    const bool too_long =
        context_switches(search_.best) == switches_ && at_ >= search_.best.steps.size();
    // Whatever goes on from here costs more.
    if (too_long || search_.shows()) return kNobody;
    ++at_;
    return Systematic::pick(situation);
  }
  void end(Ending ending) override {
    Systematic::end(ending);
    search_.judge();
  }
  std::span<const std::uintptr_t> promoted() const override { return search_.best.promoted; }

 private:
  Search& search_;
  unsigned switches_;
  std::size_t at_ = 0;
};

}  // namespace

Wanted same_place(const Report& report) {
  const bool pair = report.kind == "data race" || report.kind == kLockOrderInversion;
  const auto place = [pair](const Report& of) {
    const std::pair both{of.here.pc[0], of.other.pc[0]};
    if (!pair) return std::pair{both.first, std::uintptr_t{0}};
    return std::pair{std::min(both.first, both.second), std::max(both.first, both.second)};
  };
  return [kind = report.kind, wanted = place(report), place](const Report& found) {
    return found.kind == kind && found.others.empty() && place(found) == wanted;
  };
}

namespace {

Minimised minimise(const Program& program, const Schedule& schedule, const Wanted* wanted,
                   const MinimiseOptions& options) {
  Engine engine;
  Limits limits;
  limits.steps = options.steps;
  Search search{engine, wanted, options.executions, schedule};
  engine.explore(program, limits, [&] { return std::make_unique<Merging>(search); });
  if (!search.found) {
    throw std::invalid_argument{wanted != nullptr ? "the schedule does not show the report"
                                                  : "the schedule does not come to an end"};
  }

  Minimised result;
  for (unsigned switches = 0; switches <= context_switches(search.best); ++switches) {
    const Statistics statistics = engine.explore(
        program, limits, [&] { return std::make_unique<FewSwitches>(search, switches); });
    if (!statistics.exhausted || search.left == 0) break;
    result.fewest_switches = switches + 1 >= context_switches(search.best);
    result.shortest = switches == context_switches(search.best);
  }
  result.executions = options.executions - search.left;
  result.schedule = std::move(search.best);
  result.report = std::move(search.report);
  return result;
}

}  // namespace

Minimised minimise(const Program& program, const Schedule& schedule, const Wanted& wanted,
                   const MinimiseOptions& options) {
  return minimise(program, schedule, &wanted, options);
}

Minimised minimise_history(const Program& program, const Schedule& schedule,
                           const MinimiseOptions& options) {
  return minimise(program, schedule, nullptr, options);
}

}  // namespace iommucheck::schedule
