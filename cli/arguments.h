// SPDX-License-Identifier: MIT
// Arguments of a command: `--name value`, `--name=value`, flags, and words; nothing is ignored.
//
// Bounds differ from model to model, so the options of a command are not known before the model is:
// what nobody has asked for in the end is an error (finish()).
#ifndef IOMMUCHECK_CLI_ARGUMENTS_H
#define IOMMUCHECK_CLI_ARGUMENTS_H

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/registry.h"

namespace iommucheck::cli {

using model::UsageError;

class Arguments {
 public:
  /// `flags` take no value; every other option takes one.  Throws UsageError.
  Arguments(const std::vector<std::string>& words, const std::set<std::string>& flags);

  bool flag(const std::string& name);
  /// Option or flag, not asked for yet.
  bool has(const std::string& name) const {
    return options_.contains(name) || flags_.contains(name);
  }
  std::optional<std::string> text(const std::string& name);
  std::string text(const std::string& name, const std::string& otherwise);
  /// A whole number of min .. max.
  std::uint64_t number(const std::string& name, std::uint64_t otherwise, std::uint64_t min,
                       std::uint64_t max);
  /// "4096", "512M", "3G".
  std::uint64_t bytes(const std::string& name, std::uint64_t otherwise);
  /// The next word that is no option; `what` is what it should be.
  std::string word(const std::string& what);
  /// The same where an empty text means nothing: `what` is what it should be.
  std::string name(const std::string& option, const std::string& what);
  /// Every option that has not been asked for, as one of these bounds.  `owner` is whose they are.
  /// A bound of 0 to 1 is a switch: without a value it is 1.
  model::BoundValues rest_as_bounds(const std::vector<model::BoundInfo>& bounds,
                                    const std::string& owner);
  /// Throws UsageError if anything is left; `known` are the options that there are.
  void finish(const std::string& known) const;

 private:
  std::map<std::string, std::optional<std::string>> options_;  ///< null: given without a value
  std::set<std::string> flags_;
  std::vector<std::string> words_;
};

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_ARGUMENTS_H
