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

/// Things that a machine does not tell apart, numbered 0 .. size-1: threads, PASIDs, the slots of a
/// pool.  A permutation of them moves the arrays over the sort and renames the values that are
/// elements of it (checker/symmetry).  Sort{} is none.
struct Sort {
  static constexpr std::uint16_t kNone = 0xffff;
  std::uint16_t number = kNone;
  std::uint16_t size = 0;
  bool exists() const { return number != kNone; }
};

/// How a field's numbers read.
struct Format {
  enum class Kind : std::uint8_t { number, flag, names, mask, handle };
  Kind kind = Kind::number;
  /// names: the word for each value.  handle: names[0] is the pool's name; 0 prints as NULL.
  std::vector<std::string> names = {};
  /// The values offset .. offset + size - 1 are elements of the sort; of a mask, those bits.  The
  /// others mean the same under every permutation.  (A handle finds its sort by the pool's name.)
  Sort sort = {};
  std::uint16_t offset = 0;

  std::string print(std::uint32_t value) const;
  /// The same format for elements of a sort, 0 being none; of a mask, bit 0 is element 0.
  Format of(Sort elements) const { return of(elements, kind == Kind::mask ? 0 : 1); }
  Format of(Sort elements, unsigned first) const {
    Format format = *this;
    format.sort = elements;
    format.offset = static_cast<std::uint16_t>(first);
    return format;
  }
};

/// Where a field stands in an array over a sort: with element `element`.  The same field of the
/// next element is `stride` fields further on.
struct Coordinate {
  std::uint16_t sort = Sort::kNone;
  std::uint16_t element = 0;
  std::uint32_t stride = 0;
};

/// One field: a number of 0 .. max, at a fixed place of the packed state.
struct FieldInfo {
  std::string name;      ///< "ioasid_data[0].refs"
  std::uint32_t max{};   ///< inclusive
  std::uint8_t width{};  ///< bits
  std::uint16_t word{};
  std::uint8_t shift{};
  Format format;
  std::vector<Coordinate> coordinates;  ///< from the outermost array over a sort to the innermost
};

/// A sort by name: "threads".
struct SortInfo {
  std::string name;
  unsigned size{};
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
  /// `kMaxWords`, std::logic_error if the range does not hold every element of the format's sort.
  std::uint32_t add(std::string name, std::uint32_t max, Format format,
                    std::vector<Coordinate> coordinates = {});

  /// Declares a sort, or gives the one of this name.  Throws std::logic_error if that has another
  /// size.
  Sort sort(std::string_view name, unsigned size);
  const std::vector<SortInfo>& sorts() const { return sorts_; }
  /// The sort of this name; none if it is not declared.
  Sort find_sort(std::string_view name) const;
  /// The sort that values of this format are elements of, and the value of its first element.
  struct Elements {
    Sort sort;
    unsigned offset = 0;
  };
  Elements elements(const Format& format) const;
  /// The fields from `first` on are those of an array of n elements, of which the first ones have
  /// coordinate number `depth`: sets the strides.
  void end_array(std::uint32_t first, unsigned n, std::size_t depth, Sort sort);

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
  std::vector<SortInfo> sorts_;
  std::vector<std::uint8_t> used_;  ///< bits taken of each word
};

}  // namespace iommucheck

#endif  // IOMMUCHECK_CORE_SCHEMA_H
