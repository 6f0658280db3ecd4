// SPDX-License-Identifier: MIT
// The design dma-resv/fences against Debian's own dma-resv.c of 6.12: the same calls by the same
// threads have the same outcomes, in the model under every interleaving of its steps and in the
// code under every schedule.
#include <gtest/gtest.h>

#include <map>

#include "model/dma_resv/fences.h"
#include "tests/impl/linux/script.h"

namespace iommucheck::linux_harness {

/// A call of glue/target_dma_resv.c.
struct FenceStep {
  enum class What { write, signal, walk } what{};
  bool inner = false;
};

using FenceScript = Script<FenceStep>;

/// dma-resv/fences with threads that make the calls of a script.  An engine keeps a reference on
/// its fence until it has signaled it.
class ScriptedFences : public Scripted<model::DmaResvFences<Concrete>, FenceStep> {
 public:
  using Base = Scripted<model::DmaResvFences<Concrete>, FenceStep>;
  using Edit = std::function<void(ScriptedFences&)>;

  ScriptedFences(const FenceScript& script, const Edit& change)
      : Base{script, bounds_of(script)},
        works_{this->root(), "script.works", b.objects(), b.objects()},
        seen_{this->root(), "script.seen", process_count(), b.objects()} {
    auto& add = edit("dma_resv_add_fence");
    add.arguments([this](T& t) { turn(t, What::write); });
    add.insert_before("dma_resv_unlock(obj)", "an engine begins", [this](T& t) {
      const unsigned fence = local(t).fence.value().word();
      if (fence == 0) throw std::logic_error{"the list is meant to have room"};
      unsigned last = 0;
      while (works_[last].value().word() != 0) ++last;
      works_[last] = fence;
      dma_fence.at(V(fence)).refcount.inc();
      answers(t, What::write, 0);
    });
    auto& walk = edit("dma_resv_iter_walk_unlocked");
    walk.arguments([this](T& t) { turn(t, What::walk); });
    walk.insert_before("cursor->num_fences = cursor->fences->num_fences", "from the beginning",
                       [this](T& t) { seen_[t.self()] = 0; });
    walk.insert_before("dma_fence_is_signaled(cursor->fence)", "it is seen", [this](T& t) {
      const bool done = B(dma_fence.at(local(t).fence).signaled).bit();
      if (!done) seen_[t.self()] += 1;
    });
    walk.insert_before("rcu_read_unlock()", "the walk is over", [this](T& t) {
      answers(t, What::walk, seen_[t.self()].value().word());
      seen_[t.self()] = 0;
    });
    auto& signal = edit("dma_fence_signal");
    signal.arguments([this](T& t) { turn(t, What::signal); });
    signal.begin_anew();
    signal.step("the oldest work is done", [this](T& t) {
      const unsigned fence = works_[0U].value().word();
      if (fence == 0) {
        answers_not_made(t);
        t.ret();
        return;
      }
      for (unsigned i = 0; i + 1 < b.objects(); ++i) works_[i] = works_[i + 1].value();
      works_[b.objects() - 1] = 0;
      local(t).fence = fence;
    });
    signal.step("set_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags)",
                [this](T& t) { dma_fence.at(local(t).fence).signaled = true; });
    signal.step("dma_fence_put(fence), by the engine", [this](T& t) {
      put(t, local(t).fence);
      answers(t, What::signal, 0);
    });
    if (change) change(*this);
    complete();
  }

 private:
  using B = Bool<Concrete>;

  static model::FenceBounds bounds_of(const FenceScript& script) {
    model::FenceBounds bounds;
    bounds.threads = static_cast<unsigned>(script.threads.size());
    bounds.threads_told_apart = true;
    bounds.fences = 0;
    for (const auto& thread : script.threads)
      bounds.fences +=
          static_cast<unsigned>(std::ranges::count(thread, What::write, &FenceStep::what));
    return bounds;
  }
  std::string text_of(unsigned code) const override { return std::to_string(code); }

  Array<Concrete, Var<Concrete>> works_, seen_;
};

namespace {

FenceScript script_of(const Scenario& scenario) {
  using What = FenceStep::What;
  static const std::map<std::string, What> kinds{{"write", What::write},
                                                 {"read", What::write},
                                                 {"signal", What::signal},
                                                 {"walk", What::walk}};
  return script_with<FenceStep>(
      scenario, [](const std::string& call) { return FenceStep{.what = kinds.at(call)}; });
}

class DmaResvOutcomesTest : public OnTarget<dma_resv_target> {
 protected:
  static std::set<Answers> in_the_model(const Scenario& one, const ScriptedFences::Edit& change) {
    ScriptedFences machine{script_of(one), change};
    return all_outcomes<Answers>(machine, static_cast<bool>(change));
  }
  static std::set<Answers> in_the_code(const Scenario& one) {
    const Exploration explored = kernel_->explore(one, {});
    EXPECT_TRUE(explored.exhausted);
    return outcomes_in_the_code(one, explored);
  }
};

// Fences for reading and for writing are the same to the design; the code looks for both.
TEST_F(DmaResvOutcomesTest, OfTheDesignAndOfTheCodeAreTheSame) {
  std::size_t outcomes = 0;
  for (const auto& [setup, threads] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"", {"write walk", "write walk"}},
           {"", {"write", "walk walk"}},
           {"write", {"write", "walk walk"}},
           {"write read", {"signal signal", "walk walk"}},
           {"write read", {"signal", "signal", "walk"}},
           {"write signal", {"write", "walk walk"}},
           {"write", {"signal write", "walk walk"}},
           {"write read", {"signal write", "walk"}},
           {"write", {"signal", "write", "walk"}},
       }) {
    SCOPED_TRACE(setup + "; " + threads.front() + " || " + threads.back());
    const Scenario one = linux_harness::scenario("test", "", setup, threads);
    const auto code = in_the_code(one);
    EXPECT_EQ(in_the_model(one, {}), code);
    outcomes += code.size();
  }
  std::printf("%zu outcomes\n", outcomes);
  EXPECT_GT(outcomes, 20U);
}

TEST_F(DmaResvOutcomesTest, OfADesignWithAMistakeAreNot) {
  const auto differs = [](const std::string& setup, const std::vector<std::string>& threads,
                          const ScriptedFences::Edit& mistake) {
    const Scenario one = linux_harness::scenario("test", "", setup, threads);
    return in_the_model(one, mistake) != in_the_code(one);
  };
  EXPECT_FALSE(differs("write signal", {"write", "walk"}, [](auto&) {}));
  EXPECT_TRUE(differs("write", {"signal", "walk"}, [](ScriptedFences& design) {
    design.edit("dma_fence_signal")
        .replace("set_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags)", "(forgotten)",
                 [](auto&) {});
  }));
  EXPECT_TRUE(differs("write", {"write", "walk"}, [](ScriptedFences& design) {
    design.edit("dma_resv_add_fence")
        .replace("fobj->num_fences = count", "(the count stays)", [](auto&) {});
  }));
}

}  // namespace
}  // namespace iommucheck::linux_harness
