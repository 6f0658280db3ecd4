// SPDX-License-Identifier: MIT
// Histories of drivers and processes, judged by hand.
#include "conformance/iommu_history.h"

#include <gtest/gtest.h>

namespace iommucheck::conformance::iommu_history_test {
namespace {

using iommu::CallKind;
using iommu::Err;
using Kind = IommuEffect::Kind;

/// Two processes with a task each, one PASID, one device with a file for each process.
const IommuWorld kWorld{.bounds = {.devices = 1,
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
IommuCall call(unsigned thread, std::vector<IommuEffect> effects, std::uint32_t begun = 0) {
  return {{thread, begun}, "call", std::move(effects)};
}
/// The process `mm`, by the file of its own.
std::vector<IommuEffect> bind(unsigned mm, Err err = Err::ok, unsigned value = 0) {
  return {{.kind = Kind::may_have, .mm = mm},
          {.call = CallKind::bind, .client = mm, .mm = mm, .err = err, .value = value}};
}
IommuEffect unbind(unsigned mm) { return {.call = CallKind::unbind, .client = mm}; }
IommuEffect leave(unsigned mm) { return {.kind = Kind::put, .mm = mm}; }

bool explained(std::vector<IommuCall> calls, const std::vector<IommuCall>& setup = {}) {
  for (std::size_t i = 0; i < calls.size(); ++i) calls[i].timing.begins_before_my_end |= 1U << i;
  const Linearization result = linearize(kWorld, setup, calls);
  EXPECT_FALSE(result.excused);
  return !result.unexplained;
}

TEST(IommuHistory, ABindHasAnAnswer) {
  EXPECT_TRUE(explained({call(0, bind(0))}));
  EXPECT_TRUE(explained({call(0, bind(0, Err::ok, 1))}));
  EXPECT_FALSE(explained({call(0, bind(0, Err::ok, 2))})) << "no such PASID";
  EXPECT_FALSE(explained({call(0, bind(0, Err::ebusy))})) << "nothing is attached";
  EXPECT_FALSE(explained({call(0, bind(0, Err::enospc))})) << "a PASID is free";
  EXPECT_FALSE(explained({call(0, bind(0, Err::enomem))})) << "no allocation has failed";
  EXPECT_FALSE(explained({call(0, bind(0, Err::einval))})) << "no answer of a bind";
}

TEST(IommuHistory, ASecondBindOfTheSameProcessSucceeds) {
  EXPECT_TRUE(explained({call(0, bind(0))}, {call(0, bind(0))}));
  EXPECT_FALSE(explained({call(0, bind(0, Err::ebusy))}, {call(0, bind(0))}));
}

TEST(IommuHistory, ThePasidOfAnotherOneExplainsThatNoneIsFree) {
  const std::vector<IommuCall> setup{call(0, bind(1))};
  EXPECT_TRUE(explained({call(0, bind(0, Err::enospc))}, setup));
  EXPECT_FALSE(explained({call(0, bind(0))}, setup));
  // At the same time: it has its PASID before its bind takes effect, and even if the bind fails.
  EXPECT_TRUE(explained({call(0, bind(0, Err::enospc), kBoth), call(1, bind(1), kBoth)}));
  std::vector<IommuEffect> fails = bind(1, Err::enomem);
  fails[1].nomem = true;
  EXPECT_TRUE(explained({call(0, bind(0, Err::enospc), kBoth), call(1, fails, kBoth)}));
  EXPECT_FALSE(
      explained({call(0, bind(0, Err::enospc), kBoth), call(1, bind(1, Err::enospc), kBoth)}))
      << "one of them gets it";
}

TEST(IommuHistory, APasidGoesBackWhenNobodyHoldsTheProcess) {
  // Thread 0 is done with process 1 before thread 1 begins.
  const std::vector<IommuCall> bound{call(0, bind(1))};
  EXPECT_TRUE(
      explained({call(0, {leave(1)}), call(0, {unbind(1)}), call(1, bind(0), 0b011)}, bound));
  EXPECT_FALSE(explained({call(0, {leave(1)}), call(1, bind(0), 0b01)}, bound)) << "a bond";
  EXPECT_FALSE(explained({call(0, {unbind(1)}), call(1, bind(0), 0b01)}, bound)) << "it runs";
}

TEST(IommuHistory, ACallThatDoesSeveralThingsLeavesRoomBetweenThem) {
  // "bind, then unbind" in one call, in the middle of which the process leaves the other file.
  std::vector<IommuEffect> both = bind(0);
  both.push_back(unbind(0));
  EXPECT_TRUE(explained({call(0, both, kBoth), call(1, bind(1, Err::enospc), kBoth)}));
  both.insert(both.begin(), {.kind = Kind::get, .mm = 0});
  both.push_back(leave(0));
  EXPECT_TRUE(explained({call(0, both, kBoth), call(1, {leave(0)}, kBoth)}));
  EXPECT_FALSE(explained({call(0, both)}, {call(0, {leave(0)})})) << "the process has ended before";
}

TEST(IommuHistory, AnUnbindNeedsABond) {
  EXPECT_FALSE(explained({call(0, {unbind(0)})}));
  EXPECT_TRUE(explained({call(0, {unbind(0)}, kBoth), call(1, bind(0), kBoth)}));
}

TEST(IommuHistory, ADeviceThatIsBoundIsNotUnplugged) {
  const IommuCall unplugs = call(0, {{.call = CallKind::release_device}});
  EXPECT_TRUE(explained({unplugs}));
  EXPECT_TRUE(linearize(kWorld, std::vector{call(0, bind(0))}, std::vector{unplugs}).excused);
}

TEST(IommuHistory, ASetUpThatIsNotLegalThrows) {
  EXPECT_THROW(explained({}, {call(0, bind(0, Err::ebusy))}), std::invalid_argument);
  EXPECT_THROW(explained({}, {call(0, bind(0)), call(0, bind(0)), call(0, bind(0))}),
               std::invalid_argument)
      << "more bonds than the bounds have";
}

/// A group of two devices, and two clients that know what they may do.
const IommuWorld kGroup{.bounds = {.devices = 2,
                                   .groups = 1,
                                   .pasids = 1,
                                   .tables = 3,
                                   .pages = 0,
                                   .mms = 0,
                                   .dma_pasid = false,
                                   .hotplug = true,
                                   .owners = true},
                        .keeps_contracts = true};

IommuEffect of_device(CallKind kind, unsigned device, Err err = Err::ok) {
  return {.call = kind, .client = device, .device = device, .err = err};
}
IommuEffect of_domain(CallKind kind, unsigned domain, Err err = Err::ok) {
  return {.call = kind, .domain = domain, .err = err};
}
bool explained_in_group(std::vector<IommuCall> calls, const std::vector<IommuCall>& setup = {}) {
  for (std::size_t i = 0; i < calls.size(); ++i) calls[i].timing.begins_before_my_end |= 1U << i;
  const Linearization result = linearize(kGroup, setup, calls);
  EXPECT_FALSE(result.excused);
  return !result.unexplained;
}

TEST(IommuHistory, OneOfTwoOwnersGetsTheGroup) {
  const auto claim = [](unsigned client, Err err) {
    return call(client, {of_device(CallKind::claim_dma_owner, client, err)}, kBoth);
  };
  EXPECT_TRUE(explained_in_group({claim(0, Err::ok), claim(1, Err::eperm)}));
  EXPECT_TRUE(explained_in_group({claim(0, Err::eperm), claim(1, Err::ok)}));
  EXPECT_FALSE(explained_in_group({claim(0, Err::ok), claim(1, Err::ok)}));
  EXPECT_FALSE(explained_in_group({claim(0, Err::eperm), claim(1, Err::eperm)}));
}

TEST(IommuHistory, ADriverAndAnOwnerDoNotShareAGroup) {
  // The driver comes when the owner is there, and the owner goes when the driver has left.
  const auto use = [](Err err) {
    return call(0, {of_device(CallKind::use_default_domain, 0, err)}, 0b101);
  };
  const auto claim = call(1, {of_device(CallKind::claim_dma_owner, 1)});
  EXPECT_FALSE(explained_in_group(
      {use(Err::ok), call(0, {of_device(CallKind::unuse_default_domain, 0)}, 0b111), claim,
       call(1, {of_device(CallKind::release_dma_owner, 1)}, 0b1111)}));
  EXPECT_TRUE(explained_in_group({use(Err::ebusy), call(0, {}), claim}));
}

TEST(IommuHistory, ADriverMayLeaveBesideThePasidOfAnother) {
  const std::vector<IommuCall> setup{
      call(0, {of_device(CallKind::use_default_domain, 0)}),
      call(1, {of_device(CallKind::use_default_domain, 1)}),
      call(0, {of_domain(CallKind::domain_alloc, 1)}),
      call(0, {{.call = CallKind::attach_pasid, .pasid = 1, .domain = 1}})};
  const auto leave = [](unsigned device) {
    return call(device, {of_device(CallKind::unuse_default_domain, device)});
  };
  EXPECT_TRUE(explained_in_group({leave(1)}, setup));
  EXPECT_FALSE(explained_in_group({leave(0), leave(1)}, setup)) << "its own is attached";
}

TEST(IommuHistory, DomainsAreToldApart) {
  const std::vector<IommuCall> setup{call(0, {of_device(CallKind::claim_dma_owner, 0)}),
                                     call(0, {of_domain(CallKind::domain_alloc, 1)}),
                                     call(0, {of_domain(CallKind::domain_alloc, 2)}),
                                     call(0, {of_domain(CallKind::attach, 2)})};
  EXPECT_TRUE(explained_in_group({call(0, {of_domain(CallKind::domain_free, 1)})}, setup));
  EXPECT_FALSE(explained_in_group({call(0, {of_domain(CallKind::domain_free, 2)})}, setup))
      << "it is attached";
  EXPECT_TRUE(explained_in_group({call(0, {of_domain(CallKind::attach, 1, Err::ebusy)})}, setup));
  EXPECT_FALSE(explained_in_group({call(0, {of_domain(CallKind::attach, 1)})}, setup));
  EXPECT_TRUE(explained_in_group(
      {call(0, {of_domain(CallKind::replace, 1)}), call(0, {of_domain(CallKind::domain_free, 2)})},
      setup));
}

TEST(IommuHistory, ADefaultDomainChangesWhereNobodyUsesTheGroup) {
  const auto change = [](Err err, std::uint32_t begun = 0) {
    return call(1, {of_device(CallKind::change_default_domain, 1, err)}, begun);
  };
  const auto use = [](std::uint32_t begun = 0) {
    return call(0, {of_device(CallKind::use_default_domain, 0)}, begun);
  };
  EXPECT_TRUE(explained_in_group({use(kBoth), change(Err::ok, kBoth)}));
  EXPECT_TRUE(explained_in_group({use(kBoth), change(Err::eperm, kBoth)}));
  EXPECT_FALSE(explained_in_group({use(kBoth), change(Err::ebusy, kBoth)}));
  EXPECT_FALSE(explained_in_group({change(Err::ok)}, {use()}));
  EXPECT_TRUE(explained_in_group({change(Err::eperm)}, {use()}));
}

}  // namespace
}  // namespace iommucheck::conformance::iommu_history_test
