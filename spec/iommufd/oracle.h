// SPDX-License-Identifier: MIT
// Oracle: the specification of /dev/iommu as judge of an implementation, one call after another.
//
// It holds the specification's state.  A legal answer moves that state; an illegal one does not,
// and is explained by the sentence that it breaks.  Not thread-safe.
#ifndef IOMMUCHECK_SPEC_IOMMUFD_ORACLE_H
#define IOMMUCHECK_SPEC_IOMMUFD_ORACLE_H

#include <memory>
#include <vector>

#include "spec/iommufd/call.h"
#include "spec/judgement.h"

namespace iommucheck::iommufd {

class Oracle {
 public:
  using Snapshot = std::vector<std::uint64_t>;

  /// The state before any call: the file is open and has no objects.
  explicit Oracle(const Bounds& bounds);
  Oracle(Oracle&&) noexcept;
  Oracle& operator=(Oracle&&) noexcept;
  ~Oracle();

  /// Moves the state if the answer is legal and the call keeps its contract.  Arguments have to be
  /// within the bounds.  Throws std::logic_error if an invariant of the specification breaks.
  Judgement judge(const Call& call, Err err);

  bool attached(unsigned device) const;

  Snapshot snapshot() const;
  void restore(const Snapshot& snapshot);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace iommucheck::iommufd

#endif  // IOMMUCHECK_SPEC_IOMMUFD_ORACLE_H
