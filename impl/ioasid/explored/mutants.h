// SPDX-License-Identifier: MIT
// Which atomic operations of our allocator are needed, as far as scenarios show: each one in turn
// writes nothing, or is relaxed, and the scenarios that execute it have to notice.
#ifndef IOMMUCHECK_IMPL_IOASID_EXPLORED_MUTANTS_H
#define IOMMUCHECK_IMPL_IOASID_EXPLORED_MUTANTS_H

#include <span>
#include <string>
#include <vector>

#include "impl/ioasid/explored/explorer.h"

namespace iommucheck::ioasid::explored {

/// Where an operation is in the allocator's source.
struct Place {
  /// "FreeMap::open in Allocator::alloc": the innermost function, and the one that is called; a
  /// number where addr2line knows nothing.
  std::string function;
  std::string file;  ///< "free_map.cc"
  unsigned line = 0;
};
/// By addr2line, which binutils has; `pcs` are addresses in the running program.
std::vector<Place> places_of(std::span<const std::uintptr_t> pcs);

enum class Change : std::uint8_t {
  dropped,  ///< what writes writes nothing, and says that it did
  relaxed,  ///< its memory order
};

struct Mutant {
  Change change{};
  AtomicSite site;
  Place place;
  std::string noticed_by;  ///< "publish: data race"; empty: it survives
  /// A scenario that could not be explored with it, and why: no verdict on the mutant.
  std::string broke_off;
};

/// Tries all mutants of what these scenarios execute, one after the other.  `limits`: of each
/// exploration of one scenario; what passes them counts as not noticed.
std::vector<Mutant> try_mutants(std::span<const Scenario> scenarios, Change change,
                                const schedule::Limits& limits);

}  // namespace iommucheck::ioasid::explored

#endif  // IOMMUCHECK_IMPL_IOASID_EXPLORED_MUTANTS_H
