// SPDX-License-Identifier: MIT
// SPIN on the reference model.
//
// -o2: without it SPIN slices variables away that are never read, soundly, which are other states.
// -DNOREDUCE: no partial-order reduction.  -DBFS: breadth first, as ours; depth first takes the
// same time within a few per cent, reports no BFS depth, and on three threads its stack needs more
// than the usual -m (it then skips states, and says so).
#include <algorithm>
#include <bit>

#include "bench/reference/peers.h"

namespace iommucheck::bench {
namespace {

class Spin : public Checker {
 public:
  Spin(std::string promela, std::uint64_t memory_bytes, std::filesystem::path folder)
      : promela_(std::move(promela)), memory_bytes_(memory_bytes), folder_(std::move(folder)) {}

  std::string name() const override { return "SPIN"; }
  std::string how() const override {
    return "spin -o2 -a; gcc -O3 -march=native -DSAFETY -DBFS -DNOREDUCE; pan -n -E, a hash table "
           "of more slots than states (-w); 1 core";
  }
  std::optional<std::string> missing() const override {
    return detail::missing_programs({"spin", "gcc"});
  }

  void prepare(const Row& row) override {
    detail::write_file(folder_ / "pasid.pml", promela_);
    std::vector<std::string> words{
        "spin", "-DNT=" + std::to_string(row.threads), "-DNP=" + std::to_string(row.pasids),
        "-DNU=" + std::to_string(row.users), "-DNR=" + std::to_string(row.refs)};
    if (row.any_free) words.emplace_back("-DANYFREE");
    words.insert(words.end(), {"-o2", "-a", "pasid.pml"});
    detail::run_or_throw(words, folder_);
    detail::run_or_throw({"gcc", "-O3", "-march=native", "-DSAFETY", "-DBFS", "-DNOREDUCE",
                          "-DMEMLIM=" + std::to_string(memory_bytes_ >> 20U), "pan.c", "-o", "pan"},
                         folder_);
    slots_ = std::to_string(std::max<std::uint64_t>(std::bit_width(row.expected.states), 16));
  }

  Run run() override {
    const Child child = detail::run_or_throw({"./pan", "-w" + slots_, "-n", "-E"}, folder_);
    const std::string& text = child.out;
    if (text.find("Warning: Search not completed") != std::string::npos ||
        text.find("memory limit") != std::string::npos)
      throw CheckerError("SPIN did not finish its search: " + text.substr(0, 500));
    const auto errors = detail::number_in(text, "errors: ([0-9]+)");
    if (errors != 0) throw CheckerError("SPIN reports an error: " + text.substr(0, 500));
    const auto transitions = detail::number_in(text, "\\s([0-9]+) transitions");
    // SPIN counts the initial state as one more transition.
    return {{detail::number_in(text, "\\s([0-9]+) states, stored"), transitions - 1,
             detail::number_in(text, "depth reached ([0-9]+)")},
            child.seconds,
            child.cpu_seconds,
            child.peak_bytes};
  }

 private:
  std::string promela_;
  std::uint64_t memory_bytes_;
  std::filesystem::path folder_;
  std::string slots_;
};

}  // namespace

std::unique_ptr<Checker> spin(std::string promela, std::uint64_t memory_bytes,
                              const std::filesystem::path& folder) {
  return std::make_unique<Spin>(std::move(promela), memory_bytes, folder);
}

}  // namespace iommucheck::bench
