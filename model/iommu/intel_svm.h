// SPDX-License-Identifier: MIT
// sva/intel-svm: 6.1 drivers/iommu/intel/svm.c under iommu_sva_bind_device() of 6.1 iommu.c.  A
// struct intel_svm for each mm, found by PASID, has a list of devices; one pasid_mutex guards all
// of it, and is dropped while page requests are drained.
//
// Page requests go to the work queue at once (the thread of the PRQ is not there), and are handled
// for the mm that has their PASID: 6.1 io-pgfault.c.
#ifndef IOMMUCHECK_MODEL_IOMMU_INTEL_SVM_H
#define IOMMUCHECK_MODEL_IOMMU_INTEL_SVM_H

#include "model/iommu/group_locks.h"
#include "model/iommu/mm_pasid.h"

namespace iommucheck::model {

/// struct intel_svm.
template <class D>
struct IntelSvmRecord : HeapObject<D> {
  IntelSvmRecord(Scope<D> scope, unsigned processes, const IommuBounds& b)
      : HeapObject<D>(std::move(scope), processes), mm(*this, "mm", b.mms, pointer_to("mm")) {}
  Var<D> mm;
};

/// struct intel_svm_dev, which contains the iommu_sva that a driver holds.
template <class D>
struct IntelSvmDev : HeapObject<D> {
  IntelSvmDev(Scope<D> scope, unsigned processes, const IommuBounds& b)
      : HeapObject<D>(std::move(scope), processes),
        svm(*this, "svm", b.svms(), pointer_to("intel_svm")),
        dev(*this, "dev", b.devices),
        users(*this, "users", b.threads * b.bonds),
        listed(*this, "listed") {}
  Var<D> svm;
  Var<D> dev;      ///< 1 + the device
  Var<D> users;    ///< an int under pasid_mutex
  Flag<D> listed;  ///< on svm->devs
};

/// The page request of one (device, PASID).
template <class D>
struct SvmRequest : Record<D> {
  SvmRequest(Scope<D> scope, const IommuBounds& b, const IommuSorts& sorts)
      : Record<D>(std::move(scope)),
        queued(*this, "queued"),
        handled(*this, "handled"),
        issuer(*this, "issuer", b.mms, Format{}.of(sorts.mms)) {}
  Flag<D> queued, handled;  ///< on the work queue, with the worker
  Var<D> issuer;            ///< whose translation the device was using: 1 + the mm
};

template <class D>
class GroupedIommu : public GroupLocks<D, IommuDesign<D>> {
 public:
  GroupedIommu(const IommuBounds& bounds, const MmParts& parts)
      : GroupLocks<D, IommuDesign<D>>(bounds, parts) {}
};

template <class D>
class IntelSvm : public MmPasid<D, GroupedIommu> {
 public:
  using Base = MmPasid<D, GroupedIommu>;
  using Base::b, Base::hardware, Base::local, Base::mm, Base::sorts, Base::spec;
  using typename Base::B, typename Base::Kind, typename Base::T, typename Base::V;

  explicit IntelSvm(const IommuBounds& bounds)
      : Base(with_worker(bounds)),
        pasid_mutex(*this, "pasid_mutex"),
        intel_svm(*this, "intel_svm", b.svms(), b),
        iommu_sva(*this, "iommu_sva", over(sorts.handles), b),
        scope_(this->root()),
        pasid_private_array(scope_, "pasid_private_array", over(sorts.pasids), b.svms(),
                            pointer_to("intel_svm")),
        request(scope_, "page_request", b.faults ? b.devices * b.pasids : 0, b, sorts) {
    build_bind();
    build_unbind();
    this->build_processes();
    if (b.faults) build_handle();
    hardware.add_traffic();
    declare_invariants();
    this->declare_pasid_comes_back();
  }

  Mutex<D> pasid_mutex;
  Heap<D, IntelSvmRecord<D>> intel_svm;
  Heap<D, IntelSvmDev<D>> iommu_sva;

 private:
  Scope<D> scope_;

 public:
  XArray<D> pasid_private_array;
  Array<D, SvmRequest<D>> request;
  Label bind_unlocks, out;  ///< where a bind and an unbind end: for bugs

  /// intel_mm_release() goes through svm->devs.
  B knows(unsigned d, V process) const override {
    return any_of<D>(iommu_sva.size(), [&](unsigned i) {
      auto&& sdev = iommu_sva.object(i);
      return sdev.listed && sdev.dev == d + 1 && any_of<D>(intel_svm.size(), [&](unsigned s) {
               return sdev.svm == s + 1 && intel_svm.object(s).mm == process;
             });
    });
  }
  /// Whether the device may make a page request with the PASID (from 0).
  virtual B may_ask(unsigned d, unsigned p) const {
    return hardware.issues(d, p) && hardware.translation(d, p) != 0U;
  }
  /// It makes one, if it may and none is under way.
  void ask_for_page(unsigned d, unsigned p) {
    auto&& r = request[d * b.pasids + p];
    this->context.require(may_ask(d, p) && !r.queued && !r.handled);
    r.queued = true;
    r.issuer = hardware.translation(d, p);
  }
  /// What 6.1.192 does: the mutex is not held while page requests are drained.
  void drain_without_mutex() {
    constexpr const char* kFlush = "intel_svm_drain_prq(): iopf_queue_flush_dev(dev)";
    auto& unbind = this->edit("iommu_sva_unbind_device");
    unbind.insert_before(kFlush, "mutex_unlock(&pasid_mutex), for the drain",
                         [this](T& t) { t.unlock(pasid_mutex); });
    unbind.insert_after(kFlush, "mutex_lock(&pasid_mutex), again",
                        [this](T& t) { t.lock(pasid_mutex); });
  }

  /// list_empty(&svm->devs).
  B list_empty(T& t) {
    intel_svm.touch(local(t).svm);
    return !any_of<D>(iommu_sva.size(), [&](unsigned i) {
      auto&& sdev = iommu_sva.object(i);
      return sdev.life == Life::live && sdev.listed && sdev.svm == local(t).svm;
    });
  }

 private:
  static IommuBounds with_worker(IommuBounds bounds) {
    bounds.intel = true;
    if (bounds.faults) bounds.workers = {"worker"};
    return bounds;
  }
  unsigned worker() const { return b.threads; }

  /// svm_lookup_device_by_dev(): l.handle, or NULL.
  void look_up_device(T& t) {
    auto&& l = local(t);
    intel_svm.touch(l.svm);
    for (unsigned i = 0; i < iommu_sva.size(); ++i) {
      auto&& sdev = iommu_sva.object(i);
      t.when(sdev.life == Life::live && sdev.listed && sdev.svm == l.svm && sdev.dev == l.dev + 1U,
             [&] { l.handle = i + 1; });
    }
  }

  void build_bind() {
    auto& p = this->program("iommu_sva_bind_device");
    const auto err_unlock = p.label();
    const auto have_svm = p.label();
    const auto miss = p.label();
    const auto unregister = p.label();
    const auto free_svm = p.label();
    const Label& unlock = bind_unlocks;
    p.arguments([this](T& t) { this->choose_bond(t); });
    p.step("mutex_lock(&group->mutex)", [this](T& t) { this->lock_group(t); });
    p.step("mutex_lock(&pasid_mutex)", [this](T& t) { t.lock(pasid_mutex); });
    this->build_alloc_pasid(p, err_unlock);
    p.call("intel_svm_bind_mm", [&] {
      p.step("svm = pasid_private_find(mm->pasid)", [=, this](T& t) {
        auto&& l = local(t);
        l.svm = pasid_private_array.load(V(l.pasid));
        t.when(l.svm != 0U, [&] { t.jump(have_svm); });
      });
      p.step("svm = kzalloc(sizeof(*svm), GFP_KERNEL); svm->mm = mm", [=, this](T& t) {
        auto&& l = local(t);
        t.when(
            t.choose(2, "nomem") == 1U, [&] { this->bind_fails(t, Err::enomem, unlock); },
            [&] {
              l.svm = this->kzalloc(t, intel_svm);
              intel_svm.at(l.svm).mm = l.mm;
            });
      });
      p.step("mmu_notifier_register(&svm->notifier, mm): mmgrab(mm)",
             [this](T& t) { mm.at(local(t).mm).count.inc(); });
      p.step("pasid_private_add(svm->pasid, svm)", [=, this](T& t) {
        auto&& l = local(t);
        t.when(
            t.choose(2, "nomem") == 1U, [&] { this->bind_fails(t, Err::enomem, unregister); },
            [&] { pasid_private_array.store(V(l.pasid), l.svm); });
      });
      p.place(have_svm);
      p.step("sdev = svm_lookup_device_by_dev(svm, dev)", [=, this](T& t) {
        auto&& l = local(t);
        look_up_device(t);
        t.when(l.handle == 0U, [&] { t.jump(miss); });
      });
      p.step("sdev->users++", [=, this](T& t) {
        iommu_sva.at(local(t).handle).users += 1;
        this->bind_succeeds(t);
        t.jump(unlock);
      });
      p.place(miss);
      p.step("sdev = kzalloc(sizeof(*sdev), GFP_KERNEL); sdev->users = 1", [=, this](T& t) {
        auto&& l = local(t);
        t.when(
            t.choose(2, "nomem") == 1U, [&] { this->bind_fails(t, Err::enomem, free_svm); },
            [&] {
              l.handle = this->kzalloc(t, iommu_sva);
              auto&& sdev = iommu_sva.at(l.handle);
              sdev.svm = l.svm;
              sdev.dev = l.dev + 1U;
              sdev.users = 1;
            });
      });
      p.step("intel_pasid_setup_first_level(): the PASID entry is set", [this](T& t) {
        auto&& l = local(t);
        hardware.set(V(l.dev), V(l.pasid), l.mm, true);
      });
      p.step("list_add_rcu(&sdev->list, &svm->devs)", [=, this](T& t) {
        auto&& l = local(t);
        intel_svm.touch(l.svm);
        iommu_sva.at(l.handle).listed = true;
        this->bind_succeeds(t);
        t.jump(unlock);
      });
      p.place(free_svm);
      // A task of the process is here: these are not the last mmdrop().
      p.step("free_svm: if (list_empty(&svm->devs)) mmu_notifier_unregister(&svm->notifier, mm)",
             [=, this](T& t) {
               t.when(
                   list_empty(t),
                   [&] { static_cast<void>(mm.at(local(t).mm).count.dec_and_test()); },
                   [&] { t.jump(unlock); });
             });
      p.step("pasid_private_remove(mm->pasid); kfree(svm)", [=, this](T& t) {
        auto&& l = local(t);
        pasid_private_array.store(V(l.pasid), 0);
        intel_svm.kfree(l.svm);
        t.jump(unlock);
      });
      p.place(unregister);
      p.step("mmu_notifier_unregister(&svm->notifier, mm); kfree(svm)", [this](T& t) {
        auto&& l = local(t);
        static_cast<void>(mm.at(l.mm).count.dec_and_test());
        intel_svm.kfree(l.svm);
      });
    });
    p.place(unlock);
    p.step("mutex_unlock(&pasid_mutex)", [this](T& t) { t.unlock(pasid_mutex); });
    p.step("mutex_unlock(&group->mutex)", [this](T& t) {
      this->unlock_group(t);
      t.ret();
    });
    p.place(err_unlock);
    p.step("err: mutex_unlock(&iommu_sva_lock)", [=, this](T& t) {
      t.unlock(this->iommu_sva_lock);
      t.jump(unlock);
    });
  }

  void build_unbind() {
    auto& p = this->program("iommu_sva_unbind_device");
    p.arguments([this](T& t) { this->choose_held_bond(t); });
    p.step("dev = handle->dev",
           [this](T& t) { this->use_device(t, iommu_sva.at(local(t).handle).dev); });
    p.step("mutex_lock(&group->mutex)", [this](T& t) { this->lock_group(t); });
    p.step("mutex_lock(&pasid_mutex)", [this](T& t) { t.lock(pasid_mutex); });
    p.call("intel_svm_unbind_mm", [&] {
      p.step("pasid_to_svm_sdev(dev, pasid, &svm, &sdev); mm = svm->mm", [this](T& t) {
        auto&& l = local(t);
        l.svm = iommu_sva.at(l.handle).svm;
        l.mm = intel_svm.at(l.svm).mm;
        l.pasid = mm.at(l.mm).pasid - 1U;
      });
      p.step("sdev->users--; if (sdev->users) goto out", [this](T& t) {
        auto&& users = iommu_sva.at(local(t).handle).users;
        users -= 1;
        t.when(users != 0U, [&] {
          this->unbind_succeeds(t);
          t.jump(out);
        });
      });
      p.step("list_del_rcu(&sdev->list)",
             [this](T& t) { iommu_sva.at(local(t).handle).listed = false; });
      p.step("intel_pasid_tear_down_entry(): the PASID entry is cleared", [this](T& t) {
        auto&& l = local(t);
        hardware.clear(V(l.dev), V(l.pasid), l.mm);
      });
      if (b.caches) {
        p.step("intel_pasid_tear_down_entry(): the caches are invalidated", [this](T& t) {
          auto&& l = local(t);
          hardware.invalidate(V(l.dev), V(l.pasid));
        });
      }
      if (b.faults) build_drain(p);
      p.step("kfree_rcu(sdev, rcu)", [this](T& t) {
        this->unbind_succeeds(t);
        iommu_sva.kfree_rcu(local(t).handle);
      });
      p.step("if (!list_empty(&svm->devs)) goto out",
             [this](T& t) { t.when(!list_empty(t), [&] { t.jump(out); }); });
      p.call("mmu_notifier_unregister > mmdrop", [&] { this->build_mmdrop(p); });
      p.step("pasid_private_remove(svm->pasid)", [this](T& t) {
        auto&& l = local(t);
        intel_svm.touch(l.svm);
        pasid_private_array.store(V(l.pasid), 0);
      });
      p.step("kfree(svm)", [this](T& t) { intel_svm.kfree(local(t).svm); });
    });
    p.place(out);
    p.step("mutex_unlock(&pasid_mutex)", [this](T& t) { t.unlock(pasid_mutex); });
    p.step("mutex_unlock(&group->mutex)", [this](T& t) { this->unlock_group(t); });
  }

  /// intel_svm_drain_prq().
  void build_drain(Program<D>& p) {
    p.step("intel_svm_drain_prq(): iopf_queue_flush_dev(dev)", [this](T& t) {
      auto&& l = local(t);
      with_request(V(l.dev), V(l.pasid), [&](auto&& r) {
        this->context.wait_for(!r.queued && !r.handled, 1U << worker());
      });
    });
  }

  /// f(request) for this device and PASID (from 0).
  template <class F>
  void with_request(V dev, V pasid, F f) {
    for (unsigned d = 0; d < b.devices; ++d) {
      for (unsigned p = 0; p < b.pasids; ++p)
        this->context.when(dev == d && pasid == p, [&] { f(request[d * b.pasids + p]); });
    }
  }
  /// iopf_handle_group() of one request.
  void build_handle() {
    right_process_ = this->property(
        "page-request-reaches-its-process",
        "A page request is handled for the process whose translation the device was using.");
    for (unsigned d = 0; d < b.devices; ++d) {
      for (unsigned pasid = 0; pasid < b.pasids; ++pasid) {
        device_code_.push_back({"page request",
                                fmt::format("page request (device {}, PASID {})", d, pasid + 1),
                                false, 0, [this, d, pasid](unsigned) { ask_for_page(d, pasid); }});
      }
    }
    this->add_actor("devices", device_code_);

    auto& p = this->worker_program(0, "iopf_handle_group");
    const auto respond = p.label();
    p.step("take a request from the work queue", [this](T& t) {
      auto&& l = local(t);
      l.dev = t.choose(b.devices, "device");
      l.pasid = t.choose(b.pasids, "pasid");
      with_request(V(l.dev), V(l.pasid), [&](auto&& r) {
        t.require(r.queued);
        r.queued = false;
        r.handled = true;
      });
    });
    p.step("mm = iommu_sva_find(prm->pasid): mmget_not_zero(mm)", [=, this](T& t) {
      auto&& l = local(t);
      for (unsigned m = 0; m < b.mms; ++m) {
        auto&& process = mm.object(m);
        t.when(process.life == Life::live && process.pasid == l.pasid + 1U && process.users != 0U,
               [&] {
                 process.users += 1;
                 l.mm = m + 1;
               });
      }
      t.when(l.mm == 0U, [&] { t.jump(respond); });
    });
    p.step("handle_mm_fault(vma, prm->addr, fault_flags, NULL)", [this](T& t) {
      auto&& l = local(t);
      with_request(V(l.dev), V(l.pasid), [&](auto&& r) {
        t.fail_unless(r.issuer == l.mm, right_process_,
                      "the fault of one process is handled in the address space of another");
      });
      t.fail_unless(mm.at(l.mm).page_tables, this->no_use_after_free,
                    "a fault is handled in page tables that are freed");
    });
    p.step("mmput(mm): if (!atomic_dec_and_test(&mm->mm_users)) return", [=, this](T& t) {
      auto&& users = mm.at(local(t).mm).users;
      users -= 1;
      t.when(users != 0U, [&] { t.jump(respond); });
    });
    p.call("exit_mmap", [&] { this->build_exit_mmap(p); });
    p.step("mmdrop(mm)", [this](T& t) {
      t.fail_unless(!mm.at(local(t).mm).count.dec_and_test(), this->refcounts,
                    "the worker drops the last reference of the mm: the notifier of its bond "
                    "should hold one");
    });
    p.place(respond);
    p.step("iopf_complete_group(dev, iopf, status)", [this](T& t) {
      auto&& l = local(t);
      with_request(V(l.dev), V(l.pasid), [&](auto&& r) {
        r.handled = false;
        r.issuer = 0;
      });
    });
  }

  void declare_invariants() {
    this->property(
        "bonds-are-counted",
        "When no call is under way, every intel_svm_dev in memory is on a list and counts "
        "the bonds that drivers hold with it.",
        [this] {
          return !this->may_rest() || all_of<D>(iommu_sva.size(), [&](unsigned i) {
            auto&& sdev = iommu_sva.object(i);
            const V held = sum_of<D>(b.threads, [&](unsigned c) {
              return count_of<D>(b.bonds,
                                 [&](unsigned k) { return this->driver[c].handle[k] == i + 1; });
            });
            return sdev.users == held && (sdev.life == Life::live) == (held != 0U) &&
                   (!(sdev.life == Life::live) || B(sdev.listed));
          });
        });
    this->property(
        "svm-is-published",
        "When no call is under way, every intel_svm in memory is found by one PASID, and "
        "has a device.",
        [this] {
          return !this->may_rest() || all_of<D>(intel_svm.size(), [&](unsigned i) {
            const V found = count_of<D>(
                b.pasids, [&](unsigned p) { return pasid_private_array.load(p) == i + 1; });
            const B used = any_of<D>(iommu_sva.size(), [&](unsigned s) {
              auto&& sdev = iommu_sva.object(s);
              return sdev.life == Life::live && sdev.svm == i + 1;
            });
            const B live = intel_svm.object(i).life == Life::live;
            return (live && found == 1U && used) || (!live && found == 0U && !used);
          });
        });
  }

  PropertyId right_process_{};
  Code device_code_;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_INTEL_SVM_H
