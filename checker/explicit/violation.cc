// SPDX-License-Identifier: MIT
// The order of violations.
#include "checker/explicit/violation.h"

#include <algorithm>
#include <compare>
#include <cstring>

#include "checker/explicit/bytes.h"
#include "checker/explicit/intern.h"

namespace iommucheck::checker::explicit_state {

namespace {

std::strong_ordering compare(StateView a, StateView b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

void FirstViolation::in_state(StateView state, const Failure& failure) {
  consider(false, state, ActionId{}, failure, {});
}

void FirstViolation::in_step(StateView state, ActionId action, const Failure& failure,
                             StateView after) {
  consider(true, state, action, failure, after);
}

void FirstViolation::merge(const FirstViolation& other) {
  if (!other.first_) return;
  const Violation& v = *other.first_;
  consider(v.in_step, v.state, v.action, v.failure, v.after);
}

std::string FirstViolation::bytes() const {
  if (!first_) return {};
  const Violation& v = *first_;
  BytesWriter writer;
  writer.number(v.in_step ? 1 : 0)
      .numbers(v.state)
      .number(static_cast<unsigned>(v.failure.property));
  writer.text(v.failure.detail).number(v.action.process).number(v.action.step).numbers(v.after);
  return writer.bytes();
}

void FirstViolation::merge(const std::string& bytes) {
  if (bytes.empty()) return;
  BytesReader reader(bytes);
  const bool in_step = reader.number() != 0;
  const PackedState state = reader.numbers();
  const auto property = static_cast<PropertyId>(reader.number());
  const char* const detail = intern(reader.text().c_str());
  ActionId action;
  action.process = static_cast<std::uint16_t>(reader.number());
  action.step = static_cast<std::uint16_t>(reader.number());
  consider(in_step, state, action, {property, detail}, reader.numbers());
}

void FirstViolation::consider(bool in_step, StateView state, ActionId action,
                              const Failure& failure, StateView after) {
  if (first_) {
    std::strong_ordering order = in_step <=> first_->in_step;
    if (order == 0) order = compare(state, first_->state);
    if (order == 0) order = action <=> first_->action;
    if (order == 0) order = failure.property <=> first_->failure.property;
    // By text: its address differs from machine to machine.
    if (order == 0) order = std::strcmp(failure.detail, first_->failure.detail) <=> 0;
    if (order == 0) order = compare(after, first_->after);
    if (order >= 0) return;
  }
  first_ = Violation{
      in_step, {state.begin(), state.end()}, failure, action, {after.begin(), after.end()}};
}

}  // namespace iommucheck::checker::explicit_state
