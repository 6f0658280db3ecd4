// SPDX-License-Identifier: MIT
// Program edits: a bug that changes nothing, or not what it says, must not be possible.
#include <gtest/gtest.h>

#include "model/kernel/cpu.h"
#include "model/registry.h"

namespace iommucheck::model {
namespace {

using P = Program<Concrete>;

P sample() {
  P p{"f"};
  for (const char* label : {"spin_lock(&a)", "x = 1", "y = 2", "spin_unlock(&a); kfree(y)"})
    p.step(label, [](auto&) {});
  return p;
}

std::vector<std::string> labels(const P& p) {
  std::vector<std::string> all;
  for (const auto& s : p.steps()) all.push_back(s.label);
  return all;
}

TEST(Program, DropsByBeginning) {
  P p = sample();
  p.drop("x =");
  EXPECT_EQ(labels(p),
            (std::vector<std::string>{"spin_lock(&a)", "y = 2", "spin_unlock(&a); kfree(y)"}));
}

TEST(Program, RefusesLabelsThatAreNotThere) {
  P p = sample();
  EXPECT_THROW(p.drop("z = 3"), std::logic_error);
  EXPECT_THROW(p.swap("x = 1", "z = 3"), std::logic_error);
  EXPECT_THROW(p.replace("z", "w", [](auto&) {}), std::logic_error);
  EXPECT_EQ(labels(p), labels(sample()));
}

TEST(Program, RefusesAmbiguousLabelsButTakesExactOnes) {
  P p = sample();
  EXPECT_THROW(p.drop("spin_"), std::logic_error);
  p.insert_after("x = 1", "x = 1 again", [](auto&) {});
  p.drop("x = 1");
  EXPECT_EQ(labels(p).at(1), "x = 1 again");
}

// A function that is inlined twice: an edit of all its copies, and their jump targets.
P inlined_twice() {
  P p{"f"};
  for (const char* call : {"g (first)", "g (second)"}) {
    p.call(call, [&] {
      p.step("lock(&a)", [](auto&) {});
      p.call("h", [&] { p.step("x = 1", [](auto&) {}); });
    });
  }
  p.step("return", [](auto&) {});
  return p;
}

TEST(Program, NamesInlinedFunctions) {
  const P p = inlined_twice();
  std::vector<std::string> functions;
  for (const auto& s : p.steps()) functions.push_back(s.function);
  EXPECT_EQ(functions, (std::vector<std::string>{"g (first)", "g (first) > h", "g (second)",
                                                 "g (second) > h", ""}));
}

TEST(Program, EditsEveryCopy) {
  P p = inlined_twice();
  EXPECT_EQ(p.insert_after_all("lock(&a)", "y = 2", [](auto&) {}), 2U);
  EXPECT_EQ(p.insert_before_all("x = 1", "z = 3", [](auto&) {}), 2U);
  EXPECT_EQ(p.replace_all("x = 1", "x = 2", [](auto&) {}), 2U);
  EXPECT_EQ(p.drop_all("lock(&a)"), 2U);
  EXPECT_EQ(labels(p), (std::vector<std::string>{"y = 2", "z = 3", "x = 2", "y = 2", "z = 3",
                                                 "x = 2", "return"}));
  EXPECT_EQ(p.steps().at(1).function, "g (first) > h");
  EXPECT_EQ(p.drop_all("lock"), 0U) << "a label is given in full";
}

TEST(Program, SwapsStepsAndKeepsJumpTargets) {
  P p{"f"};
  const auto target = p.label();
  p.step("a", [](auto&) {});
  p.place(target);
  p.step("b", [](auto&) {});
  p.swap("a", "b");
  p.number_from(10);
  EXPECT_EQ(labels(p), (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(target.pc(), 11U) << "a label marks a place, not a statement";
}

TEST(Program, MovesLabelsOfADroppedStepOn) {
  P p{"f"};
  const auto target = p.label();
  p.step("a", [](auto&) {});
  p.place(target);
  p.step("b", [](auto&) {});
  p.step("c", [](auto&) {});
  p.drop("b");
  p.number_from(1);
  EXPECT_EQ(target.pc(), 2U);
}

TEST(Program, RefusesToDropAJumpTargetAtTheEnd) {
  P p{"f"};
  p.step("a", [](auto&) {});
  p.place(p.label());
  p.step("b", [](auto&) {});
  EXPECT_THROW(p.drop("b"), std::logic_error);
}

TEST(Program, WithoutLocksSaysSoInItsLabels) {
  P p = sample();
  p.without_locks();
  EXPECT_TRUE(p.lockless());
  EXPECT_EQ(labels(p), (std::vector<std::string>{"x = 1", "y = 2", "(no lock); kfree(y)"}));
}

TEST(Registry, NamesWhatThereIs) {
  try {
    static_cast<void>(design("ioasid/nothing"));
    FAIL();
  } catch (const UsageError& e) {
    EXPECT_NE(std::string{e.what()}.find("ioasid/plain"), std::string::npos);
  }
  const auto& plain = design("ioasid/plain");
  EXPECT_THROW(static_cast<void>(plain.complete({{"threads", 0}})), UsageError);
  EXPECT_THROW(static_cast<void>(plain.complete({{"spids", 1}})), UsageError);
  EXPECT_THROW(static_cast<void>(plain.concrete({}, "no-such-bug")), UsageError);
}

}  // namespace
}  // namespace iommucheck::model
