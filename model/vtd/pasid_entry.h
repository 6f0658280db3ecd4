// SPDX-License-Identifier: MIT
// vtd/pasid-entry: how a PASID table entry is set, torn down and invalidated, while the hardware
// reads it in pieces.  6.12.117 drivers/iommu/intel/pasid.c, svm.c; the kernel half as since 6.19
// (iommu_sva_invalidate_kva_range()).
//
// Bonds of a device come one after the other (group->mutex), and its driver has stopped it before
// it unbinds.  Page requests and their drain are in the SVA designs; vtd/attach-handle has
// both.
#ifndef IOMMUCHECK_MODEL_VTD_PASID_ENTRY_H
#define IOMMUCHECK_MODEL_VTD_PASID_ENTRY_H

#include "model/vtd/driver.h"

namespace iommucheck::model {

struct VtdBounds : ProcessBounds {
  unsigned devices = 1;  ///< one PASID entry each; 1 .. 2
  unsigned mms = 1;      ///< processes; 1 .. 2
  bool kernel = false;   ///< the kernel half of their page tables changes, too
  /// Translations must be right, too, while a driver gives up a PASID that its device still uses.
  bool untrusted = false;
  MemoryModel memory = MemoryModel::sc;
  unsigned stores = 3;  ///< that wait at once
  bool acts = true;     ///< the hardware does, by itself

  VtdShape shape() const {
    VtdShape shape{
        .rows = {}, .mms = mms, .kernel = kernel, .memory = memory, .stores = stores, .acts = acts};
    for (unsigned d = 0; d < devices; ++d) shape.rows.push_back(fmt::format("device {}", d));
    return shape;
  }
};

/// A bond of a device.
template <class D>
struct VtdBond : Record<D> {
  VtdBond(Scope<D> scope, const VtdBounds& b)
      : Record<D>(std::move(scope)), owner(*this, "owner", b.mms), in_use(*this, "in_use") {}
  Var<D> owner;    ///< 1 + the process that is bound: from before it is set until it is torn down
  Flag<D> in_use;  ///< the device may send TLPs: from the return of bind to the call of unbind
};

/// An address space.
template <class D>
struct VtdMm : Record<D> {
  explicit VtdMm(Scope<D> scope)
      : Record<D>(std::move(scope)),
        exiting(*this, "exiting"),
        tables_freed(*this, "page_tables_freed") {}
  Flag<D> exiting, tables_freed;
};

template <class D>
class VtdPasidEntry : public Design<D> {
 public:
  using T = Cpu<D>;
  using V = Val<D>;
  using B = Bool<D>;

  explicit VtdPasidEntry(const VtdBounds& bounds)
      : Design<D>(bounds),
        b(bounds),
        scope_(this->root()),
        vtd(*this, b.shape()),
        device(scope_, "driver", b.devices, b),
        mm(scope_, "mm", b.mms) {
    declare_properties();
    build_bind();
    build_unbind();
    build_zap();
    build_exit();
    if (!b.kernel) return;
    build_vfree();
    build_vmalloc();
  }

  const VtdBounds b;

 private:
  Scope<D> scope_;

 public:
  VtdDriver<D> vtd;
  Array<D, VtdBond<D>> device;
  Array<D, VtdMm<D>> mm;

  /// What intel_mm_release() begins with, beside its lock: for edits of it.
  void releases(T&) {}

 private:
  decltype(auto) local(T& t) { return vtd.local(t); }
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

  void build_bind() {
    auto& p = this->program("intel_svm_set_dev_pasid");
    p.arguments([this](T& t) {
      auto&& l = local(t);
      l.row = t.choose(b.devices, "device");
      t.require(device[V(l.row)].owner == 0U);
      become_task(t);
    });
    vtd.build_set_dev_pasid(
        p, [this](T& t) { device[vtd.row(t)].owner = local(t).mm; },
        [this](T& t) { device[vtd.row(t)].in_use = true; });
  }

  void build_unbind() {
    auto& p = this->program("intel_iommu_remove_dev_pasid");
    p.arguments([this](T& t) {
      auto&& l = local(t);
      l.row = t.choose(b.devices, "device");
      t.require(device[V(l.row)].in_use);
      device[V(l.row)].in_use = false;
    });
    vtd.build_remove_dev_pasid(p, [](T&) {});
    p.step("return", [this](T& t) {
      vtd.memory.smp_mb(t);
      const V row = vtd.row(t);
      auto&& e = vtd.entry[row];
      t.fail_unless(vtd.forgotten(row) && e.state == kEmpty, forgotten_,
                    "unbind returns, and something of the entry is left");
      device[row].owner = 0;
    });
  }

  void build_zap() {
    auto& zap = this->program("zap_pte_range");
    zap.arguments([this](T& t) { become_task(t); });
    vtd.build_zap(zap);
    auto& fault = this->program("do_anonymous_page");
    fault.arguments([this](T& t) { become_task(t); });
    vtd.build_fault(fault);
  }

  /// exit_mmap(): no task is left, and no call works for the process.
  void build_exit() {
    auto& p = this->program("exit_mmap");
    p.arguments([this](T& t) {
      become_task(t);
      const V users = sum_of<D>(this->process_count(), [&](unsigned i) {
        return as_number<D>(vtd.local[i].mm == local(t).mm);
      });
      t.require(users == 1U);
      with_mm(t, [](auto&& m) { m.exiting = true; });
    });
    vtd.build_mm_release(p, [this](T& t) { releases(t); });
    p.step("free_pgtables(mm)", [this](T& t) {
      vtd.free_page(t);
      with_mm(t, [](auto&& m) { m.tables_freed = true; });
    });
  }

  /// A page of the kernel's page tables goes: every process has it in its upper half.
  void build_vfree() {
    auto& p = this->program("pmd_free_pte_page");
    p.step("pmd_clear(pmd)", [this](T& t) {
      t.require(vtd.kernel_table == PageState::mapped);
      vtd.kernel_table = PageState::unmapped;
    });
    p.step("iommu_sva_invalidate_kva_range(start, end)", [this](T& t) {
      for (unsigned d = 0; d < b.devices; ++d)
        t.when(vtd.dev_pasid[d].iotlb_tag != 0U, [&] { vtd.flush_iotlb(t, V(d)); });
    });
    p.step("pagetable_dtor_free(ptdesc)", [this](T&) { vtd.kernel_table = PageState::freed; });
  }
  void build_vmalloc() {
    auto& p = this->program("vmap_pte_range");
    p.step("pmd_populate_kernel(&init_mm, pmd, page)", [this](T& t) {
      t.require(vtd.kernel_table == PageState::freed);
      vtd.kernel_table = PageState::mapped;
    });
  }

  /// Whether f(device, caches) holds for every device.
  template <class F>
  B for_all(F f) const {
    return all_of<D>(b.devices, [&](unsigned d) { return f(d, vtd.caches[d]); });
  }
  /// ... for every device that keeps what the comment of iommu_sva_unbind_device() demands.
  template <class F>
  B for_all_in_use(F f) const {
    return for_all(
        [&](unsigned d, auto&& h) { return !(device[d].in_use || B(b.untrusted)) || f(d, h); });
  }
  void declare_properties() {
    forgotten_ = this->property("nothing-cached-after-unbind",
                                "When unbind returns, nothing is cached of the entry, and nothing "
                                "is left in it.");
    this->property("no-freed-table", "No TLP is translated by page tables that are freed.", [this] {
      return for_all_in_use([&](unsigned, auto&& h) {
        return !h.valid || !any_of<D>(b.mms, [&](unsigned m) {
          return h.flptr == m + 1 && mm[m].tables_freed;
        });
      });
    });
    this->property("no-freed-page", "No TLP reaches a page that is freed.", [this] {
      return for_all_in_use([&](unsigned d, auto&&) { return !vtd.reaches_freed_page(d); });
    });
    this->property("right-process", "A TLP is translated for the process that is bound.", [this] {
      return for_all([&](unsigned d, auto&& h) {
        const V owner = device[d].owner;
        return (!h.valid || h.flptr == owner) && (h.iotlb == 0U || h.iotlb == owner) &&
               (h.devtlb == 0U || h.devtlb == owner);
      });
    });
    if (!b.kernel) return;
    this->property("no-freed-kernel-table",
                   "No walk meets a page of the kernel's page tables that is freed.", [this] {
                     return for_all_in_use([&](unsigned, auto&& h) {
                       return h.kernel_table == 0U || vtd.kernel_table != PageState::freed;
                     });
                   });
  }

  PropertyId forgotten_{};
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_VTD_PASID_ENTRY_H
