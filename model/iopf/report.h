// SPDX-License-Identifier: MIT
// A report of iopf/queue: a request of the device is kept until the last one of its group, which
// makes a group of them; how a group is answered.  6.12.117 drivers/iommu/io-pgfault.c.
#ifndef IOMMUCHECK_MODEL_IOPF_REPORT_H
#define IOMMUCHECK_MODEL_IOPF_REPORT_H

#include "model/iopf/objects.h"

namespace iommucheck::model {

template <class D>
class IopfReport : public IopfObjects<D> {
 public:
  using Base = IopfObjects<D>;
  using Base::b, Base::asked, Base::attach_handle, Base::current_param, Base::fault_param,
      Base::iopf_fault, Base::iopf_group, Base::local;
  using typename Base::B, typename Base::T, typename Base::V;

  using Base::Base;

  Label reported;  ///< where a report returns: for bugs that return early

  /// A choice: memory is there, or not.
  virtual B no_memory(T& t) const { return b.failures ? t.choose(2, "nomem") == 1U : B(false); }

 protected:
  /// iommu_report_device_fault(), called by the thread of the PRQ.
  void build_report() {
    auto& p = this->worker_program(0, "iommu_report_device_fault");
    const auto error = p.label();
    const auto group = p.label();
    const auto& returns = reported;
    p.step("take a request from the PRQ", [this](T& t) {
      auto&& l = local(t);
      l.grpid = t.choose(b.requests, "grpid");
      auto&& request = asked[V(l.grpid)];
      t.require(request.queued != Queued::nothing);
      l.last = request.queued == Queued::last;
      l.stray = B(request.stray);
      request.queued = Queued::nothing;
    });
    p.step("attach_handle = find_fault_handler(dev, evt)", [=, this](T& t) {
      auto&& l = local(t);
      t.when(!l.stray, [&] { l.attach_handle = this->current_handle; });
      t.when(l.attach_handle == 0U, [&] { t.jump(error); });
    });
    build_get_param(p, error, [=, this](T& t) { t.when(local(t).last, [&] { t.jump(group); }); });
    if (b.partial) {
      const auto put = p.label();
      p.call("report_partial_fault", [&] {
        if (b.failures) {
          p.step("if (!(iopf = kzalloc(sizeof(*iopf), GFP_KERNEL))) return -ENOMEM",
                 [=, this](T& t) {
                   t.when(no_memory(t), [&] {
                     if (b.codes) asked[V(local(t).grpid)].lost = 1;
                     t.jump(put);
                   });
                 });
        }
        p.step("mutex_lock(&fault_param->lock)", [this](T& t) { this->lock_param(t); });
        p.step("list_add(&iopf->list, &fault_param->partial)", [this](T& t) {
          auto&& l = local(t);
          const V fault = this->allocate(t, iopf_fault);
          iopf_fault.at(fault).grpid = l.grpid;
          auto&& param = fault_param.at(l.param);
          for (unsigned i = 0; i < b.faults(); ++i)
            t.when(fault == i + 1, [&] { param.partial = with_bit(param.partial, i); });
        });
        p.step("mutex_unlock(&fault_param->lock)", [this](T& t) { this->unlock_param(t); });
      });
      p.place(put);
      p.step("iopf_put_dev_fault_param(iopf_param)", [=, this](T& t) {
        this->put_param(t, local(t).param);
        t.jump(returns);
      });
    }
    p.place(group);
    p.call("iopf_group_alloc", [&] { build_group(p); });
    const auto abort = p.label();
    if (b.failures) {
      p.step("if (group == &abort_group) goto err_abort", [=, this](T& t) {
        t.when(iopf_group.at(local(t).group).on_stack != 0U, [&] { t.jump(abort); });
      });
    }
    if (b.numbers) {
      p.step("domain->iopf_handler(group): its number is noted", [=, this](T& t) {
        attach_handle.touch(local(t).attach_handle);
        t.jump(returns);
      });
    } else if (b.user) {
      p.call("iommufd_fault_iopf_handler", [&] {
        p.step("iopf_group_dequeue(group): mutex_lock(&fault_param->lock)", [this](T& t) {
          attach_handle.touch(local(t).attach_handle);
          this->lock_param(t);
        });
        p.step("iopf_group_dequeue(group): list_del_init(&group->pending_node)",
               [this](T& t) { iopf_group.at(local(t).group).pending = false; });
        p.step("iopf_group_dequeue(group): mutex_unlock(&fault_param->lock)",
               [this](T& t) { this->unlock_param(t); });
        p.step("mutex_lock(&fault->mutex)", [this](T& t) { t.lock(this->deliver_lock); });
        p.step("list_add_tail(&group->node, &fault->deliver)",
               [this](T& t) { iopf_group.at(local(t).group).handed_over = true; });
        p.step("mutex_unlock(&fault->mutex)", [=, this](T& t) {
          t.unlock(this->deliver_lock);
          t.jump(returns);
        });
      });
    } else {
      p.step("iommu_sva_iopf_handler(group): queue_work(wq, &group->work)", [=, this](T& t) {
        attach_handle.touch(local(t).attach_handle);
        iopf_group.at(local(t).group).handed_over = true;
        t.jump(returns);
      });
    }
    if (b.failures) {
      p.place(abort);
      build_group_response(p, false);
      p.step("__iopf_free_group(&abort_group); return", [=, this](T& t) {
        this->release_group(t, local(t).group);
        this->end_group(t, local(t).group);
        t.jump(returns);
      });
    }
    p.place(error);
    p.step("iopf_error_response(dev, evt)", [this](T& t) {
      auto&& l = local(t);
      t.when(l.last, [&] { this->respond(t, l.grpid); });
    });
    p.place(returns);
    p.step("return", [](T&) {});
  }
  /// iopf_get_dev_fault_param(): l.param is held, and `found` goes on; or there is none.
  template <class Found>
  void build_get_param(Program<D>& p, const Label& none, Found found) {
    p.call("iopf_get_dev_fault_param", [&] {
      p.step("rcu_read_lock(); fault_param = rcu_dereference(param->fault_param)", [this](T& t) {
        t.rcu_read_lock();
        local(t).param = current_param;
      });
      p.step("if (fault_param && !refcount_inc_not_zero(&fault_param->users)) fault_param = NULL",
             [this](T& t) {
               auto&& l = local(t);
               t.when(l.param != 0U, [&] {
                 t.when(!fault_param.at(l.param).users.inc_not_zero(), [&] { l.param = 0; });
               });
             });
      p.step("rcu_read_unlock()", [=, this](T& t) {
        t.rcu_read_unlock();
        t.when(
            local(t).param == 0U, [&] { t.jump(none); }, [&] { found(t); });
      });
    });
  }
  /// iopf_group_response() and iopf_free_group() of l.group, which was handled.
  void build_response(Program<D>& p) {
    build_group_response(p, true);
    p.step("iopf_free_group(group)", [this](T& t) { this->free_group(t, local(t).group); });
  }
  /// iopf_group_response(l.group, success or failure).
  void build_group_response(Program<D>& p, bool success) {
    p.call("iopf_group_response", [&] {
      p.step("mutex_lock(&fault_param->lock)", [this](T& t) {
        auto&& l = local(t);
        l.param = iopf_group.at(l.group).param;
        this->lock_param(t);
      });
      p.step("ops->page_response(dev, &group->last_fault, &resp)", [success, this](T& t) {
        this->respond(t, iopf_group.at(local(t).group).grpid, success);
      });
      p.step("list_del_init(&group->pending_node)",
             [this](T& t) { iopf_group.at(local(t).group).pending = false; });
      p.step("mutex_unlock(&fault_param->lock)", [this](T& t) { this->unlock_param(t); });
    });
  }

 private:
  void build_group(Program<D>& p) {
    p.step("group = kzalloc(); group->fault_param = iopf_param", [this](T& t) {
      auto&& l = local(t);
      l.group = this->allocate(t, iopf_group);
      auto&& group = iopf_group.at(l.group);
      group.param = l.param;
      group.attach_handle = l.attach_handle;
      group.grpid = l.grpid;
      t.when(no_memory(t), [&] { group.on_stack = 1; });
    });
    p.step("mutex_lock(&iopf_param->lock)", [this](T& t) { this->lock_param(t); });
    if (b.partial) {
      p.step("list_move(&iopf->list, &group->faults)", [this](T& t) {
        auto&& l = local(t);
        auto&& param = fault_param.at(l.param);
        auto&& group = iopf_group.at(l.group);
        for (unsigned i = 0; i < b.faults(); ++i) {
          t.when(has_bit(param.partial, i) && iopf_fault.object(i).grpid == l.grpid, [&] {
            param.partial = without_bit(param.partial, i);
            group.faults = with_bit(group.faults, i);
          });
        }
      });
    }
    p.step("list_add(&group->pending_node, &iopf_param->faults)",
           [this](T& t) { iopf_group.at(local(t).group).pending = true; });
    p.step("mutex_unlock(&iopf_param->lock)", [this](T& t) { this->unlock_param(t); });
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOPF_REPORT_H
