// SPDX-License-Identifier: MIT
// Executing call sequences: step by step on a Subject, as a whole on a SequenceRunner.
#include "conformance/compare.h"

#include <exception>
#include <stdexcept>

namespace iommucheck::conformance {
namespace {

/// One execution under way.
class Trial {
 public:
  Trial(Oracle& oracle, ContractMode mode) : oracle_(oracle), mode_(mode) { oracle_.reset(); }

  std::optional<Call> admit(const Call& call) const {
    return conformance::admit(oracle_, call, mode_);
  }
  void skip() { ++execution_.skipped; }
  /// Judges a step; false: it diverges.
  bool take(const Call& call, std::size_t origin, const Step& step) {
    execution_.calls.push_back(call);
    execution_.origins.push_back(origin);
    execution_.outcomes.push_back(step.outcome);
    Judgement judgement;
    if (step.crash) {
      judgement.legal = false;
      judgement.reason = step.crash->kind;
      judgement.broken_contract = oracle_.contract_broken_by(call);
      judgement.contract_kept = judgement.broken_contract.empty();
    } else {
      judgement = oracle_.judge(call, step.outcome);
    }
    if (!judgement.contract_kept && broken_contract_.empty()) {
      broken_contract_ = judgement.broken_contract;
    }
    if (judgement.legal) return true;
    execution_.divergence = Divergence{.call = call,
                                       .outcome = step.outcome,
                                       .crash = step.crash,
                                       .judgement = judgement,
                                       .in_contract = broken_contract_.empty(),
                                       .broken_contract = broken_contract_,
                                       .allowed = oracle_.print_allowed(call),
                                       .state = oracle_.print_state()};
    return false;
  }
  Execution result() { return std::move(execution_); }

 private:
  Oracle& oracle_;
  ContractMode mode_;
  Execution execution_;
  std::string broken_contract_;
};

Step execute_one(ioasid::Subject& subject, const Call& call) {
  try {
    return {subject.execute(call), std::nullopt};
  } catch (const std::exception& e) {
    return {{}, Crash{.kind = "exception", .file = {}, .text = e.what()}};
  }
}

struct Placed {
  Call call;
  std::size_t origin;
};

bool same_call(const Call& a, const Call& b) {
  for (const auto& argument : arguments(a.kind)) {
    if (a.args.*argument.field != b.args.*argument.field) return false;
  }
  return a.kind == b.kind;
}

/// What an implementation that gives the lowest answers would be asked.
std::vector<Placed> guess(std::span<const Call> calls, Oracle& oracle, ContractMode mode,
                          const SequenceRunner& runner) {
  std::vector<Placed> placed;
  oracle.reset();
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (!runner.supports(calls[i].kind)) continue;
    const auto call = admit(oracle, runner.express(calls[i]), mode);
    if (!call) continue;
    placed.push_back({*call, i});
    if (const auto outcome = oracle.first_legal(*call)) oracle.judge(*call, *outcome);
  }
  return placed;
}

}  // namespace

std::optional<Call> admit(const Oracle& oracle, Call call, ContractMode mode) {
  if (!oracle.accepts(call)) return std::nullopt;
  if (mode == ContractMode::any || oracle.would_keep_contract(call)) return call;
  if (call.kind != CallKind::alloc) return std::nullopt;
  // Perhaps it is its callback only: the lowest answer that keeps the contract, else a refusal.
  for (std::uint32_t id = call.args.min; id < oracle.bounds().ids && id <= call.args.max; ++id) {
    call.args.callback = id + 1;
    if (oracle.would_keep_contract(call)) return call;
  }
  call.args.callback = 0;
  if (oracle.would_keep_contract(call)) return call;
  return std::nullopt;
}

Execution SubjectTarget::execute(std::span<const Call> calls, Oracle& oracle, ContractMode mode) {
  Trial trial{oracle, mode};
  const auto subject = factory_();
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const auto call = trial.admit(calls[i]);
    if (!call) {
      trial.skip();
      continue;
    }
    if (!trial.take(*call, i, execute_one(*subject, *call))) break;
  }
  return trial.result();
}

Execution RunnerTarget::execute(std::span<const Call> calls, Oracle& oracle, ContractMode mode) {
  std::vector<Placed> placed = guess(calls, oracle, mode, runner_);
  for (unsigned runs = 1;; ++runs) {
    std::vector<Call> asked;
    asked.reserve(placed.size());
    for (const Placed& p : placed) asked.push_back(p.call);
    auto steps = runner_.run(asked);
    if (steps.size() < asked.size() && (steps.empty() || !steps.back().crash)) {
      steps.push_back({{}, Crash{.kind = "no answer", .file = {}, .text = "the run ended early"}});
    }
    Trial trial{oracle, mode};
    bool mended = false;
    for (std::size_t i = 0; i < steps.size() && i < placed.size(); ++i) {
      const auto call = trial.admit(placed[i].call);
      if (!call || !same_call(*call, placed[i].call)) {
        if (call) {
          placed[i].call = *call;
        } else {
          placed.erase(placed.begin() + static_cast<std::ptrdiff_t>(i));
        }
        mended = true;
        break;
      }
      if (!trial.take(placed[i].call, placed[i].origin, steps[i])) {
        mended = false;
        break;
      }
    }
    if (mended && runs < kMaxRuns) continue;
    Execution result = trial.result();
    result.skipped = calls.size() - placed.size();
    return result;
  }
}

Outcome SpecificationSubject::execute(const Call& call) {
  const auto outcome = oracle_.first_legal(call);
  if (!outcome) throw std::logic_error("the specification has no answer to " + print(call));
  oracle_.judge(call, *outcome);
  return *outcome;
}

}  // namespace iommucheck::conformance
