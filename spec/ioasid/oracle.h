// SPDX-License-Identifier: MIT
// Oracle: the IOASID specification as judge of an implementation, one call after another.
//
// It holds the specification's state.  A legal answer moves that state; an illegal one does not,
// and is explained by the sentence that it breaks.  Not thread-safe.
#ifndef IOMMUCHECK_SPEC_IOASID_ORACLE_H
#define IOMMUCHECK_SPEC_IOASID_ORACLE_H

#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/context.h"
#include "spec/ioasid/bounds.h"
#include "spec/ioasid/call.h"

namespace iommucheck::ioasid {

/// What the specification says about one call and its outcome.
struct Judgement {
  bool legal = true;
  std::string reason;  ///< the sentence that the outcome breaks
  bool contract_kept = true;
  std::string broken_contract;  ///< the sentence that the call itself breaks
};

/// The specification contradicts itself: an error in spec/, not in what is judged.
class SpecificationError : public std::logic_error {
  using std::logic_error::logic_error;
};

class Oracle {
 public:
  /// Which effects of a call are judged, beside error and value.
  struct Effects {
    bool allocator = true, getter = true, notified = true;
  };
  /// A state to come back to.
  struct Snapshot {
    std::vector<std::uint64_t> words;
    bool in_contract = true;
    friend bool operator==(const Snapshot&, const Snapshot&) = default;
  };

  explicit Oracle(const Bounds& bounds) : Oracle(bounds, Effects{}) {}
  Oracle(const Bounds& bounds, Effects effects);
  Oracle(const Oracle& other);
  Oracle& operator=(const Oracle& other);
  Oracle(Oracle&&) noexcept;
  Oracle& operator=(Oracle&&) noexcept;
  ~Oracle();

  const Bounds& bounds() const;

  /// Whether the call's kind and numbers are within the bounds.  Others are never legal.
  bool accepts(const Call& call) const;
  /// Moves the state if the outcome (any numbers) is legal.  Throws SpecificationError if an
  /// invariant breaks although all calls so far have kept their contract.
  Judgement judge(const Call& call, const Outcome& outcome);
  /// The precondition that the call would break in this state; empty: none.
  std::string contract_broken_by(const Call& call) const;
  bool would_keep_contract(const Call& call) const { return contract_broken_by(call).empty(); }
  /// Whether all calls so far have kept their contract.
  bool in_contract() const;

  /// Every outcome that the specification allows in this state, success first.
  std::vector<Outcome> legal_outcomes(const Call& call) const;
  /// The first of them, found quickly; none: the specification has no answer (an error in it).
  std::optional<Outcome> first_legal(const Call& call) const;
  /// "id 0 .. id 3 or INVALID_IOASID".
  std::string print_allowed(const Call& call) const;

  void reset();  ///< to the state before any call
  Snapshot snapshot() const;
  void restore(const Snapshot& snapshot);
  /// Packed as by SpecMachine<Concrete> of the same bounds.
  StateView words() const;
  /// "name=value ..." of every field that is not zero.
  std::string print_state() const;

  /// For tests: the requirement with this sentence is dropped; null: none.
  void drop(const char* sentence);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_SPEC_IOASID_ORACLE_H
