// SPDX-License-Identifier: MIT
// The Symbolic context: path conditions, guards, faults and inputs as terms.
#include "core/context.h"

#include <algorithm>

namespace iommucheck {

void Context<Symbolic>::begin_step() {
  path_ = Symbolic::bit(true);
  enabled_ = Symbolic::bit(true);
  faults_.clear();
  inputs_.clear();
  waits_on_ = Symbolic::word(0);
}

void Context<Symbolic>::record(const char* sentence) {
  if (sentence == nullptr) return;
  const auto same = [&](const char* s) { return std::strcmp(s, sentence) == 0; };
  if (std::none_of(sentences_.begin(), sentences_.end(), same)) sentences_.push_back(sentence);
}

void Context<Symbolic>::require(B c, const char* sentence) {
  record(sentence);
  if (requirements.is_dropped(sentence)) return;
  if (probing_) {
    probe_ok_ = Symbolic::both(probe_ok_, Symbolic::either(Symbolic::negate(path_), c.bit()));
    return;
  }
  if (requirements.lockstep && sentence != nullptr) {
    fail_unless(c, requirements.legal, sentence);
  } else {
    restrict(c);
  }
}

void Context<Symbolic>::contract(B c, const char* sentence) {
  record(sentence);
  if (probing_ || requirements.is_dropped(sentence)) return;
  switch (requirements.contract) {
    case Contract::guard: restrict(c); break;
    case Contract::violate: fail_unless(c, requirements.contract_kept, sentence); break;
    case Contract::note: break;
  }
}

void Context<Symbolic>::wait_for(B c, V processes) {
  const Term blocked = Symbolic::both(Symbolic::both(enabled_, path_), Symbolic::negate(c.bit()));
  const Term waits = Symbolic::ite(blocked, processes.word(), Symbolic::word(0));
  waits_on_ = Symbolic::bor(waits_on_, waits);
  restrict(c);
}

void Context<Symbolic>::fail_unless(B c, PropertyId property, const char* detail) {
  if (!checked(property)) return;
  const Term condition = Symbolic::both(path_, Symbolic::negate(c.bit()));
  if (!is_false(condition)) faults_.push_back({condition, {property, detail}});
}

Context<Symbolic>::V Context<Symbolic>::choose(unsigned n, const char* name) {
  if (n == 0) require(false);
  if (n <= 1) return 0;
  const Term input = Symbolic::arena().variable(std::string{"choice."} + name, n - 1);
  inputs_.push_back(input);
  // Where nothing is asked there is one answer, as in the Concrete domain: no step counts twice.
  const V value = V::from_word(input);
  enabled_ = Symbolic::both(enabled_, Symbolic::either(path_, (value == 0U).bit()));
  return value;
}

}  // namespace iommucheck
