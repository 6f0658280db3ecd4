// SPDX-License-Identifier: MIT
// Hardware: the tables that the IOMMU reads, and what it and the devices remember of them.
//
// An entry leads to a target: a table, or the page tables of a process.  A TLP may come at any
// time, with any PASID that the device has: where it would land is a question about the state, so
// TLPs are invariants (see the designs), and only what they leave behind in a cache is a step.
#ifndef IOMMUCHECK_MODEL_IOMMU_HARDWARE_H
#define IOMMUCHECK_MODEL_IOMMU_HARDWARE_H

#include <functional>

#include "model/kernel/cpu.h"

namespace iommucheck::model {

struct HardwareShape {
  unsigned devices;
  unsigned rows;       ///< entries for a device, one for each (RID, PASID) that it issues
  unsigned first_row;  ///< what row 0 is for: PASID 1, or 0, the RID
  unsigned targets;    ///< 1 .. targets; 0: nowhere
  Format target;
  bool caches;  ///< the IOMMU and the devices cache translations
  /// Entries and caches are those of another part of the design, which are seen through a View.
  bool elsewhere = false;
};

/// What the driver and the hardware have for one (RID, PASID).
template <class D>
struct Translation : Record<D> {
  Translation(Scope<D> scope, const HardwareShape& shape)
      : Record<D>(scope),
        set(*this, "set", shape.targets, shape.target),
        entry(*this, "entry", shape.elsewhere ? 0 : shape.targets, shape.target),
        cached(*this, "cached", shape.caches ? shape.targets : 0, shape.target) {}
  Var<D> set;     ///< what the driver was asked to set, and not yet to remove
  Var<D> entry;   ///< the table entry in memory
  Var<D> cached;  ///< PASID cache, IOTLB and device TLB, which are invalidated together
};

/// The table of a device.
template <class D>
struct EntryTable : Record<D> {
  EntryTable(Scope<D> scope, const HardwareShape& shape)
      : Record<D>(scope), row(*this, "pasid", shape.rows, shape) {}
  Array<D, Translation<D>> row;
};

template <class D>
class Hardware {
 public:
  Hardware(Design<D>& design, const HardwareShape& shape)
      : shape_(shape),
        design_(&design),
        table_(design.root(), "pasid_table", shape.devices, shape),
        driver_ops_(
            design.property("driver-ops-paired",
                            "The driver is asked to remove exactly what it was asked to set.")),
        domain_fits_(design.property(
            "domain-fits-device",
            "A table entry leads only to tables that the device's own IOMMU can walk.")) {}

  /// f(d, r, translation) for the entry of device `dev` and row `row`.
  template <class F>
  void with(Val<D> dev, Val<D> row, F f) const {
    for (unsigned d = 0; d < shape_.devices; ++d) {
      for (unsigned r = 0; r < shape_.rows; ++r) {
        design_->context.when(dev == d && row == r, [&] { f(d, r, at(d, r)); });
      }
    }
  }
  /// f(d, translation) for the entry with this number, of 0 .. devices * rows - 1.
  template <class F>
  void with_number(Val<D> number, F f) const {
    for (unsigned d = 0; d < shape_.devices; ++d) {
      for (unsigned r = 0; r < shape_.rows; ++r)
        design_->context.when(number == d * shape_.rows + r, [&] { f(d, at(d, r)); });
    }
  }
  decltype(auto) at(unsigned d, unsigned r) const { return table_[d].row[r]; }
  /// Entries and caches that are elsewhere.
  struct View {
    std::function<Val<D>(unsigned d, unsigned r)> entry, translation;
    std::function<Bool<D>(unsigned d, unsigned r, unsigned target)> leads;
  };
  void look_at(View view) { view_ = std::move(view); }
  /// Where the entry leads: 1 + the target; 0: nowhere.
  Val<D> entry(unsigned d, unsigned r) const {
    return shape_.elsewhere ? view_.entry(d, r) : Val<D>(at(d, r).entry);
  }
  /// ... or the cache, which a TLP meets first.
  Val<D> translation(unsigned d, unsigned r) const {
    if (shape_.elsewhere) return view_.translation(d, r);
    auto&& h = at(d, r);
    return select(h.cached == 0U, Val<D>(h.entry), Val<D>(h.cached));
  }
  /// Whether a TLP may reach the target (from 0), by the entry or a cache.
  Bool<D> leads(unsigned d, unsigned r, unsigned target) const {
    if (shape_.elsewhere) return view_.leads(d, r, target);
    auto&& h = at(d, r);
    return h.entry == target + 1 || h.cached == target + 1;
  }
  /// Whether f(d, r, translation) holds for some device and row.
  template <class F>
  Bool<D> any(F f) const {
    return any_of<D>(shape_.devices, [&](unsigned d) {
      return any_of<D>(shape_.rows, [&](unsigned r) { return f(d, r, at(d, r)); });
    });
  }
  /// Whether f(d, r, m) holds for some device and row that can send a TLP, and the target (from 0)
  /// that it reaches, by an entry or a cache.
  template <class F>
  Bool<D> reaches(F f) const {
    return any([&](unsigned d, unsigned r, auto&&) {
      return issues(d, r) &&
             any_of<D>(shape_.targets, [&](unsigned m) { return leads(d, r, m) && f(d, r, m); });
    });
  }
  /// The driver sets an entry where there is none, with a domain that fits the device or not.
  void set(Val<D> dev, Val<D> row, Val<D> target, Bool<D> fits) const {
    exchange(dev, row, 0, target, fits);
  }
  /// The driver sets an entry instead of another one: a TLP meets either of them.
  void exchange(Val<D> dev, Val<D> row, Val<D> old, Val<D> target, Bool<D> fits) const {
    design_->context.fail_unless(fits, domain_fits_, "a domain of another IOMMU is set");
    with(dev, row, [&](unsigned, unsigned, auto&& h) {
      design_->context.fail_unless(
          h.set == old, driver_ops_,
          "a domain is set where another one is set than the caller knows");
      h.set = target;
      if (!shape_.elsewhere) h.entry = target;
    });
  }
  /// The first half of removing an entry.
  void clear(Val<D> dev, Val<D> row, Val<D> target) const {
    with(dev, row, [&](unsigned, unsigned, auto&& h) {
      design_->context.fail_unless(h.set == target, driver_ops_,
                                   "a domain is removed that is not set there");
      h.set = 0;
      if (!shape_.elsewhere) h.entry = 0;
    });
  }
  /// The second half: one command for the PASID cache, the IOTLB and the device TLB.
  void invalidate(Val<D> dev, Val<D> row) const {
    with(dev, row, [&](unsigned, unsigned, auto&& h) { h.cached = 0; });
  }
  /// Whether device d can send a TLP of row r now; without a rule, it can at any time.
  Bool<D> issues(unsigned d, unsigned r) const { return issues_ ? issues_(d, r) : Bool<D>(true); }
  void issue_only_if(std::function<Bool<D>(unsigned d, unsigned r)> rule) {
    issues_ = std::move(rule);
  }
  /// The actor: a TLP is translated, and the translation is remembered.
  void add_traffic() {
    if (!shape_.caches) return;
    for (unsigned d = 0; d < shape_.devices; ++d) {
      for (unsigned r = 0; r < shape_.rows; ++r) {
        code_.push_back(
            {"DMA",
             fmt::format("TLP (device {}, {}): its translation is cached", d,
                         r + shape_.first_row == 0 ? "no PASID"
                                                   : fmt::format("PASID {}", r + shape_.first_row)),
             false, 0, [this, d, r](unsigned) {
               auto&& t = at(d, r);
               design_->context.require(issues(d, r) && t.entry != 0U && t.cached == 0U);
               t.cached = t.entry;
             }});
      }
    }
    design_->add_actor("DMA", code_);
  }

 private:
  const HardwareShape shape_;
  Design<D>* design_;
  Array<D, EntryTable<D>> table_;
  View view_;
  std::function<Bool<D>(unsigned, unsigned)> issues_;
  PropertyId driver_ops_, domain_fits_;
  Code code_;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_HARDWARE_H
