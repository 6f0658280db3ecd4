// SPDX-License-Identifier: MIT
// Names of operations, and which of them depend on each other.
#include "checker/schedule/operation.h"

#include <array>

namespace iommucheck::schedule {

std::string_view name(Kind kind) {
  constexpr std::array<std::string_view, 20> kNames{"start",
                                                    "read",
                                                    "write",
                                                    "acquire",
                                                    "acquire_shared",
                                                    "try_acquire",
                                                    "try_acquire_shared",
                                                    "release",
                                                    "release_shared",
                                                    "reader_begin",
                                                    "reader_end",
                                                    "grace_begin",
                                                    "grace_end",
                                                    "choose",
                                                    "sleep",
                                                    "await",
                                                    "yield",
                                                    "join",
                                                    "prepare",
                                                    "wake"};
  return kNames.at(static_cast<std::size_t>(kind));
}

namespace {

/// A yield is a read of all that it waits for.
bool reads(const Operation& yield, const Operation& write) {
  if (yield.kind != Kind::yield || write.kind != Kind::write) return false;
  for (std::uintptr_t at = granule(write.object); at <= granule(write.object + write.size - 1);
       ++at) {
    if ((yield.object & yield_bit(at)) != 0) return true;
  }
  return false;
}

}  // namespace

bool dependent(const Operation& a, const Operation& b) {
  if (is_memory(a.kind) && is_memory(b.kind)) {
    if (a.kind == Kind::read && b.kind == Kind::read) return false;
    return granule(a.object) <= granule(b.object + b.size - 1) &&
           granule(b.object) <= granule(a.object + a.size - 1);
  }
  if (is_lock(a.kind) && is_lock(b.kind)) {
    return a.object == b.object && !(is_shared(a.kind) && is_shared(b.kind));
  }
  if (is_wake(a.kind) && is_wake(b.kind)) return a.object == b.object;
  if (reads(a, b) || reads(b, a)) return true;
  return (a.kind == Kind::reader_begin && b.kind == Kind::grace_begin) ||
         (a.kind == Kind::grace_begin && b.kind == Kind::reader_begin);
}

}  // namespace iommucheck::schedule
