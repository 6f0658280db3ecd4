// SPDX-License-Identifier: MIT
// Names of operations, and which of them depend on each other.
#include "checker/schedule/operation.h"

#include <algorithm>
#include <array>
#include <map>

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

struct GranuleSets {
  std::map<std::vector<std::uintptr_t>, std::uintptr_t> numbers;
  std::vector<const std::vector<std::uintptr_t>*> by_number;
};

GranuleSets& granule_sets() {
  static GranuleSets all;
  return all;
}

/// A yield is a read of all that it waits for.
bool reads(const Operation& yield, const Operation& write) {
  if (yield.kind != Kind::yield || write.kind != Kind::write) return false;
  const std::vector<std::uintptr_t>& waited_for = *granule_sets().by_number[yield.object];
  const auto first = std::ranges::lower_bound(waited_for, granule(write.object));
  return first != waited_for.end() && *first <= granule(write.object + write.size - 1);
}

}  // namespace

std::uintptr_t number_of_granules(const std::vector<std::uintptr_t>& ascending) {
  GranuleSets& sets = granule_sets();
  const auto [place, is_new] = sets.numbers.emplace(ascending, sets.by_number.size());
  if (is_new) sets.by_number.push_back(&place->first);
  return place->second;
}

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
