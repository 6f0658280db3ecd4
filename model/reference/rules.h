// SPDX-License-Identifier: MIT
// The rules of the reference model by name: as in bench/reference/, and in the order of the code.
#ifndef IOMMUCHECK_MODEL_REFERENCE_RULES_H
#define IOMMUCHECK_MODEL_REFERENCE_RULES_H

#include <cstdint>

namespace iommucheck::model {

/// What follows a rule is a place: a rule of a call, or idle.  The rules that begin a call are no
/// places, so they come last: a program counter needs no numbers for them.
enum class Rule : std::uint8_t {
  idle,
  b_lock,
  b_chk,
  b_alloc,
  b_dom,
  b_att,
  b_ref,
  unlock,
  u_lock,
  u_dec,
  u_det,
  u_inv,
  u_free,
  e_put,
  e_clr,
  e_drop,
  f_rcu,
  f_get,
  f_hnd,
  f_put,
  bind,
  exit,
  fork,
  reap,
  unbind,
  fault,
};

/// The program counter of a thread whose next step is this rule.
constexpr std::uint32_t pc_of(Rule rule) { return static_cast<std::uint32_t>(rule); }

inline constexpr std::uint32_t kRulesOfCalls = pc_of(Rule::f_put);

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_REFERENCE_RULES_H
