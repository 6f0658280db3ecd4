// SPDX-License-Identifier: MIT
// Functions of a kernel tree, and where in them a statement stands that somebody names in words.
//
// Nothing is parsed: a definition begins in the first column and ends with a brace there, as the
// kernel's style has it.
#ifndef IOMMUCHECK_IMPL_LINUX_SOURCE_FUNCTIONS_H
#define IOMMUCHECK_IMPL_LINUX_SOURCE_FUNCTIONS_H

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "impl/linux/tree.h"

namespace iommucheck::linux_harness {

struct SourceFunction {
  std::string file;               ///< "drivers/iommu/iommu.c"
  unsigned line = 0;              ///< of its name
  std::vector<std::string> body;  ///< line by line, from its name on
};

class SourceFunctions {
 public:
  /// Reads these files of the tree, those that it has; of functions with one name the first.
  SourceFunctions(const SourceTree& tree, const std::vector<std::string>& files);

  /// Null: none of the files defines it.
  const SourceFunction* find(const std::string& name) const;

 private:
  void read(const std::string& file, const std::string& text);

  std::map<std::string, SourceFunction> all_;
};

/// How well a place fits a label.
enum class Match : std::uint8_t {
  statement,  ///< the line has the text of the label, or of one of its statements
  called,     ///< the line calls a function that the label names
  named,      ///< the line has the most names of the label's, two at least
  function,   ///< only the function is known
};
std::string_view name(Match match);  ///< "statement", ...

struct Place {
  unsigned line = 0;
  Match match = Match::function;
};
/// Where the statement of `label` stands in the function: behind line `after`, if it is there, too.
Place find_statement(const SourceFunction& function, const std::string& label, unsigned after = 0);

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_SOURCE_FUNCTIONS_H
