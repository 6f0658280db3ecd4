// SPDX-License-Identifier: MIT
// The real ioasid.c of Linux 6.1 answers what can be predicted by hand, its known defects included.
//
// Needs Debian's linux-source-6.1 (or IOMMUCHECK_TEST_TREE naming a tree of 5.18 to 6.2); skipped
// otherwise.  Prepares once, in the user's cache.
#include "impl/linux/ioasid.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "tests/impl/linux/sequences.h"

namespace iommucheck::linux_harness {
namespace {

constexpr const char* kPackage = "linux-source-6.1";
constexpr const char* kFile = "drivers/iommu/ioasid.c";

class KernelTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const char* tree = std::getenv("IOMMUCHECK_TEST_TREE");
    const std::filesystem::path archive = std::string{"/usr/src/"} + kPackage + ".tar.xz";
    if (tree == nullptr && !std::filesystem::exists(archive)) return;
    Cache cache{Cache::default_directory(),
                [](std::string_view what) { std::cout << what << std::endl; }};
    runner_ = std::make_unique<Runner>(tree != nullptr ? build_ioasid_tree(cache, tree)
                                                       : build_ioasid_package(cache, kPackage));
    kernel_ = std::make_unique<KernelIoasid>(*runner_);
  }
  static void TearDownTestSuite() { kernel_.reset(); }
  void SetUp() override {
    if (!kernel_) GTEST_SKIP() << "skipped: " << kPackage << " is not installed";
    kernel_->options() = {};
  }

  static std::unique_ptr<Runner> runner_;
  static std::unique_ptr<KernelIoasid> kernel_;
};

std::unique_ptr<Runner> KernelTest::runner_;
std::unique_ptr<KernelIoasid> KernelTest::kernel_;

#define EXPECT_TOLD(expected, ...)                       \
  do {                                                   \
    const std::vector<Call> calls{__VA_ARGS__};          \
    const std::vector<Step> steps = kernel_->run(calls); \
    EXPECT_EQ(expected, told(calls, steps));             \
    EXPECT_EQ("", reports(steps));                       \
  } while (false)

TEST_F(KernelTest, allocates_finds_and_frees) {
  EXPECT_TOLD("id 0; id 1; INVALID_IOASID; data 2; -EACCES; data 3; ok; -ENOENT; id 0",
              alloc(1, 0, 1, 2), alloc(2, 0, 1, 3), alloc(0, 0, 1, 0), find(1, 0), find(2, 0),
              find(0, 1), free_id(0), find(1, 0), alloc(0, 0, 1, 0));
}

TEST_F(KernelTest, starts_in_fresh_state_every_time) {
  for (int i = 0; i < 3; ++i) EXPECT_TOLD("id 0; id 1", alloc(1, 0, 3, 1), alloc(1, 0, 3, 1));
}

TEST_F(KernelTest, replaces_data_and_shows_it_to_the_getter) {
  EXPECT_TOLD("id 2; ok; data 5, getter ran on data 5; NULL, getter ran on data 5; -ENOENT",
              alloc(0, 2, 2, 1), set_data(2, 5), find(0, 2, Getter::accept),
              find(0, 2, Getter::refuse), set_data(3, 1));
}

TEST_F(KernelTest, ids_lie_in_the_window) {
  for (const std::uint32_t first : {1U, 62U, 4094U, 1048570U}) {
    kernel_->options().first_id = first;
    EXPECT_TOLD("id 0; id 3; data 1; -ENOENT; ok; -ENOENT", alloc(0, 0, 3, 1), alloc(0, 3, 9, 2),
                find(0, 0), find(0, 1), free_id(3), find(0, 3));
  }
}

TEST_F(KernelTest, allocations_can_fail) {
  kernel_->options().first_id = 1;  // beyond 0 the xarray needs a node
  // nomem 1: all; 2: the first only; 3: the second only, a node, for which the kernel tries again.
  EXPECT_TOLD("INVALID_IOASID; INVALID_IOASID; id 0; -ENOMEM; ok", alloc(0, 0, 3, 1, 0, 1),
              alloc(0, 0, 3, 1, 0, 2), alloc(0, 0, 3, 1, 0, 3), add(1, 1), free_id(0));
}

TEST_F(KernelTest, a_custom_allocator_decides) {
  EXPECT_TOLD(
      "ok; id 2, callback of ops 3; INVALID_IOASID, callback of ops 3; data 1; "
      "INVALID_IOASID, callback of ops 3; ok, callback of ops 3; ok; id 0",
      add(3), alloc(0, 0, 3, 1, 3), alloc(0, 0, 3, 1, 0), find(0, 2), alloc(0, 0, 3, 2, 3),
      free_id(2), remove(3), alloc(0, 0, 3, 1));
}

TEST_F(KernelTest, an_outstanding_default_id_keeps_custom_allocators_out) {
  EXPECT_TOLD("id 0; -EAGAIN; ok; ok; -EEXIST", alloc(0, 0, 3, 1), add(1), free_id(0), add(1),
              add(1));
}

TEST_F(KernelTest, messages_know_their_line) {
  const std::vector<Call> calls{free_id(3)};
  const std::vector<Step> steps = kernel_->run(calls);
  ASSERT_EQ(steps.size(), 1U);
  ASSERT_EQ(steps[0].log.size(), 1U);
  EXPECT_NE(steps[0].log[0].text.find("unknown IOASID 3"), std::string::npos);
  EXPECT_EQ(steps[0].log[0].where.file, kFile);
  EXPECT_EQ(steps[0].log[0].where.function, "ioasid_free");
  EXPECT_GT(steps[0].log[0].where.line, kernel_->locate(CallKind::free).line);
}

TEST_F(KernelTest, a_trace_tells_the_lines_of_a_call) {
  kernel_->options().trace = true;
  const std::vector<Call> calls{find(0, 3), alloc(0, 0, 3, 1), find(0, 0)};
  const std::vector<Step> steps = kernel_->run(calls);
  ASSERT_EQ(steps.size(), 3U);
  ASSERT_FALSE(steps[0].lines.empty());
  const unsigned first = kernel_->locate(CallKind::find).line;
  for (const unsigned line : steps[0].lines) EXPECT_GE(line, first);
  EXPECT_NE(steps[0].lines, steps[2].lines);
}

TEST_F(KernelTest, finds_definitions) {
  EXPECT_EQ(kernel_->locate(CallKind::find).file, kFile);
  unsigned last = 0;  // the order of the functions in the file
  for (const CallKind kind :
       {CallKind::register_allocator, CallKind::unregister_allocator, CallKind::set_data,
        CallKind::alloc, CallKind::free, CallKind::find}) {
    EXPECT_GT(kernel_->locate(kind).line, last) << ioasid::name(kind);
    last = kernel_->locate(kind).line;
  }
  EXPECT_EQ(kernel_->locate(CallKind::get).line, 0U);
  EXPECT_TRUE(kernel_->runner().unmodelled.empty());
}

TEST_F(KernelTest, refuses_what_it_cannot_run) {
  EXPECT_FALSE(KernelIoasid::supports(CallKind::get));
  EXPECT_TRUE(KernelIoasid::supports(CallKind::set_data));
  EXPECT_THROW(kernel_->run(std::vector<Call>{on_id(CallKind::get, 0)}), std::invalid_argument);
  EXPECT_THROW(kernel_->run(std::vector<Call>{alloc(65, 0, 1, 0)}), std::invalid_argument);
  EXPECT_THROW(kernel_->run(std::vector<Call>{add(0)}), std::invalid_argument);
  EXPECT_TRUE(kernel_->run({}).empty());
}

// The known defects of 6.1.

TEST_F(KernelTest, defect_pdata_of_an_unregistered_ops) {
  EXPECT_TOLD("ok; ok; ok; id 1, callback of ops 1", add(1), add(2), remove(1),
              alloc(0, 0, 3, 1, 2));
  // Its driver may have freed it: the same sequence is a use after free then.
  kernel_->options().poison_unregistered_ops = true;
  const std::vector<Call> calls{add(1), add(2), remove(1), alloc(0, 0, 3, 1, 2)};
  const std::vector<Step> steps = kernel_->run(calls);
  EXPECT_EQ(told(calls, steps), "ok; ok; ok; use-after-poison");
  EXPECT_EQ(steps.back().report->in_file.function, "ioasid_alloc");
  EXPECT_EQ(steps.back().report->where.file, kFile);
}

TEST_F(KernelTest, defect_getter_on_null) {
  EXPECT_TOLD("id 0; NULL, getter ran on NULL", alloc(1, 0, 3, 0), find(1, 0, Getter::accept));
}

TEST_F(KernelTest, defect_second_member_registered_twice) {
  EXPECT_TOLD("ok; ok; ok", add(1), add(2), add(2));
}

TEST_F(KernelTest, defect_registering_twice_corrupts_the_list) {
  const std::vector<Call> calls{add(1), add(1), add(2), remove(1), remove(2)};
  const std::vector<Step> steps = kernel_->run(calls);
  EXPECT_EQ(told(calls, steps), "ok; -EEXIST; ok; heap-use-after-free");
  const Report& report = *steps.back().report;
  EXPECT_TRUE(report.fatal);
  EXPECT_EQ(report.where.file, "include/linux/list.h") << print(report);
  EXPECT_EQ(report.in_file.file, kFile);
  EXPECT_EQ(report.in_file.function, "ioasid_unregister_allocator");
  ASSERT_FALSE(report.freed.empty());
  EXPECT_EQ(report.freed[0].function, "ioasid_register_allocator");
  ASSERT_FALSE(report.allocated.empty());
}

TEST_F(KernelTest, defect_ids_of_a_vanished_allocator_are_lost) {  // out of contract
  const std::vector<Call> calls{add(1), alloc(0, 0, 3, 1, 3), remove(1), find(0, 2)};
  const std::vector<Step> steps = kernel_->run(calls);
  EXPECT_EQ(told(calls, steps), "ok; id 2, callback of ops 1; ok; -ENOENT");
  ASSERT_TRUE(steps[2].report);
  EXPECT_EQ(steps[2].report->kind, "WARN_ON");
  EXPECT_EQ(steps[2].report->where.function, "ioasid_unregister_allocator");
  ASSERT_EQ(steps[2].others.size(), 2U) << reports(steps);
  for (const Report& leak : steps[2].others) {
    EXPECT_EQ(leak.kind, "leak");
    EXPECT_EQ(leak.in_file.function, "ioasid_alloc");
  }
}

TEST_F(KernelTest, survives_a_crash_and_runs_on) {
  for (int i = 0; i < 3; ++i) {
    kernel_->run(std::vector<Call>{add(1), add(1), add(2), remove(1)});
    EXPECT_TOLD("id 0", alloc(0, 0, 3, 1));
  }
}

TEST_F(KernelTest, is_fast_enough) {
  std::vector<Call> calls;
  for (std::uint32_t i = 0; i < 10; ++i) {
    calls.push_back(alloc(1, 0, 3, 1));
    calls.push_back(find(1, i % 4, Getter::accept));
    calls.push_back(set_data(i % 4, 2));
    calls.push_back(free_id(i % 3));
  }
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 500; ++i) ASSERT_EQ(kernel_->run(calls).size(), calls.size());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::cout << "20000 calls in " << seconds.count() << " s\n";
  EXPECT_LT(seconds.count(), 20);
}

}  // namespace
}  // namespace iommucheck::linux_harness
