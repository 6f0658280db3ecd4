// SPDX-License-Identifier: MIT
// ioasid/refcounted and its bugs: each is one change of the design.
#include "model/ioasid/refcounted.h"

#include "model/ioasid/entries.h"
#include "model/ioasid/shared_edits.h"

namespace iommucheck::model {
namespace refcounted_bugs {

using RefcountedBug = Bug<IoasidRefcounted>;

std::vector<RefcountedBug> bugs() {
  const BoundValues one{{"threads", 1}, {"pasids", 1}, {"sets", 1}};
  const BoundValues two{{"threads", 2}, {"pasids", 1}, {"sets", 1}};
  return {
      RefcountedBug({"get-without-lock", "lock", "mutant",
                     "ioasid_get() takes no lock: the id goes between look-up and count",
                     "no-use-after-free", two},
                    edits::without_locks("ioasid_get")),
      RefcountedBug({"put-without-lock",
                     "lock",
                     "mutant",
                     "ioasid_put() takes no lock: the count drops to zero under a get",
                     "refcounts",
                     {{"threads", 3}, {"pasids", 1}, {"sets", 1}, {"data", 0}}},
                    edits::without_locks("ioasid_put")),
      RefcountedBug({"alloc-counts-from-zero", "reference", "mutant",
                     "ioasid_alloc() does not set the count to one", "refcounts", one},
                    [](auto& d) { d.edit("ioasid_alloc").drop("refcount_set(&data->refs, 1)"); }),
      RefcountedBug({"count-set-after-publish", "publication order", "mutant",
                     "ioasid_alloc() sets the count after the id can be found, and after the lock",
                     "refcounts", two},
                    [](auto& d) {
                      auto& p = d.edit("ioasid_alloc");
                      p.drop("refcount_set(&data->refs, 1)");
                      p.replace("spin_unlock(&ioasid_allocator_lock)",
                                "spin_unlock(&ioasid_allocator_lock)",
                                [&d](auto& t) { t.unlock(d.ioasid_allocator_lock); });
                      p.insert_after("spin_unlock(&ioasid_allocator_lock)",
                                     "refcount_set(&data->refs, 1) (too late)", [&d](auto& t) {
                                       d.ioasid_data.at(d.local(t).data).refs.set(1);
                                       t.ret();
                                     });
                    }),
      RefcountedBug(
          {"get-takes-no-reference", "reference", "mutant", "ioasid_get() answers without counting",
           "xarray-is-the-truth", one},
          [](auto& d) {
            d.edit("ioasid_get")
                .replace("refcount_inc(&ioasid_data->refs)", "(no refcount_inc())", [&d](auto& t) {
                  auto&& l = d.local(t);
                  d.takes_effect(t, CallKind::get, {.client = t.self(), .id = l.id}, Err::ok, 0);
                });
          }),
      RefcountedBug({"put-frees-with-references-left", "reference", "mutant",
                     "ioasid_put() frees whatever the count says", "legal-answer", one},
                    [](auto& d) {
                      d.edit("ioasid_put")
                          .replace("free = refcount_dec_and_test(&ioasid_data->refs)",
                                   "refcount_dec(&ioasid_data->refs); free = true", [&d](auto& t) {
                                     auto&& l = d.local(t);
                                     auto&& data = d.ioasid_data.at(l.data);
                                     l.priv = data.priv;
                                     static_cast<void>(data.refs.dec_and_test());
                                   });
                    }),
      RefcountedBug({"kfree-for-kfree-rcu", "grace period", "mutant",
                     "ioasid_put() frees the ioasid_data at once", "no-use-after-free", two},
                    [](auto& d) {
                      d.edit("ioasid_put")
                          .replace("kfree_rcu(ioasid_data, rcu)", "kfree(ioasid_data)",
                                   [&d](auto& t) { d.ioasid_data.kfree(d.local(t).data); });
                    }),
      RefcountedBug({"find-without-rcu", "grace period", "mutant",
                     "ioasid_find() has no rcu_read_lock()", "no-use-after-free", two},
                    edits::kFindWithoutRcu),
      RefcountedBug({"set-data-without-synchronize-rcu", "grace period", "mutant",
                     "ioasid_set_data() returns without waiting for readers of the old data",
                     "no-use-after-free", two},
                    edits::without_synchronize_rcu("ioasid_set_data")),
      RefcountedBug({"set-data-without-lock", "lock", "mutant", "ioasid_set_data() takes no lock",
                     "no-use-after-free", two},
                    edits::without_locks("ioasid_set_data")),
      RefcountedBug(
          {"publish-before-init", "publication order", "mutant",
           "ioasid_alloc() puts the object into the xarray before its set and data are there",
           "legal-answer", two},
          edits::kPublishBeforeInit),
      RefcountedBug(
          {"drain-waits-for-new-readers", "liveness", "mutant",
           "synchronize_rcu() in ioasid_set_data() waits for readers that come later, too",
           "every-drain-ends", two},
          edits::drain_waits_for_new_readers(
              "ioasid_set_data", "synchronize_rcu() returns; client: kfree(old private)")),
      RefcountedBug({"missed-wake-up",
                     "liveness",
                     "mutant",
                     "ioasid_find() leaves its RCU section without telling those who wait for it",
                     "every-grace-period-ends",
                     {{"threads", 2}, {"pasids", 1}, {"sets", 1}, {"data", 0}}},
                    edits::kMissedWakeUp),
      RefcountedBug(
          {"put-spins-under-lock", "liveness", "mutant",
           "ioasid_put() waits, with the lock held, until nobody reads: it does so itself",
           "every-freed-id-comes-back", one},
          edits::spins_under_lock("ioasid_put", "kfree_rcu(ioasid_data, rcu)")),
  };
}

}  // namespace refcounted_bugs

const DesignEntry& ioasid_refcounted() {
  static const TypedDesign<IoasidRefcounted, IoasidBounds> kEntry{
      "ioasid/refcounted",
      "a reference count for each id, taken and dropped under the lock",
      "v5.11 to v5.17; commit 24e3bb7429bd",
      common_ioasid_bounds(),
      to_ioasid_bounds,
      refcounted_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
