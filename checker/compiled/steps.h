// SPDX-License-Identifier: MIT
// CompiledSteps: the steps of a machine as machine code that was made for its bounds.
//
// The code keeps nothing between calls: any number of threads may run it at once.
#ifndef IOMMUCHECK_CHECKER_COMPILED_STEPS_H
#define IOMMUCHECK_CHECKER_COMPILED_STEPS_H

#include <cstdint>
#include <memory>
#include <string>

namespace iommucheck::checker {

struct CompiledSteps {
  /// Writes the successors of `state` one after the other to `next`, and for each of them
  /// process << 16 | step to `step`; gives how many there are.
  ///
  /// kLook is added where code is not enough: a step fails, an invariant does not hold, or the
  /// state may be a deadlock.  Then what was written means nothing, and the state has to be
  /// expanded by the machine itself (core/machine.h), which says what is wrong.
  using Expand = std::uint32_t (*)(const std::uint64_t* state, std::uint64_t* next,
                                   std::uint32_t* step);
  static constexpr std::uint32_t kLook = 0x80000000;

  Expand expand = nullptr;
  /// Room that `next` and `step` must have, in successors.  Not all of it is a result.
  std::uint32_t room = 0;
  double seconds = 0;             ///< to make it; little where it was in the cache
  std::shared_ptr<void> library;  ///< what `expand` points into
};

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_COMPILED_STEPS_H
