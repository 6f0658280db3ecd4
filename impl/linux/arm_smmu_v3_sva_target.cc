// SPDX-License-Identifier: MIT
// The target arm-smmu-v3-sva, on 6.1's iommu.c and mmu notifiers.  Its calls are in
// glue/target_arm_smmu_v3_sva.c.
#include <algorithm>

#include "impl/linux/tree_target.h"

namespace iommucheck::linux_harness {
namespace {

const std::vector<std::string> kSmmuLibraries{"drivers/iommu/iommu-sva-lib.c",
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

/// pasid0() binds and unbinds: what sees a bond in between is explained by no order of the calls.
bool keeps(const Scenario& scenario) {
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(scenario.threads, [&](const std::vector<TargetCall>& calls) {
      return calls.front().words == name;
    });
  };
  return !has("pasid0") || !(has("tlp0") || has("disable0"));
}

class ArmSmmuV3SvaTarget final : public TreeTarget {
 public:
  ArmSmmuV3SvaTarget()
      : TreeTarget{"arm-smmu-v3-sva",
                   "shared virtual addressing of SMMUv3: arm-smmu-v3-sva.c with iommu.c",
                   {.version = "6.1",
                    .prepared_as = "arm-smmu-v3-sva",
                    .parts = {"drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3-sva.c",
                              kSmmuLibraries,
                              {"kernel_facts.c", "kernel_base.c", "kernel_wait.c",
                               "target_arm_smmu_v3_sva.c"}},
                    .configuration = {"-DCONFIG_IOASID=1", "-DCONFIG_IOMMU_API=1",
                                      "-DCONFIG_IOMMU_SVA=1", "-DCONFIG_ARM_SMMU_V3=1",
                                      "-DCONFIG_ARM_SMMU_V3_SVA=1", "-DCONFIG_MMU_NOTIFIER=1"},
                    .header = "as_on_arm64.h"}} {}

  const std::vector<Scenario>& written() const override {
    static const std::vector<Scenario> all{
        scenario("bind-bind", "two tasks bind to the same device for the first time", "",
                 {"bind0", "bind0"}),
        scenario("two-devices", "two tasks bind to two devices", "", {"bind0", "bind1"}),
        scenario("bind-unbind", "one task unbinds while another binds again", "bind0",
                 {"unbind0", "bind0"}),
        scenario("open-close", "two tasks bind, ask for the PASID, and unbind", "",
                 {"pasid0", "pasid0"}),
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
                 "bind0 dma0 one_task", {"exit", "dma0 tlp0"}),
        scenario("dma-unmap", "a page goes while two devices use the address space",
                 "bind0 bind1 dma0", {"unmap", "dma0", "dma1"}),
        scenario("unmap-unbind", "a page goes while the device does", "bind0 dma0",
                 {"unmap_many", "unbind0"}),
        scenario("unmap-bind", "a page goes while a device comes and another goes", "bind0 dma0",
                 {"unmap", "bind1 unbind0"}),
        scenario("disable", "SVA is disabled while a task binds", "bind0",
                 {"unbind0 disable0", "bind0 tlp0"}),
        scenario("enable", "SVA is enabled while a task binds", "disable0",
                 {"enable0", "enabled0 bind0 tlp0"}),
        scenario("same-asid", "a process takes the ASID of a domain of the DMA API's",
                 "same_asid1 own_dma1", {"bind1 dma1", "own_unmap1 own_dma1"}),
        scenario("same-asid-twice", "two tasks need the ASID of a domain of the DMA API's",
                 "same_asid1 own_dma1", {"bind0 unbind0", "bind1"}),
        scenario("same-asid-new-domain", "a process's ASID is that of a domain that comes and goes",
                 "same_asid_next", {"bind0", "domain1"}),
        scenario("unmap-failed-bind", "a page goes while a bind fails", "no_table1",
                 {"unmap", "bind1"}),
        scenario("fault-fault", "two page requests are handled at once", "stall0 bind0",
                 {"fault0", "fault0"}),
        scenario("fault-unbind", "a page request is handled while its bond goes", "stall0 bind0",
                 {"fault0", "unbind0"}),
        scenario("fault-exit", "a page request is handled while the process ends",
                 "stall0 bind0 one_task", {"exit unbind0", "fault0"}),
        scenario("fault-disable", "SVA is disabled behind the last page request", "stall0 bind0",
                 {"fault0", "unbind0 disable0 enable0"}),
        scenario("enable-enable", "SVA is enabled twice for a device with page requests",
                 "stall0 disable0", {"enable0", "enable0"}),
        scenario("unload", "the module goes behind the last bond", "bind0 watch exit",
                 {"unbind0 unload"}),
    };
    return all;
  }

  std::vector<Scenario> generated(unsigned threads) const override {
    return combinations(
        {{}, calls("stall0 bind0"), calls("bind0 bind1 dma0")},
        calls("bind0 bind1 unbind0 unbind1 pasid0 exit other0 unmap dma0 tlp0 disable0 fault0"),
        threads, keeps);
  }
};

}  // namespace

const Target& arm_smmu_v3_sva_target() {
  static const ArmSmmuV3SvaTarget target;
  return target;
}

}  // namespace iommucheck::linux_harness
