// SPDX-License-Identifier: MIT
// iopf/queue: page requests from the device's queue to their answer, while the device joins and
// leaves the queue.  6.12.117 drivers/iommu/io-pgfault.c, with a handler on the work queue
// (iommu-sva.c), in user space (iommufd/fault.c), or one that finds groups by their number.
#ifndef IOMMUCHECK_MODEL_IOPF_QUEUE_H
#define IOMMUCHECK_MODEL_IOPF_QUEUE_H

#include "model/iopf/objects.h"

namespace iommucheck::model {

template <class D>
class IopfQueue : public IopfObjects<D> {
 public:
  using Base = IopfObjects<D>;
  using Base::b, Base::asked, Base::attachment, Base::current_param, Base::fault_param,
      Base::handle, Base::iopf_fault, Base::iopf_group, Base::local, Base::pri;
  using typename Base::B, typename Base::T, typename Base::V;

  explicit IopfQueue(const IopfBounds& bounds) : Base(bounds) {
    build_report();
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

  Label drain, remove, left;  ///< where leaving goes on: for bugs that change the order

 private:
  /// iommu_report_device_fault(), called by the thread of the PRQ.
  void build_report() {
    auto& p = this->worker_program(0, "iommu_report_device_fault");
    const auto error = p.label();
    const auto group = p.label();
    const auto returns = p.label();
    p.step("take a request from the PRQ", [this](T& t) {
      auto&& l = local(t);
      l.grpid = t.choose(b.requests, "grpid");
      auto&& request = asked[V(l.grpid)];
      t.require(request.queued != Queued::nothing);
      l.last = request.queued == Queued::last;
      request.queued = Queued::nothing;
    });
    p.step("attach_handle = find_fault_handler(dev, evt)",
           [=, this](T& t) { t.when(!handle, [&] { t.jump(error); }); });
    build_get_param(p, error, [=, this](T& t) { t.when(local(t).last, [&] { t.jump(group); }); });
    if (b.partial) {
      p.call("report_partial_fault", [&] {
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
      p.step("iopf_put_dev_fault_param(iopf_param)", [=, this](T& t) {
        this->put_param(t, local(t).param);
        t.jump(returns);
      });
    }
    p.place(group);
    p.call("iopf_group_alloc", [&] { build_group(p); });
    if (b.numbers) {
      p.step("domain->iopf_handler(group): its number is noted", [=](T& t) { t.jump(returns); });
    } else if (b.user) {
      p.call("iommufd_fault_iopf_handler", [&] {
        p.step("iopf_group_dequeue(group): mutex_lock(&fault_param->lock)",
               [this](T& t) { this->lock_param(t); });
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
        iopf_group.at(local(t).group).handed_over = true;
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
  void build_group(Program<D>& p) {
    p.step("group = kzalloc(); group->fault_param = iopf_param", [this](T& t) {
      auto&& l = local(t);
      l.group = this->allocate(t, iopf_group);
      auto&& group = iopf_group.at(l.group);
      group.param = l.param;
      group.grpid = l.grpid;
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

  /// iopf_group_response() and iopf_free_group() of l.group.
  void build_response(Program<D>& p) {
    p.call("iopf_group_response", [&] {
      p.step("mutex_lock(&fault_param->lock)", [this](T& t) {
        auto&& l = local(t);
        l.param = iopf_group.at(l.group).param;
        this->lock_param(t);
      });
      p.step("ops->page_response(dev, &group->last_fault, &resp)",
             [this](T& t) { this->respond(t, iopf_group.at(local(t).group).grpid); });
      p.step("list_del_init(&group->pending_node)",
             [this](T& t) { iopf_group.at(local(t).group).pending = false; });
      p.step("mutex_unlock(&fault_param->lock)", [this](T& t) { this->unlock_param(t); });
    });
    p.step("iopf_free_group(group)", [this](T& t) { this->free_group(t, local(t).group); });
  }
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
    p.step("handle_mm_fault() of each request of the group",
           [this](T& t) { iopf_group.touch(local(t).group); });
    build_response(p);
  }
  /// User space reads a group and answers it.
  void build_answer() {
    auto& p = this->program("iommufd_fault_fops_write");
    p.step("mutex_lock(&fault->mutex); group = the one that was read", [this](T& t) {
      t.lock(this->deliver_lock);
      take_group(t);
    });
    p.step("mutex_unlock(&fault->mutex)", [this](T& t) { t.unlock(this->deliver_lock); });
    build_response(p);
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
    build_get_param(p, none, [](T&) {});
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
           [this](T& t) { this->respond(t, iopf_group.at(local(t).group).grpid); });
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
    p.arguments([this](T& t) {
      t.require(attachment == Attachment::off);
      attachment = Attachment::changing;
    });
    p.step("mutex_lock(&queue->lock)", [this](T& t) { t.lock(this->queue_lock); });
    p.step("mutex_lock(&param->lock)", [this](T& t) { t.lock(this->dev_lock); });
    p.step("fault_param = kzalloc(); refcount_set(&fault_param->users, 1)", [this](T& t) {
      auto&& l = local(t);
      if (b.numbers) {
        // Any number of them may wait for a slow reader: no more than the pool has are looked at.
        l.param = fault_param.kzalloc();
        t.require(l.param != 0U);
      } else {
        l.param = this->allocate(t, fault_param);
      }
      fault_param.at(l.param).users.set(1);
    });
    p.step("rcu_assign_pointer(param->fault_param, fault_param)",
           [this](T& t) { current_param = local(t).param; });
    p.step("mutex_unlock(&param->lock); mutex_unlock(&queue->lock)", [this](T& t) {
      t.unlock(this->dev_lock);
      t.unlock(this->queue_lock);
    });
    p.step("page requests are enabled", [this](T&) { pri = true; });
    p.step("a domain is attached", [this](T&) {
      handle = true;
      attachment = Attachment::on;
    });
  }

  /// The domain is detached, the device stops, what it has sent is drained, and it leaves: the
  /// order that the comment of iopf_queue_remove_device() asks for.
  void build_leave() {
    auto& p = this->program("iopf_queue_remove_device");
    p.arguments([this](T& t) {
      t.require(attachment == Attachment::on);
      attachment = Attachment::changing;
    });
    p.step("the domain is detached", [this](T&) { handle = false; });
    p.step("page requests are disabled", [this](T&) {
      pri = false;
      for (unsigned r = 0; r < b.requests; ++r) {
        this->context.when(!asked[r].waits && asked[r].queued == Queued::nothing,
                           [&] { asked[r].begun = 0; });
      }
    });
    p.place(drain);
    p.step("wait until the PRQ is empty, and its thread idle", [this](T&) {
      const B idle = this->thread()[this->prq()].pc == 0U && all_of<D>(b.requests, [&](unsigned r) {
                       return asked[r].queued == Queued::nothing;
                     });
      this->context.wait_for(idle, 1U << this->prq());
    });
    if (b.user) {
      build_auto_response(p);
    } else if (!b.numbers) {
      p.step("iopf_queue_flush_dev(dev): flush_workqueue()", [this](T&) {
        const B idle = this->thread()[this->worker()].pc == 0U && !any_handed_over();
        this->context.wait_for(idle, 1U << this->worker());
      });
    }
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
      build_response(p);
      p.step("next group", [=](T& t) { t.jump(next); });
      p.place(done);
    });
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOPF_QUEUE_H
