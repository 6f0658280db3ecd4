// SPDX-License-Identifier: MIT
// Hashing, comparing and copying packed states, unrolled where the number of words is known.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_WORDS_H
#define IOMMUCHECK_CHECKER_EXPLICIT_WORDS_H

#include <cstdint>

namespace iommucheck::checker::explicit_state {

/// The number of words of a state: W, or a number known at run time only (W = 0).
template <unsigned W>
struct Width {
  explicit Width(unsigned) {}
  static constexpr unsigned get() { return W; }
};
template <>
struct Width<0> {
  explicit Width(unsigned words) : words_(words) {}
  unsigned get() const { return words_; }

 private:
  unsigned words_;
};

template <unsigned W>
bool equal(Width<W> width, const std::uint64_t* a, const std::uint64_t* b) {
  std::uint64_t difference = 0;
  for (unsigned i = 0; i < width.get(); ++i) difference |= a[i] ^ b[i];
  return difference == 0;
}

template <unsigned W>
void copy(Width<W> width, const std::uint64_t* from, std::uint64_t* to) {
  for (unsigned i = 0; i < width.get(); ++i) to[i] = from[i];
}

/// The two halves of a product, folded: every bit of the result depends on all bits of both.
inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// A hash whose bits are all good.  A product for every two words, independent of one another, so
/// that the CPU overlaps them.
template <unsigned W>
std::uint64_t hash(Width<W> width, const std::uint64_t* state) {
  constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio
  std::uint64_t sum = 0xa0761d6478bd642f;
  std::uint64_t key = 0xe7037ed1a0b428db;
  unsigned i = 0;
  for (; i + 1 < width.get(); i += 2) {
    sum += fold(state[i] ^ key, state[i + 1] ^ (key + kStep));
    key += 2 * kStep;
  }
  if (i < width.get()) sum += fold(state[i] ^ key, key + kStep);
  return fold(sum, 0x8ebc6af09c88c6e3);
}

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_WORDS_H
