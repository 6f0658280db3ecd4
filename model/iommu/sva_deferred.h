// SPDX-License-Identifier: MIT
// sva/deferred: sva/attach-handle whose last unbind does not detach.  It marks the handle dying,
// queues work and returns; a worker detaches the PASID, drops the domain and frees the handle.
//
// A bind that finds a dying handle revives it (users 0 -> 1), and the work finds it alive.  It
// cannot wait for the work instead: the work wants iommu_sva_lock, and a bind that drops the lock
// to wait has to begin again, and may find the next dying handle (--bug bind-waits-for-work).  The
// PASID entry of a dying handle is still there, so that reviving costs one store; it leads to the
// mm, whose struct and PASID the domain holds until the worker has dropped it.
//
// handle->dying is written under iommu_sva_lock, and means that a work is on its way which has not
// looked yet.  It outlives a revival: a work that has been taken and waits for the lock can be
// queued once more, and would find its handle freed.
//
// unbind takes effect where the last user goes.  The entry is there until the worker comes, so that
// it is compared with the specification when no work is queued; what makes that right is the
// driver's promise that the device has stopped.  There is no --untrusted, and whoever unplugs a
// device would have to flush the work first: no --hotplug.
#ifndef IOMMUCHECK_MODEL_IOMMU_SVA_DEFERRED_H
#define IOMMUCHECK_MODEL_IOMMU_SVA_DEFERRED_H

#include "model/iommu/sva_attach_handle.h"
#include "model/iommu/sva_edits.h"
#include "model/kernel/work_queue.h"

namespace iommucheck::model {

inline constexpr const char* kWork = "iommu_sva_teardown_work";

template <class D>
class SvaDeferred : public SvaAttachHandle<D> {
 public:
  using Base = SvaAttachHandle<D>;
  using Base::b, Base::iommu_domain, Base::iommu_sva, Base::iommu_sva_lock, Base::local;
  using typename Base::B, typename Base::T, typename Base::V;

  explicit SvaDeferred(const IommuBounds& bounds)
      : Base(with_worker(bounds)),
        dying(*this, "dying", (1U << b.handles()) - 1, mask_format().of(Base::sorts.handles)),
        work(*this, "work_queue", Base::sorts.handles) {
    revive();
    defer();
    build_work();
  }

  /// handle->dying.
  B is_dying(T& t) const {
    const V handle = local(t).handle;
    iommu_sva.touch(handle);
    return any_of<D>(b.handles(), [&](unsigned k) { return handle == k + 1 && has_bit(dying, k); });
  }
  void set_dying(T& t, bool on) {
    iommu_sva.touch(local(t).handle);
    dying = this->with_element(dying, b.handles(), local(t).handle, on);
  }
  void put_takes_effect(T& t) override {
    if (!this->is_worker(t.self())) this->unbind_succeeds(t);
  }

  Var<D> dying;       ///< the handles whose work is on its way
  WorkQueue<D> work;  ///< handle->work

 private:
  static IommuBounds with_worker(IommuBounds b) {
    b.workers = {"teardown"};
    b.deferred = true;
    return b;
  }

  void revive() {
    auto& p = this->edit(kBind);
    p.replace("refcount_inc(&handle->users)", "if (refcount_inc_not_zero(&handle->users))",
              [this](T& t) {
                t.when(iommu_sva.at(local(t).handle).users.inc_not_zero(), [&] {
                  this->bind_succeeds(t);
                  t.jump(this->bind_unlock);
                });
              });
    p.insert_after("if (refcount_inc_not_zero(&handle->users))",
                   "revived: refcount_set(&handle->users, 1)", [this](T& t) {
                     iommu_sva.at(local(t).handle).users.set(1);
                     this->bind_succeeds(t);
                     t.jump(this->bind_unlock);
                   });
  }

  /// iommu_sva_unbind_device(handle), in place of the one that is there but for its arguments.
  void defer() {
    auto& p = this->edit(kUnbind);
    const auto unlock = p.label();
    p.begin_anew();
    p.step("mutex_lock(&iommu_sva_lock)", [this](T& t) { t.lock(iommu_sva_lock); });
    p.step("if (!refcount_dec_and_test(&handle->users))", [=, this](T& t) {
      this->unbind_succeeds(t);
      t.when(!iommu_sva.at(local(t).handle).users.dec_and_test(), [&] { t.jump(unlock); });
    });
    p.step("if (handle->dying)", [=, this](T& t) { t.when(is_dying(t), [&] { t.jump(unlock); }); });
    p.step("handle->dying = true", [this](T& t) { set_dying(t, true); });
    p.step("queue_work(iommu_sva_wq, &handle->work)", [this](T& t) {
      iommu_sva.touch(local(t).handle);
      work.queue_work(local(t).handle);
    });
    p.place(unlock);
    p.step("mutex_unlock(&iommu_sva_lock)", [this](T& t) { t.unlock(iommu_sva_lock); });
  }

  void build_work() {
    auto& p = this->worker_program(0, kWork);
    const auto dead = p.label();
    const auto unlock = p.label();
    const auto free_handle = p.label();
    p.step("take a work from the work queue", [this](T& t) { local(t).handle = work.take(t); });
    p.step("mutex_lock(&iommu_sva_lock)", [this](T& t) { t.lock(iommu_sva_lock); });
    p.step("if (!refcount_read(&handle->users))", [=, this](T& t) {
      t.when(iommu_sva.at(local(t).handle).users.read() == 0U, [&] { t.jump(dead); });
    });
    p.step("handle->dying = false", [=, this](T& t) {
      set_dying(t, false);
      t.jump(unlock);
    });
    p.place(dead);
    p.step("domain = handle->handle.domain; iommu_mm = domain->mm->iommu_mm; group = handle->group",
           [this](T& t) {
             auto&& l = local(t);
             l.domain = iommu_sva.at(l.handle).domain;
             l.mm = iommu_domain.at(l.domain).mm;
             l.iommu_mm = this->iommu_mm_of(t, l.mm);
             l.pasid = this->pasid_of(t, l.iommu_mm) - 1U;
             this->use_device(t, this->dev_of(t, l.handle));
           });
    p.call("iommu_detach_device_pasid", [&] { this->build_detach(p); });
    this->build_put_domain(p, free_handle);
    p.place(free_handle);
    p.step("kfree(handle)", [this](T& t) {
      set_dying(t, false);
      iommu_sva.kfree(local(t).handle);
    });
    p.place(unlock);
    p.step("mutex_unlock(&iommu_sva_lock)", [this](T& t) { t.unlock(iommu_sva_lock); });
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_SVA_DEFERRED_H
