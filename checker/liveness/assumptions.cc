// SPDX-License-Identifier: MIT
// Resolving fairness declarations.
#include "checker/liveness/assumptions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace iommucheck::checker {

std::string_view name(Assume assume) {
  static constexpr std::array<std::string_view, 3> kNames{"none", "weak", "strong"};
  return kNames.at(static_cast<std::size_t>(assume));
}

namespace liveness {
namespace {

bool is_assumed(const Fairness& f, Assume assume) {
  return assume == Assume::strong || (assume == Assume::weak && f.kind == Fair::weak);
}

}  // namespace

Assumptions::Assumptions(const Machine<Concrete>& machine, Assume assume) {
  for (const auto& process : machine.processes()) {
    base_.push_back(steps_);
    steps_ += static_cast<std::uint32_t>(process.code->size());
  }
  actions_.resize(actions());
  for (std::uint16_t p = 0; p < base_.size(); ++p) {
    const auto& code = *machine.processes()[p].code;
    for (std::uint16_t s = 0; s < code.size(); ++s) actions_[number({p, s}, true)].optional = true;
  }
  const auto add = [&](Fair kind, std::string text) {
    if (names_.size() == kMaxFairness) {
      throw std::length_error(
          fmt::format("a machine has at most {} fairness assumptions: declare them for whole "
                      "processes instead of single steps",
                      kMaxFairness));
    }
    const FairMask bit = FairMask{1} << names_.size();
    (kind == Fair::weak ? weak_ : strong_) |= bit;
    names_.push_back(std::move(text));
    return bit;
  };
  for (const Fairness& f : machine.fairness()) {
    if (!is_assumed(f, assume)) continue;
    const auto& process = machine.processes().at(f.process);
    const auto p = static_cast<std::uint16_t>(f.process);
    FairMask bit = 0;
    if (!f.each) bit = add(f.kind, process.name);
    for (std::uint16_t s = 0; s < process.code->size(); ++s) {
      const StepCode& step = (*process.code)[s];
      if (f.which && !f.which(step)) continue;
      if (f.each) bit = add(f.kind, fmt::format("{}: {}", process.name, step.label));
      actions_[number({p, s}, false)].fair |= bit;
    }
  }
}

ActionId Assumptions::id(std::uint32_t number) const {
  const std::uint32_t step = number / 2;
  const auto after = std::upper_bound(base_.begin(), base_.end(), step);
  const auto process = static_cast<std::uint16_t>(after - base_.begin() - 1);
  return {process, static_cast<std::uint16_t>(step - base_[process])};
}

std::uint32_t idle_processes(Machine<Concrete>& machine, StateView state) {
  std::copy(state.begin(), state.end(), machine.context.words.begin());
  std::uint32_t idle = 0;
  const auto& processes = machine.processes();
  for (std::size_t p = 0; p < processes.size(); ++p) {
    const bool is_idle =
        processes[p].pc != nullptr && !processes[p].works && processes[p].pc->value().word() == 0;
    if (is_idle) idle |= 1U << p;
  }
  return idle;
}

}  // namespace liveness

std::vector<std::string> assumed(const Machine<Concrete>& machine, Assume assume) {
  struct Group {
    Fair kind;
    std::string sentence, processes;
  };
  std::vector<Group> groups;
  for (const Fairness& f : machine.fairness()) {
    if (!liveness::is_assumed(f, assume)) continue;
    const std::string& process = machine.processes().at(f.process).name;
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const Group& g) {
      return g.kind == f.kind && g.sentence == f.sentence;
    });
    if (same == groups.end()) {
      groups.push_back({f.kind, f.sentence, process});
    } else {
      same->processes += ", " + process;
    }
  }
  std::vector<std::string> sentences;
  sentences.reserve(groups.size());
  for (const Group& g : groups) {
    sentences.push_back(fmt::format("{} fairness of {}: {}",
                                    g.kind == Fair::weak ? "weak" : "strong", g.processes,
                                    g.sentence));
  }
  return sentences;
}

}  // namespace iommucheck::checker
