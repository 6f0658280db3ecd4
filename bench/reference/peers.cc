// SPDX-License-Identifier: MIT
// What running the checkers has in common.
#include "bench/reference/peers.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <regex>

namespace iommucheck::bench::detail {

void write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream stream{file, std::ios::binary};
  stream << text;
  stream.close();
  if (!stream) throw CheckerError(file.string() + " cannot be written");
}

Child run_or_throw(std::vector<std::string> argv, const std::filesystem::path& folder) {
  const std::string program = std::filesystem::path(argv.at(0)).filename();
  Child child = run_child(std::move(argv), folder);
  if (child.status != 0) {
    // Some say it on standard output.
    const std::string& said = child.err.empty() ? child.out : child.err;
    throw CheckerError(program + " ends with " + std::to_string(child.status) + ": " +
                       said.substr(0, 500));
  }
  return child;
}

std::optional<std::string> missing_programs(const std::vector<std::string>& programs) {
  const char* path = std::getenv("PATH");
  std::vector<std::filesystem::path> folders;
  std::string rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    folders.emplace_back(rest.substr(0, colon));
    rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
  }
  for (const auto& program : programs) {
    bool found = false;
    for (const auto& folder : folders)
      found = found || access((folder / program).c_str(), X_OK) == 0;
    if (!found) return fmt::format("{0} is not installed (apt-get install {0})", program);
  }
  return std::nullopt;
}

std::uint64_t number_in(const std::string& text, const char* pattern) {
  std::smatch match;
  if (!std::regex_search(text, match, std::regex{pattern})) {
    throw CheckerError("no /" + std::string{pattern} + "/ in its output: " + text.substr(0, 500));
  }
  const std::string digits = match[1];
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size())
    throw CheckerError("'" + digits + "' is no number");
  return value;
}

}  // namespace iommucheck::bench::detail
