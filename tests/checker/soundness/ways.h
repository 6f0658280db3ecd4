// SPDX-License-Identifier: MIT
// Every way in which the explicit engine can be asked, and that each gives the right answer.
#ifndef IOMMUCHECK_TESTS_CHECKER_SOUNDNESS_WAYS_H
#define IOMMUCHECK_TESTS_CHECKER_SOUNDNESS_WAYS_H

#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>

#include "checker/compiled/compile.h"
#include "checker/explicit/explicit.h"
#include "tests/checker/soundness/models.h"

namespace iommucheck::checker::soundness {

/// A directory for journals and for compiled code, removed at the end.
class Ways : public testing::Test {
 protected:
  Ways() {
    std::string name = (std::filesystem::temp_directory_path() / "iommucheck-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = name;
    setenv("XDG_CACHE_HOME", name.c_str(), 1);
  }
  ~Ways() override {
    unsetenv("XDG_CACHE_HOME");
    std::filesystem::remove_all(directory_);
  }

  /// Jobs, executed or compiled steps, what is kept, a large or a tiny table, without a journal,
  /// with one, and from one that is there, and the visited set on disk.
  template <template <class> class Model, class... Args>
  void expect(const Right& right, const Options& base, const Args&... args) {
    const ConcreteFactory concrete = [=] { return std::make_unique<Model<Concrete>>(args...); };
    const CompiledSteps code =
        compile_steps([=] { return std::make_unique<Model<Symbolic>>(args...); });
    for (const unsigned jobs : {1U, 2U}) {
      for (const bool compiled : {false, true}) {
        for (const Kept kept : {Kept::states, Kept::fingerprints}) {
          for (const unsigned journal : {0U, 1U, 2U, kDisk}) {
            SCOPED_TRACE(fmt::format("jobs {}, {}, {}, journal {}", jobs,
                                     compiled ? "compiled" : "executed",
                                     kept == Kept::states ? "states" : "fingerprints", journal));
            Options options = base;
            options.jobs = jobs;
            options.kept = kept;
            options.initial_slots = journal == 0 ? 1 : 1U << 16;
            if (compiled) {
              // NOLINTNEXTLINE(performance-no-automatic-move): the next way needs it, too
              options.compile = [&] { return code; };
              options.compile_after = 0;
            }
            const bool on_disk = journal == kDisk || (journal == 2 && compiled);
            if (on_disk) options.disk = directory_.string();
            options.spill_keys = on_disk ? 1 : 0;
            if (journal == 1 || journal == 2) options.journal = (directory_ / "journal").string();
            options.resume = journal == 2;
            const Exploration e = explore(concrete, options);
            expect_right(right, e);
            EXPECT_EQ(e.compiled, compiled) << e.not_compiled;
            EXPECT_EQ(e.exact, kept == Kept::states);
            if (e.path) {
              std::string why;
              EXPECT_TRUE(replays(*concrete(), *e.path, &why)) << why;
            }
            if (journal == 2) std::filesystem::remove_all(directory_ / "journal");
          }
        }
      }
    }
  }

  static constexpr unsigned kDisk = 3;

  static void expect_right(const Right& right, const Exploration& e) {
    EXPECT_EQ(e.verdict, right.verdict) << e.reason;
    EXPECT_EQ(e.states, right.states);
    EXPECT_EQ(e.transitions, right.transitions);
    EXPECT_EQ(e.depth, right.depth);
    EXPECT_EQ(e.levels.size(), right.depth + 1);
    EXPECT_EQ(std::accumulate(e.levels.begin(), e.levels.end(), std::uint64_t{0}), right.states);
    ASSERT_EQ(e.path.has_value(), right.path.has_value());
    if (right.path) {
      EXPECT_EQ(e.path->steps.size(), *right.path);
    }
  }

  std::filesystem::path directory_;
};

}  // namespace iommucheck::checker::soundness

#endif  // IOMMUCHECK_TESTS_CHECKER_SOUNDNESS_WAYS_H
