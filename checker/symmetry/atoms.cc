// SPDX-License-Identifier: MIT
// Taking the fields of a schema apart.
#include "checker/symmetry/atoms.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace iommucheck::checker::symmetry {

namespace {

std::optional<std::uint16_t> level_of(const Levels& levels, std::uint16_t sort) {
  for (std::size_t k = 0; k < levels.size(); ++k) {
    if (levels[k].number == sort) return static_cast<std::uint16_t>(k);
  }
  return std::nullopt;
}

}  // namespace

unsigned Atom::places_at(std::size_t level) const {
  return static_cast<unsigned>(std::count_if(places.begin(), places.end(),
                                             [&](const Place& p) { return p.level == level; }));
}

bool Atom::has_place_beyond(std::size_t level) const {
  return std::any_of(places.begin(), places.end(), [&](const Place& p) { return p.level > level; });
}

Atoms::Atoms(const Schema& schema, const Levels& levels) : schema_(&schema) {
  for (std::uint32_t f = 0; f < schema.fields().size(); ++f) add_field(f, levels);
}

void Atoms::add_field(std::uint32_t field, const Levels& levels) {
  const FieldInfo& info = schema_->fields()[field];
  if (info.width == 0) return;
  Atom whole{.field = field, .bit = 0, .width = info.width, .places = {}, .value_level = {}};
  for (const Coordinate& c : info.coordinates) {
    if (const auto level = level_of(levels, c.sort))
      whole.places.push_back({*level, c.element, c.stride, 0});
  }
  const auto elements = schema_->elements(info.format);
  const auto level = level_of(levels, elements.sort.number);
  if (!level) {
    atoms_.push_back(whole);
    return;
  }
  const unsigned size = elements.sort.size;
  const unsigned end = elements.offset + size;
  const bool mask = info.format.kind == Format::Kind::mask;
  const std::uint32_t largest = mask ? (1U << end) - 1 : end - 1;
  if (info.max < largest) {
    throw std::invalid_argument(
        fmt::format("{} is 0 .. {}, which does not hold every element of '{}'", info.name, info.max,
                    schema_->sorts().at(elements.sort.number).name));
  }
  if (!mask) {
    whole.value_level = level;
    whole.offset = elements.offset;
    atoms_.push_back(whole);
    return;
  }
  for (unsigned bit = 0; bit < info.width; ++bit) {
    Atom one = whole;
    one.bit = bit;
    one.width = 1;
    if (bit >= elements.offset && bit < end)
      one.places.push_back({*level, static_cast<std::uint16_t>(bit - elements.offset), 0, 1});
    atoms_.push_back(one);
  }
}

}  // namespace iommucheck::checker::symmetry
