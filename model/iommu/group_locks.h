// SPDX-License-Identifier: MIT
// group->mutex, and for_each_group_device() as a cursor in the locals of a call.
#ifndef IOMMUCHECK_MODEL_IOMMU_GROUP_LOCKS_H
#define IOMMUCHECK_MODEL_IOMMU_GROUP_LOCKS_H

#include <deque>

#include "model/kernel/cpu.h"

namespace iommucheck::model {

/// Base: a LockstepDesign whose locals have `dev`, which names the group, and the cursor `device`.
template <class D, class Base>
class GroupLocks : public Base {
 public:
  using Base::b, Base::layout, Base::local;
  using typename Base::B, typename Base::T, typename Base::V;

  template <class... Args>
  explicit GroupLocks(const Args&... args) : Base(args...) {
    for (unsigned g = 0; g < layout.group_count(); ++g)
      mutex_.emplace_back(*this, fmt::format("group[{}].mutex", g));
  }

  void lock_group(T& t) {
    const V g = this->group_of(local(t).dev);
    for (unsigned i = 0; i < layout.group_count(); ++i) t.when(g == i, [&] { t.lock(mutex_[i]); });
  }
  void unlock_group(T& t) {
    const V g = this->group_of(local(t).dev);
    for (unsigned i = 0; i < layout.group_count(); ++i)
      t.when(g == i, [&] { t.unlock(mutex_[i]); });
  }
  B holds_group(T& t) {
    return any_of<D>(layout.group_count(), [&](unsigned i) { return mutex_[i].held_by(t.self()); });
  }
  B group_is_locked(unsigned g) const { return mutex_[g].holder != 0U; }

  /// The cursor goes to the first device of the group of l.dev.
  void first_device(T& t) {
    auto&& l = local(t);
    const V first = this->group_of(l.dev);  // device g is the first one of group g
    l.device = this->comes_and_goes() ? listed_from(first, first) : first;
  }
  /// ... to the next one; `more` if there is one, else `none`.
  template <class F, class G>
  void next_device(T& t, F more, G none) {
    auto&& l = local(t);
    const V next = this->comes_and_goes() ? listed_from(this->group_of(l.dev), l.device + 1U)
                                          : l.device + layout.group_count();
    t.when(
        next < b.devices,
        [&] {
          l.device = next;
          more();
        },
        none);
  }
  /// ... back to the one before; `more` if there is one.
  template <class F>
  void previous_device(T& t, F more) {
    auto&& l = local(t);
    const V group = this->group_of(l.dev);
    if (this->comes_and_goes()) {
      const V previous = listed_before(group, l.device, b.devices);
      t.when(previous != b.devices, [&] {
        l.device = previous;
        more();
      });
      return;
    }
    t.when(l.device != group, [&] {
      l.device -= layout.group_count();
      more();
    });
  }
  /// A group has several devices.
  bool shared_groups() const { return layout.group_count() < b.devices; }

 private:
  B is_listed(V group, unsigned d) const {
    return group == layout.group_of(d) && this->listed(V(d));
  }
  /// The first device of the group that is listed, from this one on; b.devices if there is none.
  V listed_from(V group, V from, unsigned d = 0) const {
    if (d == b.devices) return V(d);
    return select(from <= d && is_listed(group, d), V(d), listed_from(group, from, d + 1));
  }
  /// The last one before this one.
  V listed_before(V group, V before, unsigned left) const {
    if (left == 0) return V(b.devices);
    const unsigned d = left - 1;
    return select(before > d && is_listed(group, d), V(d), listed_before(group, before, d));
  }

  std::deque<Mutex<D>> mutex_;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_GROUP_LOCKS_H
