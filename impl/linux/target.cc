// SPDX-License-Identifier: MIT
// The list of targets, and what their scenarios have in common.
#include "impl/linux/target.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

namespace iommucheck::linux_harness {
namespace {

std::string sentence_of(const Scenario& scenario) {
  std::string text;
  for (const TargetCall& call : scenario.setup) text += call.text + "; ";
  if (!text.empty()) text += "then ";
  for (std::size_t i = 0; i < scenario.threads.size(); ++i) {
    if (i != 0) text += " || ";
    for (const TargetCall& call : scenario.threads[i]) text += call.text;
  }
  return text;
}

}  // namespace

const std::vector<const Target*>& targets() {
  static const std::vector<const Target*> all{&ioasid_target(),        &sva_lib_target(),
                                              &iopf_target(),          &sva_target(),
                                              &iommufd_target(),       &iommufd_device_target(),
                                              &iommufd_fault_target(), &iommufd_ioas_target(),
                                              &intel_svm_target(),     &arm_smmu_v3_sva_target(),
                                              &iommu_group_target(),   &dma_resv_target(),
                                              &dma_iommu_target(),     &intel_pasid_target(),
                                              &mmu_notifier_target()};
  return all;
}

const Target* find_target(std::string_view name) {
  const auto place = std::find_if(targets().begin(), targets().end(),
                                  [&](const Target* target) { return target->name() == name; });
  return place == targets().end() ? nullptr : *place;
}

std::vector<TargetCall> calls(const std::string& names) {
  std::vector<TargetCall> all;
  std::istringstream words{names};
  for (std::string name; words >> name;) all.emplace_back(name);
  return all;
}

Scenario scenario(std::string name, std::string sentence, const std::string& setup,
                  const std::vector<std::string>& threads) {
  Scenario result{std::move(name), std::move(sentence), calls(setup), {}};
  for (const std::string& thread : threads) result.threads.push_back(calls(thread));
  return result;
}

std::vector<Scenario> combinations(const std::vector<std::vector<TargetCall>>& setups,
                                   const std::vector<TargetCall>& calls, unsigned threads,
                                   bool (*keeps)(const Scenario&)) {
  std::vector<Scenario> all;
  for (const std::vector<TargetCall>& setup : setups) {
    std::vector<std::size_t> chosen(threads, 0);
    for (;;) {
      Scenario scenario;
      scenario.setup = setup;
      for (const std::size_t call : chosen) scenario.threads.push_back({calls[call]});
      if (keeps == nullptr || keeps(scenario)) {
        scenario.name = fmt::format("{}-{}", threads == 2 ? "pair" : "triple", all.size() + 1);
        scenario.sentence = sentence_of(scenario);
        all.push_back(std::move(scenario));
      }
      // The next combination with repetition: never descending.
      std::size_t at = threads;
      while (at > 0 && chosen[at - 1] == calls.size() - 1) --at;
      if (at == 0) break;
      const std::size_t next = chosen[at - 1] + 1;
      std::fill(chosen.begin() + static_cast<std::ptrdiff_t>(at - 1), chosen.end(), next);
    }
  }
  return all;
}

}  // namespace iommucheck::linux_harness
