// SPDX-License-Identifier: MIT
// Schema: layout, access, printing and diffing of packed states.
#include "core/schema.h"

#include <fmt/format.h>

#include <bit>
#include <numeric>
#include <stdexcept>

namespace iommucheck {

std::string Format::print(std::uint32_t value) const {
  switch (kind) {
    case Kind::flag: return value != 0 ? "true" : "false";
    case Kind::names: return value < names.size() ? names[value] : fmt::format("{}?", value);
    case Kind::mask: {
      std::string text = "{";
      for (unsigned i = 0; i < 16; ++i) {
        if ((value >> i & 1U) != 0) text += fmt::format("{}{}", text.size() > 1 ? "," : "", i);
      }
      return text + "}";
    }
    case Kind::handle: return value == 0 ? "NULL" : fmt::format("{}[{}]", names.at(0), value - 1);
    case Kind::number: break;
  }
  return fmt::format("{}", value);
}

std::uint32_t Schema::add(std::string name, std::uint32_t max, Format format,
                          std::vector<Coordinate> coordinates) {
  if (format.sort.exists() && max != 0) {
    const unsigned last = format.offset + format.sort.size - 1U;
    const std::uint32_t needed = format.kind == Format::Kind::mask ? (2U << last) - 1 : last;
    if (format.sort.size != 0 && max < needed) {
      throw std::logic_error(
          fmt::format("{} is 0 .. {}: too small for every element of '{}': a permutation would "
                      "leave its range",
                      name, max, sorts_.at(format.sort.number).name));
    }
  }
  // A field that can only be 0 (a feature that is left out) costs nothing.
  const auto width = static_cast<std::uint8_t>(std::bit_width(max));
  // First fit: fields are small, so the holes at the ends of words fill up again.
  std::size_t word = 0;
  while (word < used_.size() && used_[word] + width > 64) ++word;
  if (word == used_.size() && (width != 0 || word == 0)) {
    if (used_.size() == kMaxWords) {
      throw std::length_error("the state is larger than 4096 bits: use smaller bounds");
    }
    used_.push_back(0);
  }
  if (width == 0) word = 0;
  fields_.push_back({std::move(name), max, width, static_cast<std::uint16_t>(word),
                     width == 0 ? std::uint8_t{0} : used_[word], std::move(format),
                     std::move(coordinates)});
  used_[word] = static_cast<std::uint8_t>(used_[word] + width);
  return static_cast<std::uint32_t>(fields_.size() - 1);
}

Sort Schema::sort(std::string_view name, unsigned size) {
  std::size_t number = 0;
  while (number < sorts_.size() && sorts_[number].name != name) ++number;
  if (number == sorts_.size()) sorts_.push_back({std::string{name}, size});
  if (sorts_[number].size != size) {
    throw std::logic_error(
        fmt::format("the sort '{}' has {} elements, not {}", name, sorts_[number].size, size));
  }
  return {static_cast<std::uint16_t>(number), static_cast<std::uint16_t>(size)};
}

Sort Schema::find_sort(std::string_view name) const {
  for (std::size_t i = 0; i < sorts_.size(); ++i) {
    if (sorts_[i].name == name)
      return {static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(sorts_[i].size)};
  }
  return {};
}

Schema::Elements Schema::elements(const Format& format) const {
  if (format.sort.exists() || format.kind != Format::Kind::handle)
    return {format.sort, format.offset};
  return {find_sort(format.names.at(0)), 1};
}

void Schema::end_array(std::uint32_t first, unsigned n, std::size_t depth, Sort sort) {
  if (!sort.exists() || n == 0) return;
  const auto stride = (static_cast<std::uint32_t>(fields_.size()) - first) / n;
  for (std::uint32_t f = first; f < first + stride * sort.size; ++f)
    fields_[f].coordinates.at(depth).stride = stride;
}

unsigned Schema::bits() const { return std::accumulate(used_.begin(), used_.end(), 0U); }

std::uint32_t Schema::get(StateView state, std::uint32_t field) const {
  const FieldInfo& f = fields_[field];
  return static_cast<std::uint32_t>(state[f.word] >> f.shift & ((1ULL << f.width) - 1));
}

void Schema::set(std::span<std::uint64_t> state, std::uint32_t field, std::uint32_t value) const {
  const FieldInfo& f = fields_[field];
  const std::uint64_t mask = ((1ULL << f.width) - 1) << f.shift;
  state[f.word] = (state[f.word] & ~mask) | (std::uint64_t{value} << f.shift & mask);
}

std::vector<std::uint32_t> Schema::unpack(StateView state) const {
  std::vector<std::uint32_t> values(fields_.size());
  for (std::uint32_t f = 0; f < fields_.size(); ++f) values[f] = get(state, f);
  return values;
}

std::vector<std::uint64_t> Schema::pack(std::span<const std::uint32_t> values) const {
  std::vector<std::uint64_t> state(words());
  for (std::uint32_t f = 0; f < fields_.size(); ++f) set(state, f, values[f]);
  return state;
}

std::vector<FieldChange> Schema::diff(StateView before, StateView after) const {
  std::vector<FieldChange> changes;
  for (std::uint32_t f = 0; f < fields_.size(); ++f) {
    const std::uint32_t b = get(before, f);
    const std::uint32_t a = get(after, f);
    if (a != b)
      changes.push_back({fields_[f].name, fields_[f].format.print(b), fields_[f].format.print(a)});
  }
  return changes;
}

std::string Schema::print(StateView state) const {
  std::string text;
  for (std::uint32_t f = 0; f < fields_.size(); ++f) {
    const std::uint32_t value = get(state, f);
    if (value == 0) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", fields_[f].name,
                        fields_[f].format.print(value));
  }
  return text.empty() ? "(all zero)" : text;
}

}  // namespace iommucheck
