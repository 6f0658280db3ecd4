// SPDX-License-Identifier: MIT
// Checking the kernel's ioasid.c at several windows of ids, and grouping what was found.
#include "cli/kernel_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/kernel_target.h"

namespace iommucheck::cli {
namespace {

using conformance::Finding;
using nlohmann::ordered_json;

// At the start, across a node of the xarray (64 entries), and across two levels of it.
constexpr std::array<unsigned, 3> kWindows{0, 60, 4092};

linux_harness::Runner build(const std::optional<std::string>& tree,
                            const std::optional<std::string>& package,
                            const std::function<void(std::string_view)>& say) {
  linux_harness::Cache cache{linux_harness::Cache::default_directory(), say};
  return tree ? linux_harness::build_ioasid_tree(cache, *tree)
              : linux_harness::build_ioasid_package(cache, *package);
}

KernelDivergence describe(const Finding& finding, linux_harness::KernelIoasid& kernel,
                          unsigned window) {
  const auto& execution = finding.shortest;
  const auto& divergence = *execution.divergence;
  KernelDivergence d;
  d.cause = fmt::format("{}: {}", ioasid::name(finding.cause.kind), finding.cause.reason);
  for (std::size_t i = 0; i < execution.calls.size(); ++i) {
    const bool last = i + 1 == execution.calls.size();
    const bool crashed = last && divergence.crash;
    d.calls.push_back(
        fmt::format("{} = {}", conformance::print_call(execution.calls[i]),
                    crashed ? divergence.crash->kind
                            : ioasid::print(execution.calls[i],
                                            last ? divergence.outcome : execution.outcomes[i])));
  }
  d.allowed = divergence.allowed;
  if (divergence.crash) {
    d.did = divergence.crash->kind;
    d.file = divergence.crash->file;
    d.line = divergence.crash->line;
    d.report = divergence.crash->text;
  } else {
    d.did = ioasid::print(divergence.call, divergence.outcome);
  }
  if (d.file.empty()) {
    const auto where = kernel.locate(divergence.call.kind);
    d.file = where.file;
    d.line = where.line;
  }
  d.contract_kept = divergence.in_contract;
  d.broken_contract = divergence.broken_contract;
  d.hits = finding.hits;
  d.window = window;
  return d;
}

}  // namespace

KernelRun run_kernel(const std::optional<std::string>& tree,
                     const std::optional<std::string>& package, const KernelRunOptions& options,
                     const std::function<void(std::string_view)>& say) {
  KernelRun run;
  run.source = tree ? *tree : *package;
  run.options = options;
  linux_harness::Runner runner = build(tree, package, say);
  const auto begin = std::chrono::steady_clock::now();
  std::map<conformance::Cause, std::size_t> known;
  std::map<std::string, std::uint64_t> answers;
  // An ops is its driver's again once it is unregistered: touching it after that is an error.
  linux_harness::KernelIoasid kernel{std::move(runner), {.poison_unregistered_ops = true}};
  std::uint64_t place_in_line = 0;
  for (const unsigned window : kWindows) {
    // The first windows get what does not divide evenly: --runs N is never more than N sequences.
    const bool one_more = place_in_line++ < options.sequences % kWindows.size();
    const std::uint64_t share = options.sequences / kWindows.size() + (one_more ? 1 : 0);
    if (options.sequences != 0 && share == 0) continue;
    kernel.options().first_id = window;
    KernelTarget target{kernel};
    conformance::CheckOptions check;
    check.seed = options.seed + window;
    check.calls = std::max<std::uint64_t>(1, options.calls / kWindows.size());
    check.sequences = share;
    check.contract =
        options.any_contract ? conformance::ContractMode::any : conformance::ContractMode::strict;
    const auto report = conformance::check(target, kernel_bounds(), check);
    run.calls += report.calls;
    run.sequences += report.sequences;
    run.skipped += report.skipped;
    for (unsigned k = 0; k < ioasid::kCallKinds; ++k) {
      for (unsigned e = 0; e < ioasid::kErrs; ++e) {
        const auto n = report.answers[k][e];
        if (n != 0)
          answers[fmt::format("{} {}", name(static_cast<ioasid::CallKind>(k)),
                              name(static_cast<ioasid::Err>(e)))] += n;
      }
    }
    for (const auto& finding : report.findings) {
      const auto [place, fresh] = known.try_emplace(finding.cause, run.divergences.size());
      if (fresh) {
        run.divergences.push_back(describe(finding, kernel, window));
        continue;
      }
      auto& old = run.divergences[place->second];
      old.hits += finding.hits;
      if (finding.shortest.calls.size() < old.calls.size()) {
        const auto hits = old.hits;
        old = describe(finding, kernel, window);
        old.hits = hits;
      }
    }
  }
  for (const auto& [answer, n] : answers) run.answers.push_back(fmt::format("{} {}", answer, n));
  run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return run;
}

ordered_json kernel_to_json(const KernelRun& run) {
  ordered_json object;
  object["verdict"] = run.divergences.empty() ? "holds" : "violated";
  object["scope"] = {{"target", "ioasid"},
                     {"source", run.source},
                     {"calls", run.calls},
                     {"sequences", run.sequences},
                     {"seed", run.options.seed},
                     {"contract", run.options.any_contract ? "any" : "strict"},
                     {"kind", "random call sequences, one thread"},
                     {"first_ids", kWindows}};
  object["answers_seen"] = run.answers;
  object["skipped"] = run.skipped;
  object["seconds"] = run.seconds;
  object["divergences"] = ordered_json::array();
  for (const auto& d : run.divergences) {
    object["divergences"].push_back({{"cause", d.cause},
                                     {"calls", d.calls},
                                     {"allowed", d.allowed},
                                     {"did", d.did},
                                     {"file", d.file},
                                     {"line", d.line},
                                     {"contract", d.contract_kept ? "kept" : "broken"},
                                     {"broken_contract", d.broken_contract},
                                     {"hits", d.hits},
                                     {"first_id", d.window},
                                     {"report", d.report}});
  }
  return object;
}

std::string print_kernel(const KernelRun& run) {
  std::string text =
      fmt::format("{}: ioasid of {}; {} calls in {} random sequences by one thread, seed {}, {}\n",
                  run.divergences.empty() ? "holds" : "violated", run.source, run.calls,
                  run.sequences, run.options.seed,
                  run.options.any_contract ? "calls that break the contract included"
                                           : "within the contract of each call");
  text += fmt::format("  {:.1f} s; {} calls left out as they would break the contract\n",
                      run.seconds, run.skipped);
  text += "  answers seen:";
  for (std::size_t i = 0; i < run.answers.size(); ++i)
    text += fmt::format("{}{}", i == 0 ? " " : ", ", run.answers[i]);
  text += '\n';
  std::size_t number = 0;
  for (const auto& d : run.divergences) {
    text +=
        fmt::format("\n  {}. {}\n     {}:{}   contract {}{}   met {} times\n", ++number, d.cause,
                    d.file, d.line, d.contract_kept ? "kept" : "BROKEN BY THE CALLER: ",
                    d.contract_kept ? "" : d.broken_contract, d.hits);
    for (const auto& call : d.calls) text += fmt::format("       {}\n", call);
    text +=
        fmt::format("     the code:          {}\n     the specification: {}\n", d.did, d.allowed);
  }
  return text;
}

}  // namespace iommucheck::cli
