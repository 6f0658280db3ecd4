// SPDX-License-Identifier: MIT
// The design iopf/queue against Debian's own io-pgfault.c of 6.12: the same calls by the same
// threads have the same outcomes, in the model under every interleaving of its steps and in the
// code under every schedule.
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "model/iopf/queue.h"
#include "tests/impl/linux/script.h"

namespace iommucheck::linux_harness {

struct PageFaultStep {
  enum class What { join, leave, fault, partial, stray, answers } what{};
  unsigned group = 0;  ///< of page requests: each last one ends a group of its own
  bool inner = false;
};

using PageFaultScript = Script<PageFaultStep>;

/// glue/target_iopf.c: the driver is in join0 and leave0, and hands requests to the core one at a
/// time.
class ScriptedQueue : public Scripted<model::IopfQueue<Concrete>, PageFaultStep> {
 public:
  using Base = Scripted<model::IopfQueue<Concrete>, PageFaultStep>;
  using Edit = std::function<void(ScriptedQueue&)>;

  /// `failures`: allocations fail, or not, once the set-up is made.
  ScriptedQueue(const PageFaultScript& script, bool failures, const Edit& change)
      : Base{script, bounds_of(script, failures)},
        scope_{this->root()},
        prq_lock_{*this, "prq_lock"},
        refused_{scope_, "script.refused", 1U},
        successes_{scope_, "script.successes", b.requests},
        others_{scope_, "script.others", b.requests} {
    edit("iopf_queue_add_device").arguments([this](T& t) {
      begin(t, What::join, model::Attachment::off);
    });
    edit("iopf_queue_remove_device").arguments([this](T& t) {
      begin(t, What::leave, model::Attachment::on);
    });
    // The device is not on the queue, or is already.
    instead_of_a_call("join (not made)", What::join, [this](T& t) {
      t.require(attachment == model::Attachment::on);
      answers_not_made(t);
    });
    instead_of_a_call("leave (not made)", What::leave, [this](T& t) {
      t.require(attachment == model::Attachment::off);
      answers_not_made(t);
    });
    // The target's driver takes the lock of its thread to turn page requests off.
    auto& leave = edit("iopf_queue_remove_device");
    leave.insert_before("page requests are disabled", "mutex_lock(&prq_lock)",
                        [this](T& t) { t.lock(prq_lock_); });
    leave.insert_after("page requests are disabled", "mutex_unlock(&prq_lock)",
                       [this](T& t) { t.unlock(prq_lock_); });
    for (const auto& [name, what] : std::map<const char*, What>{{"page request", What::fault},
                                                                {"first request", What::partial},
                                                                {"stray request", What::stray}})
      add_request(name, what);
    instead_of_a_call("look at the answers", What::answers, [this](T& t) {
      answers(t, What::answers, successes_.value().word() + 10 * others_.value().word());
    });
    edit("iommu_report_device_fault")
        .insert_before("iopf_error_response(dev, evt)", "return -EINVAL",
                       [this](T&) { refused_ = 1; });
    if (change) change(*this);
    complete();
  }

 private:
  static constexpr unsigned kRefused = 200, kNoMemory = 201;

  static model::IopfBounds bounds_of(const PageFaultScript& script, bool failures) {
    model::IopfBounds bounds;
    bounds.failures = failures;
    bounds.threads = static_cast<unsigned>(script.threads.size());
    bounds.threads_told_apart = true;
    for (const auto& thread : script.threads) {
      for (const PageFaultStep& step : thread) {
        bounds.requests = std::max(bounds.requests, step.group + 1);
        if (step.what == What::partial) bounds.partial = true;
      }
    }
    bounds.codes = failures && bounds.partial;
    return bounds;
  }
  void begin(T& t, What what, model::Attachment from) {
    if (turn(t, what) == nullptr) return;
    t.require(attachment == from);
    attachment = model::Attachment::changing;
    answers(t, what, 0);
  }
  /// The device makes it, and the thread waits until the report returns.
  void add_request(const char* name, What what) {
    auto& p = program(name);
    const auto none = p.label();
    p.arguments([this, what](T& t) { turn(t, what); });
    p.step("mutex_lock(&prq_lock)", [this](T& t) { t.lock(prq_lock_); });
    p.step("the device makes the request, if it can", [this, what, none](T& t) {
      const PageFaultStep* step = turn(t, what);
      if (step == nullptr) return;
      if (!B(pri).bit() || (what != What::stray && !B(entry).bit())) {
        answers_not_made(t);
        t.jump(none);
        return;
      }
      refused_ = 0;
      auto&& request = asked[step->group];
      request.stray = what == What::stray;
      request.queued = what == What::partial ? model::Queued::partial : model::Queued::last;
      if (what == What::partial)
        request.begun = 1;
      else
        request.waits = true;
    });
    p.step("the report returns", [this, what](T& t) {
      const PageFaultStep* step = next(t.self());
      if (step == nullptr) return;
      const bool over =
          thread()[prq()].pc.value().word() == 0 && asked[step->group].queued.value().word() == 0;
      context.wait_for(over, 1U << prq());
      const bool forgotten = what == What::partial && asked[step->group].lost.value().word() != 0;
      const bool refused = refused_.value().word() != 0;
      answers(t, what, forgotten ? kNoMemory : refused ? kRefused : 0);
    });
    p.place(none);
    p.step("mutex_unlock(&prq_lock)", [this](T& t) { t.unlock(prq_lock_); });
  }
  void answered(T&, bool success) override { (success ? successes_ : others_) += 1; }
  B sends() const override { return false; }
  std::string text_of(unsigned code) const override {
    return code == kRefused ? "-EINVAL" : code == kNoMemory ? "-ENOMEM" : std::to_string(code);
  }
  Bool<Concrete> no_memory(T& t) const override {
    return in_setup() ? Bool<Concrete>(false) : Base::no_memory(t);
  }

  Scope<Concrete> scope_;
  model::Mutex<Concrete> prq_lock_;
  Var<Concrete> refused_, successes_, others_;
};

namespace {

/// Nothing where two groups would be told apart by their number: the target's have the same.
std::optional<PageFaultScript> script_of(const Scenario& scenario) {
  using What = PageFaultStep::What;
  const std::map<std::string, What> kinds{{"bind0", What::join},       {"join0", What::join},
                                          {"leave0", What::leave},     {"fault0", What::fault},
                                          {"partial0", What::partial}, {"stray0", What::stray},
                                          {"answers0", What::answers}};
  PageFaultScript script;
  script.threads.resize(scenario.threads.size());
  unsigned groups = 0, partial = 0, faults = 0;
  const auto add = [&](std::size_t thread, const TargetCall& call) {
    const auto kind = kinds.find(call.words);
    if (kind == kinds.end()) return false;
    PageFaultStep step{.what = kind->second};
    if (step.what == What::fault || step.what == What::stray) step.group = groups++;
    partial += step.what == What::partial ? 1 : 0;
    faults += step.what == What::fault || step.what == What::stray ? 1 : 0;
    script.threads[thread].push_back(step);
    return true;
  };
  for (const TargetCall& call : scenario.setup) {
    if (!add(0, call)) return {};
    script.setup.push_back(0);
  }
  for (std::size_t i = 0; i < scenario.threads.size(); ++i) {
    for (const TargetCall& call : scenario.threads[i]) {
      if (!add(i, call)) return {};
    }
  }
  if (partial > 1 || (partial == 1 && faults > 1)) return {};
  return script;
}

std::set<Answers> outcomes_in_the_model(const PageFaultScript& script,
                                        const ScriptedQueue::Edit& change = {}) {
  ScriptedQueue machine{script, false, change};
  return all_outcomes<Answers>(machine, static_cast<bool>(change));
}
std::set<Answers> outcomes_without_memory(const PageFaultScript& script) {
  ScriptedQueue machine{script, true, {}};
  return outcomes_where<Answers>(machine, [](const std::string& property, const char* detail) {
    // 6.12 answers for what it has forgotten.
    EXPECT_EQ(property, "success-is-true") << detail;
    return true;
  });
}

class PageFaultOutcomesTest : public OnTarget<iopf_target> {
 protected:
  static std::set<Answers> outcomes_in_the_code(const Scenario& one, bool failures = false) {
    const Exploration explored = kernel_->explore(one, {.failing_allocations = failures});
    EXPECT_TRUE(explored.exhausted);
    EXPECT_TRUE(explored.reports.empty());
    return linux_harness::outcomes_in_the_code(one, explored);
  }
};

TEST_F(PageFaultOutcomesTest, OfTheDesignAndOfTheCodeAreTheSame) {
  for (const auto& [setup, threads] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"bind0", {"fault0", "leave0 answers0"}},
           {"bind0", {"fault0", "answers0 answers0"}},
           {"bind0", {"fault0 answers0", "fault0", "answers0"}},
           {"bind0", {"partial0 fault0", "leave0 answers0"}},
           {"bind0 partial0", {"fault0", "leave0 join0 answers0"}},
           {"bind0", {"leave0 join0", "fault0 fault0 answers0"}},
           {"bind0", {"stray0", "leave0 answers0"}},
           {"bind0", {"stray0 fault0", "leave0 join0 answers0"}},
           {"bind0 leave0", {"join0", "fault0", "answers0"}},
       }) {
    const Scenario one = linux_harness::scenario("test", "", setup, threads);
    std::string name = setup + ";";
    for (const std::string& thread : threads) name += " " + thread + " |";
    SCOPED_TRACE(name);
    const auto script = script_of(one);
    ASSERT_TRUE(script);
    const auto code = outcomes_in_the_code(one);
    EXPECT_EQ(outcomes_in_the_model(*script), code);
    EXPECT_GT(code.size(), 1U);
    std::printf("%s %zu outcomes\n", name.c_str(), code.size());
  }
}

TEST_F(PageFaultOutcomesTest, OfGeneratedPairsAreTheSame) {
  std::size_t compared = 0, outcomes = 0, left_out = 0;
  for (const Scenario& pair :
       combinations({calls("bind0"), calls("bind0 partial0"), calls("bind0 leave0")},
                    calls("fault0 partial0 stray0 join0 leave0"), 2)) {
    SCOPED_TRACE(pair.name + ": " + pair.sentence);
    const Scenario one = observed(pair, {"answers0"});
    const auto script = script_of(one);
    if (!script) {
      ++left_out;
      continue;
    }
    const auto code = outcomes_in_the_code(one);
    EXPECT_EQ(outcomes_in_the_model(*script), code);
    ++compared;
    outcomes += code.size();
  }
  std::printf("%zu pairs, %zu outcomes; %zu with groups of the same number\n", compared, outcomes,
              left_out);
  EXPECT_GT(compared, 25U);
  EXPECT_GT(outcomes, 2 * compared);
}

TEST_F(PageFaultOutcomesTest, OfAllocationsThatFailAreTheSame) {
  for (const std::vector<std::string>& threads :
       std::vector<std::vector<std::string>>{{"fault0", "answers0"},
                                             {"fault0", "fault0"},
                                             {"fault0", "leave0"},
                                             {"partial0 fault0", "answers0"},
                                             {"partial0 fault0", "leave0"}}) {
    const Scenario one =
        observed(linux_harness::scenario("test", "", "bind0", threads), {"answers0"});
    SCOPED_TRACE(threads.front() + " | " + threads.back());
    const auto code = outcomes_in_the_code(one, true);
    EXPECT_EQ(outcomes_without_memory(*script_of(one)), code);
    EXPECT_GT(code.size(), outcomes_in_the_code(one).size());
  }
}

// What `check iopf/queue --codes 1` shows on the design: no memory for the first request of a
// group, and the group is answered with success.
TEST_F(PageFaultOutcomesTest, AForgottenRequestIsAnsweredWithSuccess) {
  const Scenario one =
      linux_harness::scenario("test", "", "bind0", {"partial0 fault0 answers0", "answers0"});
  std::size_t forgotten = 0;
  for (const Answers& answers : outcomes_in_the_code(one, true))
    forgotten += answers.front() == std::vector<std::string>{"-ENOMEM", "0", "1"} ? 1 : 0;
  EXPECT_GT(forgotten, 0U);
}

TEST_F(PageFaultOutcomesTest, OfADesignWithAMistakeAreNot) {
  const auto differs = [](const std::string& setup, const std::vector<std::string>& threads,
                          const ScriptedQueue::Edit& mistake) {
    const Scenario one =
        observed(linux_harness::scenario("test", "", setup, threads), {"answers0"});
    return outcomes_in_the_model(*script_of(one), mistake) != outcomes_in_the_code(one);
  };
  const auto without = [](const char* program, const char* step) {
    return [=](ScriptedQueue& design) {
      design.edit(program).replace(step, "(left out)", [](auto&) {});
    };
  };
  EXPECT_FALSE(differs("bind0", {"fault0", "leave0"}, [](auto&) {}));
  EXPECT_TRUE(differs("bind0", {"fault0", "leave0"},
                      without("iopf_queue_remove_device", "iopf_queue_flush_dev(dev)")));
  EXPECT_TRUE(differs("bind0", {"stray0", "leave0"},
                      without("iommu_report_device_fault", "iopf_error_response(dev, evt)")));
  // The handle goes first, and what is on its way meets none.
  EXPECT_TRUE(differs("bind0", {"fault0", "leave0"}, [](ScriptedQueue& design) {
    auto& leave = design.edit("iopf_queue_remove_device");
    leave.replace("ops->remove_dev_pasid()", "xa_erase(&group->pasid_array, pasid), early",
                  [&design](auto& t) {
                    design.entry = false;
                    design.local(t).attach_handle = design.current_handle;
                    design.current_handle = 0;
                  });
    leave.replace("xa_erase(&group->pasid_array, pasid)", "(it is gone)", [](auto&) {});
  }));
}

}  // namespace
}  // namespace iommucheck::linux_harness
