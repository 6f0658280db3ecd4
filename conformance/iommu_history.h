// SPDX-License-Identifier: MIT
// Whether the specification of domains explains what several threads were answered.
//
// Some calls of the kernel are several of the specification's, and some of the specification's are
// a part of others: the first bind of a process gives it a PASID, even if it fails then; the last
// one to leave ends the process; its PASID goes back when nobody holds the struct any more, whoever
// was the last.
#ifndef IOMMUCHECK_CONFORMANCE_IOMMU_HISTORY_H
#define IOMMUCHECK_CONFORMANCE_IOMMU_HISTORY_H

#include <span>
#include <string>
#include <vector>

#include "conformance/linearize.h"
#include "spec/iommu/oracle.h"

namespace iommucheck::conformance {

/// Something that a call does at one instant.
struct IommuEffect {
  enum class Kind : std::uint8_t {
    call,      ///< `call` of the specification
    may_have,  ///< mm: it may get its PASID
    get,       ///< mm: one user more
    put,       ///< mm: one user less; the last one ends the process
  };
  Kind kind = Kind::call;
  /// Not fork(), exit(), nor calls about a process's PASID or pages.  A bind() takes one of the
  /// client's bonds that is free, an unbind() one that is held.
  iommu::CallKind call{};
  unsigned client = 0, device = 0, mm = 0;
  unsigned pasid = 0;  ///< of an attach_pasid() or a detach_pasid()
  /// A domain, by a number of the history's own from 1 on: that of the domain_alloc() that gave it.
  unsigned domain = 0;
  iommu::Err err = iommu::Err::ok;
  unsigned value = 0;  ///< of a bind(): the PASID; 0: it was not told
  bool nomem = false;  ///< an allocation failed, or the driver refused
};

struct IommuCall {
  CallTiming timing;
  std::string text;                  ///< "bind0() = -EBUSY"
  std::vector<IommuEffect> effects;  ///< in their order; none: nothing that the specification knows
};

/// Who takes part.
struct IommuWorld {
  iommu::Bounds bounds;
  std::vector<unsigned> users = {};       ///< of each mm, at first
  std::vector<bool> held_elsewhere = {};  ///< of each mm: its struct stays
  /// The clients see to it that no call breaks its contract: an order in which one does is none.
  /// Else nothing is promised from there on.
  bool keeps_contracts = false;
};

/// `setup` came before, one call after the other.  Throws std::invalid_argument if already that is
/// not legal.
Linearization linearize(const IommuWorld& world, std::span<const IommuCall> setup,
                        std::span<const IommuCall> calls);

}  // namespace iommucheck::conformance

#endif  // IOMMUCHECK_CONFORMANCE_IOMMU_HISTORY_H
