// SPDX-License-Identifier: MIT
// Property-based tests run with the same seed every time, unless RC_PARAMS says otherwise.
#include <cstdlib>

namespace {

[[maybe_unused]] const int kFixed = setenv("RC_PARAMS", "seed=1 max_success=400", 0);

}  // namespace
