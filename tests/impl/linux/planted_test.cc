// SPDX-License-Identifier: MIT
// Mistakes planted in a copy of the user's ioasid.c are found, each with its kind and function.
//
// The copy is made at run time: links to the package's files and one edited file.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <memory>

#include "impl/linux/error.h"
#include "impl/linux/process.h"
#include "tests/impl/linux/sequences.h"

namespace iommucheck::linux_harness {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPackage = "linux-source-6.1";
constexpr const char* kFile = "drivers/iommu/ioasid.c";

class PlantedTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!fs::exists(std::string{"/usr/src/"} + kPackage + ".tar.xz")) return;
    std::string name = (fs::temp_directory_path() / "iommucheck-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    fs::path source;
    {
      Cache cache{Cache::default_directory(),
                  [](std::string_view what) { std::cout << what << std::endl; }};
      source = open_package(cache, kPackage).root;
      ASSERT_EQ(run({"cp", "-as", source.string(), (folder_ / "tree").string()}).status, 0);
    }
    original_ = read_file(source / kFile);
    fs::remove(folder_ / "tree" / kFile);
  }
  static void TearDownTestSuite() {
    if (!folder_.empty()) fs::remove_all(folder_);
  }
  void SetUp() override {
    if (folder_.empty()) GTEST_SKIP() << "skipped: " << kPackage << " is not installed";
    text_ = original_;
  }

  /// Replaces the first `old` after the definition of `function`.
  void plant(std::string_view function, std::string_view old, std::string_view now) {
    std::size_t at = text_.find("\n" + std::string{function});
    ASSERT_NE(at, std::string::npos) << function;
    at = text_.find(old, at);
    ASSERT_NE(at, std::string::npos) << old;
    text_.replace(at, old.size(), now);
  }

  Runner build() {
    write_file(folder_ / "tree" / kFile, text_);
    Cache cache{folder_ / "cache"};
    return build_ioasid_tree(cache, folder_ / "tree");
  }

  /// The reports of the sequence: "kind in function", in order.
  std::string findings(const std::vector<Call>& calls) {
    KernelIoasid kernel{build(), {}};
    std::string text;
    last_ = {};
    const auto add = [&](const Report& report) {
      last_ = report;
      text += report.kind + " in " + report.in_file.function + "\n";
      std::cout << print(report);
    };
    for (const Step& step : kernel.run(calls)) {
      if (step.report) add(*step.report);
      for (const Report& report : step.others) add(report);
    }
    return text;
  }

  static fs::path folder_;
  static std::string original_;
  std::string text_;
  Report last_;
};

fs::path PlantedTest::folder_;
std::string PlantedTest::original_;

const std::string kFind = "void *ioasid_find(";
const std::string kSetData = "int ioasid_set_data(";
const std::string kFree = "void ioasid_free(";
const std::string kDefaultFree = "static void default_free(ioasid_t ioasid, void *opaque)\n";

TEST_F(PlantedTest, nothing_planted_nothing_found) {
  EXPECT_EQ(findings({alloc(1, 0, 3, 1), set_data(0, 2), find(1, 0), free_id(0)}), "");
}

TEST_F(PlantedTest, forgotten_rcu_read_unlock) {
  plant(kFind, "rcu_read_unlock();", "");
  EXPECT_EQ(findings({find(1, 0)}), "lock held on return in ioasid_find\n");
}

TEST_F(PlantedTest, forgotten_rcu_read_lock) {
  plant(kFind, "rcu_read_lock();", "");
  const std::string found = findings({alloc(1, 0, 3, 1), find(1, 0)});
  EXPECT_NE(found.find("suspicious RCU usage in ioasid_find\n"), std::string::npos) << found;
  EXPECT_NE(found.find("unbalanced unlock in ioasid_find\n"), std::string::npos) << found;
}

TEST_F(PlantedTest, grace_period_under_a_spin_lock) {
  plant(kSetData, "spin_unlock(&ioasid_allocator_lock);",
        "synchronize_rcu(); spin_unlock(&ioasid_allocator_lock);");
  EXPECT_EQ(findings({set_data(0, 2)}), "sleep in atomic context in ioasid_set_data\n");
}

TEST_F(PlantedTest, spin_lock_taken_twice) {
  plant(kFree, "spin_lock(&ioasid_allocator_lock);",
        "spin_lock(&ioasid_allocator_lock);spin_lock(&ioasid_allocator_lock);");
  EXPECT_EQ(findings({free_id(0)}), "deadlock in ioasid_free\n");
}

TEST_F(PlantedTest, sleeping_allocation_and_leak) {
  plant("ioasid_t ioasid_alloc(", "id = active_allocator->ops->alloc(",
        "kmalloc(40, GFP_KERNEL); id = active_allocator->ops->alloc(");
  EXPECT_EQ(findings({alloc(1, 0, 3, 1)}),
            "sleep in atomic context in ioasid_alloc\nleak in ioasid_alloc\n");
}

TEST_F(PlantedTest, forgotten_free) {
  plant(kDefaultFree, "kfree_rcu(ioasid_data, rcu);", "");
  EXPECT_EQ(findings({alloc(1, 0, 3, 1), free_id(0)}), "leak in ioasid_alloc\n");
}

TEST_F(PlantedTest, freed_twice) {
  plant(kDefaultFree, "kfree_rcu(ioasid_data, rcu);",
        "kfree_rcu(ioasid_data, rcu); kfree_rcu(ioasid_data, rcu);");
  EXPECT_EQ(findings({alloc(1, 0, 3, 1), free_id(0)}), "double call_rcu in default_free\n");
  text_ = original_;
  plant(kDefaultFree, "kfree_rcu(ioasid_data, rcu);", "kfree(ioasid_data); kfree(ioasid_data);");
  EXPECT_EQ(findings({alloc(1, 0, 3, 1), free_id(0)}), "double free in default_free\n");
}

TEST_F(PlantedTest, freed_and_still_in_the_table) {
  plant(kDefaultFree, "xa_erase(", "xa_load(");
  EXPECT_EQ(findings({alloc(1, 0, 3, 1), free_id(0), find(1, 0)}),
            "heap-use-after-free in ioasid_find\n");
  // Who called kfree_rcu(), not the grace period that freed it.
  EXPECT_EQ(last_.freed.empty() ? "" : last_.freed.back().function, "ioasid_free");
}

TEST_F(PlantedTest, null_dereference) {
  plant(kFind, "if (!ioasid_data)", "if (0)");
  EXPECT_EQ(findings({find(1, 0)}), "NULL dereference in ioasid_find\n");
}

TEST_F(PlantedTest, endless_loop) {
  plant(kFree, "spin_lock(&ioasid_allocator_lock);", "while (1) barrier();");
  EXPECT_EQ(findings({free_id(0)}), "endless loop in ioasid_free\n");
}

TEST_F(PlantedTest, what_is_not_modelled_says_so_when_used) {
  plant(kFree, "spin_lock(&ioasid_allocator_lock);",
        "if (ioasid == 1) dump_stack(); if (ioasid == 2) jiffies++;"
        "spin_lock(&ioasid_allocator_lock);");
  EXPECT_EQ(findings({free_id(0)}), "");
  EXPECT_EQ(findings({free_id(1)}), "unmodelled kernel symbol in ioasid_free\n");
  EXPECT_EQ(findings({free_id(2)}), "unmodelled kernel symbol in ioasid_free\n");
}

TEST_F(PlantedTest, a_file_that_does_not_compile) {
  plant(kFree, "spin_lock(", "spin_lock((");
  std::string message;
  try {
    build();
  } catch (const HarnessError& error) {
    message = error.what();
  }
  EXPECT_NE(message.find("ioasid.c does not compile"), std::string::npos) << message;
  EXPECT_NE(message.find("error: "), std::string::npos) << message;
}

}  // namespace
}  // namespace iommucheck::linux_harness
