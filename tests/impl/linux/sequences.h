// SPDX-License-Identifier: MIT
// Short names for calls, and what a sequence did in one line of text.
#ifndef IOMMUCHECK_TESTS_IMPL_LINUX_SEQUENCES_H
#define IOMMUCHECK_TESTS_IMPL_LINUX_SEQUENCES_H

#include <span>
#include <string>
#include <vector>

#include "impl/linux/ioasid.h"

namespace iommucheck::linux_harness {

using ioasid::Call;
using ioasid::CallKind;
using ioasid::Getter;

inline Call alloc(std::uint32_t set, std::uint32_t min, std::uint32_t max, std::uint32_t data,
                  std::uint32_t callback = 0, std::uint32_t nomem = 0) {
  Call call{CallKind::alloc, {}};
  call.args.set = set;
  call.args.min = min;
  call.args.max = max;
  call.args.data = data;
  call.args.callback = callback;
  call.args.nomem = nomem;
  return call;
}

inline Call on_id(CallKind kind, std::uint32_t id) {
  Call call{kind, {}};
  call.args.id = id;
  return call;
}

inline Call free_id(std::uint32_t id) { return on_id(CallKind::free, id); }

inline Call find(std::uint32_t set, std::uint32_t id, Getter getter = Getter::none) {
  Call call = on_id(CallKind::find, id);
  call.args.set = set;
  call.args.getter = static_cast<std::uint32_t>(getter);
  return call;
}

inline Call set_data(std::uint32_t id, std::uint32_t data) {
  Call call = on_id(CallKind::set_data, id);
  call.args.data = data;
  return call;
}

inline Call on_ops(CallKind kind, std::uint32_t ops, std::uint32_t nomem = 0) {
  Call call{kind, {}};
  call.args.ops = ops;
  call.args.nomem = nomem;
  return call;
}

inline Call add(std::uint32_t ops, std::uint32_t nomem = 0) {
  return on_ops(CallKind::register_allocator, ops, nomem);
}
inline Call remove(std::uint32_t ops) { return on_ops(CallKind::unregister_allocator, ops); }

/// "id 0; ok; data 2, getter ran on data 2", a crash as its kind.
inline std::string told(std::span<const Call> calls, const std::vector<Step>& steps) {
  std::string text;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (i != 0) text += "; ";
    text += steps[i].returned ? print(calls[i], steps[i].outcome) : steps[i].report->kind;
  }
  return text;
}

inline std::string reports(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& step : steps) {
    if (step.report) text += print(*step.report);
    for (const Report& report : step.others) text += print(report);
  }
  return text;
}

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_TESTS_IMPL_LINUX_SEQUENCES_H
