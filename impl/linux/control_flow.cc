// SPDX-License-Identifier: MIT
// Reads the disassembly, and follows jumps from mark to mark.
#include "impl/linux/control_flow.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <unordered_map>
#include <unordered_set>

namespace iommucheck::linux_harness {
namespace {

constexpr std::string_view kMark = "<__sanitizer_cov_trace_pc>";

/// Kernel functions that do not return: what stands behind a call of theirs is another block's.
constexpr std::array<std::string_view, 4> kEnds{"<panic>", "<make_task_dead>", "<do_exit>",
                                                "<kthread_exit>"};

enum class Kind : std::uint8_t { plain, mark, jump, conditional, end };

struct Instruction {
  std::uint64_t address = 0;
  std::uint64_t target = 0;  ///< of a jump
  Kind kind = Kind::plain;
};

std::optional<std::uint64_t> hexadecimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  return value;
}

std::string_view without_spaces(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view{} : text.substr(begin);
}

/// "jne    40abe0 <name+0x10>"
Instruction decode(std::uint64_t address, std::string_view text) {
  Instruction one{.address = address};
  const std::size_t space = std::min(text.find(' '), text.size());
  const std::string_view name = text.substr(0, space);
  const std::string_view operand = without_spaces(text.substr(space));
  if (name == "call") {
    const auto calls = [&](std::string_view callee) { return operand.ends_with(callee); };
    if (calls(kMark)) one.kind = Kind::mark;
    if (std::any_of(kEnds.begin(), kEnds.end(), calls)) one.kind = Kind::end;
  } else if (name.starts_with('j')) {
    const auto target = hexadecimal(operand);
    one.kind = !target ? Kind::end : name == "jmp" ? Kind::jump : Kind::conditional;
    one.target = target.value_or(0);
  } else if (name == "ret" || name == "ud2" || name == "hlt") {
    one.kind = Kind::end;
  }
  return one;
}

/// Empty instructions stand between functions, so that nothing runs from one into the next.
std::vector<Instruction> read(std::string_view disassembly) {
  std::vector<Instruction> all;
  while (!disassembly.empty()) {
    const std::size_t length = std::min(disassembly.find('\n'), disassembly.size());
    const std::string_view line = disassembly.substr(0, length);
    disassembly.remove_prefix(std::min(length + 1, disassembly.size()));
    // "  40683a:\tcall   40abe0 <name>"
    const std::size_t colon = line.find(":\t");
    const auto address = hexadecimal(without_spaces(line));
    if (colon != std::string_view::npos && address) {
      all.push_back(decode(*address, line.substr(colon + 2)));
    } else if (!all.empty() && all.back().address != 0) {
      all.push_back({.kind = Kind::end});
    }
  }
  return all;
}

class Walk {
 public:
  explicit Walk(const std::vector<Instruction>& code) : code_{code} {
    for (std::size_t i = 0; i < code.size(); ++i) place_[code[i].address] = i;
  }

  /// Adds the branches of the block whose mark is code[at].
  void add(std::size_t at, std::vector<Branch>& branches) {
    seen_.clear();
    jump_ = 0;
    followers_.clear();
    follow(at + 1);
    std::sort(followers_.begin(), followers_.end());
    followers_.erase(std::unique(followers_.begin(), followers_.end()), followers_.end());
    if (followers_.size() < 2) return;
    for (const std::uint64_t to : followers_) branches.push_back({block(at), jump_, to});
  }

  /// The runner knows a mark by the address that its call returns to.
  std::uint64_t block(std::size_t at) const {
    return at + 1 < code_.size() ? code_[at + 1].address - 1 : code_[at].address;
  }

 private:
  void follow(std::size_t at) {
    while (at < code_.size() && seen_.insert(at).second) {
      const Instruction& one = code_[at];
      switch (one.kind) {
        case Kind::end: return;
        case Kind::mark: followers_.push_back(block(at)); return;
        case Kind::conditional:
          if (jump_ == 0) jump_ = one.address;
          follow(at + 1);
          [[fallthrough]];
        case Kind::jump: {
          const auto target = place_.find(one.target);
          at = target == place_.end() ? code_.size() : target->second;
          break;
        }
        case Kind::plain: ++at; break;
      }
    }
  }

  const std::vector<Instruction>& code_;
  std::unordered_map<std::uint64_t, std::size_t> place_;
  std::unordered_set<std::size_t> seen_;
  std::uint64_t jump_ = 0;
  std::vector<std::uint64_t> followers_;
};

}  // namespace

ControlFlow control_flow_of(std::string_view disassembly) {
  const std::vector<Instruction> code = read(disassembly);
  Walk walk{code};
  ControlFlow flow;
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (code[i].kind != Kind::mark) continue;
    flow.blocks.push_back(walk.block(i));
    walk.add(i, flow.branches);
  }
  std::sort(flow.branches.begin(), flow.branches.end());
  return flow;
}

}  // namespace iommucheck::linux_harness
