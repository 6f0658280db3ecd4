// SPDX-License-Identifier: MIT
// The target dma-iommu, on 6.12's iommu.c and iova.c.  Its calls are in glue/target_dma_iommu.c.
#include "impl/linux/tree_target.h"

namespace iommucheck::linux_harness {
namespace {

const std::vector<std::string> kDmaLibraries{"drivers/iommu/iova.c",
                                             "drivers/iommu/iommu.c",
                                             "drivers/iommu/iommu-traces.c",
                                             "lib/rbtree.c",
                                             "lib/xarray.c",
                                             "lib/radix-tree.c",
                                             "lib/idr.c",
                                             "lib/find_bit.c",
                                             "lib/bitmap.c",
                                             "lib/refcount.c"};

class DmaIommuTarget final : public TreeTarget {
 public:
  DmaIommuTarget()
      : TreeTarget{
            "dma-iommu",
            "the DMA API on an IOMMU and its flush queue: dma-iommu.c with iova.c and iommu.c",
            {.version = "6.12",
             .prepared_as = "dma-iommu",
             .parts = {"drivers/iommu/dma-iommu.c",
                       kDmaLibraries,
                       {"kernel_facts.c", "kernel_base.c", "kernel_delayed_work.c",
                        "target_dma_iommu.c"},
                       false,
                       {"iommu_group_store_type"}},
             .configuration = {"-DCONFIG_IOMMU_API=1", "-DCONFIG_IOMMU_DMA=1",
                               "-DCONFIG_IOMMU_IOVA=1", "-DCONFIG_NEED_SG_DMA_LENGTH=1"},
             .header = "as_on_smp.h"}} {}

  const std::vector<Scenario>& written() const override {
    static const std::vector<Scenario> all{
        scenario("map-unmap", "a buffer is mapped while another one is unmapped, without a queue",
                 "map0 dma0", {"unmap0", "map1 dma1"}),
        scenario("lazy", "the same with a flush queue", "map0 dma0 enable_fq",
                 {"unmap0", "map1 dma1"}),
        scenario("enable", "the flush queue comes while a buffer is unmapped", "map0 dma0",
                 {"enable_fq", "unmap0 map0 dma0"}),
        scenario("enable-enable", "two administrators ask for the queue", "map0",
                 {"enable_fq", "enable_fq", "unmap0"}),
        scenario("unmap-unmap", "two CPUs unmap, one of them right behind DMA",
                 "map0 map1 dma1 enable_fq", {"dma0 unmap0", "unmap1"}),
        scenario("again", "a buffer is mapped again while the other one is unmapped",
                 "map0 map1 dma0 dma1 enable_fq", {"unmap0 map0 dma0", "unmap1"}),
        scenario("single", "two CPUs unmap into one queue", "single map0 map1 dma0 dma1 enable_fq",
                 {"unmap0", "unmap1"}),
        scenario("detach", "the device goes while its queue is to be flushed",
                 "map0 dma0 enable_fq", {"unmap0 detach"}),
        scenario("detach-enable", "the device goes while an administrator asks for the queue",
                 "map0 dma0", {"unmap0 detach", "enable_fq"}),
        scenario("new-domain", "the domain is replaced while its queue is to be flushed",
                 "map0 dma0 enable_fq", {"unmap0 new_domain map0 dma0"}),
        scenario("second-device", "a device joins the group whose domain has been replaced",
                 "enable_fq", {"new_domain join map2 unmap2"}),
        scenario("full", "a queue is full, and the timer is due", "map0 dma0 enable_fq fill",
                 {"unmap0"}),
    };
    return all;
  }

  std::vector<Scenario> generated(unsigned threads) const override {
    return combinations({{}, calls("map0 dma0"), calls("map0 map1 dma0 dma1 enable_fq")},
                        calls("map0 map1 unmap0 unmap1 dma0 once2 enable_fq new_domain detach"),
                        threads);
  }
};

}  // namespace

const Target& dma_iommu_target() {
  static const DmaIommuTarget target;
  return target;
}

}  // namespace iommucheck::linux_harness
