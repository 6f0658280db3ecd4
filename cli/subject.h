// SPDX-License-Identifier: MIT
// SubjectArguments: MODEL, --bug, --property and the bounds of a command that explores a model.
#ifndef IOMMUCHECK_CLI_SUBJECT_H
#define IOMMUCHECK_CLI_SUBJECT_H

#include "cli/arguments.h"
#include "cli/trace.h"

namespace iommucheck::cli {

/// Reads the arguments in two goes, as bounds are whatever is left in the end.
class SubjectArguments {
 public:
  /// Takes MODEL, --bug and --property.  Throws UsageError.
  explicit SubjectArguments(Arguments& arguments);

  /// Takes the rest as bounds; `options` are those that the command has.  A bug is looked for
  /// within the bounds that show it, unless others are given.  Throws UsageError.
  Subject finish(const std::string& options);

 private:
  Arguments& arguments_;
  Subject subject_;
  const model::DesignEntry* model_;
};

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_SUBJECT_H
