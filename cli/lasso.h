// SPDX-License-Identifier: MIT
// A lasso for people and for tools: text with CPU columns, and JSON in Apalache's ITF.
#ifndef IOMMUCHECK_CLI_LASSO_H
#define IOMMUCHECK_CLI_LASSO_H

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "checker/liveness/liveness.h"
#include "cli/trace.h"

namespace iommucheck::cli {

/// "none", "weak" or "strong".  Throws UsageError.
checker::Assume to_assume(const std::string& word);

/// "10 steps, and then 3 steps again and again".
std::string print_lengths(const checker::Lasso& lasso);
/// The stem, "the cycle repeats from here", the cycle, what does not happen, and why that is fair.
std::string print_lasso(Machine<Concrete>& machine, const checker::Lasso& lasso);

/// ITF with `loop`: the number of the state that the last state is again.
nlohmann::ordered_json lasso_to_json(const Subject& subject, const Machine<Concrete>& machine,
                                     const checker::Lasso& lasso);
/// Whether a trace is a lasso.
bool has_loop(const nlohmann::json& trace);
/// Throws TraceError.
checker::Lasso lasso_from_json(const Machine<Concrete>& machine, const nlohmann::json& trace);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_LASSO_H
