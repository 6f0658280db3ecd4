// SPDX-License-Identifier: MIT
// From a sample to the cost of all.
#include "checker/walk/estimate.h"

#include "checker/walk/extrapolate.h"

namespace iommucheck::checker {

Estimate estimate(const ConcreteFactory& factory, const Options& options) {
  // Of a search with fingerprints, its table's growth included, measured on 21 million states.
  constexpr double kFingerprintBytes = 12;
  Estimate result;
  result.sample = explore(factory, options);
  const Exploration& sample = result.sample;
  result.finished = sample.verdict != Verdict::unknown;
  std::span<const std::uint64_t> whole = sample.levels;
  // The search ended in the middle of the last one.
  if (!result.finished && !whole.empty()) whole = whole.first(whole.size() - 1);
  result.levels = whole.size();
  if (result.finished) {
    result.states = result.low = result.high = static_cast<double>(sample.states);
  } else {
    const walking::Extrapolation all = walking::extrapolate(whole);
    result.growth = all.growth;
    result.states = all.states;
    result.low = all.low;
    result.high = all.high;
  }
  if (result.states) {
    result.bytes = *result.states * sample.bytes_per_state();
    result.fingerprint_bytes = *result.states * kFingerprintBytes;
    const auto met = static_cast<double>(sample.states);
    result.seconds = met > 0 ? *result.states / met * sample.seconds : 0;
  }
  return result;
}

}  // namespace iommucheck::checker
