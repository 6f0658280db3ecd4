// SPDX-License-Identifier: MIT
// Which basic blocks of the file under test have run, in any execution, and which marks in it.
#include <algorithm>
#include <cstdint>

#include "impl/linux/scheduled/program.h"

namespace iommucheck::linux_harness::scheduled {
namespace {

/// One byte for each address of code: the runner is not relocatable and small.
constexpr std::uintptr_t kAddresses = std::uintptr_t{1} << 24U;
unsigned char ran[kAddresses];
std::uintptr_t lowest = kAddresses, highest = 0;  // so that nobody looks through all of them

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
  for (std::uintptr_t address = lowest; address <= highest; ++address) {
    if (ran[address] != 0) all.push_back(address);
  }
  return all;
}

}  // namespace iommucheck::linux_harness::scheduled

// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the compiler's name
extern "C" void __sanitizer_cov_trace_pc() {
  using namespace iommucheck::linux_harness::scheduled;
  const std::uintptr_t address =
      (reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)) - 1) % kAddresses;
  ran[address] = 1;
  lowest = std::min(lowest, address);
  highest = std::max(highest, address);
}
