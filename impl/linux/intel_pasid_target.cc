// SPDX-License-Identifier: MIT
// The target intel-pasid, on 6.12's svm.c, cache tags and mmu notifiers.  Its calls are in
// glue/target_intel_pasid.c.
#include "impl/linux/tree_target.h"

namespace iommucheck::linux_harness {
namespace {

const std::vector<std::string> kPasidLibraries{"drivers/iommu/intel/svm.c",
                                               "drivers/iommu/intel/cache.c",
                                               "drivers/iommu/intel/trace.c",
                                               "mm/mmu_notifier.c",
                                               "mm/mmap_lock.c",
                                               "lib/interval_tree.c",
                                               "lib/rbtree.c",
                                               "lib/xarray.c",
                                               "lib/radix-tree.c",
                                               "lib/idr.c",
                                               "lib/find_bit.c",
                                               "lib/bitmap.c",
                                               "lib/refcount.c"};

class IntelPasidTarget final : public TreeTarget {
 public:
  IntelPasidTarget()
      : TreeTarget{
            "intel-pasid",
            "PASID table entries of VT-d: intel/pasid.c with svm.c and cache.c, and what the "
            "hardware reads and remembers of them",
            {.version = "6.12",
             .prepared_as = "intel-pasid",
             .parts = {"drivers/iommu/intel/pasid.c",
                       kPasidLibraries,
                       {"kernel_facts.c", "kernel_base.c", "kernel_wait.c",
                        "target_intel_pasid.c"}},
             .configuration = {"-DCONFIG_IOMMU_API=1", "-DCONFIG_IOMMU_SVA=1",
                               "-DCONFIG_IOMMU_MM_DATA=1", "-DCONFIG_IOMMU_IOPF=1",
                               "-DCONFIG_INTEL_IOMMU=1", "-DCONFIG_INTEL_IOMMU_SVM=1",
                               "-DCONFIG_DMAR_TABLE=1", "-DCONFIG_MMU_NOTIFIER=1", "-DCONFIG_PCI=1",
                               "-DCONFIG_PCI_ATS=1", "-DCONFIG_PCI_PASID=1", "-DCONFIG_PCI_PRI=1"},
             .header = "as_on_x86.h"}} {}

  const std::vector<Scenario>& written() const override {
    static const std::vector<Scenario> all{
        scenario("set-up", "the hardware reads an entry while it is set", "", {"bind0", "fetch0"}),
        scenario("tear-down", "the hardware reads an entry while it is torn down", "bind0",
                 {"unbind0", "fetch0 walk0 ats0"}),
        scenario("tear-down-warm", "an entry is torn down that is in every cache",
                 "bind0 fetch0 walk0 ats0", {"unbind0", "fetch0 walk0 ats0"}),
        scenario("exit", "a process ends while a device uses its address space", "bind0 one_task",
                 {"exit", "fetch0 walk0 ats0"}),
        scenario("exit-warm", "the same, and all is cached", "bind0 one_task fetch0 walk0 ats0",
                 {"exit", "fetch0 walk0 ats0"}),
        scenario("exit-unbind", "an entry is torn down by its driver and by the end of the process",
                 "bind0 fetch0 one_task", {"exit", "unbind0"}),
        scenario("requests", "page requests of a process that ends and is unbound",
                 "bind0 fetch0 request0 one_task", {"exit", "unbind0"}),
        scenario("reuse", "a PASID goes from one process to another", "bind0 apart fetch0",
                 {"unbind0", "bind0", "fetch0"}),
        scenario("reuse-exit", "the first process has ended", "bind0 fetch0 walk0 exit apart",
                 {"unbind0 fetch0", "bind0 fetch0"}),
        scenario("two-devices", "two devices of a process are bound while one entry is read",
                 "one_task", {"bind0 bind1", "fetch0", "fetch1"}),
        scenario("two-devices-exit", "a process ends while one of its devices goes",
                 "bind0 bind1 fetch0 fetch1 one_task", {"exit", "unbind0", "fetch1"}),
        scenario("first-entries", "two PASIDs are the first ones, and one of them goes", "",
                 {"bind0 unbind0", "bind1"}),
        scenario("unmap", "a page goes while a device comes to use it", "bind0 fetch0",
                 {"unmap touch", "walk0 ats0"}),
        scenario("unmap-unbind", "a page goes while its device does", "bind0 fetch0 walk0 ats0",
                 {"unmap", "unbind0"}),
        scenario("dma-api", "a second-level entry follows one of a process", "bind0 fetch0",
                 {"unbind0 second0", "fetch0 walk0"}),
        scenario("pass-through", "pass-through follows a second-level entry", "second0 fetch0",
                 {"unbind0 through0", "fetch0 walk0"}),
        scenario("dirty-tracking", "the dirty bits of a device's domain are turned on and off",
                 "attach0 dma0", {"track0 untrack0", "track0", "dma0"}),
        scenario("dirty-attach", "they are turned on while a device comes", "",
                 {"attach0 dma0", "track0"}),
        scenario("dirty-detach", "they are turned on while it goes", "attach0 dma0",
                 {"detach0", "track0 dma0"}),
        scenario("dirty-end", "they are turned off while it goes", "attach0 track0 dma0",
                 {"detach0", "untrack0 dma0"}),
        scenario("caching-mode", "an entry of a virtual IOMMU", "caching_mode",
                 {"bind0 unbind0", "fetch0 walk0"}),
    };
    return all;
  }

  std::vector<Scenario> generated(unsigned threads) const override {
    return combinations({{}, calls("bind0 fetch0 walk0"), calls("bind0 bind1 fetch0 apart")},
                        calls("bind0 bind1 unbind0 second0 exit unmap fetch0 walk0 ats0"), threads);
  }
};

}  // namespace

const Target& intel_pasid_target() {
  static const IntelPasidTarget target;
  return target;
}

}  // namespace iommucheck::linux_harness
