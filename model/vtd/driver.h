// SPDX-License-Identifier: MIT
// VtdDriver: the functions of the VT-d driver that set a PASID entry, tear it down and invalidate
// what is cached of it, to be inlined into the programs of a design.
// 6.12.117 drivers/iommu/intel/pasid.c, svm.c, iommu.c, cache.c.
//
// There is one IOMMU, one domain->lock and one domain->cache_lock: what they guard, on the lists of
// a domain, are lists for each process here.
#ifndef IOMMUCHECK_MODEL_VTD_DRIVER_H
#define IOMMUCHECK_MODEL_VTD_DRIVER_H

#include "model/vtd/hardware.h"

namespace iommucheck::model {

template <class D>
class VtdDriver : public VtdHardware<D> {
 public:
  using Base = VtdHardware<D>;
  using Base::memory, Base::page;
  using typename Base::B, typename Base::T, typename Base::V;

  VtdDriver(Design<D>& design, const VtdShape& shape)
      : Base(design, shape),
        scope_(design.root()),
        iommu_lock(design, "iommu->lock"),
        domain_lock(design, "domain->lock"),
        cache_lock(design, "domain->cache_lock"),
        dev_pasid(scope_, "dev_pasid", shape.size(), shape),
        local(design, shape) {}

 private:
  Scope<D> scope_;

 public:
  Spinlock<D> iommu_lock, domain_lock, cache_lock;
  Array<D, DevPasid<D>> dev_pasid;
  CallLocals<D, VtdLocals<D>> local;
  /// Adds the steps of intel_iommu_drain_pasid_prq() for the entry of the call.
  std::function<void(Program<D>&)> build_drain;

  V row(T& t) const { return local(t).row; }
  V process(T& t) const { return local(t).mm; }

  // Words of the entry of the call.
  void write_state(T& t, unsigned value) { memory.write_once(t, this->state_of(row(t)), value); }
  void write_did(T& t, V value) { memory.write_once(t, this->did_of(row(t)), value); }
  void write_flptr(T& t, V value) { memory.write_once(t, this->flptr_of(row(t)), value); }

  /// intel_svm_set_dev_pasid() for the entry and the process of the call.  assigned(t), listed(t):
  /// what else happens with the first step and the last one.
  template <class F, class G>
  void build_set_dev_pasid(Program<D>& p, F assigned, G listed) {
    // Both tags at once: nothing is cached of an entry that is not set yet.
    p.step("cache_tag_assign_domain(domain, dev, pasid)", [=, this](T& t) {
      with_tags(t, [&] {
        dev_pasid[row(t)].iotlb_tag = process(t);
        dev_pasid[row(t)].devtlb_tag = process(t);
      });
      assigned(t);
    });
    p.call("intel_pasid_setup_first_level", [&] {
      p.step("spin_lock(&iommu->lock)", [this](T& t) { t.lock(iommu_lock); });
      build_clear(p, false);
      p.step("pasid_set_flptr(pte, __pa(pgd))", [this](T& t) { write_flptr(t, process(t)); });
      p.step("pasid_set_domain_id(pte, did)", [this](T& t) { write_did(t, process(t)); });
      p.step("pasid_set_present(pte): dma_wmb()", [this](T& t) { memory.smp_wmb(t); });
      p.step("pasid_set_present(pte): set P", [this](T& t) { write_state(t, kPresent); });
      p.step("spin_unlock(&iommu->lock)", [this](T& t) { t.unlock(iommu_lock); });
    });
    p.step("spin_lock_irqsave(&domain->lock)", [this](T& t) { t.lock(domain_lock); });
    p.step("list_add(&dev_pasid->link_domain, &domain->dev_pasids); unlock", [=, this](T& t) {
      dev_pasid[row(t)].listed = process(t);
      t.unlock(domain_lock);
      listed(t);
    });
  }

  /// intel_iommu_remove_dev_pasid() for the entry of the call.
  template <class F>
  void build_remove_dev_pasid(Program<D>& p, F begins) {
    p.step("spin_lock_irqsave(&domain->lock)", [=, this](T& t) {
      t.lock(domain_lock);
      begins(t);
    });
    p.step("list_del(&dev_pasid->link_domain); unlock", [this](T& t) {
      dev_pasid[row(t)].listed = 0;
      t.unlock(domain_lock);
    });
    p.call("cache_tag_unassign_domain", [&] {
      p.step("list_del(&tag->node): CACHE_TAG_IOTLB",
             [this](T& t) { with_tags(t, [&] { dev_pasid[row(t)].iotlb_tag = 0; }); });
      p.step("list_del(&tag->node): CACHE_TAG_DEVTLB",
             [this](T& t) { with_tags(t, [&] { dev_pasid[row(t)].devtlb_tag = 0; }); });
    });
    p.call("intel_pasid_tear_down_entry", [&] { build_tear_down(p, false); });
  }

  /// intel_mm_release() for the process of the call.
  template <class F>
  void build_mm_release(Program<D>& p, F begins) {
    const auto next = p.label();
    const auto done = p.label();
    p.call("intel_mm_release", [&] {
      p.step("spin_lock_irqsave(&domain->lock)", [=, this](T& t) {
        t.lock(domain_lock);
        begins(t);
      });
      p.place(next);
      p.step("list_for_each_entry(dev_pasid, &domain->dev_pasids, link_domain)", [=, this](T& t) {
        auto&& l = local(t);
        t.when(
            l.next == this->rows(), [&] { t.jump(done); },
            [&] {
              l.row = l.next;
              l.next += 1;
              t.when(dev_pasid[V(l.row)].listed != l.mm, [&] { t.jump(next); });
            });
      });
      p.call("intel_pasid_tear_down_entry", [&] { build_tear_down(p, true); });
      p.step("next dev_pasid", [=](T& t) { t.jump(next); });
      p.place(done);
      p.step("spin_unlock_irqrestore(&domain->lock)", [this](T& t) { t.unlock(domain_lock); });
    });
  }

  /// A page of the process of the call is unmapped, the notifier is told, then the page is freed.
  void build_zap(Program<D>& p) {
    p.step("ptep_get_and_clear_full(mm, addr, pte, tlb->fullmm)", [this](T& t) {
      with_page(t, [&](auto&& state) {
        t.require(state == PageState::mapped);
        state = PageState::unmapped;
      });
    });
    p.call("intel_arch_invalidate_secondary_tlbs", [&] {
      p.step("spin_lock_irqsave(&domain->cache_lock)", [this](T& t) { t.lock(cache_lock); });
      p.step("cache_tag_flush_range(): CACHE_TAG_IOTLB", [this](T& t) {
        for (unsigned r = 0; r < this->rows(); ++r)
          t.when(dev_pasid[r].iotlb_tag == process(t), [&] { this->flush_iotlb(t, V(r)); });
      });
      p.step("cache_tag_flush_range(): CACHE_TAG_DEVTLB", [this](T& t) {
        for (unsigned r = 0; r < this->rows(); ++r)
          t.when(dev_pasid[r].devtlb_tag == process(t), [&] { this->flush_devtlb(t, V(r)); });
      });
      p.step("spin_unlock_irqrestore(&domain->cache_lock)", [this](T& t) { t.unlock(cache_lock); });
    });
    p.step("free_pages_and_swap_cache()", [this](T& t) { free_page(t); });
  }
  void build_fault(Program<D>& p) {
    p.step("set_ptes(mm, addr, vmf->pte, entry, nr_pages)", [this](T& t) {
      with_page(t, [&](auto&& state) {
        t.require(state == PageState::freed);
        state = PageState::mapped;
      });
    });
  }
  void free_page(T& t) {
    with_page(t, [](auto&& state) { state = PageState::freed; });
  }

 private:
  /// f(page) for the one of the process of the call.
  template <class F>
  void with_page(T& t, F f) {
    for (unsigned m = 0; m < this->mms(); ++m) t.when(process(t) == m + 1, [&] { f(page[m]); });
  }
  /// f() under the lock of the list of cache tags.
  template <class F>
  void with_tags(T& t, F f) {
    t.lock(cache_lock);
    f();
    t.unlock(cache_lock);
  }

  /// pasid_clear_entry(), or with the FPD bit.
  void build_clear(Program<D>& p, bool fault_ignore) {
    p.step(fmt::format("WRITE_ONCE(pe->val[0], {})", fault_ignore ? "PASID_PTE_FPD" : "0"),
           [=, this](T& t) { write_state(t, fault_ignore ? kFaultDisabled : kEmpty); });
    p.step("WRITE_ONCE(pe->val[1], 0)", [this](T& t) { write_did(t, 0); });
    p.step("WRITE_ONCE(pe->val[2], 0)", [this](T& t) { write_flptr(t, 0); });
  }

  /// intel_pasid_tear_down_entry(dev, pasid, fault_ignore).  With fault_ignore it is for
  /// mm_release(), which finds on its list only what has not been released before.
  void build_tear_down(Program<D>& p, bool fault_ignore) {
    const auto live = p.label();
    const auto drain = p.label();
    const auto done = p.label();
    p.step("spin_lock(&iommu->lock)", [this](T& t) { t.lock(iommu_lock); });
    p.step("if (!pasid_pte_is_present(pte))", [=, this](T& t) {
      const V state = memory.read_once(t, this->state_of(row(t)));
      t.when(state == kPresent, [&] { t.jump(live); });
      t.when(state == kEmpty || (B(fault_ignore) && state == kFaultDisabled), [&] {
        t.unlock(iommu_lock);
        t.jump(done);
      });
    });
    if (!fault_ignore) {
      p.step("pasid_clear_entry(pte)", [this](T& t) { write_state(t, kEmpty); });
      p.step("spin_unlock(&iommu->lock), and the PRQ is drained", [=, this](T& t) {
        t.unlock(iommu_lock);
        t.jump(drain);
      });
    }
    p.place(live);
    p.step("pasid_clear_present(pte)", [this](T& t) { write_state(t, kEmpty); });
    p.step("spin_unlock(&iommu->lock)", [this](T& t) { t.unlock(iommu_lock); });
    p.step("pasid_cache_invalidation_with_pasid(iommu, did, pasid)",
           [this](T& t) { this->flush_pasid_cache(t, row(t)); });
    p.step("qi_flush_piotlb(iommu, did, pasid, 0, -1, 0)",
           [this](T& t) { this->flush_iotlb(t, row(t)); });
    p.step("devtlb_invalidation_with_pasid(iommu, dev, pasid)",
           [this](T& t) { this->flush_devtlb(t, row(t)); });
    p.call("intel_pasid_clear_entry", [&] { build_clear(p, fault_ignore); });
    p.place(drain);
    if (!fault_ignore && build_drain) build_drain(p);
    p.place(done);
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_VTD_DRIVER_H
