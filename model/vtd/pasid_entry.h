// SPDX-License-Identifier: MIT
// vtd/pasid-entry: how a PASID table entry is set, torn down and invalidated, while the hardware
// reads it in pieces.  6.12.117 drivers/iommu/intel/pasid.c, svm.c; the kernel half as since 6.19
// (iommu_sva_invalidate_kva_range()).
//
// Bonds of a device come one after the other (group->mutex), and its driver has stopped it before
// it unbinds.  Page requests and their drain are in the SVA designs.
#ifndef IOMMUCHECK_MODEL_VTD_PASID_ENTRY_H
#define IOMMUCHECK_MODEL_VTD_PASID_ENTRY_H

#include "model/vtd/hardware.h"

namespace iommucheck::model {

template <class D>
class VtdPasidEntry : public VtdHardware<D> {
 public:
  using Base = VtdHardware<D>;
  using Base::b, Base::device, Base::hardware, Base::kernel_table, Base::memory, Base::mm;
  using typename Base::B, typename Base::T, typename Base::V;

  explicit VtdPasidEntry(const VtdBounds& bounds)
      : Base(bounds),
        iommu_lock(*this, "iommu->lock"),
        domain_lock(*this, "domain->lock"),
        local(*this, b) {
    forgotten_ = this->property("nothing-cached-after-unbind",
                                "When unbind returns, nothing is cached of the entry, and nothing "
                                "is left in it.");
    build_bind();
    build_unbind();
    build_zap();
    build_fault();
    build_exit();
    if (!b.kernel) return;
    build_vfree();
    build_vmalloc();
  }

  Spinlock<D> iommu_lock, domain_lock;
  CallLocals<D, VtdLocals<D>> local;

  // What bugs are made of.
  void write_state(T& t, unsigned value) { memory.write_once(t, this->state_of(dev(t)), value); }
  void write_did(T& t, V value) { memory.write_once(t, this->did_of(dev(t)), value); }
  void write_flptr(T& t, V value) { memory.write_once(t, this->flptr_of(dev(t)), value); }
  V dev(T& t) { return local(t).dev; }

 private:
  /// f(m) for the process of the call.
  template <class F>
  void with_mm(T& t, F f) {
    for (unsigned m = 0; m < b.mms; ++m) t.when(local(t).mm == m + 1, [&] { f(mm[m]); });
  }
  /// A process that runs, for whose task the call is made.
  void become_task(T& t) {
    auto&& l = local(t);
    l.mm = t.choose(b.mms, "mm") + 1U;
    with_mm(t, [&](auto&& m) { t.require(!m.exiting); });
  }

  /// pasid_clear_entry(), or with the FPD bit.
  void build_clear(Program<D>& p) {
    p.step("WRITE_ONCE(pe->val[0], fault_ignore ? PASID_PTE_FPD : 0)", [this](T& t) {
      auto&& l = local(t);
      memory.write_once(t, this->state_of(l.dev),
                        select(B(l.fault_ignore), V(kFaultDisabled), V(kEmpty)));
    });
    p.step("WRITE_ONCE(pe->val[1], 0)", [this](T& t) { write_did(t, 0); });
    p.step("WRITE_ONCE(pe->val[2], 0)", [this](T& t) { write_flptr(t, 0); });
  }

  /// intel_svm_set_dev_pasid() and intel_pasid_setup_first_level().
  void build_bind() {
    auto& p = this->program("intel_svm_set_dev_pasid");
    p.arguments([this](T& t) {
      auto&& l = local(t);
      l.dev = t.choose(b.devices, "device");
      t.require(device[V(l.dev)].owner == 0U);
      become_task(t);
    });
    p.step("cache_tag_assign_domain(domain, dev, pasid)",
           [this](T& t) { device[dev(t)].owner = local(t).mm; });
    p.call("intel_pasid_setup_first_level", [&] {
      p.step("spin_lock(&iommu->lock)", [this](T& t) { t.lock(iommu_lock); });
      build_clear(p);
      p.step("pasid_set_flptr(pte, __pa(pgd))", [this](T& t) { write_flptr(t, local(t).mm); });
      p.step("pasid_set_domain_id(pte, did)", [this](T& t) { write_did(t, local(t).mm); });
      p.step("pasid_set_present(pte): dma_wmb()", [this](T& t) { memory.smp_wmb(t); });
      p.step("pasid_set_present(pte): set P", [this](T& t) { write_state(t, kPresent); });
      p.step("spin_unlock(&iommu->lock)", [this](T& t) { t.unlock(iommu_lock); });
    });
    p.step("spin_lock_irqsave(&domain->lock)", [this](T& t) { t.lock(domain_lock); });
    p.step("list_add(&dev_pasid->link_domain, &domain->dev_pasids); unlock", [this](T& t) {
      device[dev(t)].on_list = true;
      device[dev(t)].in_use = true;
      t.unlock(domain_lock);
    });
  }

  /// intel_pasid_tear_down_entry(l.dev, l.fault_ignore).  What mm_release finds on its list has not
  /// been released before.
  void build_tear_down(Program<D>& p, bool released_before) {
    const auto live = p.label();
    const auto done = p.label();
    p.step("spin_lock(&iommu->lock)", [this](T& t) { t.lock(iommu_lock); });
    p.step("if (!pasid_pte_is_present(pte))", [=, this](T& t) {
      const V state = memory.read_once(t, this->state_of(dev(t)));
      t.when(state == kPresent, [&] { t.jump(live); });
      t.when(state == kEmpty || (B(!released_before) && state == kFaultDisabled), [&] {
        t.unlock(iommu_lock);
        t.jump(done);
      });
    });
    if (released_before) {
      p.step("pasid_clear_entry(pte)", [this](T& t) { write_state(t, kEmpty); });
      p.step("spin_unlock(&iommu->lock); intel_iommu_drain_pasid_prq(dev, pasid)", [=, this](T& t) {
        t.unlock(iommu_lock);
        t.jump(done);
      });
    }
    p.place(live);
    p.step("pasid_clear_present(pte)", [this](T& t) { write_state(t, kEmpty); });
    p.step("spin_unlock(&iommu->lock)", [this](T& t) { t.unlock(iommu_lock); });
    p.step("pasid_cache_invalidation_with_pasid(iommu, did, pasid)",
           [this](T& t) { this->flush_pasid_cache(t, dev(t)); });
    p.step("qi_flush_piotlb(iommu, did, pasid, 0, -1, 0)",
           [this](T& t) { this->flush_iotlb(t, dev(t)); });
    p.step("devtlb_invalidation_with_pasid(iommu, dev, pasid)",
           [this](T& t) { this->flush_devtlb(t, dev(t)); });
    p.call("intel_pasid_clear_entry", [&] { build_clear(p); });
    p.place(done);
  }

  /// intel_iommu_remove_dev_pasid().
  void build_unbind() {
    auto& p = this->program("intel_iommu_remove_dev_pasid");
    p.arguments([this](T& t) {
      auto&& l = local(t);
      l.dev = t.choose(b.devices, "device");
      t.require(device[V(l.dev)].in_use);
      device[V(l.dev)].in_use = false;
    });
    p.step("spin_lock_irqsave(&domain->lock)", [this](T& t) { t.lock(domain_lock); });
    p.step("list_del(&dev_pasid->link_domain); unlock", [this](T& t) {
      device[dev(t)].on_list = false;
      t.unlock(domain_lock);
    });
    p.call("intel_pasid_tear_down_entry", [&] { build_tear_down(p, true); });
    p.step("cache_tag_unassign_domain(domain, dev, pasid)", [this](T& t) {
      memory.smp_mb(t);
      const V d = dev(t);
      auto&& e = this->entry[d];
      t.fail_unless(this->forgotten(d) && e.state == kEmpty, forgotten_,
                    "unbind returns, and something of the entry is left");
      device[d].owner = 0;
    });
  }

  /// unmap: mmu_notifier_arch_invalidate_secondary_tlbs(), then the page is freed.
  void build_zap() {
    auto& p = this->program("zap_pte_range");
    p.arguments([this](T& t) { become_task(t); });
    p.step("ptep_get_and_clear_full(mm, addr, pte, tlb->fullmm)", [this](T& t) {
      with_mm(t, [&](auto&& m) {
        t.require(m.page == PageState::mapped);
        m.page = PageState::unmapped;
      });
    });
    p.call("intel_arch_invalidate_secondary_tlbs", [&] {
      p.step("cache_tag_flush_range(): CACHE_TAG_IOTLB",
             [this](T& t) { each_bound(t, [&](V d) { this->flush_iotlb(t, d); }); });
      p.step("cache_tag_flush_range(): CACHE_TAG_DEVTLB",
             [this](T& t) { each_bound(t, [&](V d) { this->flush_devtlb(t, d); }); });
    });
    p.step("free_pages_and_swap_cache()",
           [this](T& t) { with_mm(t, [](auto&& m) { m.page = PageState::freed; }); });
  }
  /// f(device) for all that are bound to the process of the call.
  template <class F>
  void each_bound(T& t, F f) {
    for (unsigned d = 0; d < b.devices; ++d)
      t.when(device[d].owner == local(t).mm, [&] { f(V(d)); });
  }
  void build_fault() {
    auto& p = this->program("do_anonymous_page");
    p.arguments([this](T& t) { become_task(t); });
    p.step("set_ptes(mm, addr, vmf->pte, entry, nr_pages)", [this](T& t) {
      with_mm(t, [&](auto&& m) {
        t.require(m.page == PageState::freed);
        m.page = PageState::mapped;
      });
    });
  }

  /// exit_mmap(): no task is left, and no call works for the process.
  void build_exit() {
    auto& p = this->program("exit_mmap");
    const auto next = p.label();
    const auto done = p.label();
    p.arguments([this](T& t) {
      become_task(t);
      const V users = sum_of<D>(this->process_count(), [&](unsigned i) {
        return as_number<D>(local[i].mm == local(t).mm);
      });
      t.require(users == 1U);
      with_mm(t, [](auto&& m) { m.exiting = true; });
      local(t).fault_ignore = true;
    });
    p.call("intel_mm_release", [&] {
      p.step("spin_lock_irqsave(&domain->lock)", [this](T& t) { t.lock(domain_lock); });
      p.place(next);
      p.step("list_for_each_entry(dev_pasid, &domain->dev_pasids, link_domain)", [=, this](T& t) {
        auto&& l = local(t);
        t.when(
            l.next == b.devices, [&] { t.jump(done); },
            [&] {
              l.dev = l.next;
              l.next += 1;
              auto&& d = device[V(l.dev)];
              t.when(!d.on_list || d.owner != l.mm, [&] { t.jump(next); });
            });
      });
      p.call("intel_pasid_tear_down_entry", [&] { build_tear_down(p, false); });
      p.step("next dev_pasid", [=](T& t) { t.jump(next); });
      p.place(done);
      p.step("spin_unlock_irqrestore(&domain->lock)", [this](T& t) { t.unlock(domain_lock); });
    });
    p.step("free_pgtables(mm)", [this](T& t) {
      with_mm(t, [](auto&& m) {
        m.page = PageState::freed;
        m.tables_freed = true;
      });
    });
  }

  /// A page of the kernel's page tables goes: every process has it in its upper half.
  void build_vfree() {
    auto& p = this->program("pmd_free_pte_page");
    p.step("pmd_clear(pmd)", [this](T& t) {
      t.require(kernel_table == PageState::mapped);
      kernel_table = PageState::unmapped;
    });
    p.step("iommu_sva_invalidate_kva_range(start, end)", [this](T& t) {
      for (unsigned d = 0; d < b.devices; ++d)
        t.when(device[d].owner != 0U, [&] { this->flush_iotlb(t, V(d)); });
    });
    p.step("pagetable_dtor_free(ptdesc)", [this](T&) { kernel_table = PageState::freed; });
  }
  void build_vmalloc() {
    auto& p = this->program("vmap_pte_range");
    p.step("pmd_populate_kernel(&init_mm, pmd, page)", [this](T& t) {
      t.require(kernel_table == PageState::freed);
      kernel_table = PageState::mapped;
    });
  }

  PropertyId forgotten_{};
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_VTD_PASID_ENTRY_H
