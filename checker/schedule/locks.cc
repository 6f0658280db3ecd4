// SPDX-License-Identifier: MIT
// The side table of locks.
#include "checker/schedule/locks.h"

namespace iommucheck::schedule {

Lock& Locks::at(std::uintptr_t address) {
  const auto [place, is_new] = index_.try_emplace(address, used_);
  if (is_new) {
    if (used_ == locks_.size()) locks_.emplace_back();
    locks_[used_] = Lock{};
    locks_[used_].address = address;
    ++used_;
  }
  return locks_[place->second];
}

void Locks::clear() {
  index_.clear();
  used_ = 0;
}

}  // namespace iommucheck::schedule
