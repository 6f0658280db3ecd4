// SPDX-License-Identifier: MIT
// Which atoms say what about an element.
#include "checker/symmetry/keys.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace iommucheck::checker::symmetry {

namespace {

/// An odd number that has nothing to do with the next one's (splitmix64).
std::uint64_t factor(std::uint64_t number) {
  std::uint64_t z = (number + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return (z ^ z >> 31) | 1;
}

/// The same for all atoms that permutations of this and the later levels bring to one another.
Location orbit(const Atoms& atoms, const Atom& atom, std::uint16_t level) {
  std::map<std::pair<std::uint16_t, std::uint16_t>, std::uint32_t> renamed;
  std::map<std::uint16_t, std::uint32_t> next;
  for (const Place& p : atom.places) {
    if (p.level < level) continue;
    if (renamed.emplace(std::pair{p.level, p.element}, next[p.level]).second) ++next[p.level];
  }
  return atoms.moved(atom, [&](const Place& p) -> std::uint32_t {
    return p.level < level ? p.element : renamed.at({p.level, p.element});
  });
}

}  // namespace

Keys::Keys(const Atoms& atoms, const Levels& levels, std::uint16_t level)
    : size_(levels[level].size), level_(level) {
  // Each factor stands for what an atom says: about its own first, second, ... element, or about
  // the one that it mentions.
  std::map<std::tuple<std::uint16_t, std::uint8_t, unsigned>, std::uint64_t> factors;
  const auto factor_of = [&](const Location& orbit_of_atom, unsigned meaning) {
    const auto key = std::tuple{orbit_of_atom.word, orbit_of_atom.shift, meaning};
    return factors.emplace(key, factor(1000 + factors.size())).first->second;
  };
  for (const Atom& atom : atoms.all()) {
    const unsigned own = atom.places_at(level);
    const bool open_value = atom.value_level && *atom.value_level >= level;
    if (own == 1 && !atom.has_place_beyond(level) && !open_value) {
      add_to_pieces(atoms, atom);
      continue;
    }
    const Location at = atoms.location(atom);
    const Location of = orbit(atoms, atom, level);
    const auto mask = static_cast<std::uint16_t>((1U << atom.width) - 1);
    const auto offset = static_cast<std::uint16_t>(atom.offset);
    unsigned meaning = 0;
    for (const Place& p : atom.places) {
      ++meaning;
      if (p.level != level) continue;
      const unsigned elements = open_value ? levels[*atom.value_level].size : 0;
      terms_.push_back({factor_of(of, meaning), at.word, mask, offset,
                        static_cast<std::uint16_t>(elements), at.shift,
                        static_cast<std::uint8_t>(p.element)});
    }
    if (atom.value_level == level)
      mentions_.push_back({factor_of(of, 0), at.word, mask, offset, at.shift});
  }
}

void Keys::add_to_pieces(const Atoms& atoms, const Atom& atom) {
  const auto own = std::find_if(atom.places.begin(), atom.places.end(),
                                [&](const Place& p) { return p.level == level_; });
  if (own->element != 0) return;  // it comes with that of element 0
  std::vector<Source> sources;
  for (unsigned e = 0; e < size_; ++e) {
    const Location at = atoms.moved(
        atom, [&](const Place& p) -> std::uint32_t { return p.level == level_ ? e : p.element; });
    sources.push_back({at.word, at.shift});
  }
  const std::uint64_t low = (std::uint64_t{1} << atom.width) - 1;
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const Source* const first = &sources_[i * size_];
    const auto distance = [&](unsigned e) { return (sources[e].shift - first[e].shift) & 63; };
    bool fits = true;
    for (unsigned e = 0; e < size_; ++e)
      fits = fits && sources[e].word == first[e].word && distance(e) == distance(0);
    if (!fits) continue;
    pieces_[i].mask |= std::rotl(low, distance(0));
    return;
  }
  pieces_.push_back({low, factor(pieces_.size())});
  sources_.insert(sources_.end(), sources.begin(), sources.end());
}

}  // namespace iommucheck::checker::symmetry
