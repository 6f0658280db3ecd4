// SPDX-License-Identifier: MIT
// The specification of IOASIDs as a model of the command line: its bounds, and building it.
#ifndef IOMMUCHECK_CLI_SPEC_MODEL_H
#define IOMMUCHECK_CLI_SPEC_MODEL_H

#include <memory>
#include <string>

#include "model/registry.h"

namespace iommucheck::cli {

/// "ioasid" or "spec/ioasid".
bool is_spec_model(const std::string& name);
const std::vector<model::BoundInfo>& spec_bounds();
/// Whose bounds they are, in messages.
inline constexpr const char* kSpecOwner = "the specification";
/// All bounds with their values.  Throws UsageError.
model::BoundValues complete_spec_bounds(const model::BoundValues& values);
std::unique_ptr<Machine<Concrete>> spec_concrete(const model::BoundValues& values);
/// While a TermArena is current.
std::unique_ptr<Machine<Symbolic>> spec_symbolic(const model::BoundValues& values);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_SPEC_MODEL_H
