// SPDX-License-Identifier: MIT
// iopf/queue: page requests from the device's queue to their answer, while the device joins and
// leaves the queue.  6.12.117 drivers/iommu/io-pgfault.c, with a handler on the work queue
// (iommu-sva.c) or in user space (iommufd/fault.c).
#ifndef IOMMUCHECK_MODEL_IOPF_QUEUE_H
#define IOMMUCHECK_MODEL_IOPF_QUEUE_H

#include <deque>

#include "model/iopf/records.h"
#include "model/kernel/locks.h"

namespace iommucheck::model {

template <class D>
class IopfQueue : public Design<D> {
 public:
  using T = Cpu<D>;
  using V = Val<D>;
  using B = Bool<D>;

  explicit IopfQueue(const IopfBounds& bounds)
      : Design<D>(with_workers(bounds)),
        b(bounds),
        scope_(this->root()),
        queue_lock(*this, "queue->lock"),
        dev_lock(*this, "dev->iommu->lock"),
        deliver_lock(*this, "fault->mutex"),
        fault_param(*this, "fault_param", b.params(), static_cast<const Design<D>*>(this), b),
        iopf_fault(*this, "iopf_fault", b.faults(), b),
        iopf_group(*this, "iopf_group", b.groups(), b),
        current_param(scope_, "dev->iommu->fault_param", b.params(), pointer_to("fault_param")),
        attachment(scope_, "attachment", 2, names_of<Attachment>(3)),
        handle(scope_, "attach_handle"),
        pri(scope_, "PRI"),
        asked(scope_, "page_request", b.requests, b),
        local(*this, b) {
    for (unsigned i = 0; i < b.params(); ++i)
      param_locks_.emplace_back(*this, fmt::format("fault_param[{}].lock", i));
    declare_properties();
    if (b.partial) declare_partial_faults();
    add_device();
    build_report();
    if (b.user) {
      build_answer();
    } else {
      build_handle();
    }
    build_join();
    build_leave();
  }

  const IopfBounds b;

 private:
  Scope<D> scope_;

 public:
  Mutex<D> queue_lock, dev_lock, deliver_lock;
  Heap<D, FaultParam<D>> fault_param;
  Heap<D, PartialFault<D>> iopf_fault;
  Heap<D, IopfGroup<D>> iopf_group;
  Var<D> current_param;
  Var<D, Attachment> attachment;
  Flag<D> handle;  ///< a domain that handles faults is attached
  Flag<D> pri;     ///< the device may send page requests
  Array<D, AskedFor<D>> asked;
  CallLocals<D, IopfLocals<D>> local;
  Label drain, remove, left;  ///< where leaving goes on: for bugs that change the order

  /// fault_param->lock of l.param: it lies inside the object.
  void lock_param(T& t) {
    const V param = local(t).param;
    fault_param.touch(param);
    for (unsigned i = 0; i < b.params(); ++i)
      t.when(param == i + 1, [&] { t.lock(param_locks_[i]); });
  }
  void unlock_param(T& t) {
    const V param = local(t).param;
    fault_param.touch(param);
    for (unsigned i = 0; i < b.params(); ++i)
      t.when(param == i + 1, [&] { t.unlock(param_locks_[i]); });
  }
  /// iopf_put_dev_fault_param().
  void put_param(T& t, V param) {
    t.when(fault_param.at(param).users.dec_and_test(), [&] { fault_param.kfree_rcu(param); });
  }
  /// ops->page_response(): the device gets the answer for which it waits.
  void respond(T& t, V grpid) {
    auto&& request = asked[grpid];
    t.fail_unless(request.waits, answered_once_, "a page request group is answered twice");
    request.waits = false;
    request.begun = 0;
  }
  /// iopf_free_group().
  void free_group(T& t, V group) {
    free_faults(t, iopf_group.at(group).faults);
    put_param(t, iopf_group.at(group).param);
    iopf_group.kfree(group);
  }
  /// The lists of a device that leaves.
  void empty_lists(T& t) {
    auto&& l = local(t);
    auto&& param = fault_param.at(l.param);
    free_faults(t, param.partial);
    param.partial = 0;
    for (unsigned i = 0; i < b.groups(); ++i) {
      t.when(is_pending(i, l.param), [&] {
        auto&& group = iopf_group.object(i);
        respond(t, group.grpid);
        group.pending = false;
        free_group(t, i + 1);
      });
    }
  }
  B is_pending(unsigned group, V param) const {
    auto&& g = iopf_group.object(group);
    return g.life == Life::live && g.pending && g.param == param;
  }

 private:
  static ProcessBounds with_workers(ProcessBounds bounds) {
    bounds.workers = {"PRQ", "worker"};
    return bounds;
  }
  unsigned prq() const { return b.threads; }
  unsigned worker() const { return b.threads + 1; }

  void free_faults(T& t, V faults) {
    for (unsigned i = 0; i < b.faults(); ++i)
      t.when(has_bit(faults, i), [&] { iopf_fault.kfree(i + 1); });
  }
  /// An object of a pool that has one for everybody.
  template <class Pool>
  V allocate(T& t, const Pool& pool) {
    const V object = pool.kzalloc();
    t.fail_unless(object != 0U, kInRange, "no object is left: the design needs a larger pool");
    return object;
  }

  void declare_properties() {
    answered_once_ = this->property("answered-once", "The device gets one answer for each group.");
    this->property("no-leak",
                   "When nothing runs, what is in memory is on a list, on a work queue, or the "
                   "device's.",
                   [this] { return busy() || all_is_owned(); });
    this->property("no-request-forgotten",
                   "When nothing runs, the device waits only for groups that are somewhere.",
                   [this] {
                     return busy() || all_of<D>(b.requests, [&](unsigned r) {
                              return !asked[r].waits || asked[r].queued != Queued::nothing ||
                                     any_of<D>(b.groups(), [&](unsigned g) {
                                       auto&& group = iopf_group.object(g);
                                       return group.life == Life::live && group.grpid == r;
                                     });
                            });
                   });
  }
  void declare_partial_faults() {
    this->property("partial-faults-have-a-group",
                   "When nothing runs, a request is kept only for a group that is not complete.",
                   [this] {
                     return busy() || all_of<D>(b.faults(), [&](unsigned f) {
                              auto&& fault = iopf_fault.object(f);
                              const B begun = any_of<D>(b.requests, [&](unsigned r) {
                                return fault.grpid == r && asked[r].begun != 0U;
                              });
                              return fault.life != Life::live || begun;
                            });
                   });
  }
  B busy() const {
    return any_of<D>(this->process_count(), [&](unsigned i) { return this->thread()[i].pc != 0U; });
  }
  B all_is_owned() const {
    const auto live = [](auto&& object) { return object.life == Life::live; };
    const B groups = all_of<D>(b.groups(), [&](unsigned g) {
      auto&& group = iopf_group.object(g);
      return !live(group) || group.pending || group.handed_over;
    });
    const B params = all_of<D>(b.params(), [&](unsigned p) {
      return !live(fault_param.object(p)) || current_param == p + 1 ||
             any_of<D>(b.groups(), [&](unsigned g) { return iopf_group.object(g).param == p + 1; });
    });
    const B faults = all_of<D>(b.faults(), [&](unsigned f) {
      return !live(iopf_fault.object(f)) || any_of<D>(b.params(), [&](unsigned p) {
        return has_bit(fault_param.object(p).partial, f);
      }) || any_of<D>(b.groups(), [&](unsigned g) {
        return has_bit(iopf_group.object(g).faults, f);
      });
    });
    return groups && params && faults;
  }

  void add_device() {
    for (unsigned r = 0; r < b.requests; ++r) {
      const auto send = [&](const char* what, bool last) {
        device_code_.push_back(
            {"device", fmt::format("{} of group {}", what, r), false, 0, [this, r, last](unsigned) {
               auto&& request = asked[r];
               this->context.require(pri && request.queued == Queued::nothing && !request.waits);
               if (last) {
                 request.queued = Queued::last;
                 request.waits = true;
               } else {
                 this->context.require(request.begun == 0U);
                 request.queued = Queued::partial;
                 request.begun = 1;
               }
             }});
      };
      if (b.partial) send("a page request", false);
      send("the last page request", true);
    }
    this->add_actor("device", device_code_);
  }

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
            local(t).param == 0U, [&] { t.jump(error); },
            [&] { t.when(local(t).last, [&] { t.jump(group); }); });
      });
    });
    if (b.partial) {
      p.call("report_partial_fault", [&] {
        p.step("mutex_lock(&fault_param->lock)", [this](T& t) { lock_param(t); });
        p.step("list_add(&iopf->list, &fault_param->partial)", [this](T& t) {
          auto&& l = local(t);
          const V fault = allocate(t, iopf_fault);
          iopf_fault.at(fault).grpid = l.grpid;
          auto&& param = fault_param.at(l.param);
          for (unsigned i = 0; i < b.faults(); ++i)
            t.when(fault == i + 1, [&] { param.partial = with_bit(param.partial, i); });
        });
        p.step("mutex_unlock(&fault_param->lock)", [this](T& t) { unlock_param(t); });
      });
      p.step("iopf_put_dev_fault_param(iopf_param)", [=, this](T& t) {
        put_param(t, local(t).param);
        t.jump(returns);
      });
    }
    p.place(group);
    p.call("iopf_group_alloc", [&] { build_group(p); });
    if (b.user) {
      p.call("iommufd_fault_iopf_handler", [&] {
        p.step("iopf_group_dequeue(group): mutex_lock(&fault_param->lock)",
               [this](T& t) { lock_param(t); });
        p.step("iopf_group_dequeue(group): list_del_init(&group->pending_node)",
               [this](T& t) { iopf_group.at(local(t).group).pending = false; });
        p.step("iopf_group_dequeue(group): mutex_unlock(&fault_param->lock)",
               [this](T& t) { unlock_param(t); });
        p.step("mutex_lock(&fault->mutex)", [this](T& t) { t.lock(deliver_lock); });
        p.step("list_add_tail(&group->node, &fault->deliver)",
               [this](T& t) { iopf_group.at(local(t).group).handed_over = true; });
        p.step("mutex_unlock(&fault->mutex)", [=, this](T& t) {
          t.unlock(deliver_lock);
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
      t.when(l.last, [&] { respond(t, l.grpid); });
    });
    p.place(returns);
    p.step("return", [](T&) {});
  }
  void build_group(Program<D>& p) {
    p.step("group = kzalloc(); group->fault_param = iopf_param", [this](T& t) {
      auto&& l = local(t);
      l.group = allocate(t, iopf_group);
      auto&& group = iopf_group.at(l.group);
      group.param = l.param;
      group.grpid = l.grpid;
    });
    p.step("mutex_lock(&iopf_param->lock)", [this](T& t) { lock_param(t); });
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
    p.step("mutex_unlock(&iopf_param->lock)", [this](T& t) { unlock_param(t); });
  }

  /// iopf_group_response() and iopf_free_group() of l.group.
  void build_response(Program<D>& p) {
    p.call("iopf_group_response", [&] {
      p.step("mutex_lock(&fault_param->lock)", [this](T& t) {
        auto&& l = local(t);
        l.param = iopf_group.at(l.group).param;
        lock_param(t);
      });
      p.step("ops->page_response(dev, &group->last_fault, &resp)",
             [this](T& t) { respond(t, iopf_group.at(local(t).group).grpid); });
      p.step("list_del_init(&group->pending_node)",
             [this](T& t) { iopf_group.at(local(t).group).pending = false; });
      p.step("mutex_unlock(&fault_param->lock)", [this](T& t) { unlock_param(t); });
    });
    p.step("iopf_free_group(group)", [this](T& t) { free_group(t, local(t).group); });
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
      t.lock(deliver_lock);
      take_group(t);
    });
    p.step("mutex_unlock(&fault->mutex)", [this](T& t) { t.unlock(deliver_lock); });
    build_response(p);
  }

  /// iopf_queue_add_device(), then the domain is attached.
  void build_join() {
    auto& p = this->program("iopf_queue_add_device");
    p.arguments([this](T& t) {
      t.require(attachment == Attachment::off);
      attachment = Attachment::changing;
    });
    p.step("mutex_lock(&queue->lock)", [this](T& t) { t.lock(queue_lock); });
    p.step("mutex_lock(&param->lock)", [this](T& t) { t.lock(dev_lock); });
    p.step("fault_param = kzalloc(); refcount_set(&fault_param->users, 1)", [this](T& t) {
      auto&& l = local(t);
      l.param = allocate(t, fault_param);
      fault_param.at(l.param).users.set(1);
    });
    p.step("rcu_assign_pointer(param->fault_param, fault_param)",
           [this](T& t) { current_param = local(t).param; });
    p.step("mutex_unlock(&param->lock); mutex_unlock(&queue->lock)", [this](T& t) {
      t.unlock(dev_lock);
      t.unlock(queue_lock);
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
      const B idle = this->thread()[prq()].pc == 0U && all_of<D>(b.requests, [&](unsigned r) {
                       return asked[r].queued == Queued::nothing;
                     });
      this->context.wait_for(idle, 1U << prq());
    });
    if (b.user) {
      build_auto_response(p);
    } else {
      p.step("iopf_queue_flush_dev(dev): flush_workqueue()", [this](T&) {
        const B idle = this->thread()[worker()].pc == 0U && !any_handed_over();
        this->context.wait_for(idle, 1U << worker());
      });
    }
    p.place(remove);
    p.step("mutex_lock(&queue->lock)", [this](T& t) { t.lock(queue_lock); });
    p.step("mutex_lock(&param->lock)", [this](T& t) { t.lock(dev_lock); });
    p.step("mutex_lock(&fault_param->lock)", [this](T& t) {
      local(t).param = current_param;
      lock_param(t);
    });
    p.step("partial faults are freed; pending groups are answered and freed",
           [this](T& t) { empty_lists(t); });
    p.step("mutex_unlock(&fault_param->lock)", [this](T& t) { unlock_param(t); });
    p.step("rcu_assign_pointer(param->fault_param, NULL); iopf_put_dev_fault_param(fault_param)",
           [this](T& t) {
             current_param = 0;
             put_param(t, local(t).param);
           });
    p.step("mutex_unlock(&param->lock); mutex_unlock(&queue->lock)", [this](T& t) {
      t.unlock(dev_lock);
      t.unlock(queue_lock);
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
      p.step("mutex_lock(&fault->mutex)", [this](T& t) { t.lock(deliver_lock); });
      p.step("list_for_each_entry_safe(group, next, &fault->deliver, node) list_del()",
             [=, this](T& t) {
               t.when(
                   any_handed_over(), [&] { take_group(t); },
                   [&] {
                     t.unlock(deliver_lock);
                     t.jump(done);
                   });
             });
      p.step("mutex_unlock(&fault->mutex)", [this](T& t) { t.unlock(deliver_lock); });
      build_response(p);
      p.step("next group", [=](T& t) { t.jump(next); });
      p.place(done);
    });
  }

  Code device_code_;
  std::deque<Mutex<D>> param_locks_;
  PropertyId answered_once_{};
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOPF_QUEUE_H
