// SPDX-License-Identifier: MIT
// The reference model and its bugs: each is one change of a rule.
#include "model/reference/reference.h"

#include "model/reference/entries.h"

namespace iommucheck::model {
namespace {

using ReferenceBug = Bug<Reference>;

std::vector<ReferenceBug> bugs() {
  const BoundValues two{{"threads", 2}};
  return {
      ReferenceBug({"unbind-keeps-tlb", "missing invalidation", "mutant",
                    "unbind does not invalidate the device's TLB", "pasid-owner", two},
                   [](auto& d) { d.replace(Rule::u_inv, "(no invalidation)", [](unsigned) {}); }),
      ReferenceBug({"invalidate-before-detach", "missing invalidation", "mutant",
                    "unbind invalidates the TLB while the domain is still attached: it fills again",
                    "pasid-owner", two},
                   [](auto& d) { d.swap(Rule::u_det, Rule::u_inv); }),
      ReferenceBug(
          {"pasid-freed-at-mmput", "id reuse", "2667ed10d9f0, v5.18",
           "the last mmput() frees the PASID while devices are still bound", "pasid-owner", two},
          [](auto& d) {
            d.replace(Rule::e_clr, "mm->pasid = none, whoever is bound",
                      [&d](unsigned self) { d.clear_pasid(self, !d.mutex); });
          }),
      ReferenceBug({"pasid-cleared-before-detach", "order", "mutant",
                    "the last unbind takes the PASID from the mm before it detaches the device",
                    "mm-has-pasid", two},
                   [](auto& d) {
                     d.replace(Rule::u_det, "mm->pasid = none; then detach", [&d](unsigned self) {
                       d.mm[d.mm_of(self)].pasid = 0;
                       d.entry_of(self).domain = 0;
                     });
                   }),
      ReferenceBug({"bind-without-lock", "lock", "mutant",
                    "bind takes no lock: the PASID goes away under it", "mm-has-pasid", two},
                   [](auto& d) { d.replace(Rule::b_lock, "(no lock)", [](unsigned) {}); }),
  };
}

std::vector<BoundInfo> bounds() {
  return {
      {"threads", 1, 4, 2, "threads, each on a CPU of its own"},
      {"pasids", 1, 4, 2, "PASIDs: 0 to N-1"},
      {"users", 1, 3, 1, "tasks that a fresh mm has"},
      {"refs", 1, 3, 1, "bonds of one device with one mm, at most"},
      {"any-free", 0, 1, 0, "1: an allocation takes any free PASID; 0: the lowest"},
  };
}

ReferenceBounds to_bounds(const BoundValues& values) {
  return {values.at("threads"), values.at("pasids"), values.at("users"), values.at("refs"),
          values.at("any-free") != 0};
}

}  // namespace

const DesignEntry& reference() {
  static const TypedDesign<Reference, ReferenceBounds> kEntry{
      "reference",
      "the yardstick: PASIDs and SVA bonds under one mutex, as written for SPIN and Rumur, too",
      "bench/reference; a sketch of iommu-sva.c, v6.12",
      bounds(),
      to_bounds,
      bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
