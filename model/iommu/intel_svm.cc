// SPDX-License-Identifier: MIT
// sva/intel-svm and its bugs: each is one change of the design.
#include "model/iommu/intel_svm.h"

#include "model/iommu/entries.h"
#include "model/iommu/sva_edits.h"

namespace iommucheck::model {
namespace intel_svm_bugs {

using SvmBug = Bug<IntelSvm>;

constexpr const char* kDrain = "intel_svm_drain_prq(): iopf_queue_flush_dev(dev)";

std::vector<SvmBug> kernel_bugs() {
  return {
      SvmBug({"svm-freed-during-drain",
              "use after free",
              "6.1.192 drivers/iommu/intel/svm.c, intel_svm_drain_prq()",
              "unbind drops pasid_mutex while it drains, and goes on with the intel_svm it had: a "
              "bind that fails, or the unbind of another device, has freed it",
              "no-use-after-free",
              {{"threads", 2}, {"devices", 2}, {"faults", 1}}},
             [](auto& d) { d.drain_without_mutex(); }),
      SvmBug({"prq-drain-deadlock",
              "deadlock",
              "6ef0505158f7",
              "who answers a page request takes pasid_mutex, which unbind holds while it waits for "
              "the answer",
              "no-deadlock",
              {{"threads", 1}, {"faults", 1}}},
             [](auto& d) {
               auto& handler = d.edit("iopf_handle_group");
               handler.insert_before("iopf_complete_group(", "mutex_lock(&pasid_mutex)",
                                     [&d](auto& t) { t.lock(d.pasid_mutex); });
               handler.insert_before("iopf_complete_group(", "mutex_unlock(&pasid_mutex)",
                                     [&d](auto& t) { t.unlock(d.pasid_mutex); });
             }),
  };
}

std::vector<SvmBug> mutants() {
  const BoundValues one{{"threads", 1}};
  const BoundValues two{{"threads", 2}};
  const BoundValues two_devices{{"threads", 2}, {"devices", 2}};
  return {
      SvmBug({"bind-without-mutex", "lock", "mutant", "bind takes no pasid_mutex",
              "svm-is-published", two_devices},
             [](auto& d) {
               d.edit(kBind).drop("mutex_lock(&pasid_mutex)");
               d.edit(kBind).replace("mutex_unlock(&pasid_mutex)", "(no lock)", [](auto&) {});
             }),
      SvmBug({"unbind-without-mutex", "lock", "mutant", "unbind takes no pasid_mutex",
              "no-use-after-free", two_devices},
             [](auto& d) {
               d.edit(kUnbind).drop("mutex_lock(&pasid_mutex)");
               d.edit(kUnbind).replace("mutex_unlock(&pasid_mutex)", "(no lock)", [](auto&) {});
             }),
      SvmBug({"users-not-counted", "reference", "mutant",
              "a second bind of a device does not count", "bonds-are-counted", two},
             [](auto& d) {
               d.edit(kBind).replace("sdev->users++", "(not counted)", [&d](auto& t) {
                 d.bind_succeeds(t);
                 t.jump(d.bind_unlocks);
               });
             }),
      SvmBug({"no-mmgrab", "reference", "mutant", "the notifier holds no reference on the mm",
              "refcounts", one},
             [](auto& d) {
               d.edit(kBind).replace("mmu_notifier_register(&svm->notifier, mm): mmgrab(mm)",
                                     "mmu_notifier_register(), without mmgrab()", [](auto&) {});
             }),
      SvmBug({"svm-stays-found", "leak", "mutant",
              "the last unbind frees the intel_svm and leaves it in the array", "svm-is-published",
              one},
             [](auto& d) {
               d.edit(kUnbind).replace("pasid_private_remove(svm->pasid)", "(left out)",
                                       [](auto&) {});
             }),
      SvmBug(
          {"unbind-without-drain",
           "lost wait",
           "mutant",
           "unbind does not wait for page requests: the next process gets the PASID and they are "
           "handled for it",
           "page-request-reaches-its-process",
           {{"threads", 2}, {"mms", 2}, {"faults", 1}}},
          [](auto& d) { d.edit(kUnbind).replace(kDrain, "(no flush)", [](auto&) {}); }),
      SvmBug({"unbind-without-invalidation",
              "missing invalidation",
              "mutant",
              "unbind clears the PASID entry and leaves the caches",
              "hardware-follows-the-specification",
              {{"threads", 1}, {"caches", 1}}},
             [](auto& d) {
               d.edit(kUnbind).replace("intel_pasid_tear_down_entry(): the caches are invalidated",
                                       "(no invalidation)", [](auto&) {});
             }),
  };
}

std::vector<SvmBug> bugs() {
  std::vector<SvmBug> all = kernel_bugs();
  for (auto group : {mutants(), release_mutants<SvmBug>()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

std::vector<BoundInfo> bounds() {
  auto all = common_iommu_bounds();
  // A group of several devices is refused.
  std::erase_if(
      all, [](const BoundInfo& bound) { return bound.name == "groups" || bound.name == "kinds"; });
  return all;
}

}  // namespace intel_svm_bugs

const DesignEntry& sva_intel_svm() {
  static const TypedDesign<IntelSvm, IommuBounds> kEntry{
      "sva/intel-svm",
      "an object for each mm with a list of devices, found by PASID, under one mutex",
      "6.1 drivers/iommu/intel/svm.c, iommu.c, io-pgfault.c",
      intel_svm_bugs::bounds(),
      to_iommu_bounds,
      intel_svm_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
