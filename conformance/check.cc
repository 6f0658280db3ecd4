// SPDX-License-Identifier: MIT
// The search: generate, execute, group by cause, shorten.
#include "conformance/check.h"

#include <algorithm>
#include <numeric>

#include "conformance/generator.h"

namespace iommucheck::conformance {
namespace {

Cause cause_of(const Divergence& d) { return {d.call.kind, d.judgement.reason, d.in_contract}; }

void count(Report& report, const Execution& execution) {
  report.calls += execution.calls.size();
  report.skipped += execution.skipped;
  for (std::size_t i = 0; i < execution.calls.size(); ++i) {
    const bool crashed =
        execution.divergence && execution.divergence->crash && i + 1 == execution.calls.size();
    const std::uint32_t err = execution.outcomes[i].err;
    if (crashed || err >= ioasid::kErrs) continue;
    ++report.answers[static_cast<std::size_t>(execution.calls[i].kind)][err];
  }
}

/// The sequence without the call that diverged, as far as it was executed, and the rest.
std::vector<Call> without_last(const Execution& execution, const std::vector<Call>& asked) {
  std::vector<Call> calls(execution.calls.begin(), execution.calls.end() - 1);
  const auto rest = static_cast<std::ptrdiff_t>(execution.origins.back() + 1);
  calls.insert(calls.end(), asked.begin() + rest, asked.end());
  return calls;
}

class Search {
 public:
  Search(Target& target, const Bounds& bounds, const CheckOptions& options)
      : target_(target), options_(options), oracle_(bounds, options.effects) {
    report_.seed = options.seed;
    report_.contract = options.contract;
  }

  Report run() {
    const auto generator =
        calls(oracle_.bounds(),
              {options_.length, [this](CallKind kind) { return target_.supports(kind); }});
    rc::Random random{options_.seed};
    // The second bound ends a search whose calls are all left out.
    const std::uint64_t most = options_.sequences != 0 ? options_.sequences : options_.calls + 1000;
    while (report_.calls < options_.calls && report_.sequences < most) {
      ++report_.sequences;
      follow(generator(random.split(), 100).value());
      if (report_.findings.size() >= options_.causes) break;
    }
    return std::move(report_);
  }

 private:
  void follow(std::vector<Call> sequence) {
    for (;;) {
      Execution execution = target_.execute(sequence, oracle_, options_.contract);
      count(report_, execution);
      if (!execution.divergence) return;
      meet(execution);
      if (report_.findings.size() >= options_.causes || report_.calls >= options_.calls) return;
      sequence = without_last(execution, sequence);
    }
  }
  void meet(const Execution& execution) {
    const Cause cause = cause_of(*execution.divergence);
    const auto known = std::ranges::find(report_.findings, cause, &Finding::cause);
    if (known != report_.findings.end()) {
      ++known->hits;
      if (execution.calls.size() < known->shortest.calls.size()) {
        known->shortest = shorten(target_, oracle_, execution.calls, options_);
      }
      return;
    }
    report_.findings.push_back({cause, shorten(target_, oracle_, execution.calls, options_), 1});
  }

  Target& target_;
  CheckOptions options_;
  Oracle oracle_;
  Report report_;
};

}  // namespace

std::uint64_t Report::calls_of(CallKind kind) const {
  const auto& row = answers[static_cast<std::size_t>(kind)];
  return std::accumulate(row.begin(), row.end(), std::uint64_t{0});
}

std::uint64_t Report::seen(CallKind kind, ioasid::Err err) const {
  return answers[static_cast<std::size_t>(kind)][static_cast<std::size_t>(err)];
}

Execution shorten(Target& target, Oracle& oracle, std::vector<Call> calls,
                  const CheckOptions& options) {
  Execution best = target.execute(calls, oracle, options.contract);
  if (!best.divergence) throw std::invalid_argument("shorten: the sequence does not diverge");
  const Cause cause = cause_of(*best.divergence);
  unsigned runs = 0;
  auto shrinks = shrinkable(best.calls).shrinks();
  while (runs < options.shrink_runs) {
    const auto next = shrinks.next();
    if (!next) break;
    ++runs;
    Execution execution = target.execute(next->value(), oracle, options.contract);
    if (!execution.divergence || cause_of(*execution.divergence) != cause) continue;
    // Executing may have mended a callback: only what is not longer is progress.
    if (execution.calls.size() > best.calls.size()) continue;
    shrinks = next->shrinks();
    if (execution.calls.size() < next->value().size())
      shrinks = shrinkable(execution.calls).shrinks();
    best = std::move(execution);
  }
  return best;
}

Report check(Target& target, const Bounds& bounds, const CheckOptions& options) {
  return Search{target, bounds, options}.run();
}

Report check_subject(SubjectFactory factory, const Bounds& bounds, const CheckOptions& options) {
  SubjectTarget target{std::move(factory)};
  return check(target, bounds, options);
}

Report check_runner(SequenceRunner& runner, const Bounds& bounds, const CheckOptions& options) {
  RunnerTarget target{runner};
  return check(target, bounds, options);
}

}  // namespace iommucheck::conformance
