// SPDX-License-Identifier: MIT
// The designs that iommucheck knows: their bounds, their properties, their bugs, and how to build
// one.
#ifndef IOMMUCHECK_MODEL_REGISTRY_H
#define IOMMUCHECK_MODEL_REGISTRY_H

#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/machine.h"

namespace iommucheck::model {

/// A number that the user chooses: `--threads N`.
struct BoundInfo {
  std::string name;
  unsigned min, max, standard;
  std::string sentence;
  std::vector<std::string> words = {};  ///< for the values, where numbers say nothing
};

/// Bounds by name.  A name that is not there has its standard value.
using BoundValues = std::map<std::string, unsigned>;

/// The bound `memory` of designs with StoreBuffers (model/kernel/store_buffers.h).
BoundInfo memory_bound();
/// How many stores of a CPU may be pending at once: part of the scope.  `check_stores` throws
/// UsageError where the memory has none that wait.
BoundInfo stores_bound(unsigned standard);
void check_stores(const BoundValues& values, unsigned standard);
/// In words, the memory that a model with these bounds is checked under.
std::string memory_of(const BoundValues& values);

/// A named change of a design.
struct BugInfo {
  std::string name;
  std::string kind;      ///< its class: "isolation", "grace period", "lock", ...
  std::string source;    ///< where the kernel had it, or "mutant"
  std::string sentence;  ///< what is changed
  std::string property;  ///< the property that it violates
  BoundValues bounds;    ///< the smallest bounds that show it, beside the standard ones
};

/// A bound out of range, a bound or bug that is not there: the message names the legal values.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The bound of this name.  `owner` is whose bounds they are, for messages.  Throws UsageError.
const BoundInfo& find_bound(const std::vector<BoundInfo>& bounds, std::string_view owner,
                            std::string_view name);
/// What is said of a value (as the user wrote it) that a bound cannot have.
UsageError out_of_range(const BoundInfo& bound, std::string_view owner, std::string_view value);
/// All bounds with their values: those given, else the standard ones.  Throws UsageError.
BoundValues complete_bounds(const std::vector<BoundInfo>& bounds, std::string_view owner,
                            const BoundValues& values);

class DesignEntry {
 public:
  virtual ~DesignEntry() = default;
  virtual const std::string& name() const = 0;
  virtual const std::string& sentence() const = 0;
  virtual const std::string& source() const = 0;
  virtual const std::vector<BoundInfo>& bounds() const = 0;
  virtual const std::vector<BugInfo>& bugs() const = 0;

  /// All bounds with their values.  Throws UsageError.
  BoundValues complete(const BoundValues& values) const;
  const BugInfo& bug(std::string_view name) const;

  /// The machine of the design, with the bug if one is named.  Throws UsageError.
  virtual std::unique_ptr<Machine<Concrete>> concrete(const BoundValues& values,
                                                      const std::string& bug) const = 0;
  /// While a TermArena is current.
  virtual std::unique_ptr<Machine<Symbolic>> symbolic(const BoundValues& values,
                                                      const std::string& bug) const = 0;
};

/// In the order in which they are listed.
const std::vector<const DesignEntry*>& designs();
/// Throws UsageError with the names there are.
const DesignEntry& design(std::string_view name);

/// One bug of design class `Model`: an edit that works in every domain.
template <template <class> class Model>
struct Bug {
  template <class Edit>
  Bug(BugInfo bug_info, Edit edit) : info(std::move(bug_info)), concrete(edit), symbolic(edit) {}
  BugInfo info;
  std::function<void(Model<Concrete>&)> concrete;
  std::function<void(Model<Symbolic>&)> symbolic;
};

/// A design class Model<D>, constructed from `Bounds`, as an entry.
template <template <class> class Model, class Bounds>
class TypedDesign : public DesignEntry {
 public:
  using ToBounds = std::function<Bounds(const BoundValues&)>;
  TypedDesign(std::string name, std::string sentence, std::string source,
              std::vector<BoundInfo> bounds, ToBounds to_bounds, std::vector<Bug<Model>> bugs)
      : name_(std::move(name)),
        sentence_(std::move(sentence)),
        source_(std::move(source)),
        bounds_(std::move(bounds)),
        to_bounds_(std::move(to_bounds)),
        bugs_(std::move(bugs)) {
    for (const auto& b : bugs_) infos_.push_back(b.info);
  }
  const std::string& name() const override { return name_; }
  const std::string& sentence() const override { return sentence_; }
  const std::string& source() const override { return source_; }
  const std::vector<BoundInfo>& bounds() const override { return bounds_; }
  const std::vector<BugInfo>& bugs() const override { return infos_; }

  std::unique_ptr<Machine<Concrete>> concrete(const BoundValues& values,
                                              const std::string& bug_name) const override {
    return build<Concrete>(values, bug_name, [](const Bug<Model>& b) { return b.concrete; });
  }
  std::unique_ptr<Machine<Symbolic>> symbolic(const BoundValues& values,
                                              const std::string& bug_name) const override {
    return build<Symbolic>(values, bug_name, [](const Bug<Model>& b) { return b.symbolic; });
  }

 private:
  template <class D, class Edit>
  std::unique_ptr<Machine<D>> build(const BoundValues& values, const std::string& bug_name,
                                    Edit edit) const {
    auto machine = std::make_unique<Model<D>>(to_bounds_(complete(values)));
    if (!bug_name.empty()) {
      static_cast<void>(bug(bug_name));
      for (const auto& b : bugs_) {
        if (b.info.name == bug_name) apply(b.info, *machine, edit(b));
      }
    }
    machine->complete();
    return machine;
  }

  /// A mistake in the entry of a bug names the bug.
  template <class Machine, class Edit>
  void apply(const BugInfo& info, Machine& machine, const Edit& edit) const {
    try {
      edit(machine);
    } catch (const std::logic_error& error) {
      throw std::logic_error(name_ + ", bug " + info.name + ": " + error.what());
    }
  }

  std::string name_, sentence_, source_;
  std::vector<BoundInfo> bounds_;
  ToBounds to_bounds_;
  std::vector<Bug<Model>> bugs_;
  std::vector<BugInfo> infos_;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_REGISTRY_H
