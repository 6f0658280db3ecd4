// SPDX-License-Identifier: MIT
// Oracle: runs the relation of the IOMMU calls over answers that are given.
#include "spec/iommu/oracle.h"

#include <fmt/format.h>

#include <algorithm>

#include "spec/iommu/invariants.h"
#include "spec/iommu/spec.h"
#include "spec/judge.h"

namespace iommucheck::iommu {

std::string print(const Call& call) {
  std::string text{name(call.kind)};
  const char* separator = "(";
  for (const ArgumentInfo& argument : arguments(call.kind)) {
    text += fmt::format("{}{}={}", separator, argument.name, call.args.*argument.field);
    separator = ", ";
  }
  return text + ")";
}

struct Oracle::Impl {
  explicit Impl(const Bounds& bounds) : spec(machine.root(), bounds) {
    Invariants<Concrete>::declare(machine, spec.state);
    machine.context.requirements.contract = Contract::note;
    machine.context.begin_step();
    spec.set_up();
  }

  Machine<Concrete> machine;
  Spec<Concrete> spec;
};

Oracle::Oracle(const Bounds& bounds) : impl_(std::make_unique<Impl>(bounds)) {}
Oracle::Oracle(Oracle&&) noexcept = default;
Oracle& Oracle::operator=(Oracle&&) noexcept = default;
Oracle::~Oracle() = default;

const Bounds& Oracle::bounds() const { return impl_->spec.state.bounds; }

Judgement Oracle::judge(const Call& call, Err err, unsigned value) {
  const auto v = [](std::uint32_t number) { return Val<Concrete>(number); };
  const auto& a = call.args;
  return judge_call(
      impl_->machine,
      [&](Context<Concrete>& context) {
        Reply<Concrete> reply{context, Val<Concrete, Err>(err), v(value)};
        impl_->spec.apply(call.kind,
                          {.client = v(a.client),
                           .bond = v(a.bond),
                           .device = v(a.device),
                           .pasid = v(a.pasid),
                           .table = v(a.table),
                           .page = v(a.page),
                           .mm = v(a.mm),
                           .nomem = v(a.nomem)},
                          reply);
      },
      [&] { return print(call); });
}

std::optional<unsigned> Oracle::bond(unsigned client, bool held) const {
  auto&& bonds = impl_->spec.state.client[client].bond;
  for (unsigned k = 0; k < bounds().bonds; ++k) {
    const Val<Concrete> device = bonds[k].device;
    if ((device.word() != 0) == held) return k;
  }
  return std::nullopt;
}

Oracle::Snapshot Oracle::snapshot() const { return words_of(impl_->machine); }
void Oracle::restore(const Snapshot& snapshot) {
  std::ranges::copy(snapshot, impl_->machine.context.words.begin());
}

}  // namespace iommucheck::iommu
