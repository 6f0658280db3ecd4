// SPDX-License-Identifier: MIT
// The C surface of the engine.
#include "checker/schedule/client.h"

#include "checker/schedule/engine.h"

// The caller's own instruction; macros, because a function would have a frame of its own.
#define CK_PC (reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)) - 1)

namespace {

using iommucheck::schedule::Engine;
using iommucheck::schedule::Severity;
using iommucheck::schedule::ThreadId;

std::uintptr_t number(const void* address) { return reinterpret_cast<std::uintptr_t>(address); }

Engine::MemoryOrder order_of(int order, bool modifies = false) {
  return {(order & CK_ACQUIRE) != 0, (order & CK_RELEASE) != 0, modifies};
}

}  // namespace

extern "C" {

void ck_lock(const void* lock) {
  if (Engine* engine = Engine::running()) engine->acquire(number(lock), false, CK_PC);
}
int ck_trylock(const void* lock) {
  Engine* engine = Engine::running();
  return engine == nullptr || engine->try_acquire(number(lock), false, CK_PC) ? 1 : 0;
}
void ck_unlock(const void* lock) {
  if (Engine* engine = Engine::running()) engine->release(number(lock), false, CK_PC);
}
void ck_lock_shared(const void* lock) {
  if (Engine* engine = Engine::running()) engine->acquire(number(lock), true, CK_PC);
}
int ck_trylock_shared(const void* lock) {
  Engine* engine = Engine::running();
  return engine == nullptr || engine->try_acquire(number(lock), true, CK_PC) ? 1 : 0;
}
void ck_unlock_shared(const void* lock) {
  if (Engine* engine = Engine::running()) engine->release(number(lock), true, CK_PC);
}
int ck_holds(const void* lock) {
  const Engine* engine = Engine::running();
  return engine == nullptr || engine->holds(number(lock)) ? 1 : 0;
}

void ck_lock_use(const void* lock, unsigned inside, unsigned open) {
  if (Engine* engine = Engine::running()) engine->lock_use(number(lock), inside, open, CK_PC);
}

void ck_reader_begin() {
  if (Engine* engine = Engine::running()) engine->reader_begin(CK_PC);
}
void ck_reader_end() {
  if (Engine* engine = Engine::running()) engine->reader_end(CK_PC);
}
unsigned ck_reader_depth() {
  const Engine* engine = Engine::running();
  return engine == nullptr ? 0 : engine->reader_depth();
}
void ck_synchronize() {
  if (Engine* engine = Engine::running()) engine->synchronize(CK_PC);
}
void ck_after_grace(const char* name, void (*function)(void*), void* argument) {
  if (Engine* engine = Engine::running()) engine->after_grace(name, function, argument, CK_PC);
}
void ck_free_after_grace(void* object) {
  if (Engine* engine = Engine::running()) engine->free_after_grace(number(object), CK_PC);
}

void* ck_alloc(unsigned long size, unsigned long align, int zero) {
  Engine* engine = Engine::running();
  return engine == nullptr ? nullptr : engine->allocate(size, align, zero != 0, CK_PC);
}
void ck_free(void* object) {
  if (Engine* engine = Engine::running()) engine->free(number(object), CK_PC);
}
unsigned long ck_size(const void* object) {
  Engine* engine = Engine::running();
  return engine == nullptr ? 0 : engine->size_of(number(object));
}
void ck_read(const void* address, unsigned long size) {
  if (Engine* engine = Engine::running()) engine->plain(number(address), size, false, CK_PC, true);
}
void ck_write(const void* address, unsigned long size) {
  if (Engine* engine = Engine::running()) engine->plain(number(address), size, true, CK_PC);
}
void ck_marked_read(const void* address, unsigned size, int order) {
  if (Engine* engine = Engine::running()) {
    engine->marked(number(address), size, false, order_of(order), CK_PC);
  }
}
void ck_marked_write(const void* address, unsigned size, int order) {
  if (Engine* engine = Engine::running()) {
    engine->marked(number(address), size, true, order_of(order), CK_PC);
  }
}
void ck_marked_modify(const void* address, unsigned size, int order) {
  if (Engine* engine = Engine::running()) {
    engine->marked(number(address), size, true, order_of(order, true), CK_PC);
  }
}
void ck_fence(int order) {
  if (Engine* engine = Engine::running()) {
    engine->fence((order & CK_ACQUIRE) != 0, (order & CK_RELEASE) != 0);
  }
}

void ck_release_next() {
  if (Engine* engine = Engine::running()) engine->release_next();
}

int ck_spawn(const char* name, void (*function)(void*), void* argument) {
  Engine* engine = Engine::running();
  return engine == nullptr ? 0 : engine->spawn(name, function, argument);
}
void ck_join(int thread) {
  if (Engine* engine = Engine::running()) engine->join(static_cast<ThreadId>(thread), CK_PC);
}
int ck_self() {
  const Engine* engine = Engine::running();
  return engine == nullptr ? 0 : engine->current();
}
void ck_prepare_to_sleep() {
  if (Engine* engine = Engine::running()) engine->prepare_to_sleep(CK_PC);
}
int ck_sleep(int with_timeout) {
  Engine* engine = Engine::running();
  return engine == nullptr || engine->sleep(with_timeout != 0, CK_PC) ? 1 : 0;
}
void ck_wake(int thread) {
  if (Engine* engine = Engine::running()) engine->wake(static_cast<ThreadId>(thread), CK_PC);
}
void ck_await() {
  if (Engine* engine = Engine::running()) engine->await(CK_PC);
}
void ck_yield() {
  if (Engine* engine = Engine::running()) engine->yield(CK_PC);
}

unsigned ck_choose(unsigned alternatives) {
  Engine* engine = Engine::running();
  return engine == nullptr ? 0 : engine->choose(alternatives, CK_PC);
}
void ck_atomic_enter() {
  if (Engine* engine = Engine::running()) ++engine->atomic_depth();
}
void ck_atomic_leave() {
  if (Engine* engine = Engine::running()) --engine->atomic_depth();
}
int ck_atomic_depth() {
  Engine* engine = Engine::running();
  return engine == nullptr ? 0 : engine->atomic_depth();
}
void ck_may_sleep(const char* what) {
  if (Engine* engine = Engine::running()) engine->may_sleep(what, CK_PC);
}
void ck_report(const char* kind, const char* message) {
  if (Engine* engine = Engine::running()) {
    engine->report(Severity::goes_on, kind, message,
                   engine->stack_from(__builtin_frame_address(0)));
  }
}
void ck_report_fatal(const char* kind, const char* message) {
  if (Engine* engine = Engine::running()) {
    engine->report(Severity::ends_thread, kind, message,
                   engine->stack_from(__builtin_frame_address(0)));
  }
}
void ck_call_begin(const char* call) {
  if (Engine* engine = Engine::running()) engine->call_begin(call);
}
void ck_call_end(const char* result) {
  if (Engine* engine = Engine::running()) engine->call_end(result);
}
void ck_note(const char* text) {
  if (Engine* engine = Engine::running()) engine->note(text);
}

}  // extern "C"
