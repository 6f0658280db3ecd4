// SPDX-License-Identifier: MIT
// The search for the smallest permutation of a state.
#include "checker/symmetry/canonicalizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace iommucheck::checker::symmetry {

namespace {

std::string all_sorts(const Schema& schema) {
  std::string text;
  for (const SortInfo& s : schema.sorts())
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", s.name, s.size);
  return text.empty() ? "none" : text;
}

std::uint64_t factorial(std::uint64_t n) { return n < 2 ? 1 : n * factorial(n - 1); }

}  // namespace

Canonicalizer::Canonicalizer(const Schema& schema, const SortNames& sorts)
    : words_(schema.words()) {
  for (const std::string& name : sorts) {
    const auto known = [&](const SortInfo& s) { return s.name == name; };
    if (std::none_of(schema.sorts().begin(), schema.sorts().end(), known)) {
      throw std::invalid_argument(
          fmt::format("there is no sort '{}'; there are {}", name, all_sorts(schema)));
    }
  }
  for (std::size_t i = 0; i < schema.sorts().size(); ++i) {
    const SortInfo& sort = schema.sorts()[i];
    if (std::find(sorts.begin(), sorts.end(), sort.name) == sorts.end()) continue;
    if (sort.size < 2) continue;  // nothing to permute
    names_.push_back(sort.name);
    if (sort.size > kMaxElements) {
      throw std::invalid_argument(
          fmt::format("the sort '{}' has {} elements; at most {} can be "
                      "permuted: use smaller bounds, or leave it out",
                      sort.name, sort.size, kMaxElements));
    }
    order_ *= factorial(sort.size);
    if (order_ > kMaxGroup) {
      throw std::invalid_argument(
          fmt::format("these sorts have more than {} permutations together: use smaller bounds, or "
                      "leave out one of {}",
                      kMaxGroup, all_sorts(schema)));
    }
    levels_.push_back({static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(sort.size)});
  }
  const Atoms atoms(schema, levels_);
  for (std::size_t k = 0; k < levels_.size(); ++k) {
    const auto level = static_cast<std::uint16_t>(k);
    permuted_.push_back(
        {Moves{atoms, level, levels_[k].size, words_}, Keys{atoms, levels_, level}});
  }
}

std::uint64_t Canonicalizer::canonicalize(std::uint64_t* state) const {
  Best best;
  descend(0, 1, state, best);
  copy(best.state, state);
  return best.ways;
}

void Canonicalizer::descend(std::size_t level, std::uint64_t ways, std::uint64_t* state,
                            Best& best) const {
  for (; level < levels_.size(); ++level) {
    const Permuted& p = permuted_[level];
    const unsigned n = levels_[level].size;
    std::uint64_t key[kMaxElements];
    std::uint8_t element[kMaxElements];
    p.keys(state, key);
    for (unsigned i = 0; i < n; ++i) {
      unsigned at = i;
      for (; at > 0 && key[element[at - 1]] > key[i]; --at) element[at] = element[at - 1];
      element[at] = static_cast<std::uint8_t>(i);
    }
    Image order;
    for (unsigned i = 0; i < n; ++i) order.set(element[i], i);
    p.moves.apply(order, state);

    Tie ties[kMaxElements];
    unsigned open = 0;
    for (unsigned first = 0, last = 1; first < n; first = last++) {
      while (last < n && key[element[last]] == key[element[first]]) ++last;
      if (last - first == 1) continue;
      // If every exchange of neighbours leaves the state as it is, so does every permutation.
      bool alike = true;
      for (unsigned e = first; alike && e + 1 < last; ++e) {
        std::uint64_t swapped[Schema::kMaxWords];
        copy(state, swapped);
        p.moves.swap_next(e, swapped);
        alike = same(state, swapped);
      }
      if (alike) {
        ways *= factorial(last - first);
      } else {
        ties[open++] = {first, last};
      }
    }
    if (open != 0) return try_all(level, ways, state, ties, open, best);
  }
  consider(ways, state, best);
}

void Canonicalizer::try_all(std::size_t level, std::uint64_t ways, const std::uint64_t* state,
                            const Tie* ties, unsigned count, Best& best) const {
  std::uint8_t to[kMaxElements];
  for (unsigned e = 0; e < kMaxElements; ++e) to[e] = static_cast<std::uint8_t>(e);
  for (;;) {
    Image image;
    for (unsigned e = 0; e < levels_[level].size; ++e) image.set(e, to[e]);
    std::uint64_t tried[Schema::kMaxWords];
    copy(state, tried);
    permuted_[level].moves.apply(image, tried);
    descend(level + 1, ways, tried, best);
    // After its last arrangement, a tie begins again and the next one moves on.
    unsigned t = 0;
    while (t < count && !std::next_permutation(to + ties[t].first, to + ties[t].last)) ++t;
    if (t == count) return;
  }
}

void Canonicalizer::consider(std::uint64_t ways, const std::uint64_t* state, Best& best) const {
  if (best.found) {
    unsigned w = 0;
    while (w < words_ && state[w] == best.state[w]) ++w;
    if (w == words_) {
      best.ways += ways;
      return;
    }
    if (state[w] > best.state[w]) return;
  }
  best.found = true;
  best.ways = ways;
  copy(state, best.state);
}

bool Canonicalizer::same(const std::uint64_t* a, const std::uint64_t* b) const {
  std::uint64_t difference = 0;
  for (unsigned w = 0; w < words_; ++w) difference |= a[w] ^ b[w];
  return difference == 0;
}

std::uint64_t Canonicalizer::orbit_size(const std::uint64_t* state) const {
  std::uint64_t scratch[Schema::kMaxWords];
  copy(state, scratch);
  return canonical_orbit(scratch);
}

void Canonicalizer::permute(std::uint64_t* state, const Permutation& permutation) const {
  for (std::size_t k = 0; k < permuted_.size(); ++k)
    permuted_[k].moves.apply(permutation.at(k), state);
}

std::vector<Permutation> Canonicalizer::group() const {
  std::vector<Permutation> all{Permutation(levels_.size())};
  for (std::size_t k = 0; k < levels_.size(); ++k) {
    std::vector<Permutation> more;
    for (const Permutation& p : all) {
      std::vector<unsigned> to;
      for (unsigned e = 0; e < levels_[k].size; ++e) to.push_back(e);
      do {
        Permutation next = p;
        for (unsigned e = 0; e < to.size(); ++e) next[k].set(e, to[e]);
        more.push_back(std::move(next));
      } while (std::next_permutation(to.begin(), to.end()));
    }
    all = std::move(more);
  }
  return all;
}

std::vector<Canonicalizer::Swap> Canonicalizer::generators() const {
  std::vector<Swap> swaps;
  for (std::size_t k = 0; k < levels_.size(); ++k) {
    for (unsigned e = 0; e + 1 < levels_[k].size; ++e) swaps.push_back({k, e});
  }
  return swaps;
}

}  // namespace iommucheck::checker::symmetry
