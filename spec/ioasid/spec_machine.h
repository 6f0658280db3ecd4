// SPDX-License-Identifier: MIT
// The IOASID specification as a machine of its own: clients that make any call and get any legal
// answer.  What `iommucheck prove ioasid` proves about, and what both engines count.
#ifndef IOMMUCHECK_SPEC_IOASID_SPEC_MACHINE_H
#define IOMMUCHECK_SPEC_IOASID_SPEC_MACHINE_H

#include <algorithm>

#include "spec/ioasid/invariants.h"
#include "spec/ioasid/spec.h"

namespace iommucheck::ioasid {

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
  /// Everything but the ops, of which two share their functions.
  static Sorts sorts(Schema& schema, const Bounds& b) {
    const auto sort = [&](const char* name, unsigned size) {
      return size == 0 ? Sort{} : schema.sort(name, size);
    };
    return {.ids = sort("pasids", b.ids),
            .sets = sort("sets", b.sets),
            .data = sort("data", b.data),
            .clients = sort("clients", b.clients),
            .tokens = sort("tokens", b.tokens),
            .spids = sort("spids", b.spids),
            .notifiers = sort("notifiers", b.notifiers)};
  }
  void any_call(CallKind kind) {
    auto& ctx = this->context;
    const Bounds& b = spec_.state.bounds;
    const auto has = [&](std::uint32_t Arguments<std::uint32_t>::*field) {
      const auto& all = arguments(kind);
      return std::any_of(all.begin(), all.end(), [&](const auto& a) { return a.field == field; });
    };
    using P = Arguments<std::uint32_t>;
    // The argument's values are low .. low + n - 1; an argument that the call does not have is 0.
    const auto pick = [&](std::uint32_t P::*field, unsigned low, unsigned n,
                          const char* what) -> Val<D> {
      return has(field) ? ctx.choose(n, what) + low : Val<D>(0);
    };
    const Args<D> c{
        .client = pick(&P::client, 0, b.references || !b.static_sets ? b.clients : 1, "client"),
        .set = pick(&P::set, 0, b.sets + 1, "set"),
        .id = pick(&P::id, 0, b.ids + 1, "ioasid"),
        .min = pick(&P::min, 0, b.ids, "min"),
        .max = pick(&P::max, 0, b.ids, "max"),
        .data = pick(&P::data, 0, b.data + 1, "private"),
        .token = pick(&P::token, 0, b.tokens + 1, "token"),
        // One beyond the capacity can be asked for, but not installed.
        .quota =
            pick(&P::quota, 0, b.capacity + (kind == CallKind::install_capacity ? 1 : 2), "quota"),
        .ops = pick(&P::ops, 1, b.ops, "ops"),
        .spid = pick(&P::spid, 0, b.spids + 1, "spid"),
        .nb = pick(&P::nb, 1, b.notifiers, "nb"),
        .getter = pick(&P::getter, 0, b.data > 0 ? 3 : 1, "getter"),
        .take = pick(&P::take, 0, 2, "get"),
        .callback = pick(&P::callback, 0, b.ops > 0 ? b.ids + 1 : 1, "callback"),
        .nomem = pick(&P::nomem, 0, 2, "nomem"),
    };
    const auto legal = answers(kind);
    const Val<D> which = ctx.choose(static_cast<unsigned>(legal.size()), "answer");
    const Val<D> err = sum_of<D>(static_cast<unsigned>(legal.size()), [&](unsigned i) {
      return select(which == i, Val<D>(static_cast<unsigned>(legal[i])), Val<D>(0));
    });
    const Val<D> value = ctx.choose(largest_value(kind, b) + 1, "value");
    Reply<D> reply{ctx, err.template as<Err>(), value};
    spec_.apply(kind, c, reply);
  }

  Spec<D> spec_;
  Code code_;
};

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_SPEC_IOASID_SPEC_MACHINE_H
