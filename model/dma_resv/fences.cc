// SPDX-License-Identifier: MIT
// dma-resv/fences and its bugs: each is one change of the design.
#include "model/dma_resv/fences.h"

#include "model/dma_resv/entries.h"

namespace iommucheck::model {
namespace dma_resv_bugs {

using FenceBug = Bug<DmaResvFences>;

constexpr const char* kAdd = "dma_resv_add_fence";
constexpr const char* kWalk = "dma_resv_iter_walk_unlocked";

std::vector<FenceBug> bugs() {
  const BoundValues two{{"threads", 2}, {"fences", 1}};
  return {
      FenceBug({"fence-count-before-pointer",
                "memory ordering",
                "CVE-2025-38095",
                "no barrier between the pointer and the count that covers it: who walks the list "
                "sees the count first, and reads what nobody has stored",
                "no-use-after-free",
                {{"threads", 2}, {"fences", 1}, {"memory", 2}}},
               [](auto& d) { d.edit(kAdd).drop("smp_wmb()"); }),
      FenceBug({"count-stored-first", "publication order", "mutant",
                "the count is stored before the pointer that it covers", "no-use-after-free", two},
               [](auto& d) {
                 d.edit(kAdd).swap("dma_resv_list_set(fobj, i, fence, usage)",
                                   "fobj->num_fences = count");
               }),
      FenceBug({"freed-without-grace-period", "grace period", "mutant",
                "the last dma_fence_put() frees at once, while others walk the list",
                "no-use-after-free", two},
               [](auto& d) {
                 d.edit(kAdd).replace("dma_fence_put(old)", "dma_fence_put(old): kfree()",
                                      [&d](auto& t) {
                                        auto&& l = d.local(t);
                                        t.when(d.dma_fence.at(l.old).refcount.dec_and_test(),
                                               [&] { d.dma_fence.kfree(l.old); });
                                        t.jump(d.add_unlocks);
                                      });
               }),
      FenceBug({"get-of-dying-fence", "reference", "mutant",
                "who walks the list takes a reference without looking whether any is left",
                "refcounts", two},
               [](auto& d) {
                 d.edit(kWalk).replace(
                     "cursor->fence = dma_fence_get_rcu", "dma_fence_get(cursor->fence)",
                     [&d](auto& t) { d.dma_fence.at(d.local(t).fence).refcount.inc(); });
               }),
      FenceBug({"walk-without-rcu", "grace period", "mutant",
                "the list is walked outside of a reader", "no-use-after-free", two},
               [](auto& d) {
                 d.edit(kWalk).replace("rcu_read_lock()", "(no reader)", [](auto&) {});
                 d.edit(kWalk).replace("rcu_read_unlock()", "(no reader)", [](auto&) {});
               }),
      FenceBug({"add-without-lock",
                "lock",
                "mutant",
                "fences are added without the lock",
                "no-leak",
                {{"threads", 2}, {"fences", 2}}},
               [](auto& d) {
                 d.edit(kAdd).drop("dma_resv_lock(obj)");
                 d.edit(kAdd).replace("dma_resv_unlock(obj)", "(no lock)", [](auto&) {});
               }),
      FenceBug({"replaced-fence-kept",
                "reference",
                "mutant",
                "the reference of a fence that is replaced is not dropped",
                "no-leak",
                {{"threads", 1}, {"fences", 1}}},
               [](auto& d) {
                 d.edit(kAdd).replace("dma_fence_put(old)", "(left out)",
                                      [&d](auto& t) { t.jump(d.add_unlocks); });
               }),
  };
}

std::vector<BoundInfo> bounds() {
  return {{"threads", 1, 4, 2, "threads, each on a CPU of its own"},
          {"fences", 1, 3, 2, "places in the list"},
          {"calls", 0, 15, 0, "calls that each thread makes at most; 0: no limit"},
          memory_bound(),
          stores_bound(2)};
}

FenceBounds to_bounds(const BoundValues& values) {
  FenceBounds b;
  b.threads = values.at("threads");
  b.calls = values.at("calls");
  b.fences = values.at("fences");
  b.memory = static_cast<MemoryModel>(values.at("memory"));
  check_stores(values, 2);
  b.stores = values.at("stores");
  b.threads_told_apart = b.memory != MemoryModel::sc;
  return b;
}

}  // namespace dma_resv_bugs

const DesignEntry& dma_resv_fences() {
  static const TypedDesign<DmaResvFences, FenceBounds> kEntry{
      "dma-resv/fences",
      "fences are added under a lock, and walked inside an RCU reader: pointer, barrier, count",
      "6.12 drivers/dma-buf/dma-resv.c",
      dma_resv_bugs::bounds(),
      dma_resv_bugs::to_bounds,
      dma_resv_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
