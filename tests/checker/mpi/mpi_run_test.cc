// SPDX-License-Identifier: MIT
// The built program under mpirun: what one process answers; and what is left of a rank that died.
#include <gtest/gtest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill() is POSIX
#include <unistd.h>

#include <chrono>
#include <thread>

#include "tests/cli/command.h"

namespace iommucheck::cli {
namespace {

namespace fs = std::filesystem;

/// mpirun as it has to be on a machine with few CPUs, and for root.
Words under_mpi(unsigned ranks, const Words& words) {
  return extend(
      extend(split("--allow-run-as-root --oversubscribe"), {"-n", std::to_string(ranks), binary()}),
      extend(words, {"--mpi"}));
}

/// Without what differs from run to run, and what only several ranks have.
std::string without_times(Json object) {
  for (const char* key : {"seconds", "states_per_second", "bytes_per_state", "mpi"})
    object.erase(key);
  return object.dump(1);
}

class Mpirun : public testing::Test {
 protected:
  void SetUp() override {
    if (IOMMUCHECK_HAS_MPI == 0) GTEST_SKIP() << "this build has no MPI";
    if (run_program("mpirun", {"--version"}).code != 0)
      GTEST_SKIP() << "mpirun cannot be run: install openmpi-bin";
  }

  /// Takes two seconds more where the exit code is not 0: mpirun ends the other ranks.
  static Outcome over(unsigned ranks, const Words& words) {
    return run_program("mpirun", under_mpi(ranks, words));
  }
  static void expect_same(const Words& words, int code,
                          const std::vector<unsigned>& numbers = {2, 4}) {
    const Words all = extend(words, {"--json"});
    const std::string alone = without_times(object_of(run(extend(all, {"--jobs", "1"}))));
    for (const unsigned ranks : numbers) {
      SCOPED_TRACE(ranks);
      const Outcome outcome = over(ranks, all);
      EXPECT_EQ(outcome.code, code) << outcome.err;
      const Json object = Json::parse(outcome.out, nullptr, false);
      ASSERT_TRUE(object.is_object()) << outcome.out << outcome.err;
      EXPECT_EQ(without_times(object), alone);
      EXPECT_EQ(object["mpi"]["ranks"], ranks);
      EXPECT_GT(object["mpi"]["messages"], 0);
    }
  }
};

TEST_F(Mpirun, Holds) {
  expect_same(split("check reference --threads 2 --pasids 2 --users 1 --refs 1"), kGood);
}
TEST_F(Mpirun, Symmetry) {
  expect_same(split("check ioasid/plain --pasids 1 --sets 1 --symmetry all"), kGood);
}
TEST_F(Mpirun, Compiled) {
  expect_same(split("check reference --threads 2 --pasids 1 --users 1 --refs 1 --steps compiled"),
              kGood);
}

TEST_F(Mpirun, Violated) {
  expect_same(split("check ioasid/plain --bug kfree-for-kfree-rcu"), kViolated);
}
TEST_F(Mpirun, ViolatedUpToSymmetry) {
  expect_same(split("check ioasid/plain --bug alloc-without-lock --symmetry all"), kViolated, {3});
}

TEST_F(Mpirun, OnlyTheFirstRankTellsOfBadUsage) {
  for (const char* bad : {"check reference --jobs 2", "check reference --engine symbolic"}) {
    const Outcome outcome = over(2, split(bad));
    EXPECT_EQ(outcome.code, kUsage) << bad << outcome.err;
    EXPECT_EQ(outcome.out, "") << bad;
    const std::size_t first = outcome.err.find("iommucheck: ");
    ASSERT_NE(first, std::string::npos) << bad << outcome.err;
    EXPECT_EQ(outcome.err.find("iommucheck: ", first + 1), std::string::npos) << outcome.err;
  }
}

/// The process that mpirun has started as this rank of the run whose command names `word`; 0: none.
pid_t find_rank(unsigned rank, const std::string& word) {
  const std::string wanted = "OMPI_COMM_WORLD_RANK=" + std::to_string(rank);
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::string environment = read(entry.path() / "environ");
    environment.insert(environment.begin(), '\0');
    if (read(entry.path() / "cmdline").find(word) != std::string::npos &&
        environment.find('\0' + wanted + '\0') != std::string::npos) {
      return static_cast<pid_t>(std::stol(name));
    }
  }
  return 0;
}

TEST_F(Mpirun, ARankThatDiesEndsTheRunAndItGoesOnFromThere) {
  const Folder folder;
  const std::string journal = folder.file("journal");
  const Words words = split(
      "check reference --threads 2 --pasids 2 --users 1 --refs 2 --steps executed --json "
      "--checkpoint",
      {journal});
  Outcome killed;
  std::thread running([&] { killed = over(2, words); });
  // Some levels are on the disk, many are missing (it takes over a second).
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const fs::path levels = fs::path(journal) / "rank-1" / "levels";
  bool gone = false;
  while (!gone && std::chrono::steady_clock::now() < give_up) {
    std::error_code none;
    const auto bytes = fs::file_size(levels, none);
    if (none || bytes < 200'000) {
      std::this_thread::yield();
      continue;
    }
    const pid_t rank = find_rank(1, journal);
    gone = rank != 0 && kill(rank, SIGKILL) == 0;
    if (rank == 0) break;
  }
  running.join();
  ASSERT_TRUE(gone) << "rank 1 was not found: " << killed.err;
  EXPECT_NE(killed.code, kGood);
  const Json left = Json::parse(killed.out, nullptr, false);
  ASSERT_TRUE(left.is_object()) << killed.out << killed.err;
  EXPECT_EQ(left["verdict"], "unknown");
  expect_words(left["reason"].get<std::string>(), {"a rank died", "--resume"});

  // Other ranks than those of the journal are refused.
  const Outcome other = over(3, extend(words, {"--resume"}));
  EXPECT_EQ(other.code, kInput) << other.err;
  expect_words(other.err, {"is the journal of another run"});

  const Outcome resumed = over(2, extend(words, {"--resume"}));
  EXPECT_EQ(resumed.code, kGood) << resumed.err;
  const Words alone(words.begin(), words.end() - 2);
  EXPECT_EQ(without_times(Json::parse(resumed.out, nullptr, false)),
            without_times(object_of(run(extend(alone, {"--jobs", "1"})))));
}

TEST(WithoutMpi, SaysSo) {
  if (IOMMUCHECK_HAS_MPI != 0) GTEST_SKIP() << "this build has MPI";
  expect_error(run(split("check reference --mpi")), kUsage, {"this build has no MPI"});
}

}  // namespace
}  // namespace iommucheck::cli
