// SPDX-License-Identifier: MIT
// What the calls of impl/linux/glue/iommufd_world.h, target_iommufd.c and target_iommufd_device.c
// are to the specification.
#include "cli/iommufd_calls.h"

#include <map>
#include <set>
#include <stdexcept>

#include <fmt/format.h>

namespace iommucheck::cli {
namespace {

using conformance::IommufdCall;
using conformance::IommufdEffect;
using iommufd::CallKind;
using linux_harness::Scenario;
using linux_harness::ScheduledCall;

/// Devices 0 and 2 share a group, device 1 is behind another IOMMU.
constexpr iommufd::Bounds kWorld{
    .devices = 3, .groups = 2, .kinds = 2, .ioases = 2, .hwpts = 4, .accesses = 1, .queues = 1};

/// What a call does, and with which of the ids that processes know.
struct Meaning {
  std::vector<IommufdEffect> effects;  ///< with the answer that the call has, if any
  std::set<std::string> uses, ends;    ///< "ioas0", "device2", "hwpt1", "queue"
  bool allocates = false;              ///< an id
};

/// What only two of the targets have.  Of iommufd-fault: device n (0, 1) has the page tables 1 + 2
/// * n, and 2 + 2 * n within it.
std::optional<Meaning> meaning_of_few(const std::string& words) {
  const auto one = [](CallKind kind, iommufd::Arguments<std::uint32_t> args) {
    return std::vector<IommufdEffect>{{{kind, args}, {}}};
  };
  // Page requests are in no specification.
  static const std::set<std::string> kRequests{"fault0",       "fault1",  "partial0", "read",
                                               "read_nowhere", "respond", "poll"};
  if (kRequests.contains(words)) return Meaning{};
  // Neither are mappings: of the target iommufd-ioas.
  static const std::set<std::string> kMappings{"map0", "map_one0", "unmap0", "pin"};
  if (kMappings.contains(words)) return Meaning{{}, {"ioas0"}, {}};
  if (words == "unmap1") return Meaning{{}, {"ioas1"}, {}};
  if (words == "copy") return Meaning{{}, {"ioas0", "ioas1"}, {}};
  if (words == "reach")
    return Meaning{
        {{{CallKind::access_create, {}}, {}}, {{CallKind::access_attach, {.ioas = 1}}, {}}},
        {"ioas0"},
        {},
        true};
  if (words == "release") return Meaning{one(CallKind::access_destroy, {}), {}, {}};
  const unsigned device = words.back() == '1' ? 1 : 0, parent = 1 + 2 * device, nested = parent + 1;
  const std::string of_device = fmt::format("device{}", device),
                    of_parent = fmt::format("hwpt{}", parent),
                    of_nested = fmt::format("hwpt{}", nested);
  if (words.starts_with("parent"))
    return Meaning{one(CallKind::hwpt_alloc, {.device = device, .ioas = 1, .hwpt = parent}),
                   {"ioas0", of_device},
                   {},
                   true};
  if (words.starts_with("nested"))
    return Meaning{
        one(CallKind::nested_alloc, {.device = device, .hwpt = nested, .parent = parent}),
        {"queue", of_device, of_parent},
        {},
        true};
  const auto to = [&](CallKind kind, unsigned table) {
    return Meaning{one(kind, {.device = device, .target = kWorld.ioases + table}),
                   {fmt::format("hwpt{}", table)},
                   {}};
  };
  if (words == "attach0" || words == "attach1") return to(CallKind::attach, nested);
  if (words == "leave0") return to(CallKind::replace, parent);
  if (words == "return0") return to(CallKind::replace, nested);
  if (words == "destroy_nested")
    return Meaning{one(CallKind::hwpt_destroy, {.hwpt = 2}), {"hwpt2"}, {"hwpt2"}};
  return {};
}

std::optional<Meaning> meaning_of(const std::string& words) {
  if (auto meaning = meaning_of_few(words)) return meaning;
  static const std::string numbers = "0123456789";
  const std::size_t end = words.find_first_of(numbers);
  const std::string word = words.substr(0, end);
  const std::string rest = end == std::string::npos ? "" : words.substr(end);
  const auto digit = [&](std::size_t i) {
    return i < rest.size() ? static_cast<unsigned>(rest[i] - '0') : 0;
  };
  const auto one = [](CallKind kind, iommufd::Arguments<std::uint32_t> args) {
    return std::vector<IommufdEffect>{{{kind, args}, {}}};
  };
  const unsigned ioas = digit(0) + 1, device = digit(0);
  const std::string of_ioas = "ioas" + rest, of_device = fmt::format("device{}", device);
  if (word == "alloc") return Meaning{one(CallKind::ioas_alloc, {.ioas = ioas}), {}, {}, true};
  if (word == "destroy" && !rest.empty())
    return Meaning{one(CallKind::ioas_destroy, {.ioas = ioas}), {of_ioas}, {of_ioas}};
  if (word == "ranges" || word == "allow" || word == "option")
    return Meaning{one(CallKind::ioas_use, {.ioas = ioas}), {of_ioas}, {}};
  // An object that is never finished, and that nobody can know.
  if (words == "abort" || words == "abort_fault") return Meaning{{}, {}, {}, true};
  if (word == "bind") return Meaning{one(CallKind::bind, {.device = device}), {}, {}, true};
  if (word == "unbind") {
    return Meaning{{{{CallKind::detach, {.device = device}}, {}, true},
                    {{CallKind::unbind, {.device = device}}, {}}},
                   {},
                   {of_device}};
  }
  if (word == "info_device")
    return Meaning{one(CallKind::device_use, {.device = device}), {of_device}, {}};
  if (word == "destroy_device")
    return Meaning{one(CallKind::device_destroy, {.device = device}), {of_device}, {}};
  if (words == "fault") return Meaning{one(CallKind::queue_alloc, {}), {}, {}, true};
  if (words == "close_fault") return Meaning{one(CallKind::queue_close, {}), {}, {}};
  if (words == "destroy_fault")
    return Meaning{one(CallKind::queue_destroy, {}), {"queue"}, {"queue"}};
  if (word == "attach" || word == "replace") {
    const CallKind kind = word == "attach" ? CallKind::attach : CallKind::replace;
    if (rest == "0_table")
      return Meaning{one(kind, {.device = 0, .target = kWorld.ioases + 1}), {"hwpt1"}, {}};
    const unsigned target = digit(1);
    // Its page table has an id, too.
    return Meaning{one(kind, {.device = device, .target = target + 1}),
                   {fmt::format("ioas{}", target)},
                   {},
                   true};
  }
  if (word == "detach") return Meaning{one(CallKind::detach, {.device = device}), {}, {}};
  if (words == "table0")
    return Meaning{one(CallKind::hwpt_alloc, {.device = 0, .ioas = 1, .hwpt = 1}),
                   {"ioas0", "device0"},
                   {},
                   true};
  if (words == "destroy_table")
    return Meaning{one(CallKind::hwpt_destroy, {.hwpt = 1}), {"hwpt1"}, {"hwpt1"}};
  if (words == "access_create") return Meaning{one(CallKind::access_create, {}), {}, {}, true};
  if (word == "access" && !rest.empty())
    return Meaning{one(CallKind::access_attach, {.ioas = ioas}), {of_ioas}, {}};
  if (words == "access_detach") return Meaning{one(CallKind::access_detach, {}), {}, {}};
  if (words == "access_destroy") return Meaning{one(CallKind::access_destroy, {}), {}, {}};
  return {};
}

std::optional<iommufd::Err> err_of(const std::string& result) {
  using iommufd::Err;
  static const std::map<std::string, Err> kErrors{
      {"-ENOMEM", Err::enomem}, {"-EIO", Err::enomem},  // the IOMMU's driver refuses
      {"-EMFILE", Err::enomem},                         // no descriptor
      {"-EFAULT", Err::enomem},                         // the process's pages cannot be pinned
      {"-ENOENT", Err::enoent}, {"-EBUSY", Err::ebusy}, {"-EINVAL", Err::einval}};
  if (!result.starts_with('-')) return Err::ok;
  const auto found = kErrors.find(result);
  if (found == kErrors.end()) return {};
  return found->second;
}

IommufdCall told(const ScheduledCall& call) {
  IommufdCall one{{call.thread, call.begins_before_my_end},
                  fmt::format("{} = {}", call.call.text, call.result),
                  meaning_of(call.call.words).value().effects};
  for (IommufdEffect& effect : one.effects) {
    effect.err = err_of(call.result);
    const bool failed =
        call.nomem || call.result == "-EIO" || call.result == "-EMFILE" || call.result == "-EFAULT";
    effect.call.args.nomem = failed ? 1 : 0;
  }
  return one;
}

/// An id that a process knows may go to another object: one call ends the object, another one makes
/// one, and a third one uses the id.
bool may_reuse_an_id(const std::vector<Meaning>& calls) {
  for (std::size_t ends = 0; ends < calls.size(); ++ends) {
    for (std::size_t makes = 0; makes < calls.size(); ++makes) {
      if (makes == ends || !calls[makes].allocates) continue;
      for (std::size_t uses = 0; uses < calls.size(); ++uses) {
        if (uses == ends || uses == makes) continue;
        for (const std::string& object : calls[ends].ends)
          if (calls[uses].uses.contains(object)) return true;
      }
    }
  }
  return false;
}

}  // namespace

bool knows_iommufd(const linux_harness::Target& target, const Scenario& scenario) {
  if (&target != &linux_harness::iommufd_target() &&
      &target != &linux_harness::iommufd_device_target() &&
      &target != &linux_harness::iommufd_fault_target() &&
      &target != &linux_harness::iommufd_ioas_target())
    return false;
  std::vector<Meaning> meanings;
  std::set<std::string> made;
  const auto add = [&](const linux_harness::TargetCall& call) {
    auto meaning = meaning_of(call.words);
    // Made twice, a name would stand for two objects.
    if (!meaning) return false;
    const bool names = call.words.starts_with("alloc") || call.words.starts_with("bind") ||
                       call.words == "fault" || call.words == "table0" ||
                       call.words.starts_with("parent") || call.words.starts_with("nested") ||
                       call.words == "access_create" || call.words == "reach";
    if (names && !made.insert(call.words).second) return false;
    meanings.push_back(std::move(*meaning));
    return true;
  };
  for (const auto& call : scenario.setup) {
    if (!add(call)) return false;
  }
  meanings.clear();
  for (const auto& thread : scenario.threads) {
    for (const auto& call : thread) {
      if (!add(call)) return false;
    }
  }
  return !may_reuse_an_id(meanings);
}

conformance::Linearization judge_iommufd(const linux_harness::Exploration& exploration,
                                         const linux_harness::ScheduledHistory& history) {
  std::vector<IommufdCall> setup, calls;
  for (const ScheduledCall& call : exploration.setup) {
    if (call.result != linux_harness::kNotMade) setup.push_back(told(call));
  }
  for (const ScheduledCall& call : history.calls) calls.push_back(told(call));
  try {
    return conformance::linearize(kWorld, setup, calls);
  } catch (const std::invalid_argument& e) {
    throw std::runtime_error(
        fmt::format("the set-up already differs from the specification: {}", e.what()));
  }
}

}  // namespace iommucheck::cli
