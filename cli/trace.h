// SPDX-License-Identifier: MIT
// A counterexample for people and for tools: text with CPU columns, and JSON in Apalache's ITF.
#ifndef IOMMUCHECK_CLI_TRACE_H
#define IOMMUCHECK_CLI_TRACE_H

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "checker/report.h"
#include "model/registry.h"

namespace iommucheck::cli {

using model::UsageError;

/// What a trace is a trace of: enough to build the machine again.
struct Subject {
  std::string model, bug, property;  ///< bug and property may be empty
  model::BoundValues bounds;
  /// Sorts whose permutations are not told apart; of the exploration, not of a trace.
  std::vector<std::string> symmetry = {};
  /// Fields that nothing reads and that are not told apart, if they are to be left out; the same.
  std::optional<std::vector<std::string>> sliced = std::nullopt;
};

/// The machine of a subject: a design, or a specification.  Throws UsageError.
std::unique_ptr<Machine<Concrete>> build_concrete(const Subject& subject);
std::unique_ptr<Machine<Symbolic>> build_symbolic(const Subject& subject);

/// The names of the processes, above their columns.
std::string print_columns(const Machine<Concrete>& machine);
/// Steps, the first of which has the number `first`: one line each, in the column of the CPU that
/// takes it, and below it what it changed.  `before` is the state before the first one.
std::string print_steps(const Machine<Concrete>& machine, std::size_t first, StateView before,
                        const std::vector<checker::PathStep>& steps);
/// A lockdep-like report: the steps, and what they violate.
std::string print_path(const Machine<Concrete>& machine, const checker::Path& path);

/// A trace in ITF; its `#meta` says what it is a trace of.  The property is the caller's to name.
nlohmann::ordered_json trace_to_json(const Subject& subject, const Machine<Concrete>& machine,
                                     const checker::PackedState& initial,
                                     const std::vector<checker::PathStep>& steps);
nlohmann::ordered_json path_to_json(const Subject& subject, const Machine<Concrete>& machine,
                                    const checker::Path& path);

/// A trace that is not one: the message says where.
class TraceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
Subject subject_of(const nlohmann::json& trace);
/// The states and steps of a trace, whatever it violates.
checker::Path steps_from_json(const Machine<Concrete>& machine, const nlohmann::json& trace);
checker::Path path_from_json(const Machine<Concrete>& machine, const nlohmann::json& trace);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_TRACE_H
