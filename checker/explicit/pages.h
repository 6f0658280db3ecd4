// SPDX-License-Identifier: MIT
// Pages: zeroed memory straight from the kernel, on huge pages where it is large enough.
//
// Memory is used once it is touched, so reserving more than is needed costs nothing.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_PAGES_H
#define IOMMUCHECK_CHECKER_EXPLICIT_PAGES_H

#include <cstddef>

namespace iommucheck::checker::explicit_state {

class Pages {
 public:
  static constexpr std::size_t kHuge = std::size_t{1} << 21;

  Pages() = default;
  /// Throws std::bad_alloc.
  explicit Pages(std::size_t bytes);
  /// Takes over a mapping.
  Pages(void* mapping, std::size_t bytes) : data_(mapping), bytes_(bytes) {}
  Pages(Pages&& other) noexcept { swap(other); }
  Pages& operator=(Pages&& other) noexcept {
    Pages{static_cast<Pages&&>(other)}.swap(*this);
    return *this;
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages();

  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  std::size_t bytes() const { return bytes_; }

 private:
  void swap(Pages& other) noexcept;

  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_PAGES_H
