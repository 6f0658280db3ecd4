// SPDX-License-Identifier: MIT
// Sequence against std::vector, in both domains.
#include "spec/sequence.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "core/machine.h"

namespace iommucheck {
namespace {

constexpr unsigned kCapacity = 4;
constexpr std::uint32_t kMax = 5;

struct Edit {
  bool append;
  std::uint32_t element;
};

void perform(std::vector<std::uint32_t>& list, const Edit& edit) {
  if (edit.append) {
    list.push_back(edit.element);
  } else {
    std::erase(list, edit.element);
  }
}
template <class D>
void perform(const Sequence<D>& list, bool append, Val<D> element) {
  if (append) {
    list.append(element);
  } else {
    list.remove(element);
  }
}

/// Edits that append nothing twice and nothing beyond the capacity.
std::vector<Edit> random_edits() {
  std::vector<std::uint32_t> list;
  std::vector<Edit> edits;
  const int n = *rc::gen::inRange(0, 12);
  for (int i = 0; i < n; ++i) {
    Edit edit{*rc::gen::weightedElement<bool>({{2, true}, {1, false}}),
              *rc::gen::inRange<std::uint32_t>(1, kMax + 1)};
    const bool there = std::ranges::find(list, edit.element) != list.end();
    if (edit.append && (there || list.size() == kCapacity)) continue;
    perform(list, edit);
    edits.push_back(edit);
  }
  return edits;
}

RC_GTEST_PROP(Sequence, BehavesAsAVector, ()) {
  Machine<Concrete> concrete;
  auto root = concrete.root();
  const Sequence<Concrete> list{root, "list", kCapacity, kMax};
  concrete.context.begin_step();

  TermArena arena;
  Machine<Symbolic> symbolic;
  auto symbolic_root = symbolic.root();
  const Sequence<Symbolic> terms{symbolic_root, "list", kCapacity, kMax};
  symbolic.context.begin_step();
  std::vector<std::uint32_t> inputs;  // the elements are variables

  std::vector<std::uint32_t> expected;
  for (const Edit& edit : random_edits()) {
    perform(expected, edit);
    perform<Concrete>(list, edit.append, edit.element);
    perform<Symbolic>(terms, edit.append,
                      Val<Symbolic>::from_word(arena.variable("element", kMax)));
    inputs.push_back(edit.element);

    const auto same = [&](auto read) {
      for (unsigned i = 0; i < kCapacity; ++i) {
        RC_ASSERT(read(i) == (i < expected.size() ? expected[i] : 0U));
      }
    };
    same([&](unsigned i) { return list[i].word(); });
    same([&](unsigned i) { return evaluate(terms[i].word(), inputs); });
    RC_ASSERT(list.well_formed().bit());
    RC_ASSERT(evaluate(terms.well_formed().bit(), inputs) == 1U);
    RC_ASSERT(list.empty().bit() == expected.empty());
    for (std::uint32_t x = 0; x <= kMax; ++x) {
      const bool there = std::ranges::find(expected, x) != expected.end();
      RC_ASSERT(list.contains(x).bit() == there);
      RC_ASSERT(evaluate(terms.contains(x).bit(), inputs) == (there ? 1U : 0U));
    }
  }
  RC_ASSERT(!concrete.context.failed());
}

TEST(Sequence, WellFormedIsDenseAndWithoutRepetition) {
  Machine<Concrete> machine;
  auto root = machine.root();
  const Sequence<Concrete> list{root, "list", 3, kMax};
  const auto holds = [&](std::vector<std::uint32_t> values) {
    const auto packed = machine.schema.pack(values);
    std::ranges::copy(packed, machine.context.words.begin());
    return list.well_formed().bit();
  };
  EXPECT_TRUE(holds({0, 0, 0}));
  EXPECT_TRUE(holds({3, 1, 2}));
  EXPECT_FALSE(holds({0, 1, 0}));
  EXPECT_FALSE(holds({1, 0, 2}));
  EXPECT_FALSE(holds({1, 2, 1}));
}

TEST(Sequence, WithoutPlacesIsEmpty) {
  Machine<Concrete> machine;
  auto root = machine.root();
  const Sequence<Concrete> list{root, "list", 0, 0};
  EXPECT_TRUE(list.empty().bit());
  EXPECT_TRUE(list.well_formed().bit());
  EXPECT_EQ(list.front().word(), 0);
}

}  // namespace
}  // namespace iommucheck
