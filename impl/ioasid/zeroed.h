// SPDX-License-Identifier: MIT
// A large array of zeroes whose pages cost nothing until they are touched.
#ifndef IOMMUCHECK_IMPL_IOASID_ZEROED_H
#define IOMMUCHECK_IMPL_IOASID_ZEROED_H

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <type_traits>

namespace iommucheck::ioasid::impl {

/// T is plain data (atomic access goes through std::atomic_ref): calloc() creates such objects
/// implicitly, so that a table of 2^20 records is ready without a write to any of its pages.
template <class T>
class ZeroedArray {
  static_assert(std::is_trivially_default_constructible_v<T> &&
                std::is_trivially_destructible_v<T>);

 public:
  /// Throws std::bad_alloc.
  explicit ZeroedArray(std::size_t count) : block_{std::calloc(count * sizeof(T) + kLine, 1)} {
    if (block_ == nullptr) throw std::bad_alloc{};
    auto address = reinterpret_cast<std::uintptr_t>(block_);
    address = (address + kLine - 1) / kLine * kLine;
    first_ = reinterpret_cast<T*>(address);
  }
  ~ZeroedArray() { std::free(block_); }
  ZeroedArray(const ZeroedArray&) = delete;
  ZeroedArray& operator=(const ZeroedArray&) = delete;

  T& operator[](std::size_t i) const noexcept { return first_[i]; }
  T* data() const noexcept { return first_; }

 private:
  static constexpr std::size_t kLine = 64;  // no record straddles two cache lines
  void* block_;
  T* first_;
};

}  // namespace iommucheck::ioasid::impl

#endif  // IOMMUCHECK_IMPL_IOASID_ZEROED_H
