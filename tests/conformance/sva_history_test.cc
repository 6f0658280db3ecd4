// SPDX-License-Identifier: MIT
// Histories of binds and unbinds, judged by hand.
#include "conformance/sva_history.h"

#include <gtest/gtest.h>

namespace iommucheck::conformance::sva_test {
namespace {

using iommu::Err;
using Kind = SvaEffect::Kind;

/// Two processes with a task each, one PASID, one device with a file for each process.
const SvaWorld kWorld{.bounds = {.devices = 1,
                                 .pasids = 1,
                                 .tables = 0,
                                 .pages = 0,
                                 .mms = 2,
                                 .clients = 2,
                                 .bonds = 2,
                                 .default_domains = false,
                                 .dma_pasid = false,
                                 .hotplug = true},
                      .users = {1, 1},
                      .held_elsewhere = {false, false}};

/// Of two calls, both begin before the other one ends: they overlap, in every execution.
constexpr std::uint32_t kBoth = 0b11;
/// A call; `begun`: the calls that begin before its end in every execution.
SvaCall call(unsigned thread, std::vector<SvaEffect> effects, std::uint32_t begun = 0) {
  return {{thread, begun}, "call", std::move(effects)};
}
/// The process `mm`, by the file of its own.
std::vector<SvaEffect> bind(unsigned mm, Err err = Err::ok, unsigned value = 0) {
  return {{.kind = Kind::may_have, .mm = mm},
          {.kind = Kind::bind, .client = mm, .mm = mm, .err = err, .value = value}};
}
SvaEffect unbind(unsigned mm) { return {.kind = Kind::unbind, .client = mm}; }
SvaEffect leave(unsigned mm) { return {.kind = Kind::put, .mm = mm}; }

bool explained(std::vector<SvaCall> calls, const std::vector<SvaCall>& setup = {}) {
  for (std::size_t i = 0; i < calls.size(); ++i) calls[i].timing.begins_before_my_end |= 1U << i;
  const Linearization result = linearize(kWorld, setup, calls);
  EXPECT_FALSE(result.excused);
  return !result.unexplained;
}

TEST(SvaHistory, ABindHasAnAnswer) {
  EXPECT_TRUE(explained({call(0, bind(0))}));
  EXPECT_TRUE(explained({call(0, bind(0, Err::ok, 1))}));
  EXPECT_FALSE(explained({call(0, bind(0, Err::ok, 2))})) << "no such PASID";
  EXPECT_FALSE(explained({call(0, bind(0, Err::ebusy))})) << "nothing is attached";
  EXPECT_FALSE(explained({call(0, bind(0, Err::enospc))})) << "a PASID is free";
  EXPECT_FALSE(explained({call(0, bind(0, Err::enomem))})) << "no allocation has failed";
  EXPECT_FALSE(explained({call(0, bind(0, Err::einval))})) << "no answer of a bind";
}

TEST(SvaHistory, ASecondBindOfTheSameProcessSucceeds) {
  EXPECT_TRUE(explained({call(0, bind(0))}, {call(0, bind(0))}));
  EXPECT_FALSE(explained({call(0, bind(0, Err::ebusy))}, {call(0, bind(0))}));
}

TEST(SvaHistory, ThePasidOfAnotherOneExplainsThatNoneIsFree) {
  const std::vector<SvaCall> setup{call(0, bind(1))};
  EXPECT_TRUE(explained({call(0, bind(0, Err::enospc))}, setup));
  EXPECT_FALSE(explained({call(0, bind(0))}, setup));
  // At the same time: it has its PASID before its bind takes effect, and even if the bind fails.
  EXPECT_TRUE(explained({call(0, bind(0, Err::enospc), kBoth), call(1, bind(1), kBoth)}));
  std::vector<SvaEffect> fails = bind(1, Err::enomem);
  fails[1].nomem = true;
  EXPECT_TRUE(explained({call(0, bind(0, Err::enospc), kBoth), call(1, fails, kBoth)}));
  EXPECT_FALSE(
      explained({call(0, bind(0, Err::enospc), kBoth), call(1, bind(1, Err::enospc), kBoth)}))
      << "one of them gets it";
}

TEST(SvaHistory, APasidGoesBackWhenNobodyHoldsTheProcess) {
  // Thread 0 is done with process 1 before thread 1 begins.
  const std::vector<SvaCall> bound{call(0, bind(1))};
  EXPECT_TRUE(
      explained({call(0, {leave(1)}), call(0, {unbind(1)}), call(1, bind(0), 0b011)}, bound));
  EXPECT_FALSE(explained({call(0, {leave(1)}), call(1, bind(0), 0b01)}, bound)) << "a bond";
  EXPECT_FALSE(explained({call(0, {unbind(1)}), call(1, bind(0), 0b01)}, bound)) << "it runs";
}

TEST(SvaHistory, ACallThatDoesSeveralThingsLeavesRoomBetweenThem) {
  // "bind, then unbind" in one call, in the middle of which the process leaves the other file.
  std::vector<SvaEffect> both = bind(0);
  both.push_back(unbind(0));
  EXPECT_TRUE(explained({call(0, both, kBoth), call(1, bind(1, Err::enospc), kBoth)}));
  both.insert(both.begin(), {.kind = Kind::get, .mm = 0});
  both.push_back(leave(0));
  EXPECT_TRUE(explained({call(0, both, kBoth), call(1, {leave(0)}, kBoth)}));
  EXPECT_FALSE(explained({call(0, both)}, {call(0, {leave(0)})})) << "the process has ended before";
}

TEST(SvaHistory, AnUnbindNeedsABond) {
  EXPECT_FALSE(explained({call(0, {unbind(0)})}));
  EXPECT_TRUE(explained({call(0, {unbind(0)}, kBoth), call(1, bind(0), kBoth)}));
}

TEST(SvaHistory, ADeviceThatIsBoundIsNotUnplugged) {
  const SvaCall unplugs = call(0, {{.kind = Kind::release}});
  EXPECT_TRUE(explained({unplugs}));
  EXPECT_TRUE(linearize(kWorld, std::vector{call(0, bind(0))}, std::vector{unplugs}).excused);
}

TEST(SvaHistory, ASetUpThatIsNotLegalThrows) {
  EXPECT_THROW(explained({}, {call(0, bind(0, Err::ebusy))}), std::invalid_argument);
  EXPECT_THROW(explained({}, {call(0, bind(0)), call(0, bind(0)), call(0, bind(0))}),
               std::invalid_argument)
      << "more bonds than the bounds have";
}

}  // namespace
}  // namespace iommucheck::conformance::sva_test
