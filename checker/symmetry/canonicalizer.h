// SPDX-License-Identifier: MIT
// Canonicalizer: brings a packed state into the form that all its permutations share.
//
// Constant after construction: any number of threads may use one.
//
// Sort after sort, the elements are put into the order of their keys (keys.h), and what is left
// undecided is tried: of all results, the smallest is the canonical one.  Elements whose exchange
// changes nothing are not tried, so that idle threads and free objects cost no time.
#ifndef IOMMUCHECK_CHECKER_SYMMETRY_CANONICALIZER_H
#define IOMMUCHECK_CHECKER_SYMMETRY_CANONICALIZER_H

#include <string>
#include <vector>

#include "checker/symmetry/keys.h"
#include "checker/symmetry/moves.h"

namespace iommucheck::checker::symmetry {

/// A permutation of every sort of a canonicalizer, in its order.
using Permutation = std::vector<Image>;

/// What tells an exploration which sorts to permute: their names, of those that the schema
/// declares.
using SortNames = std::vector<std::string>;

class Canonicalizer {
 public:
  /// More permutations than this are refused: states in which many elements look alike would take
  /// too long.
  static constexpr std::uint64_t kMaxGroup = 10'000'000;

  /// Throws std::invalid_argument, with a sentence for the user, for a sort that the schema does
  /// not have, and for groups that are too large.
  Canonicalizer(const Schema& schema, const SortNames& sorts);

  /// Replaces a state by the representative of its orbit.
  void operator()(std::uint64_t* state) const {
    if (!levels_.empty()) static_cast<void>(canonicalize(state));
  }
  /// The number of states that are permutations of this one.
  std::uint64_t orbit_size(const std::uint64_t* state) const;
  /// Both at once, which costs no more than the first.
  std::uint64_t canonical_orbit(std::uint64_t* state) const { return order_ / canonicalize(state); }

  void permute(std::uint64_t* state, const Permutation& permutation) const;

  unsigned words() const { return words_; }
  /// The sorts of more than one element, in the order in which the schema declares them.
  const SortNames& sorts() const { return names_; }
  const Levels& levels() const { return levels_; }
  /// The number of permutations.
  std::uint64_t group_order() const { return order_; }
  /// All of them, the identity first.
  std::vector<Permutation> group() const;
  /// Swaps of neighbours, of which every permutation is made; and which they swap.
  struct Swap {
    std::size_t level;
    unsigned element;  ///< with the next one
  };
  std::vector<Swap> generators() const;
  void swap(std::uint64_t* state, const Swap& s) const {
    permuted_[s.level].moves.swap_next(s.element, state);
  }

 private:
  struct Permuted {
    Moves moves;
    Keys keys;
  };
  /// The smallest state found, and how many permutations lead to it.
  struct Best {
    bool found = false;
    std::uint64_t ways = 0;
    std::uint64_t state[Schema::kMaxWords];
  };
  /// Elements with the same key, in the order of the keys: first .. last - 1.
  struct Tie {
    unsigned first, last;
  };

  /// Gives the number of permutations that lead from the state to its canonical form.
  std::uint64_t canonicalize(std::uint64_t* state) const;
  void descend(std::size_t level, std::uint64_t ways, std::uint64_t* state, Best& best) const;
  void try_all(std::size_t level, std::uint64_t ways, const std::uint64_t* state, const Tie* ties,
               unsigned count, Best& best) const;
  void consider(std::uint64_t ways, const std::uint64_t* state, Best& best) const;
  bool same(const std::uint64_t* a, const std::uint64_t* b) const;
  void copy(const std::uint64_t* from, std::uint64_t* to) const {
    for (unsigned w = 0; w < words_; ++w) to[w] = from[w];
  }

  unsigned words_;
  std::uint64_t order_ = 1;
  SortNames names_;
  Levels levels_;
  std::vector<Permuted> permuted_;
};

}  // namespace iommucheck::checker::symmetry

#endif  // IOMMUCHECK_CHECKER_SYMMETRY_CANONICALIZER_H
