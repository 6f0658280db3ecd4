// SPDX-License-Identifier: MIT
// dma-pasid/device and its bugs: each is one change of the design.
#include "model/iommu/dma_pasid_device.h"

#include <algorithm>

#include "model/iommu/attach_edits.h"
#include "model/iommu/entries.h"

namespace iommucheck::model {
namespace dma_pasid_device_bugs {

using DmaBug = Bug<DmaPasidDevice>;

constexpr const char* kEnable = "iommu_enable_pasid_dma";
constexpr const char* kDisable = "iommu_disable_pasid_dma";

std::vector<DmaBug> bugs() {
  const BoundValues one{{"threads", 1}, {"devices", 1}};
  return {
      // The design itself is what is wrong; the edit lets its clients do what clients do.
      DmaBug({"dma-pasid-diverges", "wrong translation", "the review of 2021-12-08",
              "what the device is attached to changes: the RID moves, the PASID stays",
              "dma-pasid-translates-as-the-rid", one},
             [](auto& d) { d.build_rid_calls(); }),
      DmaBug({"failed-enable-leaks", "wrong error path", "mutant",
              "an enable that fails keeps the PASID", "pasids-are-held", one},
             [](auto& d) {
               d.edit(kEnable).insert_after("err: ioasid_put(pasid)", "(the PASID is not free)",
                                            [&d](auto&) { static_cast<void>(d.ida_alloc()); });
             }),
      DmaBug({"pasid-put-first",
              "order",
              "mutant",
              "disable gives the PASID back before it has taken its entry away",
              "legal-answer",
              {{"threads", 2}, {"devices", 2}}},
             [](auto& d) {
               auto& disable = d.edit(kDisable);
               disable.insert_before("domain->ops->detach_dev_pasid(domain, dev, pasid)",
                                     "ioasid_put(pasid) (early)",
                                     [&d](auto& t) { d.ida_free(t, d.local(t).pasid - 1U); });
               disable.replace("ioasid_put(pasid)", "dev->pasid = 0", [&d](auto& t) {
                 d.dev_pasid[d.local(t).dev] = 0;
                 d.gives_back(t);
               });
             }),
      DmaBug({"disable-without-invalidation",
              "missing invalidation",
              "mutant",
              "disable clears the entry and leaves the caches",
              "hardware-follows-the-specification",
              {{"threads", 1}, {"devices", 1}, {"caches", 1}}},
             without_step(
                 kDisable,
                 "domain->ops->detach_dev_pasid(domain, dev, pasid): the caches are invalidated")),
  };
}

/// Each device is a group of its own, and its domain does not change.
std::vector<BoundInfo> bounds() {
  std::vector<BoundInfo> all;
  for (auto& bound : common_attach_bounds()) {
    if (bound.name == "devices") bound.standard = 2;  // the driver of one makes one call at a time
    if (bound.name == "threads" || bound.name == "devices" || bound.name == "calls" ||
        bound.name == "caches")
      all.push_back(bound);
  }
  all.push_back({"pasids", 1, 2, 1, "PASIDs: 1 to N"});
  return all;
}

}  // namespace dma_pasid_device_bugs

const DesignEntry& dma_pasid_device() {
  static const TypedDesign<DmaPasidDevice, AttachBounds> kEntry{
      "dma-pasid/device",
      "the PASID of the DMA API lives in struct device, without a lock, and is attached once; right "
      "only where no RID ever moves",
      "\"Enable PASID for DMA API users\", the first patches, 2021-12-07",
      dma_pasid_device_bugs::bounds(),
      to_attach_bounds,
      dma_pasid_device_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
