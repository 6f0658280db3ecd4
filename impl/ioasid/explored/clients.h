// SPDX-License-Identifier: MIT
// The clients of an allocator under the controlled scheduler: what their calls mean, in plain data.
//
// clients.cc is compiled with the allocator's own sources, with the compiler's thread
// instrumentation, and becomes one object with nothing visible but these functions
// (CMakeLists.txt).  So no inline function of it is shared with code that is not instrumented.
#ifndef IOMMUCHECK_IMPL_IOASID_EXPLORED_CLIENTS_H
#define IOMMUCHECK_IMPL_IOASID_EXPLORED_CLIENTS_H

#include <cstddef>

#include "spec/ioasid/call.h"

namespace iommucheck::ioasid::explored {

/// The largest numbers that calls may use; a client is a thread, number 0 the first.
inline constexpr unsigned kMaxIds = 64, kMaxSets = 4, kMaxData = 4, kMaxClients = 4, kMaxOps = 3,
                          kMaxSpids = 4;

struct World {
  unsigned ids = 4;
  unsigned sets = 2;
  /// Sets are there from the start, with room for all ids; else alloc_set makes them.
  bool static_sets = true;
  unsigned capacity = kMaxIds;  ///< without static sets
};

}  // namespace iommucheck::ioasid::explored

extern "C" {

/// A new allocator and its world.
void ioasid_clients_start(const iommucheck::ioasid::explored::World* world);
/// Gives the calling thread what its first reader section would have to allocate.
void ioasid_clients_attach();
/// One call, by a thread of the engine's or the set-up.  What `take` means beyond the
/// specification: with set_data, detach_data, free and put, the number of the private data that the
/// caller frees when it may: behind the call, for free and put behind a grace period (of put, if it
/// answers 1).  With `callback` of free and put it does not wait but defers.
void ioasid_clients_call(const iommucheck::ioasid::Call* call,
                         iommucheck::ioasid::Outcome* outcome);
/// The allocator goes; runs when all threads have ended.
void ioasid_clients_finish();

/// Static data that each execution has to find as it was.
struct ioasid_clients_region {
  void* begin;
  std::size_t size;
};
/// The regions, as many as there are up to `most`; how many there are.
unsigned ioasid_clients_data(ioasid_clients_region* regions, unsigned most);
}

#endif  // IOMMUCHECK_IMPL_IOASID_EXPLORED_CLIENTS_H
