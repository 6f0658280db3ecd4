// SPDX-License-Identifier: MIT
// Whether this is compiled for a sanitizer that makes everything much slower: a test may then use
// smaller bounds, and says so.
#ifndef IOMMUCHECK_TESTS_SANITIZED_H
#define IOMMUCHECK_TESTS_SANITIZED_H

namespace iommucheck {

// g++ defines macros, clang answers __has_feature.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

/// How much of its work a test does: less of the same under a sanitizer.
template <class T>
constexpr T share(T all, T sanitized) {
  return kSanitized ? sanitized : all;
}

}  // namespace iommucheck

#endif  // IOMMUCHECK_TESTS_SANITIZED_H
