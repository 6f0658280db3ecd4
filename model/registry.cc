// SPDX-License-Identifier: MIT
// The list of designs, and what is said of bounds and bugs that are not there.
#include "model/registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/ioasid/entries.h"
#include "model/reference/entries.h"

namespace iommucheck::model {

BoundValues DesignEntry::complete(const BoundValues& values) const {
  BoundValues all;
  for (const auto& b : bounds()) all[b.name] = b.standard;
  for (const auto& [bound, value] : values) {
    const auto info = std::find_if(bounds().begin(), bounds().end(),
                                   [&](const auto& b) { return b.name == bound; });
    if (info == bounds().end()) {
      std::string names;
      for (const auto& b : bounds())
        names += fmt::format("{}--{}", names.empty() ? "" : ", ", b.name);
      throw UsageError(fmt::format("{} has no bound --{}; it has {}", name(), bound, names));
    }
    if (value < info->min || value > info->max) {
      throw UsageError(fmt::format("--{} {} is out of range: {} takes {} to {}", bound, value,
                                   name(), info->min, info->max));
    }
    all[bound] = value;
  }
  return all;
}

const BugInfo& DesignEntry::bug(std::string_view bug_name) const {
  std::string names;
  for (const auto& b : bugs()) {
    if (b.name == bug_name) return b;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", b.name);
  }
  throw UsageError(fmt::format("{} has no bug '{}'; it has {}", name(), bug_name, names));
}

const std::vector<const DesignEntry*>& designs() {
  static const std::vector<const DesignEntry*> kDesigns{&ioasid_plain(), &ioasid_refcounted(),
                                                        &ioasid_sets(), &reference()};
  return kDesigns;
}

const DesignEntry& design(std::string_view name) {
  std::string names;
  for (const auto* d : designs()) {
    if (d->name() == name) return *d;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", d->name());
  }
  throw UsageError(fmt::format("there is no design '{}'; there are {}", name, names));
}

}  // namespace iommucheck::model
