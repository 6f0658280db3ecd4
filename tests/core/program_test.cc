// SPDX-License-Identifier: MIT
// Random small programs mean the same in both domains: the same successors, the same failures.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <memory>
#include <set>

#include "core/machine.h"

namespace iommucheck {
namespace {

/// An expression of numbers, or a condition: which operator, which operands.
struct Node {
  unsigned op = 0;
  std::uint32_t number = 0;
  std::vector<Node> children;
};
/// A statement; `blocks` are the branches of a when().
struct Statement {
  unsigned op = 0;
  std::vector<Node> operands;
  std::vector<std::vector<Statement>> blocks;
};
using Program = std::vector<Statement>;

constexpr unsigned kElements = 3;
constexpr std::uint32_t kMask = 7;  // the range of all variables

/// Programs either stay in their ranges and may have requirements, or may leave their ranges and
/// have no requirements: what a step does after a failure does not count, but whether it is
/// enabled does.
class ProgramMaker {
 public:
  explicit ProgramMaker(bool safe) : safe_(safe) {}

  std::vector<Statement> block(int depth) {
    std::vector<Statement> result(below(4) + 1);
    for (auto& s : result) s = statement(depth);
    return result;
  }

 private:
  static unsigned below(unsigned n) { return *rc::gen::resize(100, rc::gen::inRange(0U, n)); }

  Node number(int depth) {
    const unsigned op = depth == 0 ? below(3) : below(9);
    if (op == 7 && choices_ >= 3) return number(depth - 1);
    choices_ += op == 7 ? 1U : 0U;
    Node node{op, below(9), {}};
    const std::size_t operands = op < 2 || op == 7 ? 0 : op == 2 ? 0 : op == 8 ? 1 : 2;
    for (std::size_t i = 0; i < operands; ++i) node.children.push_back(number(depth - 1));
    if (op == 6) node.children.push_back(condition(depth - 1));
    return node;
  }
  Node condition(int depth) {
    const unsigned op = depth <= 0 ? below(3) : below(6);
    Node node{op, 0, {}};
    if (op < 2) node.children = {number(depth > 0 ? depth - 1 : 0), number(0)};
    if (op >= 3) node.children = {condition(depth - 1), condition(depth - 1)};
    return node;
  }
  Statement statement(int depth) {
    const unsigned op = depth == 0 ? below(4) : below(7);
    Statement s{op, {}, {}};
    if (op >= 5 && !safe_) return statement(depth);
    s.operands = {number(2), number(1), condition(2)};
    if (op == 4) s.blocks = {block(depth - 1), block(depth - 1)};
    return s;
  }

  bool safe_;
  unsigned choices_ = 0;
};

template <class D>
struct Variables : Record<D> {
  explicit Variables(Scope<D> scope)
      : Record<D>(scope), x(*this, "x", kMask), f(*this, "f"), at(*this, "at", kElements, kMask) {}
  Var<D> x;
  Flag<D> f;
  Array<D, Var<D>> at;
};

/// Runs a program over a domain.
template <class D>
class Interpreter {
 public:
  Interpreter(Machine<D>& machine, PropertyId property, bool safe)
      : c_(machine.context), v_(machine.root()), property_(property), safe_(safe) {}

  void run(const Program& program) {
    local_ = std::make_unique<Local<D>>(c_, 0);
    block(program);
  }

 private:
  using V = Val<D>;
  using B = Bool<D>;

  void block(const std::vector<Statement>& statements) {
    for (const Statement& s : statements) execute(s);
  }
  V in_range(V value) const { return safe_ ? value & kMask : value; }
  V index(V value) const { return safe_ ? value & 1U : value; }

  V number(const Node& n) {
    switch (n.op) {
      case 0: return n.number;
      case 1: return v_.x;
      case 2: return *local_;
      case 3: return number(n.children[0]) + number(n.children[1]);
      case 4: return number(n.children[0]) - number(n.children[1]);
      case 5: return number(n.children[0]) | number(n.children[1]);
      case 6: {
        const V a = number(n.children[0]);
        const V b = number(n.children[1]);
        return select(condition(n.children[2]), a, b);
      }
      case 7: return c_.choose(1 + n.number % 3);
      default: return v_.at[index(number(n.children[0]))];
    }
  }
  B condition(const Node& n) {
    switch (n.op) {
      case 0: {
        const V a = number(n.children[0]);
        return a == number(n.children[1]);
      }
      case 1: {
        const V a = number(n.children[0]);
        return a < number(n.children[1]);
      }
      case 2: return v_.f;
      case 3: {
        const B a = condition(n.children[0]);
        return a && condition(n.children[1]);
      }
      case 4: {
        const B a = condition(n.children[0]);
        return a || condition(n.children[1]);
      }
      default: return !condition(n.children[0]);
    }
  }
  void execute(const Statement& s) {
    switch (s.op) {
      case 0: v_.x = in_range(number(s.operands[0])); break;
      case 1: *local_ = number(s.operands[0]); break;
      case 2: v_.f = condition(s.operands[2]); break;
      case 3: {
        const V i = index(number(s.operands[1]));
        const V value = in_range(number(s.operands[0]));
        v_.at[i] = value;
        break;
      }
      case 4:
        c_.when(
            condition(s.operands[2]), [&] { block(s.blocks[0]); }, [&] { block(s.blocks[1]); });
        break;
      case 5: c_.require(condition(s.operands[2]), "required"); break;
      default: c_.fail_unless(condition(s.operands[2]), property_, "failed"); break;
    }
  }

  Context<D>& c_;
  Variables<D> v_;
  PropertyId property_;
  bool safe_;
  std::unique_ptr<Local<D>> local_;
};

/// Outcomes of a step from one state: the successors; an empty one stands for failure.
using Outcomes = std::set<std::vector<std::uint32_t>>;

Outcomes concretely(const Program& program, const std::vector<std::uint32_t>& state, bool safe) {
  Machine<Concrete> machine;
  const PropertyId property = machine.property("p", "P.");
  Interpreter<Concrete> interpreter{machine, property, safe};
  auto& context = machine.context;
  Outcomes outcomes;
  context.begin_choices();
  do {
    context.words.fill(0);
    std::ranges::copy(machine.schema.pack(state), context.words.begin());
    context.begin_step();
    interpreter.run(program);
    if (!context.enabled()) continue;
    outcomes.insert(context.failed() ? std::vector<std::uint32_t>{}
                                     : machine.schema.unpack(detail::buffer(machine)));
  } while (context.next_choices());
  return outcomes;
}

Outcomes symbolically(const Program& program, const std::vector<std::uint32_t>& state, bool safe) {
  TermArena arena;
  Machine<Symbolic> machine;
  const PropertyId property = machine.property("p", "P.");
  Interpreter<Symbolic> interpreter{machine, property, safe};
  auto& context = machine.context;
  for (auto& word : context.state) word = arena.variable("field", kMask);
  context.begin_step();
  interpreter.run(program);
  std::vector<std::uint32_t> values = state;  // variables in their order: fields, then inputs
  values.resize(arena.variables().size());
  Outcomes outcomes;
  for (bool more = true; more;) {
    if (evaluate(context.enabled(), values) != 0) {
      const bool failed = std::ranges::any_of(context.faults(), [&](const auto& fault) {
        return evaluate(fault.condition, values) != 0;
      });
      std::vector<std::uint32_t> next;
      for (const Term& word : context.state) {
        if (!failed) next.push_back(evaluate(word, values));
      }
      outcomes.insert(next);
    }
    more = false;
    for (std::size_t i = state.size(); i < values.size() && !more; ++i) {
      more = values[i]++ < arena.variables()[i].max;
      if (!more) values[i] = 0;
    }
  }
  return outcomes;
}

void compare(bool safe) {
  const Program program = ProgramMaker{safe}.block(2);
  const auto at = [](std::uint32_t max) { return *rc::gen::inRange<std::uint32_t>(0, max + 1); };
  const std::vector<std::uint32_t> state{at(kMask), at(1), at(kMask), at(kMask), at(kMask)};
  const Outcomes outcomes = concretely(program, state, safe);
  RC_CLASSIFY(outcomes.empty(), "not enabled");
  RC_CLASSIFY(outcomes.contains({}), "can fail");
  RC_CLASSIFY(outcomes.size() > 1, "several outcomes");
  RC_ASSERT(outcomes == symbolically(program, state, safe));
}

RC_GTEST_PROP(Programs, WithRequirementsMeanTheSame, ()) { compare(true); }
RC_GTEST_PROP(Programs, LeavingTheirRangesMeanTheSame, ()) { compare(false); }

}  // namespace
}  // namespace iommucheck
