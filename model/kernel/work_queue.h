// SPDX-License-Identifier: MIT
// WorkQueue: work items, one in each object of a pool, and the worker that takes them.
//
//   WorkQueue<D> wq{*this, "wq", sorts.handles};
//   step "queue_work(wq, &handle->work)":  wq.queue_work(handle);
//   worker's first step:                   l.handle = wq.take(t);
//
// As the kernel's: an item that is queued already is not queued twice; one that has been taken can
// be queued again while it runs.  Items are taken one at a time, in any order.  While one is queued
// the design does not rest, so that what has to be true when no call is under way need not be true
// yet.  The object may be freed while its item is queued: whoever takes it then touches it.
#ifndef IOMMUCHECK_MODEL_KERNEL_WORK_QUEUE_H
#define IOMMUCHECK_MODEL_KERNEL_WORK_QUEUE_H

#include "model/kernel/cpu.h"

namespace iommucheck::model {

template <class D>
class WorkQueue {
 public:
  /// `pool`: the sort of the objects.  They are named by pointers, as in a Heap: 1 + the number.
  WorkQueue(Design<D>& design, std::string_view name, Sort pool)
      : size_(pool.size),
        scope_(design.root()),
        queued_(scope_, name, (1U << pool.size) - 1, mask_format().of(pool)) {
    design.rests_only_if([this] { return empty(); });
  }
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  void queue_work(Val<D> object) const { set(object, true); }
  /// The worker's first step: one of those that are queued.
  Val<D> take(Cpu<D>& t) const {
    const Val<D> object = t.choose(size_, "work") + 1U;
    t.require(is_queued(object));
    set(object, false);
    return object;
  }
  /// cancel_work() of an item that has not been taken.
  void cancel(Val<D> object) const { set(object, false); }
  Bool<D> is_queued(Val<D> object) const {
    return any_of<D>(size_, [&](unsigned k) { return object == k + 1 && has_bit(queued_, k); });
  }
  Bool<D> empty() const { return queued_ == 0U; }

 private:
  void set(Val<D> object, bool on) const {
    queued_ = sum_of<D>(size_, [&](unsigned k) {
      const Bool<D> is =
          (object == k + 1 && Bool<D>(on)) || (object != k + 1 && has_bit(queued_, k));
      return select(is, Val<D>(1U << k), Val<D>(0));
    });
  }

  unsigned size_;
  Scope<D> scope_;
  Var<D> queued_;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_KERNEL_WORK_QUEUE_H
