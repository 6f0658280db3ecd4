// SPDX-License-Identifier: MIT
// dma-resv/fences: the fences of a DMA-BUF, added under a lock and walked without.
// 6.12 drivers/dma-buf/dma-resv.c; the list does not grow (dma_resv_reserve_fences()).
#ifndef IOMMUCHECK_MODEL_DMA_RESV_FENCES_H
#define IOMMUCHECK_MODEL_DMA_RESV_FENCES_H

#include "model/kernel/call_locals.h"
#include "model/kernel/heap.h"
#include "model/kernel/locks.h"
#include "model/kernel/refcount.h"
#include "model/kernel/store_buffers.h"

namespace iommucheck::model {

struct FenceBounds : ProcessBounds {
  unsigned fences = 2;  ///< places in the list; 1 .. 3
  MemoryModel memory = MemoryModel::sc;
  unsigned stores = 2;  ///< that wait at once

  /// In memory at once: listed, being added, replaced and still looked at.
  unsigned objects() const { return fences + 2; }
};

/// struct dma_fence.
template <class D>
struct DmaFence : HeapObject<D> {
  DmaFence(Scope<D> scope, unsigned processes, const Design<D>* design, const FenceBounds& b)
      : HeapObject<D>(std::move(scope), processes),
        refcount(*this, "refcount", *design, 2 + b.threads),
        signaled(*this, "signaled") {}
  Refcount<D> refcount;
  Flag<D> signaled;  ///< the engine is done with the buffer
};

/// struct dma_resv_list.
template <class D>
struct FenceList : Record<D> {
  FenceList(Scope<D> scope, const FenceBounds& b)
      : Record<D>(std::move(scope)),
        num_fences(*this, "num_fences", b.fences),
        table(*this, "table", b.fences, b.objects(), pointer_to("dma_fence")) {}
  Var<D> num_fences;
  Array<D, Var<D>> table;
};

template <class D>
struct FenceLocals : Record<D> {
  FenceLocals(Scope<D> scope, const FenceBounds& b)
      : Record<D>(std::move(scope)),
        fence(*this, "fence", b.objects(), pointer_to("dma_fence")),
        old(*this, "old", b.objects(), pointer_to("dma_fence")),
        count(*this, "count", b.fences),
        i(*this, "i", b.fences) {}
  Var<D> fence, old, count, i;
};

template <class D>
class DmaResvFences : public Design<D> {
 public:
  using T = Cpu<D>;
  using V = Val<D>;

  explicit DmaResvFences(const FenceBounds& bounds)
      : Design<D>(bounds),
        b(bounds),
        lock(*this, "obj->lock"),
        fobj(this->root().child("fobj"), b),
        dma_fence(*this, "dma_fence", b.objects(), static_cast<const Design<D>*>(this), b),
        memory(
            *this, shape(b),
            [this](unsigned at) {
              return at == 0 ? fobj.num_fences.value() : fobj.table[at - 1].value();
            },
            [this](unsigned at, V value) {
              if (at == 0) {
                fobj.num_fences = value;
              } else {
                fobj.table[at - 1] = value;
              }
            }),
        local(*this, b) {
    build_add();
    build_walk();
    build_signal();
    this->property("no-leak", "When no call runs, each fence in memory is in the list.", [this] {
      const auto idle = [this](unsigned i) {
        return this->thread()[i].pc == 0U && this->stores_are_visible(i);
      };
      return !all_of<D>(b.threads, idle) || all_of<D>(b.objects(), [this](unsigned f) {
        return dma_fence.object(f).life != Life::live || in_list(f + 1);
      });
    });
  }

  // Locations of the list: what others read without the lock.
  static V num_fences() { return 0; }
  static V entry(V i) { return i + 1U; }

  /// dma_fence_put().
  void put(T& t, V fence) {
    memory.smp_mb(t);
    t.when(dma_fence.at(fence).refcount.dec_and_test(), [&] { dma_fence.kfree_rcu(fence); });
  }

  const FenceBounds b;
  Mutex<D> lock;
  FenceList<D> fobj;
  Heap<D, DmaFence<D>> dma_fence;
  StoreBuffers<D> memory;
  CallLocals<D, FenceLocals<D>> local;
  Label add_unlocks;  ///< for bugs that leave something out before it

 private:
  static StoreBufferShape shape(const FenceBounds& b) {
    StoreBufferShape shape{
        .memory = b.memory, .stores = b.stores, .numbers = {"fobj->num_fences"}, .max = b.fences};
    for (unsigned i = 0; i < b.fences; ++i)
      shape.pointers.push_back(fmt::format("fobj->table[{}]", i));
    shape.objects = b.objects();
    shape.pool = "dma_fence";
    return shape;
  }
  Bool<D> in_list(unsigned fence) const {
    return any_of<D>(b.fences, [&](unsigned i) { return fobj.table[i] == fence; });
  }

  void build_add() {
    auto& p = this->program("dma_resv_add_fence");
    const auto next = p.label();
    const auto append = p.label();
    p.step("dma_resv_lock(obj)", [this](T& t) { t.lock(lock); });
    p.step("if (dma_resv_reserve_fences(obj, 1)) goto unlock", [=, this](T& t) {
      // A longer list is not to be had; a signaled fence can be replaced.
      const auto full = all_of<D>(b.fences, [&](unsigned i) { return fobj.table[i] != 0U; });
      const auto replaceable = any_of<D>(
          b.objects(), [&](unsigned f) { return in_list(f + 1) && dma_fence.object(f).signaled; });
      t.when(full && !replaceable, [&] { t.jump(add_unlocks); });
    });
    p.step("dma_fence_get(fence); count = fobj->num_fences", [=, this](T& t) {
      auto&& l = local(t);
      l.fence = dma_fence.kzalloc();
      t.require(l.fence != 0U);
      dma_fence.at(l.fence).refcount.set(1);
      l.count = memory.read_once(t, num_fences());
      t.when(l.count == 0U, [&] { t.jump(append); });
    });
    p.place(next);
    p.step("if (dma_fence_is_signaled(old)) dma_resv_list_set(fobj, i, fence, usage)",
           [=, this](T& t) {
             auto&& l = local(t);
             l.old = memory.read_once(t, entry(l.i));
             t.when(
                 dma_fence.at(l.old).signaled, [&] { memory.write_once(t, entry(l.i), l.fence); },
                 [&] {
                   l.i += 1;
                   t.when(
                       l.i == l.count, [&] { t.jump(append); }, [&] { t.jump(next); });
                 });
           });
    p.step("dma_fence_put(old)", [=, this](T& t) {
      put(t, local(t).old);
      t.jump(add_unlocks);
    });
    p.place(append);
    p.step("dma_resv_list_set(fobj, i, fence, usage)", [this](T& t) {
      auto&& l = local(t);
      memory.write_once(t, entry(l.count), l.fence);
    });
    p.step("smp_wmb()", [this](T& t) { memory.smp_wmb(t); });
    p.step("fobj->num_fences = count",
           [this](T& t) { memory.write_once(t, num_fences(), local(t).count + 1U); });
    p.place(add_unlocks);
    p.step("dma_resv_unlock(obj)", [this](T& t) { t.unlock(lock); });
  }

  /// One round over all fences, without the lock.
  void build_walk() {
    auto& p = this->program("dma_resv_iter_walk_unlocked");
    const auto restart = p.label();
    const auto next = p.label();
    const auto done = p.label();
    p.step("rcu_read_lock()", [](T& t) { t.rcu_read_lock(); });
    p.place(restart);
    p.step("cursor->num_fences = cursor->fences->num_fences", [this](T& t) {
      auto&& l = local(t);
      l.i = 0;
      l.count = memory.read_once(t, num_fences());
    });
    p.place(next);
    p.step("dma_resv_list_entry(cursor->fences, cursor->index++, ...)", [=, this](T& t) {
      auto&& l = local(t);
      t.when(
          l.i == l.count, [&] { t.jump(done); },
          [&] {
            l.fence = memory.read_once(t, entry(l.i));
            l.i += 1;
          });
    });
    p.step("cursor->fence = dma_fence_get_rcu(cursor->fence)", [=, this](T& t) {
      t.when(!dma_fence.at(local(t).fence).refcount.inc_not_zero(), [&] { t.jump(restart); });
    });
    p.step("dma_fence_is_signaled(cursor->fence); dma_fence_put(cursor->fence)", [=, this](T& t) {
      auto&& l = local(t);
      put(t, l.fence);
      l.fence = 0;
      t.jump(next);
    });
    p.place(done);
    p.step("rcu_read_unlock()", [](T& t) { t.rcu_read_unlock(); });
  }

  void build_signal() {
    auto& p = this->program("dma_fence_signal");
    p.step("set_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags)", [this](T& t) {
      auto&& l = local(t);
      l.i = t.choose(b.fences, "i");
      l.fence = fobj.table[V(l.i)];
      t.require(l.fence != 0U && dma_fence.is_live(l.fence));
      t.require(!dma_fence.at(l.fence).signaled);
      dma_fence.at(l.fence).signaled = true;
    });
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_DMA_RESV_FENCES_H
