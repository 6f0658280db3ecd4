// SPDX-License-Identifier: MIT
// Atoms: the pieces of a packed state that move as one when elements of sorts are permuted.
//
// A field is one atom; a mask of elements falls apart into its bits, each of which belongs to an
// element, as if it were an array of flags.  Constant after construction.
#ifndef IOMMUCHECK_CHECKER_SYMMETRY_ATOMS_H
#define IOMMUCHECK_CHECKER_SYMMETRY_ATOMS_H

#include <cstdint>
#include <optional>
#include <vector>

#include "core/schema.h"

namespace iommucheck::checker::symmetry {

/// The sorts that are permuted, by their place in the order in which they are dealt with.
using Levels = std::vector<Sort>;

/// The atom belongs to this element.  The next element's is so many fields, and bits of its field,
/// further on.
struct Place {
  std::uint16_t level = 0, element = 0;
  std::uint32_t fields = 0, bits = 0;
};

struct Atom {
  std::uint32_t field = 0;
  unsigned bit = 0;    ///< of the field
  unsigned width = 0;  ///< in bits
  std::vector<Place> places;
  /// The values offset .. offset + size - 1 are elements of this level's sort.
  std::optional<std::uint16_t> value_level;
  unsigned offset = 0;

  unsigned places_at(std::size_t level) const;
  bool has_place_beyond(std::size_t level) const;
};

/// Bits of a packed state.
struct Location {
  std::uint16_t word = 0;
  std::uint8_t shift = 0;
  friend bool operator==(const Location&, const Location&) = default;
};

class Atoms {
 public:
  /// Throws std::invalid_argument if a field's range does not hold every element of its sort.
  Atoms(const Schema& schema, const Levels& levels);

  const std::vector<Atom>& all() const { return atoms_; }
  /// Where the atom goes if place p moves to element to(p).
  template <class To>
  Location moved(const Atom& atom, To to) const {
    std::uint32_t field = atom.field;
    std::uint32_t bit = atom.bit;
    for (const Place& p : atom.places) {
      // Unsigned: a way back wraps around and adds up.
      const std::uint32_t distance = to(p) - p.element;
      field += distance * p.fields;
      bit += distance * p.bits;
    }
    const FieldInfo& info = schema_->fields().at(field);
    return {info.word, static_cast<std::uint8_t>(info.shift + bit)};
  }
  Location location(const Atom& atom) const {
    return moved(atom, [](const Place& p) -> std::uint32_t { return p.element; });
  }

 private:
  void add_field(std::uint32_t field, const Levels& levels);

  const Schema* schema_;  // used while levels are built; the owner keeps it
  std::vector<Atom> atoms_;
};

}  // namespace iommucheck::checker::symmetry

#endif  // IOMMUCHECK_CHECKER_SYMMETRY_ATOMS_H
