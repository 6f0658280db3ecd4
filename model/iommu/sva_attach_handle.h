// SPDX-License-Identifier: MIT
// sva/attach-handle: 6.12 drivers/iommu/iommu-sva.c.  The handle of a (group, PASID) lives in
// group->pasid_array, where a second bind finds it.
#ifndef IOMMUCHECK_MODEL_IOMMU_SVA_ATTACH_HANDLE_H
#define IOMMUCHECK_MODEL_IOMMU_SVA_ATTACH_HANDLE_H

#include "model/iommu/plugged_groups.h"
#include "model/iommu/sva_bonds.h"

namespace iommucheck::model {

template <class D, template <class> class Attach = PluggedGroups>
class SvaAttachHandle : public SvaBonds<D, Attach> {
 public:
  using Base = SvaBonds<D, Attach>;
  using Base::b, Base::local, Base::mm;
  using typename Base::Kind, typename Base::T;

  explicit SvaAttachHandle(const IommuBounds& bounds) : Base(bounds) {
    this->build();
    if (b.tagging) build_enable_tagged_addr();
  }

  void build_find_handle(Program<D>& p) override { this->build_find_attached_handle(p); }

  void build_check_mm(Program<D>& p) override {
    if (!b.tagging) return;
    p.step("if (!arch_pgtable_dma_compat(mm)) return -EBUSY", [this](T& t) {
      t.when(mm.at(local(t).mm).untag_mask != 0U,
             [&] { this->bind_fails(t, Err::ebusy, this->bind_unlock); });
    });
  }

 private:
  /// prctl_enable_tagged_addr(current->mm): 6.12 arch/x86/kernel/process_64.c.  It holds mmap_lock
  /// for its second half, which nothing of this design takes.
  void build_enable_tagged_addr() {
    auto& p = this->program("prctl_enable_tagged_addr");
    const auto fails = [this](T& t, Err err) {
      this->takes_effect(t, Kind::enable_tagged_addr, {.mm = local(t).mm - 1U}, err, 0);
      t.ret();
    };
    p.arguments([this](T& t) { this->become_task(t); });
    p.step("if (mm_valid_pasid(mm)) return -EINVAL", [=, this](T& t) {
      t.when(this->iommu_mm_of(t, local(t).mm) != 0U, [&] { fails(t, Err::einval); });
    });
    p.step("if (test_bit(MM_CONTEXT_LOCK_LAM, &mm->context.flags)) return -EBUSY", [=, this](T& t) {
      auto&& l = local(t);
      t.when(
          mm.at(l.mm).lock_lam != 0U, [&] { fails(t, Err::ebusy); }, [&] { l.alone = 1; });
    });
    p.step("mm_enable_lam(mm)", [this](T& t) {
      auto&& l = local(t);
      auto&& process = mm.at(l.mm);
      process.untag_mask = 1;
      process.lock_lam = 1;
      this->takes_effect(t, Kind::enable_tagged_addr, {.mm = l.mm - 1U}, Err::ok, 0);
    });
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_SVA_ATTACH_HANDLE_H
