// SPDX-License-Identifier: MIT
// Journals: a search that was killed goes on, at whatever byte; bad journals are refused.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "checker/explicit/explicit.h"
#include "checker/explicit/journal.h"
#include "tests/checker/explicit/machines.h"
#include "tests/checker/explicit/oracle.h"

namespace iommucheck::checker {
namespace {

namespace fs = std::filesystem;

class JournalOf : public testing::TestWithParam<unsigned> {
 protected:
  JournalOf() {
    std::string name = (fs::temp_directory_path() / "iommucheck-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = name;
    options_.jobs = GetParam();
    options_.initial_slots = 1;
    options_.identity = "a grid";
  }
  ~JournalOf() override { fs::remove_all(directory_); }

  Options with_journal(bool resume) const {
    Options options = options_;
    options.journal = (directory_ / "run").string();
    options.resume = resume;
    return options;
  }
  fs::path file() const { return directory_ / "run" / "levels"; }
  fs::path directory_;
  Options options_;
};

INSTANTIATE_TEST_SUITE_P(Jobs, JournalOf, testing::Values(1U, 3U));

TEST_P(JournalOf, ChangesNoAnswer) {
  for (const auto& machine : {make<MinedGrid>(3U, 12U, 99U, 0U), make<MinedGrid>(3U, 12U, 5U, 5U),
                              make<MinedGrid>(3U, 12U, 9U, 1U)}) {
    const Answer expected = answer(explore(machine, options_));
    EXPECT_EQ(answer(explore(machine, with_journal(false))), expected);
    // Nothing is left to do; the answer is found again from what is there.
    EXPECT_EQ(answer(explore(machine, with_journal(true))), expected);
    fs::remove_all(directory_ / "run");
  }
}

TEST_P(JournalOf, CutAnywhereItGoesOn) {
  const auto machine = make<MinedGrid>(2U, 20U, 18U, 4U);
  const Answer expected = answer(explore(machine, with_journal(false)));
  const std::uint64_t bytes = fs::file_size(file());
  const fs::path whole = directory_ / "whole";
  fs::copy_file(file(), whole);
  unsigned cuts = 0;
  for (std::uint64_t left = bytes; left > 0; left -= std::min(left, 1 + bytes / 37), ++cuts) {
    fs::copy_file(whole, file(), fs::copy_options::overwrite_existing);
    fs::resize_file(file(), left);
    ASSERT_EQ(answer(explore(machine, with_journal(true))), expected) << "cut at byte " << left;
    ASSERT_EQ(fs::file_size(file()), bytes) << "cut at byte " << left;
  }
  EXPECT_GT(cuts, 30);
}

TEST_P(JournalOf, AChangedByteEndsItThere) {
  const auto machine = make<MinedGrid>(2U, 20U, 99U, 4U);
  const Answer expected = answer(explore(machine, with_journal(false)));
  const std::uint64_t bytes = fs::file_size(file());
  for (const std::uint64_t at : {bytes / 3, bytes / 2, bytes - 5000}) {
    std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put('\x55');
    stream.close();
    EXPECT_EQ(answer(explore(machine, with_journal(true))), expected) << "byte " << at;
    EXPECT_EQ(fs::file_size(file()), bytes);
  }
}

/// A grid that kills its process when it is asked for the successors of its n-th state.
class Deadly : public Grid {
 public:
  explicit Deadly(unsigned n) : Grid(3, 15), left_(n) {
    code_.push_back({"grid", "kill", false, 0, [this](unsigned self) {
                       if (self == 0 && left_-- == 0) std::raise(SIGKILL);
                       context.require(false);
                     }});
  }

 private:
  unsigned left_;
};

TEST_P(JournalOf, KilledItLosesOneLevelAtMost) {
  const auto never = make<Deadly>(~0U);
  const Answer expected = answer(explore(never, options_));
  for (const unsigned n : {1U, 100U, 700U, 1300U}) {
    const pid_t child = fork();
    if (child == 0) {
      static_cast<void>(explore(make<Deadly>(n), with_journal(false)));
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    std::uint64_t expanded = 0;
    {
      const explicit_state::Journal journal(directory_ / "run", options_.identity, 1, true);
      for (const auto& level : journal.levels()) expanded += level.states;
    }
    // All that were expanded in whole levels are there; each of up to three workers counts alone.
    EXPECT_GE(expanded + 1, std::uint64_t{n} - std::min(n, 3 * 300U)) << n;
    EXPECT_EQ(answer(explore(never, with_journal(true))), expected) << n;
    fs::remove_all(directory_ / "run");
  }
}

TEST_P(JournalOf, IsRefusedWhereItDoesNotFit) {
  const auto machine = make<Grid>(2U, 5U);
  static_cast<void>(explore(machine, with_journal(false)));
  const auto said = [&](const Options& options) {
    try {
      static_cast<void>(explore(machine, options));
    } catch (const JournalError& error) {
      return std::string{error.what()};
    }
    return std::string{};
  };
  EXPECT_NE(said(with_journal(false)).find("--resume"), std::string::npos);
  Options other = with_journal(true);
  other.identity = "another grid";
  EXPECT_NE(said(other).find("another run"), std::string::npos);
  std::ofstream(file())
      << "something of somebody else's, which is long enough to be a journal, or so";
  EXPECT_NE(said(with_journal(true)).find("another run"), std::string::npos);
  EXPECT_GT(fs::file_size(file()), 10) << "nothing is lost";
  Options nowhere = with_journal(false);
  nowhere.journal = "/proc/nowhere";
  EXPECT_NE(said(nowhere), "");
}

TEST_P(JournalOf, IsForOneRunAtATime) {
  const explicit_state::Journal journal(directory_ / "run", "x", 1, false);
  EXPECT_THROW(explicit_state::Journal(directory_ / "run", "x", 1, true), JournalError);
}

}  // namespace
}  // namespace iommucheck::checker
