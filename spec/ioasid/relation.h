// SPDX-License-Identifier: MIT
// What every call's relation is written with: legal errors, legal success, settled effects.
#ifndef IOMMUCHECK_SPEC_IOASID_RELATION_H
#define IOMMUCHECK_SPEC_IOASID_RELATION_H

#include "spec/ioasid/state.h"
#include "spec/relation.h"

namespace iommucheck::ioasid {

template <class D>
using Args = Arguments<Val<D>>;

/// An answer: error and value are given; the effects can be given, too, or settled by the call.
template <class D>
struct Reply {
  Reply(Context<D>& context, Val<D, Err> e, Val<D> v)
      : err(context, e),
        value(context, v),
        allocator(context, 0),
        getter_on(context, 0),
        notified(context, 0) {}
  Local<D, Err> err;
  Local<D> value, allocator, getter_on, notified;
  /// The effects (allocator, getter_on, notified) follow from the call: fill them in.  Otherwise
  /// they are given, and compared.
  bool generate = true;
  /// Which effects are compared when they are given: a design that does not model callbacks or
  /// notifications leaves them out.
  bool compare_allocator = true, compare_getter = true, compare_notified = true;
};

template <class D>
class Relation : protected CallRelation<D, Reply<D>, Err> {
 public:
  explicit Relation(State<D>& state) : CallRelation<D, Reply<D>, Err>(state.context()), s(state) {}

 protected:
  using B = Bool<D>;
  using V = Val<D>;
  using R = Reply<D>;
  using A = Args<D>;
  using CallRelation<D, Reply<D>, Err>::ctx;

  void settle_notified(R& r, V mask) {
    if (r.compare_notified)
      settle(r, r.notified, mask,
             "notified: exactly the blocks on the chains concerned are called");
  }
  void settle_allocator(R& r, V ops) {
    if (r.compare_allocator)
      settle(r, r.allocator, ops,
             "callbacks: those of the serving ops run, with its pdata, where ids come and go");
  }
  void settle_getter(R& r, V shown) {
    if (r.compare_getter)
      settle(r, r.getter_on, shown, "getter: it runs on the data that is found, and never on NULL");
  }
  void settle_value(R& r, V value, const char* sentence) {
    ctx.require(r.value == value, sentence);
  }

  /// Id i is free again; its set goes if nobody is left.
  void release(unsigned i) {
    auto&& id = s.id[i];
    const V of_set = id.set;
    id.state = IdState::free;
    id.set = 0;
    id.data = 0;
    id.group = 0;
    id.owner = 0;
    id.holders = 0;
    id.spid = 0;
    if (s.bounds.static_sets) return;
    for (unsigned k = 1; k <= s.bounds.sets; ++k) {
      const B last = of_set == k && s.set[k - 1].life == SetLife::dying && s.members_of(k) == 0U;
      ctx.when(last, [&] { set_goes(k); });
    }
  }
  /// The set's quota returns to the capacity and its chain is emptied.
  void set_goes(unsigned k) {
    auto&& set = s.set[k - 1];
    set.life = SetLife::gone;
    set.token = 0;
    set.quota = 0;
    set.holders = 0;
    for (unsigned n = 0; n < s.chain.size(); ++n) {
      ctx.when(s.chain[n] == 1 + k, [&] { s.chain[n] = 0; });
    }
  }
  /// f(i) for the allocated id with this number, if there is one.
  template <class F>
  void with_id(V number, F f) {
    for (unsigned i = 0; i < s.bounds.ids; ++i) {
      ctx.when(number == i && s.allocated(i), [&] { f(i); });
    }
  }
  V set_of(V number) const {
    return sum_of<D>(s.bounds.ids,
                     [&](unsigned i) { return select(number == i, V(s.id[i].set), V(0)); });
  }
  B pending(V number) const {
    return any_of<D>(s.bounds.ids, [&](unsigned i) {
      return number == i && s.id[i].state == IdState::free_pending;
    });
  }
  B has_data(V number) const {
    return any_of<D>(s.bounds.ids, [&](unsigned i) { return number == i && s.id[i].data != 0U; });
  }
  V client_bit(V client) const {
    return sum_of<D>(s.bounds.clients,
                     [&](unsigned c) { return select(client == c, V(1U << c), V(0)); });
  }
  static V without(V mask, V bit) { return mask & (V(0xffff) - bit); }

  State<D>& s;

 private:
  void settle(R& r, Local<D>& field, V expected, const char* sentence) {
    if (r.generate) {
      field = expected;
    } else {
      ctx.require(field == expected, sentence);
    }
  }
};

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_SPEC_IOASID_RELATION_H
