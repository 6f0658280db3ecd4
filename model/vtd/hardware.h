// SPDX-License-Identifier: MIT
// VtdHardware: PASID entries in memory, the fetch of an entry word by word, and the PASID cache,
// IOTLB, device TLB and paging-structure cache behind it, with the commands that invalidate them.
// Source: Intel VT-d specification, rev. 4.1, chapters 6.2 (caching) and 6.5.3 (invalidation).
//
// The hardware acts on its own: its steps are those of the actor "IOMMU".  An invalidation
// completes when the fetches that began before it are over; here such a fetch begins anew.
#ifndef IOMMUCHECK_MODEL_VTD_HARDWARE_H
#define IOMMUCHECK_MODEL_VTD_HARDWARE_H

#include "model/vtd/records.h"

namespace iommucheck::model {

template <class D>
class VtdHardware : public Design<D> {
 public:
  using T = Cpu<D>;
  using V = Val<D>;
  using B = Bool<D>;

  explicit VtdHardware(const VtdBounds& bounds)
      : Design<D>(bounds),
        b(bounds),
        scope_(this->root()),
        entry(scope_, "pasid_entry", b.devices, b),
        hardware(scope_, "hardware", b.devices, b),
        device(scope_, "driver", b.devices, b),
        mm(scope_, "mm", b.mms),
        kernel_table(scope_, "kernel_page_table", b.kernel ? 2 : 0, names_of<PageState>(3)),
        memory(
            *this, shape(b), [this](unsigned at) { return word(at); },
            [this](unsigned at, V value) { set_word(at, value); }) {
    declare_properties();
    for (unsigned d = 0; d < b.devices; ++d) add_steps(d);
    this->add_actor("IOMMU", code_);
  }

  // The words of an entry, for `memory`.
  static V state_of(V dev) { return dev; }
  V did_of(V dev) const { return dev + b.devices; }
  V flptr_of(V dev) const { return dev + 2 * b.devices; }

  // Commands, each until it is done.  What the CPU has stored before is visible to the hardware
  // then: the tail of the queue is a device register.
  void flush_pasid_cache(T& t, V dev) {
    memory.smp_mb(t);
    auto&& h = hardware[dev];
    forget_fetch(h);
    h.valid = false;
    h.did = 0;
    h.flptr = 0;
  }
  /// PASID-selective: the paging-structure caches, too.
  void flush_iotlb(T& t, V dev) {
    memory.smp_mb(t);
    auto&& h = hardware[dev];
    h.iotlb = 0;
    h.kernel_table = 0;
  }
  void flush_devtlb(T& t, V dev) {
    memory.smp_mb(t);
    hardware[dev].devtlb = 0;
  }
  /// Whether nothing is cached of the entry, or of what was behind it.
  B forgotten(V dev) {
    auto&& h = hardware[dev];
    return !h.valid && h.iotlb == 0U && h.devtlb == 0U && h.kernel_table == 0U;
  }

  const VtdBounds b;

 private:
  Scope<D> scope_;

 public:
  Array<D, PasidEntry<D>> entry;
  Array<D, VtdCaches<D>> hardware;
  Array<D, VtdDevice<D>> device;
  Array<D, VtdMm<D>> mm;
  Var<D, PageState> kernel_table;  ///< a page of the kernel's page tables, which all mms share
  StoreBuffers<D> memory;

 private:
  static StoreBufferShape shape(const VtdBounds& b) {
    StoreBufferShape shape{.memory = b.memory, .stores = b.stores, .max = std::max(2U, b.mms)};
    for (unsigned at = 0; at < kWords * b.devices; ++at)
      shape.numbers.push_back(fmt::format("entry {}, val[{}]", at % b.devices, at / b.devices));
    return shape;
  }
  V word(unsigned at) const {
    const auto& e = entry[at % b.devices];
    return at / b.devices == 0 ? V(e.state) : at / b.devices == 1 ? V(e.did) : V(e.flptr);
  }
  void set_word(unsigned at, V value) {
    auto&& e = entry[at % b.devices];
    switch (at / b.devices) {
      case 0: e.state = value; break;
      case 1: e.did = value; break;
      default: e.flptr = value;
    }
  }
  template <class H>
  static void forget_fetch(const H& h) {
    h.fetched = 0;
    h.fetched_did = 0;
    h.fetched_flptr = 0;
  }

  void add_steps(unsigned d) {
    // A device may send a TLP with any PASID at any time.
    const auto step = [&](const std::string& what, std::function<void()> action) {
      code_.push_back({"IOMMU", fmt::format("device {}: {}", d, what), false, 0,
                       [action = std::move(action)](unsigned) { action(); }});
    };
    for (unsigned w = 0; w < kWords; ++w) {
      step(fmt::format("the fetch of its entry reads val[{}]", w), [this, d, w] { fetch(d, w); });
    }
    step("its entry is cached", [this, d] { end_fetch(d); });
    step("a walk of its page tables fills the IOTLB", [this, d] {
      auto&& h = hardware[d];
      const B mapped = any_of<D>(
          b.mms, [&](unsigned m) { return h.flptr == m + 1 && mm[m].page == PageState::mapped; });
      this->context.require(h.valid && h.iotlb == 0U && mapped);
      h.iotlb = h.flptr;
    });
    step("an answer of the IOTLB fills the device TLB", [this, d] {
      auto&& h = hardware[d];
      this->context.require(h.iotlb != 0U && h.devtlb == 0U);
      h.devtlb = h.iotlb;
    });
    if (!b.kernel) return;
    step("a walk of the kernel half caches a page of its tables", [this, d] {
      auto&& h = hardware[d];
      this->context.require(h.valid && h.kernel_table == 0U && kernel_table == PageState::mapped);
      h.kernel_table = 1;
    });
  }
  /// The word with P is read first, or no order of stores could publish an entry; then the others.
  void fetch(unsigned d, unsigned w) {
    auto&& h = hardware[d];
    auto&& e = entry[d];
    this->context.require(!h.valid && !has_bit(h.fetched, w) &&
                          (B(w == 0) || has_bit(h.fetched, 0)));
    h.fetched = with_bit(h.fetched, w);
    if (w == 1) h.fetched_did = e.did;
    if (w == 2) h.fetched_flptr = e.flptr;
    // An entry that is not present is a fault: nothing is cached.
    if (w == 0) this->context.when(e.state != kPresent, [&] { forget_fetch(h); });
  }
  void end_fetch(unsigned d) {
    auto&& h = hardware[d];
    this->context.require(h.fetched == (1U << kWords) - 1);
    h.valid = true;
    h.did = h.fetched_did;
    h.flptr = h.fetched_flptr;
    forget_fetch(h);
  }

  /// Whether f(device, caches) holds for every device.
  template <class F>
  B for_all(F f) const {
    return all_of<D>(b.devices, [&](unsigned d) { return f(d, hardware[d]); });
  }
  /// ... for every device that keeps what the comment of iommu_sva_unbind_device() demands.
  template <class F>
  B for_all_in_use(F f) const {
    return for_all(
        [&](unsigned d, auto&& h) { return !(device[d].in_use || B(b.untrusted)) || f(d, h); });
  }
  void declare_properties() {
    this->property("no-torn-entry",
                   "What the hardware caches of an entry was there as a whole at some time.",
                   [this] {
                     return for_all([&](unsigned, auto&& h) {
                       return !h.valid || (h.did == h.flptr && h.flptr != 0U);
                     });
                   });
    this->property("no-freed-table", "No TLP is translated by page tables that are freed.", [this] {
      return for_all_in_use([&](unsigned, auto&& h) {
        return !h.valid || !any_of<D>(b.mms, [&](unsigned m) {
          return h.flptr == m + 1 && mm[m].tables_freed;
        });
      });
    });
    this->property("no-freed-page", "No TLP reaches a page that is freed.", [this] {
      return for_all_in_use([&](unsigned, auto&& h) {
        return !any_of<D>(b.mms, [&](unsigned m) {
          return (h.iotlb == m + 1 || h.devtlb == m + 1) && mm[m].page == PageState::freed;
        });
      });
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
                       return h.kernel_table == 0U || kernel_table != PageState::freed;
                     });
                   });
  }

  Code code_;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_VTD_HARDWARE_H
