// SPDX-License-Identifier: MIT
// What cannot be understood is an error (64) with an empty standard output, and says what is legal.
#include <gtest/gtest.h>

#include <ostream>

#include "tests/cli/command.h"

namespace iommucheck::cli {
namespace {

struct Case {
  const char* name;
  const char* command;
  std::vector<std::string_view> message;
};
std::ostream& operator<<(std::ostream& stream, const Case& tested) {
  return stream << tested.command;
}

TEST(Interrupt, IsSaidAndEndsTheProgramByTheSignal) {
  // It has minutes to do.
  const Outcome outcome = run_program(
      "timeout", {"--signal=INT", "--preserve-status", "0.5", binary(), "check", "ioasid/plain",
                  "--threads", "3", "--pasids", "2", "--sets", "2", "--json"});
  EXPECT_EQ(outcome.code, 128 + 2);
  EXPECT_EQ(outcome.out, "");
  expect_words(outcome.err, {"interrupted", "no verdict"});
}

class Usage : public testing::TestWithParam<Case> {};

TEST_P(Usage, IsAnError) {
  const Words words = split(GetParam().command);
  SCOPED_TRACE(join(words));
  expect_error(run(words), kUsage, GetParam().message);
  Words as_json = words;
  as_json.insert(as_json.begin() + (words.empty() ? 0 : 1), "--json");
  SCOPED_TRACE(join(as_json));
  expect_error(run(as_json), kUsage, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    All, Usage,
    testing::Values(
        Case{"UnknownCommand",
             "chekc",
             {"'chekc'", "list", "check", "prove", "kernel", "replay", "verify", "bench"}},
        Case{"NoModel", "check", {"MODEL", "iommucheck list"}},
        Case{"UnknownModel",
             "check ioasid/none",
             {"'ioasid/none'", "ioasid/plain", "ioasid/refcounted", "ioasid/sets"}},
        Case{"UnknownBug", "check ioasid/plain --bug none", {"'none'", "find-without-rcu"}},
        Case{"EmptyBug",
             "check ioasid/plain --bug=",
             {"no bug ''", "find-without-rcu", "synchronize-rcu-under-lock"}},
        Case{"EmptyBugOfASpecification", "check spec/ioasid --bug=", {"no bugs"}},
        Case{"EmptyProperty", "check ioasid/plain --property=", {"--property needs", "list"}},
        Case{"EmptyTrace", "check ioasid/plain --trace=", {"--trace needs", "file"}},
        Case{"EmptyCertificate",
             "prove ioasid --certificate=",
             {"--certificate needs", "directory"}},
        Case{"EmptyTree", "kernel --tree= ioasid", {"--tree needs", "directory"}},
        Case{"BugOfAnotherDesign",
             "check ioasid/plain --bug spid-not-unique",
             {"'spid-not-unique'"}},
        Case{"BugOfASpecification",
             "check spec/ioasid --bug find-without-rcu",
             {"specification", "no bugs"}},
        Case{"UnknownProperty",
             "check ioasid/plain --property none",
             {"'none'", "no-use-after-free", "legal-answer"}},
        Case{"PropertyOfAnotherDesign",
             "check ioasid/plain --property sets-are-the-truth",
             {"sets-are-the-truth"}},
        Case{"UnknownOption",
             "check ioasid/plain --thread 2",
             {"--thread", "--threads", "--pasids"}},
        Case{"UnknownOptionWithEquals", "check ioasid/plain --thread=2", {"--thread", "--threads"}},
        Case{"BoundOfAnotherDesign", "check ioasid/plain --tokens 1", {"--tokens", "--threads"}},
        Case{"ShortOption", "check ioasid/plain -t 2", {"'-t'", "--"}},
        Case{"OptionWithoutValue", "check ioasid/plain --bug", {"--bug needs a value"}},
        Case{"BoundWithoutValue", "check ioasid/plain --threads", {"--threads needs a value"}},
        Case{"OnlySwitchesGoWithoutAValue",
             "check reference --any-free --threads --pasids 3",
             {"--threads needs a value"}},
        Case{"SwitchOutOfRange", "check reference --any-free 2", {"--any-free 2", "0 to 1"}},
        Case{"UnknownSwitch", "check reference --any", {"no bound --any", "--any-free"}},
        Case{"OptionInsteadOfValue",
             "check ioasid/plain --bug --property locking",
             {"--bug needs a value"}},
        Case{"TraceWithoutValue", "check ioasid/plain --trace", {"--trace needs a value"}},
        Case{"OptionTwice", "check ioasid/plain --threads 1 --threads 2", {"--threads", "twice"}},
        Case{"FlagWithValue", "check ioasid/plain --json=yes", {"--json takes no value"}},
        Case{"ExtraWord", "check ioasid/plain ioasid/sets", {"'ioasid/sets'"}},
        Case{"NegativeBound",
             "check ioasid/plain --threads -1",
             {"--threads -1", "ioasid/plain takes 1 to 4"}},
        Case{"BoundThatIsNoNumber",
             "check ioasid/plain --threads two",
             {"--threads two", "ioasid/plain takes 1 to 4"}},
        Case{"BoundWithATail",
             "check ioasid/plain --threads 2x",
             {"--threads 2x", "ioasid/plain takes 1 to 4"}},
        Case{"EmptyBound", "check ioasid/plain --threads=", {"--threads ''", "1 to 4"}},
        Case{"HugeBound",
             "check ioasid/plain --threads 18446744073709551617",
             {"--threads 18446744073709551617", "1 to 4"}},
        Case{"NegativeBoundOfTheSpecification",
             "prove ioasid --pasids -1",
             {"--pasids -1", "1 to 8"}},
        Case{"BoundOfTheSpecification", "check spec/ioasid --pasids 99", {"--pasids 99", "1 to 8"}},
        Case{"UnknownEngine",
             "check ioasid/plain --engine quick",
             {"'quick'", "explicit", "symbolic", "both"}},
        Case{"DepthOfTheExplicitEngine", "check ioasid/plain --depth 3", {"--depth", "symbolic"}},
        Case{"DepthOfTheNamedExplicitEngine",
             "check ioasid/plain --engine explicit --depth 3",
             {"--depth", "symbolic"}},
        Case{
            "FairnessOfSafety", "check ioasid/plain --fairness weak", {"--fairness", "--liveness"}},
        Case{"UnknownFairness",
             "check ioasid/plain --liveness --fairness total",
             {"'total'", "none", "weak", "strong"}},
        Case{"LivenessOfASafetyProperty",
             "check ioasid/plain --liveness --property locking",
             {"locking", "safety", "--liveness"}},
        Case{"LivenessOfTheSymbolicEngine",
             "check ioasid/plain --liveness --engine symbolic",
             {"symbolic", "explicit"}},
        Case{"ALivenessPropertyOfBothEngines",
             "check ioasid/plain --property every-call-returns --engine both",
             {"both", "explicit"}},
        Case{"LivenessOfTheSpecification",
             "check spec/ioasid --liveness",
             {"spec/ioasid", "no liveness"}},
        Case{"JobsOfTheSymbolicEngine",
             "check ioasid/plain --engine symbolic --jobs 2",
             {"--jobs", "explicit"}},
        Case{"StatesOfTheSymbolicEngine",
             "check ioasid/plain --engine symbolic --max-states 9",
             {"--max-states", "explicit"}},
        Case{"UnknownSort",
             "check ioasid/plain --symmetry threads,pasid",
             {"'pasid'", "threads", "pasids", "all"}},
        Case{"EmptySort", "check ioasid/plain --symmetry threads,", {"''", "threads", "pasids"}},
        Case{"SortThatTheBoundsRuleOut",
             "check ioasid/plain --interrupts 1 --symmetry threads",
             {"within these bounds", "'threads'", "pasids"}},
        Case{"NothingToPermute",
             "check ioasid/plain --threads 1 --pasids 1 --sets 1 --objects 1 --symmetry all",
             {"within these bounds", "two elements"}},
        Case{"TooManyPermutations",
             "check spec/ioasid --pasids 8 --sets 4 --data 4 --symmetry all",
             {"permutations together", "leave out", "pasids (8)"}},
        Case{"SymmetryOfTheSymbolicEngine",
             "check ioasid/plain --engine symbolic --symmetry threads",
             {"--symmetry", "explicit"}},
        Case{"ResumeOfTheSymbolicEngine",
             "check ioasid/plain --engine symbolic --resume",
             {"--resume", "--engine symbolic"}},
        Case{"CheckpointOfTheSymbolicEngine",
             "check ioasid/plain --engine symbolic --checkpoint x --resume",
             {"--checkpoint", "--engine symbolic"}},
        Case{"KeepOfTheSymbolicEngine",
             "check ioasid/plain --engine symbolic --keep states",
             {"--keep", "--engine symbolic"}},
        Case{"StepsOfTheSymbolicEngine",
             "check ioasid/plain --engine symbolic --steps executed",
             {"--steps", "--engine symbolic"}},
        Case{"DiskOfTheSymbolicEngine",
             "check ioasid/plain --engine symbolic --disk x",
             {"--disk", "--engine symbolic"}},
        Case{"EmptyDisk", "check ioasid/plain --disk=", {"--disk needs", "directory"}},
        Case{"ResumeWithoutACheckpoint",
             "check ioasid/plain --resume",
             {"--resume", "--checkpoint"}},
        Case{"SymmetryOfWalks",
             "check ioasid/plain --walk --symmetry threads",
             {"--symmetry", "--walk"}},
        Case{"KeepOfWalks", "check ioasid/plain --walk --keep states", {"--keep", "--walk"}},
        Case{"CheckpointOfWalks",
             "check ioasid/plain --walk --checkpoint x",
             {"--checkpoint", "--walk"}},
        Case{"ResumeOfWalks", "check ioasid/plain --walk --resume", {"--resume", "--walk"}},
        Case{"StepsOfWalks", "check ioasid/plain --walk --steps compiled", {"--steps", "--walk"}},
        Case{"DiskOfWalks", "check ioasid/plain --walk --disk x", {"--disk", "--walk"}},
        Case{"EngineOfWalks", "check ioasid/plain --walk --engine both", {"--engine", "--walk"}},
        Case{"LivenessOfWalks", "check ioasid/plain --walk --liveness", {"--liveness", "--walk"}},
        Case{"FairnessOfWalks",
             "check ioasid/plain --walk --fairness weak",
             {"--fairness", "--walk"}},
        Case{"MpiOfWalks", "check ioasid/plain --walk --mpi", {"--mpi", "random walks"}},
        Case{"MpiOnDisk", "check ioasid/plain --mpi --disk x", {"--mpi", "--disk"}},
        Case{"MpiOfTheSymbolicEngine",
             "check ioasid/plain --mpi --engine symbolic",
             {"--mpi", "explicit"}},
        Case{"MpiWithJobs", "check ioasid/plain --mpi --jobs 2", {"--mpi", "--jobs"}},
        Case{"MpiOfLiveness", "check ioasid/plain --mpi --liveness", {"--mpi", "--liveness"}},
        Case{"KeepOfLiveness",
             "check ioasid/plain --liveness --keep fingerprints",
             {"--keep fingerprints", "--liveness"}},
        Case{"CheckpointOfLiveness",
             "check ioasid/plain --liveness --checkpoint x",
             {"--checkpoint", "--liveness"}},
        Case{"DiskOfLiveness", "check ioasid/plain --liveness --disk x", {"--disk", "--liveness"}},
        Case{"DiskOfALivenessProperty",
             "check ioasid/plain --property every-call-returns --disk x",
             {"--disk", "liveness"}},
        Case{"StepsOfLiveness",
             "check ioasid/plain --liveness --steps compiled",
             {"--steps compiled", "--liveness"}},
        Case{"SymmetryOfLiveness",
             "check ioasid/plain --liveness --symmetry threads",
             {"--symmetry", "--liveness"}},
        Case{"SliceOfTheSymbolicEngine",
             "check ioasid/plain --engine symbolic --slice",
             {"--slice", "--engine symbolic"}},
        Case{"SliceOfWalks", "check ioasid/plain --walk --slice", {"--slice", "--walk"}},
        Case{"SliceOfLiveness", "check ioasid/plain --liveness --slice", {"--slice", "--liveness"}},
        Case{"SliceWithSymmetry",
             "check ioasid/plain --slice --symmetry threads",
             {"--slice", "--symmetry"}},
        Case{"SliceWithMpi", "check ioasid/plain --slice --mpi", {"--slice", "--mpi"}},
        Case{"SeedWithoutWalks", "check ioasid/plain --seed 1", {"--seed", "--walk"}},
        Case{"NoJobs", "check ioasid/plain --jobs 0", {"--jobs 0", "1 to 256"}},
        Case{"NoStates", "check ioasid/plain --max-states 0", {"--max-states 0", "1 to"}},
        Case{"NoMemory", "check ioasid/plain --max-memory 0", {"--max-memory 0"}},
        Case{"OddMemory", "check ioasid/plain --max-memory 3T", {"--max-memory 3T", "512M"}},
        Case{"ListWithAWord", "list ioasid", {"'ioasid'"}},
        Case{"ListWithAnOption", "list --bug x", {"--bug", "--json"}},
        Case{"NoSpecification", "prove", {"SPEC", "ioasid"}},
        Case{"UnknownSpecification", "prove dmar", {"'dmar'", "ioasid"}},
        Case{"ADesignIsNoSpecification", "prove ioasid/plain", {"'ioasid/plain'"}},
        Case{"BoundOfAProof", "prove ioasid --capacity 9", {"--capacity 9", "0 to 8"}},
        Case{"CertificateWithoutValue",
             "prove ioasid --certificate",
             {"--certificate needs a value"}},
        Case{"NoTrace", "replay", {"TRACE"}}, Case{"TwoTraces", "replay a b", {"'b'"}},
        Case{"ReplayWithAnOption", "replay a --jobs 2", {"--jobs"}},
        Case{
            "BenchOfUnknownRows", "bench --rows huge", {"'huge'", "tiny", "small", "large", "all"}},
        Case{"BenchWithAnUnknownPeer", "bench --peers tlc", {"'tlc'", "spin", "rumur"}},
        Case{"BenchWithATextOfNoPeer", "bench --peers rumur --promela x", {"--promela", "spin"}},
        Case{"BenchWithoutRuns", "bench --repeat 0", {"--repeat 0", "1 to"}},
        Case{"BenchWithABound", "bench --threads 2", {"--threads", "--rows"}},
        Case{"VerifyWithAWord", "verify all", {"'all'"}},
        Case{"VerifyWithAnOption", "verify --jobs 2", {"--jobs", "--json"}}),
    [](const auto& tested) { return std::string{tested.param.name}; });

TEST(Usage, AMemoryModelIsAWord) {
  expect_error(run(split("check dma-resv/fences --memory weak")), kUsage,
               {"--memory weak is out of range", "sc, tso, pso"});
  const Json object = ask(kGood, split("check dma-resv/fences --memory tso --fences 1"));
  EXPECT_EQ(object.at("scope").at("memory_model"), "total store order");
}

TEST(UsageOf, NoCommandIsAnError) { expect_error(run({}), kUsage, {"check", "list", "replay"}); }

TEST(UsageOf, EveryBoundNamesItsLegalValues) {
  for (const auto& design : listed("designs")) {
    const auto model = design.at("name").get<std::string>();
    for (const auto& [name, bound] : design.at("bounds").items()) {
      const auto min = bound.at("min").get<unsigned>();
      const auto max = bound.at("max").get<unsigned>();
      const std::string legal = std::to_string(min) + " to " + std::to_string(max);
      std::vector<unsigned> beyond{max + 1};
      if (min > 0) beyond.push_back(min - 1);
      for (const unsigned value : beyond) {
        const Words words{"check", model, "--" + name, std::to_string(value)};
        SCOPED_TRACE(join(words));
        expect_error(run(words), kUsage, {"--" + name + " " + std::to_string(value), legal});
      }
    }
  }
}

}  // namespace
}  // namespace iommucheck::cli
