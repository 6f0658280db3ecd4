// SPDX-License-Identifier: MIT
// Sequence: a short list without repetition, in the order of arrival, over any domain.
#ifndef IOMMUCHECK_SPEC_SEQUENCE_H
#define IOMMUCHECK_SPEC_SEQUENCE_H

#include "core/var.h"

namespace iommucheck {

/// Elements are 1 .. max; at most `capacity` of them; 0 marks the free places at the end.
template <class D>
class Sequence {
 public:
  Sequence(Scope<D>& scope, std::string_view name, unsigned capacity, std::uint32_t max)
      : context_(&scope.context()), at_(scope, name, capacity, max) {}

  unsigned capacity() const { return at_.size(); }
  /// The i-th element, or 0.
  Val<D> operator[](unsigned i) const { return at_[i]; }
  Val<D> front() const { return capacity() == 0 ? Val<D>(0) : Val<D>(at_[0U]); }
  Bool<D> empty() const { return front() == 0U; }
  Bool<D> contains(Val<D> x) const {
    return any_of<D>(capacity(), [&](unsigned i) { return at_[i] == x && x != 0U; });
  }
  void append(Val<D> x) const {
    // From the end, so that a place once filled is not taken for the one before the first free.
    for (unsigned i = capacity(); i-- > 0;) {
      const Bool<D> first_free = at_[i] == 0U && (i == 0 ? Bool<D>(true) : at_[i - 1] != 0U);
      context_->when(first_free, [&] { at_[i] = x; });
    }
  }
  /// Removes x, if it is there; the later ones move up.
  void remove(Val<D> x) const {
    std::vector<Val<D>> old;
    for (unsigned i = 0; i < capacity(); ++i) old.push_back(at_[i]);
    for (unsigned i = 0; i < capacity(); ++i) {
      const Bool<D> gone = any_of<D>(i + 1, [&](unsigned j) { return old[j] == x; });
      const Val<D> next = i + 1 < capacity() ? old[i + 1] : Val<D>(0);
      context_->when(gone, [&] { at_[i] = next; });
    }
  }
  /// Elements first, then zeros, and no element twice.
  Bool<D> well_formed() const {
    return all_of<D>(capacity(), [&](unsigned i) {
      const Bool<D> dense = i == 0 ? Bool<D>(true) : at_[i] == 0U || at_[i - 1] != 0U;
      return dense && all_of<D>(i, [&](unsigned j) { return at_[i] == 0U || at_[i] != at_[j]; });
    });
  }

 private:
  Context<D>* context_;
  Array<D, Var<D>> at_;
};

}  // namespace iommucheck

#endif  // IOMMUCHECK_SPEC_SEQUENCE_H
