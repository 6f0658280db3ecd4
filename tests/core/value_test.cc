// SPDX-License-Identifier: MIT
// Values of both domains: the same operators give the same numbers.
#include "core/value.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "core/term.h"

namespace iommucheck {
namespace {

/// All operators on (a, b, c), as numbers.
template <class D>
std::vector<Val<D>> results(Val<D> a, Val<D> b, Bool<D> c) {
  const Bool<D> d = a < b;
  return {a + b,
          a - b,
          a & b,
          a | b,
          select(c, a, b),
          as_number<D>(a == b),
          as_number<D>(a != b),
          as_number<D>(a - 1U == 3U),
          as_number<D>(a - 4U == 0xfffdU),
          as_number<D>(a < b),
          as_number<D>(a > b),
          as_number<D>(a <= b),
          as_number<D>(a >= b),
          as_number<D>(c && d),
          as_number<D>(c || d),
          as_number<D>(!c),
          as_number<D>(c == d),
          as_number<D>(c != d),
          as_number<D>(implies(c, d)),
          as_number<D>(has_bit(a, 3)),
          with_bit(a, 3),
          without_bit(a, 3),
          sum_of<D>(4, [&](unsigned i) { return a + i; }),
          count_of<D>(8, [&](unsigned i) { return has_bit(b, i); }),
          as_number<D>(any_of<D>(8, [&](unsigned i) { return a == i; })),
          as_number<D>(all_of<D>(8, [&](unsigned i) { return b != i; }))};
}

rc::Gen<std::uint32_t> number() {
  return rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 9),
                        rc::gen::inRange<std::uint32_t>(0, kMaxField + 1));
}

RC_GTEST_PROP(Value, DomainsAgree, ()) {
  const std::uint32_t a = *number();
  const std::uint32_t b = *number();
  const bool c = *rc::gen::arbitrary<bool>();
  const auto concrete = results<Concrete>(a, b, c);
  TermArena arena;
  // Constants are folded; variables are not.
  const auto folded = results<Symbolic>(a, b, c);
  const auto variable = [&](std::uint32_t max) {
    return Val<Symbolic>::from_word(arena.variable("v", max));
  };
  const auto x = variable(kMaxField);
  const auto y = variable(kMaxField);
  const auto open = results<Symbolic>(x, y, variable(1) == 1U);
  for (std::size_t i = 0; i < concrete.size(); ++i) {
    RC_ASSERT(folded[i].word().node()->op == Op::word_const);
    RC_ASSERT(folded[i].word().node()->value == concrete[i].word());
    RC_ASSERT(evaluate(open[i].word(), {a, b, c ? 1U : 0U}) == concrete[i].word());
  }
}

TEST(Value, EnumerationsKeepTheirTag) {
  enum class Hue : std::uint8_t { red, green };
  const Val<Concrete, Hue> colour = Hue::green;
  EXPECT_TRUE((colour == Hue::green).bit());
  EXPECT_FALSE((colour == Hue::red).bit());
  EXPECT_EQ(colour.as<Int>().word(), 1);
  EXPECT_TRUE((Val<Concrete>(0).as<Hue>() == Hue::red).bit());
}

TEST(Value, SubtractionBelowZeroIsSeen) {
  // It leaves every field's range instead of wrapping around into it.
  EXPECT_GT((Val<Concrete>(0) - 1U).word(), kMaxField);
}

TEST(Value, DefaultIsZero) {
  TermArena arena;
  EXPECT_EQ(Val<Concrete>().word(), 0);
  EXPECT_FALSE(Bool<Concrete>().bit());
  EXPECT_EQ(evaluate(Val<Symbolic>().word(), {}), 0U);
  EXPECT_EQ(evaluate(Bool<Symbolic>().bit(), {}), 0U);
  // A term made by default takes part as the number 0.
  EXPECT_EQ(evaluate((Val<Symbolic>::from_word(Term{}) + 2U).word(), {}), 2U);
}

TEST(Value, TermsAreShared) {
  TermArena arena;
  const Term x = arena.variable("x", 7);
  const Term y = arena.variable("y", 7);
  EXPECT_TRUE(identical(Symbolic::add(x, y), Symbolic::add(x, y)));
  EXPECT_FALSE(identical(Symbolic::add(x, y), Symbolic::sub(x, y)));
  // Beyond the range of the variable: decided without it.
  EXPECT_TRUE(identical(Symbolic::eq(x, arena.word(8)), arena.bit(false)));
  EXPECT_TRUE(identical(Symbolic::less(x, arena.word(8)), arena.bit(true)));
}

TEST(Value, ArenasNest) {
  TermArena outer;
  {
    TermArena inner;
    EXPECT_EQ(&TermArena::current(), &inner);
  }
  EXPECT_EQ(&TermArena::current(), &outer);
}

}  // namespace
}  // namespace iommucheck
