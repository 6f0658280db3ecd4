// SPDX-License-Identifier: MIT
// Names and printing of the IOASID calls.
#include "spec/ioasid/call.h"

#include <fmt/format.h>

namespace iommucheck::ioasid {
namespace {

using Args = Arguments<std::uint32_t>;

struct KindInfo {
  std::string_view name;
  std::vector<ArgumentInfo> arguments;
};

const KindInfo& info(CallKind kind) {
  static const ArgumentInfo client{"client", &Args::client}, set{"set", &Args::set},
      id{"ioasid", &Args::id}, min{"min", &Args::min}, max{"max", &Args::max},
      data{"private", &Args::data}, token{"token", &Args::token}, quota{"quota", &Args::quota},
      ops{"ops", &Args::ops}, spid{"spid", &Args::spid}, nb{"nb", &Args::nb},
      getter{"getter", &Args::getter}, take{"get", &Args::take},
      callback{"callback", &Args::callback}, nomem{"nomem", &Args::nomem};
  static const std::array<KindInfo, kCallKinds> table{{
      {"ioasid_install_capacity", {quota}},
      {"ioasid_alloc_set", {token, quota, client, nomem}},
      {"ioasid_set_get", {set, client}},
      {"ioasid_set_put", {set, client}},
      {"ioasid_adjust_set", {set, quota}},
      {"ioasid_find_set", {token, client}},
      {"ioasid_alloc", {set, min, max, data, client, callback, nomem}},
      {"ioasid_free", {set, id}},
      {"ioasid_get", {set, id, client}},
      {"ioasid_put", {set, id, client}},
      {"ioasid_find", {set, id, getter}},
      {"ioasid_set_data", {id, data}},
      {"ioasid_attach_data", {id, data}},
      {"ioasid_detach_data", {id}},
      {"ioasid_attach_spid", {id, spid}},
      {"ioasid_detach_spid", {id}},
      {"ioasid_find_by_spid", {set, spid, take, client}},
      {"ioasid_register_allocator", {ops, nomem}},
      {"ioasid_unregister_allocator", {ops}},
      {"ioasid_register_notifier", {set, nb}},
      {"ioasid_unregister_notifier", {set, nb}},
  }};
  return table.at(static_cast<std::size_t>(kind));
}

bool answers_id(CallKind kind) { return kind == CallKind::alloc || kind == CallKind::find_by_spid; }

bool answers_set(CallKind kind) {
  return kind == CallKind::alloc_set || kind == CallKind::find_set;
}

std::string print_value(const Call& call, const Outcome& outcome) {
  if (outcome.err >= kErrs) return fmt::format("error {}, which does not exist", outcome.err);
  if (static_cast<Err>(outcome.err) != Err::ok)
    return std::string{name(static_cast<Err>(outcome.err))};
  if (answers_id(call.kind)) return fmt::format("id {}", outcome.value);
  if (answers_set(call.kind)) return fmt::format("set {}", outcome.value);
  if (call.kind == CallKind::find) {
    return outcome.value == 0 ? "NULL" : fmt::format("data {}", outcome.value);
  }
  if (call.kind == CallKind::put) return outcome.value == 0 ? "false" : "true";
  return "ok";
}

}  // namespace

std::string_view name(CallKind kind) { return info(kind).name; }

std::string_view name(Err err) {
  static constexpr std::array<std::string_view, kErrs> kNames{
      "ok",     "INVALID_IOASID", "-ENOENT", "-EACCES", "-EINVAL",
      "-EBUSY", "-EEXIST",        "-EAGAIN", "-ENOSPC", "-ENOMEM"};
  const auto number = static_cast<std::size_t>(err);
  return number < kNames.size() ? kNames[number] : "an error that no call of these has";
}

std::string_view name(IdState state) {
  static constexpr std::array<std::string_view, 4> kNames{"free", "idle", "active", "free pending"};
  return kNames.at(static_cast<std::size_t>(state));
}

const std::vector<ArgumentInfo>& arguments(CallKind kind) { return info(kind).arguments; }

std::string print(const Call& call) {
  std::string text{name(call.kind)};
  text += '(';
  std::string_view separator;
  for (const auto& argument : arguments(call.kind)) {
    const std::uint32_t value = call.args.*argument.field;
    if (argument.field == &Args::nomem && value == 0) continue;
    if (argument.field == &Args::callback) continue;
    text += separator;
    separator = ", ";
    if (argument.field == &Args::getter) {
      static constexpr std::array<std::string_view, 3> kGetters{"NULL", "accept", "refuse"};
      text += fmt::format("getter={}", kGetters.at(value));
    } else {
      text += fmt::format("{}={}", argument.name, value);
    }
  }
  return text + ')';
}

std::string print(const Call& call, const Outcome& outcome) {
  std::string text = print_value(call, outcome);
  if (outcome.allocator != 0) text += fmt::format(", callback of ops {}", outcome.allocator);
  if (outcome.getter_on != 0) {
    text += outcome.getter_on == 1 ? ", getter ran on NULL"
                                   : fmt::format(", getter ran on data {}", outcome.getter_on - 1);
  }
  if (outcome.notified != 0) text += fmt::format(", notified mask {:#x}", outcome.notified);
  return text;
}

}  // namespace iommucheck::ioasid
