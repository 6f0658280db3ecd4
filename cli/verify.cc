// SPDX-License-Identifier: MIT
// iommucheck verify: each design with its verdict, each bug with its shortest counterexample, the
// proofs, both engines on the same instances, and what the real source does differently.
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "checker/symbolic/count.h"
#include "checker/symbolic/induction.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exploration.h"
#include "cli/explore.h"
#include "cli/kernel_run.h"
#include "cli/kernel_scenarios.h"
#include "cli/long_run.h"
#include "cli/spec_model.h"
#include "impl/linux/error.h"
#include "impl/linux/scheduled_runner.h"

namespace iommucheck::cli {
namespace {

using nlohmann::ordered_json;

/// The instances of a design that verify explores: wide, and with its special features.
struct Instance {
  const char* model;
  model::BoundValues bounds;
  bool symmetric = false;  ///< up to permutations of all sorts
};
/// Two of everything, and all that the hardware does at the same time.
const model::BoundValues kWide{{"threads", 2}, {"devices", 2}, {"mms", 2},
                               {"pasids", 2},  {"caches", 1},  {"faults", 1}};
const model::BoundValues kWideWithoutFaults{
    {"threads", 2}, {"devices", 2}, {"mms", 2}, {"pasids", 2}, {"caches", 1}};
const std::vector<Instance>& instances() {
  static const std::vector<Instance> kInstances{
      {"ioasid/plain", {{"threads", 2}}},
      {"ioasid/plain", {{"threads", 3}, {"calls", 2}}},
      {"ioasid/plain", {{"threads", 2}, {"allocators", 1}, {"data", 0}}},
      {"ioasid/plain", {{"threads", 2}, {"interrupts", 1}, {"pasids", 1}, {"sets", 1}}},
      {"ioasid/plain", {{"threads", 2}, {"rcu-actor", 1}, {"pasids", 1}}},
      {"ioasid/refcounted", {{"threads", 2}, {"calls", 4}}},
      {"ioasid/refcounted", {{"threads", 3}, {"calls", 2}}},
      {"ioasid/sets", {{"threads", 2}, {"calls", 4}}},
      {"ioasid/sets", {{"threads", 3}, {"calls", 2}}},
      {"ioasid/sets", {{"threads", 2}, {"calls", 4}, {"data", 0}, {"spids", 1}, {"tokens", 1}}},
      {"ioasid/sets",
       {{"threads", 3}, {"calls", 3}, {"pasids", 1}, {"sets", 1}, {"data", 0}, {"notifiers", 1}}},
      {"sva/attach-handle", {{"threads", 2}, {"devices", 2}, {"mms", 2}, {"pasids", 2}}},
      {"sva/attach-handle", kWide, true},
      {"sva/attach-handle", {{"threads", 2}, {"devices", 2}, {"kinds", 2}}},
      {"sva/attach-handle", {{"threads", 1}, {"devices", 3}, {"groups", 2}, {"bonds", 2}}},
      {"sva/attach-handle", {{"threads", 3}, {"tagging", 1}}},
      {"sva/attach-handle", {{"threads", 2}, {"devices", 2}, {"memory", 2}}},
      {"sva/attach-handle", {{"threads", 2}, {"mms", 2}, {"forks", 1}}},
      {"sva/attach-handle", {{"threads", 2}, {"devices", 3}, {"groups", 1}, {"hotplug", 1}}},
      {"sva/attach-handle",
       {{"threads", 2},
        {"devices", 2},
        {"groups", 1},
        {"hotplug", 1},
        {"caches", 1},
        {"faults", 1}},
       true},
      {"sva/mm-data", {{"threads", 2}, {"devices", 2}, {"mms", 2}, {"pasids", 2}}},
      {"sva/mm-data", kWide, true},
      {"sva/pasid-lib", kWideWithoutFaults, true},
      {"sva/pasid-lib", {{"threads", 2}, {"mms", 2}, {"pasids", 2}, {"forks", 1}}},
      {"sva/pasid-lib", {{"threads", 3}, {"caches", 1}, {"enqcmd", 1}}},
      {"sva/intel-svm", {{"threads", 2}, {"devices", 2}, {"mms", 2}, {"pasids", 2}}},
      {"sva/intel-svm", kWide, true},
      {"sva/rfc2", kWideWithoutFaults, true},
      {"sva/rfc2", {{"threads", 2}, {"devices", 2}, {"groups", 1}, {"caches", 1}}},
      {"sva/rfc2", {{"threads", 2}, {"devices", 2}, {"kinds", 2}}},
      {"sva/enclosing", {{"threads", 2}, {"devices", 2}, {"mms", 2}, {"pasids", 2}}},
      {"sva/enclosing", kWide, true},
      {"sva/enclosing", {{"threads", 2}, {"devices", 2}, {"kinds", 2}}},
      {"sva/enclosing", {{"threads", 1}, {"devices", 3}, {"groups", 2}, {"bonds", 2}}},
      {"sva/deferred", {{"threads", 2}, {"devices", 2}, {"faults", 1}, {"caches", 1}}, true},
      {"sva/deferred", {{"threads", 1}, {"devices", 3}, {"groups", 2}, {"bonds", 2}}},
      {"sva/deferred", {{"threads", 2}, {"devices", 2}, {"kinds", 2}}},
      {"sva/deferred", {{"threads", 2}, {"mms", 2}, {"forks", 1}}},
      {"attach/group",
       {{"threads", 2}, {"devices", 2}, {"groups", 1}, {"caches", 1}, {"misuse", 1}}},
      {"attach/group", {{"threads", 3}, {"devices", 2}, {"kinds", 2}}},
      {"attach/group", {{"threads", 2}, {"devices", 2}, {"groups", 1}, {"hotplug", 1}}},
      {"attach/group",
       {{"threads", 2},
        {"devices", 2},
        {"groups", 1},
        {"hotplug", 1},
        {"owners", 1},
        {"caches", 1}}},
      {"attach/group",
       {{"threads", 2}, {"devices", 2}, {"kinds", 2}, {"owners", 1}, {"domains", 1}}},
      {"dma-pasid/group", {{"threads", 2}, {"devices", 2}, {"groups", 1}, {"caches", 1}}},
      {"dma-pasid/group", {{"threads", 2}, {"devices", 2}, {"kinds", 2}, {"pasids", 2}}},
      {"dma-pasid/device", {{"threads", 3}, {"devices", 3}, {"pasids", 2}, {"caches", 1}}},
      {"dma-resv/fences", {{"threads", 2}, {"fences", 3}}},
      {"dma-resv/fences", {{"threads", 2}, {"memory", 1}}},
      {"dma-resv/fences", {{"threads", 3}, {"calls", 2}, {"memory", 2}}},
      {"vtd/attach-handle", {{"threads", 2}, {"devices", 2}}},
      {"vtd/attach-handle", {{"threads", 2}, {"faults", 1}, {"pages", 1}}},
      {"vtd/attach-handle", {{"threads", 2}, {"mms", 2}, {"pages", 1}}},
      {"vtd/pasid-entry", {{"threads", 2}, {"devices", 2}, {"mms", 2}}},
      {"vtd/pasid-entry", {{"threads", 2}, {"mms", 2}, {"kernel", 1}, {"memory", 2}}},
      {"iopf/queue", {{"threads", 2}, {"requests", 2}, {"partial", 1}}},
      {"iopf/queue", {{"threads", 2}, {"partial", 1}, {"user", 1}}},
      {"iopf/queue", {{"threads", 3}, {"user", 1}}, true},
      {"iopf/queue", {{"threads", 2}, {"partial", 1}, {"numbers", 1}}},
      {"iopf/queue", {{"threads", 2}, {"partial", 1}, {"user", 1}, {"failures", 1}}},
      {"mm", {{"threads", 2}, {"mms", 2}, {"pasids", 2}, {"forks", 1}, {"lazy", 1}}},
      {"mm", {{"threads", 3}}},
      {"reference", {{"threads", 2}}},
  };
  return kInstances;
}
/// Small ones, that together ask for everything that is promised in the long run.
const std::vector<Instance>& long_running() {
  static const std::vector<Instance> kLongRunning{
      {"ioasid/plain", {{"pasids", 1}, {"sets", 1}}},
      {"ioasid/plain", {{"pasids", 1}, {"sets", 1}, {"rcu-actor", 1}}},
      {"ioasid/plain", {{"pasids", 1}, {"sets", 1}, {"data", 0}, {"allocators", 1}}},
      {"ioasid/refcounted", {{"pasids", 1}, {"sets", 1}}},
      {"ioasid/sets", {{"pasids", 1}, {"sets", 1}, {"calls", 4}}},
      {"iopf/queue", {{"threads", 1}}},
      {"mm", {{"threads", 1}}},
      {"dma-resv/fences", {{"fences", 1}, {"memory", 1}}},
      {"ioasid/sets", {{"pasids", 1}, {"sets", 1}, {"calls", 4}, {"data", 0}, {"notifiers", 1}}},
      {"sva/pasid-lib", {{"threads", 2}}},
  };
  return kLongRunning;
}
/// Instances that the solver can count, too.
const std::vector<Instance>& counted() {
  static const std::vector<Instance> kCounted{
      {"spec/ioasid",
       {{"pasids", 1},
        {"sets", 1},
        {"data", 1},
        {"clients", 1},
        {"ops", 1},
        {"notifiers", 0},
        {"spids", 0},
        {"tokens", 0},
        {"capacity", 1}}},
      {"spec/iommu", {{"devices", 1}, {"pasids", 1}, {"tables", 2}, {"clients", 1}}},
      {"spec/iommufd", {{"devices", 2}, {"groups", 1}, {"kinds", 1}, {"tables", 0}, {"queues", 0}}},
      {"ioasid/plain", {{"threads", 1}, {"pasids", 1}, {"sets", 1}}},
  };
  return kCounted;
}

class Verification {
 public:
  explicit Verification(bool as_json) : as_json_(as_json) {}

  void designs() {
    heading("designs: every interleaving within bounds");
    for (const auto& instance : instances()) {
      Subject subject{instance.model, "", "",
                      model::design(instance.model).complete(instance.bounds)};
      if (instance.symmetric)
        subject.symmetry = parse_symmetry("all", build_concrete(subject)->schema);
      const auto result = explore_subject(subject, {});
      expect(result.verdict == checker::Verdict::holds,
             fmt::format("{} does not hold", print_scope(subject)));
      auto row = exploration_to_json(subject, result);
      remember_coverage(instance.model, result);
      json_["designs"].push_back(std::move(row));
      say("{:<8} {:<18} {:<58} {:>10} states{}, depth {}, {:.1f} s\n",
          checker::name(result.verdict), subject.model, print_bounds(instance.bounds),
          result.states, instance.symmetric ? " up to symmetry" : "", result.depth, result.seconds);
      if (result.path) say("{}", print_exploration(subject, result));
    }
    for (const auto& [model, steps] : coverage_) {
      std::size_t taken = 0;
      for (const auto& [step, times] : steps) taken += times != 0 ? 1 : 0;
      say("coverage of {}: {} of {} steps taken in these instances together\n", model, taken,
          steps.size());
      for (const auto& [step, times] : steps) {
        if (times == 0) say("  NEVER TAKEN: {}\n", step);
        expect(times != 0, fmt::format("{}: a step is never taken: {}", model, step));
      }
    }
  }

  void long_run() {
    heading("in the long run: every fair run, weak fairness of calls that have begun");
    std::map<std::string, std::uint64_t> pending;
    for (const auto& instance : long_running()) {
      const Subject subject{instance.model, "", "",
                            model::design(instance.model).complete(instance.bounds)};
      const auto result = check_in_the_long_run(subject, {});
      expect(result.verdict == checker::Verdict::holds,
             fmt::format("{} does not hold in the long run", print_scope(subject)));
      const auto machine = build_concrete(subject);
      for (const auto& answer : result.answers)
        pending[machine->liveness()[answer.property].name] += answer.pending;
      json_["liveness"].push_back(
          {{"scope", scope_to_json(subject)},
           {"verdict", checker::name(result.verdict)},
           {"states", result.states},
           {"liveness", liveness_scope_to_json(subject, checker::Assume::weak)},
           {"answers", answers_to_json(subject, result)}});
      say("{:<8} {:<18} {:<58} {:>10} states, {:.1f} s\n", checker::name(result.verdict),
          subject.model, print_bounds(instance.bounds), result.states, result.seconds);
      if (result.verdict != checker::Verdict::holds)
        say("{}", print_liveness(subject, result, checker::Assume::weak));
    }
    for (const auto& [property, states] : pending) {
      say("  {}\n", property);
      expect(states != 0, fmt::format("nothing ever had to happen for {}", property));
    }
  }

  void bugs() {
    heading("bugs: each found, with a shortest counterexample");
    for (const auto* d : model::designs()) {
      for (const auto& bug : d->bugs()) {
        const Subject subject{d->name(), bug.name, bug.property, d->complete(bug.bounds)};
        if (is_liveness(subject, bug.property)) {
          long_run_bug(subject);
          continue;
        }
        const auto result = explore_subject(subject, {});
        expect(result.verdict == checker::Verdict::violated,
               fmt::format("{} --bug {} is not found", d->name(), bug.name));
        json_["bugs"].push_back(exploration_to_json(subject, result));
        say("{:<8} {:<18} --bug {:<34} {:<20} {:>3} steps\n", checker::name(result.verdict),
            d->name(), bug.name, bug.property, result.path ? result.path->steps.size() : 0);
        // The kernel's own bugs in full; of a mutant, the command shows it.
        if (bug.source != "mutant" && result.path) {
          const auto machine = build_concrete(subject);
          say("  {}\n  source: {}\n\n{}\n", bug.sentence, bug.source,
              print_path(*machine, *result.path));
        }
      }
    }
  }

  void engines() {
    heading("both engines on the same instance: reachable states");
    for (const auto& instance : counted()) {
      const Subject subject{instance.model, "", "",
                            find_model(instance.model).complete(instance.bounds)};
      const auto executed = explore_subject(subject, {});
      const checker::Relation relation{[&] { return build_symbolic(subject); }};
      const auto solved = checker::count_states(relation);
      const bool agree = solved.complete && solved.states == executed.states;
      if (!agree) disagreement_ = true;
      json_["engines"].push_back({{"model", subject.model},
                                  {"bounds", subject.bounds},
                                  {"explicit", executed.states},
                                  {"symbolic", solved.states},
                                  {"agree", agree}});
      say("{:<8} {:<18} {}: explicit {}, Z3 {} ({} queries, {:.1f} s)\n",
          agree ? "equal" : "DIFFER", subject.model, print_bounds(instance.bounds), executed.states,
          solved.states, solved.queries, solved.seconds);
    }
  }

  void proofs() {
    heading("proofs: the specification's invariants, by induction");
    prove("spec/ioasid", {{"pasids", 3}, {"capacity", 3}});
    prove("spec/iommu", {});
    prove("spec/iommu", {{"groups", 1}, {"pages", 1}, {"mms", 2}});
    prove("spec/iommufd", {{"devices", 4}, {"ioases", 3}, {"tables", 3}});
  }

  void prove(const char* name, const model::BoundValues& bounds) {
    const Subject subject{name, "", "", find_model(name).complete(bounds)};
    const checker::Relation relation{[&] { return build_symbolic(subject); }};
    const auto result = checker::prove_by_induction(relation);
    expect(result.verdict == checker::Verdict::proved,
           fmt::format("the invariants of {} are not proved", name));
    for (const auto& p : result.properties) {
      say("{:<8} {:<28} {}\n", checker::name(p.verdict), p.name,
          relation.property(p.property).sentence);
      json_["proofs"].push_back(
          {{"model", name}, {"property", p.name}, {"verdict", checker::name(p.verdict)}});
    }
    say("{}, bounds: {}; {} queries to Z3, {:.1f} s\n\n", name, print_bounds(subject.bounds),
        result.queries, result.seconds);
  }

  /// Says that a part is skipped, and why, unless its package is there.
  bool has_source(std::string_view package, const char* part) {
    if (std::filesystem::exists(fmt::format("/usr/src/{}.tar.xz", package)) ||
        std::filesystem::exists(fmt::format("/usr/src/{}", package))) {
      return true;
    }
    say("SKIPPED: {} is not installed (apt-get install {})\n", package, package);
    json_[part].push_back(fmt::format("skipped: {} is not installed", package));
    return false;
  }

  void allocator() {
    heading("our own allocator under every schedule");
    ordered_json object;
    const auto run = explore_allocator(object);
    if (!run) {
      say("SKIPPED: this build has a sanitizer, which excludes our own instrumentation\n");
      json_["allocator"] = "skipped: a build with a sanitizer";
      return;
    }
    say("{}", run->text);
    json_["allocator"] = std::move(object);
    expect(run->verdict == checker::Verdict::holds,
           "our allocator is not explained under every schedule");
  }

  void kernel() {
    for (const linux_harness::Target* target : linux_harness::targets()) {
      const std::string package{target->package()};
      if (target == &linux_harness::ioasid_target()) {
        heading(fmt::format("the kernel's own source: {} of {}", target->file(), package));
        if (has_source(package, "kernel")) sequences(package);
      }
      heading(fmt::format("under every schedule: {} of {}", target->file(), package));
      if (has_source(package, "kernel_schedules")) schedules(*target, package);
    }
  }

  void sequences(const std::string& package) {
    for (const bool any : {false, true}) {
      KernelRunOptions options;
      options.any_contract = any;
      const auto run = run_kernel(std::nullopt, package, options, [](std::string_view) {});
      say("{}\n", print_kernel(run));
      json_["kernel"].push_back(kernel_to_json(run));
    }
  }

  void schedules(const linux_harness::Target& target, const std::string& package) {
    if (linux_harness::scheduled_archive().empty()) {
      say("SKIPPED: this build has a sanitizer, and the scheduler needs its instrumentation\n");
      json_["kernel_schedules"].push_back("skipped: a build with a sanitizer");
      return;
    }
    for (const char* scenarios : {"all", "pairs"}) {
      const auto run =
          run_scenarios(target, std::nullopt, package, choose_scenarios(target, scenarios), {},
                        [](std::string_view) {});
      say("{}\n", print_scenarios(run));
      json_["kernel_schedules"].push_back(scenarios_to_json(run));
    }
  }

  int finish() {
    const auto seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    json_["verdict"] = failures_.empty() && !disagreement_ ? "holds" : "violated";
    json_["failures"] = failures_;
    json_["seconds"] = seconds;
    if (as_json_) {
      fmt::print("{}\n", json_.dump(2));
    } else {
      heading("summary");
      for (const auto& f : failures_) say("UNEXPECTED: {}\n", f);
      say("{}: shipped designs hold within the bounds named above, every shipped bug is found, the proofs are complete; {:.0f} s\n",
          failures_.empty() && !disagreement_ ? "as expected" : "NOT AS EXPECTED", seconds);
      say("not checked: memory weaker than sequentially consistent, where an instance does not name it; anything beyond the bounds; see docs/limits.md\n");
    }
    if (disagreement_) return kDisagree;
    return failures_.empty() ? 0 : 1;
  }

 private:
  void long_run_bug(const Subject& subject) {
    const auto report = report_in_the_long_run(subject, {}, checker::Assume::weak);
    expect(report.code == checker::exit_code(checker::Verdict::violated),
           fmt::format("{} --bug {} is not found", subject.model, subject.bug));
    json_["bugs"].push_back(report.object);
    const auto& trace = report.object["trace"];
    const std::size_t states = trace.is_null() ? 0 : trace["states"].size();
    const std::size_t loop = trace.is_null() ? 0 : trace["loop"].get<std::size_t>();
    say("{:<8} {:<18} --bug {:<34} {:<20} {:>3} steps and a cycle of {}\n",
        report.object["verdict"].get<std::string>(), subject.model, subject.bug, subject.property,
        loop, trace.is_null() ? 0 : states - 1 - loop);
  }
  template <class... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) {
    if (as_json_) return;
    fmt::print("{}", fmt::format(format, std::forward<Args>(args)...));
    // Minutes of work that nobody can read: stop at once.
    if (std::fflush(stdout) != 0)
      throw std::system_error(errno, std::generic_category(), "standard output");
  }
  void heading(const std::string& text) { say("\n== {}\n", text); }
  void expect(bool ok, std::string otherwise) {
    if (!ok) failures_.push_back(std::move(otherwise));
  }
  void remember_coverage(const std::string& model, const checker::Exploration& result) {
    for (const auto& c : result.coverage)
      coverage_[model][fmt::format("{}(): {}", c.program, c.label)] += c.taken;
  }

  bool as_json_;
  ordered_json json_;
  std::map<std::string, std::map<std::string, std::uint64_t>> coverage_;
  std::vector<std::string> failures_;
  bool disagreement_ = false;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace

int verify_command(const Words& words) {
  Arguments arguments{words, {"json", "no-kernel"}};
  Verification verification{arguments.flag("json")};
  const bool no_kernel = arguments.flag("no-kernel");
  arguments.finish("--json, --no-kernel");
  verification.designs();
  verification.long_run();
  verification.bugs();
  verification.engines();
  verification.proofs();
  verification.allocator();
  if (!no_kernel) verification.kernel();
  return verification.finish();
}

}  // namespace iommucheck::cli
