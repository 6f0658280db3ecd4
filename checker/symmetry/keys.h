// SPDX-License-Identifier: MIT
// Keys: a number for each element of a sort that says what the state has of it.
//
// A permutation of the sort permutes the keys, and a permutation of the sorts of later levels
// leaves them alone: so elements may be put into the order of their keys.  Elements with the same
// key may still differ.  Constant after construction.
#ifndef IOMMUCHECK_CHECKER_SYMMETRY_KEYS_H
#define IOMMUCHECK_CHECKER_SYMMETRY_KEYS_H

#include <bit>

#include "checker/symmetry/moves.h"

namespace iommucheck::checker::symmetry {

class Keys {
 public:
  Keys(const Atoms& atoms, const Levels& levels, std::uint16_t level);

  /// Writes a key for each element.
  void operator()(const std::uint64_t* state, std::uint64_t* keys) const {
    std::uint64_t sum[kMaxElements + 1] = {};  // the last one is for values that are no element
    const Source* source = sources_.data();
    for (const Piece& piece : pieces_) {
      for (unsigned e = 0; e < size_; ++e, ++source)
        sum[e] += (std::rotr(state[source->word], source->shift) & piece.mask) * piece.factor;
    }
    for (const Term& term : terms_) {
      std::uint64_t value = state[term.word] >> term.shift & term.mask;
      // Which element of a later sort it is must not matter: only whether it is one.
      if (value - term.offset < term.elements) value = kSomeElement;
      const std::uint64_t product = value * term.factor;
      sum[term.element] += product ^ product >> 31;
    }
    for (const Mention& mention : mentions_) {
      const std::uint64_t element =
          (state[mention.word] >> mention.shift & mention.mask) - mention.offset;
      sum[element < size_ ? element : kMaxElements] += mention.factor;
    }
    for (unsigned e = 0; e < size_; ++e) keys[e] = sum[e];
  }

 private:
  static constexpr std::uint64_t kSomeElement = 0x10000;  // larger than any value

  /// Atoms that belong to one element each and lie in the same way for every element.
  struct Piece {
    std::uint64_t mask, factor;
  };
  struct Source {  ///< where a piece begins, for one element
    std::uint16_t word;
    std::uint8_t shift;
  };
  /// An atom that is one of several for its element: what they say is added up.
  struct Term {
    std::uint64_t factor;
    std::uint16_t word, mask, offset, elements;
    std::uint8_t shift, element;
  };
  /// An atom whose value is an element: that one's key changes.
  struct Mention {
    std::uint64_t factor;
    std::uint16_t word, mask, offset;
    std::uint8_t shift;
  };

  void add_to_pieces(const Atoms& atoms, const Atom& atom);

  unsigned size_;
  std::uint16_t level_;
  std::vector<Piece> pieces_;
  std::vector<Source> sources_;  ///< size_ for each piece
  std::vector<Term> terms_;
  std::vector<Mention> mentions_;
};

}  // namespace iommucheck::checker::symmetry

#endif  // IOMMUCHECK_CHECKER_SYMMETRY_KEYS_H
