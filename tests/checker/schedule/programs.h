// SPDX-License-Identifier: MIT
// Programs of a few threads, compiled as kernel code is: their accesses tell the engine.
#ifndef IOMMUCHECK_TESTS_CHECKER_SCHEDULE_PROGRAMS_H
#define IOMMUCHECK_TESTS_CHECKER_SCHEDULE_PROGRAMS_H

#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "checker/schedule/engine.h"

namespace iommucheck::schedule::programs {

/// By name; throws std::out_of_range.  See programs_*.cc.
Program program(const std::string& name);
std::vector<std::string> names();

/// For a file of programs: what it has adds itself here before main().
struct Registration {
  Registration(const char* name, void (*setup)(), std::vector<void (*)(void*)> threads,
               void (*finish)() = nullptr);
};

/// The same for the programs of the detectors, with the kinds of report that they end in: all of
/// them, and no other.
struct Expecting {
  Expecting(const char* name, std::set<std::string> kinds, std::vector<void (*)(void*)> threads,
            void (*setup)() = nullptr, void (*finish)() = nullptr);
};
struct Expectation {
  std::string name;
  std::set<std::string> kinds;
  friend void PrintTo(const Expectation& expected, std::ostream* out) { *out << expected.name; }
};
std::vector<Expectation> expectations();

/// The memory that programs share: zero at the start of each execution.
struct Shared {
  volatile int words[64];  ///< each access is a scheduling point
  int plain[64];           ///< unless it races, none is
  char locks[8][64];
  void* volatile pointers[8];
  int* plain_pointers[8];
};
extern Shared shared;

}  // namespace iommucheck::schedule::programs

#endif  // IOMMUCHECK_TESTS_CHECKER_SCHEDULE_PROGRAMS_H
