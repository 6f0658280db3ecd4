// SPDX-License-Identifier: MIT
// Work queues: what is queued twice runs once, what has been taken may be queued again, and a
// design does not rest while something is queued.
#include "model/kernel/work_queue.h"

#include <gtest/gtest.h>

#include "checker/explicit/explicit.h"

namespace iommucheck::model {
namespace {

using checker::Verdict;

/// A thread queues an item `times` times; a worker runs it, in two steps.
class Queues : public Design<Concrete> {
 public:
  using T = Cpu<Concrete>;
  Queues(unsigned times, const char* name, std::function<bool(const Queues&)> never)
      : Design{bounds()},
        left{*this, "left", 3},
        ran{*this, "ran", 3},
        running{*this, "running"},
        wq{*this, "wq", sort("item", 1)} {
    initial = [this, times] { left = times; };
    property(name, "It never happens.",
             [this, never = std::move(never)] { return Bool<Concrete>(!never(*this)); });
    program("queue").step("queue_work(wq, &item->work)", [this](T& t) {
      t.require(left != 0U);
      left -= 1;
      wq.queue_work(1);
    });
    auto& p = worker_program(0, "work");
    p.step("take a work", [this](T& t) {
      static_cast<void>(wq.take(t));
      running = true;
    });
    p.step("run it", [this](T&) {
      running = false;
      ran += 1;
    });
    complete();
  }
  bool rests() const { return value(may_rest()); }
  static bool value(Bool<Concrete> b) { return as_number(b).word() != 0; }
  unsigned number(const Var<Concrete>& v) const { return v.value().word(); }

  Var<Concrete> left, ran;
  Flag<Concrete> running;
  WorkQueue<Concrete> wq;

 private:
  static ProcessBounds bounds() {
    ProcessBounds bounds;
    bounds.threads = 1;
    bounds.workers = {"worker"};
    return bounds;
  }
};

/// Whether a state is reached.
bool happens(unsigned times, const std::function<bool(const Queues&)>& what) {
  const auto result =
      checker::explore([&] { return std::make_unique<Queues>(times, "never", what); });
  return result.verdict == Verdict::violated;
}

TEST(WorkQueue, WhatIsQueuedTwiceMayRunOnceOrTwice) {
  const auto ends_with = [](unsigned runs) {
    return [runs](const Queues& q) {
      return q.number(q.left) == 0 && q.rests() && q.number(q.ran) == runs;
    };
  };
  EXPECT_TRUE(happens(2, ends_with(1))) << "queued again before it was taken";
  EXPECT_TRUE(happens(2, ends_with(2)));
  EXPECT_FALSE(happens(2, ends_with(0))) << "it rests while something is queued";
  EXPECT_FALSE(happens(2, ends_with(3)));
}

TEST(WorkQueue, AnItemThatRunsCanBeQueuedAgain) {
  EXPECT_TRUE(happens(2, [](const Queues& q) {
    return Queues::value(q.running) && Queues::value(q.wq.is_queued(1));
  }));
}

TEST(WorkQueue, ADesignDoesNotRestWhileSomethingIsQueued) {
  EXPECT_FALSE(
      happens(1, [](const Queues& q) { return q.rests() && !Queues::value(q.wq.empty()); }));
  EXPECT_TRUE(happens(1, [](const Queues& q) {
    return q.rests() && Queues::value(q.wq.empty()) && q.number(q.ran) == 1;
  }));
}

}  // namespace
}  // namespace iommucheck::model
