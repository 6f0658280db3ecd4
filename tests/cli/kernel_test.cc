// SPDX-License-Identifier: MIT
// iommucheck kernel: its errors, and, where Debian's kernel source is installed, its findings.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/cli/command.h"

namespace iommucheck::cli {
namespace {

const char* const kPackage = "linux-source-6.1";

bool installed() {
  const std::string place = std::string{"/usr/src/"} + kPackage;
  return std::filesystem::exists(place + ".tar.xz") || std::filesystem::exists(place);
}

/// Where an earlier command has unpacked the package.
std::string unpacked() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  std::string cache = variable("IOMMUCHECK_CACHE");
  if (cache.empty() && !variable("XDG_CACHE_HOME").empty()) {
    cache = variable("XDG_CACHE_HOME") + "/iommucheck";
  }
  if (cache.empty()) cache = variable("HOME") + "/.cache/iommucheck";
  for (const auto& entry : std::filesystem::directory_iterator(cache)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(std::string{"source-"} + kPackage)) return entry.path().string();
  }
  return std::string{"/usr/src/"} + kPackage;
}

std::string text_of(const std::string& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

Words kernel(const Words& more) { return extend({"kernel", "ioasid"}, more); }

TEST(Kernel, UsageErrors) {
  const Folder folder;
  const auto tree = folder.file("");
  expect_error(run(kernel({})), kUsage, {"--tree", "--package"});
  expect_error(run(kernel({"--tree", tree, "--package", kPackage})), kUsage,
               {"--tree", "--package"});
  expect_error(run(split("kernel --package linux-source-6.1")), kUsage, {"TARGET", "ioasid"});
  expect_error(run(split("kernel --package linux-source-6.1 iommu")), kUsage,
               {"'iommu'", "ioasid"});
  expect_error(run(kernel({"--package", kPackage, "--contract", "bad"})), kUsage,
               {"bad", "strict", "any"});
  expect_error(run(kernel({"--package", kPackage, "--calls", "0"})), kUsage, {"--calls 0"});
  expect_error(run(kernel({"--package", kPackage, "--seed", "x"})), kUsage, {"--seed x"});
  expect_error(run(kernel({"--package", kPackage, "--threads", "2"})), kUsage,
               {"--threads", "--contract"});
  expect_error(run(kernel({"--package", kPackage, "more"})), kUsage, {"'more'"});
  expect_error(run(kernel({"--package"})), kUsage, {"--package needs a value"});
}

TEST(Kernel, ADirectoryThatIsNoTree) {
  const Folder folder;
  const auto tree = folder.file("");
  expect_error(run(kernel({"--tree", tree})), kInput, {tree, "what to do", "Makefile"});
  expect_error(run(kernel({"--tree", tree, "--json"})), kInput, {tree, "what to do"});
  const auto none = folder.file("none");
  expect_error(run(kernel({"--tree", none})), kInput, {none, "what to do"});
  const auto file = folder.write("file", "");
  expect_error(run(kernel({"--tree", file})), kInput, {file, "what to do"});
}

TEST(Kernel, APackageThatIsNotInstalled) {
  expect_error(run(kernel({"--package", "not-there"})), kInput,
               {"not-there", "apt-get install not-there"});
  expect_error(run(kernel({"--package", "not-there", "--json"})), kInput, {"apt-get install"});
}

/// One test, as each test is a process and the first run may have to prepare the kernel.
TEST(Kernel, DebiansSourceDiverges) {
  if (!installed()) {
    GTEST_SKIP() << "skipped: " << kPackage << " is not installed (apt-get install " << kPackage
                 << ")";
  }
  const Words words = kernel({"--package", kPackage, "--calls", "3000", "--seed", "7"});
  Json object = ask(kViolated, words);
  EXPECT_EQ(object.at("verdict"), "violated");
  const Json& scope = object.at("scope");
  EXPECT_EQ(scope.at("target"), "ioasid");
  EXPECT_EQ(scope.at("source"), kPackage);
  EXPECT_EQ(scope.at("seed"), 7);
  EXPECT_EQ(scope.at("contract"), "strict");
  EXPECT_GE(scope.at("calls").get<std::uint64_t>(), 3000U);
  EXPECT_FALSE(object.at("divergences").empty());
  for (const auto& divergence : object.at("divergences")) {
    SCOPED_TRACE(divergence.at("cause").get<std::string>());
    EXPECT_FALSE(divergence.at("calls").empty());
    EXPECT_NE(divergence.at("allowed").get<std::string>(), "");
    EXPECT_NE(divergence.at("did").get<std::string>(), "");
    EXPECT_EQ(divergence.at("file"), "drivers/iommu/ioasid.c");
    EXPECT_GT(divergence.at("line").get<unsigned>(), 0U);
    EXPECT_EQ(divergence.at("contract"), "kept") << "within --contract strict";
  }

  Json again = ask(kViolated, words);
  object.erase("seconds");
  again.erase("seconds");
  EXPECT_EQ(object.dump(1), again.dump(1)) << "the same seed";

  const Outcome text = run(words);
  EXPECT_EQ(text.code, kViolated);
  for (const auto& divergence : object.at("divergences")) {
    expect_words(text.out, {divergence.at("cause").get<std::string>()});
  }
}

TEST(KernelScenarios, UsageErrors) {
  const auto scenario = [](const Words& more) {
    return run(extend(kernel({"--package", kPackage}), more));
  };
  expect_error(scenario({"--scenario", "none"}), kUsage, {"'none'", "find-free", "pairs"});
  expect_error(scenario({"--scenario", "all", "--search", "bfs"}), kUsage, {"bfs", "dpor"});
  expect_error(scenario({"--scenario", "all", "--schedule", "1x3"}), kUsage, {"one scenario"});
  expect_error(scenario({"--scenario", "all", "--calls", "7"}), kUsage, {"--calls"});
  expect_error(scenario({"--scenario", "all", "--search", "random", "--preemptions", "1"}), kUsage,
               {"--preemptions", "dpor"});
  expect_error(scenario({"--scenario", "all", "--search", "pct", "--schedule", "1"}), kUsage,
               {"--schedule", "--search"});
  expect_error(scenario({"--scenario", "all", "--preemptions", "x"}), kUsage, {"--preemptions x"});
  expect_error(scenario({"--scenario", "four", "--schedule", "1", "--seconds", "5"}), kUsage,
               {"--schedule", "--seconds"});
  expect_error(scenario({"--scenario", "four", "--seed", "5"}), kUsage, {"--seed", "random"});
  expect_error(scenario({"--search", "dpor"}), kUsage, {"--search"});
  expect_error(scenario({"--scenario", "all", "--mutant-kind", "drop-lock"}), kUsage,
               {"--mutants"});
  expect_error(scenario({"--scenario", "all", "--mutants", "--mutant-kind", "x"}), kUsage,
               {"drop-lock"});
}

TEST(Diff, UsageErrorsAndBadPatches) {
  const Folder folder;
  const auto text = folder.write("not.patch", "hello\n");
  expect_error(run(split("diff ioasid --package linux-source-6.1")), kUsage,
               {"--patch", "--against"});
  expect_error(run(split("diff ioasid --patch x --against y --package z")), kUsage,
               {"--patch", "--against"});
  expect_error(run({"diff", "ioasid", "--patch", text}), kUsage, {"--tree", "--package"});
  expect_error(run({"diff", "iommu", "--patch", text, "--package", kPackage}), kUsage, {"'iommu'"});
  if (!installed()) return;
  expect_error(run({"diff", "ioasid", "--patch", text, "--package", kPackage}), kInput,
               {"is no patch"});
  expect_error(run({"diff", "ioasid", "--patch", folder.file("none"), "--package", kPackage}),
               kInput, {"there is no file"});
  const auto elsewhere = folder.write(
      "elsewhere.patch",
      "--- a/drivers/iommu/ioasid.c\n+++ b/drivers/iommu/ioasid.c\n@@ -1,1 +1,1 @@\n-nothing\n+x\n");
  expect_error(run({"diff", "ioasid", "--patch", elsewhere, "--package", kPackage}), kInput,
               {"does not apply"});
}

/// One test, as each test is a process and the first run may have to prepare the kernel.
TEST(KernelScenarios, DebiansSourceUnderEverySchedule) {
  if (!installed()) {
    GTEST_SKIP() << "skipped: " << kPackage << " is not installed (apt-get install " << kPackage
                 << ")";
  }
  const Outcome first = run(kernel({"--package", kPackage, "--scenario", "find-free", "--json"}));
  if (first.code == kInput && first.err.find("sanitizer") != std::string::npos) {
    GTEST_SKIP() << "skipped: this build has a sanitizer";
  }
  const Json all = ask(kViolated, kernel({"--package", kPackage, "--scenario", "all"}));
  for (const Json& scenario : all["scenarios"]) {
    const bool erases_a_node = scenario["name"] == "find-free-node";
    EXPECT_EQ(scenario["verdict"], erases_a_node ? "violated" : "holds") << scenario["name"];
    EXPECT_EQ(scenario["exhausted"], true) << scenario["name"];
    EXPECT_GT(scenario["histories"], 0) << scenario["name"];
    EXPECT_EQ(scenario["excused"], 0) << scenario["name"] << " breaks a contract in some order";
  }
  // Coverage: of each scenario, and of all together.
  const Json& together = all["coverage"];
  for (const char* part : {"covered", "taken"}) {
    const Json alone = Json::parse(first.out)["coverage"][part];
    EXPECT_EQ(all["scenarios"][0]["coverage"][part], alone);
    EXPECT_GT(together[part], alone);
  }
  EXPECT_LT(together["taken"], together["branches"]);
  ASSERT_FALSE(together["never_taken"].empty());
  for (const Json& branch : together["never_taken"]) {
    EXPECT_EQ(branch["file"], "drivers/iommu/ioasid.c");
    EXPECT_GT(branch["to"], 0);
  }
  // The bound that is asked for is the one that holds: with more of it there is more to see.
  std::uint64_t before = 0;
  for (const char* bound : {"0", "1", "2"}) {
    const Json bounded = ask(kGood, kernel({"--package", kPackage, "--scenario", "four", "--search",
                                            "all", "--preemptions", bound, "--seconds", "600"}));
    EXPECT_EQ(std::to_string(bounded["scope"]["preemptions"].get<int>()), bound);
    EXPECT_GT(bounded["scenarios"][0]["executions"], before);
    before = bounded["scenarios"][0]["executions"];
  }
  // What one thread alone shows (kernel without --scenario) is shown by pairs of calls as well.
  const Json pairs = ask(kViolated, kernel({"--package", kPackage, "--scenario", "pairs"}));
  std::string causes;
  for (const Json& cause : pairs["causes"]) causes += cause["cause"].get<std::string>() + '\n';
  expect_words(causes, {"getter", "use-after-free in __list_del", "register_allocator",
                        "callbacks: those of the serving ops"});
  for (const Json& scenario : pairs["scenarios"]) EXPECT_EQ(scenario["excused"], 0);
  // The line of a report repeats it.
  for (const Json& scenario : pairs["scenarios"]) {
    for (const Json& report : scenario["reports"]) {
      const Json again = ask(kViolated, kernel({"--package", kPackage, "--scenario",
                                                scenario["name"].get<std::string>(), "--schedule",
                                                report["schedule"].get<std::string>()}));
      EXPECT_EQ(again["scenarios"][0]["reports"][0]["kind"], report["kind"]);
      EXPECT_EQ(again["scenarios"][0]["executions"], 1);
    }
  }

  // A patch is judged against the file without it; nothing is written into the tree.
  const Folder folder;
  const std::string original = text_of(unpacked() + "/drivers/iommu/ioasid.c");
  std::string changed = original;
  const std::string deferred = "kfree_rcu(ioasid_data, rcu)";
  changed.replace(changed.find(deferred), deferred.size(), "kfree(ioasid_data)");
  const Outcome text = run_program(
      "diff", {"-u", "--label", "a/drivers/iommu/ioasid.c", "--label", "b/drivers/iommu/ioasid.c",
               folder.write("old.c", original), folder.write("new.c", changed)});
  const auto patch = folder.write("grace.patch", text.out);
  const Json diff = ask(kViolated, {"diff", "ioasid", "--package", kPackage, "--patch", patch,
                                    "--scenario", "find-free,alloc-alloc"});
  EXPECT_EQ(diff["verdict"], "differs");
  EXPECT_EQ(diff["removed"].size(), 0U);
  ASSERT_FALSE(diff["added"].empty());
  EXPECT_EQ(diff["added"][0]["kind"], "report");
  expect_words(diff["added"].dump(), {"use-after-free", "default_free", "find-free"});
  EXPECT_GT(diff["kept"], 3);
}

}  // namespace
}  // namespace iommucheck::cli
