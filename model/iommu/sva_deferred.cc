// SPDX-License-Identifier: MIT
// sva/deferred and its bugs: each is one change of the design.
#include "model/iommu/sva_deferred.h"

#include "model/iommu/entries.h"

namespace iommucheck::model {
namespace sva_deferred_bugs {

using DeferredBug = Bug<SvaDeferred>;

constexpr const char* kLock = "mutex_lock(&iommu_sva_lock)";
constexpr const char* kUnlock = "mutex_unlock(&iommu_sva_lock)";
constexpr const char* kDead = "domain = handle->handle.domain; iommu_mm = domain->mm->iommu_mm";
constexpr const char* kLook = "if (!refcount_read(&handle->users))";
constexpr const char* kInc = "if (refcount_inc_not_zero(&handle->users))";
constexpr const char* kRevive = "revived: refcount_set(&handle->users, 1)";

std::vector<DeferredBug> work_bugs() {
  const BoundValues one{{"threads", 1}}, faults{{"threads", 1}, {"faults", 1}};
  return {
      DeferredBug({"work-ignores-revival", "missing check", "mutant",
                   "the work does not look whether the handle was revived",
                   "hardware-follows-the-specification", one},
                  [](auto& d) {
                    auto& p = d.edit(kWork);
                    p.replace(kLook, "(not looked)",
                              [dead = p.label_at(kDead)](auto& t) { t.jump(dead); });
                  }),
      DeferredBug({"work-looks-before-lock", "check, then act", "mutant",
                   "the work looks whether the handle was revived before it takes the lock",
                   "hardware-follows-the-specification", one},
                  [](auto& d) {
                    auto& p = d.edit(kWork);
                    p.insert_before(kLock, "users = refcount_read(&handle->users)", [&d](auto& t) {
                      auto&& l = d.local(t);
                      t.when(d.iommu_sva.at(l.handle).users.read() != 0U,
                             [&] { l.ret = Err::ebusy; });
                    });
                    p.replace(kLook, "if (!users)", [&d, dead = p.label_at(kDead)](auto& t) {
                      t.when(d.local(t).ret == Err::ok, [&] { t.jump(dead); });
                    });
                  }),
      DeferredBug({"work-without-lock", "lock", "mutant", "the work takes no iommu_sva_lock",
                   "no-use-after-free", one},
                  [](auto& d) {
                    auto& p = d.edit(kWork);
                    p.drop(kLock);
                    p.replace(kUnlock, "(no lock)", [](auto&) {});
                  }),
      DeferredBug({"work-queued-twice", "use after free", "mutant",
                   "unbind queues the work of a handle that has one on its way: that one has been "
                   "taken, and frees the handle",
                   "no-use-after-free", one},
                  [](auto& d) { d.edit(kUnbind).drop("if (handle->dying)"); }),
      DeferredBug(
          {"dying-not-cleared", "leak", "mutant",
           "a work that finds the handle alive leaves it dying: the next last unbind queues "
           "none",
           "hardware-follows-the-specification", one},
          [](auto& d) {
            auto& p = d.edit(kWork);
            p.replace("handle->dying = false", "(still dying)",
                      [unlock = p.label_at(kUnlock)](auto& t) { t.jump(unlock); });
          }),
      DeferredBug({"handle-freed-before-drain", "order", "mutant",
                   "the work frees the handle before page requests are drained",
                   "no-use-after-free", faults},
                  [](auto& d) {
                    auto& p = d.edit(kWork);
                    p.insert_before(kWaitPrq, "kfree(handle) (early)", [&d](auto& t) {
                      d.set_dying(t, false);
                      d.iommu_sva.kfree(d.local(t).handle);
                    });
                    p.replace("kfree(handle)", "(freed already)", [](auto&) {});
                  }),
      DeferredBug(
          {"mm-not-held-by-work", "reference", "mutant",
           "unbind drops the mm of the domain, and with it perhaps the PASID, while the work "
           "is still to come",
           "no-use-after-free", one},
          [](auto& d) {
            d.edit(kUnbind).insert_before("queue_work(", "mmdrop(mm) (early)", [&d](auto& t) {
              auto&& l = d.local(t);
              l.mm = d.iommu_domain.at(d.iommu_sva.at(l.handle).domain).mm;
              t.when(d.mm.at(l.mm).count.dec_and_test(), [&] {
                const auto iommu_mm = d.iommu_mm_of(t, l.mm);
                d.happens(iommu::CallKind::pasid_drop, {.mm = l.mm - 1U});
                d.ida_free(t, d.pasid_of(t, iommu_mm) - 1U);
                d.iommu_mm_data.kfree(iommu_mm);
                d.mm.kfree(l.mm);
              });
            });
            d.edit(kWork).insert_before("if (!atomic_dec_and_test(&mm->mm_count)) return",
                                        "(dropped already)",
                                        [&d](auto& t) { d.mm.at(d.local(t).mm).count.inc(); });
          }),
  };
}

/// Of all devices of the group of the handle.
template <class Design, class T>
void clear_entries(Design& d, T& t) {
  for (unsigned i = 0; i < d.b.devices; ++i) {
    for (unsigned p = 0; p < d.b.pasids; ++p) {
      t.when(d.group[d.layout.group_of(i)].pasid_array.load(p) == d.local(t).handle,
             [&] { d.hardware.at(i, p).entry = 0; });
    }
  }
}

std::vector<DeferredBug> call_bugs() {
  const BoundValues one{{"threads", 1}};
  return {
      DeferredBug({"revived-from-zero", "reference", "mutant",
                   "bind increments the count of a dying handle", "refcounts", one},
                  [](auto& d) {
                    d.edit(kBind).replace(kInc, "refcount_inc(&handle->users)", [&d](auto& t) {
                      d.iommu_sva.at(d.local(t).handle).users.inc();
                      d.bind_succeeds(t);
                      t.jump(d.bind_unlock);
                    });
                  }),
      DeferredBug({"dying-handle-refused", "wrong error", "mutant",
                   "a bind that finds a dying handle fails with -EBUSY", "legal-answer", one},
                  [](auto& d) {
                    d.edit(kBind).replace(kRevive, "ret = -EBUSY", [&d](auto& t) {
                      d.bind_fails(t, Err::ebusy, d.bind_unlock);
                    });
                  }),
      DeferredBug(
          {"bind-waits-for-work", "deadlock", "mutant",
           "a bind that finds a dying handle waits for its work, with the lock that the work "
           "wants",
           "no-deadlock", one},
          [](auto& d) {
            d.edit(kBind).replace(kRevive, "flush_work(&handle->work)", [&d](auto& t) {
              d.context.wait_for(!d.is_dying(t), 1U << d.worker(0));
              t.jump(d.bind_miss);
            });
          }),
      DeferredBug({"unbind-clears-entry", "wrong translation", "mutant",
                   "the last unbind clears the PASID entry at once, and a revival does not set it",
                   "hardware-follows-the-specification", one},
                  [](auto& d) {
                    d.edit(kUnbind).insert_before("queue_work(", "the PASID entry is cleared",
                                                  [&d](auto& t) { clear_entries(d, t); });
                  }),
  };
}

std::vector<DeferredBug> bugs() {
  std::vector<DeferredBug> all = work_bugs();
  for (auto group : {call_bugs(), release_mutants<DeferredBug>()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

std::vector<BoundInfo> bounds() {
  std::vector<BoundInfo> all = common_iommu_bounds();
  std::erase_if(all, [](const BoundInfo& bound) { return bound.name == "untrusted"; });
  return all;
}

}  // namespace sva_deferred_bugs

const DesignEntry& sva_deferred() {
  static const TypedDesign<SvaDeferred, IommuBounds> kEntry{
      "sva/deferred",
      "sva/attach-handle whose last unbind leaves the detach to a worker; bind revives the handle",
      "no kernel's",
      sva_deferred_bugs::bounds(),
      to_iommu_bounds,
      sva_deferred_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
