// SPDX-License-Identifier: MIT
// Moves: permuting the elements of one sort in a packed state, by masks and rotations of words.
//
// Constant after construction.
#ifndef IOMMUCHECK_CHECKER_SYMMETRY_MOVES_H
#define IOMMUCHECK_CHECKER_SYMMETRY_MOVES_H

#include <bit>

#include "checker/symmetry/atoms.h"

namespace iommucheck::checker::symmetry {

/// The largest sort that can be permuted: a permutation is a byte of a word for each element.
inline constexpr unsigned kMaxElements = 8;

/// A permutation of one sort: element e becomes [e].
class Image {
 public:
  Image() = default;
  unsigned operator[](unsigned e) const { return bytes_ >> (8 * e) & 0xff; }
  void set(unsigned e, unsigned to) {
    bytes_ = (bytes_ & ~(std::uint64_t{0xff} << (8 * e))) | std::uint64_t{to} << (8 * e);
  }
  std::uint64_t bytes() const { return bytes_; }
  friend bool operator==(const Image&, const Image&) = default;

 private:
  std::uint64_t bytes_ = 0x0706050403020100;
};

class Moves {
 public:
  Moves(const Atoms& atoms, std::uint16_t level, unsigned size, unsigned words);

  unsigned size() const { return size_; }
  /// Permutes the state.
  void apply(Image image, std::uint64_t* state) const {
    if (image == Image{}) return;
    if (size_ <= kTabulated) {
      run(programs_[number_[key(image)]], state);
    } else {
      apply_by_swaps(image, state);
    }
  }
  /// Swaps elements e and e + 1.
  void swap_next(unsigned e, std::uint64_t* state) const { run(programs_[next_[e]], state); }

 private:
  /// Up to this size every permutation has a program of its own; larger ones are made of swaps.
  static constexpr unsigned kTabulated = 5;

  /// The bits of `mask`, rotated left.
  struct Move {
    std::uint64_t mask;
    std::uint16_t from;
    std::uint8_t rotate;
  };
  /// A field whose value is an element, or none.
  struct Rename {
    std::uint16_t from, offset, mask;
    std::uint8_t shift, to_shift;
  };
  /// What becomes of one word: the bits that stay, and what is put in from moves and renames up to
  /// these numbers.
  struct Target {
    std::uint64_t keep;
    std::uint16_t word;
    std::uint16_t moves_end, renames_end;
  };
  struct Program {
    Image image;
    std::vector<Target> targets;
    std::vector<Move> moves;
    std::vector<Rename> renames;
  };

  Program make(const Atoms& atoms, std::uint16_t level, Image image) const;
  void apply_by_swaps(Image image, std::uint64_t* state) const;
  /// A number for each permutation of a tabulated size.
  std::size_t key(Image image) const {
    std::size_t k = 0;
    for (unsigned e = 0; e + 1 < size_; ++e) k = k * size_ + image[e];
    return k;
  }

  void run(const Program& program, std::uint64_t* state) const {
    std::uint64_t old[Schema::kMaxWords];
    for (unsigned w = 0; w < words_; ++w) old[w] = state[w];
    const Move* move = program.moves.data();
    const Rename* rename = program.renames.data();
    for (const Target& target : program.targets) {
      std::uint64_t word = old[target.word] & target.keep;
      const Move* const moves_end = program.moves.data() + target.moves_end;
      for (; move != moves_end; ++move)
        word |= std::rotl(old[move->from] & move->mask, move->rotate);
      const Rename* const renames_end = program.renames.data() + target.renames_end;
      for (; rename != renames_end; ++rename) {
        const std::uint64_t value = old[rename->from] >> rename->shift & rename->mask;
        const std::uint64_t element = value - rename->offset;
        const std::uint64_t renamed =
            rename->offset + (program.image.bytes() >> (element * 8 & 63) & 0xff);
        word |= (element < size_ ? renamed : value) << rename->to_shift;
      }
      state[target.word] = word;
    }
  }

  unsigned size_, words_;
  std::vector<Program> programs_;
  std::vector<std::uint16_t> number_;  ///< of programs, by key(); where all are tabulated
  std::vector<std::uint16_t> swap_;    ///< of programs, by e * size + f; where they are not
  std::vector<std::uint16_t> next_;    ///< of programs: swaps of e and e + 1
};

}  // namespace iommucheck::checker::symmetry

#endif  // IOMMUCHECK_CHECKER_SYMMETRY_MOVES_H
