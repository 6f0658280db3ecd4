// SPDX-License-Identifier: MIT
// The names, arguments and possible answers of the calls of the IOMMU specification.
#include "spec/iommu/call.h"

#include "spec/iommu/spec.h"

namespace iommucheck::iommu {
namespace {

using P = Arguments<std::uint32_t>;
constexpr ArgumentInfo kClient{"client", &P::client}, kBond{"bond", &P::bond},
    kDevice{"dev", &P::device}, kPasid{"pasid", &P::pasid}, kTable{"domain", &P::table},
    kPage{"iova", &P::page}, kMm{"mm", &P::mm}, kNomem{"nomem", &P::nomem};

/// All that is known of a kind of call.
struct Info {
  std::string_view name;
  std::vector<ArgumentInfo> arguments;
  std::vector<Err> answers;
};

const Info& info(CallKind kind) {
  using E = Err;
  static const std::array<Info, kCallKinds> kInfo{{
      {"iommu_domain_alloc", {kDevice, kNomem}, {E::ok, E::enomem}},
      {"iommu_domain_free", {kTable}, {E::ok}},
      {"iommu_map", {kTable, kPage, kNomem}, {E::ok, E::enomem, E::eexist}},
      {"iommu_unmap", {kTable, kPage}, {E::ok, E::enoent}},
      {"iommu_attach_device", {kDevice, kTable}, {E::ok, E::einval, E::ebusy}},
      {"iommu_detach_device", {kDevice, kTable}, {E::ok}},
      {"iommu_group_replace_domain", {kDevice, kTable}, {E::ok, E::einval, E::ebusy}},
      {"iommu_attach_device_pasid",
       {kDevice, kPasid, kTable, kNomem},
       {E::ok, E::einval, E::ebusy, E::enomem}},
      {"iommu_detach_device_pasid", {kDevice, kPasid, kTable}, {E::ok}},
      {"pci_dev_reset_iommu_prepare", {kDevice}, {E::ok, E::ebusy}},
      {"pci_dev_reset_iommu_done", {kDevice}, {E::ok}},
      {"iommu_get_dma_api_pasid", {kDevice, kNomem}, {E::ok, E::enospc, E::enomem}},
      {"iommu_destroy_dma_api_pasid", {kDevice}, {E::ok}},
      {"fork", {kMm, kNomem}, {E::ok, E::enomem}},
      {"mmput", {kMm}, {E::ok}},
      {"iommu_alloc_mm_data", {kMm, kNomem}, {E::ok, E::enospc, E::enomem}},
      {"mm_pasid_drop", {kMm}, {E::ok}},
      {"mm_get_enqcmd_pasid", {kMm}, {E::ok}},
      {"iommu_sva_bind_device",
       {kClient, kBond, kDevice, kMm, kNomem},
       {E::ok, E::enomem, E::enospc, E::ebusy}},
      {"iommu_sva_unbind_device", {kClient, kBond}, {E::ok}},
      {"iommu_sva_handle_mm", {kDevice, kPasid, kMm}, {E::ok}},
      {"prctl_enable_tagged_addr", {kMm}, {E::ok, E::einval, E::ebusy}},
      {"iommu_probe_device", {kDevice, kNomem}, {E::ok, E::enomem}},
      {"iommu_release_device", {kDevice}, {E::ok}},
      {"iommu_device_use_default_domain", {kDevice}, {E::ok, E::ebusy}},
      {"iommu_device_unuse_default_domain", {kDevice}, {E::ok}},
      {"iommu_device_claim_dma_owner",
       {kClient, kDevice, kNomem},
       {E::ok, E::eperm, E::ebusy, E::enomem}},
      {"iommu_device_release_dma_owner", {kDevice}, {E::ok}},
      {"iommu_group_store_type", {kDevice, kNomem}, {E::ok, E::eperm, E::ebusy, E::enomem}},
  }};
  return kInfo.at(static_cast<std::size_t>(kind));
}

}  // namespace

std::string_view name(CallKind kind) { return info(kind).name; }
const std::vector<ArgumentInfo>& arguments(CallKind kind) { return info(kind).arguments; }
const std::vector<Err>& answers(CallKind kind) { return info(kind).answers; }

std::string_view name(Err err) {
  constexpr std::array<std::string_view, kErrs> kNames{"ok",      "-ENOMEM", "-ENOSPC", "-EBUSY",
                                                       "-EINVAL", "-EEXIST", "-ENOENT", "-EPERM"};
  return kNames.at(static_cast<std::size_t>(err));
}

unsigned largest_value(CallKind kind, const Bounds& b) {
  switch (kind) {
    case CallKind::domain_alloc:
    case CallKind::change_default_domain: return b.tables;
    case CallKind::get_dma_pasid:
    case CallKind::pasid_alloc:
    case CallKind::get_pasid:
    case CallKind::bind: return b.pasids;
    case CallKind::fork: return b.mms - 1;
    default: return 0;
  }
}

bool in_scope(CallKind kind, const Bounds& b) {
  // A table of one's own needs room beside the default domains.
  const bool own_tables = b.tables > (b.default_domains ? b.group_count() : 0);
  switch (kind) {
    case CallKind::domain_alloc:
    case CallKind::domain_free:
    case CallKind::attach:
    case CallKind::detach:
    case CallKind::replace: return own_tables;
    case CallKind::map:
    case CallKind::unmap: return b.tables != 0 && b.pages != 0;
    case CallKind::attach_pasid:
    case CallKind::detach_pasid: return own_tables && b.pasids != 0;
    case CallKind::reset_prepare:
    case CallKind::reset_done: return true;
    case CallKind::get_dma_pasid:
    case CallKind::destroy_dma_pasid: return b.dma_pasid && b.pasids != 0;
    case CallKind::fork:
    case CallKind::exit:
    case CallKind::pasid_drop:
    case CallKind::get_pasid: return b.mms != 0;
    case CallKind::pasid_alloc:
    case CallKind::bind:
    case CallKind::unbind:
    case CallKind::fault: return b.mms != 0 && b.pasids != 0;
    case CallKind::enable_tagged_addr: return b.mms != 0 && b.tagging;
    case CallKind::probe_device:
    case CallKind::release_device: return b.hotplug;
    case CallKind::use_default_domain:
    case CallKind::unuse_default_domain:
    case CallKind::claim_dma_owner:
    case CallKind::release_dma_owner: return b.owners;
    case CallKind::change_default_domain: return b.owners && own_tables;
  }
  return false;
}

}  // namespace iommucheck::iommu
