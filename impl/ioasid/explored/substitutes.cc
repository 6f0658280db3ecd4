// SPDX-License-Identifier: MIT
// What the allocator under the scheduler gets in place of the C and C++ libraries: the names in
// substitutes.txt are put in place of theirs in its object file.
#include <cstring>
#include <new>

#include "checker/schedule/client.h"
#include "checker/schedule/clock.h"
#include "impl/ioasid/explored/substitutes.h"

namespace iommucheck::ioasid::explored {
namespace {

/// Of each thread of the engine's; empty at the start of each execution.
struct Locals {
  void* slot;
  void (*exit)();
  bool may_fail, failed;
} locals[schedule::kMaxThreads];

/// Another thread than the set-up, 0, for which it acts.
int acted_for = 0;

Locals& own() {
  const int self = ck_self();
  return locals[self == 0 ? acted_for : self];
}

/// Where there is no memory: null.
void* allocate(std::size_t size, std::size_t align, bool zero) {
  Locals& mine = own();
  if (mine.may_fail && ck_choose(2) == 1) {
    mine.failed = true;
    return nullptr;
  }
  return ck_alloc(size, align, zero ? 1 : 0);
}

void* allocate_or_throw(std::size_t size, std::size_t align) {
  void* got = allocate(size, align, false);
  if (got == nullptr) throw std::bad_alloc{};
  return got;
}

}  // namespace

Span thread_locals() { return {&locals, sizeof(locals)}; }

void run_thread_exit() {
  Locals& mine = own();
  if (mine.exit != nullptr) mine.exit();
  mine.exit = nullptr;
}

void act_as(int thread) { acted_for = thread; }

void let_allocations_fail() {
  own().may_fail = true;
  own().failed = false;
}

bool allocations_failed() {
  own().may_fail = false;
  return own().failed;
}

}  // namespace iommucheck::ioasid::explored

using namespace iommucheck::ioasid::explored;  // NOLINT(google-build-using-namespace)

extern "C" {

void* ioasid_ck_new(std::size_t size) { return allocate_or_throw(size, 16); }
void* ioasid_ck_new_aligned(std::size_t size, std::size_t align) {
  return allocate_or_throw(size, align);
}
void ioasid_ck_delete_unsized(void* object) { ck_free(object); }
void ioasid_ck_delete(void* object, std::size_t) { ck_free(object); }
void ioasid_ck_delete_aligned(void* object, std::size_t, std::size_t) { ck_free(object); }
void* ioasid_ck_calloc(std::size_t count, std::size_t size) {
  return allocate(count * size, 16, true);
}
void ioasid_ck_free(void* object) { ck_free(object); }
void* ioasid_ck_memset(void* to, int byte, std::size_t size) {
  ck_write(to, size);
  return std::memset(to, byte, size);
}
void* ioasid_ck_memmove(void* to, const void* from, std::size_t size) {
  ck_read(from, size);
  ck_write(to, size);
  return std::memmove(to, from, size);
}
void* ioasid_ck_memcpy(void* to, const void* from, std::size_t size) {
  return ioasid_ck_memmove(to, from, size);
}
int ioasid_ck_mutex_lock(const void* mutex) {
  ck_lock(mutex);
  return 0;
}
int ioasid_ck_mutex_unlock(const void* mutex) {
  ck_unlock(mutex);
  return 0;
}
int ioasid_ck_yield() {
  ck_yield();
  return 0;
}
void* ioasid_explored_memory(std::size_t size, std::size_t align) {
  return allocate_or_throw(size, align);
}
void** ioasid_explored_slot() { return &own().slot; }
void ioasid_explored_at_exit(void (*function)()) { own().exit = function; }

}  // extern "C"
