// SPDX-License-Identifier: MIT
// Histories of processes with /dev/iommu open, judged by hand.
#include "conformance/iommufd_history.h"

#include <gtest/gtest.h>

namespace iommucheck::conformance::iommufd_history_test {
namespace {

using iommufd::CallKind;
using iommufd::Err;

/// Devices 0 and 2 share a group; targets 1 and 2 are IOASes, 3 is a page table.
constexpr iommufd::Bounds kWorld{.devices = 3, .groups = 2, .kinds = 2};

IommufdEffect effect(CallKind kind, iommufd::Arguments<std::uint32_t> args,
                     std::optional<Err> err = Err::ok) {
  return {{kind, args}, err};
}
IommufdEffect bind(unsigned device) { return effect(CallKind::bind, {.device = device}); }
IommufdEffect alloc(unsigned ioas) { return effect(CallKind::ioas_alloc, {.ioas = ioas}); }
IommufdEffect destroy(unsigned ioas, Err err = Err::ok) {
  return effect(CallKind::ioas_destroy, {.ioas = ioas}, err);
}
IommufdEffect attach(unsigned device, unsigned target, Err err = Err::ok) {
  return effect(CallKind::attach, {.device = device, .target = target}, err);
}
IommufdEffect detach(unsigned device) {
  return {{CallKind::detach, {.device = device}}, Err::ok, true};
}
IommufdEffect table(unsigned device, unsigned ioas) {
  return effect(CallKind::hwpt_alloc, {.device = device, .ioas = ioas, .hwpt = 1});
}

/// Of two calls, both begin before the other one ends: they overlap, in every execution.
constexpr std::uint32_t kBoth = 0b11;
IommufdCall call(unsigned thread, std::vector<IommufdEffect> effects, std::uint32_t begun = 0) {
  return {{thread, begun}, "call", std::move(effects)};
}

bool explained(std::vector<IommufdCall> calls, std::vector<IommufdEffect> setup = {}) {
  for (std::size_t i = 0; i < calls.size(); ++i) calls[i].timing.begins_before_my_end |= 1U << i;
  const std::vector<IommufdCall> before{call(0, std::move(setup))};
  return !linearize(kWorld, before, calls).unexplained;
}
bool one_after_the_other(std::vector<IommufdEffect> effects) {
  std::vector<IommufdCall> calls;
  for (IommufdEffect& one : effects) calls.push_back(call(0, {std::move(one)}));
  return explained(std::move(calls));
}

TEST(IommufdHistory, AnIoasGoesWhenNobodyUsesIt) {
  EXPECT_TRUE(one_after_the_other({alloc(1), destroy(1), destroy(1, Err::enoent)}));
  EXPECT_FALSE(one_after_the_other({alloc(1), destroy(1, Err::ebusy)}));
  EXPECT_TRUE(one_after_the_other({alloc(1), bind(0), attach(0, 1), destroy(1, Err::ebusy)}));
  EXPECT_FALSE(one_after_the_other({alloc(1), bind(0), attach(0, 1), destroy(1)}));
  EXPECT_TRUE(one_after_the_other({alloc(1), bind(0), attach(0, 1), detach(0), destroy(1)}));
  EXPECT_TRUE(one_after_the_other({alloc(1), bind(0), table(0, 1), destroy(1, Err::ebusy)}));
  EXPECT_FALSE(one_after_the_other({alloc(1), bind(0), table(0, 1), destroy(1)}));
}

TEST(IommufdHistory, DevicesOfAGroupMeetTheSame) {
  const std::vector<IommufdEffect> ready{alloc(1), alloc(2), bind(0), bind(1), bind(2)};
  const auto behind = [&](std::vector<IommufdEffect> effects) {
    std::vector<IommufdCall> calls;
    for (IommufdEffect& one : effects) calls.push_back(call(0, {std::move(one)}));
    return explained(std::move(calls), ready);
  };
  EXPECT_TRUE(behind({attach(0, 1), attach(2, 1)}));
  EXPECT_TRUE(behind({attach(0, 1), attach(2, 2, Err::einval)}));
  EXPECT_FALSE(behind({attach(0, 1), attach(2, 2)}));
  EXPECT_FALSE(behind({attach(0, 1), attach(2, 1, Err::einval)}));
  EXPECT_TRUE(behind({attach(0, 1), attach(1, 2)})) << "another group";
  // A page table is for one kind of IOMMU, an IOAS for each.
  EXPECT_TRUE(behind({table(0, 1), attach(1, 3, Err::einval)}));
  EXPECT_FALSE(behind({table(0, 1), attach(1, 3)}));
  EXPECT_TRUE(behind({table(0, 1), attach(0, 3)}));
  // What moves is the group.
  const IommufdEffect replace = effect(CallKind::replace, {.device = 0, .target = 2});
  EXPECT_TRUE(behind({attach(0, 1), attach(2, 1), replace, destroy(1), destroy(2, Err::ebusy)}));
  EXPECT_FALSE(behind({attach(0, 1), attach(2, 1), replace, destroy(1, Err::ebusy)}));
}

TEST(IommufdHistory, CallsThatOverlapComeInEitherOrder) {
  const std::vector<IommufdEffect> ready{alloc(1), bind(0)};
  EXPECT_TRUE(
      explained({call(0, {attach(0, 1)}, kBoth), call(1, {destroy(1, Err::ebusy)}, kBoth)}, ready));
  EXPECT_TRUE(explained({call(0, {attach(0, 1, Err::enoent)}, kBoth), call(1, {destroy(1)}, kBoth)},
                        ready));
  EXPECT_FALSE(explained({call(0, {attach(0, 1)}, kBoth), call(1, {destroy(1)}, kBoth)}, ready));
}

// An unbind detaches first, where there is something to detach.
TEST(IommufdHistory, AnUnbindHasTwoInstants) {
  const IommufdEffect unbind = effect(CallKind::unbind, {.device = 0});
  const IommufdEffect use = effect(CallKind::device_use, {.device = 0});
  EXPECT_TRUE(explained({call(0, {detach(0), unbind})}, {alloc(1), bind(0)}));
  EXPECT_TRUE(explained({call(0, {detach(0), unbind})}, {alloc(1), bind(0), attach(0, 1)}));
  EXPECT_TRUE(explained(
      {call(0, {detach(0), unbind}, 0b111), call(1, {destroy(1)}, 0b011), call(1, {use}, 0b111)},
      {alloc(1), bind(0), attach(0, 1)}))
      << "detached, and still there";
}

TEST(IommufdHistory, AnAnswerThatTheSpecificationDoesNotHaveIsNotExplained) {
  EXPECT_FALSE(explained({call(0, {effect(CallKind::bind, {.device = 0}, std::nullopt)})}));
  EXPECT_FALSE(explained({call(0, {effect(CallKind::bind, {.device = 0}, Err::ebusy)})}));
  EXPECT_FALSE(explained({call(0, {effect(CallKind::bind, {.device = 0}, Err::enomem)})}));
  EXPECT_TRUE(
      explained({call(0, {effect(CallKind::bind, {.device = 0, .nomem = 1}, Err::enomem)})}));
  EXPECT_THROW(explained({}, {destroy(1)}), std::invalid_argument);
}

}  // namespace
}  // namespace iommucheck::conformance::iommufd_history_test
