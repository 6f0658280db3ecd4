// SPDX-License-Identifier: MIT
// Prints reports.
#include "impl/linux/report.h"

#include <string_view>

#include <fmt/format.h>

namespace iommucheck::linux_harness {
namespace {

std::string print_frames(std::string_view title, const std::vector<Frame>& frames) {
  if (frames.empty()) return {};
  std::string text = fmt::format("  {}\n", title);
  for (const Frame& frame : frames) {
    text += fmt::format("    {} {}\n", print(frame), frame.function);
  }
  return text;
}

}  // namespace

std::string print(const Frame& frame) {
  return frame.file.empty() ? "?" : fmt::format("{}:{}", frame.file, frame.line);
}

std::string print(const Report& report) {
  std::string text = fmt::format("{}: {}\n", report.kind, report.message);
  text += print_frames("at", report.frames);
  text += print_frames(report.kind == "deadlock" ? "taken at" : "allocated at", report.allocated);
  text += print_frames(report.kind == "double call_rcu" ? "queued at" : "freed at", report.freed);
  return text;
}

}  // namespace iommucheck::linux_harness
