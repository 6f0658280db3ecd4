// SPDX-License-Identifier: MIT
// Which basic blocks of the file under test have run, in any execution, which have run behind
// which, and which marks in it.
#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "checker/schedule/layout.h"
#include "impl/linux/scheduled/program.h"

namespace iommucheck::linux_harness::scheduled {
namespace {

/// The runner is not relocatable and small.
constexpr unsigned kAddressBits = 24;
constexpr std::uint64_t kAddress = (std::uint64_t{1} << kAddressBits) - 1;

/// Pairs of addresses of code, found by the next free place.  It asks for memory only to grow.
class Pairs {
 public:
  void insert(std::uint64_t from, std::uint64_t to) {
    const std::uint64_t pair = from << kAddressBits | to;
    std::uint64_t& place = place_of(pair);
    if (place == pair) return;
    place = pair;
    if (++size_ * 2 > places_.size()) grow();
  }

  /// The second of each pair, and all pairs whose first is not 0.
  std::set<std::uintptr_t> seconds() const {
    std::set<std::uintptr_t> all;
    for (const std::uint64_t pair : places_)
      if (pair != 0) all.insert(pair & kAddress);
    return all;
  }
  std::vector<std::pair<std::uintptr_t, std::uintptr_t>> pairs() const {
    std::vector<std::pair<std::uintptr_t, std::uintptr_t>> all;
    for (const std::uint64_t pair : places_)
      if (pair >> kAddressBits != 0) all.emplace_back(pair >> kAddressBits, pair & kAddress);
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  std::uint64_t& place_of(std::uint64_t pair) {
    constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;
    std::size_t at = pair * kGolden >> 40U & (places_.size() - 1);
    while (places_[at] != 0 && places_[at] != pair) at = (at + 1) & (places_.size() - 1);
    return places_[at];
  }
  void grow() {
    std::vector<std::uint64_t> old(places_.size() * 2);
    old.swap(places_);
    for (const std::uint64_t pair : old)
      if (pair != 0) place_of(pair) = pair;
  }

  std::vector<std::uint64_t> places_ = std::vector<std::uint64_t>(1U << 12U);
  std::size_t size_ = 0;
};

Pairs& ran() {
  static Pairs all;
  return all;
}

/// The block that ran last in a frame, by the frame's place on the stack of a thread.  A frame that
/// is gone leaves its last block behind: the first block of the next one there seems to follow it,
/// which is no branch of any function.
constexpr std::size_t kThreads = 64, kFramesOfThread = std::size_t{1} << 14U;
std::uint32_t last_in_frame[kThreads][kFramesOfThread];

std::uint32_t& last_in(const void* frame) {
  const auto address = reinterpret_cast<std::uintptr_t>(frame);
  return last_in_frame[address / schedule::kStackStride % kThreads][address / 16 % kFramesOfThread];
}

}  // namespace

constexpr std::size_t kLines = std::size_t{1} << 16U;
/// with_marks() stores into it, by line.
extern "C" unsigned char kh_reached[kLines];
unsigned char kh_reached[kLines];

std::vector<std::uintptr_t> covered_blocks() {
  std::vector<std::uintptr_t> all;
  for (std::size_t line = 0; line < kLines; ++line) {
    if (kh_reached[line] != 0) all.push_back(line);
  }
  const std::set<std::uintptr_t> blocks = ran().seconds();
  all.insert(all.end(), blocks.begin(), blocks.end());
  return all;
}

std::vector<std::pair<std::uintptr_t, std::uintptr_t>> followed_blocks() { return ran().pairs(); }

}  // namespace iommucheck::linux_harness::scheduled

// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the compiler's name
extern "C" void __sanitizer_cov_trace_pc() {
  using namespace iommucheck::linux_harness::scheduled;
  const auto block = static_cast<std::uint32_t>(
      (reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)) - 1) & kAddress);
  // The caller's frame pointer: the file is compiled with one.
  std::uint32_t& last = last_in(*static_cast<void**>(__builtin_frame_address(0)));
  ran().insert(last, block);
  last = block;
}
