// SPDX-License-Identifier: MIT
// Functions and statements are found in a file of the kernel's style, and nothing that is none.
#include "impl/linux/source_functions.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "impl/linux/cache.h"

namespace iommucheck::linux_harness {
namespace {

namespace fs = std::filesystem;

// Ours, in the kernel's style.
constexpr const char* kKernelStyle = R"(static int declared(int);

#define MACRO(x) (x)

static int
second_line(struct thing *t, int flags)
{
	mutex_lock(&t->lock);
	if (!t->users)
		goto out;
	t->users--;
	kfree(t->what,
	      flags);
out:
	mutex_unlock(&t->lock);
	return 0;
}

int declared(int a)
{
	mutex_lock(&other);
	return second_line(NULL, a);
	mutex_lock(&other);
}
)";

class SourceFunctionsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "iommucheck-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    tree_.root = name;
    write_file(tree_.root / "a.c", kKernelStyle);
    write_file(tree_.root / "b.c", "int declared(int a)\n{\n\tother();\n}\n");
    functions_ = std::make_unique<SourceFunctions>(
        tree_, std::vector<std::string>{"missing.c", "a.c", "b.c"});
  }
  void TearDown() override { fs::remove_all(tree_.root); }

  Place at(const std::string& function, const std::string& label, unsigned after = 0) const {
    return find_statement(*functions_->find(function), label, after);
  }

  SourceTree tree_;
  std::unique_ptr<SourceFunctions> functions_;
};

TEST_F(SourceFunctionsTest, DefinitionsAreFoundInTheFirstFileThatHasThem) {
  ASSERT_NE(functions_->find("second_line"), nullptr);
  EXPECT_EQ(functions_->find("second_line")->line, 6U);
  ASSERT_NE(functions_->find("declared"), nullptr);
  EXPECT_EQ(functions_->find("declared")->file, "a.c");
  EXPECT_EQ(functions_->find("declared")->line, 19U) << "not the prototype";
  for (const char* none : {"MACRO", "kfree", "mutex_lock", "missing"})
    EXPECT_EQ(functions_->find(none), nullptr) << none;
}

TEST_F(SourceFunctionsTest, StatementsAreFoundByTheirText) {
  EXPECT_EQ(at("second_line", "mutex_lock(&t->lock)").line, 8U);
  EXPECT_EQ(at("second_line", "kfree(t->what, flags)").line, 12U) << "over two lines";
  EXPECT_EQ(at("second_line", "out: mutex_unlock(&t->lock)").line, 14U);
  EXPECT_EQ(at("second_line", "t->users--; something else").line, 11U) << "one of two statements";
  EXPECT_EQ(at("second_line", "mutex_lock(&t->lock)").match, Match::statement);
}

TEST_F(SourceFunctionsTest, TheNextOneIsFoundBehindTheLastOne) {
  EXPECT_EQ(at("declared", "mutex_lock(&other)").line, 21U);
  EXPECT_EQ(at("declared", "mutex_lock(&other)", 21).line, 23U);
  EXPECT_EQ(at("declared", "mutex_lock(&other)", 23).line, 21U) << "there is none behind it";
}

TEST_F(SourceFunctionsTest, OtherwiseByCallsByNamesOrNotAtAll) {
  const Place called = at("second_line", "kfree(another)");
  EXPECT_EQ(called.match, Match::called);
  EXPECT_EQ(called.line, 12U);
  const Place named = at("second_line", "users of t");
  EXPECT_EQ(named.match, Match::named);
  EXPECT_EQ(named.line, 9U);
  const Place inside = at("second_line", "it rains");
  EXPECT_EQ(inside.match, Match::function);
  EXPECT_EQ(inside.line, 6U);
}

}  // namespace
}  // namespace iommucheck::linux_harness
