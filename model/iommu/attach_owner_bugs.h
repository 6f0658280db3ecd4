// SPDX-License-Identifier: MIT
// Bugs of attach/group with --owners 1: each is one change of the design.
#ifndef IOMMUCHECK_MODEL_IOMMU_ATTACH_OWNER_BUGS_H
#define IOMMUCHECK_MODEL_IOMMU_ATTACH_OWNER_BUGS_H

#include "model/iommu/attach_edits.h"
#include "model/iommu/group_owner.h"
#include "model/registry.h"

namespace iommucheck::model::attach_group_bugs {

using AttachBug = Bug<AttachGroup>;

inline const BoundValues kOwners{{"threads", 2}, {"devices", 2}, {"groups", 1},
                                 {"domains", 1}, {"resets", 0},  {"owners", 1}};
inline BoundValues owners_and(const char* name, unsigned value) {
  BoundValues bounds = kOwners;
  bounds[name] = value;
  return bounds;
}

inline std::vector<AttachBug> owner_bugs() {
  return {
      AttachBug(
          {"detach-counts-devices", "use after free",
           "6.12 iommu_detach_device() (docs/domains.md)",
           "a driver attaches its domain while its device is alone in the group; another device is "
           "plugged in, and the detach warns and does nothing: the domain is freed where it is "
           "attached",
           "no-stale-translation", owners_and("hotplug", 1)},
          [](auto& d) { d.detach_counting_devices(); }),
      AttachBug({"detach-unblocks", "wrong translation", "mutant",
                 "a detach gives the group its default domain back although it is claimed",
                 "claimed-group-is-isolated", kOwners},
                [](auto& d) {
                  d.edit(kDetach).replace(
                      d.kCoreDomain, "new_domain = group->default_domain",
                      [&d](auto& t) { d.local(t).target = d.default_domain(t); });
                }),
      AttachBug({"claim-leaves-default-domain", "wrong translation", "mutant",
                 "a group is claimed, and meets its default domain until something is attached",
                 "claimed-group-is-isolated", kOwners},
                [](auto& d) {
                  auto& p = d.edit(kClaim);
                  p.replace(kMoveRid, "(left out)", [](auto&) {});
                  p.replace("group->domain = new_domain", "(left out)", [](auto&) {});
                }),
      AttachBug({"claim-keeps-caches", "missing invalidation", "mutant",
                 "a group is claimed, and its caches keep the default domain",
                 "claimed-group-is-isolated", owners_and("caches", 1)},
                without_step(kClaim, kMoveRidFlush)),
      AttachBug(
          {"release-leaves-domain", "use after free", "mutant",
           "the owner leaves, and what it had attached stays", "no-stale-translation", kOwners},
          without_step(kReleaseOwner, kMoveRid)),
      AttachBug({"default-domain-of-a-driver", "use after free", "mutant",
                 "the default domain changes although a driver of the group maps into it",
                 "no-use-after-free", kOwners},
                without_step(kChangeDefault, "if (list_empty(&group->devices)")),
      AttachBug({"default-domain-freed-early", "use after free", "mutant",
                 "the old default domain is freed before the devices have left it",
                 "no-stale-translation", kOwners},
                [](auto& d) {
                  auto& p = d.edit(kChangeDefault);
                  p.replace("iommu_domain_free(old_dom)", "(left out)", [](auto&) {});
                  p.insert_before(kMoveRid, "iommu_domain_free(old_dom)", [&d](auto& t) {
                    auto&& l = d.local(t);
                    t.when(l.domain != 0U, [&] {
                      d.iommu_domain.kfree(l.domain.value());
                      l.domain = 0;
                    });
                  });
                }),
      AttachBug({"default-domain-leaks", "leak", "mutant", "the old default domain is not freed",
                 "in-range", kOwners},
                without_step(kChangeDefault, "iommu_domain_free(old_dom)")),
      AttachBug({"default-domain-in-a-reset",
                 "missing check",
                 "mutant",
                 "the default domain changes while a device of the group is being reset",
                 "legal-answer",
                 {{"threads", 2}, {"domains", 1}, {"owners", 1}}},
                without_step(kChangeDefault, "if (group->recovery_cnt)")),
      AttachBug({"claim-in-a-reset", "missing check", "mutant",
                 "a group is claimed while a device of it is being reset", "legal-answer",
                 owners_and("resets", 1)},
                without_step(kClaim, "if (group->recovery_cnt)")),
  };
}

inline std::vector<AttachBug> owner_mutants() {
  return {
      AttachBug({"use-without-lock", "lock", "mutant",
                 "a driver is bound without group->mutex, while somebody claims the group",
                 "legal-answer", kOwners},
                without_group_mutex(kUse)),
      AttachBug({"unuse-without-lock", "lock", "mutant",
                 "a driver is unbound without group->mutex: a thread under the lock sees two "
                 "numbers of users",
                 "legal-answer", kOwners},
                without_group_mutex(kUnuse)),
      AttachBug({"claim-without-lock", "lock", "mutant", "a claim takes no group->mutex",
                 "legal-answer", kOwners},
                without_group_mutex(kClaim)),
      AttachBug({"release-owner-without-lock", "lock", "mutant", "a release takes no group->mutex",
                 "legal-answer", kOwners},
                without_group_mutex(kReleaseOwner)),
      AttachBug(
          {"change-without-lock", "lock", "mutant",
           "the default domain changes without group->mutex, twice at once", "in-range", kOwners},
          without_group_mutex(kChangeDefault)),
      AttachBug({"use-of-a-claimed-group", "isolation", "mutant",
                 "a driver is bound to a device of a group that somebody has claimed",
                 "legal-answer", kOwners},
                without_step(kUse, "if (group->owner_cnt &&")),
      AttachBug({"claim-of-a-claimed-group", "isolation", "mutant",
                 "a second client claims the group of another one", "legal-answer", kOwners},
                without_step(kClaim, "if (group->owner != owner) return -EPERM")),
      AttachBug({"claim-over-a-driver", "isolation", "mutant",
                 "a group is claimed although a driver uses it: its DMA is blocked",
                 "driver-keeps-its-default-domain", kOwners},
                [](auto& d) {
                  d.edit(kClaim).replace(
                      "if (group->owner_cnt)", "if (group->owner)", [&d](auto& t) {
                        t.when(d.group_at(t).owner == 0U, [&] { t.jump(d.claim_take); });
                      });
                }),
      AttachBug({"claim-counted-once", "reference", "mutant",
                 "a second claim of the same owner is not counted: the first release gives the "
                 "group up",
                 "legal-answer", kOwners},
                [](auto& d) {
                  d.edit(kClaim).replace("group->owner_cnt++", "(not counted)", [&d](auto& t) {
                    d.claim_succeeds(t);
                    t.jump(d.claim_unlock);
                  });
                }),
      AttachBug({"attach-beside-a-driver", "wrong translation", "mutant",
                 "a driver attaches its own domain to a group in which another driver is bound",
                 "legal-answer", kOwners},
                without_step(kAttach, "if (list_count_nodes(&group->devices) != 1)")),
      AttachBug({"owner-stays", "reference", "mutant",
                 "the last release leaves group->owner: nobody can use the group any more",
                 "legal-answer", kOwners},
                [](auto& d) {
                  d.edit(kReleaseOwner)
                      .insert_after("group->owner_cnt = 0; group->owner = NULL",
                                    "(group->owner_cnt stays)",
                                    [&d](auto& t) { d.group_at(t).owner_cnt = 1; });
                }),
  };
}

}  // namespace iommucheck::model::attach_group_bugs

#endif  // IOMMUCHECK_MODEL_IOMMU_ATTACH_OWNER_BUGS_H
