// SPDX-License-Identifier: MIT
// Whether the specification explains what drivers and processes were answered that bind, unbind
// and end at the same time.
//
// The specification has calls that are a part of others: the first bind of a process gives it a
// PASID, even if it fails then; the last one to leave ends the process; its PASID goes back when
// nobody holds the struct any more, whoever was the last.
#ifndef IOMMUCHECK_CONFORMANCE_SVA_HISTORY_H
#define IOMMUCHECK_CONFORMANCE_SVA_HISTORY_H

#include <span>
#include <string>
#include <vector>

#include "conformance/linearize.h"
#include "spec/iommu/oracle.h"

namespace iommucheck::conformance {

/// Something that a call does at one instant.
struct SvaEffect {
  enum class Kind : std::uint8_t {
    bind,      ///< client, device, mm -> err; value: the PASID, 0: it was not told
    unbind,    ///< client: one of its bonds
    may_have,  ///< mm: it may get its PASID
    get,       ///< mm: one user more
    put,       ///< mm: one user less; the last one ends the process
    release,   ///< device: it is unplugged
  };
  Kind kind{};
  unsigned client = 0, device = 0, mm = 0;
  iommu::Err err = iommu::Err::ok;
  unsigned value = 0;
  bool nomem = false;  ///< an allocation failed, or the driver refused
};

struct SvaCall {
  CallTiming timing;
  std::string text;                ///< "bind0() = -EBUSY"
  std::vector<SvaEffect> effects;  ///< in their order; none: nothing that the specification knows
};

/// Who takes part.
struct SvaWorld {
  iommu::Bounds bounds;
  std::vector<unsigned> users;       ///< of each mm, at first
  std::vector<bool> held_elsewhere;  ///< of each mm: its struct stays
};

/// `setup` came before, one call after the other.  Throws std::invalid_argument if already that is
/// not legal.
Linearization linearize(const SvaWorld& world, std::span<const SvaCall> setup,
                        std::span<const SvaCall> calls);

}  // namespace iommucheck::conformance

#endif  // IOMMUCHECK_CONFORMANCE_SVA_HISTORY_H
