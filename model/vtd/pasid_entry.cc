// SPDX-License-Identifier: MIT
// vtd/pasid-entry and its bugs: each is one change of the design.
#include "model/vtd/pasid_entry.h"

#include "model/vtd/edits.h"
#include "model/vtd/entries.h"

namespace iommucheck::model {
namespace vtd_bugs {

using VtdBug = Bug<VtdPasidEntry>;
using namespace vtd_edits;

constexpr const char* kBind = "intel_svm_set_dev_pasid";
constexpr const char* kUnbind = "intel_iommu_remove_dev_pasid";
constexpr const char* kExit = "exit_mmap";
constexpr const char* kZap = "zap_pte_range";
std::vector<VtdBug> kernel_bugs() {
  const BoundValues one{{"threads", 1}};
  return {
      VtdBug({"torn-pasid-entry", "ordering", "CVE-2026-45894",
              "a live entry is zeroed word by word, without first clearing P and invalidating: the "
              "hardware reads a mix",
              "no-torn-entry", one},
             torn(kExit)),
      VtdBug({"kernel-table-stale-walk",
              "missing invalidation",
              "CVE-2025-71089, CVE-2025-71202",
              "vfree() frees a page of the kernel's page tables; nothing invalidates the "
              "paging-structure caches of devices that walk the kernel half of a bound process",
              "no-freed-kernel-table",
              {{"threads", 1}, {"kernel", 1}}},
             without("pmd_free_pte_page", "iommu_sva_invalidate_kva_range(start, end)")),
      VtdBug({"notify-range-misses-devtlb", "missing invalidation", "e7ad6c2a4b1a",
              "the notifier computes a wrong size for the device TLB: the page is not in its range",
              "no-freed-page", one},
             wrong_range(kZap)),
  };
}

std::vector<VtdBug> order_mutants() {
  const BoundValues one{{"threads", 1}};
  const BoundValues kernel{{"threads", 1}, {"kernel", 1}};
  return {
      VtdBug({"present-before-pointer", "publication order", "mutant",
              "the entry is made present before its pointer is written", "no-torn-entry", one},
             swapped(kBind, kSetPointer, kSetPresent)),
      VtdBug({"present-without-barrier",
              "memory ordering",
              "mutant",
              "no barrier between the words of an entry and the bit that makes it present",
              "no-torn-entry",
              {{"threads", 1}, {"memory", 2}}},
             [](auto& d) { d.edit(kBind).drop("pasid_set_present(pte): dma_wmb()"); }),
      VtdBug({"invalidated-while-present", "order", "mutant",
              "the PASID cache is invalidated before the entry is not present any more: the "
              "hardware fetches it again",
              "no-freed-table", one},
             swapped(kExit, kClearPresent, kFlushPasidCache)),
      VtdBug({"iotlb-before-pasid-cache", "order", "mutant",
              "the IOTLB is invalidated before the PASID cache, which fills it again",
              "no-freed-page", one},
             swapped(kExit, kFlushPasidCache, kFlushIotlb)),
      VtdBug({"devtlb-before-iotlb", "order", "mutant",
              "the device TLB is invalidated before the IOTLB, which fills it again",
              "no-freed-page", one},
             swapped(kExit, kFlushIotlb, kFlushDevtlb)),
      VtdBug({"zap-devtlb-first", "order", "mutant",
              "the notifier invalidates the device TLB before the IOTLB, which fills it again",
              "no-freed-page", one},
             swapped(kZap, kZapIotlb, kZapDevtlb)),
      VtdBug({"page-freed-before-invalidation", "order", "mutant",
              "a page is freed before the notifier has invalidated what leads to it",
              "no-freed-page", one},
             swapped(kZap, kZapIotlb, "free_pages_and_swap_cache()")),
      VtdBug({"kernel-table-invalidated-early", "order", "mutant",
              "the paging-structure caches are invalidated before the page is unlinked",
              "no-freed-kernel-table", kernel},
             swapped("pmd_free_pte_page", "pmd_clear(pmd)",
                     "iommu_sva_invalidate_kva_range(start, end)")),
      VtdBug({"release-without-domain-lock",
              "lock",
              "mutant",
              "mm_release takes no domain->lock: unbind finds the entry half torn down, returns, "
              "and the caches are invalidated later",
              "nothing-cached-after-unbind",
              {{"threads", 2}}},
             release_unlocked(kExit)),
      VtdBug(
          {"bind-not-listed", "missing step", "mutant",
           "bind does not put the device on the list that mm_release walks", "no-freed-table", one},
          [](auto& d) {
            d.edit(kBind).replace("list_add(&dev_pasid->link_domain", "unlock", [&d](auto& t) {
              d.device[d.vtd.row(t)].in_use = true;
              t.unlock(d.vtd.domain_lock);
            });
          }),
  };
}

std::vector<VtdBug> invalidation_mutants() {
  const BoundValues one{{"threads", 1}};
  const BoundValues two_mms{{"threads", 1}, {"mms", 2}};
  return {
      VtdBug({"release-keeps-pasid-cache", "missing invalidation", "mutant",
              "mm_release does not invalidate the PASID cache", "no-freed-table", one},
             without(kExit, kFlushPasidCache)),
      VtdBug({"release-keeps-iotlb", "missing invalidation", "mutant",
              "mm_release does not invalidate the IOTLB", "no-freed-page", one},
             without(kExit, kFlushIotlb)),
      VtdBug({"release-keeps-devtlb", "missing invalidation", "mutant",
              "mm_release does not invalidate the device TLB", "no-freed-page", one},
             without(kExit, kFlushDevtlb)),
      VtdBug({"zap-keeps-iotlb", "missing invalidation", "mutant",
              "the notifier does not invalidate the IOTLB", "no-freed-page", one},
             without(kZap, kZapIotlb)),
      VtdBug({"unbind-keeps-pasid-cache", "missing invalidation", "mutant",
              "unbind does not invalidate the PASID cache: the next process gets the old one's "
              "translations",
              "right-process", two_mms},
             without(kUnbind, kFlushPasidCache)),
      VtdBug({"unbind-keeps-iotlb", "missing invalidation", "mutant",
              "unbind does not invalidate the IOTLB", "right-process", two_mms},
             without(kUnbind, kFlushIotlb)),
      VtdBug({"unbind-keeps-devtlb", "missing invalidation", "mutant",
              "unbind does not invalidate the device TLB", "nothing-cached-after-unbind", one},
             without(kUnbind, kFlushDevtlb)),
      VtdBug({"lock-kept", "lock", "mutant", "bind returns with iommu->lock held", "locking", one},
             [](auto& d) {
               d.edit(kBind).replace("spin_unlock(&iommu->lock)", "(left out)", [](auto&) {});
             }),
  };
}

std::vector<VtdBug> bugs() {
  std::vector<VtdBug> all = kernel_bugs();
  for (auto group : {order_mutants(), invalidation_mutants()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

std::vector<BoundInfo> bounds() {
  return {{"threads", 1, 4, 2, "threads, each on a CPU of its own"},
          {"devices", 1, 2, 1, "devices, each with a PASID entry"},
          {"mms", 1, 2, 1, "processes"},
          {"kernel", 0, 1, 0, "1: pages of the kernel's page tables come and go, too"},
          {"untrusted", 0, 1, 0,
           "1: devices go on using a PASID that their driver has begun to give up"},
          {"calls", 0, 15, 0, "calls that each thread makes at most; 0: no limit"},
          memory_bound(),
          stores_bound(3)};
}

VtdBounds to_bounds(const BoundValues& values) {
  VtdBounds b;
  b.threads = values.at("threads");
  b.calls = values.at("calls");
  b.devices = values.at("devices");
  b.mms = values.at("mms");
  b.kernel = values.at("kernel") != 0;
  b.untrusted = values.at("untrusted") != 0;
  b.memory = static_cast<MemoryModel>(values.at("memory"));
  check_stores(values, 3);
  b.stores = values.at("stores");
  b.threads_told_apart = b.memory != MemoryModel::sc;
  return b;
}

}  // namespace vtd_bugs

const DesignEntry& vtd_pasid_entry() {
  static const TypedDesign<VtdPasidEntry, VtdBounds> kEntry{
      "vtd/pasid-entry",
      "an entry that the hardware reads in pieces: not present, invalidated cache by cache, zeroed",
      "6.12 drivers/iommu/intel/pasid.c, svm.c, cache.c",
      vtd_bugs::bounds(),
      vtd_bugs::to_bounds,
      vtd_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
