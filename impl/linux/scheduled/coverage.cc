// SPDX-License-Identifier: MIT
// Which basic blocks of the file under test have run, in any execution.
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

std::vector<std::uintptr_t> covered_blocks() {
  std::vector<std::uintptr_t> all;
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
