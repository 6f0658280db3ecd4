// SPDX-License-Identifier: MIT
// Keys: what the visited set knows a state by: 64 hashed bits, and a few more as they are.
//
// DirectKeys and TreeKeys are exact: different states have different keys.  FingerprintKeys are
// not: what that may cost is omission_probability() (explicit.h).
//
// A keys object is shared by all workers; what a worker needs for itself is its Local.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_KEYS_H
#define IOMMUCHECK_CHECKER_EXPLICIT_KEYS_H

#include "checker/explicit/interner.h"
#include "checker/explicit/words.h"
#include "core/schema.h"

namespace iommucheck::checker::explicit_state {

struct Key {
  std::uint64_t hash = 0;   ///< every bit depends on all of the state
  std::uint64_t extra = 0;  ///< below 2^extra_bits()
};

/// More extra bits than this would need a large set from the beginning (see visited_set.h).
inline constexpr unsigned kMostExtraBits = 13;
/// Of a fingerprint, beside 64 bits.
inline constexpr unsigned kFingerprintExtraBits = 10;

/// Numbers become others, one to one, so that the upper bits depend on all bits: a product's upper
/// bits do on those below them, and reversing the bytes puts them where the next one needs them.
inline std::uint64_t mix(std::uint64_t x) {
  return __builtin_bswap64(x * 0xff51afd7ed558ccd) * 0xc4ceb9fe1a85ec53;
}

/// The state itself, mixed up: for states of up to 64 + kMostExtraBits bits.
template <unsigned W>
class DirectKeys {
 public:
  struct Local {
    explicit Local(const DirectKeys&) {}
  };
  explicit DirectKeys(const Schema& schema, unsigned) : extra_bits_(extra_bits_of(schema)) {}

  static bool suits(const Schema& schema) {
    return schema.words() == W && W <= 2 && extra_bits_of(schema) <= kMostExtraBits;
  }
  unsigned extra_bits() const { return extra_bits_; }
  Key operator()(Local&, const std::uint64_t* state) const {
    if constexpr (W == 1) return {mix(state[0]), 0};
    // For each value of the second word, the first one is mapped one to one.
    return {mix(state[0] ^ state[W - 1] * 0x9e3779b97f4a7c15), state[W - 1]};
  }

  static constexpr bool kGrow = false;  ///< whether bytes() can be more than 0
  static constexpr bool reserve(Local&, std::uint64_t) { return true; }
  static constexpr bool grow(std::uint64_t, std::uint64_t) { return true; }
  static constexpr std::uint64_t bytes() { return 0; }

 private:
  static unsigned extra_bits_of(const Schema& schema) {
    if (W == 1) return 0;
    unsigned used = 0;
    for (const FieldInfo& field : schema.fields()) {
      if (field.word == 1) used = std::max(used, unsigned{field.shift} + field.width);
    }
    return used;
  }
  unsigned extra_bits_;
};

/// 74 bits of hash, whatever the state's size.
template <unsigned W>
class FingerprintKeys {
 public:
  struct Local {
    explicit Local(const FingerprintKeys&) {}
  };
  explicit FingerprintKeys(const Schema& schema, unsigned) : width_(schema.words()) {}

  static constexpr unsigned extra_bits() { return kFingerprintExtraBits; }
  Key operator()(Local&, const std::uint64_t* state) const {
    // The extra bits come from a product of their own: they would be worth nothing otherwise.
    std::uint64_t second = 0x2545f4914f6cdd1d;
    for (unsigned i = 0; i < width_.get(); ++i)
      second = fold(second ^ state[i], 0x9fb21c651e98df25);
    return {hash(width_, state), second >> (64 - kFingerprintExtraBits)};
  }

  static constexpr bool kGrow = false;  ///< whether bytes() can be more than 0
  static constexpr bool reserve(Local&, std::uint64_t) { return true; }
  static constexpr bool grow(std::uint64_t, std::uint64_t) { return true; }
  static constexpr std::uint64_t bytes() { return 0; }

 private:
  [[no_unique_address]] Width<W> width_;
};

/// A tree of pairs: words become numbers of 32 bits, pairs of them too, and what is left at the
/// root is one pair.  Parts that many states share are kept once.
template <unsigned W>
class TreeKeys {
 public:
  struct Local {
    explicit Local(TreeKeys& keys) : table(keys.interner_) {}
    Interner::Local table;
  };
  explicit TreeKeys(const Schema& schema, unsigned workers)
      : width_(schema.words()), interner_(workers) {}

  static constexpr unsigned extra_bits() { return 0; }
  Key operator()(Local& local, const std::uint64_t* state) const {
    std::uint32_t parts[Schema::kMaxWords];
    unsigned n = width_.get();
    for (unsigned i = 0; i < n; ++i) parts[i] = local.table.number(state[i]);
    for (; n > 2; n = (n + 1) / 2) {
      for (unsigned i = 0; i < n / 2; ++i)
        parts[i] = local.table.number(pair(parts[2 * i], parts[2 * i + 1]));
      if (n % 2 != 0) parts[n / 2] = parts[n - 1];
    }
    return {mix(n == 1 ? parts[0] : pair(parts[0], parts[1])), 0};
  }

  static constexpr bool kGrow = true;
  /// Whether `states` more keys can be made without growing.
  bool reserve(Local& local, std::uint64_t states) const {
    return local.table.reserve(states * 2 * width_.get());
  }
  /// While the workers rest: room for so many more; false if it would be beyond `most_bytes`.
  bool grow(std::uint64_t states, std::uint64_t most_bytes) {
    return interner_.grow(states * 2 * width_.get(), most_bytes);
  }
  std::uint64_t bytes() const { return interner_.bytes(); }

 private:
  static std::uint64_t pair(std::uint32_t a, std::uint32_t b) { return std::uint64_t{a} << 32 | b; }

  [[no_unique_address]] Width<W> width_;
  Interner interner_;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_KEYS_H
