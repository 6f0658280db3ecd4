// SPDX-License-Identifier: MIT
// Counting the ids of a set against its quota, and proving that an allocation has to fail.
//
// An id that is being allocated or freed is for a moment neither alive nor free: its bit is taken,
// its place in the quota too, but find() does not know it.  A failure that is due to such ids only
// would contradict what other calls have answered.  So before alloc fails it looks for an instant
// that justifies it, and waits for who is halfway otherwise.  The instant is found by looking
// twice: generations only grow, so two equal sums mean that nothing ended or began in between.
#include <thread>

#include "impl/ioasid/allocator.h"

namespace iommucheck::ioasid::impl {

std::errc Allocator::admits(const SetObject& object) noexcept {
  const SetWord word = object.now();
  if (word.state == SetState::gone) return std::errc::invalid_argument;
  if (word.state == SetState::dying) return std::errc::operation_canceled;
  return word.ids < word.quota ? std::errc{} : std::errc::no_buffer_space;
}

bool Allocator::reserve(SetObject& object, Set set) noexcept {
  const bool done = object.update([](SetWord& word) {
    if (word.state != SetState::live || word.ending || word.ids >= word.quota) return false;
    ++word.ids;
    return true;
  });
  if (!done) return false;
  // With an id of ours counted the set cannot go away, so that now the handle can be checked for
  // good: between resolve() and here it may have ended and its object become another set.
  if (sets_.resolve(set) == &object) return true;
  unreserve(object);
  return false;
}

void Allocator::unreserve(SetObject& object) noexcept {
  std::uint32_t quota = 0;
  bool gone = false;
  object.update([&](SetWord& word) {
    quota = word.quota;
    --word.ids;
    gone = word.state == SetState::dying && word.ids == 0;
    if (gone) word = SetWord{};
    return true;
  });
  if (!gone) return;
  chains_.clear(object.chain);
  sets_.recycle(object, quota);
}

bool Allocator::all_alive(Ioasid first, Ioasid last) const noexcept {
  std::uint64_t before = 0;
  for (unsigned look = 0; look < 2; ++look) {
    std::uint64_t generations = 0;
    for (Ioasid id = first; id <= last; ++id) {
      const std::uint64_t word = records_[id].control().load();
      if ((word & control::kAlive) == 0 || control::is_frozen(word)) return false;
      generations += word / control::kOneGeneration;
    }
    if (look == 1) return generations == before;
    before = generations;
  }
  return false;
}

bool Allocator::really_full(const SetObject& object, Set set) const noexcept {
  const Ioasid first = object.lowest.load();
  const Ioasid last = object.highest.load();
  if (first > last) return false;  // the only reservations are halfway
  if (last - first >= kExactIds) return true;
  std::uint64_t before = 0;
  for (unsigned look = 0; look < 2; ++look) {
    std::uint64_t generations = 0;
    std::uint32_t ids = 0;
    for (Ioasid id = first; id <= last; ++id) {
      const Record::View view = records_[id].view();
      if ((view.control & control::kAlive) == 0 || view.set != set) continue;
      ++ids;
      generations += view.control / control::kOneGeneration;
    }
    if (ids < object.now().quota) return false;
    if (look == 1) return generations == before;
    before = generations;
  }
  return false;
}

}  // namespace iommucheck::ioasid::impl
