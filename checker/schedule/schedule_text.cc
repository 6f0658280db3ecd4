// SPDX-License-Identifier: MIT
// Writing and reading schedules.
#include "checker/schedule/schedule_text.h"

#include <charconv>
#include <stdexcept>

#include <fmt/format.h>

namespace iommucheck::schedule {
namespace {

/// Of all words of a schedule: more is a slip of the keyboard, and would take the memory.
constexpr std::size_t kMaxSteps = 10'000'000;

/// A word and where it is.
struct Word {
  std::string_view text;
  std::size_t at = 0;
};

[[noreturn]] void refuse(const Word& word, std::string_view why) {
  throw std::invalid_argument{fmt::format(
      "schedule: '{}' at character {} {}; a schedule is a line such as \"1x12 2x3 1/1\"", word.text,
      word.at + 1, why)};
}

template <class Number>
Number number(const Word& word, std::string_view digits, int base, Number least, Number most) {
  Number value = 0;
  const char* end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, value, base);
  if (at != end || error == std::errc::invalid_argument) {
    refuse(word, fmt::format("has '{}' in place of a number", digits));
  }
  if (error != std::errc{} || value < least || value > most) {
    refuse(word, "has a number out of range");
  }
  return value;
}

/// Numbers from 1 on, without leading zeros, with dots between.
bool is_path(std::string_view text) {
  bool begins = true;
  for (const char letter : text) {
    if (letter == '.' ? begins : letter < (begins ? '1' : '0') || letter > '9') return false;
    begins = letter == '.';
  }
  return !begins;
}

void add_word(Schedule& schedule, const Word& word) {
  const std::string_view text = word.text;
  if (text[0] == '!') {
    schedule.promoted.push_back(
        number<std::uintptr_t>(word, text.substr(1), 16, 0, ~std::uintptr_t{}));
    return;
  }
  if (!schedule.promoted.empty()) refuse(word, "comes behind memory, which is last");
  const std::size_t mark = text.find_first_of("x/");
  ScheduleStep step{std::string{text.substr(0, mark)}, 0};
  if (!is_path(step.thread)) refuse(word, "does not begin with a thread");
  std::size_t count = 1;
  if (mark != std::string_view::npos && text[mark] == 'x') {
    count = number<std::size_t>(word, text.substr(mark + 1), 10, 1, kMaxSteps);
  } else if (mark != std::string_view::npos) {
    step.alternative = number<std::uint16_t>(word, text.substr(mark + 1), 10, 0, 65535);
  }
  if (count > kMaxSteps - schedule.steps.size()) refuse(word, "makes the schedule too long");
  schedule.steps.insert(schedule.steps.end(), count, step);
}

}  // namespace

std::string to_text(const Schedule& schedule) {
  std::string text;
  for (std::size_t i = 0; i < schedule.steps.size();) {
    const ScheduleStep step = schedule.steps[i];
    std::size_t end = i + 1;
    text += fmt::format("{}{}", text.empty() ? "" : " ", step.thread);
    if (step.alternative != 0) {
      text += fmt::format("/{}", step.alternative);
    } else {
      while (end < schedule.steps.size() && schedule.steps[end] == step) ++end;
      if (end - i > 1) text += fmt::format("x{}", end - i);
    }
    i = end;
  }
  for (const std::uintptr_t granule : schedule.promoted) {
    text += fmt::format("{}!{:x}", text.empty() ? "" : " ", granule);
  }
  return text;
}

Schedule parse_schedule(std::string_view text) {
  Schedule schedule;
  constexpr std::string_view kSpace = " \t\r\n";
  for (std::size_t at = text.find_first_not_of(kSpace); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kSpace, at), text.size());
    add_word(schedule, {text.substr(at, end - at), at});
    at = text.find_first_not_of(kSpace, end);
  }
  return schedule;
}

std::size_t context_switches(const Schedule& schedule) {
  std::size_t switches = 0;
  for (std::size_t i = 1; i < schedule.steps.size(); ++i) {
    switches += schedule.steps[i].thread != schedule.steps[i - 1].thread;
  }
  return switches;
}

}  // namespace iommucheck::schedule
