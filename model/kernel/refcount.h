// SPDX-License-Identifier: MIT
// refcount_t: a counter that saturates instead of wrapping, and complains.
#ifndef IOMMUCHECK_MODEL_KERNEL_REFCOUNT_H
#define IOMMUCHECK_MODEL_KERNEL_REFCOUNT_H

#include "model/kernel/design.h"

namespace iommucheck::model {

/// 0 .. max; max + 1 is the saturated value, from which it never comes back (lib/refcount.c).
template <class D>
class Refcount {
 public:
  Refcount(Scope<D>& scope, std::string_view name, const Design<D>& design, unsigned max)
      : design_(&design), saturated_(max + 1), value_(scope, name, max + 1) {}
  Refcount(Refcount&&) noexcept = default;

  Val<D> read() const { return value_; }
  void set(Val<D> v) const { value_ = v; }
  /// refcount_inc(): from zero it saturates, and is a use after free in the making.
  void inc() const {
    context().fail_unless(value_ != 0U, design_->refcounts,
                          "refcount_inc() on 0: the object is dying or dead");
    add(value_ != 0U);
  }
  /// refcount_inc_not_zero().
  Bool<D> inc_not_zero() const {
    const Bool<D> alive = value_ != 0U;
    context().when(alive, [&] { add(alive); });
    return alive;
  }
  /// refcount_dec_and_test(): true when the last reference is gone.
  Bool<D> dec_and_test() const {
    const Val<D> old = value_;
    context().fail_unless(old != 0U, design_->refcounts, "refcount_dec_and_test() on 0: underflow");
    context().when(old != 0U && old != saturated_, [&] { value_ = old - 1U; });
    context().when(old == 0U, [&] { value_ = saturated_; });
    return old == 1U;
  }

 private:
  Context<D>& context() const { return const_cast<Design<D>*>(design_)->context; }
  void add(Bool<D> alive) const {
    const Val<D> old = value_;
    context().fail_unless(old + 1U < saturated_ || !alive, design_->refcounts,
                          "a reference count saturates");
    value_ = select(alive && old != saturated_, old + 1U, Val<D>(saturated_));
  }

  const Design<D>* design_;
  unsigned saturated_;
  Var<D> value_;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_KERNEL_REFCOUNT_H
