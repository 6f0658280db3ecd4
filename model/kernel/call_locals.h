// SPDX-License-Identifier: MIT
// CallLocals: the local variables of each process, cleared when its call returns.
#ifndef IOMMUCHECK_MODEL_KERNEL_CALL_LOCALS_H
#define IOMMUCHECK_MODEL_KERNEL_CALL_LOCALS_H

#include "model/kernel/cpu.h"

namespace iommucheck::model {

/// A Record of the design: `CallLocals<D, MyLocals<D>> local{*this, bounds}; ... local(t).dev`.
template <class D, class Locals>
class CallLocals {
 public:
  template <class... Args>
  explicit CallLocals(Design<D>& design, const Args&... args)
      : first_(static_cast<std::uint32_t>(design.schema.fields().size())),
        of_process_(design.root(), "call", over(design.threads(), design.process_count()),
                    args...) {
    const auto last = static_cast<std::uint32_t>(design.schema.fields().size());
    const std::uint32_t size = (last - first_) / design.process_count();
    for (unsigned i = 0; i < design.process_count(); ++i)
      design.locals(i, first_ + i * size, first_ + (i + 1) * size);
  }

  /// Those of the call that runs.
  decltype(auto) operator()(const Cpu<D>& t) const { return of_process_[t.self()]; }
  decltype(auto) operator[](unsigned process) const { return of_process_[process]; }

 private:
  std::uint32_t first_;
  Array<D, Locals> of_process_;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_KERNEL_CALL_LOCALS_H
