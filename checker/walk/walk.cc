// SPDX-License-Identifier: MIT
// Handing out walks to threads, and putting what they met together in the order of the walks.
#include "checker/walk/walk.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "checker/explicit/intern.h"
#include "checker/walk/shorten.h"
#include "checker/walk/walker.h"

namespace iommucheck::checker {
namespace {

using namespace walking;
using Clock = std::chrono::steady_clock;

/// Walks are handed out in order and may come back in another.  Thread-safe.
class Order {
 public:
  explicit Order(std::uint64_t walks) : end_(walks == 0 ? ~std::uint64_t{0} : walks) {}

  /// The next walk to be made; nothing if there are enough.
  std::optional<std::uint64_t> take() {
    const std::lock_guard lock(mutex_);
    if (over_ || next_ == end_) return std::nullopt;
    return next_++;
  }
  /// What comes after a violation does not count.
  void give(std::uint64_t walk, Tally tally) {
    const std::lock_guard lock(mutex_);
    over_ = over_ || tally.path;
    waiting_.emplace(walk, std::move(tally));
    while (!waiting_.empty() && waiting_.begin()->first == all_.walks && !all_.path)
      all_.merge(waiting_.extract(waiting_.begin()).mapped());
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  const Tally& all() const { return all_; }

 private:
  std::mutex mutex_;
  std::uint64_t next_ = 0, end_;
  bool over_ = false;
  std::map<std::uint64_t, Tally> waiting_;
  Tally all_;
};

void walk_all(std::vector<Walker>& walkers, Order& order, const WalkOptions& options,
              const std::function<bool()>& late) {
  std::mutex mutex;
  std::exception_ptr error;
  const auto work = [&](Walker& walker) {
    try {
      while (const auto walk = order.take()) {
        order.give(*walk, walker.walk(Random(options.seed, *walk), options.depth, late));
        if (late()) order.stop();
      }
    } catch (...) {
      order.stop();
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < walkers.size(); ++i)
      threads.emplace_back([&, i] { work(walkers[i]); });
    work(walkers[0]);
  }
  if (error) std::rethrow_exception(error);
}

std::string sentence(const Walks& result, const WalkOptions& options) {
  if (options.walks == 0 || result.walks < options.walks) {
    return fmt::format(
        "after {:.0f} s (--max-seconds) no walk had met a violation, which does not mean that there "
        "is none",
        options.seconds);
  }
  return fmt::format(
      "{} walks of at most {} steps met no violation, which does not mean that there is none: "
      "--walks, --depth and --seed take others",
      result.walks, options.depth);
}

Path checked(const ConcreteFactory& factory, const Path& path) {
  std::string why;
  if (!replays(*factory(), path, &why))
    throw std::logic_error("internal error: the walk does not replay: " + why);
  const auto machine = factory();
  Path shorter = shorten(*machine, path);
  shorter.failure.detail = explicit_state::intern(shorter.failure.detail);
  if (!replays(*factory(), shorter, &why))
    throw std::logic_error("internal error: the shortened walk does not replay: " + why);
  return shorter;
}

}  // namespace

Walks random_walk(const ConcreteFactory& factory, const WalkOptions& options) {
  if (options.depth == 0) throw std::invalid_argument("a walk has at least one step");
  if (options.walks == 0 && options.seconds <= 0)
    throw std::invalid_argument("any number of walks needs a limit of seconds");
  const auto begin = Clock::now();
  const auto seconds = [begin] {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  const std::function<bool()> late = [&] {
    return options.seconds > 0 && seconds() >= options.seconds;
  };

  std::vector<Walker> walkers;
  const unsigned jobs = options.jobs != 0 ? options.jobs : std::thread::hardware_concurrency();
  for (unsigned i = 0; i < std::max(jobs, 1U); ++i) walkers.emplace_back(factory());
  Walks result;
  if (!walkers[0].can_start()) {
    result.reason = "the machine has no initial state: its bounds rule every one out";
    return result;
  }
  Order order(options.walks);
  walk_all(walkers, order, options, late);

  const Tally& all = order.all();
  result.walks = all.walks;
  result.steps = all.steps;
  result.longest = all.longest;
  result.ended = all.ended;
  result.states = all.states.count();
  result.states_error = Sketch::kError;
  result.coverage = explicit_state::StepIndex::report(walkers[0].machine(), all.taken);
  if (all.path) {
    result.verdict = Verdict::violated;
    result.path_before = all.path->steps.size();
    result.path = checked(factory, *all.path);
  } else {
    result.reason = sentence(result, options);
  }
  result.seconds = seconds();
  return result;
}

}  // namespace iommucheck::checker
