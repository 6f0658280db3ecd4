// SPDX-License-Identifier: MIT
// The kernel's words for programs under test, so that these read like what they stand for.
#ifndef IOMMUCHECK_TESTS_CHECKER_SCHEDULE_KERNEL_WORDS_H
#define IOMMUCHECK_TESTS_CHECKER_SCHEDULE_KERNEL_WORDS_H

#include "checker/schedule/client.h"
#include "tests/checker/schedule/programs.h"

namespace iommucheck::schedule::programs {

template <class T>
T read_once(const T& place) {
  return *const_cast<const volatile T*>(&place);
}
template <class T>
void write_once(T& place, T value) {
  *const_cast<volatile T*>(&place) = value;
}
template <class T>
void store_release(T& place, T value) {
  __atomic_store_n(&place, value, __ATOMIC_RELEASE);
}
template <class T>
T load_acquire(const T& place) {
  return __atomic_load_n(&place, __ATOMIC_ACQUIRE);
}

/// Keeps a read that nothing else needs.
template <class T>
void use(T value) {
  asm volatile("" : : "r"(value) : "memory");
}

struct Device {
  int id;
  int users;
  Device* next;
};

template <class T = Device>
T* kzalloc() {
  return static_cast<T*>(ck_alloc(sizeof(T), alignof(T), 1));
}
template <class T = Device>
T* kmalloc() {
  return static_cast<T*>(ck_alloc(sizeof(T), alignof(T), 0));
}

/// What the programs share, with types; zero at the start of each execution.
struct State {
  Device* device;
  Device* other;
  int flag, ready, data;
  char bytes[8];
  char lock_a, lock_b, lock_c;
  int task;
};
extern State state;

inline void lock_a() { ck_lock(&state.lock_a); }
inline void unlock_a() { ck_unlock(&state.lock_a); }
inline void lock_b() { ck_lock(&state.lock_b); }
inline void unlock_b() { ck_unlock(&state.lock_b); }

using Threads = std::vector<void (*)(void*)>;

}  // namespace iommucheck::schedule::programs

#endif  // IOMMUCHECK_TESTS_CHECKER_SCHEDULE_KERNEL_WORDS_H
