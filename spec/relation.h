// SPDX-License-Identifier: MIT
// CallRelation: how the relation of a call is written: legal errors, legal success.
//
// A call is a relation between (state, arguments) and (answer, next state).  The answer is given:
// by an implementation under test, by a design at the step where its call takes effect, or chosen
// when the specification is explored by itself.  The relation requires that it is legal and moves
// the state accordingly.
#ifndef IOMMUCHECK_SPEC_RELATION_H
#define IOMMUCHECK_SPEC_RELATION_H

#include "core/context.h"

namespace iommucheck {

/// Reply has `err`, a Local<D, Err>; Err::ok is success.
template <class D, class Reply, class Err>
class CallRelation {
 public:
  explicit CallRelation(Context<D>& context) : ctx(context) {}

 protected:
  using B = Bool<D>;
  using V = Val<D>;
  using R = Reply;

  /// Error `e` is legal only where `reason` holds.
  void error(R& r, Err e, B reason, const char* sentence) {
    ctx.when(r.err == e, [&] { ctx.require(reason, sentence); });
  }
  /// Success is legal only where `possible` holds; then `effect` happens.
  template <class F>
  void success(R& r, B possible, const char* sentence, F effect) {
    ctx.when(r.err == Err::ok, [&] {
      ctx.require(possible, sentence);
      effect();
    });
  }
  /// The only answer of the call is success.
  template <class F>
  void success(R& r, F effect) {
    ctx.when(r.err == Err::ok, effect);
  }

  /// a where c holds, else b.
  static B select_bit(B c, B a, B b) { return (c && a) || (!c && b); }

  Context<D>& ctx;
};

}  // namespace iommucheck

#endif  // IOMMUCHECK_SPEC_RELATION_H
