// SPDX-License-Identifier: MIT
// The state of iopf/queue: the device and what it has asked for, fault_params, groups and partial
// faults, who may touch them, and what must be true of them.
#ifndef IOMMUCHECK_MODEL_IOPF_OBJECTS_H
#define IOMMUCHECK_MODEL_IOPF_OBJECTS_H

#include <deque>

#include "model/iopf/records.h"
#include "model/kernel/locks.h"

namespace iommucheck::model {

template <class D>
class IopfObjects : public Design<D> {
 public:
  using T = Cpu<D>;
  using V = Val<D>;
  using B = Bool<D>;

  explicit IopfObjects(const IopfBounds& bounds)
      : Design<D>(with_workers(bounds)),
        b(bounds),
        scope_(this->root()),
        queue_lock(*this, "queue->lock"),
        dev_lock(*this, "dev->iommu->lock"),
        deliver_lock(*this, "fault->mutex"),
        attach_handle(*this, "attach_handle", b.handles()),
        fault_param(*this, "fault_param", b.params(), static_cast<const Design<D>*>(this), b),
        iopf_fault(*this, "iopf_fault", b.faults(), b),
        iopf_group(*this, "iopf_group", b.groups(), b),
        current_param(scope_, "dev->iommu->fault_param", b.params(), pointer_to("fault_param")),
        attachment(scope_, "attachment", 2, names_of<Attachment>(3)),
        current_handle(scope_, "group->pasid_array", b.handles(), pointer_to("attach_handle")),
        entry(scope_, "PASID_entry"),
        pri(scope_, "PRI"),
        asked(scope_, "page_request", b.requests, b),
        local(*this, b) {
    for (unsigned i = 0; i < b.params(); ++i)
      param_locks_.emplace_back(*this, fmt::format("fault_param[{}].lock", i));
    declare_properties();
    if (b.partial) declare_partial_faults();
    add_device();
  }

  const IopfBounds b;

 private:
  Scope<D> scope_;

 public:
  Mutex<D> queue_lock, dev_lock, deliver_lock;
  Heap<D, AttachHandle<D>> attach_handle;
  Heap<D, FaultParam<D>> fault_param;
  Heap<D, PartialFault<D>> iopf_fault;
  Heap<D, IopfGroup<D>> iopf_group;
  Var<D> current_param;
  Var<D, Attachment> attachment;
  Var<D> current_handle;  ///< that of the PASID: its domain handles faults
  Flag<D> entry;          ///< the device translates with the PASID
  Flag<D> pri;            ///< the device may send page requests
  Array<D, AskedFor<D>> asked;
  CallLocals<D, IopfLocals<D>> local;

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
  void respond(T& t, V grpid, bool success = false) {
    auto&& request = asked[grpid];
    t.fail_unless(request.waits, answered_once_, "a page request group is answered twice");
    answered(t, success);
    if (success && b.codes)
      t.fail_unless(request.lost == 0U, success_is_true_, "a request of the group was forgotten");
    request.waits = false;
    request.stray = false;
    request.begun = 0;
    request.lost = 0;
  }
  /// For who asks the design about certain calls: whether the device sends what it likes, and that
  /// it gets an answer.
  virtual B sends() const { return true; }
  virtual void answered(T&, bool success) { static_cast<void>(success); }
  /// iopf_free_group().
  void free_group(T& t, V group) {
    t.fail_unless(iopf_group.at(group).on_stack == 0U, this->no_use_after_free,
                  "kfree() of a group that is on the stack");
    release_group(t, group);
    end_group(t, group);
  }
  /// __iopf_free_group().
  void release_group(T& t, V group) {
    free_faults(t, iopf_group.at(group).faults);
    put_param(t, iopf_group.at(group).param);
  }
  /// The memory of a group goes: it is freed, or who has it on the stack returns.
  void end_group(T& t, V group) {
    t.fail_unless(!iopf_group.at(group).pending, this->no_use_after_free,
                  "a group is gone that is still on fault_param->faults");
    iopf_group.kfree(group);
  }
  /// The lists of a device that leaves.  `free_groups`: or not, for a bug.
  void empty_lists(T& t, bool free_groups = true) {
    auto&& l = local(t);
    auto&& param = fault_param.at(l.param);
    free_faults(t, param.partial);
    param.partial = 0;
    for (unsigned i = 0; i < b.groups(); ++i) {
      t.when(is_pending(i, l.param), [&] {
        auto&& group = iopf_group.object(i);
        respond(t, group.grpid);
        group.pending = false;
        if (free_groups) free_group(t, i + 1);
      });
    }
  }
  void free_faults(T& t, V faults) {
    for (unsigned i = 0; i < b.faults(); ++i)
      t.when(has_bit(faults, i), [&] { iopf_fault.kfree(i + 1); });
  }
  B is_pending(unsigned group, V param) const {
    auto&& g = iopf_group.object(group);
    return g.life == Life::live && g.pending && g.param == param;
  }

 protected:
  unsigned prq() const { return b.threads; }
  unsigned worker() const { return b.threads + 1; }
  /// An object of a pool that has one for everybody.
  template <class Pool>
  V allocate(T& t, const Pool& pool) {
    const V object = pool.kzalloc();
    t.fail_unless(object != 0U, kInRange, "no object is left: the design needs a larger pool");
    return object;
  }

 private:
  static ProcessBounds with_workers(ProcessBounds bounds) {
    bounds.workers = {"PRQ", "worker"};
    return bounds;
  }

  void declare_properties() {
    answered_once_ = this->property("answered-once", "The device gets one answer for each group.");
    if (b.codes) {
      success_is_true_ = this->property("success-is-true",
                                        "A group is answered with success only if all of its "
                                        "requests were handled.");
    }
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
    const B handles = all_of<D>(b.handles(), [&](unsigned h) {
      return !live(attach_handle.object(h)) || current_handle == h + 1;
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
    return groups && handles && params && faults;
  }

  void add_device() {
    for (unsigned r = 0; r < b.requests; ++r) {
      const auto send = [&](const char* what, bool last, bool stray) {
        device_code_.push_back(
            {"device", fmt::format("{} of group {}{}", what, r, stray ? ", for nobody" : ""), false,
             0, [this, r, last, stray](unsigned) {
               auto&& request = asked[r];
               this->context.require(sends() && pri && request.queued == Queued::nothing &&
                                     !request.waits);
               this->context.require(stray ? B(request.begun == 0U) : B(entry));
               request.stray = stray;
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
      if (b.partial) send("a page request", false, false);
      send("the last page request", true, false);
      send("the last page request", true, true);
    }
    this->add_actor("device", device_code_);
  }

  Code device_code_;
  std::deque<Mutex<D>> param_locks_;
  PropertyId answered_once_{}, success_is_true_{};
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOPF_OBJECTS_H
