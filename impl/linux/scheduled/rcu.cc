// SPDX-License-Identifier: MIT
// RCU: readers, grace periods, callbacks that run as threads of their own.  SRCU, whose readers may
// sleep, for each structure by itself.
#include <array>
#include <cstdint>

#include "checker/schedule/client.h"
#include "impl/linux/scheduled/contexts.h"
#include "impl/linux/scheduled/program.h"

namespace {

struct RcuHead {
  RcuHead* next;
  void (*func)(RcuHead*);
};

/// kfree_rcu() passes the offset of the rcu_head in place of a function.
constexpr std::uintptr_t kMostOffset = 4096;

void run_callback(void* head) {
  auto* callback = static_cast<RcuHead*>(head);
  using namespace iommucheck::linux_harness::scheduled;
  enter_interrupt(CK_SOFT_INTERRUPT);
  callback->func(callback);
  leave_interrupt(CK_SOFT_INTERRUPT);
}

/// A struct srcu_struct: what each thread of the engine's does there.  Readers do not meet one
/// another; a grace period looks at each thread, and waits for the section that it finds it in.
struct Srcu {
  struct Reader {
    std::uint64_t sections;  ///< twice those that have ended; odd: inside of one
    std::uint64_t depth;     ///< looked at by the thread itself
  };
  std::array<Reader, 16> threads;
  Reader& mine() { return threads.at(static_cast<std::size_t>(ck_self())); }
};
std::array<const void*, 4> srcu_keys;
std::array<Srcu, 4> srcus;
const iommucheck::linux_harness::scheduled::Restored kRestoreKeys{&srcu_keys, sizeof(srcu_keys)};
const iommucheck::linux_harness::scheduled::Restored kRestoreSrcus{&srcus, sizeof(srcus)};

Srcu& srcu_of(const void* key) {
  unsigned at = 0;
  while (at + 1 < srcu_keys.size() && srcu_keys.at(at) != nullptr && srcu_keys.at(at) != key) ++at;
  if (srcu_keys.at(at) != nullptr && srcu_keys.at(at) != key)
    ck_report_fatal("too many srcu_structs", "more than the harness keeps");
  srcu_keys.at(at) = key;
  return srcus.at(at);
}

/// Until every reader of now has ended.
void wait_for_readers(const void* key) {
  for (const Srcu::Reader& reader : srcu_of(key).threads) {
    const auto sections = [&] {
      ck_marked_read(&reader.sections, sizeof(reader.sections), CK_ACQUIRE);
      return reader.sections;
    };
    const std::uint64_t now = sections();
    if (now % 2 == 0) continue;
    do ck_await();
    while (sections() == now);
  }
}

/// Of an SRCU callback, whose head says which structure until it runs.
void run_srcu_callback(void* head) {
  auto* callback = static_cast<RcuHead*>(head);
  ck_read(callback, sizeof(*callback));
  wait_for_readers(callback->next);
  // On a work queue, which has disabled soft interrupts: no interrupt.
  using namespace iommucheck::linux_harness::scheduled;
  disable_soft_interrupts();
  stop_preemption();
  callback->func(callback);
  allow_preemption();
  enable_soft_interrupts();
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the kernel's names
extern "C" {

void __rcu_read_lock() { ck_reader_begin(); }
void __rcu_read_unlock() { ck_reader_end(); }

void call_rcu(RcuHead* head, void (*func)(RcuHead*)) {
  const auto offset = reinterpret_cast<std::uintptr_t>(func);
  if (offset < kMostOffset) {
    ck_free_after_grace(reinterpret_cast<char*>(head) - offset);
    return;
  }
  ck_write(head, sizeof(*head));
  head->next = nullptr;
  head->func = func;
  ck_after_grace("rcu callback", run_callback, head);
}
void call_rcu_hurry(RcuHead* head, void (*func)(RcuHead*)) { call_rcu(head, func); }

/// The second argument is the offset before 6.3 and the object since.
void kvfree_call_rcu(RcuHead* head, void* object) {
  const auto offset = reinterpret_cast<std::uintptr_t>(object);
  ck_free_after_grace(offset < kMostOffset ? reinterpret_cast<char*>(head) - offset : object);
}

void synchronize_rcu() {
  ck_may_sleep("synchronize_rcu()");
  ck_synchronize();
}
void synchronize_rcu_expedited() { synchronize_rcu(); }

void srcu_check_nmi_safety(const void*, bool) {}
int __srcu_read_lock(void* key) {
  Srcu::Reader& reader = srcu_of(key).mine();
  if (reader.depth++ != 0) return 0;
  ck_marked_modify(&reader.sections, sizeof(reader.sections), CK_ACQUIRE);
  ++reader.sections;
  return 0;
}
void __srcu_read_unlock(void* key, int) {
  Srcu::Reader& reader = srcu_of(key).mine();
  if (--reader.depth != 0) return;
  ck_marked_modify(&reader.sections, sizeof(reader.sections), CK_RELEASE);
  ++reader.sections;
}
void synchronize_srcu(void* key) {
  ck_may_sleep("synchronize_srcu()");
  wait_for_readers(key);
}
void call_srcu(void* key, RcuHead* head, void (*func)(RcuHead*)) {
  ck_write(head, sizeof(*head));
  head->next = static_cast<RcuHead*>(key);
  head->func = func;
  ck_spawn("srcu callback", run_srcu_callback, head);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
