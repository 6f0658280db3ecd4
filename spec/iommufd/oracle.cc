// SPDX-License-Identifier: MIT
// Oracle: runs the relation of the calls of /dev/iommu over answers that are given.
#include "spec/iommufd/oracle.h"

#include <algorithm>

#include "spec/iommufd/invariants.h"
#include "spec/iommufd/spec.h"
#include "spec/judge.h"

namespace iommucheck::iommufd {

struct Oracle::Impl {
  explicit Impl(const Bounds& bounds) : spec(machine.root(), bounds) {
    Invariants<Concrete>::declare(machine, spec.state);
    machine.context.requirements.contract = Contract::note;
    machine.context.begin_step();
  }

  Machine<Concrete> machine;
  Spec<Concrete> spec;
};

Oracle::Oracle(const Bounds& bounds) : impl_(std::make_unique<Impl>(bounds)) {}
Oracle::Oracle(Oracle&&) noexcept = default;
Oracle& Oracle::operator=(Oracle&&) noexcept = default;
Oracle::~Oracle() = default;

Judgement Oracle::judge(const Call& call, Err err) {
  const auto v = [](std::uint32_t number) { return Val<Concrete>(number); };
  const auto& a = call.args;
  return judge_call(
      impl_->machine,
      [&](Context<Concrete>& context) {
        Reply<Concrete> reply{context, Val<Concrete, Err>(err)};
        impl_->spec.apply(call.kind,
                          {.device = v(a.device),
                           .ioas = v(a.ioas),
                           .hwpt = v(a.hwpt),
                           .parent = v(a.parent),
                           .target = v(a.target),
                           .nomem = v(a.nomem)},
                          reply);
      },
      [&] { return print(call); });
}

bool Oracle::attached(unsigned device) const {
  return Bool<Concrete>(impl_->spec.state.device[device].attached).bit();
}

Oracle::Snapshot Oracle::snapshot() const { return words_of(impl_->machine); }
void Oracle::restore(const Snapshot& snapshot) {
  std::ranges::copy(snapshot, impl_->machine.context.words.begin());
}

}  // namespace iommucheck::iommufd
