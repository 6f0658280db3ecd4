// SPDX-License-Identifier: MIT
// The specification of IOMMU domains, PASIDs and shared virtual addressing: every call, sequential
// and nondeterministic, in the three layers of the /dev/iommu proposal.
//
// docs/domains.md says the same in prose.  Explored by itself (spec_machine.h) and in lockstep
// inside a design (model/iommu).
#ifndef IOMMUCHECK_SPEC_IOMMU_SPEC_H
#define IOMMUCHECK_SPEC_IOMMU_SPEC_H

#include "core/machine.h"
#include "spec/iommu/device_calls.h"
#include "spec/iommu/owner_calls.h"
#include "spec/iommu/page_table_calls.h"
#include "spec/iommu/process_calls.h"
#include "spec/iommu/system_calls.h"

namespace iommucheck::iommu {

/// The largest value that a kind of call can answer, within bounds.
unsigned largest_value(CallKind kind, const Bounds& bounds);
/// Whether a kind of call makes sense within bounds (processes for bind, tables for attach, ...).
bool in_scope(CallKind kind, const Bounds& bounds);

template <class D>
class Spec {
 public:
  Spec(Scope<D> scope, const Bounds& bounds, const Sorts& sorts = {})
      : state(scope, bounds, sorts),
        tables_(state),
        system_(state),
        devices_(state),
        owners_(state),
        processes_(state) {}

  State<D> state;

  /// Requires that `r` is a legal answer to the call, and moves the state accordingly.
  void apply(CallKind kind, const Args<D>& c, Reply<D>& r) {
    const auto& legal = answers(kind);
    state.context().require(any_of<D>(static_cast<unsigned>(legal.size()),
                                      [&](unsigned i) { return r.err == legal[i]; }),
                            "the answer is one that this call can give");
    switch (kind) {
      case CallKind::domain_alloc: return tables_.domain_alloc(c, r);
      case CallKind::domain_free: return tables_.domain_free(c, r);
      case CallKind::map: return tables_.map(c, r);
      case CallKind::unmap: return tables_.unmap(c, r);
      case CallKind::attach: return system_.attach(c, r);
      case CallKind::detach: return system_.detach(c, r);
      case CallKind::replace: return system_.replace(c, r);
      case CallKind::attach_pasid: return system_.attach_pasid(c, r);
      case CallKind::detach_pasid: return system_.detach_pasid(c, r);
      case CallKind::reset_prepare: return devices_.reset_prepare(c, r);
      case CallKind::reset_done: return devices_.reset_done(c, r);
      case CallKind::get_dma_pasid: return devices_.get_dma_pasid(c, r);
      case CallKind::destroy_dma_pasid: return devices_.destroy_dma_pasid(c, r);
      case CallKind::fork: return processes_.fork(c, r);
      case CallKind::exit: return processes_.exit(c, r);
      case CallKind::pasid_alloc: return processes_.pasid_alloc(c, r);
      case CallKind::pasid_drop: return processes_.pasid_drop(c, r);
      case CallKind::get_pasid: return processes_.get_pasid(c, r);
      case CallKind::bind: return processes_.bind(c, r);
      case CallKind::unbind: return processes_.unbind(c, r);
      case CallKind::fault: return processes_.fault(c, r);
      case CallKind::enable_tagged_addr: return processes_.enable_tagged_addr(c, r);
      case CallKind::probe_device: return devices_.probe_device(c, r);
      case CallKind::release_device: return devices_.release_device(c, r);
      case CallKind::use_default_domain: return owners_.use_default_domain(c, r);
      case CallKind::unuse_default_domain: return owners_.unuse_default_domain(c, r);
      case CallKind::claim_dma_owner: return owners_.claim_dma_owner(c, r);
      case CallKind::release_dma_owner: return owners_.release_dma_owner(c, r);
      case CallKind::change_default_domain: return owners_.change_default_domain(c, r);
    }
  }

  /// The state before any call: every process runs, every group uses its default domain.
  void set_up() {
    const Bounds& b = state.bounds;
    for (unsigned m = 0; m < b.mms; ++m) state.mm[m].life = MmLife::running;
    if (!b.default_domains) return;
    for (unsigned g = 0; g < b.group_count(); ++g) {
      if (g >= b.tables) throw std::logic_error("each group needs a table for its default domain");
      auto&& table = state.table[g];
      table.life = TableLife::standing;
      table.kind = b.kind_of_group(g);
      state.group[g].standing = g + 1;
      state.group[g].rid = g + 1;
    }
  }

 private:
  PageTableCalls<D> tables_;
  SystemCalls<D> system_;
  DeviceCalls<D> devices_;
  OwnerCalls<D> owners_;
  ProcessCalls<D> processes_;
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_SPEC_H
