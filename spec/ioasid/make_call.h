// SPDX-License-Identifier: MIT
// Short names for making calls, for who writes sequences and scenarios by hand.
#ifndef IOMMUCHECK_SPEC_IOASID_MAKE_CALL_H
#define IOMMUCHECK_SPEC_IOASID_MAKE_CALL_H

#include "spec/ioasid/call.h"

namespace iommucheck::ioasid::calls {

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

inline Call enroll(std::uint32_t ops, std::uint32_t nomem = 0) {
  return on_ops(CallKind::register_allocator, ops, nomem);
}
inline Call withdraw(std::uint32_t ops) { return on_ops(CallKind::unregister_allocator, ops); }

}  // namespace iommucheck::ioasid::calls

#endif  // IOMMUCHECK_SPEC_IOASID_MAKE_CALL_H
