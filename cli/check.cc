// SPDX-License-Identifier: MIT
// iommucheck check MODEL: every interleaving within bounds, by the explicit engine, the symbolic
// one, or both.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "checker/compiled/compile.h"
#include "checker/mpi/session.h"
#include "checker/relation/slice.h"
#include "checker/symbolic/bmc.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exploration.h"
#include "cli/long_run.h"
#include "cli/subject.h"
#include "cli/walk.h"

namespace iommucheck::cli {
namespace {

using nlohmann::ordered_json;

constexpr const char* kCheckOptions =
    "--bug, --property, --liveness, --fairness, --engine, --symmetry, --slice, --depth, --jobs, --max-states, --max-memory, --max-seconds, --steps, --keep, --disk, --checkpoint, --resume, --mpi, --trace, --walk, --json, and the "
    "bounds of the model (iommucheck list)";

/// The symbolic engine looks at paths up to a depth, so that is part of its scope.
struct Bounded {
  checker::Verdict verdict{};
  std::string reason;
  std::optional<checker::Path> path;
  unsigned depth = 0;
  double seconds = 0;
};

Bounded check_symbolically(const Subject& subject, unsigned depth, double max_seconds) {
  const checker::Relation relation{[&] { return build_symbolic(subject); }};
  checker::BoundedOptions options;
  options.depth = depth;
  options.query_seconds = max_seconds;
  auto result = checker::bounded_check(relation, options);
  Bounded bounded{result.verdict, result.reason, result.path, depth, result.seconds};
  if (bounded.path) {
    // Its texts live as long as the relation: take those of a machine of our own.
    const auto machine = build_concrete(subject);
    std::string why;
    if (!checker::replays(*machine, *bounded.path, &why)) {
      throw std::logic_error("the symbolic engine found a path that does not replay: " + why);
    }
    const auto json_path = path_to_json(subject, *machine, *bounded.path);
    bounded.path = path_from_json(*machine, nlohmann::json::parse(json_path.dump()));
  }
  return bounded;
}

int report_symbolic(const Subject& subject, const Bounded& result, bool as_json,
                    const std::string& trace_file) {
  const auto machine = build_concrete(subject);
  ordered_json trace;
  if (result.path) trace = path_to_json(subject, *machine, *result.path);
  if (!trace_file.empty() && result.path) write_trace(trace_file, trace);
  if (as_json) {
    ordered_json object;
    object["verdict"] = checker::name(result.verdict);
    object["scope"] = scope_to_json(subject);
    object["scope"]["engine"] = "symbolic";
    object["scope"]["depth"] = result.depth;
    if (machine->deadlock && subject.property.empty())
      object["scope"]["property"] = "all but no-deadlock";
    if (!result.reason.empty()) object["reason"] = result.reason;
    object["seconds"] = result.seconds;
    object["trace"] = trace;
    fmt::print("{}\n", object.dump(2));
  } else {
    fmt::print(
        "{}: {}; paths of at most {} steps (symbolic engine: deadlocks are not looked for), {:.2f} s\n",
        checker::name(result.verdict), print_scope(subject), result.depth, result.seconds);
    if (!result.reason.empty()) fmt::print("  reason: {}\n", result.reason);
    if (result.path)
      fmt::print("\n  a shortest counterexample, {} steps (replayed):\n\n{}",
                 result.path->steps.size(), print_path(*machine, *result.path));
  }
  return checker::exit_code(result.verdict);
}

/// Whether the two engines contradict each other: the symbolic one sees paths up to its depth only.
/// Deadlocks are seen by the explicit one only.
bool disagree(const checker::Exploration& all, const Bounded& bounded,
              std::optional<PropertyId> deadlock) {
  using checker::Verdict;
  if (all.path && deadlock && all.path->failure.property == *deadlock) {
    return bounded.path && bounded.path->steps.size() < all.path->steps.size();
  }
  if (all.verdict == Verdict::unknown || bounded.verdict == Verdict::unknown) return false;
  const bool within = all.path && all.path->steps.size() <= bounded.depth;
  if (bounded.path) return !all.path || all.path->steps.size() != bounded.path->steps.size();
  return within;
}

/// What a journal is of: everything that decides the states.
std::string identity(const Subject& subject, const checker::Options& options) {
  auto scope = scope_to_json(subject);
  scope["kept"] = options.kept == checker::Kept::states ? "states" : "fingerprints";
  scope["fields"] = ordered_json::array();
  const auto machine = build_concrete(subject);
  for (const auto& field : machine->schema.fields())
    scope["fields"].push_back({field.name, field.max, field.word, field.shift});
  scope["steps"] = ordered_json::array();
  for (const auto& process : machine->processes()) {
    for (const auto& step : *process.code) scope["steps"].push_back(step.label);
  }
  return scope.dump();
}

/// Liveness is asked for by itself, by a property of it, or by a bug that no state shows.
bool in_the_long_run(const Subject& subject, bool asked) {
  if (!subject.property.empty()) {
    const bool live = is_liveness(subject, subject.property);
    if (asked && !live) {
      throw UsageError(
          fmt::format("--property {} is one of safety: leave out --liveness", subject.property));
    }
    return live;
  }
  if (asked || subject.bug.empty()) return asked;
  return is_liveness(subject, model::design(subject.model).bug(subject.bug).property);
}

/// The ranks of a search that mpirun has started: limits and journal of this one, and what the
/// first one says if another one dies.
void share(checker::MpiSession& mpi, const Subject& subject, bool own_limit, bool as_json,
           checker::Options& options) {
  options.exchange = &mpi.exchange();
  if (!own_limit) options.limits.memory_bytes /= mpi.ranks_on_host();
  const bool checkpoint = !options.journal.empty();
  if (checkpoint) {
    options.identity += fmt::format(" ranks {}", mpi.exchange().ranks());
    options.journal += fmt::format("/rank-{}", mpi.exchange().rank());
  }
  if (mpi.exchange().rank() != 0) return;
  const std::string reason = fmt::format(
      "the search was ended: a rank died (mpirun names it), or mpirun was stopped; {}",
      checkpoint ? "go on from the last checkpoint by the same command with --resume"
                 : "with --checkpoint DIR the next one can go on where it was (--resume)");
  const auto verdict = checker::Verdict::unknown;
  if (as_json) {
    ordered_json object;
    object["verdict"] = checker::name(verdict);
    object["scope"] = scope_to_json(subject);
    object["reason"] = reason;
    mpi.last_words(object.dump(2) + "\n", checker::exit_code(verdict));
  } else {
    mpi.last_words(
        fmt::format("{}: {}\n  reason: {}\n", checker::name(verdict), print_scope(subject), reason),
        checker::exit_code(verdict));
  }
}

int check(Arguments& arguments, checker::MpiSession* mpi) {
  const bool as_json = arguments.flag("json");
  const bool walk = arguments.flag("walk");
  if (walk && mpi != nullptr)
    throw UsageError("--mpi is not of random walks: start each by itself");
  if (walk) return check_by_walks(arguments, as_json);
  for (const char* option : {"seed", "walks"}) {
    if (arguments.has(option))
      throw UsageError(fmt::format("--{} is of random walks: add --walk", option));
  }
  const bool asked_for_liveness = arguments.flag("liveness");
  const auto fairness = arguments.text("fairness");
  const checker::Assume assume = to_assume(fairness.value_or("weak"));
  SubjectArguments about{arguments};
  const std::string engine = arguments.text("engine", "explicit");
  if (engine != "explicit" && engine != "symbolic" && engine != "both") {
    throw UsageError(
        fmt::format("there is no engine '{}'; there are explicit, symbolic, both", engine));
  }
  if (arguments.has("depth") && engine == "explicit") {
    throw UsageError("--depth is of the symbolic engine: the explicit one looks at every depth");
  }
  if (engine == "symbolic") {
    for (const char* option : {"jobs", "max-states", "max-memory", "steps", "keep", "disk",
                               "checkpoint", "resume", "slice"}) {
      if (arguments.has(option))
        throw UsageError(
            fmt::format("--{} is of the explicit engine, not of --engine symbolic", option));
    }
  }
  const std::string symmetry = arguments.text("symmetry", "");
  if (engine == "symbolic" && !symmetry.empty())
    throw UsageError("--symmetry is of the explicit engine, not of --engine symbolic");
  const bool slice = arguments.flag("slice");
  if (slice && !symmetry.empty())
    throw UsageError("--slice and --symmetry: which fields are read need not be symmetric");
  if (slice && mpi != nullptr) throw UsageError("--slice and --mpi do not go together");
  const auto depth = static_cast<unsigned>(arguments.number("depth", 12, 0, 1000));
  checker::Options options;
  options.jobs = static_cast<unsigned>(arguments.number("jobs", 0, 1, 256));
  options.limits.states = arguments.number("max-states", 0, 1, ~0ULL);
  options.limits.memory_bytes = arguments.bytes("max-memory", options.limits.memory_bytes);
  options.limits.seconds = static_cast<double>(arguments.number("max-seconds", 0, 1, 1'000'000));
  const std::string steps = arguments.text("steps", "auto");
  if (steps != "auto" && steps != "executed" && steps != "compiled")
    throw UsageError(
        fmt::format("--steps {} is out of range: it takes auto, executed, compiled", steps));
  const std::string keep = arguments.text("keep", "states");
  if (keep != "states" && keep != "fingerprints")
    throw UsageError(fmt::format("--keep {} is out of range: it takes states, fingerprints", keep));
  if (keep == "fingerprints") options.kept = checker::Kept::fingerprints;
  options.journal = arguments.name("checkpoint", "the name of a directory");
  options.resume = arguments.flag("resume");
  if (options.resume && options.journal.empty())
    throw UsageError("--resume goes on with a run that was made with --checkpoint DIR: name it");
  options.disk = arguments.name("disk", "the name of a directory");
  if (mpi != nullptr && !options.disk.empty())
    throw UsageError("--disk and --mpi: the ranks of a search keep their visited sets in memory");
  if (mpi != nullptr && engine != "explicit") throw UsageError("--mpi is of the explicit engine");
  if (mpi != nullptr && options.jobs > 1)
    throw UsageError("--jobs and --mpi: each rank has one thread; start more ranks (mpirun -n)");
  const bool own_limit = arguments.has("max-memory");
  const std::string trace_file = arguments.name("trace", "the name of a file");
  Subject subject = about.finish(kCheckOptions);

  const auto machine = build_concrete(subject);
  if (!symmetry.empty()) subject.symmetry = parse_symmetry(symmetry, machine->schema);
  if (in_the_long_run(subject, asked_for_liveness)) {
    if (engine != "explicit") {
      throw UsageError(
          fmt::format("--engine {}: liveness is checked by the explicit engine only", engine));
    }
    // What the search for lassos does not do is refused, not ignored.
    for (const auto& [option, given_option] :
         {std::pair{"symmetry", !symmetry.empty()},
          {"checkpoint", !options.journal.empty()},
          {"disk", !options.disk.empty()},
          {"slice", slice},
          {"keep fingerprints", options.kept != checker::Kept::states},
          {"steps compiled", steps == "compiled"},
          {"mpi", mpi != nullptr}}) {
      if (given_option)
        throw UsageError(
            fmt::format("--{} and --liveness: liveness is checked without it", option));
    }
    if (machine->liveness().empty())
      throw UsageError(fmt::format("{} has no liveness properties", subject.model));
    const auto report = report_in_the_long_run(subject, options, assume);
    const auto& trace = report.object["trace"];
    if (!trace_file.empty() && !trace.is_null()) write_trace(trace_file, trace);
    if (!as_json && !trace_file.empty() && trace.is_null())
      fmt::print(stderr, "iommucheck: nothing is violated: {} is not written\n", trace_file);
    fmt::print("{}", as_json ? report.object.dump(2) + "\n" : report.text);
    return report.code;
  }
  if (fairness) {
    throw UsageError(
        "--fairness is of liveness properties: add --liveness, or name one with --property");
  }
  if (engine == "symbolic" && machine->deadlock && !subject.property.empty() &&
      machine->properties().at(static_cast<std::size_t>(*machine->deadlock)).name ==
          subject.property) {
    throw UsageError(fmt::format("--property {}: a deadlock is found by the explicit engine only",
                                 subject.property));
  }

  if (engine == "symbolic") {
    return report_symbolic(subject, check_symbolically(subject, depth, options.limits.seconds),
                           as_json, trace_file);
  }
  if (slice) {
    const checker::Relation relation{[&] { return build_symbolic(subject); }};
    options.unread = checker::unread_fields(relation);
    subject.sliced.emplace();
    for (const std::uint32_t field : options.unread)
      subject.sliced->push_back(relation.schema().fields()[field].name);
  }
  options.identity = identity(subject, options);
  if (steps != "executed")
    options.compile = [&] {
      return checker::compile_steps([&] { return build_symbolic(subject); });
    };
  if (steps == "compiled") options.compile_after = 0;
  if (mpi != nullptr) share(*mpi, subject, own_limit, as_json, options);
  const auto result = explore_subject(subject, options);
  if (mpi != nullptr) {
    mpi->last_words("", 0);
    if (mpi->exchange().rank() != 0) return 0;
  }
  auto object = exploration_to_json(subject, result);
  object["scope"]["engine"] = engine;
  if (!trace_file.empty() && result.path) write_trace(trace_file, object["trace"]);
  if (!as_json && !trace_file.empty() && !result.path)
    fmt::print(stderr, "iommucheck: nothing is violated: {} is not written\n", trace_file);
  int code = checker::exit_code(result.verdict);
  std::string second;
  if (engine == "both") {
    const auto bounded = check_symbolically(subject, depth, options.limits.seconds);
    const bool contradiction = disagree(result, bounded, machine->deadlock);
    object["symbolic"] = {{"verdict", checker::name(bounded.verdict)},
                          {"depth", bounded.depth},
                          {"agrees", !contradiction}};
    second = fmt::format("  symbolic engine, paths of at most {} steps: {}, {}\n", bounded.depth,
                         checker::name(bounded.verdict),
                         contradiction ? "THE ENGINES DISAGREE" : "the engines agree");
    if (contradiction) code = kDisagree;
  }
  if (as_json) {
    fmt::print("{}\n", object.dump(2));
  } else {
    fmt::print("{}{}", print_exploration(subject, result), second);
  }
  return code;
}

}  // namespace

int check_command(const Words& words) {
  Arguments arguments{words, {"json", "resume", "liveness", "walk", "mpi", "slice"}};
  if (!arguments.flag("mpi")) return check(arguments, nullptr);
  const auto mpi = checker::join_mpi();
  if (mpi == nullptr) {
    throw UsageError(
        "--mpi: this build has no MPI; install it (Debian: libopenmpi-dev, openmpi-bin), then "
        "configure and build again");
  }
  const bool first = mpi->exchange().rank() == 0;
  try {
    const int code = check(arguments, mpi.get());
    // As soon as one rank ends with another code than 0, mpirun ends the others: that is left to
    // the first one, when what it says has gone out (main() looks at errors).
    std::fflush(stdout);
    mpi->leave();
    return first ? code : 0;
  } catch (const UsageError&) {
    // All ranks have it: one says so.
    mpi->leave();
    if (first) throw;
    return 0;
  }
}

}  // namespace iommucheck::cli
