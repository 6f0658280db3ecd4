// SPDX-License-Identifier: MIT
// The callbacks that gcc and clang compile in with -fsanitize=thread, in place of the sanitizer's
// own library: each memory access of the program under test says where it is before it happens.
//
// Atomic operations are executed here.  They are done one after the other (one fiber runs), so
// that a plain access does it; what another order would allow is not explored, but races are
// judged by the order that the program asks for.
#include <cstdint>

#include "checker/schedule/engine.h"

#define CK_PC (reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)) - 1)

namespace {

using iommucheck::schedule::Engine;

std::uintptr_t number(const volatile void* address) {
  return reinterpret_cast<std::uintptr_t>(address);
}

/// Beyond a machine word it is a structure that is copied, padding included.
inline void plain(const void* address, std::size_t size, bool write, std::uintptr_t pc,
                  bool copies = false) {
  if (Engine* engine = Engine::running()) {
    engine->plain(number(address), size, write, pc, copies || size > sizeof(long));
  }
}

/// READ_ONCE and WRITE_ONCE arrive as volatile accesses.  What a READ_ONCE is followed by depends
/// on it by address or control in the kernel's idioms (rcu_dereference()): taken as acquire.
/// False: nothing is to be written.
inline bool marked(const volatile void* address, std::size_t size, bool write,
                   Engine::MemoryOrder order, std::uintptr_t pc) {
  Engine* engine = Engine::running();
  return engine == nullptr || engine->marked(number(address), size, write, order, pc);
}

// __ATOMIC_RELAXED 0, CONSUME 1, ACQUIRE 2, RELEASE 3, ACQ_REL 4, SEQ_CST 5
constexpr Engine::MemoryOrder order_of(int order, bool modifies) {
  return {order == 1 || order == 2 || order >= 4, order >= 3, modifies};
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the compiler's names
extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}

#define CK_PLAIN(size)                                                              \
  void __tsan_read##size(void* at) { plain(at, size, false, CK_PC); }               \
  void __tsan_write##size(void* at) { plain(at, size, true, CK_PC); }               \
  void __tsan_read_write##size(void* at) {                                          \
    plain(at, size, false, CK_PC);                                                  \
    plain(at, size, true, CK_PC);                                                   \
  }                                                                                 \
  void __tsan_unaligned_read##size(void* at) { plain(at, size, false, CK_PC); }     \
  void __tsan_unaligned_write##size(void* at) { plain(at, size, true, CK_PC); }     \
  void __tsan_unaligned_read_write##size(void* at) {                                \
    plain(at, size, false, CK_PC);                                                  \
    plain(at, size, true, CK_PC);                                                   \
  }                                                                                 \
  void __tsan_volatile_read##size(void* at) {                                       \
    marked(at, size, false, {true, false, false}, CK_PC);                           \
  }                                                                                 \
  void __tsan_volatile_write##size(void* at) { marked(at, size, true, {}, CK_PC); } \
  void __tsan_unaligned_volatile_read##size(void* at) {                             \
    marked(at, size, false, {true, false, false}, CK_PC);                           \
  }                                                                                 \
  void __tsan_unaligned_volatile_write##size(void* at) { marked(at, size, true, {}, CK_PC); }

CK_PLAIN(1)
CK_PLAIN(2)
CK_PLAIN(4)
CK_PLAIN(8)
CK_PLAIN(16)
#undef CK_PLAIN

void __tsan_read_range(void* at, std::size_t size) { plain(at, size, false, CK_PC, true); }
void __tsan_write_range(void* at, std::size_t size) { plain(at, size, true, CK_PC); }
// The table of virtual functions is written by constructors and destructors, with one value each.
void __tsan_vptr_update(void** at, void*) { plain(at, sizeof(void*), true, CK_PC); }
void __tsan_vptr_read(void** at) { plain(at, sizeof(void*), false, CK_PC); }

void __tsan_atomic_thread_fence(int order) {
  const auto which = order_of(order, true);
  if (Engine* engine = Engine::running()) engine->fence(which.acquire, which.release);
}
/// The kernel's barriers arrive as this one (linux/kcsan-checks.h): ACQUIRE for smp_rmb(), RELEASE
/// before what releases, ACQ_REL for smp_wmb(), SEQ_CST for smp_mb() and before full atomics.
void __tsan_atomic_signal_fence(int order) {
  if (Engine* engine = Engine::running()) engine->fence(order == 2 || order == 5, order >= 3);
}

#define CK_MODIFY(bits, name, expression)                                                  \
  std::uint##bits##_t __tsan_atomic##bits##_##name(volatile std::uint##bits##_t* at,       \
                                                   std::uint##bits##_t value, int order) { \
    const bool writes = marked(at, (bits) / 8, true, order_of(order, true), CK_PC);        \
    const std::uint##bits##_t old = *at;                                                   \
    if (writes) *at = static_cast<std::uint##bits##_t>(expression);                        \
    return old;                                                                            \
  }

#define CK_COMPARE(bits, name)                                                                    \
  int __tsan_atomic##bits##_compare_exchange_##name(                                              \
      volatile std::uint##bits##_t* at, std::uint##bits##_t* expected, std::uint##bits##_t value, \
      int order, int failure) {                                                                   \
    (void)failure; /* an operation that may write counts as one that does */                      \
    const bool writes = marked(at, (bits) / 8, true, order_of(order, true), CK_PC);               \
    const std::uint##bits##_t old = *at;                                                          \
    if (old == *expected) {                                                                       \
      if (writes) *at = value;                                                                    \
      return 1;                                                                                   \
    }                                                                                             \
    *expected = old;                                                                              \
    return 0;                                                                                     \
  }

#define CK_ATOMIC(bits)                                                                          \
  std::uint##bits##_t __tsan_atomic##bits##_load(const volatile std::uint##bits##_t* at,         \
                                                 int order) {                                    \
    marked(at, (bits) / 8, false, order_of(order, false), CK_PC);                                \
    return *at;                                                                                  \
  }                                                                                              \
  void __tsan_atomic##bits##_store(volatile std::uint##bits##_t* at, std::uint##bits##_t value,  \
                                   int order) {                                                  \
    if (marked(at, (bits) / 8, true, order_of(order, false), CK_PC)) *at = value;                \
  }                                                                                              \
  CK_MODIFY(bits, exchange, value)                                                               \
  CK_MODIFY(bits, fetch_add, old + value)                                                        \
  CK_MODIFY(bits, fetch_sub, old - value)                                                        \
  CK_MODIFY(bits, fetch_and, old& value)                                                         \
  CK_MODIFY(bits, fetch_or, old | value)                                                         \
  CK_MODIFY(bits, fetch_xor, old ^ value)                                                        \
  CK_MODIFY(bits, fetch_nand, ~(old & value))                                                    \
  CK_COMPARE(bits, strong)                                                                       \
  CK_COMPARE(bits, weak)                                                                         \
  std::uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                                \
      volatile std::uint##bits##_t* at, std::uint##bits##_t expected, std::uint##bits##_t value, \
      int order, int failure) {                                                                  \
    (void)failure;                                                                               \
    const bool writes = marked(at, (bits) / 8, true, order_of(order, true), CK_PC);              \
    const std::uint##bits##_t old = *at;                                                         \
    if (old == expected && writes) *at = value;                                                  \
    return old;                                                                                  \
  }

CK_ATOMIC(8)
CK_ATOMIC(16)
CK_ATOMIC(32)
CK_ATOMIC(64)
#undef CK_ATOMIC
#undef CK_COMPARE
#undef CK_MODIFY

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
