// SPDX-License-Identifier: MIT
// What the parts of a scheduled runner share: the kernel side's facts, and what a target gives.
//
// A scheduled runner is a program made of kernel objects, a target's calls and the engine.  It is
// linked on the user's machine; everything in this folder is compiled with us and goes along as an
// archive.
#ifndef IOMMUCHECK_IMPL_LINUX_SCHEDULED_PROGRAM_H
#define IOMMUCHECK_IMPL_LINUX_SCHEDULED_PROGRAM_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

extern "C" {
#include "impl/linux/glue/harness.h"
}

namespace iommucheck::linux_harness::scheduled {

/// Executes one call of a request, in the target's own words, for a thread (0: the set-up); gives
/// what it answered.  The words are the same in the request and in the history.
using Executor = std::string (*)(const std::string& call, unsigned thread);
/// Of a target whose calls have arguments; registers itself before main().  Others have a table of
/// functions (glue/target.h).
struct RegisteredExecutor {
  explicit RegisteredExecutor(Executor registered);
};

/// Memory allocations of the running call: 0: none fails; 1: every one; n + 1: only the nth.
void fail_allocations(unsigned which);
/// Every allocation may fail: both answers are tried.
void choose_failures(bool on);
/// Whether an allocation failed since fail_allocations() was called.
bool allocation_failed();

/// How many threads the scenario has.  The engine's numbers behind theirs are actors'.
unsigned scenario_threads();

/// Memory of ours that each execution finds as it was: registers itself before main().
struct Restored {
  Restored(void* begin, std::size_t size);
};
/// An address that the check of leaks does not take for one: what is only noted there is leaked.
inline std::uintptr_t hidden(const void* pointer) {
  return ~reinterpret_cast<std::uintptr_t>(pointer);
}
struct Span {
  void* begin;
  std::size_t size;
};
const std::vector<Span>& restored();

/// Addresses inside the calls that -fsanitize-coverage=trace-pc put at the start of the basic
/// blocks of the file under test, as far as they have run, and the lines of marks that have
/// (impl/linux/mutants.h: below all addresses); ascending.
std::vector<std::uintptr_t> covered_blocks();
/// Pairs of them: the second has run behind the first, in one call of a function.  Ascending.
std::vector<std::pair<std::uintptr_t, std::uintptr_t>> followed_blocks();

/// Makes what is not modelled a trap, and faults reports of the running thread.
void watch_faults();

}  // namespace iommucheck::linux_harness::scheduled

#endif  // IOMMUCHECK_IMPL_LINUX_SCHEDULED_PROGRAM_H
