// SPDX-License-Identifier: MIT
// Numbering steps, and reporting how often they were taken.
#include "checker/explicit/coverage.h"

#include <map>

namespace iommucheck::checker::explicit_state {

StepIndex::StepIndex(const Machine<Concrete>& machine) {
  std::map<const Code*, std::uint32_t> known;
  for (const Process<Concrete>& process : machine.processes()) {
    const auto [entry, is_new] = known.try_emplace(process.code, static_cast<std::uint32_t>(size_));
    if (is_new) size_ += process.code->size();
    base_.push_back(entry->second);
  }
}

std::vector<StepCoverage> StepIndex::report(const Machine<Concrete>& machine,
                                            std::span<const std::uint64_t> taken) {
  const StepIndex index(machine);
  std::vector<StepCoverage> coverage;
  for (std::size_t p = 0; p < index.base_.size(); ++p) {
    // Code that an earlier process has is in the list already.
    if (index.base_[p] < coverage.size()) continue;
    const Code& code = *machine.processes()[p].code;
    for (std::size_t s = 0; s < code.size(); ++s) {
      coverage.push_back({&code, static_cast<std::uint16_t>(s), code[s].program, code[s].label,
                          taken[index.base_[p] + s]});
    }
  }
  return coverage;
}

}  // namespace iommucheck::checker::explicit_state
