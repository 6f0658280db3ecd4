// SPDX-License-Identifier: MIT
// Kernel primitives: each detector fires on a small design made for it, and not on the right one.
#include <gtest/gtest.h>

#include <functional>

#include "checker/explicit/explicit.h"
#include "model/kernel/heap.h"
#include "model/kernel/refcount.h"
#include "model/kernel/xarray.h"

namespace iommucheck::model {
namespace {

using checker::Verdict;

template <class D>
struct Object : HeapObject<D> {
  Object(Scope<D> scope, unsigned processes, const Design<D>* design)
      : HeapObject<D>(std::move(scope), processes),
        refs(*this, "refs", *design, 2),
        value(*this, "value", 3) {}
  Refcount<D> refs;
  Var<D> value;
};

/// Two spinlocks, a mutex, a published pointer to heap objects, and a number.
class Toy : public Design<Concrete> {
 public:
  using D = Concrete;
  using T = Cpu<D>;
  explicit Toy(const ProcessBounds& bounds)
      : Design(bounds),
        a(*this, "a"),
        b(*this, "b"),
        m(*this, "m"),
        scope(root()),
        heap(*this, "object", 4, static_cast<const Design<D>*>(this)),
        published(scope, "published", 4, pointer_to("object")),
        number(scope, "number", 3),
        held(scope, "held", process_count(), 4U, pointer_to("object")) {}
  Spinlock<D> a, b;
  Mutex<D> m;
  Scope<D> scope;
  Heap<D, Object<D>> heap;
  Var<D> published, number;
  Array<D, Var<D>> held;  ///< what each process holds
};

using Build = std::function<void(Toy&)>;

struct Answer {
  Verdict verdict;
  std::string property, detail;
  std::size_t steps = 0;
};

Answer run(const Build& build, ProcessBounds bounds = {}) {
  const auto factory = [&]() -> std::unique_ptr<Machine<Concrete>> {
    auto toy = std::make_unique<Toy>(bounds);
    build(*toy);
    toy->complete();
    return toy;
  };
  checker::Options options;
  options.jobs = 1;
  const auto result = checker::explore(factory, options);
  if (!result.path) return {result.verdict, "", "", 0};
  const auto machine = factory();
  return {result.verdict,
          machine->properties().at(static_cast<std::size_t>(result.path->failure.property)).name,
          result.path->failure.detail, result.path->steps.size()};
}

using T = Cpu<Concrete>;

void both_locks(Toy& toy, const char* name, bool reversed) {
  auto& p = toy.program(name);
  auto& first = reversed ? toy.b : toy.a;
  auto& second = reversed ? toy.a : toy.b;
  p.step("lock first", [&](T& t) { t.lock(first); });
  p.step("lock second", [&](T& t) { t.lock(second); });
  p.step("unlock second", [&](T& t) { t.unlock(second); });
  p.step("unlock first", [&](T& t) { t.unlock(first); });
}

TEST(Locks, OneOrderIsFine) {
  EXPECT_EQ(run([](Toy& toy) { both_locks(toy, "f", false); }).verdict, Verdict::holds);
}

TEST(Locks, TwoOrdersDeadlock) {
  const auto answer = run([](Toy& toy) {
    both_locks(toy, "f", false);
    both_locks(toy, "g", true);
  });
  EXPECT_EQ(answer.property, "no-deadlock");
  EXPECT_EQ(answer.steps, 2U);
}

TEST(Locks, ADeadlockIsFoundWhileAThirdThreadRuns) {
  const auto answer = run(
      [](Toy& toy) {
        both_locks(toy, "f", false);
        both_locks(toy, "g", true);
        toy.program("h").step("nothing", [](T&) {});
      },
      {.threads = 3});
  EXPECT_EQ(answer.property, "no-deadlock");
  EXPECT_EQ(answer.steps, 2U);
}

TEST(Locks, ExcludeEachOther) {
  const auto build = [](bool lock) {
    return [lock](Toy& toy) {
      auto& p = toy.program("f");
      p.step("lock", [&toy, lock](T& t) {
        if (lock) t.lock(toy.a);
      });
      p.step("number++", [&toy](T& t) {
        t.fail_unless(toy.number == 0U, toy.locking, "two are inside");
        toy.number = 1;
      });
      p.step("number--", [&toy](T&) { toy.number = 0; });
      p.step("unlock", [&toy, lock](T& t) {
        if (lock) t.unlock(toy.a);
      });
    };
  };
  EXPECT_EQ(run(build(true)).verdict, Verdict::holds);
  EXPECT_EQ(run(build(false)).detail, "two are inside");
}

TEST(Locks, RecursionIsAViolation) {
  const auto answer = run([](Toy& toy) {
    auto& p = toy.program("f");
    p.step("lock", [&](T& t) { t.lock(toy.a); });
    p.step("lock again", [&](T& t) { t.lock(toy.a); });
    p.step("unlock", [&](T& t) { t.unlock(toy.a); });
  });
  EXPECT_EQ(answer.property, "locking");
  EXPECT_EQ(answer.steps, 2U);
}

TEST(Locks, MayNotBeHeldAtReturn) {
  EXPECT_EQ(
      run([](Toy& toy) { toy.program("f").step("lock", [&](T& t) { t.lock(toy.m); }); }).property,
      "locking");
}

TEST(Locks, AreReleasedByTheirHolderOnly) {
  EXPECT_EQ(
      run([](Toy& toy) { toy.program("f").step("unlock", [&](T& t) { t.unlock(toy.m); }); }).detail,
      "a lock is released by a process that does not hold it");
}

TEST(Locks, NobodySleepsInAtomicContext) {
  const auto build = [](bool atomic) {
    return [atomic](Toy& toy) {
      auto& p = toy.program("f");
      p.step("spin_lock", [&toy, atomic](T& t) {
        if (atomic) t.lock(toy.a);
      });
      p.step("mutex_lock", [&toy](T& t) { t.lock(toy.m); });
      p.step("mutex_unlock", [&toy](T& t) { t.unlock(toy.m); });
      p.step("spin_unlock", [&toy, atomic](T& t) {
        if (atomic) t.unlock(toy.a);
      });
    };
  };
  EXPECT_EQ(run(build(false)).verdict, Verdict::holds);
  EXPECT_EQ(run(build(true)).detail, "mutex_lock() in atomic or RCU context");
}

void locked(Toy& toy, Program<Concrete>& p, bool irqsave) {
  p.step("lock", [&toy, irqsave](T& t) { irqsave ? t.lock_irqsave(toy.a) : t.lock(toy.a); });
  p.step("unlock",
         [&toy, irqsave](T& t) { irqsave ? t.unlock_irqrestore(toy.a) : t.unlock(toy.a); });
}

TEST(Interrupts, ALockSharedWithAHandlerNeedsIrqsave) {
  const auto build = [](bool irqsave) {
    return [irqsave](Toy& toy) {
      locked(toy, toy.program("f"), irqsave);
      locked(toy, toy.interrupt_program("handler"), false);
    };
  };
  EXPECT_EQ(run(build(true), {.interrupt = true}).verdict, Verdict::holds);
  EXPECT_EQ(run(build(false), {.interrupt = true}).property, "no-deadlock");
}

TEST(Interrupts, AHandlerMayNotSleep) {
  const auto answer = run(
      [](Toy& toy) {
        auto& p = toy.interrupt_program("handler");
        p.step("mutex_lock", [&](T& t) { t.lock(toy.m); });
        p.step("mutex_unlock", [&](T& t) { t.unlock(toy.m); });
      },
      {.interrupt = true});
  EXPECT_EQ(answer.property, "locking");
}

/// A writer replaces the published object, a reader looks at it.
Build rcu(bool reader_locks, bool writer_waits, bool deferred) {
  return [=](Toy& toy) {
    auto& w = toy.program("replace");
    w.step("spin_lock(&a)", [&](T& t) { t.lock(toy.a); });
    w.step("new = kzalloc()", [&](T& t) {
      toy.held[t.self()] = toy.heap.kzalloc();
      t.require(toy.held[t.self()] != 0U);
    });
    w.step("old = published; published = new", [&](T& t) {
      const Val<Concrete> old = toy.published;
      toy.published = toy.held[t.self()];
      toy.held[t.self()] = old;
    });
    w.step("spin_unlock(&a)", [&](T& t) { t.unlock(toy.a); });
    if (writer_waits) {
      w.step("synchronize_rcu()", [](T& t) { t.synchronize_rcu_begin(); });
      w.step("synchronize_rcu() returns", [](T& t) { t.synchronize_rcu_end(); });
    }
    w.step("free(old)", [&toy, deferred](T& t) {
      const Val<Concrete> old = toy.held[t.self()];
      deferred ? toy.heap.kfree_rcu(old) : toy.heap.kfree(old);
      toy.held[t.self()] = 0;
    });
    auto& r = toy.program("look");
    r.step("rcu_read_lock()", [reader_locks](T& t) {
      if (reader_locks) t.rcu_read_lock();
    });
    r.step("p = published", [&](T& t) { toy.held[t.self()] = toy.published; });
    r.step("*p", [&](T& t) {
      t.when(toy.held[t.self()] != 0U, [&] { toy.heap.touch(toy.held[t.self()]); });
      toy.held[t.self()] = 0;
    });
    r.step("rcu_read_unlock()", [reader_locks](T& t) {
      if (reader_locks) t.rcu_read_unlock();
    });
  };
}

TEST(Rcu, AGracePeriodProtectsReaders) {
  EXPECT_EQ(run(rcu(true, true, false)).verdict, Verdict::holds);
  EXPECT_EQ(run(rcu(true, false, true)).verdict, Verdict::holds);
  EXPECT_EQ(run(rcu(true, false, true), {.rcu_actor = true}).verdict, Verdict::holds);
  EXPECT_EQ(run(rcu(true, true, false), {.threads = 3, .calls = 2}).verdict, Verdict::holds);
}

TEST(Rcu, WithoutAGracePeriodMemoryIsUsedAfterFree) {
  const auto answer = run(rcu(true, false, false));
  EXPECT_EQ(answer.property, "no-use-after-free");
  EXPECT_EQ(answer.detail, "freed memory is accessed");
}

TEST(Rcu, WithoutAReaderTheGracePeriodIsTooShort) {
  EXPECT_EQ(run(rcu(false, true, false)).property, "no-use-after-free");
  EXPECT_EQ(run(rcu(false, false, true)).property, "no-use-after-free");
  EXPECT_EQ(run(rcu(false, false, true), {.rcu_actor = true}).property, "no-use-after-free");
}

TEST(Rcu, FreeingEarlyOrLateShowsTheSameViolation) {
  const auto early = run(rcu(false, false, true));
  const auto late = run(rcu(false, false, true), {.rcu_actor = true});
  EXPECT_EQ(late.steps, early.steps + 1) << "the actor's step";
}

TEST(Rcu, SectionsDoNotEndTwice) {
  EXPECT_EQ(run([](Toy& toy) {
              toy.program("f").step("unlock", [](T& t) { t.rcu_read_unlock(); });
            }).property,
            "locking");
}

TEST(Rcu, NobodyWaitsForHimself) {
  const auto answer = run([](Toy& toy) {
    auto& p = toy.program("f");
    p.step("rcu_read_lock()", [](T& t) { t.rcu_read_lock(); });
    p.step("synchronize_rcu()", [](T& t) { t.synchronize_rcu_begin(); });
    p.step("rcu_read_unlock()", [](T& t) { t.rcu_read_unlock(); });
  });
  EXPECT_EQ(answer.detail, "synchronize_rcu() in atomic or RCU context");
}

TEST(Rcu, AReaderThatWaitsForTheWriterDeadlocks) {
  const auto answer = run([](Toy& toy) {
    auto& w = toy.program("w");
    w.step("mutex_lock(&m)", [&](T& t) { t.lock(toy.m); });
    w.step("synchronize_rcu()", [](T& t) { t.synchronize_rcu_begin(); });
    w.step("synchronize_rcu() returns", [](T& t) { t.synchronize_rcu_end(); });
    w.step("mutex_unlock(&m)", [&](T& t) { t.unlock(toy.m); });
    auto& r = toy.program("r");
    r.step("rcu_read_lock()", [](T& t) { t.rcu_read_lock(); });
    // A spinning wait for the mutex: what a trylock loop does.
    r.step("while (mutex_is_locked(&m))", [&](T& t) {
      const Val<Concrete> holder = toy.m.holder;
      t.context().wait_for(holder == 0U, select(holder == 1U, Val<Concrete>(1), Val<Concrete>(2)));
    });
    r.step("rcu_read_unlock()", [](T& t) { t.rcu_read_unlock(); });
  });
  EXPECT_EQ(answer.property, "no-deadlock");
}

TEST(Heap, DoubleFreeAndNull) {
  EXPECT_EQ(run([](Toy& toy) {
              auto& p = toy.program("f");
              p.step("kzalloc", [&](T& t) { toy.held[t.self()] = toy.heap.kzalloc(); });
              p.step("kfree", [&](T& t) { toy.heap.kfree(toy.held[t.self()]); });
              p.step("kfree again", [&](T& t) { toy.heap.kfree(toy.held[t.self()]); });
            }).detail,
            "memory is freed twice");
  EXPECT_EQ(
      run([](Toy& toy) { toy.program("f").step("*NULL", [&](T&) { toy.heap.touch(0); }); }).detail,
      "a NULL pointer is dereferenced");
  EXPECT_EQ(run([](Toy& toy) {
              toy.program("f").step("kfree(NULL)", [&](T&) { toy.heap.kfree(0); });
            }).verdict,
            Verdict::holds);
}

TEST(Heap, MemoryIsNotReusedWhileSomebodyPointsToIt) {
  // A stale pointer stays stale: the new object is another one.
  const auto answer = run(
      [](Toy& toy) {
        auto& p = toy.program("f");
        p.step("p = kzalloc(); kfree(p)", [&](T& t) {
          toy.held[t.self()] = toy.heap.kzalloc();
          t.require(toy.held[t.self()] != 0U);
          toy.heap.kfree(toy.held[t.self()]);
        });
        p.step("q = kzalloc()", [&](T& t) {
          toy.published = toy.heap.kzalloc();
          t.fail_unless(toy.published != toy.held[t.self()], toy.no_use_after_free, "reused");
          t.require(toy.published != 0U);
        });
        p.step("*p", [&](T& t) { toy.heap.touch(toy.held[t.self()]); });
      },
      {.threads = 1});
  EXPECT_EQ(answer.detail, "freed memory is accessed");
}

TEST(Refcounts, ComplainAndSaturate) {
  const auto with = [](const std::function<void(Toy&, T&)>& action) {
    return run([action](Toy& toy) {
      toy.program("f").step("action", [&toy, action](T& t) {
        toy.published = toy.heap.kzalloc();
        t.require(toy.published != 0U);
        action(toy, t);
      });
    });
  };
  EXPECT_EQ(with([](Toy& toy, T&) { toy.heap.at(toy.published).refs.inc(); }).property,
            "refcounts");
  EXPECT_EQ(with([](Toy& toy, T&) {
              static_cast<void>(toy.heap.at(toy.published).refs.dec_and_test());
            }).property,
            "refcounts");
  EXPECT_EQ(with([](Toy& toy, T&) {
              auto&& refs = toy.heap.at(toy.published).refs;
              refs.set(2);
              refs.inc();
            }).detail,
            "a reference count saturates");
  EXPECT_EQ(with([](Toy& toy, T& t) {
              auto&& refs = toy.heap.at(toy.published).refs;
              t.fail_unless(!refs.inc_not_zero(), toy.refcounts, "taken from zero");
              t.fail_unless(refs.read() == 0U, toy.refcounts, "resurrected");
              refs.set(1);
              t.fail_unless(refs.inc_not_zero(), toy.refcounts, "not taken");
              t.fail_unless(!refs.dec_and_test(), toy.refcounts, "gone too early");
              t.fail_unless(refs.dec_and_test(), toy.refcounts, "not gone");
              toy.heap.kfree(toy.published);
              toy.published = 0;
            }).verdict,
            Verdict::holds);
}

TEST(XArrays, GiveTheLowestFreeIndex) {
  Context<Concrete> context;
  Schema schema;
  Scope<Concrete> scope{context, schema};
  const XArray<Concrete> xa{scope, "xa", 3, 7, {}};
  const auto lowest = [&](unsigned min, unsigned max) { return xa.lowest_free(min, max).word(); };
  EXPECT_TRUE(xa.empty().bit());
  EXPECT_EQ(lowest(0, 2), 0);
  xa.store(0, 5);
  EXPECT_EQ(lowest(0, 2), 1);
  EXPECT_EQ(lowest(2, 2), 2);
  EXPECT_EQ(lowest(0, 0), 3) << "none is free";
  EXPECT_EQ(lowest(2, 1), 3) << "an empty range";
  EXPECT_EQ(xa.erase(Val<Concrete>(0)).word(), 5);
  EXPECT_EQ(lowest(0, 9), 0);
  EXPECT_EQ(xa.load(Val<Concrete>(9)).word(), 0) << "beyond the end there is nothing";
}

}  // namespace
}  // namespace iommucheck::model
