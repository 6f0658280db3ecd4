// SPDX-License-Identifier: MIT
// iommucheck estimate MODEL: what check MODEL would cost, from a search of its first levels.
#include "checker/walk/estimate.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "checker/compiled/compile.h"
#include "cli/commands.h"
#include "cli/exploration.h"
#include "cli/subject.h"

namespace iommucheck::cli {
namespace {

using nlohmann::ordered_json;

constexpr const char* kEstimateOptions =
    "--max-states, --max-memory, --max-seconds, --jobs, --bug, --property, --json, and the bounds "
    "of the model (iommucheck list)";

/// "21 million": more digits would say more than is known.
std::string about(double number) {
  if (number >= 1e9) return fmt::format("{:.1f} billion", number / 1e9);
  if (number >= 1e6) return fmt::format("{:.1f} million", number / 1e6);
  return fmt::format("{:.0f}", number);
}
std::string memory(double bytes) {
  return bytes >= 1e9 ? fmt::format("{:.1f} GB", bytes / 1e9)
                      : fmt::format("{:.0f} MB", bytes / 1e6);
}

ordered_json to_json(const Subject& subject, const checker::Estimate& e) {
  ordered_json object;
  object["scope"] = scope_to_json(subject);
  object["finished"] = e.finished;
  object["sample"] = {{"states", e.sample.states},
                      {"levels", e.levels},
                      {"growth", e.growth},
                      {"seconds", e.sample.seconds},
                      {"bytes_per_state", e.sample.bytes_per_state()}};
  object["states"] = nullptr;
  if (!e.states) return object;
  object["states"] = *e.states;
  object["low"] = e.low;
  object["high"] = e.high;
  object["bytes"] = e.bytes;
  object["fingerprint_bytes"] = e.fingerprint_bytes;
  object["seconds"] = e.seconds;
  return object;
}

std::string to_text(const Subject& subject, const checker::Estimate& e) {
  std::string text = fmt::format("{}\n", print_scope(subject));
  if (e.finished) {
    text += fmt::format("  exactly {} states until check ends: the sample was all of it\n",
                        e.sample.states);
  } else if (e.states) {
    text += fmt::format("  about {} states, between {} and {}: an extrapolation, no bound\n",
                        about(*e.states), about(e.low), about(e.high));
  } else {
    text += fmt::format(
        "  more than {} states; the levels do not say how many more, take a larger sample "
        "(--max-states)\n",
        e.sample.states);
  }
  text += fmt::format("  sample: {} states, {} whole levels, {:.2f} s, {:.1f} bytes/state",
                      e.sample.states, e.levels, e.sample.seconds, e.sample.bytes_per_state());
  if (e.growth > 0)
    text += fmt::format(", each level {:.2f} times the one before at its end", e.growth);
  text += '\n';
  if (e.states) {
    text += fmt::format(
        "  check would take about {:.0f} s and {} (--keep fingerprints: {}), at the rate of the "
        "sample\n",
        e.seconds, memory(e.bytes), memory(e.fingerprint_bytes));
  }
  return text;
}

}  // namespace

int estimate_command(const Words& words) {
  Arguments arguments{words, {"json"}};
  const bool as_json = arguments.flag("json");
  SubjectArguments about_what{arguments};
  checker::Options options;
  // A second or two; where it is a tenth of all states, the estimate is worth something.
  constexpr std::uint64_t kSample = 3'000'000;
  options.limits.states = arguments.number("max-states", kSample, 1, ~0ULL);
  options.limits.memory_bytes = arguments.bytes("max-memory", options.limits.memory_bytes);
  options.limits.seconds = static_cast<double>(arguments.number("max-seconds", 0, 1, 1'000'000));
  options.jobs = static_cast<unsigned>(arguments.number("jobs", 0, 1, 256));
  const Subject subject = about_what.finish(kEstimateOptions);
  options.compile = [&] { return checker::compile_steps([&] { return build_symbolic(subject); }); };
  auto estimate = checker::estimate([&] { return build_concrete(subject); }, options);
  if (as_json) {
    fmt::print("{}\n", to_json(subject, estimate).dump(2));
  } else {
    fmt::print("{}", to_text(subject, estimate));
  }
  return 0;
}

}  // namespace iommucheck::cli
