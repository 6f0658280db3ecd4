// SPDX-License-Identifier: MIT
// Writing calls, reading errors.
#include "impl/linux/ioasid_words.h"

#include <cerrno>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

namespace iommucheck::linux_harness {

using ioasid::Call;
using ioasid::CallKind;
using ioasid::Err;

namespace {

std::uint32_t checked(std::uint32_t value, std::uint32_t most, std::string_view what) {
  if (value <= most) return value;
  throw std::invalid_argument{fmt::format("{} {}: the kernel harness has {}", what, value, most)};
}

}  // namespace

bool in_linux_6_1(CallKind kind) {
  switch (kind) {
    case CallKind::alloc:
    case CallKind::free:
    case CallKind::find:
    case CallKind::set_data:
    case CallKind::register_allocator:
    case CallKind::unregister_allocator: return true;
    default: return false;
  }
}

std::string encode(const Call& call) {
  const auto& args = call.args;
  const std::uint32_t set = checked(args.set, kMaxNumber, "set");
  const std::uint32_t data = checked(args.data, kMaxNumber, "data");
  const std::uint32_t ops = checked(args.ops, kMaxOps, "ops");
  switch (call.kind) {
    case CallKind::alloc:
      return fmt::format("a {} {} {} {} {} {}", set, args.min, args.max, data, args.callback,
                         args.nomem);
    case CallKind::free: return fmt::format("f {}", args.id);
    case CallKind::find: return fmt::format("q {} {} {}", set, args.id, args.getter);
    case CallKind::set_data: return fmt::format("d {} {} {}", args.id, data, args.take);
    case CallKind::register_allocator:
    case CallKind::unregister_allocator: break;
    default:
      throw std::invalid_argument{fmt::format("{} is not in this kernel", ioasid::name(call.kind))};
  }
  if (ops == 0) throw std::invalid_argument{"ops 0 is the default allocator: it has no ops"};
  return call.kind == CallKind::register_allocator ? fmt::format("r {} {}", ops, args.nomem)
                                                   : fmt::format("u {}", ops);
}

std::optional<Err> error_of(int number) {
  switch (number) {
    case 0: return Err::ok;
    case 1: return Err::invalid;
    case -ENOENT: return Err::enoent;
    case -EACCES: return Err::eacces;
    case -EINVAL: return Err::einval;
    case -EBUSY: return Err::ebusy;
    case -EEXIST: return Err::eexist;
    case -EAGAIN: return Err::eagain;
    case -ENOSPC: return Err::enospc;
    case -ENOMEM: return Err::enomem;
    default: return std::nullopt;
  }
}

}  // namespace iommucheck::linux_harness
