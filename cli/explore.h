// SPDX-License-Identifier: MIT
// Our own allocator's code under every schedule of its written scenarios.
#ifndef IOMMUCHECK_CLI_EXPLORE_H
#define IOMMUCHECK_CLI_EXPLORE_H

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "checker/report.h"

namespace iommucheck::cli {

/// As `explore ioasid` prints it; nothing in a build with a sanitizer.
struct AllocatorRun {
  checker::Verdict verdict{};
  std::string text;
};
std::optional<AllocatorRun> explore_allocator(nlohmann::ordered_json& object);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_EXPLORE_H
