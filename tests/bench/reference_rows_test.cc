// SPDX-License-Identifier: MIT
// The rows that are measured, and the programs that are run for them.
#include <gtest/gtest.h>

#include "bench/reference/memory_floor.h"
#include "bench/reference/peers.h"
#include "model/registry.h"

namespace iommucheck::bench {
namespace {

TEST(Rows, HaveTheirWords) {
  for (const auto* word : {"tiny", "tiny-any"}) EXPECT_EQ(rows_of(word).size(), 1U) << word;
  const auto small = rows_of("small");
  const auto large = rows_of("large");
  EXPECT_EQ(rows_of("all").size(), small.size() + large.size());
  EXPECT_TRUE(rows_of("huge").empty());
  EXPECT_TRUE(rows_of("").empty());
  for (const Row& row : small) EXPECT_LT(row.expected.states, 3'000'000U) << row.name();
  for (const Row& row : large) EXPECT_GT(row.expected.states, 3'000'000U) << row.name();
}

TEST(Rows, AreWithinTheBoundsOfTheModel) {
  for (const auto* word : {"tiny", "tiny-any", "all"}) {
    for (const Row& row : rows_of(word)) {
      EXPECT_NO_THROW(static_cast<void>(model::design("reference")
                                            .complete({{"threads", row.threads},
                                                       {"pasids", row.pasids},
                                                       {"users", row.users},
                                                       {"refs", row.refs},
                                                       {"any-free", row.any_free ? 1U : 0U}})));
    }
  }
}

TEST(Child, GivesCodeOutputAndMemory) {
  const Child child = run_child({"sh", "-c", "echo out; echo err >&2; pwd; exit 3"}, "/");
  EXPECT_EQ(child.status, 3);
  EXPECT_EQ(child.out, "out\n/\n");
  EXPECT_EQ(child.err, "err\n");
  EXPECT_GT(child.seconds, 0);
  EXPECT_GT(child.peak_bytes, 10'000U);
}

TEST(Child, MeasuresTheLargestMemory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "this process is as large as the child under a sanitizer";
#endif
  // dd reads into a buffer of one block, which it then gives back.
  const Child child = run_child({"dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1"}, "/");
  ASSERT_EQ(child.status, 0) << child.err;
  EXPECT_GT(child.peak_bytes, 200'000'000U);
  EXPECT_LT(child.peak_bytes, 300'000'000U);
}

TEST(Child, SaysHowItEndedOrThatItNeverBegan) {
  EXPECT_EQ(run_child({"sh", "-c", "kill -9 $$"}, "/").status, 128 + 9);
  const Child none = run_child({"no-such-program"}, "/");
  EXPECT_EQ(none.status, 127);
  EXPECT_NE(none.err.find("no-such-program"), std::string::npos);
  EXPECT_EQ(run_child({"sh", "-c", "read line"}, "/").status, 1) << "there is no standard input";
}

TEST(Programs, ThatAreMissingAreNamed) {
  EXPECT_EQ(detail::missing_programs({"sh", "ls"}), std::nullopt);
  const auto missing = detail::missing_programs({"sh", "no-such-program"});
  ASSERT_TRUE(missing);
  EXPECT_NE(missing->find("no-such-program is not installed"), std::string::npos);
  EXPECT_THROW(static_cast<void>(detail::run_or_throw({"false"}, "/")), CheckerError);
}

TEST(Numbers, AreReadWholeOrNotAtAll) {
  EXPECT_EQ(detail::number_in(" 1746945 transitions", "\\s([0-9]+) transitions"), 1746945U);
  // SPIN prints large numbers so: a part of it would be a wrong count.
  EXPECT_THROW(detail::number_in(" 1.4645704e+08 transitions", "\\s([0-9]+) transitions"),
               CheckerError);
  EXPECT_THROW(detail::number_in("nothing", "([0-9]+)"), CheckerError);
}

TEST(MemoryFloor, IsATimeForAnyTable) {
  for (const std::uint64_t bytes : {0ULL, 1ULL << 20U}) {
    for (const unsigned jobs : {1U, 2U}) EXPECT_GT(memory_floor(bytes, jobs), 0);
  }
}

TEST(MemoryFloor, WithoutMemoryIsAnError) {
  EXPECT_THROW(static_cast<void>(memory_floor(1ULL << 47U, 1)), std::runtime_error);
}

}  // namespace
}  // namespace iommucheck::bench
