// SPDX-License-Identifier: MIT
// Reads what the runner answers: one sequence's calls, outcomes, reports, messages and traces.
#ifndef IOMMUCHECK_IMPL_LINUX_ANSWER_H
#define IOMMUCHECK_IMPL_LINUX_ANSWER_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "impl/linux/report.h"
#include "impl/linux/symbols.h"

namespace iommucheck::linux_harness {

using Addresses = std::vector<std::uint64_t>;

struct RawReport {
  bool fatal = false;
  std::string kind, message;
  Addresses here, allocated, freed;
};

struct RawLog {
  Addresses here;
  std::string text;
};

/// One call, before addresses become lines.
struct RawStep {
  bool returned = false;
  int error = 0, value = 0;
  std::uint32_t allocator = 0, getter_on = 0;
  std::vector<RawReport> reports;
  std::vector<RawLog> log;
  Addresses trace;
};

/// Adds one line of the runner's answer (glue/server.c lists them).  What comes before the first
/// call, or is not understood, is dropped.
void add_line(std::vector<RawStep>& steps, std::string_view line);

/// All addresses of a step, so that they can be looked up together.
Addresses addresses_of(const std::vector<RawStep>& steps);

Report symbolise(const RawReport& raw, Symbols& symbols, std::string_view file_under_test);

/// The innermost frame inside `file`, or an empty one.
Frame frame_in(const std::vector<Frame>& frames, std::string_view file);

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_ANSWER_H
