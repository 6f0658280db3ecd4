// SPDX-License-Identifier: MIT
// Context: what a step may do besides reading and writing variables: branch, guard, choose, fail.
//
// A context belongs to one machine and one thread.  The Concrete context executes one alternative
// at a time over a buffer of packed words; the Symbolic context collects all of them as terms.
#ifndef IOMMUCHECK_CORE_CONTEXT_H
#define IOMMUCHECK_CORE_CONTEXT_H

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "core/schema.h"
#include "core/term.h"
#include "core/value.h"

namespace iommucheck {

/// The number of a property of a machine, in the order of its declaration.
enum class PropertyId : std::uint16_t {};
/// Every machine's first property: a value leaves its declared range, or an index its array.
inline constexpr PropertyId kInRange{0};

/// What went wrong in a step: the property, and a sentence that says how.
struct Failure {
  PropertyId property{};
  const char* detail = "";
};

/// The properties that are checked; the others are not looked at.
class Checked {
 public:
  bool operator()(PropertyId p) const { return (mask_ >> static_cast<unsigned>(p) & 1U) != 0; }
  /// Only this one, and that values stay in range: without that, nothing means anything.
  void only(PropertyId p) {
    mask_ = 1ULL << static_cast<unsigned>(p) | 1ULL << static_cast<unsigned>(kInRange);
  }

 private:
  std::uint64_t mask_ = ~0ULL;
};

/// What a broken precondition means.
enum class Contract : std::uint8_t {
  guard,    ///< the call is not made (the specification explored by itself)
  violate,  ///< it is a violation (a design whose clients promise to keep it)
  note,     ///< it is remembered, and the call goes on (a test with hostile clients)
};

/// Requirements and contracts of a specification, as parts of a running step.
struct Requirements {
  /// Inside a design, a requirement that does not hold is a violation of this property.
  bool lockstep = false;
  PropertyId legal{};
  PropertyId contract_kept{};
  Contract contract = Contract::guard;
  /// Test hook: the requirement with this sentence is dropped (see tests/spec/ioasid).
  const char* dropped = nullptr;

  bool is_dropped(const char* sentence) const {
    return dropped != nullptr && sentence != nullptr && std::strcmp(dropped, sentence) == 0;
  }
};

template <class D>
class Context;

template <>
class Context<Concrete> {
 public:
  using B = Bool<Concrete>;
  using V = Val<Concrete>;

  /// Runs f (else g) where c holds.
  template <class F>
  void when(B c, F f) {
    if (c.bit()) f();
  }
  template <class F, class G>
  void when(B c, F f, G g) {
    if (c.bit()) {
      f();
    } else {
      g();
    }
  }

  /// The step is possible only where c holds.  In lockstep (a specification inside a design),
  /// `sentence` is what the design's answer breaks.
  void require(B c, const char* sentence = nullptr) {
    if (!c.bit()) reject(sentence);
  }
  /// A precondition that the caller promises.
  void contract(B c, const char* sentence) {
    if (!c.bit()) break_contract(sentence);
  }
  /// Like require, and remembers which processes (mask) could make c true: for wait cycles.
  void wait_for(B c, V processes) {
    if (c.bit()) return;
    if (enabled_) waits_on_ |= processes.word();
    enabled_ = false;
  }
  /// The property is violated by this step.  The first failure of a step counts.
  void fail(PropertyId property, const char* detail) {
    if (failed_ || !enabled_ || !checked(property)) return;
    failed_ = true;
    failure_ = {property, detail};
  }
  void fail_unless(B c, PropertyId property, const char* detail) {
    if (!c.bit()) fail(property, detail);
  }

  /// Whether every requirement that f meets would hold; nothing is required of the step.
  template <class F>
  B allows(F f) {
    const bool outer = std::exchange(probing_, true);
    const bool outer_ok = std::exchange(probe_ok_, true);
    f();
    probing_ = outer;
    return std::exchange(probe_ok_, outer_ok);
  }

  /// Any number of 0 .. n-1; the engine explores them all.
  V choose(unsigned n, const char* = "") {
    if (n == 0) enabled_ = false;
    if (!enabled_ || n <= 1) return 0;
    if (digit_ == digits_.size()) digits_.push_back({0, n});
    return digits_[digit_++].value;
  }

  /// Sets a local slot under the current branch.
  static void assign(Concrete::Word& slot, Concrete::Word value) { slot = value; }

  // For the machine that runs the step.
  void begin_step() {
    enabled_ = true;
    failed_ = false;
    contract_broken_ = nullptr;
    waits_on_ = 0;
    digit_ = 0;
  }
  void begin_choices() { digits_.clear(); }
  /// Moves on to the next combination of choices; false after the last.
  bool next_choices() {
    while (!digits_.empty()) {
      if (++digits_.back().value < digits_.back().limit) return true;
      digits_.pop_back();
    }
    return false;
  }
  bool enabled() const { return enabled_; }
  bool failed() const { return enabled_ && failed_; }
  const Failure& failure() const { return failure_; }
  std::uint32_t waits_on() const { return waits_on_; }
  /// The first precondition that the last call broke (Contract::note), or null.
  const char* contract_broken() const { return contract_broken_; }
  /// The requirement that rejected the last step, or null.
  const char* rejected() const { return rejected_; }
  void clear_rejected() { rejected_ = nullptr; }

  Requirements requirements;
  Checked checked;
  std::array<std::uint64_t, Schema::kMaxWords> words{};

 private:
  void reject(const char* sentence) {
    if (requirements.is_dropped(sentence)) return;
    if (probing_) {
      probe_ok_ = false;
      return;
    }
    if (enabled_ && rejected_ == nullptr) rejected_ = sentence;
    if (requirements.lockstep && sentence != nullptr) {
      fail(requirements.legal, sentence);
    } else {
      enabled_ = false;
    }
  }
  void break_contract(const char* sentence) {
    if (probing_ || requirements.is_dropped(sentence)) return;
    switch (requirements.contract) {
      case Contract::guard: enabled_ = false; break;
      case Contract::violate: fail(requirements.contract_kept, sentence); break;
      case Contract::note:
        if (contract_broken_ == nullptr) contract_broken_ = sentence;
        break;
    }
  }

  struct Digit {
    std::uint32_t value, limit;
  };
  bool enabled_ = true;
  bool failed_ = false;
  bool probing_ = false;
  bool probe_ok_ = true;
  Failure failure_;
  const char* contract_broken_ = nullptr;
  const char* rejected_ = nullptr;
  std::uint32_t waits_on_ = 0;
  std::size_t digit_ = 0;
  std::vector<Digit> digits_;
};

template <>
class Context<Symbolic> {
 public:
  using B = Bool<Symbolic>;
  using V = Val<Symbolic>;

  template <class F>
  void when(B c, F f) {
    when(c, f, [] {});
  }
  template <class F, class G>
  void when(B c, F f, G g) {
    branch(c, f);
    branch(!c, g);
  }
  void require(B c, const char* sentence = nullptr);
  void contract(B c, const char* sentence);
  void wait_for(B c, V processes);
  void fail(PropertyId property, const char* detail) { fail_unless(false, property, detail); }
  void fail_unless(B c, PropertyId property, const char* detail);
  template <class F>
  B allows(F f) {
    const bool outer = std::exchange(probing_, true);
    const Term outer_ok = std::exchange(probe_ok_, Symbolic::bit(true));
    f();
    probing_ = outer;
    return B::from_bit(std::exchange(probe_ok_, outer_ok));
  }
  V choose(unsigned n, const char* name = "");

  void assign(Term& slot, Term value) { slot = Symbolic::ite(path_, value, slot); }

  /// One failure that a step can run into: where `condition` holds (and the step is enabled).
  struct Fault {
    Term condition;
    Failure failure;
  };

  // For the machine that runs the step.
  void begin_step();
  Term enabled() const { return enabled_; }
  Term path() const { return path_; }
  const std::vector<Fault>& faults() const { return faults_; }
  const std::vector<Term>& inputs() const { return inputs_; }
  /// Where the step is not enabled: the processes that could change that (a mask).
  Term waits_on() const { return waits_on_; }
  /// Sentences of all requirements and contracts met so far, in order, without repetition.
  const std::vector<const char*>& sentences() const { return sentences_; }

  Requirements requirements;
  Checked checked;
  std::vector<Term> state;  ///< one word per field

 private:
  template <class F>
  void branch(B c, F& f) {
    const Term outer = path_;
    path_ = Symbolic::both(outer, c.bit());
    if (!is_false(path_)) f();
    path_ = outer;
  }
  static bool is_false(Term c) { return c.node()->op == Op::bit_const && c.node()->value == 0; }
  /// Nothing happens after all where the path is taken and c does not hold.
  void restrict(B c) {
    enabled_ = Symbolic::both(enabled_, Symbolic::either(Symbolic::negate(path_), c.bit()));
  }
  void record(const char* sentence);

  Term path_ = Symbolic::bit(true);
  Term enabled_ = Symbolic::bit(true);
  Term waits_on_;
  bool probing_ = false;
  Term probe_ok_ = Symbolic::bit(true);
  std::vector<Fault> faults_;
  std::vector<Term> inputs_;
  std::vector<const char*> sentences_;
};

/// A variable of a step that is not part of the state; like a Var, it follows when().
template <class D, class T = Int>
class Local {
 public:
  using Domain = D;
  using Tag = T;
  using Value = Val<D, T>;
  Local(Context<D>& context, Value v) : context_(&context), word_(v.word()) {}
  Local(const Local&) = delete;

  Value value() const { return Value::from_word(word_); }
  operator Value() const { return value(); }  // NOLINT(google-explicit-constructor)
  Local& operator=(Value v) {
    context_->assign(word_, v.word());
    return *this;
  }
  Local& operator=(const Local& other) { return *this = other.value(); }  // NOLINT

 private:
  Context<D>* context_;
  typename D::Word word_;
};

}  // namespace iommucheck

#endif  // IOMMUCHECK_CORE_CONTEXT_H
