// SPDX-License-Identifier: MIT
// Hardware: the PASID tables that the IOMMU reads, and what it and the devices remember of them.
//
// An entry leads to the page tables of a process.  A TLP may come at any time, with any PASID that
// the device has: where it would land is a question about the state, so TLPs are invariants (see
// IommuDesign), and only what they leave behind in a cache is a step.
#ifndef IOMMUCHECK_MODEL_IOMMU_HARDWARE_H
#define IOMMUCHECK_MODEL_IOMMU_HARDWARE_H

#include "model/iommu/records.h"

namespace iommucheck::model {

/// What the driver and the hardware have for one (device, PASID): 0 nothing, 1 + m the page tables
/// of mm m.
template <class D>
struct Translation : Record<D> {
  Translation(Scope<D> scope, const IommuBounds& b, const IommuSorts& sorts)
      : Record<D>(scope),
        dev_pasid(*this, "dev_pasid", b.mms, Format{}.of(sorts.mms)),
        entry(*this, "entry", b.mms, Format{}.of(sorts.mms)),
        cached(*this, "cached", b.caches ? b.mms : 0, Format{}.of(sorts.mms)) {}
  Var<D> dev_pasid;  ///< what the driver was asked to set, and not yet to remove
  Var<D> entry;      ///< the PASID-table entry in memory
  Var<D> cached;     ///< PASID cache, IOTLB and device TLB, which are invalidated together
};

/// The PASID table of a device.
template <class D>
struct PasidTable : Record<D> {
  PasidTable(Scope<D> scope, const IommuBounds& b, const IommuSorts& sorts)
      : Record<D>(scope), pasid(*this, "pasid", over(sorts.pasids), b, sorts) {}
  Array<D, Translation<D>> pasid;
};

template <class D>
class Hardware {
 public:
  Hardware(Design<D>& design, const IommuBounds& bounds, const IommuSorts& sorts)
      : b(bounds),
        design_(&design),
        table_(design.root(), "pasid_table", b.devices, b, sorts),
        driver_ops_(design.property(
            "driver-ops-paired",
            "remove_dev_pasid() is called for exactly what set_dev_pasid() has set.")),
        domain_fits_(design.property(
            "domain-fits-device",
            "A PASID entry leads only to tables that the device's own IOMMU can walk.")) {}

  /// f(d, p, translation) for the entry of device `dev` and PASID number `pasid` (from 0).
  template <class F>
  void with(Val<D> dev, Val<D> pasid, F f) const {
    for (unsigned d = 0; d < b.devices; ++d) {
      for (unsigned p = 0; p < b.pasids; ++p) {
        design_->context.when(dev == d && pasid == p, [&] { f(d, p, table_[d].pasid[p]); });
      }
    }
  }
  decltype(auto) at(unsigned d, unsigned p) const { return table_[d].pasid[p]; }
  /// Whether f(d, p, translation) holds for some device and PASID.
  template <class F>
  Bool<D> any(F f) const {
    return any_of<D>(b.devices, [&](unsigned d) {
      return any_of<D>(b.pasids, [&](unsigned p) { return f(d, p, at(d, p)); });
    });
  }
  /// ops->set_dev_pasid(domain, dev, pasid) with a domain of this process, which fits the device
  /// or not.
  void set(Val<D> dev, Val<D> pasid, Val<D> process, Bool<D> fits) const {
    design_->context.fail_unless(fits, domain_fits_, "a domain of another IOMMU is set");
    with(dev, pasid, [&](unsigned, unsigned, auto&& h) {
      design_->context.fail_unless(h.dev_pasid == 0U, driver_ops_,
                                   "set_dev_pasid() where a domain is set already");
      h.dev_pasid = process;
      h.entry = process;
    });
  }
  /// The first half of ops->remove_dev_pasid(dev, pasid, domain).
  void clear(Val<D> dev, Val<D> pasid, Val<D> process) const {
    with(dev, pasid, [&](unsigned, unsigned, auto&& h) {
      design_->context.fail_unless(h.dev_pasid == process, driver_ops_,
                                   "remove_dev_pasid() of a domain that is not set there");
      h.dev_pasid = 0;
      h.entry = 0;
    });
  }
  /// The second half: one command for the PASID cache, the IOTLB and the device TLB.
  void invalidate(Val<D> dev, Val<D> pasid) const {
    with(dev, pasid, [&](unsigned, unsigned, auto&& h) { h.cached = 0; });
  }
  /// The actor: a TLP is translated, and the translation is remembered.
  void add_traffic() {
    if (!b.caches) return;
    for (unsigned d = 0; d < b.devices; ++d) {
      for (unsigned p = 0; p < b.pasids; ++p) {
        code_.push_back(
            {"DMA", fmt::format("TLP (device {}, PASID {}): its translation is cached", d, p + 1),
             false, 0, [this, d, p](unsigned) {
               auto&& t = at(d, p);
               design_->context.require(t.entry != 0U && t.cached == 0U);
               t.cached = t.entry;
             }});
      }
    }
    design_->process({"DMA", design_->process_count(), &code_, nullptr});
  }

  const IommuBounds b;

 private:
  Design<D>* design_;
  Array<D, PasidTable<D>> table_;
  PropertyId driver_ops_, domain_fits_;
  Code code_;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_HARDWARE_H
