// SPDX-License-Identifier: MIT
// Turns calls into requests for the runner, and its answers into outcomes and reports.
#include "impl/linux/ioasid.h"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

#include "impl/linux/answer.h"
#include "impl/linux/error.h"
#include "impl/linux/ioasid_scenarios.h"
#include "impl/linux/ioasid_words.h"
#include "impl/linux/process.h"
#include "impl/linux/symbols.h"
#include "impl/linux/target.h"

namespace iommucheck::linux_harness {
namespace {

using ioasid::Call;
using ioasid::CallKind;
using ioasid::Err;

constexpr std::string_view kFile = kIoasidFile;
const RunnerParts& parts() {
  static const RunnerParts parts{
      std::string{kFile},
      {"lib/xarray.c", "lib/radix-tree.c", "lib/find_bit.c", "lib/bitmap.c"},
      {"kernel_facts.c", "target_ioasid.c"}};
  return parts;
}

/// The line of a function's definition: its name at the start of a declarator, and no semicolon
/// before the body.  0 if there is none.
unsigned definition_line(std::string_view text, std::string_view function) {
  unsigned line = 1;
  for (std::size_t at = 0; at < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view words = text.substr(at, end - at);
    const std::size_t name = words.find(std::string{function} + "(");
    const bool declares = name != std::string_view::npos && words[0] != '\t' && words[0] != ' ' &&
                          words[0] != '/' &&
                          (name == 0 || words[name - 1] == ' ' || words[name - 1] == '*');
    const std::size_t body = text.find_first_of("{;", at);
    if (declares && body != std::string_view::npos && text[body] == '{') return line;
    at = end + 1;
  }
  return 0;
}

}  // namespace

KernelFiles ioasid_kernel_files(const SourceTree& tree) {
  return present_files(tree, "ioasid",
                       {"drivers/iommu/ioasid.c", "drivers/iommu/iommu-sva-lib.c", "lib/xarray.c",
                        "lib/radix-tree.c", "lib/find_bit.c", "lib/bitmap.c", "lib/refcount.c"},
                       {"-DCONFIG_IOASID=1", "-DCONFIG_IOMMU_API=1", "-DCONFIG_IOMMU_SVA=1"});
}

KernelBuild prepare_ioasid(Cache& cache, const SourceTree& tree) {
  require_file(tree, std::string{kFile},
               "Linux 5.5 to 6.2 have it; on Debian: apt-get install linux-source-6.1, then "
               "--package linux-source-6.1");
  const std::string text = read_file(tree.root / kFile);
  for (unsigned number = 0; number < ioasid::kCallKinds; ++number) {
    const auto kind = static_cast<CallKind>(number);
    if (!in_linux_6_1(kind)) continue;
    if (definition_line(text, ioasid::name(kind)) != 0) continue;
    throw HarnessError(
        fmt::format("{} of {} (Linux {}) does not define {}", kFile, tree.origin.string(),
                    tree.version, ioasid::name(kind)),
        "Linux 5.11 to 5.17 count references (ioasid_put in place of ioasid_free), or the tree is "
        "patched with another interface",
        "use a tree of 5.18 to 6.2, or --package linux-source-6.1");
  }
  return prepare(cache, tree, ioasid_kernel_files(tree));
}

Runner build_ioasid(Cache& cache, const KernelBuild& build) {
  return build_runner(cache, build, parts());
}

namespace {

void add_report(Step& step, Report report) {
  if (step.report && report.fatal) std::swap(*step.report, report);
  if (!step.report) {
    step.report = std::move(report);
  } else {
    step.others.push_back(std::move(report));
  }
}

}  // namespace

Runner build_ioasid_tree(Cache& cache, const std::filesystem::path& tree) {
  return build_ioasid(cache, prepare_ioasid(cache, open_tree(cache, tree)));
}

Runner build_ioasid_package(Cache& cache, const std::string& package,
                            const std::filesystem::path& directory) {
  return build_ioasid(cache, prepare_ioasid(cache, open_package(cache, package, directory)));
}

namespace {

class IoasidTarget final : public Target {
 public:
  std::string_view name() const override { return "ioasid"; }
  std::string_view sentence() const override {
    return "the allocator of I/O address space ids: ioasid.c";
  }
  std::string_view versions() const override { return "6.1"; }
  std::string_view package() const override { return "linux-source-6.1"; }
  const RunnerParts& parts() const override { return linux_harness::parts(); }
  KernelBuild prepare(Cache& cache, const SourceTree& tree) const override {
    return prepare_ioasid(cache, tree);
  }
  const std::vector<Scenario>& written() const override { return written_ioasid_scenarios(); }
  std::vector<Scenario> generated(unsigned threads) const override {
    return generated_ioasid_scenarios(threads);
  }
};

}  // namespace

const Target& ioasid_target() {
  static const IoasidTarget target;
  return target;
}

class KernelIoasid::Impl {
 public:
  explicit Impl(const Runner& runner) : program_{runner.program}, symbols_{runner} {}

  /// Sends a request and reads its answer; the status of the child, or nothing if the server died.
  std::optional<int> ask(const std::string& request, std::vector<RawStep>& steps) {
    if (!server_) start();
    std::string line;
    if (server_->send(request)) {
      while (server_->receive(line)) {
        if (line.starts_with("E ")) return std::stoi(line.substr(2));
        add_line(steps, line);
      }
    }
    server_.reset();
    return std::nullopt;
  }

  Step finish(const Call& call, const RawStep& raw) {
    Step step;
    step.returned = raw.returned;
    const std::optional<Err> error = error_of(raw.error);
    step.outcome.err = static_cast<std::uint32_t>(error.value_or(Err::einval));
    step.outcome.value = static_cast<std::uint32_t>(raw.value);
    step.outcome.allocator = raw.allocator;
    step.outcome.getter_on = raw.getter_on;
    for (const RawReport& report : raw.reports) {
      add_report(step, symbolise(report, symbols_, kFile));
    }
    if (!error) {
      Report report;
      report.kind = "unknown error code";
      report.message = fmt::format("{} answered {}", ioasid::name(call.kind), raw.error);
      add_report(step, std::move(report));
    }
    for (const RawLog& log : raw.log) {
      step.log.push_back({log.text, {}});
      for (const std::uint64_t address : log.here) {
        if (!step.log.back().where.file.empty()) break;
        step.log.back().where = frame_in(symbols_.frames(address), kFile);
      }
    }
    for (const std::uint64_t address : raw.trace) {
      const Frame frame = frame_in(symbols_.frames(address), kFile);
      if (frame.line != 0 && (step.lines.empty() || step.lines.back() != frame.line)) {
        step.lines.push_back(frame.line);
      }
    }
    return step;
  }

  Symbols& symbols() { return symbols_; }

 private:
  std::filesystem::path program_;
  Symbols symbols_;
  std::unique_ptr<Conversation> server_;

  void start() {
    server_ = std::make_unique<Conversation>(program_);
    std::string line;
    if (server_->receive(line) && line == "ready") return;
    server_.reset();
    throw HarnessError(fmt::format("{} does not start:\n{}", program_.string(),
                                   linux_harness::run({program_.string()}).output),
                       "AddressSanitizer needs a large address space: check ulimit -v",
                       fmt::format("delete {} and try again", program_.parent_path().string()));
  }
};

KernelIoasid::KernelIoasid(Runner runner, IoasidOptions options)
    : runner_{std::move(runner)}, options_{options}, impl_{std::make_unique<Impl>(runner_)} {}

KernelIoasid::~KernelIoasid() = default;

bool KernelIoasid::supports(CallKind kind) { return in_linux_6_1(kind); }

std::vector<Step> KernelIoasid::run(std::span<const Call> calls) {
  if (calls.empty()) return {};
  std::string request = fmt::format("{} {:d} {:d} {:d} {:d} {};", options_.first_id, options_.trace,
                                    options_.grace_after_each_call, options_.leak_check,
                                    options_.poison_unregistered_ops, options_.cpu_ms);
  for (const Call& call : calls) request += encode(call) + ';';
  request += '\n';

  std::vector<RawStep> raw;
  const std::optional<int> status = impl_->ask(request, raw);
  if (raw.size() > calls.size()) raw.resize(calls.size());
  const auto is_fatal = [](const RawReport& report) { return report.fatal; };
  const bool ended =
      !raw.empty() && std::any_of(raw.back().reports.begin(), raw.back().reports.end(), is_fatal);
  if (status != 0 && !ended) {
    // No report says why: the harness itself failed, or the kernel code destroyed it.
    if (raw.empty()) raw.emplace_back();
    raw.back().returned = false;
    raw.back().reports.push_back(
        {true, "runner died", fmt::format("status {}", status ? *status : -1), {}, {}, {}});
  }
  impl_->symbols().prefetch(addresses_of(raw));
  std::vector<Step> steps;
  for (std::size_t i = 0; i < raw.size(); ++i) steps.push_back(impl_->finish(calls[i], raw[i]));
  return steps;
}

Frame KernelIoasid::locate(CallKind kind) const {
  const std::string_view function = ioasid::name(kind);
  const std::string text = read_file(runner_.tree.root / kFile);
  return {std::string{function}, std::string{kFile}, definition_line(text, function)};
}

}  // namespace iommucheck::linux_harness
