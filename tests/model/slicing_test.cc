// SPDX-License-Identifier: MIT
// Slicing: leaving out what nothing reads changes no verdict and no length; leaving out what is
// read shows.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "checker/explicit/explicit.h"
#include "checker/relation/slice.h"
#include "model/registry.h"
#include "tests/checker/explicit/random_machine.h"
#include "tests/sanitized.h"

namespace iommucheck::checker {
namespace {

using Fields = std::vector<std::uint32_t>;

Fields unread(const SymbolicFactory& factory) {
  const Relation relation{factory};
  return unread_fields(relation);
}

/// What must be the same.
struct Outcome {
  Verdict verdict{};
  std::size_t path = 0;
  PropertyId property{};
  friend bool operator==(const Outcome&, const Outcome&) = default;
};
std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  return out << name(o.verdict) << ", path " << o.path << ", property "
             << static_cast<unsigned>(o.property);
}
Outcome outcome(const Exploration& e) {
  if (!e.path) return {e.verdict, 0, {}};
  return {e.verdict, e.path->steps.size(), e.path->failure.property};
}

Exploration explore_sliced(const ConcreteFactory& factory, const Fields& fields,
                           Options options = {}) {
  options.unread = fields;
  options.jobs = 1;
  options.initial_slots = 1;
  return explore(factory, options);
}

/// x goes round; `log` has what was chosen last, `copy` what log was.  Nobody reads those.  `late`
/// is read by what `once` becomes only, and that by the property.
template <class D>
class Logger : public Machine<D> {
 public:
  explicit Logger(bool mined)
      : scope_(this->root()),
        x_(scope_, "x", 4),
        log_(scope_, "log", 4),
        copy_(scope_, "copy", 4),
        late_(scope_, "late", 4),
        once_(scope_, "once", 4) {
    this->property("mine", "It is never 3.", [this, mined] { return !(once_ == 3U) || !mined; });
    code_.push_back({"logger", "go on", false, 0, [this](unsigned) {
                       const Val<D> choice = this->context.choose(2);
                       copy_ = log_.value();
                       log_ = this->context.choose(2) + 1U;
                       once_ = late_.value();
                       late_ = x_.value();
                       const Val<D> next = x_.value() + 1U + choice;
                       x_ = select(next > 4U, next - 5U, next);
                     }});
    this->process({"logger", 0, &code_, nullptr});
  }

 private:
  Scope<D> scope_;
  Var<D> x_, log_, copy_, late_, once_;
  Code code_;
};
ConcreteFactory logger(bool mined) {
  return [mined] { return std::make_unique<Logger<Concrete>>(mined); };
}

TEST(Slicing, FindsWhatNothingReads) {
  EXPECT_EQ(unread([] { return std::make_unique<Logger<Symbolic>>(true); }), (Fields{1, 2}));
  EXPECT_EQ(unread([] { return std::make_unique<Logger<Symbolic>>(false); }), (Fields{1, 2, 3, 4}))
      << "a property that always holds reads nothing";
}

TEST(Slicing, HasFewerStatesAndTheSameAnswer) {
  for (const bool mined : {false, true}) {
    Options options;
    options.stop_at_violation = false;
    const Exploration all = explore(logger(mined), options);
    const Exploration sliced = explore_sliced(logger(mined), {1, 2}, options);
    EXPECT_EQ(sliced.verdict, all.verdict);
    EXPECT_LT(sliced.states, all.states / 2);
    ASSERT_EQ(all.path.has_value(), mined);
    if (mined) {
      EXPECT_EQ(outcome(sliced).path, outcome(all).path);
      // The path is one of the machine itself: what is left out has its values there.
      const auto& steps = sliced.path->steps;
      EXPECT_TRUE(std::any_of(steps.begin(), steps.end(), [&](const PathStep& step) {
        return logger(mined)()->schema.get(step.after, 1) != 0U;
      }));
    }
  }
}

// The mutant: a slice with a field that is read.  A path that is none is noticed; a violation that
// is missed shows as another verdict.
TEST(Slicing, LeavingOutWhatIsReadShows) {
  const Outcome right = outcome(explore(logger(true)));
  ASSERT_EQ(right.verdict, Verdict::violated);
  for (const std::uint32_t field : {0U, 3U, 4U}) {
    bool shows = false;
    try {
      shows = !(outcome(explore_sliced(logger(true), {field})) == right);
    } catch (const std::runtime_error&) {
      shows = true;
    }
    EXPECT_TRUE(shows) << field;
  }
}

/// Ends at once, and `why_` alone says that it should not: for whom it waits, or that it may not
/// rest.
template <class D>
class Ender : public Machine<D> {
 public:
  explicit Ender(bool waits) : scope_(this->root()), pc_(scope_, "pc", 2), why_(scope_, "why", 1) {
    this->deadlock = this->property("no deadlock", "It can go on.");
    this->may_rest = [this, waits] { return Bool<D>(waits) || why_ == 0U; };
    this->initial = [this] { why_ = 1; };
    code_.push_back({"ender", "begin", true, 2, [](unsigned) {}});
    code_.push_back({"ender", "end", false, 0, [this, waits](unsigned) {
                       if (waits) this->context.wait_for(Bool<D>(false), why_.value());
                       this->context.require(false);
                     }});
    this->process({"ender", 0, &code_, &pc_});
  }

 private:
  Scope<D> scope_;
  Var<D> pc_, why_;
  Code code_;
};

TEST(Slicing, WaitingAndRestAreRead) {
  for (const bool waits : {false, true}) {
    EXPECT_EQ(unread([=] { return std::make_unique<Ender<Symbolic>>(waits); }), Fields{});
    const auto factory = [=] { return std::make_unique<Ender<Concrete>>(waits); };
    EXPECT_EQ(explore(factory).verdict, Verdict::violated);
    EXPECT_EQ(explore_sliced(factory, {1}).verdict, Verdict::holds) << "the mutant";
  }
}

TEST(Slicing, SymmetryIsRefused) {
  Options options;
  options.symmetry = {"pasids"};
  const auto& plain = model::design("ioasid/plain");
  EXPECT_THROW(
      static_cast<void>(explore_sliced([&] { return plain.concrete({}, ""); }, {0}, options)),
      std::invalid_argument);
}

/// All states of a machine, and what each can do, as far as the fields that are kept tell.
class Projection {
 public:
  Projection(Machine<Concrete>& machine, const Fields& out) : machine_(machine), out_(out) {
    std::vector<PackedState> open;
    const auto meet = [&](StateView s) {
      PackedState state(s.begin(), s.end());
      if (seen_.insert(state).second) open.push_back(std::move(state));
    };
    initial_states(machine, meet);
    while (!open.empty()) {
      const PackedState state = std::move(open.back());
      open.pop_back();
      std::set<std::string> future;
      if (broken_invariant(machine, state)) future.insert("broken");
      const auto add = [&](ActionId a, const char* what, StateView next) {
        std::string text = fmt::format("{}.{} {}", a.process, a.step, what);
        for (const std::uint64_t word : project(next)) text += fmt::format(" {:x}", word);
        future.insert(text);
      };
      std::vector<PackedState> next;
      struct Visit {
        std::function<void(ActionId, StateView)> go;
        std::function<void(ActionId, const Failure&)> wrong;
        std::function<void()> end;
        void successor(ActionId a, StateView s) { go(a, s); }
        void violation(ActionId a, const Failure& f, StateView) { wrong(a, f); }
        void stuck(const Failure&) { end(); }
      };
      expand(machine, state,
             Visit{[&](ActionId a, StateView s) {
                     add(a, "", s);
                     next.emplace_back(s.begin(), s.end());
                   },
                   [&](ActionId a, const Failure& f) { add(a, f.detail, {}); },
                   [&] { future.insert("stuck"); }});
      for (const PackedState& s : next) meet(s);
      const auto [known, added] = future_.emplace(project(state), future);
      same_ = same_ && (added || known->second == future);
    }
  }
  std::size_t states() const { return future_.size(); }
  /// States that are one when the fields are left out do the same.
  bool same() const { return same_; }

 private:
  PackedState project(StateView s) const {
    PackedState state(s.begin(), s.end());
    for (const std::uint32_t field : out_) {
      if (!state.empty()) machine_.schema.set(state, field, 0);
    }
    return state;
  }

  Machine<Concrete>& machine_;
  Fields out_;
  std::set<PackedState> seen_;
  std::map<PackedState, std::set<std::string>> future_;
  bool same_ = true;
};

TEST(Slicing, RandomMachines) {
  unsigned fewer = 0, violated = 0, read_fields_differ = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const Fields fields = unread([=] { return std::make_unique<RandomMachine<Symbolic>>(seed); });
    const auto factory = [=] { return std::make_unique<RandomMachine<Concrete>>(seed); };
    RandomMachine<Concrete> machine(seed);
    const Projection projection(machine, fields);
    ASSERT_TRUE(projection.same());
    Options options;
    options.stop_at_violation = false;
    const Exploration all = explore_sliced(factory, {}, options);
    const Exploration sliced = explore_sliced(factory, fields, options);
    EXPECT_EQ(sliced.states, projection.states());
    EXPECT_EQ(outcome(explore_sliced(factory, fields)), outcome(explore_sliced(factory, {})));
    EXPECT_EQ(sliced.verdict, all.verdict);
    fewer += sliced.states < all.states ? 1 : 0;
    violated += all.verdict == Verdict::violated ? 1 : 0;
    // The brute force tells a wrong slice from a right one.
    Fields wrong = fields;
    for (std::uint32_t f = 0; f < machine.schema.fields().size(); ++f) {
      if (machine.schema.fields()[f].name == "v[0]" &&
          std::find(fields.begin(), fields.end(), f) == fields.end())
        wrong.push_back(f);
    }
    if (wrong.size() > fields.size() && !Projection(machine, wrong).same()) ++read_fields_differ;
  }
  EXPECT_GT(fewer, 2);
  EXPECT_GT(violated, 50);
  EXPECT_GT(read_fields_differ, 50);
}

TEST(Slicing, EveryBugHasTheSameAnswerForItsPropertyAlone) {
  unsigned sliced_some = 0;
  for (const auto* d : model::designs()) {
    for (const auto& bug : d->bugs()) {
      SCOPED_TRACE(d->name() + ": " + bug.name);
      const auto alone = [&](auto machine) {
        EXPECT_TRUE(machine->check_only(bug.property));
        return machine;
      };
      const auto factory = [&] { return alone(d->concrete(bug.bounds, bug.name)); };
      Options small;
      small.limits.states = share(100'000U, 10'000U);
      const Exploration expected = explore(factory, small);
      if (expected.verdict == Verdict::unknown) continue;
      const Fields fields = unread([&] { return alone(d->symbolic(bug.bounds, bug.name)); });
      EXPECT_EQ(outcome(explore_sliced(factory, fields)), outcome(expected));
      sliced_some += fields.empty() ? 0 : 1;
    }
  }
  EXPECT_GT(sliced_some, 10);
}

TEST(Slicing, EveryDesignHoldsWithoutWhatNothingReads) {
  for (const auto* d : model::designs()) {
    const bool ioasid = d->name().compare(0, 7, "ioasid/") == 0;
    const model::BoundValues bounds =
        ioasid ? model::BoundValues{{"threads", 2}, {"pasids", 1}, {"sets", 1}, {"calls", 2}}
               : model::BoundValues{{"threads", 1}};
    const auto factory = [&] { return d->concrete(bounds, ""); };
    const Fields fields = unread([&] { return d->symbolic(bounds, ""); });
    EXPECT_EQ(outcome(explore_sliced(factory, fields)), outcome(explore(factory))) << d->name();
  }
}

// One property needs less: the reference model's TLB is read by others only.
TEST(Slicing, PaysForOneProperty) {
  const auto& reference = model::design("reference");
  const auto alone = [](auto machine) {
    EXPECT_TRUE(machine->check_only("in-range"));
    return machine;
  };
  const Fields fields = unread([&] { return alone(reference.symbolic({}, "")); });
  const Exploration sliced =
      explore_sliced([&] { return alone(reference.concrete({}, "")); }, fields);
  EXPECT_EQ(sliced.verdict, Verdict::holds);
  EXPECT_EQ(sliced.states, 175'440);  // of 765,728
}

}  // namespace
}  // namespace iommucheck::checker
