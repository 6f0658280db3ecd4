// SPDX-License-Identifier: MIT
// vtd/attach-handle, which is sva/attach-handle on the PASID entries and the caches of VT-d, and
// its bugs: each is a mistake in the VT-d driver, as the SVA design sees it.
#include "model/iommu/entries.h"
#include "model/iommu/sva_attach_handle.h"
#include "model/iommu/sva_edits.h"
#include "model/vtd/attach.h"
#include "model/vtd/edits.h"
#include "model/vtd/entries.h"

namespace iommucheck::model {
namespace vtd_attach_handle_bugs {

using namespace vtd_edits;

template <class D>
using OnVtd = SvaAttachHandle<D, VtdAttach>;
using VtdBug = Bug<OnVtd>;

constexpr const char* kExit = "do_exit";
constexpr const char* kZap = "zap_pte_range";

std::vector<VtdBug> kernel_bugs() {
  const BoundValues one{{"threads", 1}};
  const BoundValues pages{{"threads", 1}, {"pages", 1}};
  return {
      VtdBug({"fault-disabled-never-set",
              "lost wait",
              "6.12.117 intel/pasid.c",
              "intel_pasid_clear_entry() asks whether the entry is present, which "
              "pasid_clear_present() has just ended: FPD is not set, and unbind does not drain",
              "no-use-after-free",
              {{"threads", 1}, {"faults", 1}}},
             [](auto& d) {
               d.everywhere([&d](auto& p) {
                 return p.replace_all("WRITE_ONCE(pe->val[0], PASID_PTE_FPD)",
                                      "WRITE_ONCE(pe->val[0], 0): it is not present",
                                      [&d](auto& t) { d.vtd.write_state(t, kEmpty); });
               });
             }),
      VtdBug({"torn-pasid-entry", "ordering", "CVE-2026-45894",
              "the end of a process zeroes a live entry word by word: the hardware reads a mix",
              "no-torn-entry", one},
             torn(kExit)),
      VtdBug({"notify-range-misses-devtlb", "missing invalidation", "e7ad6c2a4b1a",
              "the notifier computes a wrong size for the device TLB: the page is not in its range",
              "no-freed-page", pages},
             wrong_range(kZap)),
  };
}

std::vector<VtdBug> mutants() {
  const BoundValues one{{"threads", 1}};
  const BoundValues two_mms{{"threads", 1}, {"mms", 2}};
  const BoundValues pages{{"threads", 1}, {"pages", 1}};
  const char* stale = "no-stale-translation";
  return {
      VtdBug({"release-keeps-pasid-cache", "missing invalidation", "mutant",
              "the end of a process does not invalidate the PASID cache", stale, one},
             without(kExit, kFlushPasidCache)),
      VtdBug({"release-keeps-iotlb", "missing invalidation", "mutant",
              "the end of a process does not invalidate the IOTLB", stale, one},
             without(kExit, kFlushIotlb)),
      VtdBug({"release-keeps-devtlb", "missing invalidation", "mutant",
              "the end of a process does not invalidate the device TLB", stale, one},
             without(kExit, kFlushDevtlb)),
      VtdBug({"invalidated-while-present", "order", "mutant",
              "the PASID cache is invalidated before the entry is not present any more: the "
              "hardware fetches it again",
              stale, one},
             swapped(kExit, kClearPresent, kFlushPasidCache)),
      VtdBug({"iotlb-before-pasid-cache", "order", "mutant",
              "the IOTLB is invalidated before the PASID cache, which fills it again", stale, one},
             swapped(kExit, kFlushPasidCache, kFlushIotlb)),
      VtdBug({"devtlb-before-iotlb", "order", "mutant",
              "the device TLB is invalidated before the IOTLB, which fills it again", stale, one},
             swapped(kExit, kFlushIotlb, kFlushDevtlb)),
      VtdBug({"bind-not-listed", "missing step", "mutant",
              "bind does not put the device on the list that the end of the process walks", stale,
              one},
             [](auto& d) {
               d.everywhere([&d](auto& p) {
                 return p.insert_before_all(
                     "list_add(&dev_pasid->link_domain, &domain->dev_pasids); unlock",
                     "(list_add() of nothing)", [&d](auto& t) { d.vtd.local(t).mm = 0; });
               });
             }),
      VtdBug({"release-without-domain-lock",
              "lock",
              "mutant",
              "the end of a process takes no domain->lock: unbind finds the entry half torn down, "
              "and does not drain",
              "no-use-after-free",
              {{"threads", 2}, {"faults", 1}}},
             release_unlocked(kExit)),
      VtdBug({"unbind-keeps-pasid-cache", "missing invalidation", "mutant",
              "unbind does not invalidate the PASID cache: the next process gets the old one's "
              "translations",
              "pasid-means-its-owner", two_mms},
             without(kUnbind, kFlushPasidCache)),
      VtdBug({"unbind-keeps-iotlb", "missing invalidation", "mutant",
              "unbind does not invalidate the IOTLB", "hardware-follows-the-specification", one},
             without(kUnbind, kFlushIotlb)),
      VtdBug(
          {"unbind-keeps-devtlb", "missing invalidation", "mutant",
           "unbind does not invalidate the device TLB", "hardware-follows-the-specification", one},
          without(kUnbind, kFlushDevtlb)),
      VtdBug({"present-before-pointer", "publication order", "mutant",
              "the entry is made present before its pointer is written", "no-torn-entry", one},
             [](auto& d) {
               d.everywhere([&d](auto& p) {
                 return p.insert_before_all(kSetPointer, "set P (early)",
                                            [&d](auto& t) { d.vtd.write_state(t, kPresent); });
               });
             }),
      VtdBug({"zap-keeps-iotlb", "missing invalidation", "mutant",
              "the notifier does not invalidate the IOTLB", "no-freed-page", pages},
             without(kZap, kZapIotlb)),
  };
}

std::vector<VtdBug> bugs() {
  std::vector<VtdBug> all = kernel_bugs();
  for (auto group : {mutants(), drain_mutants<VtdBug>()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

std::vector<BoundInfo> bounds() {
  auto all = common_iommu_bounds();
  // One device in each group, one kind of IOMMU, and caches always.
  std::erase_if(all, [](const BoundInfo& bound) {
    return bound.name == "groups" || bound.name == "kinds" || bound.name == "caches" ||
           bound.name == "forks";
  });
  all.push_back({"pages", 0, 1, 0, "1: processes unmap a page, and touch it again"});
  return all;
}

}  // namespace vtd_attach_handle_bugs

const DesignEntry& vtd_attach_handle() {
  static const TypedDesign<vtd_attach_handle_bugs::OnVtd, IommuBounds> kEntry{
      "vtd/attach-handle",
      "sva/attach-handle on the PASID entries of VT-d, read word by word, and its four caches",
      "6.12 drivers/iommu/iommu-sva.c, iommu.c; 6.12.117 intel/pasid.c, svm.c",
      vtd_attach_handle_bugs::bounds(),
      to_iommu_bounds,
      vtd_attach_handle_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
