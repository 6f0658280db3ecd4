// SPDX-License-Identifier: MIT
// The design ioasid/plain against Debian's own ioasid.c of 6.1: the same calls by the same threads
// have the same outcomes, in the model under every interleaving of its steps and in the code under
// every schedule.
#include <gtest/gtest.h>

#include "model/ioasid/plain.h"
#include "tests/impl/linux/on_target.h"
#include "tests/impl/linux/outcomes.h"

namespace iommucheck::linux_harness {
namespace {

using ioasid::CallKind;
using ioasid::Err;

/// What each thread's calls answer: thread by thread, call by call.
using Outcomes = std::vector<std::vector<std::pair<Err, std::uint32_t>>>;

/// ioasid/plain with threads that make the calls of a scenario and no others.  The set-up is made
/// by thread 0 before anybody else begins.
class Scripted : public model::IoasidPlain<Concrete> {
 public:
  using Edit = std::function<void(Scripted&)>;
  explicit Scripted(const Scenario& scenario, const Edit& change = {})
      : IoasidPlain{bounds_of(scenario)},
        made_{this->root(), "script.made", process_count(), kMost},
        answers_{this->root(), "script.answers", process_count() * kMost, 255U},
        tags_{this->root(), "script.data", b.data, b.data} {
    for (const auto& thread : scenario.threads) script_.push_back(calls_of(thread));
    const auto setup = calls_of(scenario.setup);
    setup_ = static_cast<unsigned>(setup.size());
    script_[0].insert(script_[0].begin(), setup.begin(), setup.end());
    for (const auto& calls : script_) {
      if (calls.size() > kMost) throw std::length_error{"more calls than the script holds"};
    }
    for (const char* name : {"ioasid_alloc", "ioasid_free", "ioasid_find", "ioasid_set_data"}) {
      edit(name).arguments([this](T& t) {
        const unsigned made = made_[t.self()].value().word();
        const bool turn = t.self() == 0 || made_[0U].value().word() >= setup_;
        t.require(turn && made < script_[t.self()].size());
      });
    }
    if (change) change(*this);
    complete();
  }

  bool is_over() const {
    for (unsigned i = 0; i < script_.size(); ++i) {
      if (made_[i].value().word() != script_[i].size()) return false;
    }
    return true;
  }
  Outcomes outcomes() const {
    Outcomes all;
    for (unsigned i = 0; i < script_.size(); ++i) {
      all.emplace_back();
      for (unsigned k = i == 0 ? setup_ : 0; k < script_[i].size(); ++k) {
        const unsigned code = answers_[i * kMost + k].value().word();
        all.back().emplace_back(static_cast<Err>(code % ioasid::kErrs), code / ioasid::kErrs);
      }
    }
    return all;
  }

 private:
  static constexpr unsigned kMost = 4;

  static model::IoasidBounds bounds_of(const Scenario& scenario) {
    model::IoasidBounds bounds;
    bounds.threads = static_cast<unsigned>(scenario.threads.size());
    bounds.threads_told_apart = true;
    bounds.pasids = 4;
    bounds.sets = 2;
    bounds.data = 4;  // an object for each call that attaches some
    return bounds;
  }
  static std::vector<ioasid::Call> calls_of(const std::vector<TargetCall>& calls) {
    std::vector<ioasid::Call> all;
    for (const TargetCall& call : calls) all.push_back(call.ioasid.value());
    return all;
  }
  const ioasid::Call& next(unsigned self) const {
    return script_[self][made_[self].value().word()];
  }

  /// A choice that is not the script's is a path that goes no further.
  void called(T& t, CallKind kind, const ioasid::Args<Concrete>& made) override {
    const ioasid::Call& call = next(t.self());
    const auto& args = call.args;
    bool same = kind == call.kind && made.nomem.word() == 0;
    switch (kind) {
      case CallKind::alloc:
        same = same && made.set.word() == args.set && made.min.word() == args.min &&
               made.max.word() == args.max && (made.data.word() == 0) == (args.data == 0);
        break;
      case CallKind::find: same = same && made.set.word() == args.set; [[fallthrough]];
      case CallKind::free: same = same && made.id.word() == args.id; break;
      case CallKind::set_data:
        same = same && made.id.word() == args.id && (made.data.word() == 0) == (args.data == 0);
        break;
      default: same = false;
    }
    t.require(same);
    // The model takes whatever object is free; the script's number for it stays with it.
    if (same && kind != CallKind::find && made.data.word() != 0)
      tags_[made.data.word() - 1U] = args.data;
  }
  void answered(T& t, Val<Concrete, Err> err, V value) override {
    const unsigned self = t.self(), place = made_[self].value().word();
    unsigned answer = value.word();
    if (next(self).kind == CallKind::find && answer != 0)
      answer = tags_[answer - 1U].value().word();
    answers_[self * kMost + place] = answer * ioasid::kErrs + err.word();
    made_[self] = place + 1;
  }

  std::vector<std::vector<ioasid::Call>> script_;
  unsigned setup_ = 0;
  Array<Concrete, Var<Concrete>> made_, answers_, tags_;
};

std::set<Outcomes> outcomes_in_the_model(const Scenario& scenario,
                                         const Scripted::Edit& change = {}) {
  Scripted machine{scenario, change};
  return all_outcomes<Outcomes>(machine, static_cast<bool>(change));
}

std::set<Outcomes> outcomes_in_the_code(const Scenario& scenario, const Exploration& exploration) {
  std::set<Outcomes> all;
  for (const ScheduledHistory& history : exploration.histories) {
    Outcomes one(scenario.threads.size());
    // The xarray's nodes, in which one call ends (docs/real-code.md), are not in the model.
    const bool returned = std::ranges::all_of(history.calls, &ScheduledCall::returned);
    EXPECT_TRUE(returned || scenario.name == "find-free-node");
    if (!returned) continue;
    for (const ScheduledCall& call : history.calls) {
      // INVALID_IOASID has no value.
      const auto err = static_cast<Err>(call.outcome.value().err);
      one[call.thread].emplace_back(err, err == Err::ok ? call.outcome->value : 0);
    }
    all.insert(std::move(one));
  }
  return all;
}

class OutcomesTest : public OnTarget<ioasid_target> {};

TEST_F(OutcomesTest, OfTheDesignAndOfTheCodeAreTheSame) {
  std::size_t most = 0;
  for (const char* name : {"find-free", "find-getter-free", "find-free-node", "alloc-alloc",
                           "last-id", "reuse", "set-data", "set-data-free", "alloc-find"}) {
    SCOPED_TRACE(name);
    const Scenario& one = scenario(name);
    const Exploration explored = kernel_->explore(one, {});
    ASSERT_TRUE(explored.exhausted);
    const auto model = outcomes_in_the_model(one), code = outcomes_in_the_code(one, explored);
    EXPECT_EQ(model, code);
    most = std::max(most, code.size());
    std::printf("%s: %zu outcomes\n", name, code.size());
  }
  EXPECT_GT(most, 5U) << "or nothing was compared";
}

/// Custom allocators, of which the design has one, are left out.
bool is_of_default_allocator(const Scenario& scenario) {
  const auto is_default = [](const TargetCall& call) {
    return call.ioasid->kind != CallKind::register_allocator &&
           call.ioasid->kind != CallKind::unregister_allocator;
  };
  const auto all_default = [&](const std::vector<TargetCall>& calls) {
    return std::ranges::all_of(calls, is_default);
  };
  return all_default(scenario.setup) && std::ranges::all_of(scenario.threads, all_default);
}

TEST_F(OutcomesTest, OfGeneratedPairsAreTheSame) {
  std::size_t compared = 0, outcomes = 0;
  for (const Scenario& one : ioasid_target().generated(2)) {
    if (!is_of_default_allocator(one)) continue;
    SCOPED_TRACE(one.name + ": " + one.sentence);
    const Exploration explored = kernel_->explore(one, {});
    ASSERT_TRUE(explored.exhausted);
    const auto model = outcomes_in_the_model(one), code = outcomes_in_the_code(one, explored);
    EXPECT_EQ(model, code);
    ++compared;
    outcomes += code.size();
  }
  std::printf("%zu pairs, %zu outcomes\n", compared, outcomes);
  EXPECT_GT(compared, 30U);
  EXPECT_GT(outcomes, compared);
}

TEST_F(OutcomesTest, OfADesignWithAMistakeAreNot) {
  const auto in_code = [](const char* name) {
    return outcomes_in_the_code(scenario(name), kernel_->explore(scenario(name), {}));
  };
  const auto no_set_check = [](Scripted& design) {
    design.edit("ioasid_find").drop("if (set && ioasid_data->set != set)");
  };
  EXPECT_NE(outcomes_in_the_model(scenario("reuse"), no_set_check), in_code("reuse"));
  const auto published_first = [](Scripted& design) {
    design.edit("ioasid_alloc")
        .swap("data->set = set; data->private = private",
              "id = active_allocator->ops->alloc(min, max, adata)");
  };
  EXPECT_NE(outcomes_in_the_model(scenario("alloc-find"), published_first), in_code("alloc-find"));
}

}  // namespace
}  // namespace iommucheck::linux_harness
