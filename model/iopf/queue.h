// SPDX-License-Identifier: MIT
// iopf/queue: page requests from the device's queue to their answer, while the device joins and
// leaves the queue.  6.12.117 drivers/iommu/io-pgfault.c, with a handler on the work queue
// (iommu-sva.c), in user space (iommufd/fault.c), or one that finds groups by their number.
#ifndef IOMMUCHECK_MODEL_IOPF_QUEUE_H
#define IOMMUCHECK_MODEL_IOPF_QUEUE_H

#include "model/iopf/report.h"

namespace iommucheck::model {

template <class D>
class IopfQueue : public IopfReport<D> {
 public:
  using Base = IopfReport<D>;
  using Base::b, Base::asked, Base::attach_handle, Base::attachment, Base::current_handle,
      Base::current_param, Base::entry, Base::fault_param, Base::iopf_group, Base::local, Base::pri;
  using typename Base::B, typename Base::T, typename Base::V;

  explicit IopfQueue(const IopfBounds& bounds) : Base(bounds) {
    this->build_report();
    if (b.numbers) {
      build_page_response();
    } else if (b.user) {
      build_answer();
    } else {
      build_handle();
    }
    build_join();
    build_leave();
  }

  // For bugs that change the order: where leaving goes on, and where joining returns an error.
  Label drain, remove, left, not_joined;

 private:
  B any_handed_over() const {
    return any_of<D>(b.groups(), [&](unsigned g) { return B(iopf_group.object(g).handed_over); });
  }
  /// A group that was handed over is taken: l.group.
  void take_group(T& t) {
    auto&& l = local(t);
    l.group = t.choose(b.groups(), "group") + 1U;
    for (unsigned i = 0; i < b.groups(); ++i) {
      t.when(l.group == i + 1, [&] {
        auto&& group = iopf_group.object(i);
        t.require(group.handed_over);
        group.handed_over = false;
      });
    }
  }
  void build_handle() {
    auto& p = this->worker_program(1, "iommu_sva_handle_iopf");
    p.step("take a group from the work queue", [this](T& t) { take_group(t); });
    p.step("handle_mm_fault() of each request of the group, for attach_handle->domain->mm",
           [this](T& t) { attach_handle.touch(iopf_group.at(local(t).group).attach_handle); });
    this->build_response(p);
  }
  /// User space reads a group and answers it.
  void build_answer() {
    auto& p = this->program("iommufd_fault_fops_write");
    p.step("mutex_lock(&fault->mutex); group = the one that was read", [this](T& t) {
      t.lock(this->deliver_lock);
      take_group(t);
    });
    p.step("mutex_unlock(&fault->mutex)", [this](T& t) { t.unlock(this->deliver_lock); });
    this->build_response(p);
  }

  /// Who was handed a group answers it by its number, which may be gone meanwhile.
  void build_page_response() {
    auto& p = this->program("iommu_page_response");
    const auto none = p.label();
    const auto unlock = p.label();
    p.arguments([this](T& t) {
      auto&& l = local(t);
      l.grpid = t.choose(b.requests, "grpid");
      t.require(asked[V(l.grpid)].waits);
    });
    this->build_get_param(p, none, [](T&) {});
    p.step("mutex_lock(&fault_param->lock)", [this](T& t) { this->lock_param(t); });
    p.step("list_for_each_entry(group, &fault_param->faults, pending_node)", [=, this](T& t) {
      auto&& l = local(t);
      for (unsigned i = 0; i < b.groups(); ++i) {
        t.when(this->is_pending(i, l.param) && iopf_group.object(i).grpid == l.grpid,
               [&] { l.group = i + 1; });
      }
      t.when(l.group == 0U, [&] { t.jump(unlock); });
    });
    p.step("ops->page_response(dev, &group->last_fault, &resp)",
           [this](T& t) { this->respond(t, iopf_group.at(local(t).group).grpid, true); });
    p.step("list_del_init(&group->pending_node)",
           [this](T& t) { iopf_group.at(local(t).group).pending = false; });
    p.place(unlock);
    p.step("mutex_unlock(&fault_param->lock)", [this](T& t) { this->unlock_param(t); });
    p.step("if (group) iopf_free_group(group)", [this](T& t) {
      auto&& l = local(t);
      t.when(l.group != 0U, [&] { this->free_group(t, l.group); });
    });
    p.step("iopf_put_dev_fault_param(fault_param)",
           [this](T& t) { this->put_param(t, local(t).param); });
    p.place(none);
    p.step("return", [](T&) {});
  }

  /// iopf_queue_add_device(), then the domain is attached.
  void build_join() {
    auto& p = this->program("iopf_queue_add_device");
    const auto unlock = p.label();
    p.arguments([this](T& t) {
      t.require(attachment == Attachment::off || (B(b.failures) && attachment == Attachment::on));
      attachment = Attachment::changing;
    });
    p.step("mutex_lock(&queue->lock)", [this](T& t) { t.lock(this->queue_lock); });
    p.step("mutex_lock(&param->lock)", [this](T& t) { t.lock(this->dev_lock); });
    if (b.failures) {
      p.step("if (rcu_dereference_check(param->fault_param)) ret = -EBUSY",
             [=, this](T& t) { t.when(current_param != 0U, [&] { t.jump(unlock); }); });
    }
    p.step("fault_param = kzalloc(); refcount_set(&fault_param->users, 1)", [=, this](T& t) {
      t.when(
          this->no_memory(t), [&] { t.jump(unlock); },
          [&] {
            auto&& l = local(t);
            l.param = allocate_param(t);
            fault_param.at(l.param).users.set(1);
          });
    });
    p.step("rcu_assign_pointer(param->fault_param, fault_param)",
           [this](T& t) { current_param = local(t).param; });
    p.place(unlock);
    p.step("mutex_unlock(&param->lock); mutex_unlock(&queue->lock)", [this](T& t) {
      t.unlock(this->dev_lock);
      t.unlock(this->queue_lock);
      if (b.failures) t.when(local(t).param == 0U, [&] { t.jump(not_joined); });
    });
    p.step("page requests are enabled", [this](T&) { pri = true; });
    p.step("iommu_attach_device_pasid(): xa_insert(&group->pasid_array, pasid, handle)",
           [this](T& t) { current_handle = this->allocate(t, attach_handle); });
    p.step("ops->set_dev_pasid(): the PASID entry is set", [this](T& t) {
      entry = true;
      attachment = Attachment::on;
      t.ret();
    });
    if (!b.failures) return;
    p.place(not_joined);
    p.step("return -EBUSY or -ENOMEM: the driver leaves all as it was", [this](T& t) {
      attachment = Attachment::off;
      t.when(current_handle != 0U, [&] { attachment = Attachment::on; });
    });
  }
  V allocate_param(T& t) {
    if (!b.numbers) return this->allocate(t, fault_param);
    // Any number of them may wait for a slow reader: no more than the pool has are looked at.
    const V param = fault_param.kzalloc();
    t.require(param != 0U);
    return param;
  }

  /// The domain is detached, and what the device has sent for it is drained before its handle goes
  /// (6.12.117 intel_pasid_tear_down_entry()); then page requests end, and the device leaves.
  void build_leave() {
    auto& p = this->program("iopf_queue_remove_device");
    p.arguments([this](T& t) {
      t.require(attachment == Attachment::on);
      attachment = Attachment::changing;
    });
    p.step("ops->remove_dev_pasid(): the PASID entry is cleared", [this](T&) { entry = false; });
    p.place(drain);
    p.step("wait until no request with the PASID is in the PRQ", [this](T&) {
      const B idle = this->thread()[this->prq()].pc == 0U || local[this->prq()].stray;
      const B empty = all_of<D>(b.requests, [&](unsigned r) {
        return asked[r].queued == Queued::nothing || asked[r].stray;
      });
      this->context.wait_for(idle && empty, 1U << this->prq());
    });
    if (!b.user && !b.numbers) {
      p.step("iopf_queue_flush_dev(dev): flush_workqueue()", [this](T&) {
        const B idle = this->thread()[this->worker()].pc == 0U && !any_handed_over();
        this->context.wait_for(idle, 1U << this->worker());
      });
    }
    p.step("xa_erase(&group->pasid_array, pasid)", [this](T& t) {
      local(t).attach_handle = current_handle;
      current_handle = 0;
    });
    if (b.user)
      build_auto_response(p);
    else
      p.step("kfree(handle)", [this](T& t) { attach_handle.kfree(local(t).attach_handle); });
    p.step("page requests are disabled", [this](T&) {
      pri = false;
      for (unsigned r = 0; r < b.requests; ++r) {
        this->context.when(!asked[r].waits && asked[r].queued == Queued::nothing,
                           [&] { asked[r].begun = 0; });
      }
    });
    p.place(remove);
    p.step("mutex_lock(&queue->lock)", [this](T& t) { t.lock(this->queue_lock); });
    p.step("mutex_lock(&param->lock)", [this](T& t) { t.lock(this->dev_lock); });
    p.step("mutex_lock(&fault_param->lock)", [this](T& t) {
      local(t).param = current_param;
      this->lock_param(t);
    });
    p.step("partial faults are freed; pending groups are answered and freed",
           [this](T& t) { this->empty_lists(t); });
    p.step("mutex_unlock(&fault_param->lock)", [this](T& t) { this->unlock_param(t); });
    p.step("rcu_assign_pointer(param->fault_param, NULL); iopf_put_dev_fault_param(fault_param)",
           [this](T& t) {
             current_param = 0;
             this->put_param(t, local(t).param);
           });
    p.step("mutex_unlock(&param->lock); mutex_unlock(&queue->lock)", [this](T& t) {
      t.unlock(this->dev_lock);
      t.unlock(this->queue_lock);
    });
    p.place(left);
    if (b.user)
      p.step("kfree(handle)", [this](T& t) { attach_handle.kfree(local(t).attach_handle); });
    p.step("return", [this](T&) { attachment = Attachment::off; });
  }
  /// iommufd_auto_response_faults().
  void build_auto_response(Program<D>& p) {
    const auto next = p.label();
    const auto done = p.label();
    p.call("iommufd_auto_response_faults", [&] {
      p.place(next);
      p.step("mutex_lock(&fault->mutex)", [this](T& t) { t.lock(this->deliver_lock); });
      p.step("list_for_each_entry_safe(group, next, &fault->deliver, node) list_del()",
             [=, this](T& t) {
               t.when(
                   any_handed_over(), [&] { take_group(t); },
                   [&] {
                     t.unlock(this->deliver_lock);
                     t.jump(done);
                   });
             });
      p.step("mutex_unlock(&fault->mutex)", [this](T& t) { t.unlock(this->deliver_lock); });
      this->build_response(p);
      p.step("next group", [=](T& t) { t.jump(next); });
      p.place(done);
    });
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOPF_QUEUE_H
