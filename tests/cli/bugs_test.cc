// SPDX-License-Identifier: MIT
// Every bug that is listed is found, by its property and by all, with a short trace that replays.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <set>

#include "tests/cli/command.h"
#include "tests/sanitized.h"

namespace iommucheck::cli {
namespace {

// A design on a design on the hardware takes the most.
constexpr std::size_t kMaxSteps = 100;

struct Timed {
  double seconds;
  std::size_t steps;
  std::string command;
};

/// Checks, looks at the answer, and replays it.
Timed find(Words words, const std::string& bug, const std::string& property) {
  words.emplace_back("--json");
  SCOPED_TRACE(join(words));
  const auto begin = std::chrono::steady_clock::now();
  const Outcome found = run(words);
  Timed timed{};
  timed.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  timed.command = join(words);
  EXPECT_EQ(found.code, kViolated) << found.err;
  const Json object = object_of(found);
  if (found.code != kViolated || object.empty()) return timed;
  EXPECT_EQ(object.at("verdict"), "violated");
  EXPECT_EQ(object.at("scope").at("bug"), bug);
  if (!property.empty()) {
    EXPECT_EQ(object.at("property"), property);
  }
  timed.steps = steps_of(object.at("trace"));
  EXPECT_LE(timed.steps, kMaxSteps);
  const Outcome replayed = run({"replay", "-", "--json"}, found.out);
  EXPECT_EQ(replayed.code, kViolated) << replayed.err;
  const Json confirmed = object_of(replayed);
  EXPECT_EQ(confirmed.at("verdict"), "violated");
  EXPECT_EQ(confirmed.at("steps"), timed.steps);
  EXPECT_EQ(confirmed.at("property"), object.at("property"));
  return timed;
}

TEST(Bugs, EachIsFoundAndReplays) {
  std::vector<Timed> all;
  unsigned number = 0;
  for (const auto& design : listed("designs")) {
    const auto model = design.at("name").get<std::string>();
    std::set<std::string> live;
    for (const auto& property : design.at("properties")) {
      if (property.at("kind") == "liveness") live.insert(property.at("name"));
    }
    // The reference model promises nothing for the long run, as its peers do not.
    EXPECT_GE(live.size(), model == "reference" ? 0U : 3U);
    for (const auto& bug : design.at("bugs")) {
      // Each mutant is looked at by the tests of the designs; here, a third of them.
      const bool mutant = bug.at("source") == "mutant";
      if (mutant && number++ % share(3U, 8U) != 0) continue;
      const auto name = bug.at("name").get<std::string>();
      const auto property = bug.at("property").get<std::string>();
      const Words words{"check", model, "--bug", name};
      const Timed one = find(extend(words, {"--property", property}), name, property);
      // With every property, the first to be violated is no later; safety comes before liveness.
      const Timed any = find(words, name, "");
      if (!live.contains(property)) {
        EXPECT_LE(any.steps, one.steps) << join(words);
      }
      all.insert(all.end(), {one, any});
    }
  }
  ASSERT_GE(all.size(), 2U);
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  std::cout << all.size() / 2 << " bugs; the slowest:\n";
  for (std::size_t i = 0; i < std::min<std::size_t>(5, all.size()); ++i) {
    std::cout << "  " << all[i].seconds << " s, " << all[i].steps << " steps: " << all[i].command
              << '\n';
  }
  const auto longest = std::max_element(
      all.begin(), all.end(), [](const auto& a, const auto& b) { return a.steps < b.steps; });
  std::cout << "the longest trace: " << longest->steps << " steps: " << longest->command << '\n';
}

}  // namespace
}  // namespace iommucheck::cli
