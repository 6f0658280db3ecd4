// SPDX-License-Identifier: MIT
// Mapping and advising memory.
#include "checker/explicit/pages.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>
#include <utility>

namespace iommucheck::checker::explicit_state {

Pages::Pages(std::size_t bytes) {
  constexpr std::size_t kSmall = 4096;
  if (bytes > SIZE_MAX - 2 * kHuge) throw std::bad_alloc();
  bytes_ = bytes == 0 ? kSmall : (bytes + kSmall - 1) / kSmall * kSmall;
  // A mapping begins at any small page: map too much, and give the ends back.  Its own end is on
  // small pages: a huge one for a few bytes would be a waste.
  const bool huge = bytes >= kHuge;
  const std::size_t mapped = huge ? bytes_ + kHuge : bytes_;
  void* const start = mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) throw std::bad_alloc();
  data_ = start;
  if (!huge) return;
  auto* const first = static_cast<unsigned char*>(start);
  const std::size_t before = (kHuge - reinterpret_cast<std::uintptr_t>(start) % kHuge) % kHuge;
  if (before != 0) munmap(first, before);
  munmap(first + before + bytes_, kHuge - before);
  data_ = first + before;
  madvise(data_, bytes_, MADV_HUGEPAGE);  // only faster: it may fail
}

Pages::~Pages() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

void Pages::swap(Pages& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
}

}  // namespace iommucheck::checker::explicit_state
