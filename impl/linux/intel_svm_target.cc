// SPDX-License-Identifier: MIT
// The target intel-svm, on 6.1's iommu.c and mmu notifiers.  Its calls are in
// glue/target_intel_svm.c.
#include "impl/linux/tree_target.h"

namespace iommucheck::linux_harness {
namespace {

const std::vector<std::string> kSvmLibraries{"drivers/iommu/intel/trace.c",
                                             "drivers/iommu/iommu-sva-lib.c",
                                             "drivers/iommu/io-pgfault.c",
                                             "drivers/iommu/ioasid.c",
                                             "drivers/iommu/iommu.c",
                                             "drivers/iommu/iommu-traces.c",
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

class IntelSvmTarget final : public TreeTarget {
 public:
  IntelSvmTarget()
      : TreeTarget{
            "intel-svm",
            "shared virtual addressing of VT-d: intel/svm.c with iommu.c and io-pgfault.c",
            {.version = "6.1",
             .prepared_as = "intel-svm",
             .parts = {"drivers/iommu/intel/svm.c",
                       kSvmLibraries,
                       {"kernel_facts.c", "kernel_base.c", "kernel_completion.c", "kernel_wait.c",
                        "target_intel_svm.c"}},
             .configuration = {"-DCONFIG_IOASID=1", "-DCONFIG_IOMMU_API=1", "-DCONFIG_IOMMU_SVA=1",
                               "-DCONFIG_INTEL_IOMMU=1", "-DCONFIG_INTEL_IOMMU_SVM=1",
                               "-DCONFIG_DMAR_TABLE=1", "-DCONFIG_MMU_NOTIFIER=1", "-DCONFIG_PCI=1",
                               "-DCONFIG_PCI_ATS=1", "-DCONFIG_PCI_PASID=1"},
             .header = "as_on_x86.h"}} {}

  const std::vector<Scenario>& written() const override {
    static const std::vector<Scenario> all{
        scenario("bind-bind", "two tasks bind to the same device for the first time", "",
                 {"bind0", "bind0"}),
        scenario("two-devices", "two tasks bind to two devices", "", {"bind0", "bind1"}),
        scenario("bind-unbind", "one task unbinds while another binds again", "bind0",
                 {"unbind0", "bind0"}),
        scenario("move", "one device goes while another comes", "bind0", {"unbind0", "bind1"}),
        scenario("last-two", "the last two devices of an mm go at once", "bind0 bind1",
                 {"unbind0", "unbind1"}),
        scenario("failed-bind", "the last device goes while a bind of another one fails",
                 "bind0 no_table1", {"unbind0", "bind1"}),
        scenario("exit-exit", "both tasks of a bound process end", "bind0", {"exit", "exit"}),
        scenario("exit-unbind", "the process ends while its file is closed elsewhere",
                 "bind0 one_task", {"exit", "unbind0"}),
        scenario("two-devices-exit", "two devices are unbound while the process ends",
                 "bind0 bind1 one_task", {"exit unbind0", "unbind1"}),
        scenario("other-process", "two processes use a device", "bind0",
                 {"unbind0", "other0 other_exit other_close"}),
        scenario("reuse", "an ended process gives its PASID up while another one binds",
                 "bind0 exit", {"unbind0", "other0"}),
        scenario("dma-exit", "a device uses the address space while the process ends",
                 "bind0 dma0 one_task", {"exit", "dma0"}),
        scenario("dma-unmap", "a page goes while two devices use the address space",
                 "bind0 bind1 dma0", {"unmap", "dma0", "dma1"}),
        scenario("unmap-bind", "a page goes while a device comes and another goes", "bind0 dma0",
                 {"unmap", "bind1 unbind0"}),
        scenario("fault-fault", "two page requests are handled at once", "bind0",
                 {"fault0", "fault0"}),
        scenario("fault-unbind", "a page request is handled while its bond goes", "bind0",
                 {"fault0", "unbind0"}),
        scenario("group", "a group of two page requests, while its bond goes", "bind0",
                 {"partial0 fault0", "unbind0"}),
        scenario("fault-exit", "a page request is handled while the process ends", "bind0 one_task",
                 {"exit", "fault0"}),
        scenario("fault-reuse", "a page request of an ended process, whose PASID goes",
                 "bind0 request0 exit", {"irq0 unbind0", "other1"}),
        scenario("fault-last-two", "a page request is handled while the last devices go",
                 "bind0 bind1", {"fault0 unbind0", "unbind1"}),
        scenario("fault-drain-reuse",
                 "a page request of an ended process, both of whose devices go",
                 "bind0 bind1 request0 exit", {"irq0 unbind0", "unbind1 other1"}),
    };
    return all;
  }

  std::vector<Scenario> generated(unsigned threads) const override {
    return combinations({{}, calls("bind0"), calls("bind0 bind1 dma0")},
                        calls("bind0 bind1 unbind0 unbind1 pasid0 exit other0 unmap dma0 fault0"),
                        threads);
  }
};

}  // namespace

const Target& intel_svm_target() {
  static const IntelSvmTarget target;
  return target;
}

}  // namespace iommucheck::linux_harness
