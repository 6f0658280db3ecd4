// SPDX-License-Identifier: MIT
// Shrinking sequences: fewer calls first, then the same calls with smaller numbers.
#include <algorithm>
#include <set>
#include <span>

#include "conformance/generator.h"

namespace iommucheck::conformance {
namespace {

using Args = ioasid::Arguments<std::uint32_t>;
using Calls = std::vector<Call>;

/// Two calls that belong together (a get and its put) go together.
constexpr std::size_t kPairsUpTo = 24;
constexpr std::size_t kChangesUpTo = 10;

std::uint32_t smallest(std::uint32_t Args::*field) {
  return field == &Args::ops || field == &Args::nb ? 1 : 0;
}

rc::Seq<Call> simpler(const Call& call) {
  std::vector<Call> result;
  for (const auto& argument : arguments(call.kind)) {
    const std::uint32_t value = call.args.*argument.field;
    const std::uint32_t low = smallest(argument.field);
    for (const std::uint32_t other : std::set<std::uint32_t>{low, (low + value) / 2, value - 1}) {
      if (value <= low || other >= value) continue;
      result.push_back(call);
      result.back().args.*argument.field = other;
    }
  }
  return rc::seq::fromContainer(std::move(result));
}

rc::Seq<Calls> without_two(const Calls& calls) {
  std::vector<Calls> result;
  if (calls.size() > kPairsUpTo) return {};
  for (std::size_t i = 0; i < calls.size(); ++i) {
    for (std::size_t j = i + 2; j < calls.size(); ++j) {
      Calls fewer = calls;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(j));
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      result.push_back(std::move(fewer));
    }
  }
  return rc::seq::fromContainer(std::move(result));
}

/// The numbers of a call that name the same sort of thing; `f` may change them.
template <class F>
void for_numbers(Call& call, std::span<std::uint32_t Args::*const> fields, F f) {
  for (const auto& argument : arguments(call.kind)) {
    if (std::ranges::find(fields, argument.field) == fields.end()) continue;
    // A callback answers id - 1, and 0 is a refusal.
    const bool offset = argument.field == &Args::callback;
    std::uint32_t& value = call.args.*argument.field;
    if (offset && value == 0) continue;
    std::uint32_t number = value - (offset ? 1 : 0);
    f(number);
    value = number + (offset ? 1 : 0);
  }
}

/// One thing takes the number of another throughout, or all numbers above a gap move down.
rc::Seq<Calls> renamed(const Calls& calls) {
  static const std::vector<std::vector<std::uint32_t Args::*>> kSorts{
      {&Args::id, &Args::min, &Args::max, &Args::callback},
      {&Args::set},
      {&Args::client},
      {&Args::data},
      {&Args::token},
      {&Args::spid},
      {&Args::nb},
      {&Args::ops}};
  std::vector<Calls> result;
  for (const auto& fields : kSorts) {
    const std::uint32_t low = smallest(fields.front());
    std::set<std::uint32_t> used;
    for (Call call : calls) for_numbers(call, fields, [&](std::uint32_t& n) { used.insert(n); });
    const auto add = [&](auto change) {
      result.push_back(calls);
      for (Call& call : result.back()) for_numbers(call, fields, change);
    };
    std::uint32_t below = low;
    for (const std::uint32_t number : used) {
      const std::uint32_t gap = number - std::min(number, below);
      for (const std::uint32_t down : {gap, gap / 2, 1U}) {
        if (down == 0 || down > gap) continue;
        add([&](std::uint32_t& n) { n -= n >= number ? down : 0; });
      }
      if (number > low) add([&](std::uint32_t& n) { n = n == number ? number - 1 : n; });
      below = number + 1;
    }
  }
  return rc::seq::fromContainer(std::move(result));
}

/// One argument a little larger or smaller: what a call that goes away may ask of another.
rc::Seq<Call> changed(const Call& call) {
  std::vector<Call> result;
  for (const auto& argument : arguments(call.kind)) {
    const std::uint32_t value = call.args.*argument.field;
    for (std::uint32_t other = value - std::min(value, 3U); other <= value + 3; ++other) {
      if (other == value) continue;
      result.push_back(call);
      result.back().args.*argument.field = other;
    }
  }
  return rc::seq::fromContainer(std::move(result));
}

/// The last resort: a call less, and something else different.
rc::Seq<Calls> without_one_but_changed(const Calls& calls) {
  if (calls.size() > kChangesUpTo) return {};
  return rc::seq::join(
      rc::seq::map(rc::seq::range(std::size_t{0}, calls.size()), [=](std::size_t i) {
        Calls fewer = calls;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
        return rc::seq::concat(renamed(fewer), rc::shrink::eachElement(fewer, changed));
      }));
}

rc::Seq<Calls> shrinks(const Calls& calls) {
  return rc::seq::concat(rc::shrink::removeChunks(calls), without_two(calls),
                         rc::shrink::eachElement(calls, simpler), renamed(calls),
                         without_one_but_changed(calls));
}

}  // namespace

rc::Shrinkable<Calls> shrinkable(Calls calls) {
  return rc::shrinkable::shrinkRecur(std::move(calls), [](const Calls& c) { return shrinks(c); });
}

}  // namespace iommucheck::conformance
