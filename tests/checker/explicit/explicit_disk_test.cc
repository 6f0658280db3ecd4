// SPDX-License-Identifier: MIT
// The visited set on disk: every number and every path as in memory; what is wrong with the disk is
// said, and never a wrong answer.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <set>

#include "checker/explicit/explicit.h"
#include "checker/explicit/spilled_set.h"
#include "checker/explicit/state_store.h"
#include "tests/checker/explicit/oracle.h"
#include "tests/checker/explicit/random_machine.h"

namespace iommucheck::checker {
namespace {

namespace fs = std::filesystem;
using namespace explicit_state;

class Disk : public testing::Test {
 protected:
  Disk() {
    std::string name = (fs::temp_directory_path() / "iommucheck-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = name;
  }
  ~Disk() override { fs::remove_all(directory_); }

  Options on_disk(Options options, std::uint64_t spill_keys = 1) const {
    options.disk = directory_.string();
    options.spill_keys = spill_keys;
    options.initial_slots = 1;
    return options;
  }
  fs::path directory_;
};

Key key_of(std::uint64_t n, unsigned extra_bits) {
  return {mix(n), n % 3 & ((std::uint64_t{1} << extra_bits) - 1)};
}

using KeySet = std::set<std::pair<std::uint64_t, std::uint64_t>>;

TEST_F(Disk, TheSetGivesItsKeysBack) {
  for (const unsigned extra_bits : {0U, 1U, 4U}) {
    for (const unsigned growths : {0U, 1U, 2U, 4U}) {
      VisitedSet set(extra_bits, 1, 1U << 28, true);
      Team team(2);
      for (unsigned g = 0; g < growths; ++g)
        ASSERT_TRUE(set.grow(set.usual_load() + 1, 1U << 28, team));
      KeySet put, got, slots;
      for (std::uint64_t n = 0; put.size() < std::min<std::uint64_t>(set.usual_load(), 20'000);
           ++n) {
        const Key key = key_of(n, extra_bits);
        ASSERT_EQ(set.insert(set.probe(key)), Insertion::added);
        put.emplace(key.hash, key.extra);
      }
      for (unsigned g = 0; g < VisitedSet::kGroups; ++g) {
        set.each(g, [&](Key key, std::uint64_t slot) {
          ASSERT_EQ(key.hash >> (64 - VisitedSet::kGroupBits), g);
          ASSERT_EQ(set.find(key), slot);
          ASSERT_LT(slot, set.slot_numbers());
          ASSERT_TRUE(got.emplace(key.hash, key.extra).second);
          ASSERT_TRUE(slots.emplace(slot, 0).second);
        });
      }
      ASSERT_EQ(got, put);
      EXPECT_FALSE(set.find(key_of(~std::uint64_t{0}, extra_bits)));
      set.clear(team);
      EXPECT_FALSE(set.find(key_of(0, extra_bits)));
    }
  }
}

TEST_F(Disk, KeysOnDiskAreMarkedAndNoOthers) {
  for (const unsigned extra_bits : {0U, 7U}) {
    for (const unsigned threads : {1U, 3U}) {
      VisitedSet set(extra_bits, 20000, 1, threads == 1);
      SpilledSet spilled(directory_);
      Team team(threads);
      constexpr std::uint64_t kMore = 5000;
      // Each round has half of its keys from rounds before: those are not written again.
      for (std::uint64_t round = 0; round < 6; ++round) {
        const std::uint64_t first = round * kMore / 2, last = first + kMore;
        for (std::uint64_t n = first; n < last; ++n) set.insert(set.probe(key_of(n, extra_bits)));
        if (round != 0) {
          const bool few = round % 2 != 0;
          spilled.want_only(few ? kMore : ~std::uint64_t{0});
          for (std::uint64_t n = first; n < last; ++n)
            ASSERT_EQ(spilled.want(key_of(n, extra_bits)), few);
          spilled.look_up(set, team);
          for (std::uint64_t n = first; n < last; ++n) {
            const auto slot = set.find(key_of(n, extra_bits));
            ASSERT_TRUE(slot);
            ASSERT_EQ(spilled.marked(*slot), n < first + kMore / 2) << n;
          }
        }
        const std::uint64_t before = spilled.file().bytes();
        spilled.spill(set, kMore, team);
        EXPECT_EQ(spilled.file().bytes() - before, (round == 0 ? kMore : kMore / 2) * 8);
      }
      EXPECT_EQ(spilled.runs(), 6);
    }
  }
}

// What nobody asks for is not read.
TEST_F(Disk, FewKeysReadFewPartitions) {
  VisitedSet set(0, 1U << 18, 1, true);
  SpilledSet spilled(directory_);
  Team team(1);
  for (std::uint64_t n = 0; n < 1U << 17; ++n) set.insert(set.probe(key_of(n, 0)));
  spilled.spill(set, 1U << 17, team);
  for (const std::uint64_t n : {std::uint64_t{5}, std::uint64_t{77}, std::uint64_t{1} << 40})
    set.insert(set.probe(key_of(n, 0)));
  spilled.want_only(3);
  for (const std::uint64_t n : {std::uint64_t{5}, std::uint64_t{77}, std::uint64_t{1} << 40})
    spilled.want(key_of(n, 0));
  spilled.look_up(set, team);
  EXPECT_TRUE(spilled.marked(*set.find(key_of(5, 0))));
  EXPECT_TRUE(spilled.marked(*set.find(key_of(77, 0))));
  EXPECT_FALSE(spilled.marked(*set.find(key_of(std::uint64_t{1} << 40, 0))));
  EXPECT_LT(spilled.file().bytes_read(), spilled.file().bytes() / 20);
}

TEST_F(Disk, AWriterLeavesOutWhatIsNotKept) {
  Scratch file(directory_);
  for (Scratch* const to : {static_cast<Scratch*>(nullptr), &file}) {
    StateStore store(2, to, 0);
    StateWriter writer(store);
    constexpr std::uint64_t kChunk = StateStore::kChunkStates;
    std::vector<std::uint64_t> expected;
    std::uint64_t next = 0;
    const auto append = [&](std::uint64_t n) {
      for (; n != 0; --n, ++next) {
        const std::uint64_t state[] = {next, ~next};
        writer.append(state, 2);
        expected.push_back(next);
      }
    };
    const auto retain = [&](std::uint64_t first, std::uint64_t modulus) {
      writer.retain(first, [&](const std::uint64_t* states, std::uint64_t n, bool* kept) {
        for (std::uint64_t i = 0; i < n; ++i) kept[i] = states[2 * i] % modulus == 0;
      });
      const auto from = expected.begin() + static_cast<std::ptrdiff_t>(first);
      expected.erase(
          std::remove_if(from, expected.end(), [&](std::uint64_t n) { return n % modulus != 0; }),
          expected.end());
    };
    append(kChunk + 100);
    retain(50, 3);
    append(3 * kChunk);
    retain(kChunk, 7);
    append(10);
    retain(expected.size() - 10, 1U << 30);  // none of them
    append(kChunk - expected.size() % kChunk);
    retain(expected.size(), 2);
    append(1);
    ASSERT_EQ(writer.count(), expected.size());
    std::vector<explicit_state::Run> runs;
    writer.runs(0, writer.count(), runs);
    std::vector<std::uint64_t> found;
    for (const auto& run : runs) {
      for (std::uint64_t i = 0; i < run.count; ++i) {
        found.push_back(run.first[2 * i]);
        ASSERT_EQ(run.first[2 * i + 1], ~run.first[2 * i]);
      }
    }
    EXPECT_EQ(found, expected);
    EXPECT_EQ(store.bytes() == 0, to != nullptr) << "in memory or in the file";
  }
}

TEST_F(Disk, ChangesNoAnswer) {
  for (const unsigned jobs : {1U, 2U}) {
    for (const unsigned padding : {0U, 1U, 5U}) {  // of one, two and more words
      for (const Kept kept : {Kept::states, Kept::fingerprints}) {
        for (const unsigned mine : {99U, 8U}) {
          const auto machine = make<MinedGrid>(3U, 11U, mine, padding);
          Options options;
          options.jobs = jobs;
          options.kept = kept;
          const Answer expected = answer(explore(machine, options));
          const Exploration e = explore(machine, on_disk(options));
          EXPECT_EQ(answer(e), expected);
          ASSERT_TRUE(e.disk);
          EXPECT_GE(e.disk->runs + 1, e.depth) << "one for each level of more than a state";
          EXPECT_GT(e.disk->key_bytes_read, 0);
          EXPECT_EQ(e.states_without_symmetry, e.states);
        }
      }
    }
  }
}

// The set is full in the middle of levels: what was met before in the level is on disk, too.
TEST_F(Disk, InTheMiddleOfLevels) {
  for (const unsigned jobs : {1U, 3U}) {
    const auto machine = make<MinedGrid>(4U, 16U, 99U);
    Options options;
    options.jobs = jobs;
    const Answer expected = answer(explore(machine, options));
    // Room for what workers take at a time, and not for a level.
    const Exploration e = explore(machine, on_disk(options, 1500));
    EXPECT_EQ(answer(e), expected);
    EXPECT_GT(e.disk->runs, 20);
    EXPECT_LT(e.disk->key_bytes, 83521 * 8 * 3 / 2);
  }
}

TEST_F(Disk, ForWantOfMemory) {
  for (const unsigned jobs : {1U, 2U}) {
    const auto machine = make<MinedGrid>(3U, 45U, 30U);
    Options options;
    options.jobs = jobs;
    const Answer expected = answer(explore(machine, options));
    options.limits.memory_bytes = 360 << 10;
    const Exploration in_memory = explore(machine, options);
    EXPECT_EQ(in_memory.verdict, Verdict::unknown);
    Options with_disk = on_disk(options, 0);
    const Exploration e = explore(machine, with_disk);
    EXPECT_EQ(answer(e), expected) << e.reason;
    EXPECT_GT(e.disk->runs, 3);
    EXPECT_GT(e.disk->state_bytes, 0);
    EXPECT_LE(e.bytes, options.limits.memory_bytes);
  }
}

TEST_F(Disk, RandomMachinesAgreeWithTheOracle) {
  std::uint64_t runs = 0;
  for (unsigned seed = 0; seed < 90; ++seed) {
    RandomMachine<Concrete> machine(seed);
    const bool stop = seed % 2 == 0;
    const Answer expected = Oracle(machine).run(stop);
    Options options;
    options.stop_at_violation = stop;
    options.jobs = 1 + seed % 3;
    options.kept = seed % 5 == 0 ? Kept::fingerprints : Kept::states;
    const Exploration e = explore(make<RandomMachine<Concrete>>(seed), on_disk(options));
    ASSERT_EQ(answer(e), expected) << "seed " << seed;
    runs += e.disk->runs;
  }
  EXPECT_GT(runs, 150);
}

TEST_F(Disk, WithAJournalItGoesOn) {
  const auto machine = make<MinedGrid>(3U, 20U, 15U);
  for (const unsigned jobs : {1U, 2U}) {
    Options options;
    options.jobs = jobs;
    options.identity = "a grid";
    const Answer expected = answer(explore(machine, options));
    options.journal = (directory_ / "run").string();
    options.limits.states = 3000;
    EXPECT_EQ(explore(machine, on_disk(options, 500)).verdict, Verdict::unknown);
    options.limits.states = 0;
    options.resume = true;
    const Exploration e = explore(machine, on_disk(options, 500));
    EXPECT_EQ(answer(e), expected);
    EXPECT_GT(e.disk->runs, 3);
    fs::remove_all(directory_ / "run");
  }
}

/// Goes round, and can begin anywhere: all states are initial ones, and each is met again.
class Carousel : public Machine<Concrete> {
 public:
  Carousel() : v_(root(), "v", 1, kLast) {
    initial = [this] { v_[0] = context.choose(kLast + 1); };
    code_.push_back({"carousel", "turn", false, 0, [this](unsigned) {
                       v_[0] = select(v_[0] == kLast, Val<Concrete>(0), v_[0].value() + 1U);
                     }});
    process({"carousel", 0, &code_, nullptr});
  }
  static constexpr unsigned kLast = 0x3fff;

 private:
  Numbers v_;
  Code code_;
};

TEST_F(Disk, ALimitOfStatesCountsThemOnce) {
  Options options;
  options.limits.states = Carousel::kLast + 1;
  const Exploration all = explore(make<Carousel>(), on_disk(options));
  EXPECT_EQ(all.verdict, Verdict::holds) << all.reason;
  EXPECT_EQ(all.transitions, Carousel::kLast + 1);
  --options.limits.states;
  const Exploration e = explore(make<Carousel>(), on_disk(options));
  EXPECT_EQ(e.verdict, Verdict::unknown);
  EXPECT_NE(e.reason.find("--max-states"), std::string::npos) << e.reason;
}

TEST_F(Disk, NothingIsLeftThere) {
  EXPECT_EQ(explore(make<Grid>(3U, 9U), on_disk({})).verdict, Verdict::holds);
  EXPECT_TRUE(fs::is_empty(directory_));
}

TEST_F(Disk, ADirectoryThatCannotBeIsAnError) {
  Options options;
  options.disk = "/proc/nowhere";
  EXPECT_THROW(static_cast<void>(explore(make<Grid>(2U, 2U), options)), DiskError);
}

/// While it lives, files have at most so many bytes, as if the disk were full.
class SmallDisk {
 public:
  explicit SmallDisk(std::uint64_t bytes) {
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST_F(Disk, AFullDiskIsUnknown) {
  const auto machine = make<MinedGrid>(3U, 20U, 19U);
  for (const unsigned jobs : {1U, 2U}) {
    Options options;
    options.jobs = jobs;
    const std::uint64_t states = explore(machine, options).states;
    for (const std::uint64_t bytes : {1U, 4000U, 20'000U, 50'000U}) {
      const SmallDisk small(bytes);
      const Exploration e = explore(machine, on_disk(options));
      EXPECT_EQ(e.verdict, Verdict::unknown) << bytes;
      EXPECT_FALSE(e.path);
      EXPECT_NE(e.reason.find("--disk"), std::string::npos) << e.reason;
      EXPECT_NE(e.reason.find("File too large"), std::string::npos) << e.reason;
      EXPECT_LE(e.states, states);
    }
    // States, not keys, that have no room.
    const SmallDisk small(200'000);
    options.limits.memory_bytes = 400 << 10;
    const Exploration e = explore(make<Grid>(3U, 45U), on_disk(options, 0));
    EXPECT_EQ(e.verdict, Verdict::unknown);
    EXPECT_NE(e.reason.find("no room for more states"), std::string::npos) << e.reason;
  }
}

/// Changes a byte of the file without a name that this process has open there.
bool change_a_byte(const fs::path& directory) {
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const std::string target = fs::read_symlink(entry.path(), error).string();
    if (target.find(directory.string()) == std::string::npos) continue;
    const int fd = open(entry.path().c_str(), O_RDWR);
    char byte = 0;
    const bool read = pread(fd, &byte, 1, 1000) == 1;
    byte = static_cast<char>(byte + 1);
    const bool written = read && pwrite(fd, &byte, 1, 1000) == 1;
    close(fd);
    if (written) return true;
  }
  return false;
}

TEST_F(Disk, WhatReadsOtherwiseThanItWasWrittenIsAnError) {
  VisitedSet set(0, 20000, 1, true);
  SpilledSet spilled(directory_);
  Team team(1);
  const auto fill = [&] {
    for (std::uint64_t n = 0; n < 5000; ++n) set.insert(set.probe(key_of(n, 0)));
  };
  fill();
  spilled.spill(set, 5000, team);
  fill();
  spilled.want_only(~std::uint64_t{0});
  spilled.look_up(set, team);
  ASSERT_TRUE(change_a_byte(directory_));
  EXPECT_THROW(spilled.look_up(set, team), DiskError);
}

}  // namespace
}  // namespace iommucheck::checker
