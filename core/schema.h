// SPDX-License-Identifier: MIT
// Schema: the one list of a state's fields, from which packing, printing, diffing and JSON come.
//
// Fields are added in the order in which a machine constructs its variables; the order is the same
// in every domain.  A packed state is `words()` 64-bit words; no field straddles a word.
#ifndef IOMMUCHECK_CORE_SCHEMA_H
#define IOMMUCHECK_CORE_SCHEMA_H

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace iommucheck {

/// How a field's numbers read.
struct Format {
  enum class Kind : std::uint8_t { number, flag, names, mask, handle };
  Kind kind = Kind::number;
  /// names: the word for each value.  handle: names[0] is the pool's name; 0 prints as NULL.
  std::vector<std::string> names;

  std::string print(std::uint32_t value) const;
};

/// One field: a number of 0 .. max, at a fixed place of the packed state.
struct FieldInfo {
  std::string name;      ///< "ioasid_data[0].refs"
  std::uint32_t max{};   ///< inclusive
  std::uint8_t width{};  ///< bits
  std::uint16_t word{};
  std::uint8_t shift{};
  Format format;
};

/// A packed state, as a view.
using StateView = std::span<const std::uint64_t>;

/// What one step changed in one field.
struct FieldChange {
  std::string name, before, after;
};

class Schema {
 public:
  /// Adds a field of range 0 .. max; gives its number.  Throws std::length_error beyond
  /// `kMaxWords`.
  std::uint32_t add(std::string name, std::uint32_t max, Format format);

  const std::vector<FieldInfo>& fields() const { return fields_; }
  unsigned words() const { return static_cast<unsigned>(used_.size()); }
  /// The bits that fields occupy.
  unsigned bits() const;

  std::uint32_t get(StateView state, std::uint32_t field) const;
  void set(std::span<std::uint64_t> state, std::uint32_t field, std::uint32_t value) const;
  std::vector<std::uint32_t> unpack(StateView state) const;
  std::vector<std::uint64_t> pack(std::span<const std::uint32_t> values) const;

  std::vector<FieldChange> diff(StateView before, StateView after) const;
  /// "name=value ..." of every field that is not zero.
  std::string print(StateView state) const;

  static constexpr unsigned kMaxWords = 64;

 private:
  std::vector<FieldInfo> fields_;
  std::vector<std::uint8_t> used_;  ///< bits taken of each word
};

}  // namespace iommucheck

#endif  // IOMMUCHECK_CORE_SCHEMA_H
