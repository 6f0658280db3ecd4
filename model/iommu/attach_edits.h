// SPDX-License-Identifier: MIT
// Edits that the bugs of several attach designs share, and the names of their calls.
#ifndef IOMMUCHECK_MODEL_IOMMU_ATTACH_EDITS_H
#define IOMMUCHECK_MODEL_IOMMU_ATTACH_EDITS_H

namespace iommucheck::model {

inline constexpr const char* kAttach = "iommu_attach_device";
inline constexpr const char* kDetach = "iommu_detach_device";
inline constexpr const char* kReplace = "iommu_group_replace_domain";
inline constexpr const char* kResetPrepare = "pci_dev_reset_iommu_prepare";
inline constexpr const char* kResetDone = "pci_dev_reset_iommu_done";
inline constexpr const char* kProbe = "iommu_probe_device";
inline constexpr const char* kRelease = "iommu_release_device";
inline constexpr const char* kFreeDomain = "iommu_domain_free";
inline constexpr const char* kUse = "iommu_device_use_default_domain";
inline constexpr const char* kUnuse = "iommu_device_unuse_default_domain";
inline constexpr const char* kClaim = "iommu_device_claim_dma_owner";
inline constexpr const char* kReleaseOwner = "iommu_device_release_dma_owner";
inline constexpr const char* kChangeDefault = "iommu_group_store_type";
inline constexpr const char* kMoveRid = "ops->attach_dev(new_domain, gdev->dev)";
inline constexpr const char* kMoveRidFlush =
    "ops->attach_dev(new_domain, gdev->dev): the caches are invalidated";

/// An edit: the program takes no group->mutex.
inline auto without_group_mutex(const char* program) {
  return [program](auto& d) {
    auto& p = d.edit(program);
    p.drop("mutex_lock(&group->mutex)");
    p.replace("mutex_unlock(&group->mutex)", "(no lock)", [](auto&) {});
  };
}
/// An edit: a step of the program does nothing.
inline auto without_step(const char* program, const char* label) {
  return [program, label](auto& d) { d.edit(program).replace(label, "(left out)", [](auto&) {}); };
}

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_ATTACH_EDITS_H
