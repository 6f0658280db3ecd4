// SPDX-License-Identifier: MIT
// Emitter: terms as statements of C, each node once per block.
#ifndef IOMMUCHECK_CHECKER_COMPILED_EMITTER_H
#define IOMMUCHECK_CHECKER_COMPILED_EMITTER_H

#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "checker/relation/relation.h"

namespace iommucheck::checker {

class Emitter {
 public:
  explicit Emitter(const Relation& relation);

  /// Declares what the terms need and is not declared in this block or around it.
  void declare(std::span<const Term> terms);
  /// The C expression of a term that was declared.
  std::string name(Term term) const;
  void line(const std::string& text);
  /// Opens a block: what is declared in it is forgotten where it closes.
  void open(const std::string& head);
  void close(const std::string& tail = "}");

  /// An input of a step that is a loop variable of the code.
  void loop_variable(Term input) { loops_.insert(input.node()->value); }

  const std::string& text() const { return text_; }

 private:
  std::string name(const TermNode* node) const;
  std::string expression(const TermNode& node) const;
  std::uint32_t largest(const TermNode& node) const;

  const Relation& relation_;
  std::unordered_map<std::uint32_t, std::uint32_t> fields_;  ///< of each state variable
  std::unordered_set<std::uint32_t> loops_;
  std::vector<std::unordered_set<const TermNode*>> declared_{1};
  mutable std::unordered_map<const TermNode*, std::uint32_t> largest_;
  std::string text_;
};

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_COMPILED_EMITTER_H
