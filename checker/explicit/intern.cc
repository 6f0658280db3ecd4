// SPDX-License-Identifier: MIT
// The set of interned strings.
#include "checker/explicit/intern.h"

#include <mutex>
#include <set>
#include <string>

namespace iommucheck::checker::explicit_state {

const char* intern(const char* text) {
  // Never destroyed: results may be read by other static objects' destructors.  Set nodes stay put.
  static auto& texts = *new std::set<std::string, std::less<>>;
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  return texts.emplace(text).first->c_str();
}

}  // namespace iommucheck::checker::explicit_state
