// SPDX-License-Identifier: MIT
// Hardware: the PASID tables that the IOMMU reads, and what it and the devices remember of them.
//
// An entry leads to the page tables of a process.  A TLP may come at any time, with any PASID that
// the device has: where it would land is a question about the state, so TLPs are invariants (see
// IommuDesign), and only what they leave behind in a cache is a step.
#ifndef IOMMUCHECK_MODEL_IOMMU_HARDWARE_H
#define IOMMUCHECK_MODEL_IOMMU_HARDWARE_H

#include <functional>

#include "model/iommu/records.h"

namespace iommucheck::model {

/// Where a page request is.
enum class Request : std::uint8_t { none, queued, taken, on_work_queue, handled };
inline std::string_view name(Request request) {
  constexpr std::array<std::string_view, 5> kNames{"none", "in the PRQ", "with prq_event_thread()",
                                                   "on the work queue", "with the worker"};
  return kNames.at(static_cast<std::size_t>(request));
}

/// What the driver and the hardware have for one (device, PASID): 0 nothing, 1 + m the page tables
/// of mm m.
template <class D>
struct Translation : Record<D> {
  Translation(Scope<D> scope, const IommuBounds& b, const IommuSorts& sorts)
      : Record<D>(scope),
        dev_pasid(*this, "dev_pasid", b.mms, Format{}.of(sorts.mms)),
        entry(*this, "entry", b.mms, Format{}.of(sorts.mms)),
        cached(*this, "cached", b.caches ? b.mms : 0, Format{}.of(sorts.mms)),
        request(*this, "request", b.faults ? 4 : 0, names_of<Request>(5)),
        issuer(*this, "issuer", b.faults ? b.mms : 0, Format{}.of(sorts.mms)),
        handler(*this, "handler", b.faults ? b.handles() : 0, pointer_to("iommu_sva")) {}
  Var<D> dev_pasid;         ///< what the driver was asked to set, and not yet to remove
  Var<D> entry;             ///< the PASID-table entry in memory
  Var<D> cached;            ///< PASID cache, IOTLB and device TLB, which are invalidated together
  Var<D, Request> request;  ///< at most one is under way: the device waits for the answer
  Var<D> issuer;            ///< whose translation the device was using: 1 + the mm
  Var<D> handler;           ///< the attach handle that the request's group points to
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
  /// f(translation) for the entry with this number, of 0 .. devices * pasids - 1.
  template <class F>
  void with_number(Val<D> number, F f) const {
    for (unsigned d = 0; d < b.devices; ++d) {
      for (unsigned p = 0; p < b.pasids; ++p)
        design_->context.when(number == d * b.pasids + p, [&] { f(at(d, p)); });
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
  /// Whether device d may send TLPs with PASID p (from 0) now.
  using Issues = std::function<Bool<D>(unsigned d, unsigned p)>;
  /// The actor: a TLP is translated, and the translation is remembered; a page is missing, and is
  /// asked for.
  void add_traffic(Issues issues) {
    issues_ = std::move(issues);
    for (unsigned d = 0; d < b.devices; ++d) {
      for (unsigned p = 0; p < b.pasids; ++p) {
        if (b.faults) {
          code_.push_back({"page request",
                           fmt::format("page request (device {}, PASID {})", d, p + 1), false, 0,
                           [this, d, p](unsigned) {
                             design_->context.require(issues_(d, p));
                             ask_for_page(at(d, p));
                           }});
        }
        if (!b.caches) continue;
        code_.push_back(
            {"DMA", fmt::format("TLP (device {}, PASID {}): its translation is cached", d, p + 1),
             false, 0, [this, d, p](unsigned) {
               auto&& t = at(d, p);
               design_->context.require(issues_(d, p) && t.entry != 0U && t.cached == 0U);
               t.cached = t.entry;
             }});
      }
    }
    if (!code_.empty()) design_->add_actor("devices", code_);
  }

  const IommuBounds b;

 private:
  template <class T>
  void ask_for_page(const T& t) const {
    const Val<D> used = select(t.cached == 0U, Val<D>(t.entry), Val<D>(t.cached));
    design_->context.require(used != 0U && t.request == Request::none);
    t.request = Request::queued;
    t.issuer = used;
  }

  Design<D>* design_;
  Array<D, PasidTable<D>> table_;
  Issues issues_;
  PropertyId driver_ops_, domain_fits_;
  Code code_;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_HARDWARE_H
