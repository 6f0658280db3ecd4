// SPDX-License-Identifier: MIT
// Per-CPU allocations: a copy for each CPU, one behind the other in one object.
#include <array>
#include <cstdint>

#include "checker/schedule/client.h"
#include "impl/linux/scheduled/program.h"

namespace {

namespace scheduled = iommucheck::linux_harness::scheduled;

struct PerCpu {
  std::uintptr_t hidden;  ///< see hidden()
  std::uintptr_t size;    ///< of a copy
};
constexpr unsigned kMostPerCpu = 64;
std::array<PerCpu, kMostPerCpu> per_cpu_objects;
const scheduled::Restored kRestorePerCpu{&per_cpu_objects, sizeof(per_cpu_objects)};

PerCpu* per_cpu_around(const void* pointer) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  for (PerCpu& one : per_cpu_objects) {
    if (one.size != 0 && address - ~one.hidden < one.size) return &one;
  }
  return nullptr;
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the kernel's names
extern "C" {

void* pcpu_alloc_noprof(unsigned long size, unsigned long align, bool, unsigned) {
  if (kh_may_fail() != 0) return nullptr;
  for (PerCpu& one : per_cpu_objects) {
    if (one.size != 0) continue;
    const unsigned long stride = (size + align - 1) / align * align;
    void* object = ck_alloc(stride * kh_cpus(), align, 1);
    one = {scheduled::hidden(object), stride};
    return object;
  }
  ck_report_fatal("too many per-CPU objects", "more than the harness keeps");
  return nullptr;
}
void* __alloc_percpu(unsigned long size, unsigned long align) {
  return pcpu_alloc_noprof(size, align, false, 0);
}

void free_percpu(void* object) {
  if (PerCpu* one = per_cpu_around(object)) *one = {};
  ck_free(object);
}

void* kh_per_cpu(const void* pointer, unsigned cpu) {
  const PerCpu* one = per_cpu_around(pointer);
  if (one == nullptr) ck_report_fatal("unmodelled kernel symbol", "static data of each CPU");
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(pointer) + cpu * one->size);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
