// SPDX-License-Identifier: MIT
// Engine: runs a program of several threads again and again, each time under the schedule that a
// strategy asks for, and watches it.
//
// The program is compiled code.  Its memory accesses arrive through the callbacks that
// -fsanitize=thread compiles in (tsan.cc), its locks and allocations through client.h.  Threads
// are fibers of one operating-system thread, so that nothing here needs locking.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_ENGINE_H
#define IOMMUCHECK_CHECKER_SCHEDULE_ENGINE_H

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "checker/schedule/fiber.h"
#include "checker/schedule/heap.h"
#include "checker/schedule/history.h"
#include "checker/schedule/layout.h"
#include "checker/schedule/lock_order.h"
#include "checker/schedule/lock_uses.h"
#include "checker/schedule/locks.h"
#include "checker/schedule/memory.h"
#include "checker/schedule/report.h"
#include "checker/schedule/strategy.h"

namespace iommucheck::schedule {

struct ThreadBody {
  std::string name;
  void (*function)(void*) = nullptr;
  void* argument = nullptr;
};

/// Static data that each execution finds as `setup` left it.
struct Region {
  void* begin = nullptr;
  std::size_t size = 0;
};

struct Program {
  void (*setup)() = nullptr;  ///< runs once, alone; may be null
  std::vector<ThreadBody> threads;
  void (*finish)() = nullptr;  ///< runs alone when all threads have ended; may be null
  std::vector<Region> data;
};

struct Limits {
  std::uint64_t executions = ~std::uint64_t{0};
  double seconds = 1e9;
  std::uint32_t steps = 20000;  ///< scheduling points of one execution
  bool stop_at_first_report = false;
  std::uint32_t accesses = 1U << 24U;  ///< of one thread between two scheduling points
};

struct Statistics {
  std::uint64_t executions = 0;  ///< all that were begun
  std::uint64_t complete = 0;    ///< that came to their end, deadlocks included
  std::uint64_t abandoned = 0;   ///< that turned out to be the same as others
  std::uint64_t steps = 0;       ///< scheduling points of all
  std::uint32_t longest = 0;     ///< scheduling points of one
  std::uint64_t restarts = 0;    ///< the search began anew, with more scheduling points
  double seconds = 0;
  bool exhausted = false;  ///< the strategy has no execution left
};

class Engine {
 public:
  Engine();
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// The one that runs now, or null: callbacks out of nowhere are ignored.
  static Engine* running() { return running_; }

  struct MemoryOrder {
    bool acquire = false, release = false;
    bool modifies = false;  ///< of a write: it reads, too, in the same step
  };
  /// The program's atomic operations, by the addresses of their calls, and one that is not done as
  /// the program wants it: whether anything shows that it is needed.
  struct Atomics {
    struct Site {
      bool write = false;
      MemoryOrder order;
    };
    std::map<std::uintptr_t, Site> seen = {};
    std::uintptr_t weakened = 0;  ///< this one is done relaxed; 0: none
    std::uintptr_t dropped = 0;   ///< this one writes nothing, and says that it did; 0: none
  };
  /// For the explorations that follow; null: nothing is noted or changed.
  void watch_atomics(Atomics* atomics) { atomics_ = atomics; }

  /// Runs executions until the strategy has none left or a limit is met.  A data race found turns
  /// the accesses into scheduling points and begins anew with `make()`, because a reduction that
  /// did not know of them has skipped something.
  Statistics explore(const Program& program, const Limits& limits,
                     const std::function<std::unique_ptr<Strategy>()>& make);

  std::vector<Report>& reports() { return reports_; }
  /// What was reported may be reported again, for a strategy that asks each execution.
  void forget_reports();
  Histories& histories() { return histories_; }
  /// Endings are counted here, too: outcomes that are not calls (the program's own words).
  std::span<const Event> events() const { return {events_.data(), passed_}; }
  const std::array<std::string, kMaxThreads>& paths() const { return paths_; }

  // ---- for the program, by way of client.h and tsan.cc ----

  /// An access that the program does not mark as shared: no scheduling point until it is seen to
  /// race.  Any size.  `copies`: the bytes are moved, not looked at, and need not be initialised.
  void plain(std::uintptr_t address, std::size_t size, bool write, std::uintptr_t pc,
             bool copies = false) {
    // Its own stack: of interest only once another thread has been seen to touch it.
    if (current_ == nullptr || size == 0) return;
    if (current_->fiber.contains(address) && (alone_ || memory_.promotions() == 0)) return;
    plain_elsewhere(address, size, write, pc, copies);
  }
  /// READ_ONCE, WRITE_ONCE, atomics: a scheduling point.  1 .. 16 bytes.
  /// False: it is the one that is dropped (watch_atomics()).
  bool marked(std::uintptr_t address, std::size_t size, bool write, MemoryOrder order,
              std::uintptr_t pc);
  void fence(bool acquire, bool release);
  /// The next marked write has release semantics.
  void release_next();

  void acquire(std::uintptr_t lock, bool shared, std::uintptr_t pc);
  bool try_acquire(std::uintptr_t lock, bool shared, std::uintptr_t pc);
  void release(std::uintptr_t lock, bool shared, std::uintptr_t pc);
  bool holds(std::uintptr_t lock) const;
  /// See ck_lock_use().
  void lock_use(std::uintptr_t lock, unsigned inside, unsigned open, std::uintptr_t pc);

  void reader_begin(std::uintptr_t pc);
  void reader_end(std::uintptr_t pc);
  unsigned reader_depth() const;
  void synchronize(std::uintptr_t pc);
  /// A thread that begins when the readers of now have ended.
  void after_grace(const char* name, void (*function)(void*), void* argument, std::uintptr_t pc);
  void free_after_grace(std::uintptr_t address, std::uintptr_t pc);

  void* allocate(std::size_t size, std::size_t align, bool zero, std::uintptr_t pc);
  void free(std::uintptr_t address, std::uintptr_t pc);
  std::size_t size_of(std::uintptr_t address);
  Heap& heap() { return heap_; }

  unsigned choose(unsigned alternatives, std::uintptr_t pc);
  ThreadId spawn(const char* name, void (*function)(void*), void* argument);
  void join(ThreadId thread, std::uintptr_t pc);
  /// Waits for wake(): returns at once if it came since prepare_to_sleep().  With a timeout it also
  /// returns when nobody else can run.  False: the timeout.
  void prepare_to_sleep(std::uintptr_t pc);
  bool sleep(bool timeout, std::uintptr_t pc);
  void wake(ThreadId thread, std::uintptr_t pc);
  /// Called inside a loop that waits for memory to change: for what it read last.
  void await(std::uintptr_t pc);
  /// The same, where the loop looks at several places: at any of those that it has read since the
  /// last yield or the begin of the call.
  void yield(std::uintptr_t pc);

  /// Contexts that must not sleep: a count, kept by whoever knows the program's rules.
  int& atomic_depth();
  /// Sleeping here would be an error: reports it if so.
  void may_sleep(const char* what, std::uintptr_t pc);

  void report(Severity severity, std::string kind, std::string message, const Stack& here,
              const Stack& other = {}, const Object* object = nullptr);
  /// Calls by frame pointers, from a frame of the program's.
  Stack stack_from(const void* frame) const;
  ThreadId current() const;
  bool alone() const { return alone_; }
  void call_begin(std::string_view call);
  void call_end(std::string_view result);
  /// Something observable that no call returns; part of the outcome.
  void note(std::string_view text) { notes_ += text; }
  /// What the program says at the end of an execution, with the calls' results.
  const std::string& notes() const { return notes_; }

 private:
  static inline Engine* running_ = nullptr;

  enum class Phase : std::uint8_t { none, ready, ended, dead };
  struct Held {
    Lock* lock = nullptr;
    bool shared = false;
    Stack taken;
  };
  /// Below it is what NULL and small offsets from it point to.
  static constexpr std::uintptr_t kLowestAddress = 65536;
  /// A granule that was read at position + 1.
  struct Seen {
    std::uintptr_t at = 0;
    std::uint32_t position = 0;
  };
  struct Thread {
    ThreadId id = 0;
    Phase phase = Phase::none;
    std::string name;
    std::string path;       ///< "2.1": the first that thread 2 started; see Situation
    unsigned children = 0;  ///< that it has started in this execution
    void (*function)(void*) = nullptr;
    void* argument = nullptr;
    Fiber fiber;
    Stamp stamp;
    Clock fence_release, fence_acquire;         ///< for relaxed accesses next to fences
    std::vector<std::uint32_t> acquire_fences;  ///< when, by its own clock
    Lock* pending_lock = nullptr;
    MemoryOrder pending_order;  ///< of the memory operation that is pending
    bool pending_marked = false, pending_copies = false;
    bool release_next = false;
    std::uint32_t grace = 0;   ///< of grace_end: its index
    ThreadId joined = 0;       ///< of join
    std::uint16_t chosen = 0;  ///< what choose answered
    bool tried = false;        ///< what try_acquire answered
    bool woken = false, with_timeout = false, timed_out = false;
    Stamp woken_by;
    std::uintptr_t last_read = 0;    ///< granule, for await
    std::uint32_t last_read_at = 0;  ///< position + 1
    std::vector<Seen> seen;          ///< since the last yield or the begin of the call
    unsigned readers = 0;
    int atomic_depth = 0;
    std::size_t held_at_call = 0;  ///< how many, when the running call began
    unsigned readers_at_call = 0;
    std::vector<Held> held;
    std::vector<std::uintptr_t> held_addresses;
  };
  /// A grace period that has begun.
  struct Grace {
    ThreadMask waits = 0;
    Stamp ended;  ///< joined by each reader that it waits for
  };
  /// The last such events of each thread, by position + 1.
  struct LastOf {
    bool used = false;  ///< or there is nothing to forget
    std::array<std::uint32_t, kMaxThreads> reader_begin{}, grace_begin{};
    std::array<std::uint32_t, kMaxThreads> wake{};  ///< of the thread, or its preparation
    std::array<Clock, kMaxThreads> grace_clock{};
    std::array<Stamp, kMaxThreads> reader_end{};
  };

  // engine.cc: executions
  void prepare(const Program& program);
  void restore();
  Ending execute(Strategy& strategy);
  void check_end(Ending ending);
  Thread& start_thread(const char* name, std::string path, void (*function)(void*), void* argument);
  static void thread_entry();
  static void alone_entry();
  [[noreturn]] void leave(Phase phase);
  void run_alone(void (*function)());
  void switch_to(ThreadId next);
  ThreadId pick_next();
  void time_out(ThreadMask sleepers);
  /// Calls the strategy.  What that throws leaves the fibers first: the program's frames know
  /// nothing of exceptions.
  template <class Function>
  void ask(Function function) {
    try {
      function();
    } catch (...) {
      failure_ = std::current_exception();
    }
    if (failure_) switch_to(kNobody);
  }
  bool enabled(const Thread& thread) {
    return !may_wait(pending_[thread.id].kind) || can_go_on(thread);
  }
  bool can_go_on(const Thread& thread);
  std::string child_path();
  std::string schedule_now() const;

  // points.cc: what a scheduling point does
  void point(const Operation& operation);
  void perform(Thread& thread, const Operation& operation);
  void perform_lock(Thread& thread, const Operation& operation);
  void perform_readers(Thread& thread, const Operation& operation);
  void access_memory(Thread& thread, const Operation& operation);
  void synchronise_memory(Thread& thread, const Operation& operation, std::uint8_t bytes,
                          Cell& cell);
  void check_lock_order(std::uintptr_t lock, std::uintptr_t pc);
  LockName lock_name(std::uintptr_t lock);
  void note_lock_word(std::uintptr_t lock, std::uintptr_t pc);
  /// Whether there is nothing to say about an access but who else accesses the memory.
  bool is_sound(std::uintptr_t address, std::size_t size) {
    if (!heap_.contains(address)) {
      return address >= kLowestAddress && address - kStackBase >= kMaxThreads * kStackStride;
    }
    const Object* object = heap_.around(address);
    return object != nullptr && object->life == Life::live &&
           address + size <= object->start + object->size;
  }
  /// What an access says by itself, whoever else accesses the memory.  `read`: it looks at the
  /// bytes.
  void look_at(std::uintptr_t address, std::size_t size, bool write, bool read, std::uintptr_t pc) {
    if (!is_sound(address, size)) check_object(address, size, write, pc);
    if (heap_.contains(address)) check_initialised(address, size, write, read, pc);
  }
  void plain_elsewhere(std::uintptr_t address, std::size_t size, bool write, std::uintptr_t pc,
                       bool copies);
  void plain_range(std::uintptr_t address, std::size_t size, bool write, std::uintptr_t pc,
                   bool copies);
  /// What the pieces of a plain access have in common.
  struct PlainAccess {
    std::uintptr_t pc;
    bool write, copies;
    bool sound;          ///< see is_sound()
    std::uint32_t kind;  ///< without the bytes
  };
  void note_plain(std::uintptr_t at, Cell& cell, std::uintptr_t address, std::size_t size,
                  const PlainAccess& access);
  static std::uint32_t reader_bit(const Thread& thread) {
    return thread.readers != 0 ? Access::kInReader : 0;
  }
  void note_unsound(std::uintptr_t address, std::size_t size, bool write, std::uintptr_t pc);

  // order.cc: the trace order
  void depend(const Thread& thread, const Operation& operation);
  void depend_on_memory(const Operation& operation);
  void depend_on_granule(const Operation& operation, const Cell& cell);
  void depend_on_lock(const Thread& thread, const Operation& operation);
  void could_precede(std::uint32_t position);
  void comes_after(std::uint32_t position);
  std::uint32_t first_write(std::uintptr_t at, std::uint32_t behind) const;
  void enter(const Thread& thread, const Operation& operation);
  void tell_waiting();

  // watch.cc: detectors
  void check_object(std::uintptr_t address, std::size_t size, bool write, std::uintptr_t pc);
  void check_initialised(std::uintptr_t address, std::size_t size, bool write, bool read,
                         std::uintptr_t pc);
  /// Judges the access against the earlier ones, then notes it.
  void check_access(std::uintptr_t granule, Cell& cell, std::uintptr_t pc, std::uint32_t time,
                    std::uint32_t kind) {
    if (!Memory::note_alone(cell, pc, time, kind)) check_beside(granule, cell, {pc, time, kind});
  }
  void check_beside(std::uintptr_t granule, Cell& cell, const Access& access);
  bool is_over(const Access& write) const;
  void check_release_of(Object& object, bool deferred, std::uintptr_t pc);
  void check_deadlock();
  const std::vector<bool>& reachable(std::size_t enough);
  void check_leaks();
  void check_nothing_held(std::size_t locks, unsigned readers, const std::string& who);
  void count_access(std::uintptr_t pc) {
    if (++accesses_since_point_ >= limits_->accesses) report_endless(pc);
  }
  void report_endless(std::uintptr_t pc);
  Stack walk(const void* frame, std::uintptr_t first) const;
  Stack stack_here(std::uintptr_t pc) const;
  std::string object_text(const Object& object) const;

  Heap heap_;
  Memory memory_;
  Locks locks_;
  LockOrder lock_order_;
  LockUses lock_uses_;
  Histories histories_;
  std::vector<Report> reports_;
  std::unordered_map<std::string, std::size_t> reported_;

  const Program* program_ = nullptr;
  const Limits* limits_ = nullptr;
  Strategy* strategy_ = nullptr;
  std::vector<std::vector<unsigned char>> found_data_;  ///< before the set-up
  std::vector<std::vector<unsigned char>> saved_data_;  ///< behind it
  std::array<Thread, kMaxThreads> threads_;
  std::array<Operation, kMaxThreads> pending_;
  /// Threads have the same number in every execution of an exploration, whoever starts first.
  std::array<std::string, kMaxThreads> paths_;
  ThreadMask ready_ = 0;       ///< whose phase that is
  unsigned thread_count_ = 0;  ///< numbers given so far; an execution need not use them all
  Thread* current_ = nullptr;
  Fiber main_;
  Ending ending_ = Ending::complete;
  bool alone_ = false, restart_ = false, started_ = false, throw_alone_ = false;
  void (*alone_function_)() = nullptr;
  /// Threads and callbacks that the set-up or the finish asked for: they run behind it.
  std::vector<ThreadBody> late_;
  ThreadBody running_late_;

  /// Those that the execution has passed; behind them are the last ones of the execution before.
  std::vector<Event> events_;
  std::uint32_t passed_ = 0;
  std::size_t repeated_ = 0;  ///< so many are the same as in the execution before
  std::vector<std::uint32_t> races_;
  Clock before_;          ///< the thread's trace order before the operation at hand
  Clock ordered_;         ///< and with what that depends on
  ThreadId depends_ = 0;  ///< the thread
  std::vector<Grace> graces_;
  LastOf last_of_;
  std::vector<std::uintptr_t> promoted_;  ///< at the beginning of the execution
  std::uint32_t accesses_since_point_ = 0;
  std::vector<bool> reached_;
  std::vector<const Object*> to_follow_;
  std::string notes_;
  Statistics statistics_;
  Atomics* atomics_ = nullptr;
  std::exception_ptr failure_;  ///< of the strategy
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_ENGINE_H
