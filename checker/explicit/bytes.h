// SPDX-License-Identifier: MIT
// Bytes: numbers, states and texts, one after the other, for the other ranks of a search.
//
// Ranks are the same program on the same kind of machine: numbers go as they lie in memory.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_BYTES_H
#define IOMMUCHECK_CHECKER_EXPLICIT_BYTES_H

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace iommucheck::checker::explicit_state {

class BytesWriter {
 public:
  BytesWriter& number(std::uint64_t value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  BytesWriter& numbers(const std::vector<std::uint64_t>& values) {
    number(values.size());
    for (const std::uint64_t value : values) number(value);
    return *this;
  }
  BytesWriter& text(std::string_view value) {
    number(value.size());
    bytes_.append(value);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// Throws std::logic_error where it is not what a BytesWriter wrote.
class BytesReader {
 public:
  explicit BytesReader(std::string_view bytes) : left_(bytes) {}

  bool empty() const { return left_.empty(); }
  std::uint64_t number() {
    std::uint64_t value = 0;
    const std::string_view from = take(sizeof value);
    std::memcpy(&value, from.data(), sizeof value);
    return value;
  }
  std::vector<std::uint64_t> numbers() {
    std::vector<std::uint64_t> values(count(sizeof(std::uint64_t)));
    for (std::uint64_t& value : values) value = number();
    return values;
  }
  std::string text() { return std::string(take(count(1))); }

 private:
  std::uint64_t count(std::uint64_t bytes_each) {
    const std::uint64_t n = number();
    if (n > left_.size() / bytes_each) fail();
    return n;
  }
  std::string_view take(std::uint64_t n) {
    if (n > left_.size()) fail();
    const std::string_view taken = left_.substr(0, n);
    left_.remove_prefix(n);
    return taken;
  }
  [[noreturn]] static void fail() {
    throw std::logic_error(
        "internal error: ranks do not understand each other; are they the same program?");
  }

  std::string_view left_;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_BYTES_H
