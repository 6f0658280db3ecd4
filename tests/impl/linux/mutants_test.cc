// SPDX-License-Identifier: MIT
// Mutants of a text that looks like the kernel's, and patches to a small tree.
#include "impl/linux/mutants.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <set>

#include "impl/linux/error.h"
#include "impl/linux/patch.h"

namespace iommucheck::linux_harness {
namespace {

namespace fs = std::filesystem;

constexpr const char* kText = R"(static DEFINE_SPINLOCK(table_lock);

void add(struct thing *thing,
	 unsigned int id)
{
	spin_lock(&table_lock);
	thing->id = id;
	rcu_assign_pointer(table[id], thing);
	refcount_inc(&thing->users);
	spin_unlock(&table_lock);
}

int del(unsigned int id)
{
	struct thing *thing;

	spin_lock(&table_lock);
	thing = table[id];
	if (!thing)
		goto out;
	table[id] = NULL;
	kfree_rcu(thing, rcu);
out:
	spin_unlock(&table_lock);
	synchronize_rcu();
	kfree(spare);
	return 0;
}

int find(unsigned int id)
{
	int found;

	rcu_read_lock();
	found = rcu_dereference(table[id]) != NULL;
	rcu_read_unlock();
	return found;
}
)";

std::string line(const std::string& text, unsigned number) {
  std::size_t at = 0;
  while (--number > 0) at = text.find('\n', at) + 1;
  return text.substr(at, text.find('\n', at) - at);
}

TEST(Mutants, EachKindFindsItsPlaces) {
  std::map<std::string, std::vector<Mutant>> found;
  const auto mutants = derive_mutants(kText);
  for (const Mutant& mutant : mutants) found[mutant.kind].push_back(mutant);
  for (const std::string& kind : mutant_kinds()) EXPECT_FALSE(found[kind].empty()) << kind;
  for (const Mutant& mutant : mutants) {
    EXPECT_NE(mutant.text, kText) << mutant.kind;
    EXPECT_EQ(std::count(mutant.text.begin(), mutant.text.end(), '\n'),
              std::count(kText, kText + std::char_traits<char>::length(kText), '\n'))
        << "lines keep their numbers";
  }
  ASSERT_EQ(found["drop-lock"].size(), 2U);
  EXPECT_EQ(found["drop-lock"][0].function, "add");
  EXPECT_EQ(line(found["drop-lock"][0].text, 6), ";");
  EXPECT_EQ(line(found["drop-lock"][0].text, 10), ";");
  EXPECT_EQ(line(found["drop-lock"][0].text, 17), "\tspin_lock(&table_lock);")
      << "the other function";
  ASSERT_EQ(found["early-unlock"].size(), 2U);
  EXPECT_EQ(line(found["early-unlock"][1].text, 22),
            "{ spin_unlock(&table_lock); kfree_rcu(thing, rcu); spin_lock(&table_lock); }")
      << "past the label";
  ASSERT_EQ(found["no-grace-period"].size(), 1U);
  EXPECT_EQ(line(found["no-grace-period"][0].text, 22), "\tkfree(thing);");
  ASSERT_EQ(found["early-publication"].size(), 1U);
  EXPECT_EQ(line(found["early-publication"][0].text, 8), "\tthing->id = id;");
  ASSERT_EQ(found["plain-publication"].size(), 1U);
  EXPECT_EQ(line(found["plain-publication"][0].text, 8),
            "(table[id]) = (__force typeof(table[id]))( thing);");
  ASSERT_EQ(found["drop-reader"].size(), 1U);
  EXPECT_EQ(found["drop-reader"][0].line, 34U);
  EXPECT_EQ(found["drop-cleanup"].size(), 1U);
}

TEST(Mutants, TheirLinesAreMarked) {
  const auto mutants = derive_mutants(kText);
  std::set<unsigned> changed;
  for (const Mutant& mutant : mutants) {
    std::vector<unsigned> differ;
    for (unsigned i = 1; i <= 38; ++i) {
      if (line(mutant.text, i) != line(kText, i)) differ.push_back(i);
    }
    EXPECT_EQ(mutant.lines, differ) << mutant.kind;
    changed.insert(differ.begin(), differ.end());
  }
  const std::string marked = with_marks(kText, mutants);
  for (unsigned i = 1; i <= 38; ++i) {
    std::string expected = line(kText, i);
    if (changed.contains(i)) {
      expected = "{ __asm__ volatile(\"movb $1, kh_reached+" + std::to_string(i) + "(%rip)\"); " +
                 expected.substr(1) + " }";
    }
    EXPECT_EQ(line(marked, i), expected);
  }
}

class PatchTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "iommucheck-patch-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    fs::create_directories(folder_ / "tree/drivers/iommu");
    write_file(folder_ / "tree/drivers/iommu/file.c", "one\ntwo\nthree\n");
    tree_.root = tree_.origin = folder_ / "tree";
    tree_.version = "6.1.0";
    tree_.key = "0123456789abcdef";
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string apply(const std::string& text) {
    write_file(folder_ / "change.patch", text);
    Cache cache{folder_ / "cache"};
    return apply_patch(cache, tree_, folder_ / "change.patch").at("drivers/iommu/file.c");
  }
  void expect_refused(const std::string& text, const std::string& words) {
    try {
      apply(text);
      ADD_FAILURE() << "it was taken: " << text;
    } catch (const HarnessError& error) {
      EXPECT_NE(std::string{error.what()}.find(words), std::string::npos) << error.what();
    }
    EXPECT_EQ(read_file(folder_ / "tree/drivers/iommu/file.c"), "one\ntwo\nthree\n");
  }

  fs::path folder_;
  SourceTree tree_;
};

constexpr const char* kHead = "--- a/drivers/iommu/file.c\n+++ b/drivers/iommu/file.c\n";

TEST_F(PatchTest, IsAppliedToACopy) {
  EXPECT_EQ(apply(std::string{kHead} + "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"),
            "one\n2\nthree\n");
  EXPECT_EQ(read_file(folder_ / "tree/drivers/iommu/file.c"), "one\ntwo\nthree\n");
}

TEST_F(PatchTest, ThatDoesNotApplyIsRefused) {
  expect_refused(std::string{kHead} + "@@ -1,3 +1,3 @@\n one\n-four\n+2\n three\n",
                 "does not apply");
  expect_refused("some text\n", "is no patch");
  expect_refused("--- a/../outside\n+++ b/../outside\n@@ -1 +1 @@\n-a\n+b\n",
                 "outside of the tree");
  Cache cache{folder_ / "cache"};
  EXPECT_THROW(apply_patch(cache, tree_, folder_ / "none"), HarnessError);
}

}  // namespace
}  // namespace iommucheck::linux_harness
