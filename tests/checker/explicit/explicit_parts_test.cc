// SPDX-License-Identifier: MIT
// The parts of the engine by themselves: pages, store, visited set, feed, team.
#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "checker/explicit/feed.h"
#include "checker/explicit/intern.h"
#include "checker/explicit/recent.h"
#include "checker/explicit/state_store.h"
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

TEST(Store, RunsCoverChunksAndChunksComeBack) {
  StateStore store(1);
  StateWriter a(store), b(store);
  const std::uint64_t n = 2 * StateStore::kChunkStates + 10;
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::uint64_t states[] = {i, n + i};
    a.append(&states[0], 1);
    b.append(&states[1], 1);
  }
  std::vector<explicit_state::Run> runs;
  b.runs(5, n, runs);
  ASSERT_EQ(runs.size(), 3);
  EXPECT_EQ(runs[0].count, StateStore::kChunkStates - 5);
  EXPECT_EQ(runs[2].count, 10);
  EXPECT_EQ(*runs[0].first, n + 5);
  EXPECT_EQ(*runs[1].first, n + StateStore::kChunkStates);

  const std::uint64_t bytes = store.bytes();
  b.forget(StateStore::kChunkStates + 1);  // one chunk is of no use any more
  runs.clear();
  b.runs(StateStore::kChunkStates + 1, n, runs);
  EXPECT_EQ(*runs[0].first, n + StateStore::kChunkStates + 1);
  StateWriter c(store);
  const std::uint64_t state = 7;
  c.append(&state, 1);
  EXPECT_EQ(store.bytes(), bytes) << "the chunk is used again";
}

/// A key from a number, spread over all hashes.
Key key_of(std::uint64_t n, unsigned extra_bits) {
  return {mix(n), n % 3 & ((std::uint64_t{1} << extra_bits) - 1)};
}

void insert_everywhere(unsigned extra_bits, unsigned threads) {
  constexpr std::uint64_t kKeys = 40000;
  VisitedSet set(extra_bits, 1, std::uint64_t{1} << 30, threads == 1);
  Team team(threads);
  std::atomic<std::uint64_t> added = 0, full = 0;
  std::uint64_t done = 0;
  const auto insert = [&](std::uint64_t last) {
    team.run([&](unsigned) {
      // All threads insert all keys in the same order: they meet at every slot.
      for (std::uint64_t n = done; n < last; ++n) {
        const Insertion i = set.insert(set.probe(key_of(n, extra_bits)));
        if (i == Insertion::added) ++added;
        if (i == Insertion::no_room) ++full;
      }
    });
    done = last;
  };
  for (std::uint64_t last = 100; last <= kKeys; last += last / 2) {
    if (last > set.usual_load()) {
      ASSERT_TRUE(set.grow(last, std::uint64_t{1} << 30, team));
    }
    ASSERT_GE(set.usual_load(), last);
    insert(last);
    EXPECT_EQ(added, last);
    for (std::uint64_t n = 0; n < last; ++n) {
      ASSERT_EQ(set.insert(set.probe(key_of(n, extra_bits))), Insertion::known);
    }
  }
  EXPECT_EQ(full, 0);
  EXPECT_GE(added, kKeys / 2);
}

TEST(Set, EachKeyIsNewOnceAndStaysThroughGrowth) {
  for (const unsigned extra_bits : {0U, 1U, 5U, kMostExtraBits}) {
    insert_everywhere(extra_bits, 1);
    insert_everywhere(extra_bits, 4);
  }
}

TEST(Set, KeysThatDifferInOneBitDiffer) {
  VisitedSet set(4, 1, std::uint64_t{1} << 28, true);
  Team team(1);
  std::vector<Key> keys{{0x123456789abcdef0, 5}};
  for (unsigned bit = 0; bit < 64; ++bit) {
    keys.push_back({keys[0].hash ^ std::uint64_t{1} << bit, 5});
  }
  for (unsigned bit = 0; bit < 4; ++bit) {
    keys.push_back({keys[0].hash, keys[0].extra ^ std::uint64_t{1} << bit});
  }
  for (const Key& key : keys) EXPECT_EQ(set.insert(set.probe(key)), Insertion::added);
  for (int round = 0; round < 6; ++round) {
    for (const Key& key : keys) EXPECT_EQ(set.insert(set.probe(key)), Insertion::known);
    ASSERT_TRUE(set.grow(1, std::uint64_t{1} << 28, team));
  }
}

TEST(Set, AFullNeighbourhoodSaysSo) {
  VisitedSet set(0, 1, 1, true);
  // All at one home: the lower bits tell them apart.
  std::uint64_t n = 0;
  while (set.insert(set.probe({n, 0})) == Insertion::added) ++n;
  EXPECT_EQ(n, 8 * 127) << "eight slots of the home and of 126 buckets behind it";
  EXPECT_EQ(set.insert(set.probe({n - 1, 0})), Insertion::known);
  Team team(1);
  EXPECT_FALSE(set.grow(1, 1, team)) << "beyond its limit";
}

/// Whether keys of different states differ: all states of a schema with few values.
template <class Keys>
void expect_exact(const Schema& schema, std::uint64_t values) {
  Keys keys(schema, 1);
  typename Keys::Local local(keys);
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
  std::uint64_t states = 0;
  std::vector<std::uint64_t> state(schema.words());
  for (std::uint64_t v = 0; v < values; ++v) {
    for (std::uint32_t f = 0; f < schema.fields().size(); ++f) {
      const std::uint64_t digit = v >> f & 1;
      schema.set(state, f, digit == 0 ? static_cast<std::uint32_t>(f) : schema.fields()[f].max);
    }
    ASSERT_TRUE(keys.reserve(local, 1) ||
                (local = typename Keys::Local(keys), keys.grow(100, 1 << 30)));
    const Key key = keys(local, state.data());
    EXPECT_LT(key.extra, std::uint64_t{1} << keys.extra_bits());
    seen.emplace(key.hash, key.extra);
    ++states;
    const Key again = keys(local, state.data());
    EXPECT_EQ(again.hash, key.hash);
  }
  EXPECT_EQ(seen.size(), states);
}

TEST(Keys, DifferentStatesHaveDifferentKeys) {
  for (const unsigned fields : {5U, 10U}) {
    Schema schema;
    for (unsigned f = 0; f < fields; ++f) schema.add("f", 127, {});
    if (fields == 5) {
      expect_exact<DirectKeys<1>>(schema, 1 << 5);
    } else {
      ASSERT_TRUE(DirectKeys<2>::suits(schema));
      expect_exact<DirectKeys<2>>(schema, 1 << 10);
      expect_exact<TreeKeys<2>>(schema, 1 << 10);
    }
  }
  Schema wide;
  for (unsigned f = 0; f < 13; ++f) wide.add("f", 0x3fff, {});
  EXPECT_FALSE(DirectKeys<2>::suits(wide));
  expect_exact<TreeKeys<4>>(wide, 1 << 13);
  expect_exact<TreeKeys<0>>(wide, 1 << 13);
  expect_exact<FingerprintKeys<4>>(wide, 1 << 13);
}

TEST(Interner, NumbersAreOneToOne) {
  constexpr unsigned kThreads = 4;
  constexpr std::uint64_t kValues = 30000;
  Interner table(kThreads);
  ASSERT_TRUE(table.grow(kValues, 1 << 30));
  std::vector<std::vector<std::uint32_t>> numbers(kThreads);
  Team team(kThreads);
  team.run([&](unsigned w) {
    Interner::Local local(table);
    ASSERT_TRUE(local.reserve(kValues));
    for (std::uint64_t v = 0; v < kValues; ++v) numbers[w].push_back(local.number(v * v));
  });
  EXPECT_EQ(numbers[0][0], 0);
  for (unsigned w = 1; w < kThreads; ++w) EXPECT_EQ(numbers[w], numbers[0]);
  EXPECT_EQ(std::set<std::uint32_t>(numbers[0].begin(), numbers[0].end()).size(), kValues);
  ASSERT_TRUE(table.grow(4 * kValues, 1 << 30));
  Interner::Local local(table);
  for (std::uint64_t v = 0; v < kValues; ++v) ASSERT_EQ(local.number(v * v), numbers[0][v]);
  EXPECT_FALSE(table.grow(std::uint64_t{1} << 33, ~0ULL)) << "numbers have 32 bits";
}

TEST(Recent, KnowsTheLastKeyOfEachPlaceOnly) {
  Recent recent;
  const Key key{0x123456789abcdef0, 5};
  EXPECT_FALSE(recent.meet(key));
  EXPECT_TRUE(recent.meet(key));
  EXPECT_FALSE(recent.meet({key.hash, 4}));
  EXPECT_FALSE(recent.meet(key)) << "another key took its place";
  for (unsigned bit = 0; bit < 64; ++bit) {
    EXPECT_FALSE(recent.meet({key.hash ^ std::uint64_t{1} << bit, 5})) << bit;
    recent.meet(key);
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
