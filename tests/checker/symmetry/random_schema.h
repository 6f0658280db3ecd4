// SPDX-License-Identifier: MIT
// Random schemas with arrays over sorts, and what a permutation does to a state, the slow way.
#ifndef IOMMUCHECK_TESTS_CHECKER_SYMMETRY_RANDOM_SCHEMA_H
#define IOMMUCHECK_TESTS_CHECKER_SYMMETRY_RANDOM_SCHEMA_H

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "checker/symmetry/canonicalizer.h"
#include "core/machine.h"

namespace iommucheck::checker::symmetry {

/// What a schema is made of: a field, or an array of a list of parts.
struct Part {
  std::string name;
  // Of a field:
  std::uint32_t max = 0;
  Format format;
  // Of an array:
  bool array = false;
  Sort sort;
  unsigned n = 0;
  std::vector<Part> parts;
};

/// A schema made up from a seed.  Knows the place of every field by the path that leads to it, and
/// permutes states by paths: nothing of checker/symmetry is used.
class RandomSchema {
 public:
  explicit RandomSchema(unsigned seed);

  Schema& schema() { return machine_.schema; }
  const std::vector<std::string>& sorts() const { return names_; }
  /// A state in which many values are alike.
  std::vector<std::uint64_t> random_state();
  /// `images[s][e]`: what element e of sort s becomes.
  std::vector<std::uint64_t> permute(const std::vector<std::uint64_t>& state,
                                     const std::vector<std::vector<unsigned>>& images) const;

 private:
  struct Step {
    std::uint16_t sort;  ///< Sort::kNone: an array of no sort
    unsigned index, size;
  };
  struct Field {
    std::string path;  ///< of names, without indices
    std::vector<Step> steps;
    Format format;
  };

  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }
  Part random_part(unsigned depth);
  void declare(Scope<Concrete> scope, const Part& part, Field place);
  static std::string key(const std::string& path, const std::vector<unsigned>& indices);

  std::mt19937 random_;
  Machine<Concrete> machine_;
  std::vector<Sort> sorts_;
  std::vector<std::string> names_;
  std::vector<Field> fields_;
  std::map<std::string, std::uint32_t> by_key_;
  unsigned parts_ = 0;
};

inline RandomSchema::RandomSchema(unsigned seed) : random_(seed) {
  const unsigned sorts = 1 + pick(3);
  unsigned order = 1;
  for (unsigned s = 0; s < sorts; ++s) {
    // Now and then one that is too large to tabulate all permutations of.
    unsigned size = s == 0 && pick(12) == 0 ? 6 : 1 + pick(4);
    while (order * size > 150 && size > 1 && s != 0) --size;
    for (unsigned i = 2; i <= size; ++i) order *= i;
    names_.push_back("sort" + std::to_string(s));
    sorts_.push_back(machine_.sort(names_.back(), size));
  }
  const unsigned n = 2 + pick(4);
  for (unsigned i = 0; i < n; ++i) declare(machine_.root(), random_part(0), {});
}

inline Part RandomSchema::random_part(unsigned depth) {
  Part part;
  part.name = "p" + std::to_string(parts_++);
  const Sort sort = sorts_[pick(static_cast<unsigned>(sorts_.size()))];
  if (depth < 2 && pick(5) < (depth == 0 ? 3U : 2U)) {
    part.array = true;
    part.sort = pick(6) == 0 ? Sort{} : sort;
    // Sometimes there are elements beyond those of the sort.
    part.n = part.sort.exists() ? sort.size + (pick(3) == 0 ? 1U : 0U) : 1 + pick(2);
    const unsigned parts = 1 + pick(3);
    for (unsigned i = 0; i < parts; ++i) part.parts.push_back(random_part(depth + 1));
    return part;
  }
  switch (pick(5)) {
    case 0: {
      const unsigned offset = pick(3);
      part.max = offset + sort.size - 1 + pick(2);
      part.format = Format{}.of(sort, offset);
      break;
    }
    case 1: {
      const unsigned offset = pick(3);
      part.max = (1U << (offset + sort.size + pick(2))) - 1;
      part.format = Format{Format::Kind::mask}.of(sort, offset);
      break;
    }
    case 2:
      part.max = sort.size + pick(2);
      part.format = {Format::Kind::handle, {names_.at(sort.number)}};
      break;
    case 3: part.max = pick(100) == 0 ? 0x3fff : 1 + pick(200); break;
    default: part.max = pick(3); break;
  }
  return part;
}

inline void RandomSchema::declare(Scope<Concrete> scope, const Part& part, Field place) {
  place.path += "." + part.name;
  if (!part.array) {
    place.format = part.format;
    std::vector<unsigned> indices;
    for (const Step& s : place.steps) indices.push_back(s.index);
    by_key_[key(place.path, indices)] = scope.declare(part.name, part.max, part.format);
    fields_.push_back(place);
    return;
  }
  const Extent extent{part.sort, part.n};
  const Scope<Concrete> base = scope.child(part.name);
  const std::uint32_t first = base.position();
  for (unsigned i = 0; i < part.n; ++i) {
    Field inside = place;
    inside.steps.push_back({part.sort.number, i, part.sort.size});
    const auto element = base.element(extent, i).child("[" + std::to_string(i) + "]");
    for (const Part& p : part.parts) declare(element, p, inside);
  }
  base.end_array(extent, first);
}

inline std::string RandomSchema::key(const std::string& path,
                                     const std::vector<unsigned>& indices) {
  std::string text = path;
  for (const unsigned i : indices) text += "/" + std::to_string(i);
  return text;
}

inline std::vector<std::uint64_t> RandomSchema::random_state() {
  const unsigned style = pick(3);
  std::vector<std::uint32_t> values;
  for (const FieldInfo& f : machine_.schema.fields()) {
    const bool small = style == 0 || (style == 1 && pick(3) != 0);
    values.push_back(pick(std::min(f.max, small ? 1U : f.max) + 1));
  }
  return machine_.schema.pack(values);
}

inline std::vector<std::uint64_t> RandomSchema::permute(
    const std::vector<std::uint64_t>& state,
    const std::vector<std::vector<unsigned>>& images) const {
  const Schema& schema = machine_.schema;
  std::vector<std::uint32_t> values(schema.fields().size());
  for (std::uint32_t f = 0; f < fields_.size(); ++f) {
    const Field& field = fields_[f];
    std::vector<unsigned> indices;
    for (const Step& s : field.steps) {
      const bool moves = s.sort != Sort::kNone && s.index < s.size;
      indices.push_back(moves ? images.at(s.sort).at(s.index) : s.index);
    }
    std::uint32_t value = schema.get(state, f);
    unsigned sort = field.format.sort.number;
    unsigned offset = field.format.offset;
    if (field.format.kind == Format::Kind::handle) {
      offset = 1;
      for (unsigned s = 0; s < names_.size(); ++s) {
        if (names_[s] == field.format.names.at(0)) sort = s;
      }
    }
    if (sort != Sort::kNone) {
      const auto& image = images.at(sort);
      if (field.format.kind == Format::Kind::mask) {
        std::uint32_t mask = value;
        for (unsigned e = 0; e < image.size(); ++e) mask &= ~(1U << (offset + e));
        for (unsigned e = 0; e < image.size(); ++e)
          mask |= (value >> (offset + e) & 1U) << (offset + image[e]);
        value = mask;
      } else if (value >= offset && value < offset + image.size()) {
        value = offset + image[value - offset];
      }
    }
    values.at(by_key_.at(key(field.path, indices))) = value;
  }
  return schema.pack(values);
}

}  // namespace iommucheck::checker::symmetry

#endif  // IOMMUCHECK_TESTS_CHECKER_SYMMETRY_RANDOM_SCHEMA_H
