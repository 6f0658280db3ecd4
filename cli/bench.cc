// SPDX-License-Identifier: MIT
// iommucheck bench: the reference model by our checker, by SPIN and by Rumur, in one session.
#include <fmt/format.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp() is POSIX

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "bench/reference/comparison.h"
#include "bench/reference/memory_floor.h"
#include "checker/explicit/explicit.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/trace.h"

namespace iommucheck::cli {
namespace {

using bench::Column;
using bench::Comparison;
using nlohmann::ordered_json;

constexpr const char* kBenchOptions =
    "--rows tiny|tiny-any|small|large|all, --peers, --repeat, --jobs, --promela, --murphi, --json";

/// A folder that is gone in the end.
class WorkFolder {
 public:
  WorkFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "iommucheck-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      throw TraceError(fmt::format("no folder can be made in {} (TMPDIR)",
                                   std::filesystem::temp_directory_path().string()));
    path_ = name;
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  /// A new folder in it.
  std::filesystem::path folder(const char* name) const {
    std::filesystem::create_directory(path_ / name);
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

std::string read_or_throw(const std::string& file) {
  std::ifstream stream{file, std::ios::binary};
  std::stringstream text;
  text << stream.rdbuf();
  if (!stream) throw TraceError(fmt::format("{} cannot be read", file));
  return text.str();
}

/// The words of a list with commas, or none.  Throws UsageError for a word that is no peer.
std::set<std::string> peers_of(const std::string& list) {
  std::set<std::string> peers;
  if (list == "none") return peers;
  std::istringstream words{list};
  for (std::string word; std::getline(words, word, ',');) {
    if (word != "spin" && word != "rumur")
      throw UsageError(fmt::format("there is no peer '{}'; there are spin, rumur, none", word));
    peers.insert(word);
  }
  return peers;
}

/// How many processes wanted to run in the last minute: 0 on a quiet machine.
double load() {
  double average = 0;
  return getloadavg(&average, 1) == 1 ? average : 0;
}

std::string processor() {
  std::ifstream file{"/proc/cpuinfo"};
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.compare(0, 10, "model name") == 0 && colon != std::string::npos)
      return line.substr(colon + 2);
  }
  return "unknown processor";
}

/// The floor of a row, where our column has been measured.
struct Floor {
  std::uint64_t table_bytes = 0;
  double ns_per_access = 0;
  double ns_per_transition = 0;  ///< ours: CPU time of one job, wall clock of several
  double distance() const { return ns_per_transition / ns_per_access; }
};

std::optional<Floor> floor_of(const Comparison& row, unsigned jobs) {
  const Column& ours = row.columns.at(0);
  if (ours.runs.empty()) return std::nullopt;
  Floor floor;
  floor.table_bytes = ours.peak_bytes();
  floor.ns_per_access = bench::memory_floor(floor.table_bytes, jobs);
  const double seconds = jobs == 1 ? ours.cpu_seconds() : ours.seconds();
  floor.ns_per_transition = seconds * 1e9 / static_cast<double>(ours.runs[0].counts.transitions);
  return floor;
}

ordered_json column_to_json(const Column& column, const Column& ours) {
  ordered_json object{{"checker", column.checker}};
  if (!column.skipped.empty()) object["skipped"] = column.skipped;
  if (!column.failed.empty()) object["failed"] = column.failed;
  if (column.runs.empty()) return object;
  const auto& counts = column.runs[0].counts;
  object["states"] = counts.states;
  object["transitions"] = counts.transitions;
  object["depth"] = counts.depth ? ordered_json(*counts.depth) : ordered_json(nullptr);
  object["prepare_seconds"] = column.prepare_seconds;
  object["seconds"] = column.seconds();
  object["cpu_seconds"] = column.cpu_seconds();
  object["runs"] = ordered_json::array();
  for (const auto& run : column.runs) object["runs"].push_back(run.seconds);
  object["states_per_second"] = column.states_per_second();
  object["peak_bytes"] = column.peak_bytes();
  object["bytes_per_state"] = column.bytes_per_state();
  if (!ours.runs.empty() && &column != &ours) {
    object["ours_is_faster_by"] = ours.states_per_second() / column.states_per_second();
    object["ours_is_faster_by_in_cpu_time"] = column.cpu_seconds() / ours.cpu_seconds();
    object["ours_is_smaller_by"] = column.bytes_per_state() / ours.bytes_per_state();
  }
  return object;
}

ordered_json to_json(const Comparison& row, const std::optional<Floor>& floor) {
  ordered_json object{{"row", row.row.name()},
                      {"bounds",
                       {{"threads", row.row.threads},
                        {"pasids", row.row.pasids},
                        {"users", row.row.users},
                        {"refs", row.row.refs},
                        {"any-free", row.row.any_free ? 1 : 0}}},
                      {"states", row.row.expected.states},
                      {"transitions", row.row.expected.transitions},
                      {"depth", row.row.expected.depth.value_or(0)}};
  for (const auto& column : row.columns)
    object["checkers"].push_back(column_to_json(column, row.columns[0]));
  object["memory_floor"] = nullptr;
  if (floor) {
    object["memory_floor"] = {{"table_bytes", floor->table_bytes},
                              {"ns_per_access", floor->ns_per_access},
                              {"our_ns_per_transition", floor->ns_per_transition},
                              {"distance", floor->distance()}};
  }
  object["disagreements"] = row.disagreements;
  return object;
}

void print(const Comparison& row, const std::optional<Floor>& floor) {
  fmt::print("\n{}: {} states, {} transitions, depth {}\n", row.row.name(), row.row.expected.states,
             row.row.expected.transitions, row.row.expected.depth.value_or(0));
  const Column& ours = row.columns.at(0);
  for (const auto& column : row.columns) {
    if (!column.skipped.empty())
      fmt::print("  {:<12} SKIPPED: {}\n", column.checker, column.skipped);
    if (!column.failed.empty()) fmt::print("  {:<12} FAILED\n", column.checker);
    if (column.runs.empty()) continue;
    fmt::print("  {:<11} {:>8.3f} s, CPU {:>8.3f} s {:>7.3f} million states/s {:>5.0f} bytes/state",
               column.checker, column.seconds(), column.cpu_seconds(),
               column.states_per_second() / 1e6, column.bytes_per_state());
    if (&column != &ours && !ours.runs.empty()) {
      fmt::print("   ours: {:.1f} times as fast (CPU {:.1f}), {:.2f} times the memory",
                 ours.states_per_second() / column.states_per_second(),
                 column.cpu_seconds() / ours.cpu_seconds(),
                 ours.bytes_per_state() / column.bytes_per_state());
    }
    fmt::print("\n");
  }
  if (floor) {
    fmt::print(
        "  memory floor {:.1f} ns per random access to {:.0f} MB; ours {:.1f} ns per transition: {:.1f} times the floor\n",
        floor->ns_per_access, static_cast<double>(floor->table_bytes) / 1e6,
        floor->ns_per_transition, floor->distance());
  }
  for (const auto& text : row.disagreements) fmt::print("  DISAGREE: {}\n", text);
  std::fflush(stdout);
}

/// Who was compared: a checker that is not there has not agreed.
std::string summary(const std::vector<std::unique_ptr<bench::Checker>>& checkers) {
  std::string there;
  std::string absent;
  for (const auto& checker : checkers) {
    std::string& list = checker->missing() ? absent : there;
    list += (list.empty() ? "" : ", ") + checker->name();
  }
  return there + (absent.empty() ? "" : "; not compared with " + absent);
}

}  // namespace

int bench_command(const Words& words) {
  Arguments arguments{words, {"json"}};
  const bool as_json = arguments.flag("json");
  const std::string size = arguments.text("rows", "small");
  const auto repeat = static_cast<unsigned>(arguments.number("repeat", 3, 1, 1000));
  const auto jobs = static_cast<unsigned>(arguments.number("jobs", 1, 1, 256));
  const auto peers = peers_of(arguments.text("peers", "spin,rumur"));
  const auto promela = arguments.text("promela");
  const auto murphi = arguments.text("murphi");
  arguments.finish(kBenchOptions);
  if (promela && !peers.contains("spin")) throw UsageError("--promela is of the peer spin");
  if (murphi && !peers.contains("rumur")) throw UsageError("--murphi is of the peer rumur");
  const auto rows = bench::rows_of(size);
  if (rows.empty())
    throw UsageError(
        fmt::format("there are no rows '{}'; there are tiny, tiny-any, small, large, all", size));

  const WorkFolder work;
  std::vector<std::unique_ptr<bench::Checker>> checkers;
  checkers.push_back(bench::ours(std::filesystem::read_symlink("/proc/self/exe"), jobs));
  if (peers.contains("spin")) {
    checkers.push_back(bench::spin(promela ? read_or_throw(*promela) : bench::promela_text(),
                                   checker::default_memory_limit(), work.folder("spin")));
  }
  if (peers.contains("rumur")) {
    checkers.push_back(bench::rumur(murphi ? read_or_throw(*murphi) : bench::murphi_text(), jobs,
                                    work.folder("rumur")));
  }

  const unsigned cpus = std::max(1U, std::thread::hardware_concurrency());
  const double load_before = load();
  ordered_json object{{"verdict", nullptr}, {"processor", processor()},
                      {"cpus", cpus},       {"load", load_before},
                      {"jobs", jobs},       {"repeat", repeat}};
  for (const auto& checker : checkers) object["how"][checker->name()] = checker->how();
  if (!as_json) {
    fmt::print(
        "the reference model; {}, {} CPUs, load {:.1f}; medians of {} runs, whole processes\n",
        processor(), cpus, load_before, repeat);
    if (load_before >= 1) fmt::print("the machine is busy: CPU time says more than the clock\n");
    for (const auto& checker : checkers)
      fmt::print("  {:<12} {}\n", checker->name(), checker->how());
  }
  bool agree = true;
  for (const auto& row : rows) {
    const Comparison comparison = bench::compare(row, checkers, repeat);
    const auto floor = floor_of(comparison, jobs);
    agree = agree && comparison.disagreements.empty();
    object["rows"].push_back(to_json(comparison, floor));
    if (!as_json) print(comparison, floor);
  }
  const std::string compared = summary(checkers);
  object["verdict"] = agree ? "agree" : "disagree";
  object["compared"] = compared;
  if (as_json) {
    fmt::print("{}\n", object.dump(2));
  } else {
    fmt::print("\n{}: {}\n", agree ? "all counts agree" : "THE COUNTS DISAGREE", compared);
  }
  return agree ? 0 : static_cast<int>(kDisagree);
}

}  // namespace iommucheck::cli
