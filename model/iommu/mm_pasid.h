// SPDX-License-Identifier: MIT
// mm->pasid, until v6.6: a number in the mm, set once under iommu_sva_lock and freed with the
// struct.  6.1 drivers/iommu/iommu-sva-lib.c, kernel/fork.c.
#ifndef IOMMUCHECK_MODEL_IOMMU_MM_PASID_H
#define IOMMUCHECK_MODEL_IOMMU_MM_PASID_H

#include "model/iommu/iommu_design.h"

namespace iommucheck::model {

/// Under: what the design is written on, an IommuDesign.
template <class D, template <class> class Under>
class MmPasid : public Under<D> {
 public:
  using Base = Under<D>;
  using Base::b, Base::local, Base::mm, Base::spec;
  using typename Base::Kind, typename Base::T, typename Base::V;

  explicit MmPasid(const IommuBounds& bounds)
      : Base(bounds, {.pasid = true}), iommu_sva_lock(*this, "iommu_sva_lock") {}

  /// iommu_sva_alloc_pasid(mm, min, max): the PASID is in l.pasid.  Where there is none, the bind
  /// has failed and goes on at `err_unlock`, with the lock held.
  void build_alloc_pasid(Program<D>& p, const Label& err_unlock) {
    const auto have_pasid = p.label();
    p.call("iommu_sva_alloc_pasid", [&] {
      p.step("mutex_lock(&iommu_sva_lock)", [this](T& t) { t.lock(iommu_sva_lock); });
      p.step("if (pasid_valid(mm->pasid)) goto out", [=, this](T& t) {
        auto&& l = local(t);
        const V pasid = mm.at(l.mm).pasid;
        t.when(pasid != 0U, [&] {
          l.pasid = pasid - 1U;
          t.jump(have_pasid);
        });
      });
      p.step("pasid = ioasid_alloc(&iommu_sva_pasid, min, max, mm)", [=, this](T& t) {
        auto&& l = local(t);
        t.when(
            t.choose(2, "nomem") == 1U, [&] { this->bind_fails(t, Err::enomem, err_unlock); },
            [&] {
              const V pasid = this->ida_alloc();
              t.when(
                  pasid == b.pasids, [&] { this->bind_fails(t, Err::enospc, err_unlock); },
                  [&] {
                    l.pasid = pasid;
                    this->happens(Kind::pasid_alloc, {.mm = l.mm - 1U}, Err::ok, pasid + 1U);
                  });
            });
      });
      p.step("mm_pasid_set(mm, pasid)", [this](T& t) {
        auto&& l = local(t);
        mm.at(l.mm).pasid = l.pasid + 1U;
      });
      p.place(have_pasid);
      p.step("out: mutex_unlock(&iommu_sva_lock)", [this](T& t) { t.unlock(iommu_sva_lock); });
    });
  }

  void copy_pasid(T& t) override {
    auto&& l = local(t);
    mm.at(l.child).pasid = mm.at(l.mm).pasid;
  }
  void init_pasid(T& t) override { mm.at(local(t).child).pasid = 0; }

  /// mm_pasid_drop(mm): 6.1 kernel/fork.c.
  void build_pasid_drop(Program<D>& p) override {
    p.step("if (pasid_valid(mm->pasid)) ioasid_free(mm->pasid)", [this](T& t) { drop_pasid(t); });
  }
  void drop_pasid(T& t) {
    auto&& l = local(t);
    auto&& process = mm.at(l.mm);
    this->happens(Kind::pasid_drop, {.mm = l.mm - 1U});
    t.when(process.pasid != 0U, [&] {
      this->ida_free(t, process.pasid - 1U);
      process.pasid = 0;
    });
  }

  void declare_pasid_comes_back() {
    this->property(
        "pasid-comes-back",
        "When no call is under way, a PASID is taken exactly as long as an mm has it.", [this] {
          return !this->may_rest() || all_of<D>(b.pasids, [&](unsigned p) {
            return (this->iommu_global_pasid_ida.load(p) != 0U) ==
                   any_of<D>(b.mms, [&](unsigned m) { return spec.state.mm[m].pasid == p + 1; });
          });
        });
  }

  Mutex<D> iommu_sva_lock;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_MM_PASID_H
