// SPDX-License-Identifier: MIT
// The IOMMU specification: every invariant can fail, each call can be made, its invariants are
// inductive, and both engines find the same states.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "checker/explicit/explicit.h"
#include "checker/symbolic/count.h"
#include "checker/symbolic/induction.h"
#include "spec/iommu/spec_machine.h"

namespace iommucheck::iommu {
namespace {

using checker::Verdict;
using S = State<Concrete>;
using C = Context<Concrete>;

constexpr Bounds kProcesses{.devices = 1,
                            .pasids = 2,
                            .tables = 0,
                            .mms = 2,
                            .clients = 1,
                            .default_domains = false,
                            .dma_pasid = false,
                            .tagging = true};
constexpr Bounds kTables{.devices = 1, .pasids = 1, .tables = 2, .pages = 1, .mms = 0};
constexpr Bounds kPlugged{.devices = 2,
                          .groups = 1,
                          .pasids = 0,
                          .tables = 2,
                          .pages = 0,
                          .mms = 0,
                          .dma_pasid = false,
                          .hotplug = true};
constexpr Bounds kOwned{.devices = 2,
                        .groups = 1,
                        .pasids = 0,
                        .tables = 3,
                        .pages = 0,
                        .mms = 0,
                        .clients = 2,
                        .dma_pasid = false,
                        .owners = true};
/// Drivers, bonds and the DMA-API PASID in one group, from which devices are unplugged.
constexpr Bounds kOwnedBonds{.devices = 1,
                             .pasids = 1,
                             .tables = 2,
                             .pages = 0,
                             .mms = 1,
                             .clients = 1,
                             .hotplug = true,
                             .owners = true};
/// Two groups, each with its default domain, which change.
constexpr Bounds kOwnedGroups{
    .devices = 2, .pasids = 1, .tables = 3, .pages = 0, .mms = 0, .clients = 1, .owners = true};
constexpr Bounds kKinds{.devices = 2, .kinds = 2, .pasids = 1, .tables = 3, .pages = 0, .mms = 0};
constexpr Bounds kMixed{.devices = 1, .pasids = 1, .tables = 2, .pages = 0, .mms = 1, .clients = 1};

/// A mistake: a sentence that is not required, or a step that does something wrong.
struct Mistake {
  const char* invariant;
  Bounds bounds;
  const char* dropped = nullptr;
  std::function<void(S&, C&)> wrong_step = nullptr;
};

const std::vector<Mistake>& mistakes() {
  static const std::vector<Mistake> kMistakes{
      {"table-is-there", kTables, "domain_free: the domain is the caller's, and attached nowhere"},
      {"table-fits", kKinds,
       "attach succeeds only where no other domain is attached, for a domain of the device's own "
       "IOMMU, with no driver of the DMA API beside, and not during a reset"},
      {"free-table-is-clean", kTables, nullptr,
       [](S& s, C& c) {  // a table goes with its mappings
         c.require(s.table[1].life == TableLife::owned && s.table[1].mapped != 0U);
         s.group[0].rid = s.group[0].standing;
         s.table[1].life = TableLife::none;
       }},
      {"default-domain-stands", kTables, nullptr,
       [](S& s, C&) { s.table[0].life = TableLife::none; }},
      {"process-is-there", kProcesses, nullptr,
       [](S& s, C& c) {  // the end of a process leaves what leads to it
         c.require(s.runs(0));
         s.mm[0].life = MmLife::dead;
       }},
      {"bond-translates", kProcesses, nullptr,
       [](S& s, C& c) {  // an unbind of somebody else
         c.require(s.bound(0, 0));
         s.group[0].pasid[0] = 0;
       }},
      {"bound-process-has-a-pasid", kProcesses,
       "mm_pasid_drop: the PASID goes back only when the process is gone and nobody holds a bond "
       "with it"},
      {"no-mm-has-no-pasid", kProcesses, nullptr,
       [](S& s, C& c) {  // fork hands the PASID on
         c.require(s.mm[1].life == MmLife::none);
         s.mm[1].pasid = 1;
       }},
      {"tagged-process-has-no-pasid", kProcesses,
       "enable_tagged_addr succeeds only without a PASID"},
      {"no-mm-has-no-tags", kProcesses, nullptr,
       [](S& s, C& c) {  // the struct goes, and the next process has its tags
         c.require(s.mm[1].life == MmLife::none);
         s.mm[1].tagged = 1;
       }},
      {"bonds-are-whole", kProcesses, nullptr,
       [](S& s, C& c) {
         c.require(s.bound(0, 0));
         s.client[0].bond[0].mm = 0;
       }},
      {"one-owner-per-pasid", kProcesses,
       "alloc_mm_data gives a PASID that nobody has, to a process without tags"},
      {"dma-pasid-translates-as-the-rid", kTables, nullptr,
       [](S& s, C& c) {  // the RID moves, and the PASID stays
         c.require(s.group[0].dma_pasid != 0U);
         s.group[0].rid = 0;
       }},
      {"dma-pasid-is-held", kTables, nullptr,
       [](S& s, C& c) {
         c.require(s.group[0].dma_pasid != 0U);
         s.group[0].dma_users = 0;
       }},
      {"no-reset-of-what-is-gone", kPlugged, "release_device: not during a reset"},
      {"empty-group-uses-its-default-domain", kPlugged,
       "release_device: the last device of a group leaves it to its default domain"},
      {"one-owner-per-group", kOwned,
       "use_default_domain succeeds only where nobody has claimed the group and its default domain "
       "is what it meets"},
      {"claimed-group-is-isolated", kOwned, nullptr,
       [](S& s, C& c) {  // a detach gives a group back that is claimed
         c.require(s.device[0].user == kClaimed && s.group[0].rid != 0U);
         s.group[0].rid = s.group[0].standing;
       }},
      {"unused-group-uses-its-default-domain", kOwned,
       "unuse_default_domain: what the driver attached is detached"},
      {"drivers-share-the-default-domain", kOwned,
       "attach succeeds only where no other domain is attached, for a domain of the device's own "
       "IOMMU, with no driver of the DMA API beside, and not during a reset"},
      {"unused-device-is-not-wanted", kOwnedBonds,
       "unuse_default_domain: the driver has no bonds, and does not want a PASID"},
      {"default-domain-is-of-one-group", kOwnedGroups, nullptr,
       [](S& s, C& c) {  // it becomes another group's, too
         c.require(s.device[1].user == kUnused);
         s.group[1].standing = s.group[0].standing;
         s.group[1].rid = s.group[0].standing;
       }},
      {"dma-pasid-users-are-of-the-group", kOwnedGroups, nullptr,
       [](S& s, C& c) {
         c.require(s.group[0].dma_users != 0U);
         s.group[0].dma_users = with_bit(s.group[0].dma_users, 1);
       }},
      {"what-is-gone-is-unused", kOwnedBonds, "release_device: nobody uses the device"},
      {"pasid-of-one-kind", kMixed, "attach_pasid: the PASID is nobody else's"},
  };
  return kMistakes;
}

/// The specification with one mistake, or none; one invariant is looked at, or all.
class Mistaken : public SpecMachine<Concrete> {
 public:
  Mistaken(const Mistake& m, bool alone) : SpecMachine<Concrete>(m.bounds) {
    context.requirements.dropped = m.dropped;
    if (alone && !check_only(m.invariant)) throw std::logic_error("no such invariant");
    if (!m.wrong_step) return;
    code_.push_back({"mistake", "mistake", false, 0,
                     [this, step = m.wrong_step](unsigned) { step(spec().state, context); }});
    process({"mistake", 1, &code_, nullptr});
  }

 private:
  Code code_;
};

TEST(IommuSpec, EachInvariantCanFail) {
  std::set<std::string> without_mistake;
  for (const Mistake& m : mistakes()) {
    const SpecMachine<Concrete> right{m.bounds};
    for (const auto& p : right.properties()) {
      if (p.holds) without_mistake.insert(p.name);
    }
  }
  EXPECT_EQ(without_mistake.size(), 25U);
  for (const Mistake& m : mistakes()) {
    SCOPED_TRACE(m.invariant);
    const auto wrong = checker::explore([&] { return std::make_unique<Mistaken>(m, true); });
    EXPECT_EQ(wrong.verdict, Verdict::violated) << "the mistake does not break it";
    const auto right = checker::explore([&] {
      return std::make_unique<Mistaken>(Mistake{"", m.bounds}, false);
    });
    EXPECT_EQ(right.verdict, Verdict::holds) << right.reason;
    without_mistake.erase(m.invariant);
  }
  for (const std::string& name : without_mistake) ADD_FAILURE() << "no mistake breaks " << name;
}

TEST(IommuSpec, EveryCallCanBeMade) {
  std::set<std::string> made;
  for (const Bounds& bounds : {kProcesses, kTables, kPlugged, kMixed, kOwned}) {
    const auto result =
        checker::explore([&] { return std::make_unique<SpecMachine<Concrete>>(bounds); });
    for (const auto& step : result.coverage) {
      if (step.taken != 0) made.insert(step.label);
    }
  }
  for (unsigned k = 0; k < kCallKinds; ++k) {
    const std::string call{name(static_cast<CallKind>(k))};
    EXPECT_TRUE(made.contains(call)) << call;
  }
}

TEST(IommuSpec, TheInvariantsAreInductive) {
  for (const Bounds& bounds :
       {Bounds{}, kProcesses, kTables, kPlugged, kKinds, kMixed, kOwned, kOwnedBonds, kOwnedGroups,
        Bounds{.hotplug = true, .tagging = true, .owners = true}}) {
    const checker::Relation relation{
        [&] { return std::make_unique<SpecMachine<Symbolic>>(bounds); }};
    const auto result = checker::prove_by_induction(relation);
    EXPECT_EQ(result.verdict, Verdict::proved);
    EXPECT_GT(result.queries, 0U);
  }
}

TEST(IommuSpec, TheSolverFindsTheSameStates) {
  for (const Bounds& bounds : {Bounds{.devices = 1,
                              .pasids = 1,
                              .tables = 0,
                              .mms = 1,
                              .clients = 1,
                              .default_domains = false,
                              .dma_pasid = false},
                               kTables}) {
    const auto executed =
        checker::explore([&] { return std::make_unique<SpecMachine<Concrete>>(bounds); });
    const checker::Relation relation{
        [&] { return std::make_unique<SpecMachine<Symbolic>>(bounds); }};
    const auto solved = checker::count_states(relation);
    ASSERT_TRUE(solved.complete) << solved.reason;
    EXPECT_EQ(solved.states, executed.states);
  }
}

}  // namespace
}  // namespace iommucheck::iommu
