// SPDX-License-Identifier: MIT
// History: calls written by hand, with answers that have to be legal, or must not be.
#ifndef IOMMUCHECK_TESTS_SPEC_HISTORY_H
#define IOMMUCHECK_TESTS_SPEC_HISTORY_H

#include <gtest/gtest.h>

#include <string>

#include "spec/ioasid/oracle.h"

namespace iommucheck::ioasid {

using A = Arguments<std::uint32_t>;

/// A copied history goes on independently.
class History {
 public:
  explicit History(const Bounds& bounds) : oracle_(bounds) {}

  /// The answer is legal, and the history goes on with it.
  History& legal(CallKind kind, const A& args, const Outcome& outcome) {
    const Call call{kind, args};
    const std::string allowed = oracle_.print_allowed(call);
    const Judgement judgement = oracle_.judge(call, outcome);
    EXPECT_TRUE(judgement.legal) << describe(call, outcome) << "\nbreaks: " << judgement.reason
                                 << "\nallowed: " << allowed;
    EXPECT_TRUE(judgement.contract_kept) << describe(call, outcome) << judgement.broken_contract;
    return *this;
  }
  /// The answer is illegal, by a sentence that contains `why`; nothing moves.
  History& illegal(CallKind kind, const A& args, const Outcome& outcome,
                   const std::string& why = "") {
    const Call call{kind, args};
    EXPECT_TRUE(oracle_.would_keep_contract(call)) << print(call);
    const Judgement judgement = oracle_.judge(call, outcome);
    EXPECT_FALSE(judgement.legal) << describe(call, outcome);
    EXPECT_NE(judgement.reason.find(why), std::string::npos)
        << describe(call, outcome) << "\nbreaks: " << judgement.reason;
    return *this;
  }
  /// This is all that the call can answer.
  History& allows(CallKind kind, const A& args, const std::string& all) {
    EXPECT_EQ(oracle_.print_allowed({kind, args}), all) << print(Call{kind, args});
    return *this;
  }
  /// The call would break its contract, by a sentence that contains `why`.
  History& breaks(CallKind kind, const A& args, const std::string& why) {
    const std::string broken = oracle_.contract_broken_by({kind, args});
    EXPECT_NE(broken.find(why), std::string::npos)
        << print(Call{kind, args}) << "\nbreaks: " << broken;
    EXPECT_FALSE(broken.empty());
    return *this;
  }

 private:
  std::string describe(const Call& call, const Outcome& outcome) const {
    return print(call) + " = " + print(call, outcome) + "\nstate: " + oracle_.print_state();
  }

  Oracle oracle_;
};

inline Outcome success(std::uint32_t value = 0) { return {.value = value}; }
inline Outcome error(Err err) { return {.err = static_cast<std::uint32_t>(err)}; }
inline Outcome called(std::uint32_t allocator, Outcome outcome) {
  outcome.allocator = allocator;
  return outcome;
}
inline Outcome notified(std::uint32_t mask, Outcome outcome) {
  outcome.notified = mask;
  return outcome;
}
inline Outcome shown(std::uint32_t data, Outcome outcome) {
  outcome.getter_on = data + 1;
  return outcome;
}

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_TESTS_SPEC_HISTORY_H
