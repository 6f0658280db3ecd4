// SPDX-License-Identifier: MIT
// Executing one call sequence on something, with the specification as judge of every answer.
#ifndef IOMMUCHECK_CONFORMANCE_COMPARE_H
#define IOMMUCHECK_CONFORMANCE_COMPARE_H

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "spec/ioasid/call.h"
#include "spec/ioasid/oracle.h"

namespace iommucheck::conformance {

using ioasid::Call;
using ioasid::CallKind;
using ioasid::Judgement;
using ioasid::Oracle;
using ioasid::Outcome;

/// A call that did not return: kind says why in a word or two ("use after free"), and names the
/// cause together with the call.
struct Crash {
  std::string kind, file;
  unsigned line = 0;
  std::string text;  ///< the whole report
};

/// What came of one call.  The outcome counts only without a crash.
struct Step {
  Outcome outcome;
  std::optional<Crash> crash;
};

/// What executes whole sequences: a child process, a machine far away.
class SequenceRunner {
 public:
  virtual ~SequenceRunner() = default;
  /// Executes the calls on a fresh instance.  As many steps as calls, or fewer, and the last one
  /// crashed.
  virtual std::vector<Step> run(std::span<const Call> calls) = 0;
  virtual bool supports(CallKind) const { return true; }
  /// Replaces arguments that do not exist here by what happens instead (free() of 6.1 has no set:
  /// any set).  Changing a call twice changes nothing more.
  virtual Call express(Call call) const { return call; }
};

/// What becomes of calls that break the contract.
enum class ContractMode : std::uint8_t {
  strict,  ///< they are left out; a callback that would break it gets another answer
  any,     ///< they are executed
};

/// The first answer of a sequence that the specification does not allow.
struct Divergence {
  Call call;
  Outcome outcome;
  std::optional<Crash> crash;
  Judgement judgement;
  bool in_contract = true;      ///< whether this and all calls before kept their contract
  std::string broken_contract;  ///< otherwise: the first sentence that one of them broke
  std::string allowed;          ///< what the specification allows
  std::string state;            ///< its state before the call
};

struct Execution {
  std::vector<Call> calls;           ///< as executed; with a divergence, that call is the last
  std::vector<Outcome> outcomes;     ///< of `calls`
  std::vector<std::size_t> origins;  ///< of `calls`: the places in the sequence that was asked for
  std::size_t skipped = 0;           ///< calls left out
  std::optional<Divergence> divergence;
};

/// Something to be judged.
class Target {
 public:
  virtual ~Target() = default;
  /// Executes the calls on a fresh instance up to the first divergence.  The execution's own calls
  /// give the same execution again.
  virtual Execution execute(std::span<const Call> calls, Oracle& oracle, ContractMode mode) = 0;
  virtual bool supports(CallKind) const { return true; }
};

using SubjectFactory = std::function<std::unique_ptr<ioasid::Subject>()>;

/// Executes call by call: what to leave out is decided on the way.  An exception is a crash.
class SubjectTarget : public Target {
 public:
  explicit SubjectTarget(SubjectFactory factory) : factory_(std::move(factory)) {}
  Execution execute(std::span<const Call> calls, Oracle& oracle, ContractMode mode) override;

 private:
  SubjectFactory factory_;
};

/// Has to know the whole sequence beforehand: what to leave out is guessed (answers as low as
/// possible), and where the guess was wrong the sequence is mended and run again.
class RunnerTarget : public Target {
 public:
  explicit RunnerTarget(SequenceRunner& runner) : runner_(runner) {}
  Execution execute(std::span<const Call> calls, Oracle& oracle, ContractMode mode) override;
  bool supports(CallKind kind) const override { return runner_.supports(kind); }

 private:
  /// Runs of one sequence; after the last, what was executed up to the first wrong guess counts.
  static constexpr unsigned kMaxRuns = 16;
  SequenceRunner& runner_;
};

/// The specification itself: answers what is legal, and of that the first.
class SpecificationSubject : public ioasid::Subject {
 public:
  explicit SpecificationSubject(const ioasid::Bounds& bounds) : oracle_(bounds) {}
  Outcome execute(const Call& call) override;

 private:
  Oracle oracle_;
};

/// The call as it is executed in this state; nothing: it is left out.
std::optional<Call> admit(const Oracle& oracle, Call call, ContractMode mode);

}  // namespace iommucheck::conformance

#endif  // IOMMUCHECK_CONFORMANCE_COMPARE_H
