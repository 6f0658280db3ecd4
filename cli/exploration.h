// SPDX-License-Identifier: MIT
// What check and verify share: exploring a subject, its scope, and the report as text and as JSON.
#ifndef IOMMUCHECK_CLI_EXPLORATION_H
#define IOMMUCHECK_CLI_EXPLORATION_H

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "checker/explicit/explicit.h"
#include "cli/trace.h"

namespace iommucheck::cli {

/// What a verdict is about: printed beside it, always.
nlohmann::ordered_json scope_to_json(const Subject& subject);
/// "threads 3, pasids 2, ...".
std::string print_bounds(const model::BoundValues& bounds);
std::string print_scope(const Subject& subject);

/// The sorts that `--symmetry LIST` names, or all of the model's.  Throws UsageError.
std::vector<std::string> parse_symmetry(const std::string& list, const Schema& schema);

/// Explores, with progress on the terminal if there is one.  Throws UsageError if the model is not
/// symmetric in the subject's sorts.
checker::Exploration explore_subject(const Subject& subject, checker::Options options);

/// The contract's object: verdict, scope, states, ..., coverage, trace.
nlohmann::ordered_json exploration_to_json(const Subject& subject,
                                           const checker::Exploration& result);
/// The same for people.  The steps never taken are named; a bug of the model is a step that should
/// have been.
std::string print_exploration(const Subject& subject, const checker::Exploration& result);

/// Throw TraceError.
void write_text(const std::string& file, std::string_view text);
void write_trace(const std::string& file, const nlohmann::ordered_json& trace);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_EXPLORATION_H
