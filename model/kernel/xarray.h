// SPDX-License-Identifier: MIT
// struct xarray, at the level that the designs rely on: atomic load, store, erase, and xa_alloc().
// Readers need no lock but RCU; writers are serialised by the xarray's own lock, inside each call.
#ifndef IOMMUCHECK_MODEL_KERNEL_XARRAY_H
#define IOMMUCHECK_MODEL_KERNEL_XARRAY_H

#include "model/kernel/design.h"

namespace iommucheck::model {

/// n entries, each a number of 0 .. max with 0 for "nothing there".
template <class D>
class XArray {
 public:
  XArray(Scope<D>& scope, std::string_view name, Extent n, std::uint32_t max, const Format& format)
      : context_(&scope.context()), entry_(scope, name, n, max, format) {}
  XArray(XArray&&) noexcept = default;

  unsigned size() const { return entry_.size(); }
  Val<D> load(unsigned i) const { return entry_[i]; }
  /// xa_load(): NULL where there is nothing, or no such index.
  Val<D> load(Val<D> index) const {
    return sum_of<D>(size(),
                     [&](unsigned i) { return select(index == i, Val<D>(entry_[i]), Val<D>(0)); });
  }
  /// xa_store() where there is room already (the designs rely on no allocation here).
  void store(Val<D> index, Val<D> value) const {
    for (unsigned i = 0; i < size(); ++i) {
      context_->when(index == i, [&] { entry_[i] = value; });
    }
  }
  /// xa_erase(): gives what was there.
  Val<D> erase(Val<D> index) const {
    const Val<D> old = load(index);
    store(index, 0);
    return old;
  }
  /// The index that xa_alloc() takes: the lowest free one of [min, max]; size() if there is none.
  Val<D> lowest_free(Val<D> min, Val<D> max) const {
    const auto usable = [&](unsigned i) { return entry_[i] == 0U && min <= i && max >= i; };
    const Bool<D> none = !any_of<D>(size(), usable);
    return select(none, Val<D>(size()), sum_of<D>(size(), [&](unsigned i) {
                    const Bool<D> first = usable(i) && !any_of<D>(i, usable);
                    return select(first, Val<D>(i), Val<D>(0));
                  }));
  }
  Bool<D> empty() const {
    return all_of<D>(size(), [&](unsigned i) { return entry_[i] == 0U; });
  }

 private:
  Context<D>* context_;
  Array<D, Var<D>> entry_;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_KERNEL_XARRAY_H
