// SPDX-License-Identifier: MIT
// What a check found, in words.
#include <fmt/format.h>

#include "conformance/check.h"
#include "spec/ioasid/spec.h"

namespace iommucheck::conformance {

using ioasid::Err;
using ioasid::kCallKinds;

std::string print_call(const Call& call) {
  std::string text = ioasid::print(call);
  if (call.kind == CallKind::alloc && call.args.callback != 0) {
    text += fmt::format(", a callback answers id {}", call.args.callback - 1);
  }
  return text;
}

std::string print(const Finding& finding) {
  const Execution& execution = finding.shortest;
  const Divergence& divergence = *execution.divergence;
  std::string text =
      fmt::format("{}: {}{}\n", name(finding.cause.kind), finding.cause.reason,
                  finding.cause.in_contract
                      ? ""
                      : fmt::format("\n  after a broken contract: {}", divergence.broken_contract));
  for (std::size_t i = 0; i < execution.calls.size(); ++i) {
    const bool crashed = divergence.crash && i + 1 == execution.calls.size();
    text += fmt::format("  {:2}. {}: {}\n", i + 1, print_call(execution.calls[i]),
                        crashed ? divergence.crash->kind
                                : ioasid::print(execution.calls[i], execution.outcomes[i]));
  }
  if (divergence.crash) {
    if (!divergence.crash->file.empty()) {
      text += fmt::format("  at {}:{}\n", divergence.crash->file, divergence.crash->line);
    }
    if (!divergence.crash->text.empty()) text += fmt::format("  {}\n", divergence.crash->text);
  }
  text += fmt::format("  allowed: {}\n  state: {}\n  met {} times\n", divergence.allowed,
                      divergence.state, finding.hits);
  return text;
}

std::string print(const Report& report) {
  std::string text = fmt::format(
      "{} calls in {} sequences (seed {}, contract {}), {} left out; {} divergent causes\n",
      report.calls, report.sequences, report.seed,
      report.contract == ContractMode::strict ? "kept" : "not asked for", report.skipped,
      report.findings.size());
  for (unsigned k = 0; k < kCallKinds; ++k) {
    const auto kind = static_cast<CallKind>(k);
    if (report.calls_of(kind) == 0) continue;
    text += fmt::format("  {:28}", name(kind));
    for (const Err err : ioasid::answers(kind)) {
      text += fmt::format(" {} {}", name(err), report.seen(kind, err));
    }
    text += '\n';
  }
  for (const Finding& finding : report.findings) text += print(finding);
  return text;
}

}  // namespace iommucheck::conformance
