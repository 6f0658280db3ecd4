// SPDX-License-Identifier: MIT
// Spinlock and Mutex: who holds them.  What taking one means is in cpu.h.
#ifndef IOMMUCHECK_MODEL_KERNEL_LOCKS_H
#define IOMMUCHECK_MODEL_KERNEL_LOCKS_H

#include "model/kernel/design.h"

namespace iommucheck::model {

template <class D>
class HeldLock : public Lock<D> {
 public:
  HeldLock(Design<D>& design, std::string_view name)
      : scope_(design.root()), holder(scope_, name, design.process_count(), holder_format(design)) {
    design.add(*this);
  }
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;
  Bool<D> held_by(unsigned self) const override { return holder == self + 1; }

 private:
  static Format holder_format(const Design<D>& design) {
    Format format{Format::Kind::names, {"free"}};
    for (unsigned i = 0; i < design.process_count(); ++i)
      format.names.push_back(design.process_name(i));
    return format.of(design.threads());
  }
  Scope<D> scope_;

 public:
  Var<D> holder;  ///< 0, or 1 + the process
};

/// spinlock_t.
template <class D>
struct Spinlock : HeldLock<D> {
  using HeldLock<D>::HeldLock;
};
/// struct mutex.
template <class D>
struct Mutex : HeldLock<D> {
  using HeldLock<D>::HeldLock;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_KERNEL_LOCKS_H
