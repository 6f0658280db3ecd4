// SPDX-License-Identifier: MIT
// Liveness on the command line: what check --liveness does and says.
#ifndef IOMMUCHECK_CLI_LONG_RUN_H
#define IOMMUCHECK_CLI_LONG_RUN_H

#include <nlohmann/json.hpp>
#include <string>

#include "checker/explicit/explicit.h"
#include "cli/lasso.h"

namespace iommucheck::cli {

/// Whether the model of the subject has a liveness property with this name.
bool is_liveness(const Subject& subject, const std::string& property);

checker::LivenessResult check_in_the_long_run(const Subject& subject,
                                              const checker::LivenessOptions& options);

/// What the verdict is about, beside the scope of safety: the fairness assumed, the properties.
nlohmann::ordered_json liveness_scope_to_json(const Subject& subject, checker::Assume assume);
/// One row for each property.
nlohmann::ordered_json answers_to_json(const Subject& subject,
                                       const checker::LivenessResult& result);
/// The first lasso, or null.
const checker::Lasso* first_lasso(const checker::LivenessResult& result);
/// The fairness assumed, the properties with their verdicts, and the first lasso.
std::string print_liveness(const Subject& subject, const checker::LivenessResult& result,
                           checker::Assume assume);

/// An answer as the command line gives it.
struct LongRunReport {
  int code = 0;
  nlohmann::ordered_json object;
  std::string text;
};
/// Safety first, where all properties are asked for: what is not safe is not judged in the long
/// run. Both engines have to count the same states.
LongRunReport report_in_the_long_run(const Subject& subject, const checker::Options& options,
                                     checker::Assume assume);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_LONG_RUN_H
