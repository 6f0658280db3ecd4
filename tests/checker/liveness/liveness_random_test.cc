// SPDX-License-Identifier: MIT
// 100,000 random graphs: the engine and the definition agree, and each lasso is what it says.
#include <gtest/gtest.h>

#include <iostream>
#include <numeric>

#include "checker/liveness/cycle.h"
#include "tests/checker/liveness/oracle.h"
#include "tests/checker/liveness/random_graph.h"

namespace iommucheck::checker::liveness {
namespace {

constexpr unsigned kGraphs = 100'000;

TEST(LivenessRandom, AgreesWithTheDefinition) {
  const std::uint64_t seed = seed_of_environment();
  std::cout << "seed " << seed << " (IOMMUCHECK_SEED gives another)\n";
  RandomQuestions questions(seed);
  unsigned violated = 0, resting = 0, long_cycles = 0, saved_by_fairness = 0;
  for (unsigned i = 0; i < kGraphs; ++i) {
    const Question question = questions.next();
    const auto& [graph, p, q] = question;
    const auto lasso = find_lasso(graph, p, q);
    ASSERT_EQ(lasso.has_value(), oracle_finds_lasso(graph, p, q))
        << "graph " << i << " of seed " << seed;
    if (lasso) {
      ++violated;
      ASSERT_EQ(wrong_with(*lasso, graph, p, q), "") << "graph " << i << " of seed " << seed;
      resting += lasso->cycle.empty() ? 1U : 0U;
      long_cycles += lasso->cycle.size() > 2 ? 1U : 0U;
    } else {
      FairGraph unfair = graph;
      unfair.weak = unfair.strong = 0;
      saved_by_fairness += find_lasso(unfair, p, q) ? 1U : 0U;
    }
  }
  std::cout << violated << " violated (" << resting << " by resting, " << long_cycles
            << " by cycles of more than two steps), " << saved_by_fairness
            << " hold by fairness only\n";
  // The graphs are worth something: every kind of answer is there often.
  EXPECT_GT(violated, kGraphs / 5);
  EXPECT_GT(resting, kGraphs / 20);
  EXPECT_GT(long_cycles, kGraphs / 50);
  EXPECT_GT(saved_by_fairness, kGraphs / 100);
}

// Where the search for a shortest cycle is too large, a walk has to do.
TEST(LivenessRandom, AWalkHonoursTheAssumptionsToo) {
  RandomQuestions questions(seed_of_environment());
  unsigned cycles = 0, longer = 0;
  for (unsigned i = 0; i < 20'000; ++i) {
    FairGraph graph = questions.next().graph;
    States all(graph.states());
    std::iota(all.begin(), all.end(), 0U);
    const auto fair = fair_components(graph, all);
    std::vector<std::uint32_t> component_of(graph.states(), 0);
    for (std::uint32_t c = 0; c < fair.size(); ++c) {
      for (const StateNumber s : fair[c]) component_of[s] = c + 1;
    }
    CycleFinder walks(graph, component_of, 0);
    CycleFinder shortest(graph, component_of);
    for (const StateNumber s : all) {
      if (component_of[s] == 0) continue;
      const auto walk = walks.cycle_from(s, 1'000);
      const auto best = shortest.cycle_from(s, 1'000);
      ASSERT_TRUE(walk && best);
      ++cycles;
      longer += walk->size() > best->size() ? 1U : 0U;
      graph.initial = {s};
      const StateSet everywhere(graph.states(), true), nowhere(graph.states());
      ASSERT_EQ(wrong_with({s, {}, *walk}, graph, everywhere, nowhere), "") << "graph " << i;
      ASSERT_EQ(wrong_with({s, {}, *best}, graph, everywhere, nowhere), "") << "graph " << i;
      if (!best->empty()) {
        ASSERT_FALSE(shortest.cycle_from(s, best->size() - 1)) << "graph " << i;
      }
    }
  }
  EXPECT_GT(cycles, 10'000U);
  EXPECT_GT(longer, 100U) << "else the search would not be worth it";
}

// The checker of lassos refuses what is none: each lasso is broken in every way.
TEST(LivenessRandom, ABrokenLassoIsRefused) {
  RandomQuestions questions(seed_of_environment());
  unsigned refused_q = 0, refused_p = 0, refused_edges = 0, refused_starts = 0, unfair = 0;
  for (unsigned i = 0; i < 2'000; ++i) {
    const Question question = questions.next();
    const auto& [graph, p, q] = question;
    const auto lasso = find_lasso(graph, p, q);
    if (!lasso) continue;
    const StateNumber knot = lasso->stem.empty() ? lasso->initial : lasso->stem.back().to;
    StateSet q_there = q;
    q_there[knot] = true;
    refused_q += wrong_with(*lasso, graph, p, q_there) == "q holds on the cycle" ? 1U : 0U;
    refused_p += wrong_with(*lasso, graph, StateSet(p.size()), q).empty() ? 0U : 1U;
    GraphLasso moved = *lasso;
    moved.initial = graph.states();
    refused_starts += wrong_with(moved, graph, p, q).empty() ? 0U : 1U;
    if (!lasso->cycle.empty()) {
      GraphLasso open = *lasso;
      open.cycle.back().action = static_cast<std::uint32_t>(graph.actions.size());
      refused_edges += wrong_with(open, graph, p, q).empty() ? 0U : 1U;
      // An assumption about everything that the cycle does not take.
      FairGraph fairer = graph;
      FairMask mask = 0;
      for (const Edge& e : graph.out(knot)) mask |= FairMask{1} << (32 + e.action);
      for (std::uint32_t a = 0; a < fairer.actions.size(); ++a)
        fairer.actions[a].fair |= FairMask{1} << (32 + a);
      for (const Edge& e : lasso->cycle) mask &= ~(FairMask{1} << (32 + e.action));
      fairer.strong |= mask;
      if (mask != 0) {
        ASSERT_NE(wrong_with(*lasso, fairer, p, q), "");
        ++unfair;
      }
    }
    ASSERT_EQ(refused_p, refused_starts);
    ASSERT_EQ(refused_q, refused_p);
  }
  EXPECT_GT(refused_q, 100U);
  EXPECT_GT(refused_edges, 100U);
  EXPECT_GT(unfair, 100U);
}

}  // namespace
}  // namespace iommucheck::checker::liveness
