// SPDX-License-Identifier: MIT
// Oracle: the IOMMU specification as judge of an implementation, one call after another.
//
// It holds the specification's state.  A legal answer moves that state; an illegal one does not,
// and is explained by the sentence that it breaks.  Not thread-safe.
#ifndef IOMMUCHECK_SPEC_IOMMU_ORACLE_H
#define IOMMUCHECK_SPEC_IOMMU_ORACLE_H

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spec/iommu/bounds.h"
#include "spec/iommu/call.h"
#include "spec/judgement.h"

namespace iommucheck::iommu {

struct Call {
  CallKind kind{};
  Arguments<std::uint32_t> args{};
};
/// "iommu_sva_bind_device(client=0, bond=0, dev=1, mm=0)".
std::string print(const Call& call);

class Oracle {
 public:
  using Snapshot = std::vector<std::uint64_t>;

  /// The state before any call: every process runs, every group uses its default domain.
  explicit Oracle(const Bounds& bounds);
  Oracle(Oracle&&) noexcept;
  Oracle& operator=(Oracle&&) noexcept;
  ~Oracle();

  const Bounds& bounds() const;
  /// Moves the state if the answer is legal and the call keeps its contract.  Arguments have to be
  /// within the bounds.  Throws std::logic_error if an invariant of the specification breaks.
  Judgement judge(const Call& call, Err err, unsigned value);

  /// A bond of the client that is held (or not): none, if there is none.
  std::optional<unsigned> bond(unsigned client, bool held) const;

  Snapshot snapshot() const;
  void restore(const Snapshot& snapshot);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_ORACLE_H
