// SPDX-License-Identifier: MIT
// The Mazurkiewicz trace of an execution as text: equal for executions that differ in the order of
// independent steps only.
#ifndef IOMMUCHECK_TESTS_CHECKER_SCHEDULE_TRACE_KEY_H
#define IOMMUCHECK_TESTS_CHECKER_SCHEDULE_TRACE_KEY_H

#include <algorithm>
#include <string>
#include <vector>

#include "checker/schedule/strategy.h"

namespace iommucheck::schedule {

inline std::string trace_key(std::span<const Event> events,
                             const std::array<std::string, kMaxThreads>& paths) {
  // Numbers are given in the order of an exploration; paths are the same in all.
  std::array<unsigned, kMaxThreads> order{};
  for (unsigned i = 0; i < kMaxThreads; ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](unsigned a, unsigned b) { return paths[a] < paths[b]; });
  std::array<std::vector<std::size_t>, kMaxThreads> steps;  // positions, by thread
  for (std::size_t i = 0; i < events.size(); ++i) steps[events[i].thread].push_back(i);
  std::string key;
  for (const unsigned thread : order) {
    if (steps[thread].empty()) continue;
    key += paths[thread] + ':';
    for (const std::size_t position : steps[thread]) {
      const Event& event = events[position];
      key += std::string{name(event.operation.kind)} + '/' + std::to_string(event.alternative);
      for (const unsigned other : order) {
        // How many steps of the other thread come before: positions themselves depend on the order.
        std::size_t before = 0;
        for (const std::size_t at : steps[other]) before += at < event.clock.at[other];
        if (before != 0) key += ',' + paths[other] + '@' + std::to_string(before);
      }
      key += ';';
    }
    key += '|';
  }
  return key;
}

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_TESTS_CHECKER_SCHEDULE_TRACE_KEY_H
