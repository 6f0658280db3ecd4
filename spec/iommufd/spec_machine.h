// SPDX-License-Identifier: MIT
// The specification of /dev/iommu as a machine of its own: somebody makes any call and gets any
// legal answer.  What `iommucheck prove iommufd` proves about, and what both engines count.
#ifndef IOMMUCHECK_SPEC_IOMMUFD_SPEC_MACHINE_H
#define IOMMUCHECK_SPEC_IOMMUFD_SPEC_MACHINE_H

#include <algorithm>

#include "spec/iommufd/invariants.h"
#include "spec/iommufd/spec.h"

namespace iommucheck::iommufd {

template <class D>
class SpecMachine : public Machine<D> {
 public:
  explicit SpecMachine(const Bounds& bounds) : spec_(this->root(), bounds) {
    Invariants<D>::declare(*this, spec_.state);
    this->initial = [] {};
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
  void any_call(CallKind kind) {
    auto& ctx = this->context;
    const Bounds& b = spec_.state.bounds;
    using P = Arguments<std::uint32_t>;
    const auto& all = arguments(kind);
    // An argument that the call does not have is 0.
    const auto pick = [&](std::uint32_t P::*field, unsigned low, unsigned n) -> Val<D> {
      const auto place = std::ranges::find(all, field, &ArgumentInfo::field);
      return place == all.end() ? Val<D>(0) : ctx.choose(n, std::string{place->name}.c_str()) + low;
    };
    const Args<D> c{.device = pick(&P::device, 0, b.devices),
                    .ioas = pick(&P::ioas, 1, b.ioases),
                    .hwpt = pick(&P::hwpt, 1, b.hwpts),
                    .parent = pick(&P::parent, 1, b.hwpts),
                    .target = pick(&P::target, 1, b.targets()),
                    .nomem = pick(&P::nomem, 0, 2)};
    const auto& legal = answers(kind);
    const auto count = static_cast<unsigned>(legal.size());
    const Val<D> which = ctx.choose(count, "answer");
    const Val<D> err = sum_of<D>(count, [&](unsigned i) {
      return select(which == i, Val<D>(static_cast<unsigned>(legal[i])), Val<D>(0));
    });
    Reply<D> reply{ctx, err.template as<Err>()};
    spec_.apply(kind, c, reply);
  }

  Spec<D> spec_;
  Code code_;
};

}  // namespace iommucheck::iommufd

#endif  // IOMMUCHECK_SPEC_IOMMUFD_SPEC_MACHINE_H
