// SPDX-License-Identifier: MIT
// Mistakes in the functions of the VT-d driver, for bugs of every design that inlines them.
#ifndef IOMMUCHECK_MODEL_VTD_EDITS_H
#define IOMMUCHECK_MODEL_VTD_EDITS_H

#include <string>

#include "model/vtd/records.h"

namespace iommucheck::model::vtd_edits {

inline constexpr const char* kSetPointer = "pasid_set_flptr(pte, __pa(pgd))";
inline constexpr const char* kSetPresent = "pasid_set_present(pte): set P";
inline constexpr const char* kClearPresent = "pasid_clear_present(pte)";
inline constexpr const char* kFlushPasidCache =
    "pasid_cache_invalidation_with_pasid(iommu, did, pasid)";
inline constexpr const char* kFlushIotlb = "qi_flush_piotlb(iommu, did, pasid, 0, -1, 0)";
inline constexpr const char* kFlushDevtlb = "devtlb_invalidation_with_pasid(iommu, dev, pasid)";
inline constexpr const char* kZapIotlb = "cache_tag_flush_range(): CACHE_TAG_IOTLB";
inline constexpr const char* kZapDevtlb = "cache_tag_flush_range(): CACHE_TAG_DEVTLB";

/// An edit: a step of the program does nothing.
inline auto without(const char* program, const char* label) {
  return [program, label](auto& d) { d.edit(program).replace(label, "(left out)", [](auto&) {}); };
}
/// An edit: two steps of the program change places.
inline auto swapped(const char* program, const char* first, const char* second) {
  return [=](auto& d) { d.edit(program).swap(first, second); };
}

/// A live entry is zeroed word by word, without first clearing P and invalidating.
inline auto torn(const char* program) {
  return [program](auto& d) {
    auto& p = d.edit(program);
    p.insert_after(kClearPresent, "WRITE_ONCE(pe->val[2], 0), live",
                   [&d](auto& t) { d.vtd.write_flptr(t, 0); });
    p.insert_after(kClearPresent, "WRITE_ONCE(pe->val[1], 0), live",
                   [&d](auto& t) { d.vtd.write_did(t, 0); });
    p.relabel(kClearPresent, "WRITE_ONCE(pe->val[0], 0)");
  };
}
/// The notifier computes a wrong size for the device TLB: the page is not in its range.
inline auto wrong_range(const char* program) {
  return [program](auto& d) {
    d.edit(program).replace(kZapDevtlb, std::string{kZapDevtlb} + ", of other pages", [](auto&) {});
  };
}
/// mm_release() takes no domain->lock.
inline auto release_unlocked(const char* program) {
  return [program](auto& d) {
    auto& p = d.edit(program);
    p.replace("spin_lock_irqsave(&domain->lock)", "(no lock)", [&d](auto& t) { d.releases(t); });
    p.replace("spin_unlock_irqrestore(&domain->lock)", "(no lock)", [](auto&) {});
  };
}

}  // namespace iommucheck::model::vtd_edits

#endif  // IOMMUCHECK_MODEL_VTD_EDITS_H
