// SPDX-License-Identifier: MIT
// What the kernel layer promises in the long run, and assumes: on small designs made for it.
#include <gtest/gtest.h>

#include "checker/liveness/liveness.h"
#include "model/kernel/heap.h"

namespace iommucheck::model {
namespace {

using checker::Assume;
using checker::Verdict;

/// A spinlock, a mutex, and objects that are published and replaced.
class Toy : public Design<Concrete> {
 public:
  using D = Concrete;
  using T = Cpu<D>;
  explicit Toy(const ProcessBounds& bounds)
      : Design(bounds),
        lock(*this, "lock"),
        mutex(*this, "mutex"),
        scope(root()),
        heap(*this, "object", 3),
        published(scope, "published", 3, pointer_to("object")),
        old(scope, "old", process_count(), 3U, pointer_to("object")),
        number(scope, "number", 3) {}
  Spinlock<D> lock;
  Mutex<D> mutex;
  Scope<D> scope;
  Heap<D, HeapObject<D>> heap;
  Var<D> published;
  Array<D, Var<D>> old;
  Var<D> number;
};
using T = Toy::T;
using Build = std::function<void(Toy&)>;

/// The properties that are violated.
std::vector<std::string> violated(const Build& build, const ProcessBounds& bounds, Assume assume) {
  const auto factory = [&]() -> std::unique_ptr<Machine<Concrete>> {
    auto toy = std::make_unique<Toy>(bounds);
    build(*toy);
    toy->complete();
    return toy;
  };
  const auto machine = factory();
  checker::LivenessOptions options;
  options.fairness = assume;
  const auto result = checker::check_liveness(factory, options);
  EXPECT_EQ(result.reason, "");
  std::vector<std::string> names;
  for (const auto& answer : result.answers) {
    if (answer.verdict == Verdict::violated)
      names.push_back(machine->liveness()[answer.property].name);
  }
  return names;
}

using Names = std::vector<std::string>;

void lock_spin(Toy& toy) {
  auto& p = toy.program("f");
  p.step("spin_lock(&lock)", [&](T& t) { t.lock(toy.lock); });
  p.step("spin_unlock(&lock)", [&](T& t) { t.unlock(toy.lock); });
}
void lock_mutex(Toy& toy) {
  auto& p = toy.program("f");
  p.step("mutex_lock(&mutex)", [&](T& t) { t.lock(toy.mutex); });
  p.step("mutex_unlock(&mutex)", [&](T& t) { t.unlock(toy.mutex); });
}

TEST(KernelLiveness, LocksStarveTheirCallersUnlessTheyAreFair) {
  for (const auto& build : {Build{lock_spin}, Build{lock_mutex}}) {
    EXPECT_EQ(violated(build, {.call_step = true}, Assume::weak), Names{"every-call-returns"});
    EXPECT_EQ(violated(build, {.call_step = true}, Assume::strong), Names{});
    EXPECT_EQ(violated(build, {.threads = 1, .call_step = true}, Assume::weak), Names{});
    EXPECT_EQ(violated(build, {}, Assume::weak), Names{}) << "who waits has not called";
  }
}

TEST(KernelLiveness, ABusyWaitIsNoProgress) {
  const auto wait = [](Toy& toy) {
    auto& p = toy.program("f");
    p.step("while (!number) cpu_relax()",
           [&](T& t) { t.when(toy.number == 0U, [&] { t.again(); }); });
    p.step("return", [](T&) {});
  };
  EXPECT_EQ(violated(wait, {}, Assume::strong), Names{"every-call-returns"});
  const auto set = [&](Toy& toy) {
    wait(toy);
    toy.program("g").step("number = 1", [&](T&) { toy.number = 1; });
  };
  EXPECT_EQ(violated(set, {}, Assume::strong), Names{"every-call-returns"})
      << "nobody has to call g()";
}

/// Replaces the object that is published, and frees the old one later.
Build replace(bool drains) {
  return [=](Toy& toy) {
    auto& w = toy.program("replace");
    w.step("old = published; published = new", [&](T& t) {
      toy.old[t.self()] = toy.published;
      toy.published = toy.heap.kzalloc();
      t.require(toy.published != 0U);
    });
    if (drains) {
      w.step("synchronize_rcu()", [](T& t) { t.synchronize_rcu_begin(); });
      w.step("synchronize_rcu() returns", [](T& t) { t.synchronize_rcu_end(); });
    }
    w.step("free(old)", [&toy, drains](T& t) {
      const Val<Concrete> object = toy.old[t.self()];
      drains ? toy.heap.kfree(object) : toy.heap.kfree_rcu(object);
      toy.old[t.self()] = 0;
    });
    auto& r = toy.program("look");
    r.step("rcu_read_lock()", [](T& t) { t.rcu_read_lock(); });
    r.step("rcu_read_unlock()", [](T& t) { t.rcu_read_unlock(); });
    toy.initial = [&toy] { toy.published = toy.heap.kzalloc(); };
  };
}

/// A thread queues work and waits for it; the worker begins only with `wanted`.
void queue_work(Toy& toy, unsigned wanted) {
  auto& p = toy.program("flush");
  p.step("queue_work()", [&](T&) { toy.number = 1; });
  p.step("flush_work()", [&](T& t) { t.require(toy.number == 0U); });
  toy.worker_program(0, "work").step("the work is done", [&toy, wanted](T& t) {
    t.require(toy.number == wanted);
    toy.number = 0;
  });
}

TEST(KernelLiveness, WorkersBeginWhereThereIsWork) {
  ProcessBounds bounds;
  bounds.threads = 1;
  bounds.workers = {"worker"};
  const Build works = [](Toy& toy) { queue_work(toy, 1); };
  EXPECT_EQ(violated(works, bounds, Assume::weak), Names{});
  const Build waits_for_other_work = [](Toy& toy) { queue_work(toy, 2); };
  EXPECT_EQ(violated(waits_for_other_work, bounds, Assume::weak), Names{"every-call-returns"});
}

TEST(KernelLiveness, GracePeriodsEnd) {
  EXPECT_EQ(violated(replace(true), {}, Assume::weak), Names{});
  EXPECT_EQ(violated(replace(true), {}, Assume::none),
            (Names{"every-call-returns", "every-drain-ends"}));
  for (const bool actor : {false, true}) {
    const ProcessBounds bounds{.rcu_actor = actor};
    EXPECT_EQ(violated(replace(false), bounds, Assume::weak), Names{}) << actor;
    EXPECT_EQ(violated(replace(false), bounds, Assume::none),
              (Names{"every-call-returns", "every-grace-period-ends"}))
        << actor;
  }
}

// Were the actor fair as a whole, it could free one object again and again, and never another one.
TEST(KernelLiveness, TheActorIsFairToEachObject) {
  Toy toy({.rcu_actor = true});
  replace(false)(toy);
  toy.complete();
  const auto assumed = checker::assumed(toy, Assume::weak);
  EXPECT_EQ(assumed.back(),
            "weak fairness of RCU: each object is freed some time after its grace period");
  EXPECT_EQ(toy.processes().back().code->size(), 3U);
  EXPECT_TRUE(toy.fairness().back().each);
}

TEST(KernelLiveness, ADrainHasToSaySo) {
  const auto hidden = [](Toy& toy) {
    auto& p = toy.program("f");
    p.step("synchronize_rcu()", [](T& t) { t.synchronize_rcu_begin(); });
    p.step("wait", [](T& t) { t.synchronize_rcu_end(); });
  };
  EXPECT_THROW((void)violated(hidden, {}, Assume::weak), std::logic_error);
}

TEST(KernelLiveness, ACallStepComesBeforeTheFirstOneAndIsNoJumpTarget) {
  Toy toy({.call_step = true});
  auto& p = toy.program("f");
  const auto again = p.label();
  p.place(again);
  p.step("spin_lock(&lock)", [](T&) {});
  p.step("two", [=](T& t) { t.jump(again); });
  auto& q = toy.program("g");
  q.arguments([](T&) {});
  q.step("spin_lock(&lock) of what I hold", [](T&) {});
  toy.program("h").step("no lock", [](T&) {});
  toy.complete();
  const Code& code = *toy.processes()[0].code;
  ASSERT_EQ(code.size(), 5U);
  EXPECT_EQ(code[0].label, "called");
  EXPECT_TRUE(code[0].entry);
  EXPECT_FALSE(code[1].entry);
  EXPECT_EQ(again.pc(), 2U);
  EXPECT_EQ(code[3].label, "spin_lock(&lock) of what I hold")
      << "it chooses its arguments when it can begin";
  EXPECT_TRUE(code[3].entry);
  EXPECT_EQ(code[4].label, "no lock");
}

}  // namespace
}  // namespace iommucheck::model
