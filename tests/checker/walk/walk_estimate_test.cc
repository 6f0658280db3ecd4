// SPDX-License-Identifier: MIT
// Estimates: against models whose number of states is known, sample by sample.
#include "checker/walk/estimate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <iostream>
#include <numeric>

#include "checker/walk/extrapolate.h"
#include "tests/checker/explicit/machines.h"

namespace iommucheck::checker {
namespace {

using walking::extrapolate;
using walking::Extrapolation;

struct Row {
  const char* name;
  std::uint64_t states;
  std::vector<std::uint64_t> levels;
};
const std::vector<Row> kRows{
#include "tests/checker/walk/levels.inc"
};

TEST(Extrapolate, TheRowsAreWhole) {
  for (const Row& row : kRows) {
    EXPECT_EQ(std::accumulate(row.levels.begin(), row.levels.end(), std::uint64_t{0}), row.states)
        << row.name;
  }
}

// The table of docs/sampling.md: the accuracy that is promised is what these rows show.
TEST(Extrapolate, KeepsItsPromiseOnTheKnownRows) {
  struct Band {
    double growth;
    unsigned estimates = 0, inside = 0;
    double smallest = 1, largest = 1;
  };
  std::vector<Band> bands{{1.00}, {1.06}, {1.12}, {1.18}};
  for (const Row& row : kRows) {
    for (std::size_t n = 10; n < row.levels.size(); ++n) {
      const Extrapolation e = extrapolate(std::span(row.levels).first(n));
      const auto met = std::accumulate(row.levels.begin(),
                                       row.levels.begin() + static_cast<std::ptrdiff_t>(n), 0.0);
      if (met < 20000 || e.growth > bands.back().growth || !e.states) continue;
      const auto truth = static_cast<double>(row.states);
      Band& band = *std::find_if(bands.begin(), bands.end(),
                                 [&](const Band& b) { return e.growth <= b.growth; });
      ++band.estimates;
      band.inside += e.low <= truth && truth <= e.high;
      band.smallest = std::min(band.smallest, *e.states / truth);
      band.largest = std::max(band.largest, *e.states / truth);
      EXPECT_GE(e.low, met);
      EXPECT_LE(e.low, e.high);
    }
  }
  for (const Band& band : bands) {
    std::cout << "growth up to " << band.growth << ": " << band.inside << " of " << band.estimates
              << " inside, estimate / truth " << band.smallest << " to " << band.largest << '\n';
    EXPECT_GT(band.estimates, 20);
    EXPECT_GE(band.inside * 10, band.estimates * 9) << band.growth;
  }
}

TEST(Extrapolate, ABellIsFoundFromItsFirstHalf) {
  std::vector<std::uint64_t> levels;
  double sum = 0;
  for (int d = 0; d <= 100; ++d) {
    levels.push_back(static_cast<std::uint64_t>(1e9 * std::exp(-(d - 50) * (d - 50) / 288.0)));
    sum += static_cast<double>(levels.back());
  }
  const Extrapolation e = extrapolate(std::span(levels).first(50));
  ASSERT_TRUE(e.states);
  EXPECT_NEAR(*e.states / sum, 1, 0.01);
}

TEST(Extrapolate, SaysNothingWhereThereIsNothingToSay) {
  EXPECT_FALSE(extrapolate({}).states);
  EXPECT_FALSE(extrapolate(std::vector<std::uint64_t>(9, 5)).states) << "too few levels";
  EXPECT_FALSE(extrapolate(std::vector<std::uint64_t>(50, 1)).states) << "no bell";
  std::vector<std::uint64_t> doubling;
  for (unsigned d = 0; d < 30; ++d) doubling.push_back(1ULL << d);
  EXPECT_FALSE(extrapolate(doubling).states) << "growing fast";
  EXPECT_NEAR(extrapolate(doubling).growth, 2, 1e-9);
}

Options sample(std::uint64_t states) {
  Options options;
  options.limits.states = states;
  options.jobs = 1;
  return options;
}

TEST(Estimate, OfAGridFromAThirdOfIt) {
  const Estimate e = estimate(make<Grid>(6U, 9U), sample(300'000));
  EXPECT_FALSE(e.finished);
  ASSERT_TRUE(e.states);
  EXPECT_LE(e.low, 1e6);
  EXPECT_GE(e.high, 1e6);
  EXPECT_NEAR(*e.states / 1e6, 1, 0.3);
  EXPECT_GT(e.bytes, 0);
  EXPECT_GT(e.fingerprint_bytes, 0);
  EXPECT_GT(e.seconds, e.sample.seconds);
  // The last level is not whole, and must not be taken for one.
  EXPECT_EQ(e.levels + 1, e.sample.levels.size());
}

TEST(Estimate, ASmallModelIsCounted) {
  const Estimate e = estimate(make<Grid>(3U, 4U), sample(1000));
  EXPECT_TRUE(e.finished);
  EXPECT_EQ(e.states, 125);
  EXPECT_EQ(e.low, 125);
  EXPECT_EQ(e.high, 125);
  EXPECT_EQ(e.sample.levels,
            (std::vector<std::uint64_t>{1, 3, 6, 10, 15, 18, 19, 18, 15, 10, 6, 3, 1}));
}

TEST(Estimate, AViolationEndsItAsItEndsTheSearch) {
  const Estimate e = estimate(make<MinedGrid>(3U, 50U, 2U), sample(100'000));
  EXPECT_TRUE(e.finished);
  EXPECT_EQ(e.sample.verdict, Verdict::violated);
}

TEST(Estimate, ATinySampleSaysThatThereAreMore) {
  const Estimate e = estimate(make<Grid>(6U, 9U), sample(50));
  EXPECT_FALSE(e.finished);
  EXPECT_FALSE(e.states);
  EXPECT_GE(e.sample.states, 50);
}

}  // namespace
}  // namespace iommucheck::checker
