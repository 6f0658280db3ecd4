// SPDX-License-Identifier: MIT
// The Concrete value domain: machine words, executed at native speed.
//
// A domain gives two types, Word and Bit, and the operations on them; everything above (Val, Bool,
// Var, the specification, the designs) is written once over a domain D.
#ifndef IOMMUCHECK_CORE_CONCRETE_H
#define IOMMUCHECK_CORE_CONCRETE_H

#include <cstdint>

namespace iommucheck {

/// Width of a value in every domain.  Fields are at most kMaxField, so one addition or subtraction
/// never wraps back into a field's range: an overflow is seen when it is stored.
inline constexpr unsigned kValueBits = 16;
inline constexpr std::uint32_t kMaxField = 0x3fff;

/// Values are 16-bit words, conditions are bools.
struct Concrete {
  using Word = std::uint16_t;
  using Bit = bool;

  static Word word(std::uint32_t v) { return static_cast<Word>(v); }
  static Bit bit(bool v) { return v; }

  static Word add(Word a, Word b) { return static_cast<Word>(a + b); }
  static Word sub(Word a, Word b) { return static_cast<Word>(a - b); }
  static Word band(Word a, Word b) { return static_cast<Word>(a & b); }
  static Word bor(Word a, Word b) { return static_cast<Word>(a | b); }
  static Bit eq(Word a, Word b) { return a == b; }
  static Bit less(Word a, Word b) { return a < b; }
  static Bit both(Bit a, Bit b) { return a && b; }
  static Bit either(Bit a, Bit b) { return a || b; }
  static Bit negate(Bit a) { return !a; }
  static Bit same(Bit a, Bit b) { return a == b; }
  static Word ite(Bit c, Word a, Word b) { return c ? a : b; }
  static Bit ite_bit(Bit c, Bit a, Bit b) { return c ? a : b; }
};

}  // namespace iommucheck

#endif  // IOMMUCHECK_CORE_CONCRETE_H
