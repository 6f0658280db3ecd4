// SPDX-License-Identifier: MIT
// Compiled steps: code that is made of a machine does what the machine does, and is never trusted.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "checker/compiled/compile.h"
#include "checker/compiled/generate.h"
#include "checker/explicit/explicit.h"
#include "tests/checker/explicit/machines.h"
#include "tests/checker/explicit/oracle.h"
#include "tests/checker/explicit/random_machine.h"

namespace iommucheck::checker {
namespace {

namespace fs = std::filesystem;

/// A cache of our own, which is empty at the beginning.
class Compiled : public testing::Test {
 protected:
  Compiled() {
    std::string name = (fs::temp_directory_path() / "iommucheck-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = name;
    setenv("XDG_CACHE_HOME", name.c_str(), 1);
  }
  ~Compiled() override {
    unsetenv("XDG_CACHE_HOME");
    unsetenv("CC");
    fs::remove_all(directory_);
  }
  std::size_t cached() const {
    const fs::path cache = directory_ / "iommucheck";
    if (!fs::exists(cache)) return 0;
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(cache), fs::directory_iterator()));
  }
  fs::path directory_;
};

SymbolicFactory symbolic(unsigned seed) {
  return [seed] { return std::make_unique<RandomMachine<Symbolic>>(seed); };
}

TEST_F(Compiled, RandomMachinesAgreeWithTheOracle) {
  constexpr unsigned kMachines = 24;
  unsigned violated = 0, compiled = 0;
  for (unsigned seed = 0; seed < kMachines; ++seed) {
    RandomMachine<Concrete> machine(seed);
    const Answer expected = Oracle(machine).run(true);
    Options options;
    options.jobs = 1 + seed % 2;
    options.initial_slots = 1;
    options.compile_after = 0;
    options.compile = [&] { return compile_steps(symbolic(seed)); };
    const Exploration e = explore(make<RandomMachine<Concrete>>(seed), options);
    ASSERT_EQ(e.not_compiled, "");
    ASSERT_EQ(answer(e), expected) << "seed " << seed;
    compiled += e.compiled;
    violated += expected.violated;
  }
  EXPECT_EQ(compiled, kMachines);
  EXPECT_GT(violated, kMachines / 4);
  EXPECT_LT(violated, kMachines * 3 / 4);
}

TEST_F(Compiled, ExpandGivesTheMachinesSuccessors) {
  // Not through the engine: every state that code says nothing special of, one by one.
  std::uint64_t compared = 0;
  for (unsigned seed = 100; seed < 110; ++seed) {
    RandomMachine<Concrete> machine(seed);
    const CompiledSteps code = compile_steps(symbolic(seed));
    const unsigned width = machine.schema.words();
    struct Visit {
      std::vector<std::vector<std::uint64_t>> rows;
      bool wrong = false;
      void successor(ActionId a, StateView next) {
        rows.emplace_back(next.begin(), next.end())
            .push_back(std::uint64_t{a.process} << 16U | a.step);
      }
      void violation(ActionId, const Failure&, StateView) { wrong = true; }
      void stuck(const Failure&) { wrong = true; }
    };
    std::vector<PackedState> open;
    std::set<PackedState> seen;
    initial_states(machine, [&](StateView s) { open.emplace_back(s.begin(), s.end()); });
    while (!open.empty() && seen.size() < 2000) {
      const PackedState state = open.back();
      open.pop_back();
      if (!seen.insert(state).second) continue;
      Visit visit;
      visit.wrong = broken_invariant(machine, state).has_value();
      expand(machine, state, visit);
      std::vector<std::uint64_t> words(std::size_t{code.room} * width);
      std::vector<std::uint32_t> steps(code.room);
      const std::uint32_t n = code.expand(state.data(), words.data(), steps.data());
      if ((n & CompiledSteps::kLook) == 0) {
        ASSERT_FALSE(visit.wrong) << "seed " << seed;
        std::vector<std::vector<std::uint64_t>> rows;
        for (std::uint32_t i = 0; i < n; ++i) {
          const std::uint64_t* row = words.data() + std::size_t{i} * width;
          rows.emplace_back(row, row + width).push_back(steps[i]);
        }
        auto expected = visit.rows;
        std::sort(rows.begin(), rows.end());
        std::sort(expected.begin(), expected.end());
        ASSERT_EQ(rows, expected) << "seed " << seed;
        ++compared;
      }
      for (auto& row : visit.rows) {
        row.pop_back();
        open.push_back(std::move(row));
      }
    }
  }
  EXPECT_GT(compared, 200);
}

TEST_F(Compiled, CodeIsKept) {
  const CompiledSteps first = compile_steps(symbolic(1));
  EXPECT_EQ(cached(), 1);
  setenv("CC", "/no/such/compiler", 1);
  EXPECT_THROW(static_cast<void>(compile_steps(symbolic(2))), CompileError);
  unsetenv("CC");
  const CompiledSteps again = compile_steps(symbolic(1));
  EXPECT_EQ(cached(), 1);
  EXPECT_EQ(again.room, first.room);
}

TEST_F(Compiled, ABrokenFileInTheCacheIsMadeAgain) {
  static_cast<void>(compile_steps(symbolic(1)));
  for (const auto& file : fs::directory_iterator(directory_ / "iommucheck")) {
    fs::remove(file.path());
    std::ofstream(file.path()) << "no library";
  }
  EXPECT_NE(compile_steps(symbolic(1)).expand, nullptr);
}

TEST_F(Compiled, WithoutACompilerTheMachineIsExecuted) {
  setenv("CC", "/no/such/compiler", 1);
  Options options;
  options.compile_after = 0;
  options.compile = [] { return compile_steps(symbolic(3)); };
  const Exploration e = explore(make<RandomMachine<Concrete>>(3U), options);
  EXPECT_FALSE(e.compiled);
  EXPECT_NE(e.not_compiled.find("/no/such/compiler"), std::string::npos) << e.not_compiled;
  RandomMachine<Concrete> machine(3);
  EXPECT_EQ(answer(e), Oracle(machine).run(true));
}

TEST_F(Compiled, AFailingCompilerSaysWhy) {
  const fs::path compiler = directory_ / "cc";
  {
    std::ofstream script{compiler};
    script << "#!/bin/sh\necho no thanks >&2\nexit 1\n";
  }
  fs::permissions(compiler, fs::perms::owner_all);
  setenv("CC", compiler.c_str(), 1);
  try {
    static_cast<void>(compile_steps(symbolic(4)));
    FAIL();
  } catch (const CompileError& error) {
    EXPECT_NE(std::string{error.what()}.find("no thanks"), std::string::npos) << error.what();
  }
  EXPECT_EQ(cached(), 0);
}

// Code of another machine with the same layout: the first state that is compared shows it.
TEST_F(Compiled, WrongCodeIsFound) {
  Options options;
  options.compile_after = 0;
  options.compile = [&] {
    return compile_steps([] { return std::make_unique<Ring<Symbolic>>(1U); });
  };
  EXPECT_EQ(explore(make<Ring<Concrete>>(1U), options).states, 10);
  EXPECT_THROW(static_cast<void>(explore(make<Ring<Concrete>>(3U), options)), std::logic_error);
}

}  // namespace
}  // namespace iommucheck::checker
