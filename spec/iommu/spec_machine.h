// SPDX-License-Identifier: MIT
// The IOMMU specification as a machine of its own: clients that make any call and get any legal
// answer.  What `iommucheck prove iommu` proves about, and what both engines count.
#ifndef IOMMUCHECK_SPEC_IOMMU_SPEC_MACHINE_H
#define IOMMUCHECK_SPEC_IOMMU_SPEC_MACHINE_H

#include <algorithm>

#include "spec/iommu/invariants.h"
#include "spec/iommu/spec.h"

namespace iommucheck::iommu {

template <class D>
class SpecMachine : public Machine<D> {
 public:
  explicit SpecMachine(const Bounds& bounds)
      : spec_(this->root(), bounds, sorts(this->schema, bounds)) {
    Invariants<D>::declare(*this, spec_.state);
    this->initial = [this] { spec_.set_up(); };
    for (unsigned k = 0; k < kCallKinds; ++k) {
      const auto kind = static_cast<CallKind>(k);
      if (!in_scope(kind, bounds)) continue;
      code_.push_back({"client", std::string{name(kind)}, false, 0,
                       [this, kind](unsigned) { any_call(kind); }});
    }
    this->process({"client", 0, &code_, nullptr});
  }

  Spec<D>& spec() { return spec_; }

 private:
  static Sorts sorts(Schema& schema, const Bounds& b) {
    const auto sort = [&](const char* name, unsigned size) {
      return size == 0 ? Sort{} : schema.sort(name, size);
    };
    return {.pasids = sort("pasids", b.pasids),
            .mms = sort("mms", b.mms),
            .clients = sort("clients", b.clients)};
  }
  void any_call(CallKind kind) {
    auto& ctx = this->context;
    const Bounds& b = spec_.state.bounds;
    const auto& all = arguments(kind);
    using P = Arguments<std::uint32_t>;
    // The argument's values are low .. low + n - 1; an argument that the call does not have is 0.
    const auto pick = [&](std::uint32_t P::*field, unsigned low, unsigned n,
                          const char* what) -> Val<D> {
      const bool has =
          std::any_of(all.begin(), all.end(), [&](const auto& a) { return a.field == field; });
      return has ? ctx.choose(n, what) + low : Val<D>(0);
    };
    const Args<D> c{.client = pick(&P::client, 0, b.clients, "client"),
                    .bond = pick(&P::bond, 0, b.bonds, "bond"),
                    .device = pick(&P::device, 0, b.devices, "device"),
                    .pasid = pick(&P::pasid, 1, b.pasids, "pasid"),
                    .table = pick(&P::table, 1, b.tables, "domain"),
                    .page = pick(&P::page, 0, b.pages, "page"),
                    .mm = pick(&P::mm, 0, b.mms, "mm"),
                    .nomem = pick(&P::nomem, 0, 2, "nomem")};
    const auto& legal = answers(kind);
    const Val<D> which = ctx.choose(static_cast<unsigned>(legal.size()), "answer");
    const Val<D> err = sum_of<D>(static_cast<unsigned>(legal.size()), [&](unsigned i) {
      return select(which == i, Val<D>(static_cast<unsigned>(legal[i])), Val<D>(0));
    });
    const Val<D> value = ctx.choose(largest_value(kind, b) + 1, "value");
    // A failed call answers nothing else.
    ctx.require(which == 0U || value == 0U);
    Reply<D> reply{ctx, err.template as<Err>(), value};
    spec_.apply(kind, c, reply);
  }

  Spec<D> spec_;
  Code code_;
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_SPEC_MACHINE_H
