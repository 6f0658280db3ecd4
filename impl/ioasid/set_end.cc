// SPDX-License-Identifier: MIT
// The last put_set(): all ids of the set go, for whoever looks, at one instant.
//
// They are many words, and there is no operation on all of them.  So each id is frozen first: its
// references and its state stay what they are.  Then the word of the set goes to `dying`, which is
// the instant: a frozen id of a dying set is gone (or free pending, if there are references),
// whoever looks at it.  Then one after the other really goes.  Who wants to change a frozen id
// waits, who looks at one looks at the set, too, and no id comes to the set meanwhile
// (SetWord::ending).
#include <thread>

#include "impl/ioasid/allocator.h"
#include "impl/ioasid/race_window.h"

namespace iommucheck::ioasid::impl {

std::errc Allocator::put_set(Set set) {
  SetObject* object = sets_.resolve(set);
  if (object == nullptr) return std::errc::invalid_argument;
  for (;;) {
    enum class Found : std::uint8_t { not_live, ending, dropped, last } found{};
    object->update([&](SetWord& word) {
      found = word.state != SetState::live ? Found::not_live
              : word.ending                ? Found::ending
              : word.references > 1        ? Found::dropped
                                           : Found::last;
      --word.references;
      if (found == Found::last) word.references = 1, word.ending = true;
      return found == Found::dropped || found == Found::last;
    });
    if (found == Found::not_live) return std::errc::invalid_argument;
    if (found == Found::dropped) return {};
    if (found == Found::last) break;
    std::this_thread::yield();
  }
  if (end_set(*object, set)) {
    sweep(*object, set);
    unreserve(*object);
  }
  return {};
}

/// The word is `ending`, by us.  False: somebody took a reference, and ours is dropped.
bool Allocator::end_set(SetObject& object, Set set) noexcept {
  for (;;) {
    // Read first.  No id comes any more: if what we find is as many, no allocation is halfway that
    // we could have missed.
    const std::uint32_t ids = object.now().ids;
    if (freeze(object, set) == ids) break;
    std::this_thread::yield();
  }
  race_window();
  const bool ended = object.update([](SetWord& word) {
    if (word.references != 1) return false;
    // And our hold: the set must not go away while we walk through its ids.
    word = {SetState::dying, word.ids + 1, word.quota, 0};
    return true;
  });
  if (ended) return true;
  for_each_id(object, set, [](Record& record, const Record::View& view) {
    static_cast<void>(record.thaw(view.control));
  });
  object.update([](SetWord& word) {
    --word.references;
    word.ending = false;
    return true;
  });
  return false;
}

/// How many ids are frozen, or free pending.
std::uint32_t Allocator::freeze(SetObject& object, Set set) noexcept {
  std::uint32_t ids = 0;
  for_each_id(object, set, [&](Record& record, const Record::View& view) {
    ids += record.freeze(view.control) ? 1 : 0;
  });
  return ids;
}

void Allocator::sweep(SetObject& object, Set set) {
  for (Ioasid id = object.lowest.load(), last = object.highest.load(); id <= last; ++id)
    static_cast<void>(drop(set, id, Drop::owner_by_sweep));
  // Told when none is frozen: who is told may take or drop references on any id.
  for_each_id(object, set, [&](Record& record, const Record::View& view) {
    if (record.thaw(view.control))
      notify_free(static_cast<Ioasid>(&record - records_.data()), view);
  });
}

Record::View Allocator::look_at_frozen(Ioasid id, Record::View view) const noexcept {
  while (control::is_frozen(view.control)) {
    const SetObject& object = sets_.held(view.set);
    // Live now, so it was when we saw the id; if it is this set still, and not the object's next.
    if (object.now().state == SetState::live && sets_.resolve(view.set) == &object) return view;
    const Record::View again = records_[id].view();
    // Frozen still, by the end that we have seen.
    if (again.control == view.control) {
      if ((view.control & control::kReferences) == 0) return {};
      return {again.control | control::kPending, again.set, again.data};
    }
    view = again;
  }
  return view;
}

Result<void*> Allocator::find_frozen(Set set, Ioasid id) const noexcept {
  return found(set, look(id));
}

bool Allocator::has_ids(const SetObject& object) const noexcept {
  const Set set{object.index, object.generation.load(std::memory_order_relaxed)};
  for (Ioasid id = object.lowest.load(), last = object.highest.load(); id <= last; ++id) {
    const Record::View view = look(id);
    if ((view.control & control::kAlive) != 0 && view.set == set) return true;
  }
  return false;
}

}  // namespace iommucheck::ioasid::impl
