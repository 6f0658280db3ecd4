// SPDX-License-Identifier: MIT
// attach/group-pasid on VT-d: where a driver is asked to set a PASID entry, to remove it, or hears
// that a process ends, the functions of model/vtd are inlined.
//
// A group has one device: the entries of several would be set one after the other.
#ifndef IOMMUCHECK_MODEL_VTD_ATTACH_H
#define IOMMUCHECK_MODEL_VTD_ATTACH_H

#include "model/iommu/page_requests.h"
#include "model/vtd/driver.h"

namespace iommucheck::model {

template <class D>
class VtdAttach : public PageRequests<D> {
 public:
  using Base = PageRequests<D>;
  using Base::b, Base::hardware, Base::iommu_domain, Base::local, Base::mm;
  using typename Base::B, typename Base::T, typename Base::V;

  VtdAttach(const IommuBounds& bounds, const MmParts& parts)
      : Base(with_vtd(bounds), parts), vtd(*this, shape()) {
    if (b.faults) vtd.build_drain = [this](Program<D>& p) { this->build_drain(p); };
    hardware.look_at(
        {.entry = [this](unsigned d, unsigned p) { return vtd.target(row(d, p)); },
         .translation = [this](unsigned d, unsigned p) { return vtd.cached_target(row(d, p)); },
         .leads = [this](unsigned d, unsigned p, unsigned m) { return vtd.leads(row(d, p), m); }});
    this->property("no-freed-page", "No TLP reaches a page that is freed.", [this] {
      return !hardware.any([&](unsigned d, unsigned p, auto&&) {
        return hardware.issues(d, p) && vtd.reaches_freed_page(row(d, p));
      });
    });
  }

  VtdDriver<D> vtd;

  void build_set(Program<D>& p, const Label&, const Label& err_revert, const Label& done) override {
    p.call("intel_svm_set_dev_pasid", [&] {
      p.step("dev_pasid = kzalloc(sizeof(*dev_pasid), GFP_KERNEL)", [=, this](T& t) {
        auto&& l = local(t);
        t.when(
            t.choose(2, "nomem") == 1U,
            [&] {
              l.ret = Err::enomem;
              t.jump(err_revert);
            },
            [&] {
              const V process = iommu_domain.at(l.domain).mm;
              hardware.set(V(l.device), V(l.pasid), process, true);
              vtd.local(t).mm = process;
              choose_entry(t);
            });
      });
      vtd.build_set_dev_pasid(
          p, [](T&) {}, [=](T& t) { t.jump(done); });
    });
  }
  void build_remove(Program<D>& p, const Label&) override {
    p.call("intel_iommu_remove_dev_pasid", [&] {
      vtd.build_remove_dev_pasid(p, [this](T& t) {
        auto&& l = local(t);
        hardware.clear(V(l.device), V(l.pasid), iommu_domain.at(l.domain).mm);
        choose_entry(t);
      });
    });
  }
  /// What intel_mm_release() begins with, beside its lock.
  void releases(T& t) { vtd.local(t).mm = local(t).mm; }
  void build_exit_mmap(Program<D>& p) override {
    vtd.build_mm_release(p, [this](T& t) { releases(t); });
    p.step("free_pgtables(mm)", [this](T& t) {
      mm.at(local(t).mm).page_tables = false;
      vtd.free_page(t);
    });
  }

  /// Beside page requests, the tasks of a process unmap pages, and touch them again.
  void build_page_requests() {
    Base::build_page_requests();
    if (!b.pages) return;
    auto& zap = this->program("zap_pte_range");
    zap.arguments([this](T& t) { touch_memory(t); });
    vtd.build_zap(zap);
    auto& fault = this->program("do_anonymous_page");
    fault.arguments([this](T& t) { touch_memory(t); });
    vtd.build_fault(fault);
  }

 private:
  static IommuBounds with_vtd(IommuBounds b) {
    b.vtd = true;
    return b;
  }
  VtdShape shape() const {
    VtdShape shape{.rows = {}, .mms = over(this->sorts.mms), .mm = Format{}.of(this->sorts.mms)};
    for (unsigned d = 0; d < b.devices; ++d) {
      for (unsigned p = 0; p < b.pasids; ++p)
        shape.rows.push_back(fmt::format("(device {}, PASID {})", d, p + 1));
    }
    return shape;
  }
  unsigned row(unsigned d, unsigned p) const { return d * b.pasids + p; }
  /// The entry of (l.device, l.pasid) is the one of the call.
  void choose_entry(T& t) {
    auto&& l = local(t);
    hardware.with(V(l.device), V(l.pasid),
                  [&](unsigned d, unsigned p, auto&&) { vtd.local(t).row = row(d, p); });
  }
  /// A call that is no call of the specification, by a task of a process.
  void touch_memory(T& t) {
    this->become_task(t);
    this->only_effect(t);
    vtd.local(t).mm = local(t).mm;
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_VTD_ATTACH_H
