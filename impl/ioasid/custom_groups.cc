// SPDX-License-Identifier: MIT
// Adding to and removing from the groups of custom allocators.
#include "impl/ioasid/custom_groups.h"

#include <algorithm>

namespace iommucheck::ioasid::impl {
namespace {

bool same_functions(const CustomOps& a, const CustomOps& b) {
  return a.alloc == b.alloc && a.free == b.free;
}

}  // namespace

bool CustomGroups::contains(const CustomOps* ops) const noexcept {
  return std::ranges::any_of(
      groups_, [&](const Group& group) { return std::ranges::find(group, ops) != group.end(); });
}

void CustomGroups::add(const CustomOps* ops) {
  const auto group = std::ranges::find_if(
      groups_, [&](const Group& candidate) { return same_functions(*candidate.front(), *ops); });
  if (group != groups_.end()) {
    group->push_back(ops);
    return;
  }
  // Built apart: a group without members must never be seen, not even after bad_alloc.
  Group fresh{groups_.get_allocator().resource()};
  fresh.push_back(ops);
  groups_.push_back(std::move(fresh));
}

CustomGroups::Removed CustomGroups::remove(const CustomOps* ops) noexcept {
  for (auto group = groups_.begin(); group != groups_.end(); ++group) {
    const auto member = std::ranges::find(*group, ops);
    if (member == group->end()) continue;
    group->erase(member);
    if (!group->empty()) return Removed::member;
    const bool first = group == groups_.begin();
    groups_.erase(group);
    return first ? Removed::active_group : Removed::group;
  }
  return Removed::none;
}

}  // namespace iommucheck::ioasid::impl
