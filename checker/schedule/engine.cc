// SPDX-License-Identifier: MIT
// Executions: set-up, restoring, threads, the end; and the loop over them.
#include "checker/schedule/engine.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "checker/schedule/layout.h"
#include "checker/schedule/schedule_text.h"

namespace iommucheck::schedule {
namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Does something when the scope ends, however it ends.
template <class Function>
struct Finally {
  Function function;
  ~Finally() { function(); }
};
template <class Function>
Finally(Function) -> Finally<Function>;  // clang 14 does not find this out by itself

using Copies = std::vector<std::vector<unsigned char>>;

Copies copies_of(std::span<const Region> regions) {
  Copies copies;
  for (const Region& region : regions) {
    const auto* begin = static_cast<const unsigned char*>(region.begin);
    copies.emplace_back(begin, begin + region.size);
  }
  return copies;
}

void put_back(std::span<const Region> regions, const Copies& copies) {
  for (std::size_t i = 0; i < copies.size(); ++i) {
    if (!copies[i].empty()) std::memcpy(regions[i].begin, copies[i].data(), copies[i].size());
  }
}

}  // namespace

Engine::Engine() = default;
Engine::~Engine() {
  if (running_ == this) running_ = nullptr;
}

// ---- set-up ----

void Engine::prepare(const Program& program) {
  if (program.threads.size() + 1 > kMaxThreads) {
    throw std::invalid_argument{"more threads than the engine has"};
  }
  for (unsigned i = 0; i < kMaxThreads; ++i) {
    threads_[i].id = static_cast<ThreadId>(i);
    if (threads_[i].fiber.bottom() == 0) threads_[i].fiber.map(kStackBase + i * kStackStride);
  }
  running_ = this;
  thread_count_ = 1;
  found_data_ = copies_of(program.data);
  run_alone(program.setup);
  // What only the set-up knows of, in memory that is not ours, cannot be judged at the end.
  const std::vector<bool>& reached = reachable(heap_.objects().size());
  for (std::size_t i = 0; i < reached.size(); ++i) {
    Object& object = heap_.objects()[i];
    object.permanent = object.life == Life::live && !reached[i];
  }
  heap_.save();
  saved_data_ = copies_of(program.data);
}

void Engine::restore() {
  heap_.restore();
  put_back(program_->data, saved_data_);
  memory_.clear();
  locks_.clear();
  histories_.clear_execution();
  passed_ = 0;
  repeated_ = strategy_->repeated();
  graces_.clear();
  if (last_of_.used) last_of_ = {};
  notes_.clear();
  accesses_since_point_ = 0;
  if (promoted_.size() != memory_.promotions()) promoted_ = memory_.promoted();
  for (Thread& thread : threads_) thread.phase = Phase::none;
  ready_ = 0;
  unsigned number = 0;
  for (const ThreadBody& body : program_->threads) {
    start_thread(body.name.c_str(), std::to_string(++number), body.function, body.argument);
  }
}

std::string Engine::child_path() {
  return current_->path + '.' + std::to_string(++current_->children);
}

Engine::Thread& Engine::start_thread(const char* name, std::string path, void (*function)(void*),
                                     void* argument) {
  unsigned id = 1;
  while (id < thread_count_ && paths_[id] != path) ++id;
  if (id == kMaxThreads) {
    report(Severity::ends_thread, "too many threads",
           "the executions need more than 15 threads, callbacks and work items",
           stack_from(__builtin_frame_address(0)));
  }
  if (id == thread_count_) {
    paths_[id] = path;
    ++thread_count_;
  }
  Thread& thread = threads_[id];
  thread.path = std::move(path);
  thread.children = 0;
  thread.phase = Phase::ready;
  ready_ |= mask_of(id);
  thread.name = name;
  thread.function = function;
  thread.argument = argument;
  thread.stamp = {};
  thread.fence_release = thread.fence_acquire = {};
  thread.acquire_fences.clear();
  thread.pending_lock = nullptr;
  thread.release_next = false;
  thread.woken = thread.with_timeout = thread.timed_out = false;
  thread.readers = thread.readers_at_call = 0;
  thread.atomic_depth = 0;
  thread.held_at_call = 0;
  thread.last_read = 0;
  thread.seen.clear();
  thread.held.clear();
  thread.held_addresses.clear();
  thread.fiber.reset(thread_entry);
  pending_[id] = Operation{};
  return thread;
}

// ---- fibers ----

void Engine::thread_entry() {
  Engine& engine = *running_;
  Thread& self = *engine.current_;
  engine.perform(self, engine.pending_[self.id]);
  self.function(self.argument);
  engine.leave(Phase::ended);
}

/// The running thread does nothing any more.
void Engine::leave(Phase phase) {
  Thread& self = *current_;
  if (phase == Phase::ended) check_nothing_held(0, 0, self.name + " ends");
  if (alone_) {
    if (phase == Phase::dead) throw_alone_ = true;
    Fiber::jump(self.fiber, main_);
  }
  self.phase = phase;
  ready_ &= ~mask_of(self.id);
  ++self.stamp.sync.at[self.id];
  switch_to(pick_next());
  __builtin_unreachable();
}

void Engine::alone_entry() {
  Engine& engine = *running_;
  engine.alone_function_();
  engine.leave(Phase::ended);
}

/// `function` on a fiber of its own, while nobody else runs.
void Engine::run_alone(void (*function)()) {
  alone_ = true;
  throw_alone_ = false;
  Thread& self = threads_[0];
  self.name = started_ ? "the end" : "the set-up";
  current_ = &self;
  const auto run = [&](void (*entry)()) {
    alone_function_ = entry;
    self.readers = 0;
    self.atomic_depth = 0;
    self.held.clear();
    self.held_addresses.clear();
    self.fiber.reset(alone_entry);
    Fiber::jump(main_, self.fiber);
  };
  if (function != nullptr) run(function);
  // What waits for a grace period runs now; it may ask for more.
  // NOLINTNEXTLINE(modernize-loop-convert): the list grows meanwhile
  for (std::size_t i = 0; i < late_.size(); ++i) {
    running_late_ = late_[i];
    run([] {
      const ThreadBody& body = running_->running_late_;
      body.function(body.argument);
    });
  }
  late_.clear();
  current_ = nullptr;
  alone_ = false;
  if (throw_alone_ && !started_) {
    throw std::runtime_error{"the set-up ends in a report: " + reports_.back().kind + ", " +
                             reports_.back().message};
  }
}

void Engine::switch_to(ThreadId next) {
  Thread& self = *current_;
  if (next == kNobody) {
    Fiber::jump(self.fiber, main_);
    return;
  }
  current_ = &threads_[next];
  if (next != self.id) Fiber::jump(self.fiber, current_->fiber);
}

bool Engine::can_go_on(const Thread& thread) {
  const Operation& operation = pending_[thread.id];
  switch (operation.kind) {
    case Kind::acquire: return thread.pending_lock->free_for(false);
    case Kind::acquire_shared: return thread.pending_lock->free_for(true);
    case Kind::grace_end: return graces_[thread.grace].waits == 0;
    case Kind::sleep: return thread.woken || thread.timed_out;
    case Kind::join: return threads_[thread.joined].phase == Phase::ended;
    case Kind::await: {
      const Cell* cell = memory_.find(operation.object);
      return cell == nullptr || cell->last_write > thread.last_read_at;
    }
    case Kind::yield:
      return std::ranges::any_of(thread.seen, [&](const Seen& seen) {
        const Cell* cell = memory_.find(seen.at);
        return cell != nullptr && cell->last_write > seen.position;
      });
    default: return true;
  }
}

/// A timeout fires only when nothing else can happen, or every run would be a false alarm.  So it
/// comes after all that has happened.
void Engine::time_out(ThreadMask sleepers) {
  Stamp now;
  for (unsigned i = 1; i < thread_count_; ++i) {
    if (threads_[i].phase != Phase::none) now.trace.join(threads_[i].stamp.trace);
  }
  for (unsigned i = 1; i < thread_count_; ++i) {
    if ((sleepers & mask_of(i)) == 0) continue;
    threads_[i].timed_out = true;
    threads_[i].woken_by = now;
  }
}

ThreadId Engine::pick_next() {
  Situation situation{0, current_ == nullptr ? kNobody : current_->id, &pending_, &paths_};
  ThreadMask waiting = 0, dozing = 0;
  for (ThreadMask left = ready_; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(__builtin_ctz(left));
    if (enabled(threads_[i])) {
      situation.enabled |= mask_of(i);
      continue;
    }
    waiting |= mask_of(i);
    if (pending_[i].kind == Kind::sleep && threads_[i].with_timeout) dozing |= mask_of(i);
  }
  if (situation.enabled == 0 && dozing != 0) {
    time_out(dozing);
    situation.enabled = dozing;
  }
  if (situation.enabled == 0) {
    ending_ = waiting == 0 ? Ending::complete : Ending::deadlock;
    return kNobody;
  }
  ending_ = Ending::abandoned;
  try {
    return strategy_->pick(situation);
  } catch (...) {
    // Not through the program's frames: they know nothing of exceptions.
    failure_ = std::current_exception();
    return kNobody;
  }
}

// ---- executions ----

Ending Engine::execute(Strategy& strategy) {
  strategy_ = &strategy;
  current_ = nullptr;
  for (const std::uintptr_t at : strategy.promoted()) memory_.promote(at);
  restore();
  ++statistics_.executions;
  const ThreadId first = pick_next();
  if (first != kNobody) {
    current_ = &threads_[first];
    Fiber::jump(main_, current_->fiber);
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  return ending_;
}

void Engine::check_end(Ending ending) {
  statistics_.steps += passed_;
  statistics_.longest = std::max(statistics_.longest, passed_);
  if (ending == Ending::abandoned) {
    ++statistics_.abandoned;
    return;
  }
  if (ending == Ending::cut) return;
  tell_waiting();
  current_ = nullptr;
  if (ending == Ending::deadlock) check_deadlock();
  bool dead = false;
  for (unsigned i = 1; i < thread_count_; ++i) dead |= threads_[i].phase == Phase::dead;
  if (ending == Ending::complete && !dead) {
    for (Object& object : heap_.objects()) {
      if (object.life != Life::deferred) continue;
      heap_.will_change(object);
      object.life = Life::freed;  // the readers are gone
    }
    if (program_->finish != nullptr) run_alone(program_->finish);
    check_leaks();
  }
  ++statistics_.complete;
  histories_.finish(events(), notes_, [this] { return schedule_now(); });
}

std::string Engine::schedule_now() const {
  Schedule schedule;
  for (const Event& event : events()) {
    schedule.steps.push_back({paths_[event.thread], event.alternative});
  }
  schedule.promoted = promoted_;
  return to_text(schedule);
}

Statistics Engine::explore(const Program& program, const Limits& limits,
                           const std::function<std::unique_ptr<Strategy>()>& make) {
  const auto begin = std::chrono::steady_clock::now();
  if (running_ != nullptr) throw std::logic_error{"an exploration runs already"};
  statistics_ = {};
  limits_ = &limits;
  reports_.clear();
  reported_.clear();
  histories_.clear();
  lock_order_.clear();
  lock_uses_.clear();
  memory_.clear();
  memory_.clear_promotions();
  promoted_.clear();
  passed_ = 0;
  heap_.clear();
  late_.clear();
  failure_ = nullptr;
  started_ = false;
  program_ = &program;
  found_data_.clear();
  const Finally stop{[this] {
    current_ = nullptr;
    alone_ = false;
    running_ = nullptr;
    put_back(program_->data, found_data_);
  }};
  prepare(program);
  started_ = true;
  std::unique_ptr<Strategy> strategy = make();
  while (statistics_.executions < limits.executions) {
    if (statistics_.executions % 64 == 0 && seconds_since(begin) > limits.seconds) break;
    if (!strategy->begin()) {
      statistics_.exhausted = true;
      break;
    }
    restart_ = false;
    const Ending ending = execute(*strategy);
    check_end(ending);
    strategy->end(ending);
    if (limits.stop_at_first_report && !reports_.empty()) break;
    if (!restart_ || !strategy->wants_races()) continue;
    ++statistics_.restarts;
    statistics_.executions = statistics_.complete = statistics_.abandoned = 0;
    lock_order_.clear();
    lock_uses_.clear();
    histories_.clear();
    strategy = make();
  }
  statistics_.seconds = seconds_since(begin);
  return statistics_;
}

}  // namespace iommucheck::schedule
