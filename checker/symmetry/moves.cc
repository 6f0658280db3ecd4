// SPDX-License-Identifier: MIT
// Making the programs of a sort's permutations.
#include "checker/symmetry/moves.h"

#include <algorithm>
#include <numeric>

namespace iommucheck::checker::symmetry {

namespace {

Image swap_of(unsigned e, unsigned f) {
  Image image;
  image.set(e, f);
  image.set(f, e);
  return image;
}

}  // namespace

Moves::Moves(const Atoms& atoms, std::uint16_t level, unsigned size, unsigned words)
    : size_(size), words_(words) {
  const auto add = [&](Image image) {
    programs_.push_back(make(atoms, level, image));
    return static_cast<std::uint16_t>(programs_.size() - 1);
  };
  if (size <= kTabulated) {
    std::vector<unsigned> to(size);
    std::iota(to.begin(), to.end(), 0U);
    do {
      Image image;
      for (unsigned e = 0; e < size; ++e) image.set(e, to[e]);
      if (number_.size() <= key(image)) number_.resize(key(image) + 1);
      number_[key(image)] = add(image);
    } while (std::next_permutation(to.begin(), to.end()));
    for (unsigned e = 0; e + 1 < size; ++e) next_.push_back(number_[key(swap_of(e, e + 1))]);
  } else {
    swap_.resize(std::size_t{size} * size);
    for (unsigned e = 0; e < size; ++e) {
      for (unsigned f = e + 1; f < size; ++f)
        swap_[e * size + f] = swap_[f * size + e] = add(swap_of(e, f));
    }
    for (unsigned e = 0; e + 1 < size; ++e) next_.push_back(swap_[e * size + e + 1]);
  }
}

void Moves::apply_by_swaps(Image image, std::uint64_t* state) const {
  // What lies at place e has to go to image[e]: each swap puts one element where it belongs.
  for (unsigned e = 0; e < size_; ++e) {
    while (image[e] != e) {
      const unsigned to = image[e];
      run(programs_[swap_[e * size_ + to]], state);
      image.set(e, image[to]);
      image.set(to, to);
    }
  }
}

Moves::Program Moves::make(const Atoms& atoms, std::uint16_t level, Image image) const {
  struct Step {
    Location from, to;
    const Atom* atom;
    bool renames;
  };
  std::vector<Step> steps;
  std::vector<std::uint64_t> keep(words_, ~std::uint64_t{0});
  for (const Atom& atom : atoms.all()) {
    const bool renames = atom.value_level == level;
    const Location from = atoms.location(atom);
    const Location to = atoms.moved(atom, [&](const Place& p) -> std::uint32_t {
      return p.level == level ? image[p.element] : p.element;
    });
    if (from == to && !renames) continue;
    keep[from.word] &= ~(((std::uint64_t{1} << atom.width) - 1) << from.shift);
    steps.push_back({from, to, &atom, renames});
  }
  Program program{.image = image, .targets = {}, .moves = {}, .renames = {}};
  for (std::uint16_t word = 0; word < words_; ++word) {
    if (keep[word] == ~std::uint64_t{0}) continue;
    const std::size_t first = program.moves.size();
    for (const Step& s : steps) {
      if (s.to.word != word) continue;
      const std::uint64_t low = (std::uint64_t{1} << s.atom->width) - 1;
      if (s.renames) {
        program.renames.push_back({s.from.word, static_cast<std::uint16_t>(s.atom->offset),
                                   static_cast<std::uint16_t>(low), s.from.shift, s.to.shift});
        continue;
      }
      const auto rotate = static_cast<std::uint8_t>((s.to.shift - s.from.shift) & 63);
      const auto same = std::find_if(
          program.moves.begin() + static_cast<std::ptrdiff_t>(first), program.moves.end(),
          [&](const Move& m) { return m.from == s.from.word && m.rotate == rotate; });
      if (same != program.moves.end()) {
        same->mask |= low << s.from.shift;
      } else {
        program.moves.push_back({low << s.from.shift, s.from.word, rotate});
      }
    }
    program.targets.push_back({keep[word], word, static_cast<std::uint16_t>(program.moves.size()),
                               static_cast<std::uint16_t>(program.renames.size())});
  }
  return program;
}

}  // namespace iommucheck::checker::symmetry
