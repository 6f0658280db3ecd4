// SPDX-License-Identifier: MIT
// What a command is about, from its arguments.
#include "cli/subject.h"

#include "cli/spec_model.h"

namespace iommucheck::cli {

SubjectArguments::SubjectArguments(Arguments& arguments)
    : arguments_(arguments),
      model_(&find_model(arguments.word("the MODEL (iommucheck list names them)"))) {
  subject_.model = model_->name();
  const auto bug = arguments.text("bug");
  if (bug && find_specification(subject_.model) != nullptr)
    throw UsageError("a specification has no bugs");
  if (bug) subject_.bounds = model_->bug(*bug).bounds;
  subject_.bug = bug.value_or("");
  subject_.property =
      arguments.name("property", "the name of a property (iommucheck list names them)");
}

Subject SubjectArguments::finish(const std::string& options) {
  const auto given = arguments_.rest_as_bounds(model_->bounds(), model_->name());
  arguments_.finish(options);
  for (const auto& [name, value] : given) subject_.bounds[name] = value;
  subject_.bounds = model_->complete(subject_.bounds);
  return subject_;
}

}  // namespace iommucheck::cli
