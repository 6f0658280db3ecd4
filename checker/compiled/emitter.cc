// SPDX-License-Identifier: MIT
// Terms as C: fields are read from the words w0, w1, ... of the state at hand.
#include "checker/compiled/emitter.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "checker/relation/cone.h"

namespace iommucheck::checker {

namespace {

bool is_constant_node(const TermNode& node) {
  return node.op == Op::word_const || node.op == Op::bit_const;
}

}  // namespace

Emitter::Emitter(const Relation& relation) : relation_(relation) {
  const auto& state = relation.state();
  for (std::uint32_t f = 0; f < state.size(); ++f) {
    if (state[f].node()->op == Op::word_var) fields_[state[f].node()->value] = f;
  }
}

void Emitter::declare(std::span<const Term> terms) {
  const auto known = [this](const TermNode& node) {
    return std::any_of(declared_.begin(), declared_.end(),
                       [&](const auto& block) { return block.contains(&node); });
  };
  for (const TermNode* node : cone(terms, known)) {
    if (is_constant_node(*node)) continue;
    const bool loop = node->op == Op::word_var && loops_.contains(node->value);
    if (!loop) line(fmt::format("const unsigned t{} = {};", node->number, expression(*node)));
    declared_.back().insert(node);
  }
}

std::string Emitter::name(Term term) const {
  return term.node() == nullptr ? "0" : name(term.node());
}

std::string Emitter::name(const TermNode* node) const {
  return is_constant_node(*node) ? fmt::format("{}u", node->value)
                                 : fmt::format("t{}", node->number);
}

void Emitter::line(const std::string& text) {
  text_.append(declared_.size(), ' ');
  text_ += text;
  text_ += '\n';
}

void Emitter::open(const std::string& head) {
  line(head);
  declared_.emplace_back();
}

void Emitter::close(const std::string& tail) {
  declared_.pop_back();
  line(tail);
}

std::uint32_t Emitter::largest(const TermNode& node) const {
  if (const auto found = largest_.find(&node); found != largest_.end()) return found->second;
  const std::uint32_t value = largest_value(
      node, relation_.variables(), [this](const TermNode& operand) { return largest(operand); });
  return largest_[&node] = value;
}

std::string Emitter::expression(const TermNode& node) const {
  const auto a = [&] { return name(node.a); };
  const auto b = [&] { return name(node.b); };
  const auto c = [&] { return name(node.c); };
  switch (node.op) {
    case Op::word_var: {
      const auto field = fields_.find(node.value);
      if (field == fields_.end()) throw std::logic_error("an input that nobody chooses");
      const FieldInfo& info = relation_.schema().fields()[field->second];
      return fmt::format("(unsigned)(w{} >> {}) & {:#x}u", info.word, info.shift,
                         (1ULL << info.width) - 1);
    }
    case Op::add: {
      // Words of the other domains have 16 bits.
      const bool wraps = largest(*node.a) + largest(*node.b) > 0xffff;
      return wraps ? fmt::format("({} + {}) & 0xffffu", a(), b())
                   : fmt::format("{} + {}", a(), b());
    }
    case Op::sub: return fmt::format("({} - {}) & 0xffffu", a(), b());
    case Op::band: return fmt::format("{} & {}", a(), b());
    case Op::bor: return fmt::format("{} | {}", a(), b());
    case Op::eq:
    case Op::same: return fmt::format("{} == {}", a(), b());
    case Op::less: return fmt::format("{} < {}", a(), b());
    case Op::both: return fmt::format("{} & {}", a(), b());
    case Op::either: return fmt::format("{} | {}", a(), b());
    case Op::negate: return fmt::format("{} ^ 1u", a());
    case Op::word_ite:
    case Op::bit_ite: return fmt::format("{} ? {} : {}", a(), b(), c());
    case Op::word_const:
    case Op::bit_const: break;
  }
  throw std::logic_error("a constant is written where it is used");
}

}  // namespace iommucheck::checker
