// SPDX-License-Identifier: MIT
// Parsing the arguments of a command.
#include "cli/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace iommucheck::cli {
namespace {

std::optional<std::uint64_t> parse(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Arguments::Arguments(const std::vector<std::string>& words, const std::set<std::string>& flags) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.size() < 3 || word.compare(0, 2, "--") != 0) {
      if (word.size() > 1 && word[0] == '-')
        throw UsageError(fmt::format("'{}' is no option: options begin with --", word));
      words_.push_back(word);
      continue;
    }
    const std::size_t equals = word.find('=');
    const std::string name =
        word.substr(2, equals == std::string::npos ? std::string::npos : equals - 2);
    if (flags.contains(name)) {
      if (equals != std::string::npos) throw UsageError(fmt::format("--{} takes no value", name));
      flags_.insert(name);
      continue;
    }
    std::optional<std::string> value;
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (i + 1 < words.size() && words[i + 1].compare(0, 2, "--") != 0) {
      value = words[++i];
    }
    if (!options_.emplace(name, value).second)
      throw UsageError(fmt::format("--{} is given twice", name));
  }
}

bool Arguments::flag(const std::string& name) { return flags_.erase(name) != 0; }

std::optional<std::string> Arguments::text(const std::string& name) {
  const auto found = options_.find(name);
  if (found == options_.end()) return std::nullopt;
  auto value = found->second;
  if (!value) throw UsageError(fmt::format("--{} needs a value", name));
  options_.erase(found);
  return value;
}

std::string Arguments::text(const std::string& name, const std::string& otherwise) {
  return text(name).value_or(otherwise);
}

std::uint64_t Arguments::number(const std::string& name, std::uint64_t otherwise, std::uint64_t min,
                                std::uint64_t max) {
  const auto value = text(name);
  if (!value) return otherwise;
  const auto parsed = parse(*value);
  if (!parsed || *parsed < min || *parsed > max) {
    throw UsageError(
        fmt::format("--{} {} is out of range: it takes {} to {}", name, *value, min, max));
  }
  return *parsed;
}

std::uint64_t Arguments::bytes(const std::string& name, std::uint64_t otherwise) {
  const auto value = text(name);
  if (!value) return otherwise;
  std::string_view digits = *value;
  std::uint64_t unit = 1;
  if (!digits.empty()) {
    switch (digits.back()) {
      case 'K': unit = 1ULL << 10; break;
      case 'M': unit = 1ULL << 20; break;
      case 'G': unit = 1ULL << 30; break;
      default: break;
    }
    if (unit != 1) digits.remove_suffix(1);
  }
  const auto parsed = parse(digits);
  if (!parsed || *parsed == 0 || *parsed > (1ULL << 50) / unit) {
    throw UsageError(fmt::format("--{} {} is no amount of memory: 512M, 3G", name, *value));
  }
  return *parsed * unit;
}

std::string Arguments::word(const std::string& what) {
  if (words_.empty()) throw UsageError(fmt::format("{} is missing", what));
  std::string first = words_.front();
  words_.erase(words_.begin());
  return first;
}

std::string Arguments::name(const std::string& option, const std::string& what) {
  const auto value = text(option);
  if (value && value->empty()) throw UsageError(fmt::format("--{} needs {}", option, what));
  return value.value_or("");
}

model::BoundValues Arguments::rest_as_bounds(const std::vector<model::BoundInfo>& bounds,
                                             const std::string& owner) {
  model::BoundValues values;
  for (const auto& [option, value] : options_) {
    const auto& bound = model::find_bound(bounds, owner, option);
    if (!value) {
      const bool is_switch = bound.min == 0 && bound.max == 1;
      if (!is_switch) throw UsageError(fmt::format("--{} needs a value", option));
      values[option] = 1;
      continue;
    }
    const auto word = std::find(bound.words.begin(), bound.words.end(), *value);
    if (word != bound.words.end()) {
      values[option] = static_cast<unsigned>(word - bound.words.begin());
      continue;
    }
    const auto parsed = parse(*value);
    if (!parsed || *parsed < bound.min || *parsed > bound.max)
      throw model::out_of_range(bound, owner, value->empty() ? "''" : *value);
    values[option] = static_cast<unsigned>(*parsed);
  }
  options_.clear();
  return values;
}

void Arguments::finish(const std::string& known) const {
  if (!options_.empty()) {
    throw UsageError(fmt::format("--{} is no option of this command; it has {}",
                                 options_.begin()->first, known));
  }
  if (!flags_.empty())
    throw UsageError(
        fmt::format("--{} is no option of this command; it has {}", *flags_.begin(), known));
  if (!words_.empty()) throw UsageError(fmt::format("'{}' is one word too many", words_.front()));
}

}  // namespace iommucheck::cli
