// SPDX-License-Identifier: MIT
// What a command is about, from its arguments.
#include "cli/subject.h"

#include "cli/spec_model.h"

namespace iommucheck::cli {

SubjectArguments::SubjectArguments(Arguments& arguments) : arguments_(arguments) {
  subject_.model = arguments.word("the MODEL (iommucheck list names them)");
  spec_ = is_spec_model(subject_.model);
  if (spec_) subject_.model = "spec/ioasid";
  design_ = spec_ ? nullptr : &model::design(subject_.model);
  const auto bug = arguments.text("bug");
  if (bug && spec_) throw UsageError("a specification has no bugs");
  if (bug) subject_.bounds = design_->bug(*bug).bounds;
  subject_.bug = bug.value_or("");
  subject_.property =
      arguments.name("property", "the name of a property (iommucheck list names them)");
}

Subject SubjectArguments::finish(const std::string& options) {
  const auto given = spec_ ? arguments_.rest_as_bounds(spec_bounds(), kSpecOwner)
                           : arguments_.rest_as_bounds(design_->bounds(), design_->name());
  arguments_.finish(options);
  for (const auto& [name, value] : given) subject_.bounds[name] = value;
  subject_.bounds =
      spec_ ? complete_spec_bounds(subject_.bounds) : design_->complete(subject_.bounds);
  return subject_;
}

}  // namespace iommucheck::cli
