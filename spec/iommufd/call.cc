// SPDX-License-Identifier: MIT
// The names, arguments and possible answers of the calls of the specification of /dev/iommu.
#include "spec/iommufd/call.h"

#include <array>

#include <fmt/format.h>

namespace iommucheck::iommufd {
namespace {

using P = Arguments<std::uint32_t>;
constexpr ArgumentInfo kDevice{"dev", &P::device}, kIoas{"ioas", &P::ioas}, kHwpt{"hwpt", &P::hwpt},
    kParent{"parent", &P::parent}, kTarget{"target", &P::target}, kNomem{"nomem", &P::nomem};

/// All that is known of a kind of call.
struct Info {
  std::string_view name;
  std::vector<ArgumentInfo> arguments;
  std::vector<Err> answers;
};

const Info& info(CallKind kind) {
  using E = Err;
  static const std::array<Info, kCallKinds> kInfo{{
      {"IOMMU_IOAS_ALLOC", {kIoas, kNomem}, {E::ok, E::enomem}},
      {"IOMMU_DESTROY(ioas)", {kIoas}, {E::ok, E::enoent, E::ebusy}},
      {"IOMMU_IOAS_IOVA_RANGES", {kIoas, kNomem}, {E::ok, E::enoent, E::enomem}},
      {"IOMMU_HWPT_ALLOC",
       {kHwpt, kDevice, kIoas, kNomem},
       {E::ok, E::enoent, E::einval, E::enomem}},
      {"IOMMU_HWPT_ALLOC(nested)",
       {kHwpt, kDevice, kParent, kNomem},
       {E::ok, E::enoent, E::einval, E::enomem}},
      {"IOMMU_DESTROY(hwpt)", {kHwpt}, {E::ok, E::enoent, E::ebusy}},
      {"IOMMU_GET_HW_INFO", {kDevice}, {E::ok, E::enoent}},
      {"IOMMU_DESTROY(device)", {kDevice}, {E::ok, E::enoent, E::ebusy}},
      {"IOMMU_FAULT_QUEUE_ALLOC", {kNomem}, {E::ok, E::enomem}},
      {"close(fault queue)", {}, {E::ok}},
      {"IOMMU_DESTROY(fault queue)", {}, {E::ok, E::enoent, E::ebusy}},
      {"iommufd_device_bind", {kDevice, kNomem}, {E::ok, E::enomem}},
      {"iommufd_device_unbind", {kDevice}, {E::ok}},
      {"iommufd_device_attach",
       {kDevice, kTarget, kNomem},
       {E::ok, E::enoent, E::einval, E::enomem}},
      {"iommufd_device_replace",
       {kDevice, kTarget, kNomem},
       {E::ok, E::enoent, E::einval, E::enomem}},
      {"iommufd_device_detach", {kDevice}, {E::ok}},
      {"iommufd_access_create", {kNomem}, {E::ok, E::enomem}},
      {"iommufd_access_attach", {kIoas, kNomem}, {E::ok, E::enoent, E::enomem}},
      {"iommufd_access_detach", {}, {E::ok}},
      {"iommufd_access_destroy", {}, {E::ok}},
  }};
  return kInfo.at(static_cast<std::size_t>(kind));
}

}  // namespace

std::string_view name(CallKind kind) { return info(kind).name; }
const std::vector<ArgumentInfo>& arguments(CallKind kind) { return info(kind).arguments; }
const std::vector<Err>& answers(CallKind kind) { return info(kind).answers; }

std::string_view name(Err err) {
  constexpr std::array<std::string_view, kErrs> kNames{"ok", "-ENOMEM", "-ENOENT", "-EBUSY",
                                                       "-EINVAL"};
  return kNames.at(static_cast<std::size_t>(err));
}

bool in_scope(CallKind kind, const Bounds& b) {
  switch (kind) {
    case CallKind::hwpt_alloc:
    case CallKind::hwpt_destroy: return b.hwpts != 0;
    case CallKind::nested_alloc: return b.hwpts > 1 && b.queues != 0;
    case CallKind::queue_alloc:
    case CallKind::queue_close:
    case CallKind::queue_destroy: return b.queues != 0;
    case CallKind::access_create:
    case CallKind::access_attach:
    case CallKind::access_detach:
    case CallKind::access_destroy: return b.accesses != 0;
    default: return true;
  }
}

std::string print(const Call& call) {
  std::string text{name(call.kind)};
  const char* separator = "(";
  for (const ArgumentInfo& argument : arguments(call.kind)) {
    text += fmt::format("{}{}={}", separator, argument.name, call.args.*argument.field);
    separator = ", ";
  }
  return text + (arguments(call.kind).empty() ? "()" : ")");
}

}  // namespace iommucheck::iommufd
