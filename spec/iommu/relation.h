// SPDX-License-Identifier: MIT
// What the relations of the IOMMU calls share: a reply, and the things that an argument names.
#ifndef IOMMUCHECK_SPEC_IOMMU_RELATION_H
#define IOMMUCHECK_SPEC_IOMMU_RELATION_H

#include "spec/iommu/state.h"
#include "spec/relation.h"

namespace iommucheck::iommu {

template <class D>
using Args = Arguments<Val<D>>;

/// An answer: an error, and a value where the call has one.
template <class D>
struct Reply {
  Reply(Context<D>& context, Val<D, Err> e, Val<D> v) : err(context, e), value(context, v) {}
  Local<D, Err> err;
  Local<D> value;
};

template <class D>
class Relation : protected CallRelation<D, Reply<D>, Err> {
 public:
  explicit Relation(State<D>& state)
      : CallRelation<D, Reply<D>, Err>(state.context()), s(state), b(state.bounds) {}

 protected:
  using B = Bool<D>;
  using V = Val<D>;
  using A = Args<D>;
  using R = Reply<D>;
  using CallRelation<D, Reply<D>, Err>::ctx;

  /// f(d, g) for the device with this number and its group.
  template <class F>
  void with_device(V number, F f) {
    for (unsigned d = 0; d < b.devices; ++d) {
      ctx.when(number == d, [&] { f(d, b.group_of(d)); });
    }
  }
  template <class F>
  B device_is(V number, F f) const {
    return any_of<D>(b.devices, [&](unsigned d) { return number == d && f(d, b.group_of(d)); });
  }
  template <class F>
  B table_is(V number, F f) const {
    return any_of<D>(b.tables, [&](unsigned t) { return number == t + 1 && f(t + 1); });
  }
  template <class F>
  B mm_is(V number, F f) const {
    return any_of<D>(b.mms, [&](unsigned m) { return number == m && f(m); });
  }
  template <class F>
  B pasid_is(V number, F f) const {
    return any_of<D>(b.pasids, [&](unsigned p) { return number == p + 1 && f(p + 1); });
  }
  /// Another device of the group has a driver that uses the DMA API.
  B driver_beside(const A& c) const {
    if (!b.owners) return B(false);
    return device_is(c.device, [&](unsigned d, unsigned g) -> B {
      return group_has(
          g, [&](unsigned e) -> B { return e != d ? s.device[e].user == kDriver : B(false); });
    });
  }
  /// The table can be walked by the IOMMU of the group.
  B compatible(unsigned g, V table) const {
    return table_is(table, [&](unsigned t) { return s.table[t - 1].kind == b.kind_of_group(g); });
  }
  /// f(d) for some device of the group.
  template <class F>
  B group_has(unsigned g, F f) const {
    return any_of<D>(b.devices, [&](unsigned d) { return b.group_of(d) == g ? f(d) : B(false); });
  }
  B resetting(unsigned g) const {
    return group_has(g, [&](unsigned d) { return B(s.device[d].resetting); });
  }
  B in_reset(const A& c) const {
    return device_is(c.device, [&](unsigned, unsigned g) { return resetting(g); });
  }
  /// The caller is the driver of a device that is plugged in, or who has claimed its group.
  void is_used(const A& c, const char* sentence) {
    is_there(c, sentence);
    if (!b.owners) return;
    ctx.contract(
        device_is(c.device, [&](unsigned d, unsigned) -> B { return s.device[d].user != kUnused; }),
        sentence);
  }
  /// The device is plugged in.
  void is_there(const A& c, const char* sentence) {
    if (!b.hotplug) return;
    ctx.contract(
        device_is(c.device, [&](unsigned d, unsigned) -> B { return s.device[d].gone == 0U; }),
        sentence);
  }
  /// Another device of the group is.
  B other_is_there(unsigned device, unsigned g) const {
    return any_of<D>(b.devices, [&](unsigned d) -> B {
      return d != device && b.group_of(d) == g ? s.device[d].gone == 0U : B(false);
    });
  }
  B no_memory(const A& c) const { return c.nomem != 0U; }

  /// The RID of the group meets another table; so does the PASID of the DMA API, at that instant.
  void set_rid(unsigned g, V target) {
    auto&& group = s.group[g];
    group.rid = target;
    if (b.dma_pasid) {
      for (unsigned p = 0; p < b.pasids; ++p) {
        ctx.when(group.dma_pasid == p + 1, [&] { group.pasid[p] = target; });
      }
    }
  }
  void set_pasid(unsigned g, V pasid, V target) {
    for (unsigned p = 0; p < b.pasids; ++p) {
      ctx.when(pasid == p + 1, [&] { s.group[g].pasid[p] = target; });
    }
  }

  State<D>& s;
  const Bounds& b;
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_RELATION_H
