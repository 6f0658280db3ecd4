// SPDX-License-Identifier: MIT
// Writing and reading schedules.
#include "checker/schedule/schedule_text.h"

#include <charconv>
#include <stdexcept>

#include <fmt/format.h>

namespace iommucheck::schedule {
namespace {

[[noreturn]] void refuse(std::string_view word, std::string_view why) {
  throw std::invalid_argument{
      fmt::format("schedule: '{}' {}; a schedule is a line such as \"1x12 2x3 1/1\"", word, why)};
}

template <class Number>
Number number(std::string_view word, std::string_view digits, int base, Number most) {
  Number value = 0;
  const char* end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, value, base);
  if (error != std::errc{} || at != end || value > most) refuse(word, "has a number out of range");
  return value;
}

void add_word(Schedule& schedule, std::string_view word) {
  if (word[0] == '!') {
    schedule.promoted.push_back(
        number<std::uintptr_t>(word, word.substr(1), 16, ~std::uintptr_t{}));
    return;
  }
  const std::size_t mark = word.find_first_of("x/");
  ScheduleStep step{std::string{word.substr(0, mark)}, 0};
  if (step.thread.empty() || step.thread.find_first_not_of("0123456789.") != std::string::npos) {
    refuse(word, "does not begin with a thread");
  }
  unsigned count = 1;
  if (mark != std::string_view::npos && word[mark] == 'x') {
    count = number<unsigned>(word, word.substr(mark + 1), 10, 10'000'000U);
  } else if (mark != std::string_view::npos) {
    step.alternative = number<std::uint16_t>(word, word.substr(mark + 1), 10, 65535);
  }
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
    add_word(schedule, text.substr(at, end - at));
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
