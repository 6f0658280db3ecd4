// SPDX-License-Identifier: MIT
// Runs addr2line and keeps what it says.
#include "impl/linux/symbols.h"

#include <charconv>
#include <filesystem>

#include <fmt/format.h>

#include "impl/linux/process.h"

namespace iommucheck::linux_harness {
namespace {

constexpr std::size_t kBatch = 1000;

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

unsigned number(std::string_view text) {
  unsigned value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

Symbols::Symbols(const Runner& runner, std::string caller)
    : program_{runner.program.string()},
      tree_{runner.tree.root.string() + "/"},
      build_{runner.build_directory.string() + "/"},
      caller_{std::move(caller)} {}

bool Symbols::relative_to_tree(std::string& file) const {
  if (!caller_.empty() && file.ends_with("/" + caller_)) {
    file = "caller.c";
    return true;
  }
  file = std::filesystem::path{file}.lexically_normal().string();
  for (const std::string& folder : {tree_, build_}) {
    if (!file.starts_with(folder)) continue;
    file.erase(0, folder.size());
    return true;
  }
  return false;
}

/// With -a -i -f: the address, then a line with a function and one with a place per frame.
void Symbols::parse(std::string_view output) {
  std::vector<Frame>* frames = nullptr;
  while (!output.empty()) {
    const std::string_view line = take_line(output);
    if (line.starts_with("0x")) {
      std::uint64_t address = 0;
      std::from_chars(line.data() + 2, line.data() + line.size(), address, 16);
      frames = &known_[address];
      continue;
    }
    const std::string_view place = take_line(output);
    const std::size_t colon = place.rfind(':');
    if (frames == nullptr || colon == std::string_view::npos) continue;
    Frame frame{std::string{line}, std::string{place.substr(0, colon)},
                number(place.substr(colon + 1))};
    if (relative_to_tree(frame.file)) frames->push_back(std::move(frame));
  }
}

void Symbols::prefetch(const std::vector<std::uint64_t>& addresses) {
  std::vector<std::string> command{"addr2line", "-a", "-i", "-f", "-e", program_};
  const std::size_t fixed = command.size();
  for (const std::uint64_t address : addresses) {
    // Also what addr2line cannot say is known from now on: nothing.
    if (!known_.try_emplace(address).second) continue;
    // The program is not relocatable and small: above are libraries, which are no kernel code.
    if (address >> 32 != 0) continue;
    command.push_back(fmt::format("{:#x}", address));
    if (command.size() < fixed + kBatch) continue;
    parse(run(command).output);
    command.resize(fixed);
  }
  if (command.size() > fixed) parse(run(command).output);
}

const std::vector<Frame>& Symbols::frames(std::uint64_t address) {
  prefetch({address});
  return known_[address];
}

}  // namespace iommucheck::linux_harness
