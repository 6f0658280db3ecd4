// SPDX-License-Identifier: MIT
// The parts of the engine by themselves: pages, store, visited set, feed, team.
#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "checker/explicit/feed.h"
#include "checker/explicit/intern.h"
#include "checker/explicit/team.h"
#include "checker/explicit/visited_set.h"

namespace iommucheck::checker::explicit_state {
namespace {

TEST(Pages, AreZeroAndAligned) {
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{100}, Pages::kHuge, 3 * Pages::kHuge}) {
    const Pages pages(bytes);
    ASSERT_GE(pages.bytes(), bytes);
    const auto* words = pages.as<std::uint64_t>();
    EXPECT_EQ(words[0], 0);
    EXPECT_EQ(words[pages.bytes() / 8 - 1], 0);
    if (bytes >= Pages::kHuge) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(words) % Pages::kHuge, 0);
    }
  }
  EXPECT_THROW(Pages(std::size_t{1} << 60), std::bad_alloc);
}

TEST(Store, RunsCoverChunks) {
  StateStore store(1);
  StateWriter a(store), b(store);
  const std::uint64_t n = StateStore::kChunkStates + 10;
  for (std::uint64_t i = 0; i < n; ++i) {
    for (StateWriter* writer : {&a, &b}) {
      *writer->room() = writer == &a ? i : n + i;
      writer->keep(1);
    }
  }
  std::vector<explicit_state::Run> runs;
  b.runs(5, n, runs);
  ASSERT_EQ(runs.size(), 2);
  EXPECT_EQ(runs[0].count, StateStore::kChunkStates - 5);
  EXPECT_EQ(runs[1].count, 10);
  EXPECT_EQ(*runs[0].first, n + 5);
  EXPECT_EQ(*runs[1].first, n + StateStore::kChunkStates);
  EXPECT_EQ(store.at(runs[1].id, 1), runs[1].first);
}

template <unsigned W>
void insert_everywhere(unsigned words) {
  constexpr std::uint64_t kStates = 20000;
  constexpr unsigned kThreads = 4;
  const Width<W> width(words);
  StateStore store(words);
  VisitedSet<W> set(store, 2 * kStates);
  std::vector<StateWriter> writers(kThreads, StateWriter(store));
  const auto state_of = [&](std::uint64_t n) {
    std::vector<std::uint64_t> state(words);
    state[words - 1] = n;
    state[0] += n % 3;
    return state;
  };
  std::atomic<std::uint64_t> inserted = 0;
  Team team(kThreads);
  team.run([&](unsigned w) {
    // All threads insert all states in the same order: they meet at every slot.
    for (std::uint64_t n = 0; n < kStates; ++n) {
      const auto state = state_of(n);
      const std::uint64_t h = hash(width, state.data());
      set.prefetch_state(h);
      if (set.insert(state.data(), h, writers[w])) ++inserted;
    }
  });
  EXPECT_EQ(inserted, kStates);
  Level all;
  for (const StateWriter& writer : writers) all.add(writer, 0, writer.count());
  EXPECT_EQ(all.states, kStates);

  // Moved to another table, they are all known again.
  set.resize(1 << 17);
  EXPECT_EQ(set.slots(), 1 << 17);
  Feed feed;
  feed.start(all, kThreads);
  team.run([&](unsigned) {
    for (explicit_state::Run block; feed.take(block, words);) {
      for (std::uint64_t i = 0; i < block.count; ++i) {
        set.reinsert(block.id + i, hash(width, block.first + i * words));
      }
    }
  });
  for (std::uint64_t n = 0; n < kStates; ++n) {
    const auto state = state_of(n);
    ASSERT_FALSE(set.insert(state.data(), hash(width, state.data()), writers[0]));
  }
}

TEST(Set, EachStateIsNewOnce) {
  insert_everywhere<1>(1);
  insert_everywhere<2>(2);
  insert_everywhere<5>(5);
  insert_everywhere<8>(8);
  insert_everywhere<0>(1);
  insert_everywhere<0>(13);
}

TEST(Set, SameHashIsNotSameState) {
  StateStore store(2);
  StateWriter writer(store);
  VisitedSet<2> set(store, 1);
  for (std::uint64_t n = 0; n < 100; ++n) {
    const std::uint64_t state[] = {n, ~n};
    EXPECT_TRUE(set.insert(state, 42, writer));
  }
  for (std::uint64_t n = 0; n < 100; ++n) {
    const std::uint64_t state[] = {n, ~n};
    EXPECT_FALSE(set.insert(state, 42, writer));
  }
}

TEST(Hash, SpreadsSmallNumbers) {
  // 2^14 states that differ in a few bits: about as many different slots and tags as by chance.
  const auto different = [](auto&& part) {
    std::set<std::uint64_t> parts;
    for (std::uint64_t n = 0; n < 1 << 14; ++n) {
      const std::uint64_t state[] = {n & 127, 0, (n >> 7) << 50};
      parts.insert(part(hash(Width<3>(3), state)));
    }
    return static_cast<double>(parts.size()) / (1 << 14);
  };
  EXPECT_NEAR(different([](std::uint64_t h) { return h % (1 << 14); }), 0.632, 0.02);
  EXPECT_NEAR(different([](std::uint64_t h) { return h >> 50; }), 0.632, 0.02);
}

TEST(Team, AllMembersWork) {
  Team team(5);
  for (unsigned round = 0; round < 200; ++round) {
    std::vector<unsigned> calls(team.size());
    team.run([&](unsigned w) { ++calls[w]; });
    EXPECT_EQ(calls, std::vector<unsigned>(team.size(), 1));
  }
}

TEST(Team, ExceptionsReachTheCaller) {
  Team team(3);
  EXPECT_THROW(team.run([](unsigned w) {
    if (w == 2) throw std::runtime_error("no");
  }),
               std::runtime_error);
  team.run([](unsigned) {});
}

TEST(Intern, KeepsOneCopy) {
  std::string text = "some text";
  const char* kept = intern(text.c_str());
  text = "other text";
  EXPECT_STREQ(kept, "some text");
  EXPECT_EQ(intern("some text"), kept);
}

}  // namespace
}  // namespace iommucheck::checker::explicit_state
