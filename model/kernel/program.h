// SPDX-License-Identifier: MIT
// Program: a kernel function as labelled atomic steps, and the edits that make a bug of it.
//
//   auto& p = program("ioasid_free");
//   const auto exit_unlock = p.label();
//   p.step("spin_lock(&ioasid_allocator_lock)", [this](auto& t) { t.lock(ioasid_allocator_lock);
//   }); p.step("ioasid_data = xa_load(...)", [=, this](auto& t) { ... t.jump(exit_unlock); });
//   p.place(exit_unlock);
//   p.step("spin_unlock(&ioasid_allocator_lock)", [this](auto& t) {
//   t.unlock(ioasid_allocator_lock); });
//
// A step goes on to the next one; the last one returns.  A bug is an edit: drop, swap, replace or
// insert by label.  An edit that names a label that is not there throws: a bug that changes nothing
// would be a lie.
#ifndef IOMMUCHECK_MODEL_KERNEL_PROGRAM_H
#define IOMMUCHECK_MODEL_KERNEL_PROGRAM_H

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace iommucheck::model {

template <class D>
class Cpu;

/// A place in a program; its program counter is known when the design is complete.
class Label {
 public:
  std::uint32_t pc() const { return *pc_; }

 private:
  template <class D>
  friend class Program;
  std::shared_ptr<std::uint32_t> pc_ = std::make_shared<std::uint32_t>(0);
};

template <class D>
class Program {
 public:
  using Action = std::function<void(Cpu<D>&)>;

  explicit Program(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }

  /// Runs together with the first step, before it: the caller chooses the arguments.
  void arguments(Action action) { arguments_ = std::move(action); }
  const Action& arguments() const { return arguments_; }

  void step(std::string label, Action action) {
    steps_.push_back({std::move(label), std::move(action), std::move(pending_labels_), function_});
    pending_labels_.clear();
  }
  /// The steps that `body` adds are those of another function, which is inlined here.  A function
  /// that is called twice gets a name for each call: "f (new domain)".
  template <class F>
  void call(const std::string& function, F body) {
    const std::string outer = function_;
    function_ = outer.empty() ? function : outer + " > " + function;
    body();
    function_ = outer;
  }
  /// One step more before the first one; jumps to that go where they went.
  void begin_with(std::string label, Action action) {
    steps_.insert(steps_.begin(), Step{std::move(label), std::move(action), {}, ""});
  }
  Label label() { return {}; }
  /// The label marks the next step.
  void place(Label label) { pending_labels_.push_back(std::move(label)); }

  /// Forgets the steps, for others that take their place; the arguments stay.
  void begin_anew() { steps_.clear(); }
  /// The step with this label (or that alone begins so), for jumps of an edit.
  Label label_at(const std::string& label) {
    Label at;
    steps_[find(label)].labels.push_back(at);
    return at;
  }

  // Edits.  A label may be given by its beginning, as long as it is the only one that begins so.
  void drop(const std::string& label) { drop_at(find(label)); }
  void swap(const std::string& first, const std::string& second) {
    const std::size_t a = find(first);
    const std::size_t b = find(second);
    std::swap(steps_[a].label, steps_[b].label);
    std::swap(steps_[a].action, steps_[b].action);
  }
  // performance-unnecessary-value-param does not see moves that depend on D.
  // NOLINTNEXTLINE(performance-unnecessary-value-param)
  void replace(const std::string& label, std::string new_label, Action action) {
    Step& s = steps_[find(label)];
    s.label = std::move(new_label);
    s.action = std::move(action);
  }
  void insert_before(const std::string& label, std::string new_label, Action action) {
    insert_before_at(find(label), std::move(new_label), std::move(action));
  }
  void insert_after(const std::string& label, std::string new_label, Action action) {
    insert_after_at(find(label), std::move(new_label), std::move(action));
  }

  // The same for every step with exactly this label: a function may be inlined more than once.
  // They give the number of steps that were changed.
  std::size_t drop_all(const std::string& label) {
    return each(label, [&](std::size_t i) { drop_at(i); });
  }
  std::size_t replace_all(const std::string& label, const std::string& new_label,
                          const Action& action) {
    return each(label, [&](std::size_t i) {
      steps_[i].label = new_label;
      steps_[i].action = action;
    });
  }
  std::size_t insert_before_all(const std::string& label, const std::string& new_label,
                                const Action& action) {
    return each(label, [&](std::size_t i) { insert_before_at(i, new_label, action); });
  }
  std::size_t insert_after_all(const std::string& label, const std::string& new_label,
                               const Action& action) {
    return each(label, [&](std::size_t i) { insert_after_at(i, new_label, action); });
  }

  /// Every spin_lock() and spin_unlock() of the program is left out.  (A mutex is taken out by
  /// drop() and replace(): others depend on what is done under it.)
  void without_locks() {
    const bool any = std::any_of(steps_.begin(), steps_.end(), [](const Step& step) {
      return step.label.find("spin_unlock(") != std::string::npos;
    });
    if (!any) throw std::logic_error(name_ + ": without_locks(), and there is no spin_unlock()");
    lockless_ = true;
    for (std::size_t i = steps_.size(); i-- > 0;) {
      std::string& label = steps_[i].label;
      if (label.compare(0, 10, "spin_lock(") == 0) {
        drop(label);
        continue;
      }
      const std::size_t at = label.find("spin_unlock(");
      if (at != std::string::npos) {
        const std::size_t end = label.find(')', at);
        label.replace(at, end - at + 1, "(no lock)");
      }
    }
  }
  bool lockless() const { return lockless_; }
  /// Another text for a step whose action stays.
  // NOLINTNEXTLINE(performance-unnecessary-value-param)
  void relabel(const std::string& label, std::string new_label) {
    steps_[find(label)].label = std::move(new_label);
  }

  struct Step {
    std::string label;
    Action action;
    std::vector<Label> labels;
    std::string function;  ///< of an inlined function: its name, behind those of its callers
  };
  const std::vector<Step>& steps() const { return steps_; }
  /// Numbers the steps: the i-th has program counter first + i.
  void number_from(std::uint32_t first) {
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      for (const Label& l : steps_[i].labels) *l.pc_ = first + static_cast<std::uint32_t>(i);
    }
  }

 private:
  std::size_t find(const std::string& label) const {
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i].label == label) return i;
    }
    std::size_t found = steps_.size();
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i].label.compare(0, label.size(), label) != 0) continue;
      if (found != steps_.size())
        throw std::logic_error(name_ + ": two steps begin with '" + label + "'");
      found = i;
    }
    if (found == steps_.size())
      throw std::logic_error(name_ + ": no step begins with '" + label + "'; its steps are" +
                             labels());
    return found;
  }
  std::string labels() const {
    std::string all;
    for (const Step& step : steps_) all += "\n  " + step.label;
    return all;
  }
  /// From the last one to the first, so that the numbers of those to come stay right.
  template <class F>
  std::size_t each(const std::string& label, F edit) {
    std::size_t found = 0;
    for (std::size_t i = steps_.size(); i-- > 0;) {
      if (steps_[i].label != label) continue;
      edit(i);
      ++found;
    }
    return found;
  }
  void drop_at(std::size_t i) {
    if (i + 1 < steps_.size()) move_labels(i, i + 1);
    if (i + 1 == steps_.size() && !steps_[i].labels.empty()) {
      throw std::logic_error(name_ + ": the last step is a jump target: replace it instead");
    }
    steps_.erase(steps_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  void insert_before_at(std::size_t i, std::string new_label, Action action) {
    Step s{std::move(new_label), std::move(action), std::move(steps_[i].labels),
           steps_[i].function};
    steps_[i].labels.clear();
    steps_.insert(steps_.begin() + static_cast<std::ptrdiff_t>(i), std::move(s));
  }
  void insert_after_at(std::size_t i, std::string new_label, Action action) {
    steps_.insert(steps_.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                  Step{std::move(new_label), std::move(action), {}, steps_[i].function});
  }
  void move_labels(std::size_t from, std::size_t to) {
    auto& target = steps_[to].labels;
    target.insert(target.end(), steps_[from].labels.begin(), steps_[from].labels.end());
    steps_[from].labels.clear();
  }

  std::string name_;
  Action arguments_;
  bool lockless_ = false;
  std::vector<Step> steps_;
  std::vector<Label> pending_labels_;
  std::string function_;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_KERNEL_PROGRAM_H
