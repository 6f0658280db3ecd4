// SPDX-License-Identifier: MIT
// Errors of the tree loader say what happened and what to do; the cache never keeps half an entry.
#include "impl/linux/tree.h"

#include <gtest/gtest.h>

#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "impl/linux/error.h"
#include "impl/linux/ioasid.h"
#include "impl/linux/overlay.h"
#include "impl/linux/prepare.h"
#include "impl/linux/process.h"

namespace iommucheck::linux_harness {
namespace {

namespace fs = std::filesystem;

/// A directory of its own for each test, removed at the end.
class TreeTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "iommucheck-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const fs::path& file, std::string_view text) const {
    fs::create_directories((folder_ / file).parent_path());
    write_file(folder_ / file, text);
  }

  /// What a kernel tree is recognised by, and nothing else.
  fs::path small_tree(std::string_view version = "6\nPATCHLEVEL = 12\nSUBLEVEL = 3") const {
    write("tree/Makefile", "# x\nVERSION = " + std::string{version} + "\n");
    write("tree/Kconfig", "");
    write("tree/Kbuild", "");
    write("tree/scripts/config", "");
    write("tree/include/linux/list.h", "// a list\n");
    write("tree/arch/um/Makefile", "");
    return folder_ / "tree";
  }

  template <class Function>
  static std::string message_of(Function&& function) {
    try {
      function();
    } catch (const HarnessError& error) {
      return error.what();
    }
    return "no error";
  }

  static void expect_words(const std::string& text, std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words) {
      EXPECT_NE(text.find(word), std::string::npos) << "no \"" << word << "\" in:\n" << text;
    }
  }

  fs::path folder_;
};

TEST_F(TreeTest, missing_package_says_what_to_install) {
  Cache cache{folder_ / "cache"};
  const std::string text =
      message_of([&] { open_package(cache, "linux-source-9.9", folder_ / "usr"); });
  expect_words(text, {"linux-source-9.9", "not installed", "apt-get install linux-source-9.9"});
}

TEST_F(TreeTest, a_package_name_is_no_path) {
  Cache cache{folder_ / "cache"};
  small_tree();
  fs::create_directories(folder_ / "usr");
  expect_words(message_of([&] { open_package(cache, "../tree", folder_ / "usr"); }),
               {"not installed"});
  expect_words(message_of([&] { open_package(cache, "", folder_ / "usr"); }), {"not installed"});
}

TEST_F(TreeTest, missing_directory) {
  Cache cache{folder_ / "cache"};
  expect_words(message_of([&] { open_tree(cache, folder_ / "nowhere"); }),
               {"no directory", "nowhere", "--tree"});
}

TEST_F(TreeTest, a_directory_that_is_no_kernel) {
  Cache cache{folder_ / "cache"};
  fs::create_directories(folder_ / "other");
  expect_words(message_of([&] { open_tree(cache, folder_ / "other"); }),
               {"no complete kernel source tree", "Makefile"});
  fs::remove_all(small_tree() / "arch");
  expect_words(message_of([&] { open_tree(cache, folder_ / "tree"); }), {"arch/um is missing"});
}

TEST_F(TreeTest, a_kernel_without_ioasid) {
  Cache cache{folder_ / "cache"};
  const fs::path tree = small_tree();
  EXPECT_EQ(open_tree(cache, tree).version, "6.12.3");
  expect_words(message_of([&] { build_ioasid_tree(cache, tree); }),
               {"Linux 6.12.3", "drivers/iommu/ioasid.c", "linux-source-6.1"});
}

TEST_F(TreeTest, an_ioasid_with_another_interface) {
  Cache cache{folder_ / "cache"};
  const fs::path tree = small_tree();
  write("tree/drivers/iommu/ioasid.c", "int ioasid_alloc(void)\n{\n}\nvoid ioasid_free(int);\n");
  expect_words(message_of([&] { build_ioasid_tree(cache, tree); }),
               {"does not define ioasid_free", "5.18"});
}

TEST_F(TreeTest, a_damaged_archive) {
  Cache cache{folder_ / "cache"};
  write("usr/linux-source-6.1.tar.xz", "this is no archive");
  expect_words(message_of([&] { open_package(cache, "linux-source-6.1", folder_ / "usr"); }),
               {"cannot unpack", "apt-get install --reinstall linux-source-6.1"});
  for (const auto& file : fs::directory_iterator(folder_ / "cache")) {
    EXPECT_EQ(file.path().filename(), "lock");
  }
}

TEST_F(TreeTest, a_cache_that_cannot_be_made) {
  write("file", "");
  expect_words(message_of([&] { Cache cache{folder_ / "file" / "cache"}; }),
               {"cannot use the cache directory", "IOMMUCHECK_CACHE"});
}

TEST_F(TreeTest, an_unwritable_cache) {
  if (geteuid() == 0) GTEST_SKIP() << "skipped: root may write everywhere";
  fs::create_directories(folder_ / "cache");
  fs::permissions(folder_ / "cache", fs::perms::owner_read | fs::perms::owner_exec);
  expect_words(message_of([&] { Cache cache{folder_ / "cache"}; }), {"IOMMUCHECK_CACHE"});
}

TEST_F(TreeTest, a_full_disk) {
  const fs::path disk = folder_ / "disk";
  fs::create_directories(disk);
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=512k") != 0)
    GTEST_SKIP() << "skipped: only root may mount a small disk";
  const std::string message = message_of([&] {
    Cache cache{disk / "cache"};
    cache.entry("thing", "0123456789abcdef",
                [](const fs::path& into) { write_file(into / "much", std::string(1 << 20, 'x')); });
  });
  std::uintmax_t left = 0;
  for (const auto& file : fs::recursive_directory_iterator{disk / "cache"})
    left += file.is_regular_file() ? file.file_size() : 0;
  EXPECT_EQ(umount(disk.c_str()), 0);
  expect_words(message, {"disk", "is full", "much", "IOMMUCHECK_CACHE"});
  EXPECT_EQ(left, 0U) << "what did not fit stays";
}

TEST_F(TreeTest, an_interrupted_entry_is_not_taken_for_a_good_one) {
  const fs::path directory = folder_ / "cache";
  {
    Cache cache{directory};
    EXPECT_THROW(cache.entry("thing", "0123456789abcdef",
                             [](const fs::path& into) {
                               write_file(into / "half", "half");
                               throw HarnessError("interrupted", "", "");
                             }),
                 HarnessError);
  }
  // What a killed process leaves:
  fs::create_directories(directory / "unfinished-thing");
  Cache cache{directory};
  EXPECT_FALSE(fs::exists(directory / "unfinished-thing"));
  const fs::path entry = cache.entry("thing", "0123456789abcdef", [](const fs::path& into) {
    EXPECT_TRUE(fs::is_empty(into));
    write_file(into / "whole", "whole");
  });
  EXPECT_EQ(read_file(entry / "whole"), "whole");
  // A new state of the same thing replaces the old one; other things stay.
  cache.entry("thing-two", "0123456789abcdef", [](const fs::path&) {});
  cache.entry("thing", "fedcba9876543210", [](const fs::path&) {});
  EXPECT_FALSE(fs::exists(entry));
  EXPECT_TRUE(fs::exists(directory / "thing-two-0123456789abcdef"));
}

TEST_F(TreeTest, a_tree_built_in_place_is_seen_through_links) {
  Cache cache{folder_ / "cache"};
  const fs::path tree = small_tree();
  write("tree/.config", "CONFIG_X86=y\n");
  write("tree/include/config/X86", "");
  write("tree/include/generated/autoconf.h", "");
  write("tree/arch/x86/include/generated/asm/x.h", "");
  write("tree/scripts/basic/fixdep", "");
  write("tree/scripts/basic/.fixdep.cmd", "");
  write("tree/scripts/basic/fixdep.c", "");
  write("tree/lib/xarray.c", "");
  write("tree/lib/xarray.o", "");
  const SourceTree seen = open_tree(cache, tree);
  EXPECT_NE(seen.root, fs::canonical(tree));
  EXPECT_EQ(seen.origin, tree);
  EXPECT_FALSE(is_built_in_place(seen.root));
  EXPECT_TRUE(fs::exists(seen.root / "lib/xarray.c"));
  EXPECT_TRUE(fs::exists(seen.root / "scripts/basic/fixdep.c"));
  for (const char* product : {"lib/xarray.o", "scripts/basic/fixdep", "include/generated",
                              "arch/x86/include/generated"}) {
    EXPECT_FALSE(fs::exists(seen.root / product)) << product;
  }
  // Edits show through; a new file makes new links.
  write("tree/include/linux/list.h", "// edited\n");
  EXPECT_EQ(read_file(open_tree(cache, tree).root / "include/linux/list.h"), "// edited\n");
  write("tree/lib/new.c", "");
  EXPECT_TRUE(fs::exists(open_tree(cache, tree).root / "lib/new.c"));
}

TEST(Commands, are_split_as_kbuild_quotes_them) {
  const std::vector<std::string> expected{"gcc", "-DNAME=\"a b\"", "-I", "x y", "z"};
  EXPECT_EQ(split_command("gcc  -DNAME='\"a b\"' -I \"x y\" \\z "), expected);
}

TEST(Processes, pass_arguments_literally) {
  EXPECT_EQ(run({"printf", "%s", "$(touch x); `y` 'z'"}).output, "$(touch x); `y` 'z'");
  EXPECT_EQ(run({"false"}).status, 1);
  EXPECT_EQ(run({"pwd"}, "/").output, "/\n");
  EXPECT_THROW(run({"no-such-program-here"}), HarnessError);
  EXPECT_THROW(require_programs({"gcc", "no-such-program-here"}), HarnessError);
}

}  // namespace
}  // namespace iommucheck::linux_harness
