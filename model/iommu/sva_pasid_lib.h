// SPDX-License-Identifier: MIT
// sva/pasid-lib: 6.1 drivers/iommu/iommu-sva-lib.c under a driver like arm-smmu-v3-sva.c.  The
// PASID is a number in the mm, set once under iommu_sva_lock and freed with the struct
// (kernel/fork.c); the driver's sva_lock guards its bonds, one for each (device, mm).
#ifndef IOMMUCHECK_MODEL_IOMMU_SVA_PASID_LIB_H
#define IOMMUCHECK_MODEL_IOMMU_SVA_PASID_LIB_H

#include "model/iommu/mm_pasid.h"

namespace iommucheck::model {

/// struct arm_smmu_bond, which contains the iommu_sva that a driver holds.
template <class D>
struct SvaBond : HeapObject<D> {
  SvaBond(Scope<D> scope, unsigned processes, const Design<D>* design, const IommuBounds& b)
      : HeapObject<D>(std::move(scope), processes),
        mm(*this, "mm", b.mms, pointer_to("mm")),
        dev(*this, "dev", b.devices),
        refs(*this, "refs", *design, b.threads * b.bonds) {}
  Var<D> mm;
  Var<D> dev;  ///< 1 + the device
  Refcount<D> refs;
};

/// What a task has in its CPU's PASID register, for ENQCMD.
template <class D>
struct PasidRegister : Record<D> {
  PasidRegister(Scope<D> scope, const IommuBounds& b, const IommuSorts& sorts)
      : Record<D>(scope),
        mm(*this, "mm", b.enqcmd ? b.mms : 0, Format{}.of(sorts.mms)),
        pasid(*this, "pasid", b.enqcmd ? b.pasids : 0) {}
  Var<D> mm;     ///< of the task: 1 + the mm
  Var<D> pasid;  ///< 0: not loaded
};

template <class D>
class SvaPasidLib : public MmPasid<D, IommuDesign> {
 public:
  using Base = MmPasid<D, IommuDesign>;
  using Base::b, Base::hardware, Base::iommu_sva_lock, Base::local, Base::mm, Base::spec;
  using typename Base::B, typename Base::Kind, typename Base::T, typename Base::V;

  explicit SvaPasidLib(const IommuBounds& bounds)
      : Base(bounds),
        sva_lock(*this, "sva_lock"),
        iommu_sva(*this, "iommu_sva", over(Base::sorts.handles),
                  static_cast<const Design<D>*>(this), b),
        cpu_register(this->root(), "pasid_register", over(this->threads(), b.threads), b,
                     Base::sorts) {
    build_bind();
    build_unbind();
    this->build_processes();
    if (b.enqcmd) build_enqcmd();
    hardware.add_traffic();
    declare_invariants();
  }

  Mutex<D> sva_lock;
  Label err_free_bond;  ///< where a bind that fails ends: for who lets drivers refuse
  Heap<D, SvaBond<D>> iommu_sva;
  Array<D, PasidRegister<D>> cpu_register;  ///< of each thread, which is a task

 private:
  /// arm_smmu_sva_bind(dev, mm), called by a task of the process.
  void build_bind() {
    auto& p = this->program("iommu_sva_bind_device");
    const auto miss = p.label();
    const auto unlock = p.label();
    const auto err_unlock = p.label();
    p.arguments([this](T& t) { this->choose_bond(t); });
    p.step("mutex_lock(&sva_lock)", [this](T& t) { t.lock(sva_lock); });
    p.step("list_for_each_entry(bond, &master->bonds, list)", [=, this](T& t) {
      auto&& l = local(t);
      find_bond(t);
      t.when(l.handle == 0U, [&] { t.jump(miss); });
    });
    p.step("refcount_inc(&bond->refs)", [=, this](T& t) {
      auto&& l = local(t);
      iommu_sva.at(l.handle).refs.inc();
      l.pasid = mm.at(l.mm).pasid - 1U;
      this->bind_succeeds(t);
      t.jump(unlock);
    });
    p.place(miss);
    p.step("bond = kzalloc(sizeof(*bond), GFP_KERNEL)", [=, this](T& t) {
      auto&& l = local(t);
      t.when(
          t.choose(2, "nomem") == 1U, [&] { this->bind_fails(t, Err::enomem, unlock); },
          [&] { l.handle = this->kzalloc(t, iommu_sva); });
    });
    this->build_alloc_pasid(p, err_unlock);
    p.step("mmu_notifier_register(): mmgrab(mm)", [this](T& t) {
      auto&& l = local(t);
      mm.at(l.mm).count.inc();
    });
    p.step("arm_smmu_write_ctx_desc(): the PASID entry is set", [this](T& t) {
      auto&& l = local(t);
      hardware.set(V(l.dev), V(l.pasid), l.mm, true);
    });
    p.step("refcount_set(&bond->refs, 1); list_add(&bond->list, &master->bonds)", [this](T& t) {
      auto&& l = local(t);
      auto&& bond = iommu_sva.at(l.handle);
      bond.mm = l.mm;
      bond.dev = l.dev + 1U;
      bond.refs.set(1);
      this->bind_succeeds(t);
    });
    p.place(unlock);
    p.step("mutex_unlock(&sva_lock)", [this](T& t) {
      t.unlock(sva_lock);
      t.ret();
    });
    p.place(err_unlock);
    p.step("err: mutex_unlock(&iommu_sva_lock)", [this](T& t) { t.unlock(iommu_sva_lock); });
    p.place(err_free_bond);
    p.step("err_free_bond: kfree(bond)", [this](T& t) { iommu_sva.kfree(local(t).handle); });
    p.step("err: mutex_unlock(&sva_lock)", [this](T& t) { t.unlock(sva_lock); });
  }

  /// arm_smmu_sva_unbind(handle).
  void build_unbind() {
    auto& p = this->program("iommu_sva_unbind_device");
    const auto unlock = p.label();
    p.arguments([this](T& t) { this->choose_held_bond(t); });
    p.step("mutex_lock(&sva_lock)", [this](T& t) { t.lock(sva_lock); });
    p.step("if (!refcount_dec_and_test(&bond->refs))", [=, this](T& t) {
      auto&& l = local(t);
      auto&& bond = iommu_sva.at(l.handle);
      t.when(
          !bond.refs.dec_and_test(),
          [&] {
            this->unbind_succeeds(t);
            t.jump(unlock);
          },
          [&] {
            this->use_device(t, bond.dev);
            l.mm = bond.mm;
            l.pasid = mm.at(l.mm).pasid - 1U;
          });
    });
    p.step("list_del(&bond->list); arm_smmu_write_ctx_desc(): the PASID entry is cleared",
           [this](T& t) {
             auto&& l = local(t);
             iommu_sva.at(l.handle).dev = 0;
             hardware.clear(V(l.dev), V(l.pasid), l.mm);
           });
    if (b.caches) {
      p.step("arm_smmu_tlb_inv_asid(), arm_smmu_atc_inv_domain()", [this](T& t) {
        auto&& l = local(t);
        hardware.invalidate(V(l.dev), V(l.pasid));
      });
    }
    p.step("kfree(bond)", [this](T& t) {
      auto&& l = local(t);
      this->unbind_succeeds(t);
      iommu_sva.kfree(l.handle);
    });
    p.call("mmdrop", [&] { this->build_mmdrop(p); });
    p.place(unlock);
    p.step("mutex_unlock(&sva_lock)", [this](T& t) { t.unlock(sva_lock); });
  }

  /// A task sends a descriptor to a device: the CPU adds the PASID of its register, and faults
  /// where there is none.  arch/x86/kernel/traps.c, try_fixup_enqcmd_gp().
  void build_enqcmd() {
    auto& p = this->program("enqcmd");
    const auto again = p.label();
    // A thread stays a task of its process until it ends.
    p.arguments([this](T& t) {
      auto&& l = local(t);
      this->become_task(t);
      auto&& reg = cpu_register[t.self()];
      t.when(reg.mm != l.mm, [&] {
        reg.mm = l.mm;
        reg.pasid = 0;
      });
    });
    p.step("enqcmd", [=, this](T& t) {
      auto&& l = local(t);
      auto&& reg = cpu_register[t.self()];
      t.when(reg.pasid != 0U, [&] {
        this->takes_effect(t, Kind::get_pasid, {.mm = l.mm - 1U}, Err::ok, reg.pasid);
        t.ret();
      });
    });
    p.step("#GP: if (!pasid_valid(current->mm->pasid)) SIGSEGV, else wrmsrl(MSR_IA32_PASID)",
           [this](T& t) {
             auto&& l = local(t);
             auto&& reg = cpu_register[t.self()];
             reg.pasid = mm.at(l.mm).pasid;
             this->takes_effect(t, Kind::get_pasid, {.mm = l.mm - 1U}, Err::ok, reg.pasid);
           });
  }

  void declare_invariants() {
    this->property("bonds-are-counted",
                   "When no call is under way, every bond in memory counts those that drivers hold "
                   "with it, and there is one.",
                   [this] {
                     return !this->may_rest() || all_of<D>(iommu_sva.size(), [&](unsigned i) {
                       auto&& bond = iommu_sva.object(i);
                       const V held = sum_of<D>(b.threads, [&](unsigned c) {
                         return count_of<D>(b.bonds, [&](unsigned k) {
                           return this->driver[c].handle[k] == i + 1;
                         });
                       });
                       return bond.refs.read() == held && (bond.life == Life::live) == (held != 0U);
                     });
                   });
    if (b.enqcmd) {
      this->property("register-is-current",
                     "What a task's CPU adds to a descriptor is the PASID of its mm.", [this] {
                       return all_of<D>(b.threads, [&](unsigned c) {
                         auto&& reg = cpu_register[c];
                         return reg.pasid == 0U || all_of<D>(b.mms, [&](unsigned m) {
                                  return reg.mm != m + 1 || !spec.state.runs(m) ||
                                         mm.object(m).pasid == reg.pasid;
                                });
                       });
                     });
    }
    this->declare_pasid_comes_back();
  }

 public:
  /// l.handle: the bond of (l.dev, l.mm), or NULL.
  void find_bond(T& t) {
    auto&& l = local(t);
    for (unsigned i = 0; i < iommu_sva.size(); ++i) {
      auto&& bond = iommu_sva.object(i);
      t.when(bond.life == Life::live && bond.dev == l.dev + 1U && bond.mm == l.mm,
             [&] { l.handle = i + 1; });
    }
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_SVA_PASID_LIB_H
