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

/// A part of a design: what the pages of processes are is there, too.
template <class D>
class VtdHardware {
 public:
  using T = Cpu<D>;
  using V = Val<D>;
  using B = Bool<D>;

  VtdHardware(Design<D>& design, const VtdShape& shape)
      : shape_(shape),
        design_(&design),
        scope_(design.root()),
        entry(scope_, "pasid_entry", shape.size(), shape),
        caches(scope_, "hardware", shape.size(), shape),
        page(scope_, "page", shape.mms, 2U, names_of<PageState>(3)),
        kernel_table(scope_, "kernel_page_table", shape.kernel ? 2 : 0, names_of<PageState>(3)),
        memory(
            design, buffers(shape), [this](unsigned at) { return word(at); },
            [this](unsigned at, V value) { set_word(at, value); }) {
    design.property("no-torn-entry",
                    "What the hardware caches of an entry was there as a whole at some time.",
                    [this] {
                      return all_of<D>(rows(), [&](unsigned r) {
                        auto&& h = caches[r];
                        return !h.valid || (h.did == h.flptr && h.flptr != 0U);
                      });
                    });
    if (!shape.acts) return;
    for (unsigned r = 0; r < rows(); ++r) add_steps(r);
    design.add_actor("IOMMU", code_);
  }
  VtdHardware(const VtdHardware&) = delete;
  VtdHardware& operator=(const VtdHardware&) = delete;

  unsigned rows() const { return shape_.size(); }
  unsigned mms() const { return shape_.mms.n; }

  // The words of an entry, for `memory`.
  static V state_of(V row) { return row; }
  V did_of(V row) const { return row + rows(); }
  V flptr_of(V row) const { return row + 2 * rows(); }

  // Commands, each until it is done.  What the CPU has stored before is visible to the hardware
  // then: the tail of the queue is a device register.
  void flush_pasid_cache(T& t, V row) {
    memory.smp_mb(t);
    auto&& h = caches[row];
    forget_fetch(h);
    h.valid = false;
    h.did = 0;
    h.flptr = 0;
  }
  /// PASID-selective: the paging-structure caches, too.
  void flush_iotlb(T& t, V row) {
    memory.smp_mb(t);
    auto&& h = caches[row];
    h.iotlb = 0;
    h.kernel_table = 0;
  }
  void flush_devtlb(T& t, V row) {
    memory.smp_mb(t);
    caches[row].devtlb = 0;
  }

  // Steps of the hardware.

  /// The word with P is read first, or no order of stores could publish an entry; then the others.
  void fetch(unsigned r, unsigned w) {
    auto& context = design_->context;
    auto&& h = caches[r];
    auto&& e = entry[r];
    context.require(!h.valid && !has_bit(h.fetched, w) && (B(w == 0) || has_bit(h.fetched, 0)));
    h.fetched = with_bit(h.fetched, w);
    if (w == 1) h.fetched_did = e.did;
    if (w == 2) h.fetched_flptr = e.flptr;
    // An entry that is not present is a fault: nothing is cached.
    if (w == 0) context.when(e.state != kPresent, [&] { forget_fetch(h); });
  }
  void end_fetch(unsigned r) {
    auto&& h = caches[r];
    design_->context.require(h.fetched == (1U << kWords) - 1);
    h.valid = true;
    h.did = h.fetched_did;
    h.flptr = h.fetched_flptr;
    forget_fetch(h);
  }
  void walk(unsigned r) {
    auto&& h = caches[r];
    const B mapped = any_of<D>(
        mms(), [&](unsigned m) { return h.flptr == m + 1 && page[m] == PageState::mapped; });
    design_->context.require(h.valid && h.iotlb == 0U && mapped);
    h.iotlb = h.flptr;
  }
  void answer(unsigned r) {
    auto&& h = caches[r];
    design_->context.require(h.iotlb != 0U && h.devtlb == 0U);
    h.devtlb = h.iotlb;
  }

  // Questions about the state, for invariants.

  /// Whether nothing is cached of the entry, or of what was behind it.
  B forgotten(V row) {
    auto&& h = caches[row];
    return !h.valid && h.iotlb == 0U && h.devtlb == 0U && h.kernel_table == 0U;
  }
  /// 1 + the process that the entry leads to, as it is in memory; 0: it is not present.
  V target(unsigned row) const {
    auto&& e = entry[row];
    return select(e.state == kPresent, V(e.flptr), V(0));
  }
  /// The same for what the PASID cache has of it.
  V cached_target(unsigned row) const {
    auto&& h = caches[row];
    return select(B(h.valid), V(h.flptr), V(0));
  }
  /// Whether a TLP may be translated by the page tables of process m, or reach a page of it.
  B leads(unsigned row, unsigned m) const {
    auto&& h = caches[row];
    return target(row) == m + 1 || cached_target(row) == m + 1 || h.iotlb == m + 1 ||
           h.devtlb == m + 1;
  }
  /// ... a page that is freed.
  B reaches_freed_page(unsigned row) const {
    auto&& h = caches[row];
    return any_of<D>(mms(), [&](unsigned m) {
      return (h.iotlb == m + 1 || h.devtlb == m + 1) && page[m] == PageState::freed;
    });
  }

 private:
  const VtdShape shape_;
  Design<D>* design_;
  Scope<D> scope_;

 public:
  Array<D, PasidEntry<D>> entry;
  Array<D, VtdCaches<D>> caches;
  Array<D, Var<D, PageState>> page;  ///< one in the user half of each process
  Var<D, PageState> kernel_table;    ///< a page of the kernel's page tables, which all mms share
  StoreBuffers<D> memory;

 private:
  static StoreBufferShape buffers(const VtdShape& shape) {
    StoreBufferShape buffers{
        .memory = shape.memory, .stores = shape.stores, .max = std::max(2U, shape.mms.n)};
    for (unsigned at = 0; at < kWords * shape.size(); ++at)
      buffers.numbers.push_back(
          fmt::format("entry {}, val[{}]", at % shape.size(), at / shape.size()));
    return buffers;
  }
  V word(unsigned at) const {
    const auto& e = entry[at % rows()];
    return at / rows() == 0 ? V(e.state) : at / rows() == 1 ? V(e.did) : V(e.flptr);
  }
  void set_word(unsigned at, V value) {
    auto&& e = entry[at % rows()];
    switch (at / rows()) {
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

  void add_steps(unsigned r) {
    // A device may send a TLP with any PASID at any time.
    const auto step = [&](const std::string& what, std::function<void()> action) {
      code_.push_back({"IOMMU", fmt::format("{}: {}", shape_.rows[r], what), false, 0,
                       [action = std::move(action)](unsigned) { action(); }});
    };
    for (unsigned w = 0; w < kWords; ++w) {
      step(fmt::format("the fetch of its entry reads val[{}]", w), [this, r, w] { fetch(r, w); });
    }
    step("its entry is cached", [this, r] { end_fetch(r); });
    step("a walk of its page tables fills the IOTLB", [this, r] { walk(r); });
    step("an answer of the IOTLB fills the device TLB", [this, r] { answer(r); });
    if (!shape_.kernel) return;
    step("a walk of the kernel half caches a page of its tables", [this, r] {
      auto&& h = caches[r];
      design_->context.require(h.valid && h.kernel_table == 0U &&
                               kernel_table == PageState::mapped);
      h.kernel_table = 1;
    });
  }
  Code code_;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_VTD_HARDWARE_H
