// SPDX-License-Identifier: MIT
// kmalloc and the slab caches on the engine's heap, with failing allocations; memcpy and its like.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "checker/schedule/client.h"
#include "impl/linux/scheduled/program.h"

namespace iommucheck::linux_harness::scheduled {
namespace {

constexpr unsigned long kAlign = 16;
constexpr std::uintptr_t kZeroSize = 16;  // what kmalloc(0) answers

/// Of the running call, for each thread of the engine's.
struct Failures {
  unsigned failing = 0, attempts = 0;
  bool failed = false;
};
std::array<Failures, 16> all_failures;
bool choosing = false;

Failures& failures() { return all_failures.at(static_cast<std::size_t>(ck_self())); }

struct Cache {
  unsigned long size, align;
  void (*constructor)(void*);
};

bool fails() {
  Failures& mine = failures();
  ++mine.attempts;
  const bool fail = mine.failing == 1 || (mine.failing > 1 && mine.attempts == mine.failing - 1) ||
                    (choosing && ck_choose(2) == 1);
  mine.failed |= fail;
  return fail;
}

void* allocate(unsigned long size, unsigned long align, unsigned gfp) {
  if ((gfp & kh_facts.gfp_sleeps) != 0) ck_may_sleep("an allocation that may sleep");
  if (fails()) return nullptr;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): as the kernel does
  if (size == 0) return reinterpret_cast<void*>(kZeroSize);
  return ck_alloc(size, align, (gfp & kh_facts.gfp_zero) != 0 ? 1 : 0);
}

void release(const void* object) {
  if (reinterpret_cast<std::uintptr_t>(object) <= kZeroSize) return;
  ck_free(const_cast<void*>(object));
}

}  // namespace

void fail_allocations(unsigned which) { failures() = {which, 0, false}; }
void choose_failures(bool on) { choosing = on; }
bool allocation_failed() { return failures().failed; }

}  // namespace iommucheck::linux_harness::scheduled

using iommucheck::linux_harness::scheduled::allocate;
using iommucheck::linux_harness::scheduled::Cache;
using iommucheck::linux_harness::scheduled::fails;
using iommucheck::linux_harness::scheduled::kAlign;
using iommucheck::linux_harness::scheduled::release;

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the kernel's names
extern "C" {

/// The kernel picks a size class here; ours has none.  Larger than any kernel's table.
void* kmalloc_caches[64][32];

void* __kmalloc(unsigned long size, unsigned gfp) { return allocate(size, kAlign, gfp); }
void* __kmalloc_noprof(unsigned long size, unsigned gfp) { return allocate(size, kAlign, gfp); }
void* __kmalloc_large_noprof(unsigned long size, unsigned gfp) {
  return allocate(size, kAlign, gfp);
}
void* kmalloc_trace(Cache*, unsigned gfp, unsigned long size) {
  return allocate(size, kAlign, gfp);
}
void* kmem_cache_alloc_trace(Cache*, unsigned gfp, unsigned long size) {
  return allocate(size, kAlign, gfp);
}
void* __kmalloc_cache_noprof(Cache*, unsigned gfp, unsigned long size) {
  return allocate(size, kAlign, gfp);
}
void* kmem_cache_alloc(Cache* cache, unsigned gfp) {
  void* object = allocate(cache->size, cache->align, gfp);
  if (object != nullptr && cache->constructor != nullptr) cache->constructor(object);
  return object;
}
void* kmem_cache_alloc_noprof(Cache* cache, unsigned gfp) { return kmem_cache_alloc(cache, gfp); }
void* kmem_cache_alloc_lru(Cache* cache, void*, unsigned gfp) {
  return kmem_cache_alloc(cache, gfp);
}
void* kmem_cache_alloc_lru_noprof(Cache* cache, void*, unsigned gfp) {
  return kmem_cache_alloc(cache, gfp);
}
Cache* kh_cache_create(unsigned size, unsigned align, void (*constructor)(void*)) {
  auto* cache = static_cast<Cache*>(ck_alloc(sizeof(Cache), kAlign, 1));
  if (cache != nullptr) *cache = {size, align < kAlign ? kAlign : align, constructor};
  return cache;
}
Cache* kmem_cache_create(const char*, unsigned size, unsigned align, unsigned,
                         void (*constructor)(void*)) {
  return kh_cache_create(size, align, constructor);
}
void* krealloc_noprof(const void* old, unsigned long size, unsigned gfp) {
  void* object = allocate(size, kAlign, gfp);
  const unsigned long kept = old == nullptr ? 0 : std::min(size, ck_size(old));
  if (object == nullptr || kept == 0) return object;
  ck_read(old, kept);
  ck_write(object, kept);
  std::memcpy(object, old, kept);
  release(old);
  return object;
}
void kmem_cache_free(Cache*, void* object) { release(object); }
void kfree(const void* object) { release(object); }
void kvfree(const void* object) { release(object); }
void* __kvmalloc_node_noprof(unsigned long size, unsigned gfp, int) {
  return allocate(size, kAlign, gfp);
}
void* vmalloc_noprof(unsigned long size) { return allocate(size, kAlign, kh_facts.gfp_sleeps); }
void vfree(const void* object) { release(object); }
void kfree_sensitive(const void* object) { release(object); }
int kh_may_fail() { return fails() ? 1 : 0; }
void fs_reclaim_acquire(unsigned) {}
void fs_reclaim_release(unsigned) {}

// The kernel objects' calls of the C library's functions are renamed to these.
void* kh_memcpy(void* to, const void* from, unsigned long size) {
  ck_read(from, size);
  ck_write(to, size);
  return std::memcpy(to, from, size);
}
void* kmemdup(const void* from, unsigned long size, unsigned gfp) {
  void* copy = allocate(size, kAlign, gfp);
  return copy == nullptr ? nullptr : kh_memcpy(copy, from, size);
}
void* kh_memmove(void* to, const void* from, unsigned long size) {
  ck_read(from, size);
  ck_write(to, size);
  return std::memmove(to, from, size);
}
void* kh_memset(void* to, int value, unsigned long size) {
  ck_write(to, size);
  return std::memset(to, value, size);
}
int kh_memcmp(const void* a, const void* b, unsigned long size) {
  ck_read(a, size);
  ck_read(b, size);
  return std::memcmp(a, b, size);
}
void* kh_memchr_inv(const void* from, int value, unsigned long size) {
  ck_read(from, size);
  const auto* bytes = static_cast<const unsigned char*>(from);
  for (unsigned long i = 0; i < size; ++i) {
    if (bytes[i] != static_cast<unsigned char>(value)) return const_cast<unsigned char*>(bytes + i);
  }
  return nullptr;
}

/// Before each atomic or bit operation that the kernel does in assembly (linux/instrumented.h).
void __kcsan_check_access(const volatile void* address, unsigned long size, int type) {
  constexpr int kWrite = 1, kCompound = 2, kAtomic = 4;
  const void* at = const_cast<const void*>(address);
  if ((type & kAtomic) == 0) {
    ((type & kWrite) != 0 ? ck_write : ck_read)(at, size);
  } else if ((type & kCompound) != 0) {
    // What orders it comes as a fence before it; that a value comes back orders what follows.
    ck_marked_modify(at, static_cast<unsigned>(size), CK_ACQUIRE);
  } else if ((type & kWrite) != 0) {
    ck_marked_write(at, static_cast<unsigned>(size), CK_RELAXED);
  } else {
    ck_marked_read(at, static_cast<unsigned>(size), CK_ACQUIRE);
  }
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
