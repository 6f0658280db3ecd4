// SPDX-License-Identifier: MIT
// How long one state takes: 3 threads and 2 PASIDs on about 70 bits.  A program to measure with.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <random>

#include "checker/symmetry/canonicalizer.h"
#include "checker/symmetry/samples.h"
#include "tests/checker/symmetry/machines.h"

using namespace iommucheck::checker::symmetry;

namespace {

/// Reachable states, permuted at random: as successors of representatives are, only worse.
std::vector<std::uint64_t> mixed_states(Desk& desk, const Canonicalizer& canonicalizer) {
  std::mt19937 random(1);
  const auto group = canonicalizer.group();
  std::vector<std::uint64_t> all;
  for (auto state : sample_states(desk, 4096)) {
    canonicalizer.permute(state.data(), group[random() % group.size()]);
    all.insert(all.end(), state.begin(), state.end());
  }
  return all;
}

}  // namespace

int main() {
  for (const SortNames& sorts :
       {SortNames{"threads"}, SortNames{"pasids"}, SortNames{"threads", "pasids"}}) {
    Desk desk(3, 2, Flaw::none, false, 12);
    const Canonicalizer canonicalizer(desk.schema, sorts);
    const auto states = mixed_states(desk, canonicalizer);
    const unsigned words = desk.schema.words();
    constexpr unsigned kRounds = 300;
    const std::size_t count = states.size() / words;
    double best = 1e9;
    for (unsigned round = 0; round < kRounds; ++round) {
      auto work = states;
      const auto begin = std::chrono::steady_clock::now();
      for (std::size_t i = 0; i < work.size(); i += words) canonicalizer(work.data() + i);
      const std::chrono::duration<double, std::nano> passed =
          std::chrono::steady_clock::now() - begin;
      best = std::min(best, passed.count() / static_cast<double>(count));
    }
    fmt::print("{:<16} {} bits, {} permutations: {:.1f} ns per state\n", fmt::join(sorts, ","),
               desk.schema.bits(), canonicalizer.group_order(), best);
  }
}
