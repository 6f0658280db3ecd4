// SPDX-License-Identifier: MIT
// attach/group and its bugs: each is one change of the design.
#include "model/iommu/attach_owner_bugs.h"
#include "model/iommu/entries.h"

namespace iommucheck::model {
namespace attach_group_bugs {

std::vector<AttachBug> kernel_bugs() {
  return {
      AttachBug({"reset-reattaches-freed",
                 "use after free",
                 "CVE-2026-52952",
                 "a detach during a reset is refused, and its error ignored: the domain is freed, "
                 "and the end of the reset attaches it again",
                 "no-use-after-free",
                 {{"threads", 2}, {"resets", 1}}},
                [](auto& d) {
                  d.edit(kDetach).insert_before(
                      kMoveRid, "if (group->recovery_cnt) return -EBUSY, which is ignored",
                      [&d](auto& t) {
                        t.when(d.group_at(t).recovery_cnt != 0U, [&] {
                          d.detach_returns(t);
                          t.jump(d.detach_unlock);
                        });
                      });
                }),
  };
}

std::vector<AttachBug> lock_mutants() {
  const BoundValues domains{{"threads", 2}, {"domains", 2}};
  const BoundValues resets{{"threads", 2}, {"resets", 1}};
  return {
      AttachBug({"attach-without-lock", "lock", "mutant", "attach takes no group->mutex",
                 "driver-ops-paired", domains},
                without_group_mutex(kAttach)),
      AttachBug({"detach-without-lock", "lock", "mutant", "detach takes no group->mutex",
                 "driver-ops-paired", resets},
                without_group_mutex(kDetach)),
      AttachBug({"replace-without-lock",
                 "lock",
                 "mutant",
                 "replace takes no group->mutex",
                 "driver-ops-paired",
                 {{"threads", 2}, {"domains", 2}, {"resets", 1}}},
                without_group_mutex(kReplace)),
      AttachBug({"reset-prepare-without-lock", "lock", "mutant",
                 "reset_prepare takes no group->mutex", "driver-ops-paired", resets},
                without_group_mutex(kResetPrepare)),
      AttachBug({"reset-done-without-lock", "lock", "mutant", "reset_done takes no group->mutex",
                 "old-or-new", resets},
                without_group_mutex(kResetDone)),
      AttachBug(
          {"refused-attach-keeps-lock", "lock", "mutant",
           "an attach that is refused with -EBUSY returns with the lock held", "locking", domains},
          [](auto& d) {
            d.edit(kAttach).replace(
                "if (group->domain != group->default_domain) return -EBUSY",
                "if (group->domain != group->default_domain) return -EBUSY, locked", [&d](auto& t) {
                  auto&& l = d.local(t);
                  t.when(d.group_at(t).domain != d.default_domain(t), [&] {
                    d.takes_effect(t, iommu::CallKind::attach, {.device = l.dev, .table = l.target},
                                   Err::ebusy, 0);
                    t.ret();
                  });
                });
          }),
  };
}

std::vector<AttachBug> check_mutants() {
  const BoundValues resets{{"threads", 2}, {"resets", 1}};
  return {
      AttachBug({"attach-over-another",
                 "missing check",
                 "mutant",
                 "attach does not look whether another domain is attached",
                 "legal-answer",
                 {{"threads", 1}, {"domains", 2}}},
                without_step(kAttach, "if (group->domain != group->default_domain)")),
      AttachBug({"domain-of-another-iommu",
                 "wrong translation",
                 "mutant",
                 "a domain of one kind of IOMMU is attached to a device behind another",
                 "domain-fits-device",
                 {{"threads", 1}, {"devices", 2}, {"kinds", 2}}},
                without_step(kAttach, "if (dev_iommu_ops(dev) != domain->owner)")),
      AttachBug({"detach-unchecked",
                 "missing check",
                 "mutant",
                 "detach does not look whether the domain is the attached one, and drops another's",
                 "hardware-follows-the-specification",
                 {{"threads", 1}, {"domains", 2}, {"misuse", 1}}},
                without_step(kDetach, "if (WARN_ON(domain != group->domain))")),
      AttachBug({"attach-during-reset", "missing check", "mutant",
                 "attach does not look whether a device of the group is being reset",
                 "legal-answer", resets},
                without_step(kAttach, "if (group->recovery_cnt) return -EBUSY")),
      AttachBug(
          {"reset-twice", "missing check", "mutant",
           "a second reset of a device begins during the first one", "driver-ops-paired", resets},
          without_step(kResetPrepare, "if (gdev->blocked) return -EBUSY")),
      AttachBug({"detach-unparks", "missing check", "mutant",
                 "detach attaches the default domain to a device that is being reset, too",
                 "driver-ops-paired", resets},
                [](auto& d) {
                  d.edit(kDetach).replace(
                      kMoveRid, "ops->attach_dev(), also of parked devices", [&d](auto& t) {
                        auto&& l = d.local(t);
                        d.switch_entry(l.device.value(), 0, d.group_at(t).domain.value(),
                                       l.target.value());
                      });
                }),
      AttachBug({"reset-done-to-default", "wrong translation", "mutant",
                 "the end of a reset attaches the default domain, whatever the group uses",
                 "old-or-new", resets},
                [](auto& d) {
                  d.edit(kResetDone)
                      .replace("ops->attach_dev(group->domain, dev)",
                               "ops->attach_dev(group->default_domain, dev)", [&d](auto& t) {
                                 d.switch_entry(d.local(t).device.value(), 0, 0,
                                                d.default_domain(t));
                               });
                }),
      AttachBug({"client-frees-attached",
                 "contract",
                 "mutant",
                 "a client frees a domain that is attached",
                 "contract",
                 {{"threads", 1}}},
                [](auto& d) {
                  d.edit(kFreeDomain).arguments([&d](auto& t) {
                    d.local(t).domain = d.choose_domain(t);
                  });
                }),
  };
}

std::vector<AttachBug> hotplug_mutants() {
  const BoundValues two{
      {"threads", 2}, {"devices", 2}, {"groups", 1}, {"resets", 0}, {"hotplug", 1}};
  BoundValues one = two, cached = two;
  one["threads"] = cached["threads"] = 1;
  cached["caches"] = 1;
  return {
      AttachBug({"probe-without-lock", "lock", "mutant",
                 "a device joins its group without group->mutex, while the group moves",
                 "driver-ops-paired", two},
                without_group_mutex(kProbe)),
      AttachBug({"release-without-lock", "lock", "mutant",
                 "a device leaves its group without group->mutex, while the group moves",
                 "driver-ops-paired", two},
                without_group_mutex(kRelease)),
      AttachBug({"probe-to-default", "wrong translation", "mutant",
                 "a device that joins a group gets the default domain, whatever the group uses",
                 "old-or-new", one},
                [](auto& d) {
                  d.edit(kProbe).replace(
                      "ops->attach_dev(group->domain, dev)",
                      "ops->attach_dev(group->default_domain, dev)", [&d](auto& t) {
                        d.switch_entry(d.local(t).device.value(), 0, 0, d.default_domain(t));
                      });
                }),
      AttachBug({"listed-late", "publication order", "mutant",
                 "a device that joins gets the domain of its group first, without the lock, and is "
                 "listed under it",
                 "old-or-new", two},
                [](auto& d) {
                  auto& p = d.edit(kProbe);
                  p.swap("mutex_lock(&group->mutex)", "ops->attach_dev(group->domain, dev)");
                  p.swap("list_add_tail(&gdev->list, &group->devices)",
                         "mutex_lock(&group->mutex)");
                }),
      AttachBug({"release-leaves-entry", "missing invalidation", "mutant",
                 "the entry of a device that is unplugged stays", "no-stale-translation", one},
                without_step(kRelease, "ops->release_device(dev)")),
      AttachBug({"release-leaves-caches", "missing invalidation", "mutant",
                 "the caches keep what a device that is unplugged has met", "no-stale-translation",
                 cached},
                without_step(kRelease, "ops->release_device(dev): the caches are invalidated")),
  };
}

std::vector<AttachBug> hardware_mutants() {
  const BoundValues one{{"threads", 1}};
  const BoundValues cached{{"threads", 1}, {"caches", 1}};
  return {
      AttachBug({"attach-without-invalidation", "missing invalidation", "mutant",
                 "attach changes the entry and leaves the caches",
                 "hardware-follows-the-specification", cached},
                without_step(kAttach, kMoveRidFlush)),
      AttachBug({"detach-without-invalidation", "missing invalidation", "mutant",
                 "detach changes the entry and leaves the caches",
                 "hardware-follows-the-specification", cached},
                without_step(kDetach, kMoveRidFlush)),
      AttachBug({"replace-without-invalidation",
                 "missing invalidation",
                 "mutant",
                 "replace changes the entry and leaves the caches",
                 "hardware-follows-the-specification",
                 {{"threads", 1}, {"domains", 2}, {"caches", 1}}},
                without_step(kReplace, kMoveRidFlush)),
      AttachBug({"invalidated-too-early", "order", "mutant",
                 "attach invalidates the caches before it changes the entry",
                 "hardware-follows-the-specification", cached},
                [](auto& d) { d.edit(kAttach).swap(kMoveRid, kMoveRidFlush); }),
      AttachBug(
          {"reset-keeps-caches",
           "missing invalidation",
           "mutant",
           "reset_prepare blocks the device and leaves the caches; detach does not touch a "
           "device that is blocked, and the domain is freed",
           "no-stale-translation",
           {{"threads", 2}, {"resets", 1}, {"caches", 1}}},
          without_step(kResetPrepare,
                       "ops->attach_dev(group->blocking_domain, dev): the caches are invalidated")),
      AttachBug(
          {"domain-id-kept", "reference", "mutant",
           "attach does not drop the user of the old domain's ID", "domain-ids-are-counted", one},
          [](auto& d) {
            d.edit(kAttach).insert_after(kMoveRid, "(the old ID keeps its user)", [&d](auto& t) {
              d.add_user(d.group_at(t).domain.value());
            });
          }),
      AttachBug({"domain-id-dropped-twice", "reference", "mutant",
                 "detach drops the user of the old domain's ID twice", "refcounts", one},
                [](auto& d) {
                  d.edit(kDetach).insert_after(
                      kMoveRid, "domain_detach_iommu(domain) (again)",
                      [&d](auto& t) { d.drop_user(d.local(t).domain.value()); });
                }),
  };
}

std::vector<AttachBug> bugs() {
  std::vector<AttachBug> all = kernel_bugs();
  for (auto group : {lock_mutants(), check_mutants(), hotplug_mutants(), owner_bugs(),
                     owner_mutants(), hardware_mutants()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

std::vector<BoundInfo> bounds() {
  auto all = common_attach_bounds();
  all.push_back({"misuse", 0, 1, 0, "1: clients also detach domains that are not attached"});
  all.push_back({"hotplug", 0, 1, 0, "1: devices come and go"});
  all.push_back(
      {"owners", 0, 1, 0, "1: drivers come and go, threads claim groups, default domains change"});
  return all;
}

}  // namespace attach_group_bugs

const DesignEntry& attach_group() {
  static const TypedDesign<AttachGroup, AttachBounds> kEntry{
      "attach/group",
      "group->mutex guards what the RIDs of a group are attached to; a reset parks a device",
      "6.12 drivers/iommu/iommu.c, and since 6.18 for resets",
      attach_group_bugs::bounds(),
      to_attach_bounds,
      attach_group_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
