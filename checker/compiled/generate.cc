// SPDX-License-Identifier: MIT
// One switch per process over its program counter, one block per step and choice.
#include "checker/compiled/generate.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>

#include "checker/compiled/emitter.h"
#include "checker/relation/cone.h"
#include "checker/relation/substitute.h"

namespace iommucheck::checker {

namespace {

/// A step with its program counter, and perhaps its choices, as constants.
struct Rule {
  const Transition* step = nullptr;
  Term enabled, faulty, waits_on;
  std::vector<Term> next;
  std::vector<Term> loops;  ///< inputs that the code counts through
};

/// What a process does at one program counter.
struct Place {
  std::uint32_t pc = 0;
  std::vector<Rule> rules;
};

/// More combinations of choices than this become loops.
constexpr std::uint64_t kMostUnrolled = 64;
/// A rule with less to compute is computed without asking whether it is enabled: a branch that is
/// predicted wrongly costs more.
constexpr std::size_t kCheap = 14;

std::optional<std::uint32_t> constant(Term t) {
  const TermNode* node = t.node();
  if (node == nullptr) return 0;
  if (node->op == Op::word_const || node->op == Op::bit_const) return node->value;
  return std::nullopt;
}

class Generator {
 public:
  explicit Generator(const Relation& relation)
      : relation_(relation), schema_(relation.schema()), out_(relation) {}

  Generated run() {
    collect();
    out_.line("#include <stdint.h>");
    out_.open("uint32_t iommucheck_expand(const uint64_t *s, uint64_t *next, uint32_t *step) {");
    for (unsigned w = 0; w < schema_.words(); ++w)
      out_.line(fmt::format("const uint64_t w{0} = s[{0}];", w));
    out_.line("uint32_t n = 0, look = 0;");
    invariants();
    hoist();
    for (const auto& [process, places] : processes_) {
      room_ += largest_place(places);
      write(process, places);
    }
    deadlocks();
    out_.line("return n | look << 31;");
    out_.close();
    return {out_.text(), room_};
  }

 private:
  using Places = std::map<std::uint32_t, Place>;

  /// The program counter's field, where the process has one.
  std::optional<std::uint32_t> pc_field(std::uint16_t process) const {
    const Term pc = relation_.program_counters()[process];
    if (pc.node() == nullptr) return std::nullopt;
    for (std::uint32_t f = 0; f < relation_.state().size(); ++f) {
      if (identical(relation_.state()[f], pc)) return f;
    }
    throw std::logic_error("a program counter is no field of the state");
  }

  void collect() {
    for (const Transition& t : relation_.transitions()) {
      const std::uint16_t p = t.action.process;
      Places& places = processes_[p];
      const auto field = pc_field(p);
      if (!field) {
        add(places[0], t, {});
        continue;
      }
      pc_[p] = *field;
      const Term variable = relation_.state()[*field];
      const std::uint32_t max = schema_.fields()[*field].max;
      for (const std::uint32_t pc : {std::uint32_t{0}, t.action.step + 1U}) {
        if (pc > max || (pc == 0 && !t.entry)) continue;
        Place& place = places[pc];
        place.pc = pc;
        add(place, t, {{variable, pc}});
      }
    }
  }

  using Constants = std::vector<std::pair<Term, std::uint32_t>>;

  void add(Place& place, const Transition& t, const Constants& known) {
    std::vector<Term> unrolled, loops;
    std::uint64_t combinations = 1;
    for (const Term input : t.inputs) {
      const std::uint64_t n = limit(input);
      if (combinations * n <= kMostUnrolled) {
        combinations *= n;
        unrolled.push_back(input);
      } else {
        loops.push_back(input);
      }
    }
    for (std::uint64_t i = 0; i < combinations; ++i) {
      Constants constants = known;
      std::uint64_t rest = i;
      for (const Term input : unrolled) {
        constants.emplace_back(input, static_cast<std::uint32_t>(rest % limit(input)));
        rest /= limit(input);
      }
      add_rule(place, t, constants, loops);
    }
  }

  void add_rule(Place& place, const Transition& t, const Constants& constants,
                const std::vector<Term>& loops) {
    Substitution substitute;
    for (const auto& [variable, value] : constants) substitute.set(variable, value);
    Rule rule;
    rule.step = &t;
    rule.enabled = substitute(t.enabled);
    // At its first step a process does not wait: it can still choose not to make the call.
    rule.waits_on = t.entry ? Term{} : substitute(t.waits_on);
    if (constant(rule.enabled) == 0 && constant(rule.waits_on) == 0) return;
    rule.faulty = substitute(t.faulty);
    for (std::size_t f = 0; f < t.next.size(); ++f) {
      rule.next.push_back(identical(t.next[f], relation_.state()[f]) ? t.next[f]
                                                                     : substitute(t.next[f]));
    }
    for (const auto& [variable, value] : constants) {
      for (std::size_t f = 0; f < rule.next.size(); ++f) {
        // What is known here and stays so is not written again.
        const bool same =
            identical(variable, relation_.state()[f]) && constant(rule.next[f]) == value;
        if (same) rule.next[f] = variable;
      }
    }
    rule.loops = loops;
    place.rules.push_back(std::move(rule));
  }

  std::uint32_t limit(Term input) const {
    return relation_.variables().variables()[input.node()->value].max + 1;
  }

  void invariants() {
    Term all = Symbolic::bit(true);
    for (const Invariant& i : relation_.invariants()) all = Symbolic::both(all, i.holds);
    if (is_constant(all, true)) return;
    out_.declare(std::span{&all, 1});
    out_.line(fmt::format("look |= {} ^ 1u;", out_.name(all)));
  }

  /// Declares, before all processes, the conditions that several idle ones have in common.
  void hoist() {
    std::map<const TermNode*, unsigned> users;
    for (const auto& [process, places] : processes_) {
      std::vector<Term> guards;
      const auto idle = places.find(0);
      if (idle == places.end()) continue;
      for (const Rule& rule : idle->second.rules) guards.push_back(rule.enabled);
      for (const TermNode* node : cone(guards)) {
        if (is_bit(*node) && node->op != Op::bit_const) ++users[node];
      }
    }
    std::map<std::uint32_t, Term> shared;  // in the order of creation
    for (const auto& [node, count] : users) {
      if (count > 1) shared.emplace(node->number, Term{node});
    }
    for (const auto& [number, term] : shared) out_.declare(std::span{&term, 1});
  }

  /// The most successors that a process can have.
  std::uint32_t largest_place(const Places& places) const {
    constexpr std::uint64_t kMost = 1U << 16;
    std::uint64_t largest = 0;
    for (const auto& [pc, place] : places) {
      std::uint64_t here = 0;
      for (const Rule& rule : place.rules) {
        std::uint64_t successors = 1;
        for (const Term input : rule.loops) successors *= limit(input);
        here += successors;
      }
      largest = std::max(largest, here);
    }
    if (largest > kMost)
      throw std::length_error("a state has too many successors for code to be written for them");
    return static_cast<std::uint32_t>(largest);
  }

  void write(std::uint16_t process, const Places& places) {
    const bool waits = deadlock();
    if (waits) out_.line(fmt::format("uint32_t waits{} = 0;", process));
    out_.line(fmt::format("const uint32_t before{} = n;", process));
    if (!pc_.contains(process)) {
      for (const auto& [pc, place] : places) write(process, place);
    } else {
      const std::array pc{relation_.state()[pc_.at(process)]};
      out_.declare(pc);
      out_.open(fmt::format("switch ({}) {{", out_.name(pc[0])));
      for (const auto& [number, place] : places) {
        out_.open(fmt::format("case {}: {{", number));
        write(process, place);
        out_.line("break;");
        out_.close();
      }
      out_.close();
    }
    if (waits) out_.line(fmt::format("if (n != before{0}) waits{0} = 0;", process));
  }

  void write(std::uint16_t process, const Place& place) {
    for (const Rule& rule : place.rules) {
      for (const Term input : rule.loops) {
        out_.loop_variable(input);
        out_.open(fmt::format("for (unsigned t{0} = 0; t{0} < {1}; ++t{0}) {{",
                              input.node()->number, limit(input)));
        out_.declare(std::span{&input, 1});
      }
      write(process, rule);
      for (std::size_t i = 0; i < rule.loops.size(); ++i) out_.close();
    }
  }

  void write(std::uint16_t process, const Rule& rule) {
    if (deadlock() && constant(rule.waits_on) != 0) {
      const std::array both{rule.enabled, rule.waits_on};
      out_.declare(both);
      out_.line(fmt::format("waits{} |= {} ? 0 : {};", process, out_.name(rule.enabled),
                            out_.name(rule.waits_on)));
    }
    if (constant(rule.enabled) == 0) return;
    const bool always = constant(rule.enabled) == 1;
    out_.open("{");
    out_.declare(std::span{&rule.enabled, 1});
    const bool cheap = !always && cost(rule) <= kCheap;
    if (!always && !cheap) out_.open(fmt::format("if ({}) {{", out_.name(rule.enabled)));
    if (constant(rule.faulty) != 0) {
      out_.declare(std::span{&rule.faulty, 1});
      out_.line(
          cheap ? fmt::format("look |= {} & {};", out_.name(rule.enabled), out_.name(rule.faulty))
                : fmt::format("look |= {};", out_.name(rule.faulty)));
    }
    store(rule);
    out_.line(cheap ? fmt::format("n += {};", out_.name(rule.enabled)) : "n += 1;");
    if (!always && !cheap) out_.close();
    out_.close();
  }

  /// How many nodes there are to compute beside the guard.
  std::size_t cost(const Rule& rule) const {
    std::vector<Term> changed{rule.faulty};
    for (std::size_t f = 0; f < rule.next.size(); ++f) {
      if (!identical(rule.next[f], relation_.state()[f])) changed.push_back(rule.next[f]);
    }
    return cone(changed,
                [&](const TermNode& node) {
                  return node.op == Op::word_const || node.op == Op::bit_const;
                })
               .size() +
           changed.size();
  }

  /// Writes the packed successor: a value that does not fit its field is a fault, so values are put
  /// in place without masks.
  void store(const Rule& rule) {
    for (unsigned w = 0; w < schema_.words(); ++w) {
      std::uint64_t mask = 0;
      std::uint64_t known = 0;
      std::string values;
      for (std::size_t f = 0; f < rule.next.size(); ++f) {
        const FieldInfo& info = schema_.fields()[f];
        if (info.word != w || info.width == 0) continue;
        const Term value = rule.next[f];
        if (identical(value, relation_.state()[f])) continue;
        mask |= ((1ULL << info.width) - 1) << info.shift;
        if (const auto number = constant(value)) {
          known |= std::uint64_t{*number} << info.shift;
          continue;
        }
        out_.declare(std::span{&value, 1});
        values += fmt::format(" | (uint64_t){} << {}", out_.name(value), info.shift);
      }
      const std::string kept =
          mask == 0 ? fmt::format("w{}", w) : fmt::format("(w{} & {:#x}ull)", w, ~mask);
      const std::string constants = known == 0 ? "" : fmt::format(" | {:#x}ull", known);
      out_.line(
          fmt::format("next[n * {} + {}] = {}{}{};", schema_.words(), w, kept, constants, values));
    }
    out_.line(fmt::format("step[n] = {:#x};",
                          std::uint32_t{rule.step->action.process} << 16 | rule.step->action.step));
  }

  bool deadlock() const {
    const auto& machine = relation_.machine();
    return machine.deadlock && machine.context.checked(*machine.deadlock);
  }

  /// A state without a step is looked at, and one in which processes may wait in a cycle: when
  /// those that wait for nobody who waits are left out, again and again, somebody remains.
  void deadlocks() {
    if (!deadlock()) return;
    out_.line("look |= n == 0;");
    std::string waiting = "0";
    for (const auto& [process, places] : processes_)
      waiting += fmt::format(" | (uint32_t)(waits{0} != 0) << {0}", process);
    out_.line(fmt::format("uint32_t waiting = {};", waiting));
    out_.open("for (uint32_t last = 0; waiting != last;) {");
    out_.line("last = waiting;");
    for (const auto& [process, places] : processes_) {
      out_.line(
          fmt::format("waiting &= ~((uint32_t)((waits{0} & waiting) == 0) << {0});", process));
    }
    out_.close();
    out_.line("look |= waiting != 0;");
  }

  const Relation& relation_;
  const Schema& schema_;
  Emitter out_;
  std::map<std::uint16_t, Places> processes_;
  std::map<std::uint16_t, std::uint32_t> pc_;
  std::uint32_t room_ = 0;
};

}  // namespace

Generated generate(const Relation& relation) {
  static_cast<void>(relation.arena());
  return Generator(relation).run();
}

}  // namespace iommucheck::checker
