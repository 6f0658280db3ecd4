// SPDX-License-Identifier: MIT
// Small labelled graphs made up from a seed, and the seed itself.
#ifndef IOMMUCHECK_TESTS_CHECKER_LIVENESS_RANDOM_GRAPH_H
#define IOMMUCHECK_TESTS_CHECKER_LIVENESS_RANDOM_GRAPH_H

#include <cstdlib>
#include <random>
#include <string>

#include "checker/liveness/graph.h"

namespace iommucheck::checker::liveness {

/// A graph and the question: does p lead to q?
struct Question {
  FairGraph graph;
  StateSet p, q;
};

/// 2-8 states, 1-4 actions, up to 4 assumptions about random sets of actions.
class RandomQuestions {
 public:
  explicit RandomQuestions(std::uint64_t seed) : random_(seed) {}

  Question next() {
    Question question;
    FairGraph& g = question.graph;
    const unsigned states = 2 + pick(7);
    const unsigned actions = 1 + pick(4);
    const unsigned assumptions = pick(5);
    for (unsigned i = 0; i < assumptions; ++i)
      (pick(2) == 0 ? g.weak : g.strong) |= FairMask{1} << i;
    const bool any_optional = pick(4) == 0;
    for (unsigned a = 0; a < actions; ++a) {
      FairMask fair = 0;
      for (unsigned i = 0; i < assumptions; ++i) {
        if (pick(3) == 0) fair |= FairMask{1} << i;
      }
      g.actions.push_back({fair, any_optional && pick(2) == 0});
    }
    // One graph of three may have terminal states, which most violations would use otherwise.
    const unsigned degree = 1 + pick(3);
    const unsigned fewest = pick(3) == 0 ? 0 : 1;
    for (unsigned s = 0; s < states; ++s) {
      for (unsigned n = fewest + pick(degree); n > 0; --n)
        g.edges.push_back({pick(states), pick(actions)});
      g.first.push_back(g.edges.size());
    }
    for (unsigned n = 1 + pick(2); n > 0; --n) g.initial.push_back(pick(states));
    const unsigned often = 2 + pick(6);
    for (unsigned s = 0; s < states; ++s) {
      question.p.push_back(pick(2) == 0);
      question.q.push_back(pick(often) == 0);
    }
    return question;
  }

 private:
  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }
  std::mt19937_64 random_;
};

/// IOMMUCHECK_SEED of the environment, or the fixed one.
inline std::uint64_t seed_of_environment() {
  const char* text = std::getenv("IOMMUCHECK_SEED");
  return text == nullptr ? 20240229 : std::stoull(text);
}

}  // namespace iommucheck::checker::liveness

#endif  // IOMMUCHECK_TESTS_CHECKER_LIVENESS_RANDOM_GRAPH_H
