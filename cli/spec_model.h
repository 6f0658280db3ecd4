// SPDX-License-Identifier: MIT
// The specifications as models of the command line, beside the designs.
#ifndef IOMMUCHECK_CLI_SPEC_MODEL_H
#define IOMMUCHECK_CLI_SPEC_MODEL_H

#include <string_view>
#include <vector>

#include "model/registry.h"

namespace iommucheck::cli {

/// "spec/ioasid", "spec/iommu", "spec/iommufd": models without bugs, whose invariants `prove`
/// proves.
const std::vector<const model::DesignEntry*>& specifications();
/// The specification with this name, with or without "spec/"; null if there is none.
const model::DesignEntry* find_specification(std::string_view name);
/// The specification or design with this name.  Throws UsageError.
const model::DesignEntry& find_model(std::string_view name);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_SPEC_MODEL_H
