// SPDX-License-Identifier: MIT
// Linearizability: histories judged by hand, and random ones by a slower way.
#include "conformance/linearize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>

namespace iommucheck::conformance {
namespace {

using ioasid::Call;
using ioasid::CallKind;
using ioasid::Err;
using ioasid::Oracle;
using ioasid::Outcome;

ioasid::Bounds bounds() {
  return {.ids = 2, .sets = 1, .data = 1, .clients = 1, .static_sets = true, .references = false};
}

Call alloc(unsigned min, unsigned max) {
  Call call{CallKind::alloc};
  call.args.set = 1;
  call.args.min = min;
  call.args.max = max;
  call.args.data = 1;
  return call;
}
Call on_id(CallKind kind, unsigned id) {
  Call call{kind};
  call.args.id = id;
  return call;
}
Outcome ok(unsigned value = 0) {
  Outcome outcome;
  outcome.value = value;
  return outcome;
}
Outcome error(Err err) {
  Outcome outcome;
  outcome.err = static_cast<std::uint32_t>(err);
  return outcome;
}

/// Every call of the first thread before every call of the second, or no order at all.
constexpr std::uint32_t kNone = 0;

bool explained(std::vector<ConcurrentCall> calls, const std::vector<Call>& setup = {}) {
  Oracle oracle{bounds()};
  for (const Call& call : setup) {
    EXPECT_TRUE(oracle.judge(call, *oracle.first_legal(call)).legal);
  }
  for (std::size_t i = 0; i < calls.size(); ++i) calls[i].begins_before_my_end |= 1U << i;
  const auto before = oracle.snapshot();
  const bool result = !linearize(oracle, calls).unexplained;
  EXPECT_EQ(oracle.snapshot(), before);
  return result;
}

// What a broken patch makes a function return.
TEST(Linearize, AnAnswerBeyondTheVocabularyIsNeverLegal) {
  Outcome garbage;
  garbage.err = ioasid::kErrs;
  EXPECT_FALSE(explained({{0, on_id(CallKind::find, 0), garbage, kNone}}));
  EXPECT_NE(ioasid::print(on_id(CallKind::find, 0), garbage), "");
}

TEST(Linearize, OverlappingCallsTakeEffectInAnyOrder) {
  const std::vector<Call> setup{alloc(0, 0)};
  // They overlap whatever the order: each begins before the other ends.
  const auto both = [&](Outcome found) {
    return explained(
        {{0, on_id(CallKind::free, 0), ok(), 2}, {1, on_id(CallKind::find, 0), found, 1}}, setup);
  };
  EXPECT_TRUE(both(ok(1)));
  EXPECT_TRUE(both(error(Err::enoent)));
  EXPECT_FALSE(both(error(Err::eacces)));
}

TEST(Linearize, ACallThatCanEndBeforeTheOtherBeginsIsJudgedThatWay) {
  const std::vector<Call> setup{alloc(0, 0)};
  // Nothing orders them: one execution of the trace has the free end before the look-up begins.
  EXPECT_FALSE(explained(
      {{0, on_id(CallKind::free, 0), ok(), kNone}, {1, on_id(CallKind::find, 0), ok(1), kNone}},
      setup));
  // The look-up begins before the free ends, always: it may have been first.
  EXPECT_TRUE(explained(
      {{0, on_id(CallKind::free, 0), ok(), 2}, {1, on_id(CallKind::find, 0), ok(1), kNone}},
      setup));
}

TEST(Linearize, NoIdIsGivenTwice) {
  EXPECT_TRUE(explained({{0, alloc(0, 1), ok(0), 2}, {1, alloc(0, 1), ok(1), 1}}));
  EXPECT_FALSE(explained({{0, alloc(0, 1), ok(0), 2}, {1, alloc(0, 1), ok(0), 1}}));
}

TEST(Linearize, CallsOfOneThreadFollowEachOther) {
  // CPU0 frees and then looks: it must not find what is gone, whatever CPU1 does meanwhile.
  const std::vector<Call> setup{alloc(0, 0)};
  EXPECT_FALSE(explained({{0, on_id(CallKind::free, 0), ok(), 4},
                          {0, on_id(CallKind::find, 0), ok(1), 5},
                          {1, on_id(CallKind::find, 0), error(Err::enoent), 3}},
                         setup));
}

TEST(Linearize, SaysWhichSentencesAreBroken) {
  Oracle oracle{bounds()};
  const std::vector<ConcurrentCall> calls{{0, alloc(0, 1), ok(0), 3}, {1, alloc(0, 1), ok(0), 3}};
  const auto why = linearize(oracle, calls).unexplained;
  ASSERT_TRUE(why);
  EXPECT_EQ(why->order.size(), 4U);  // both begin, one ends, the other is one too many
  ASSERT_FALSE(why->reasons.empty());
  EXPECT_NE(why->reasons[0].find("alloc"), std::string::npos) << why->reasons[0];
}

TEST(Linearize, WhereACallBreaksItsContractNothingIsPromised) {
  // Registering an allocator and withdrawing it at once: the withdrawal may come first.
  ioasid::Bounds with_ops = bounds();
  with_ops.ops = 1;
  Oracle oracle{with_ops};
  Call add{CallKind::register_allocator}, remove{CallKind::unregister_allocator};
  add.args.ops = remove.args.ops = 1;
  ASSERT_FALSE(oracle.would_keep_contract(remove)) << "or this is not the case that is meant";
  const Linearization both =
      linearize(oracle, std::vector<ConcurrentCall>{{0, add, ok(), 3}, {1, remove, ok(), 3}});
  EXPECT_FALSE(both.unexplained);
  EXPECT_TRUE(both.excused);
  const Linearization one = linearize(oracle, std::vector<ConcurrentCall>{{0, add, ok(), 1}});
  EXPECT_FALSE(one.excused);
}

/// All real-time orders, and for each all permutations: what the definition says, word for word.
bool explained_slowly(const std::vector<ConcurrentCall>& calls) {
  const std::size_t n = calls.size();
  struct Interval {
    int begin, end;
  };
  std::vector<Interval> times(n, {-1, -1});
  const auto some_order_fits = [&] {
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), 0U);
    do {
      bool fits = true;
      for (std::size_t i = 0; i < n && fits; ++i) {
        for (std::size_t j = i + 1; j < n && fits; ++j) {
          fits = times[order[j]].end > times[order[i]].begin;
        }
      }
      if (!fits) continue;
      Oracle oracle{bounds()};
      bool legal = true;
      for (const std::size_t call : order) {
        legal = legal && oracle.judge(calls[call].call, calls[call].outcome).legal;
      }
      if (legal) return true;
    } while (std::next_permutation(order.begin(), order.end()));
    return false;
  };
  const std::function<bool(int)> every_time_line = [&](int now) {
    if (now == static_cast<int>(2 * n)) return some_order_fits();
    for (std::size_t i = 0; i < n; ++i) {
      if (times[i].begin < 0) {
        bool may = true;
        for (std::size_t j = 0; j < i; ++j) {
          may = may && (calls[j].thread != calls[i].thread || times[j].end >= 0);
        }
        if (!may) continue;
        times[i].begin = now;
        const bool all = every_time_line(now + 1);
        times[i].begin = -1;
        if (!all) return false;
      } else if (times[i].end < 0) {
        bool may = true;
        for (std::size_t j = 0; j < n; ++j) {
          const bool first = ((calls[i].begins_before_my_end >> j) & 1U) != 0;
          may = may && (!first || times[j].begin >= 0);
        }
        if (!may) continue;
        times[i].end = now;
        const bool all = every_time_line(now + 1);
        times[i].end = -1;
        if (!all) return false;
      }
    }
    return true;
  };
  return every_time_line(0);
}

TEST(Linearize, AgreesWithTheDefinitionOnRandomHistories) {
  std::mt19937_64 random{1};
  unsigned yes = 0, no = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<ConcurrentCall> calls;
    for (unsigned i = 0; i < 3; ++i) {
      ConcurrentCall call;
      call.thread = i == 2 ? static_cast<unsigned>(random() % 3) : i;
      if (call.thread < i) {
        // Calls of a thread come one after the other in the list.
        call.thread = calls.back().thread;
      }
      // Calls whose contract holds whatever the order, as the definition knows nothing of
      // contracts.
      call.call = random() % 2 == 0 ? alloc(0, 1)
                                    : on_id(CallKind::find, static_cast<unsigned>(random() % 2));
      call.outcome = call.call.kind == CallKind::alloc ? ok(static_cast<unsigned>(random() % 2))
                     : random() % 2 == 0               ? ok(1)
                                                       : error(Err::enoent);
      calls.push_back(call);
    }
    for (unsigned i = 0; i < 3; ++i) {
      calls[i].begins_before_my_end = static_cast<std::uint32_t>(random() % 8) | (1U << i);
      for (unsigned j = 0; j < 3; ++j) {
        // Later calls of a thread cannot begin before its earlier ones end.
        if (j > i && calls[j].thread == calls[i].thread) {
          calls[i].begins_before_my_end &= ~(1U << j);
        }
      }
    }
    // An order that no time line has is explained by definition; both have to say so.
    Oracle oracle{bounds()};
    const bool fast = !linearize(oracle, calls).unexplained;
    EXPECT_EQ(fast, explained_slowly(calls)) << "round " << round;
    ++(fast ? yes : no);
  }
  EXPECT_GT(yes, 50U);
  EXPECT_GT(no, 50U);
}

// Two threads: "take" empties what "look" sees; the code without concurrency says so.
bool explained_by_itself(const std::string& taken, const std::string& seen, std::uint32_t overlap) {
  const std::vector<SequentialAnswers> runs{{{0, 1}, {"7", "nothing"}}, {{1, 0}, {"7", "7"}}};
  const std::vector<AnsweredCall> calls{{{0, 1U | overlap}, "take", taken},
                                        {{1, 2U | overlap >> 1U}, "look", seen}};
  return !linearize(runs, calls).unexplained;
}

TEST(LinearizeByItself, ResultsAreThoseOfSomeOrderThatTheTimesAllow) {
  constexpr std::uint32_t kOverlap = 2;
  EXPECT_TRUE(explained_by_itself("7", "nothing", kOverlap));
  EXPECT_TRUE(explained_by_itself("7", "7", kOverlap));
  EXPECT_FALSE(explained_by_itself("7", "8", kOverlap));
  EXPECT_FALSE(explained_by_itself("nothing", "7", kOverlap));
  EXPECT_FALSE(explained_by_itself("7", "7", 0)) << "they need not overlap: the look may come last";
}

TEST(LinearizeByItself, SaysWhatWasExpected) {
  const std::vector<SequentialAnswers> runs{{{0}, {"0"}}};
  const std::vector<AnsweredCall> calls{{{0, 1}, "bind()", "-EBUSY"}};
  const auto result = linearize(runs, calls);
  ASSERT_TRUE(result.unexplained);
  EXPECT_EQ(result.unexplained->reasons,
            std::vector<std::string>{"bind() = -EBUSY: without concurrency it answers 0"});
}

// A run that ended early explains nothing behind its end.
TEST(LinearizeByItself, ACallThatDoesNotReturnExplainsNothing) {
  const std::vector<SequentialAnswers> runs{{{0, 1}, {"0"}}, {{1, 0}, {"0", "0"}}};
  const auto answered = [&](std::uint32_t mask0, std::uint32_t mask1) {
    const std::vector<AnsweredCall> calls{{{0, mask0}, "a", "0"}, {{1, mask1}, "b", "0"}};
    return !linearize(runs, calls).unexplained;
  };
  EXPECT_TRUE(answered(3, 3));
  EXPECT_FALSE(answered(1, 3)) << "a may end before b begins, and then b does not return";
}

}  // namespace
}  // namespace iommucheck::conformance
