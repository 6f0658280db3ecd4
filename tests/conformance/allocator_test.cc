// SPDX-License-Identifier: MIT
// Our allocator against the specification, at windows of ids where its bitmap has its seams.
#include <gtest/gtest.h>

#include "conformance/check.h"
#include "impl/ioasid/subject.h"
#include "spec/ioasid/spec.h"
#include "tests/sanitized.h"

namespace iommucheck::conformance {
namespace {

using ioasid::AllocatorSubject;
using ioasid::SubjectConfig;

/// The first id of the window: at the ends of the space and across words of each level.
class Allocator : public testing::TestWithParam<std::uint32_t> {
 protected:
  // A sanitizer makes a call fifteen times as long.
  static constexpr std::uint64_t kCalls = kSanitized ? 10'000 : 100'000;

  static Report check_at(std::uint32_t first_id, const Bounds& b, const CheckOptions& options) {
    const SubjectConfig config{.first_id = first_id,
                               .ids = b.ids,
                               .sets = b.sets,
                               .data = b.data,
                               .ops = b.ops,
                               .clients = b.clients,
                               .notifiers = b.notifiers,
                               .tokens = b.tokens,
                               .capacity = b.capacity,
                               .static_sets = b.static_sets};
    return check_subject([=] { return std::make_unique<AllocatorSubject>(config); }, b, options);
  }
  static void expect_conformance(const Bounds& bounds, std::uint64_t calls) {
    const Report report = check_at(GetParam(), bounds, {.calls = calls, .seed = 1 + GetParam()});
    EXPECT_TRUE(report.findings.empty()) << print(report);
    EXPECT_GE(report.calls, calls);
  }
};

TEST_P(Allocator, EverythingTogether) {
  expect_conformance({.ids = 12,
                      .sets = 3,
                      .data = 2,
                      .clients = 3,
                      .ops = 3,
                      .notifiers = 2,
                      .spids = 2,
                      .tokens = 2,
                      .capacity = 6},
                     kCalls);
}

TEST_P(Allocator, Sets) {
  expect_conformance({.ids = 8, .sets = 4, .clients = 2, .spids = 2, .tokens = 2, .capacity = 8},
                     kCalls / 5);
}

TEST_P(Allocator, CustomAllocators) {
  expect_conformance({.ids = 6, .sets = 1, .clients = 2, .ops = 4, .capacity = 4}, kCalls / 5);
}

TEST_P(Allocator, Notifiers) {
  expect_conformance({.ids = 6, .sets = 2, .clients = 2, .notifiers = 4, .spids = 2, .capacity = 4},
                     kCalls / 5);
}

TEST_P(Allocator, ManyIds) {
  const unsigned ids = GetParam() == (1U << 20) - 32 ? 32 : 64;
  expect_conformance({.ids = ids, .sets = 2, .data = 3, .clients = 4, .capacity = 48}, kCalls / 10);
}

TEST_P(Allocator, StaticSets) {
  expect_conformance({.ids = 8, .sets = 2, .data = 2, .clients = 2, .ops = 2, .static_sets = true},
                     kCalls / 10);
}

INSTANTIATE_TEST_SUITE_P(Windows, Allocator,
                         testing::Values(0U, 60U, 4'090U, 262'140U, (1U << 20) - 32));

}  // namespace
}  // namespace iommucheck::conformance
