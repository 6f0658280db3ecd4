// SPDX-License-Identifier: MIT
// ioasid/plain and its bugs: each is one change of the design.
#include "model/ioasid/plain.h"

#include "model/ioasid/entries.h"
#include "model/ioasid/shared_edits.h"

namespace iommucheck::model {
namespace plain_bugs {

using PlainBug = Bug<IoasidPlain>;

template <class D>
using T = Cpu<D>;

std::vector<PlainBug> bugs() {
  const BoundValues one{{"threads", 1}, {"pasids", 1}, {"sets", 1}};
  const BoundValues two{{"threads", 2}, {"pasids", 1}, {"sets", 1}};
  const BoundValues custom{
      {"threads", 2}, {"pasids", 1}, {"sets", 1}, {"data", 0}, {"allocators", 1}};
  const char* const wait = "synchronize_rcu() returns; client: kfree(old private)";
  return {
      PlainBug({"set-check-missing",
                "isolation",
                "the mail of 2019-02: a look-up must not get another owner's data",
                "ioasid_find() does not compare the set",
                "legal-answer",
                {{"threads", 1}, {"pasids", 1}, {"sets", 2}}},
               edits::kSetCheckMissing),
      PlainBug(
          {"data-not-there-yet", "incomplete publication",
           "the mail of 2019-02; 6.1 drivers/iommu/ioasid.c calls getter(priv) whatever priv is",
           "ioasid_find() runs the getter before the private data is attached", "no-use-after-free",
           one},
          edits::kDataNotThereYet),
      PlainBug({"find-without-rcu", "grace period", "mutant",
                "ioasid_find() has no rcu_read_lock()", "no-use-after-free", two},
               edits::kFindWithoutRcu),
      PlainBug({"allocator-loaded-before-rcu", "grace period", "mutant",
                "ioasid_find() loads active_allocator before rcu_read_lock()", "no-use-after-free",
                custom},
               [](auto& d) {
                 d.edit("ioasid_find")
                     .swap("rcu_read_lock()", "idata = rcu_dereference(active_allocator)");
               }),
      PlainBug({"kfree-for-kfree-rcu", "grace period", "mutant",
                "ioasid_free() frees the ioasid_data at once", "no-use-after-free", two},
               [](auto& d) {
                 d.edit("ioasid_free")
                     .replace("kfree_rcu(ioasid_data, rcu)", "kfree(ioasid_data)",
                              [&d](auto& t) { d.ioasid_data.kfree(d.local(t).data); });
               }),
      PlainBug(
          {"private-freed-after-free", "grace period",
           "6.1 kernel/fork.c: __mmdrop() frees the mm right after ioasid_free(), with no grace period",
           "the client frees its private data when ioasid_free() returns", "no-use-after-free",
           two},
          [](auto& d) {
            d.edit("ioasid_free")
                .replace("spin_unlock(&ioasid_allocator_lock); client: kfree_rcu(private)",
                         "spin_unlock(&ioasid_allocator_lock); client: kfree(private)",
                         [&d](auto& t) {
                           t.unlock(d.ioasid_allocator_lock);
                           d.free_private(d.local(t).priv);
                         });
          }),
      PlainBug({"set-data-without-synchronize-rcu", "grace period", "mutant",
                "ioasid_set_data() returns without waiting for readers of the old data",
                "no-use-after-free", two},
               edits::without_synchronize_rcu("ioasid_set_data")),
      PlainBug({"synchronize-rcu-under-lock",
                "sleep in atomic",
                "mutant",
                "ioasid_set_data() waits for the grace period before it releases the lock",
                "locking",
                {{"threads", 1}, {"pasids", 1}, {"sets", 1}}},
               [](auto& d) {
                 d.edit("ioasid_set_data")
                     .insert_before("spin_unlock(&ioasid_allocator_lock)",
                                    "synchronize_rcu() (too early)",
                                    [](auto& t) { t.synchronize_rcu_begin(); });
               }),
      PlainBug({"publish-before-init", "publication order", "mutant",
                "ioasid_alloc() puts the object into the xarray before its set and data are there",
                "legal-answer", two},
               edits::kPublishBeforeInit),
      PlainBug({"free-without-lock", "lock", "mutant", "ioasid_free() takes no lock",
                "no-use-after-free", two},
               edits::without_locks("ioasid_free")),
      PlainBug({"set-data-without-lock", "lock", "mutant", "ioasid_set_data() takes no lock",
                "no-use-after-free", two},
               edits::without_locks("ioasid_set_data")),
      PlainBug(
          {"alloc-without-lock", "lock", "mutant",
           "ioasid_alloc() takes no lock: the allocator changes under it", "legal-answer", custom},
          edits::without_locks("ioasid_alloc")),
      PlainBug({"register-without-lock", "lock", "mutant",
                "ioasid_register_allocator() takes no lock", "legal-answer", custom},
               edits::without_locks("ioasid_register_allocator")),
      PlainBug({"unregister-without-lock", "lock", "mutant",
                "ioasid_unregister_allocator() takes no lock", "legal-answer", custom},
               edits::without_locks("ioasid_unregister_allocator")),
      PlainBug({"unregister-with-ids-out",
                "contract",
                "6.1 drivers/iommu/ioasid.c, rule 3: such ids are lost and orphaned (WARN_ON)",
                "a client unregisters its allocator while ids of it are out",
                "contract",
                {{"threads", 1}, {"pasids", 1}, {"sets", 1}, {"data", 0}, {"allocators", 1}}},
               [](auto& d) {
                 d.edit("ioasid_unregister_allocator").arguments([&d](auto& t) {
                   t.require(d.active() != 0U);
                 });
               }),
      PlainBug({"allocator-kfree-for-kfree-rcu", "grace period", "mutant",
                "ioasid_unregister_allocator() frees the allocator at once", "no-use-after-free",
                custom},
               [](auto& d) {
                 d.edit("ioasid_unregister_allocator")
                     .replace("kfree_rcu(pallocator, rcu)", "kfree(pallocator)",
                              [&d](auto& t) { d.allocator_data.kfree(d.local(t).idata); });
               }),
      PlainBug(
          {"allocator-freed-before-switch", "publication order", "mutant",
           "ioasid_unregister_allocator() frees the allocator before it switches to the default one",
           "no-use-after-free", custom},
          [](auto& d) {
            d.edit("ioasid_unregister_allocator")
                .insert_before("rcu_assign_pointer(active_allocator, &default_allocator)",
                               "kfree_rcu(pallocator, rcu) (too early)", [&d](auto& t) {
                                 d.allocator_data.kfree_rcu(d.active());
                                 static_cast<void>(t);
                               });
          }),
      PlainBug(
          {"erase-after-free", "publication order", "mutant",
           "ioasid_free() hands the object to kfree_rcu() before it takes it out of the xarray",
           "no-use-after-free", two},
          [](auto& d) {
            auto& p = d.edit("ioasid_free");
            p.insert_before("ioasid_data = xa_erase(&active_allocator->xa, ioasid)",
                            "kfree_rcu(ioasid_data, rcu) (too early)",
                            [&d](auto& t) { d.ioasid_data.kfree_rcu(d.local(t).data); });
            p.drop("kfree_rcu(ioasid_data, rcu)");
          }),
      PlainBug({"failed-alloc-leaks", "wrong error path", "mutant",
                "ioasid_alloc() forgets kfree(data) when no id is left", "objects-reachable", one},
               [](auto& d) {
                 d.edit("ioasid_alloc")
                     .replace("exit_free: spin_unlock",
                              "exit_free: spin_unlock(&ioasid_allocator_lock)", [&d](auto& t) {
                                t.unlock(d.ioasid_allocator_lock);
                                d.free_private(d.local(t).priv);
                              });
               }),
      PlainBug(
          {"unknown-id-returns-locked", "wrong error path", "mutant",
           "ioasid_free() of an unknown id returns with the lock held", "locking", one},
          [](auto& d) {
            d.edit("ioasid_free")
                .replace(
                    "ioasid_data = xa_load(&active_allocator->xa, ioasid)",
                    "ioasid_data = xa_load(&active_allocator->xa, ioasid); if (!ioasid_data) return",
                    [&d](auto& t) {
                      auto&& l = d.local(t);
                      l.id = t.choose(d.b.pasids, "ioasid");
                      l.data = d.load_active(l.id);
                      t.when(l.data == 0U, [&] {
                        d.takes_effect(t, CallKind::free, {.id = l.id}, Err::ok, 0);
                        t.ret();
                      });
                    });
          }),
      PlainBug({"drain-waits-for-new-readers", "liveness", "mutant",
                "synchronize_rcu() in ioasid_set_data() waits for readers that come later, too",
                "every-drain-ends", two},
               edits::drain_waits_for_new_readers("ioasid_set_data", wait)),
      PlainBug({"missed-wake-up",
                "liveness",
                "mutant",
                "ioasid_find() leaves its RCU section without telling those who wait for it",
                "every-grace-period-ends",
                {{"threads", 2}, {"pasids", 1}, {"sets", 1}, {"data", 0}}},
               edits::kMissedWakeUp),
      PlainBug({"find-waits-for-data", "liveness", "mutant",
                "ioasid_find() looks again and again until private data is attached",
                "every-call-returns", one},
               edits::kFindWaitsForData),
      PlainBug({"free-spins-under-lock", "liveness", "mutant",
                "ioasid_free() waits, with the lock held, until nobody reads: it does so itself",
                "every-freed-id-comes-back", one},
               edits::spins_under_lock("ioasid_free", "kfree_rcu(ioasid_data, rcu)")),
      PlainBug({"free-from-interrupt",
                "deadlock",
                "mutant",
                "an interrupt handler calls ioasid_free(), whose lock is not taken with irqsave",
                "no-deadlock",
                {{"threads", 1}, {"pasids", 1}, {"sets", 1}, {"interrupts", 1}}},
               [](auto& d) { d.build_free(d.interrupt_program("ioasid_free")); }),
  };
}

}  // namespace plain_bugs

const DesignEntry& ioasid_plain() {
  static const TypedDesign<IoasidPlain, IoasidBounds> kEntry{
      "ioasid/plain",
      "one spinlock, look-ups under RCU, no reference counts",
      "v5.5 to v5.10 and v5.18 to v6.2; 6.1 drivers/iommu/ioasid.c",
      [] {
        auto bounds = common_ioasid_bounds();
        bounds.push_back({"allocators", 0, 1, 0, "custom allocators that come and go"});
        return bounds;
      }(),
      to_ioasid_bounds,
      plain_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
