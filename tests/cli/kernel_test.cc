// SPDX-License-Identifier: MIT
// iommucheck kernel: its errors, and, where Debian's kernel source is installed, its findings.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/cli/command.h"

namespace iommucheck::cli {
namespace {

const char* const kPackage = "linux-source-6.1";

bool installed() {
  const std::string place = std::string{"/usr/src/"} + kPackage;
  return std::filesystem::exists(place + ".tar.xz") || std::filesystem::exists(place);
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

}  // namespace
}  // namespace iommucheck::cli
