// SPDX-License-Identifier: MIT
// Parses the runner's lines.
#include "impl/linux/answer.h"

#include <charconv>

namespace iommucheck::linux_harness {
namespace {

std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

Addresses parse_addresses(std::string_view text) {
  Addresses addresses;
  while (!text.empty()) {
    const std::string_view word = take(text, ',');
    std::uint64_t address = 0;
    std::from_chars(word.data(), word.data() + word.size(), address, 16);
    addresses.push_back(address);
  }
  return addresses;
}

template <class Number>
Number parse_number(std::string_view& text) {
  const std::string_view word = take(text, ' ');
  Number value = 0;
  std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

RawReport parse_report(std::string_view text) {
  RawReport report;
  report.fatal = take(text, '|') == "1";
  report.kind = take(text, '|');
  report.here = parse_addresses(take(text, '|'));
  report.allocated = parse_addresses(take(text, '|'));
  report.freed = parse_addresses(take(text, '|'));
  report.message = text;
  return report;
}

std::vector<Frame> all_frames(const Addresses& addresses, Symbols& symbols) {
  std::vector<Frame> frames;
  for (const std::uint64_t address : addresses) {
    const std::vector<Frame>& found = symbols.frames(address);
    frames.insert(frames.end(), found.begin(), found.end());
  }
  return frames;
}

}  // namespace

void add_line(std::vector<RawStep>& steps, std::string_view line) {
  if (line.empty()) return;
  const char kind = line[0];
  if (kind == 'C') {
    steps.emplace_back();
    return;
  }
  if (steps.empty() || line.size() < 2) return;
  RawStep& step = steps.back();
  std::string_view text = line.substr(2);
  if (kind == 'O') {
    step.returned = true;
    step.error = parse_number<int>(text);
    step.value = parse_number<int>(text);
    step.allocator = parse_number<std::uint32_t>(text);
    step.getter_on = parse_number<std::uint32_t>(text);
  } else if (kind == 'R') {
    step.reports.push_back(parse_report(text));
  } else if (kind == 'P') {
    RawLog log;
    log.here = parse_addresses(take(text, '|'));
    log.text = text;
    step.log.push_back(std::move(log));
  } else if (kind == 'T') {
    step.trace = parse_addresses(text);
  }
}

Addresses addresses_of(const std::vector<RawStep>& steps) {
  Addresses all;
  const auto add = [&](const Addresses& some) { all.insert(all.end(), some.begin(), some.end()); };
  for (const RawStep& step : steps) {
    for (const RawReport& report : step.reports) {
      add(report.here);
      add(report.allocated);
      add(report.freed);
    }
    for (const RawLog& log : step.log) add(log.here);
    add(step.trace);
  }
  return all;
}

Frame frame_in(const std::vector<Frame>& frames, std::string_view file) {
  for (const Frame& frame : frames) {
    if (frame.file == file) return frame;
  }
  return {};
}

Report symbolise(const RawReport& raw, Symbols& symbols, std::string_view file_under_test) {
  Report report;
  report.kind = raw.kind;
  report.message = raw.message;
  report.fatal = raw.fatal;
  report.frames = all_frames(raw.here, symbols);
  report.allocated = all_frames(raw.allocated, symbols);
  report.freed = all_frames(raw.freed, symbols);
  if (!report.frames.empty()) report.where = report.frames.front();
  report.in_file = frame_in(report.frames, file_under_test);
  return report;
}

}  // namespace iommucheck::linux_harness
