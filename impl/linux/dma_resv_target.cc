// SPDX-License-Identifier: MIT
// The target dma-resv: the reservation object of a DMA-BUF.  Its calls are in
// glue/target_dma_resv.c.
#include "impl/linux/tree_target.h"

namespace iommucheck::linux_harness {
namespace {

const std::vector<std::string> kFenceLibraries{"drivers/dma-buf/dma-fence.c",
                                               "drivers/dma-buf/dma-fence-array.c",
                                               "drivers/dma-buf/dma-fence-chain.c",
                                               "lib/radix-tree.c",
                                               "lib/xarray.c",
                                               "lib/refcount.c"};

class DmaResvTarget final : public TreeTarget {
 public:
  DmaResvTarget()
      : TreeTarget{"dma-resv",
                   "fences of a DMA-BUF: dma-resv.c with dma-fence.c",
                   {.version = "6.12",
                    .prepared_as = "dma-resv",
                    .parts = {"drivers/dma-buf/dma-resv.c",
                              kFenceLibraries,
                              {"kernel_facts.c", "kernel_base.c", "kernel_current.c",
                               "kernel_wait.c", "target_dma_resv.c"}},
                    .configuration = {"-DCONFIG_DMA_SHARED_BUFFER=1"},
                    .header = "current_thread.h"}} {}

  const std::vector<Scenario>& written() const override {
    static const std::vector<Scenario> all{
        scenario("add-add", "two engines get work", "", {"write", "read"}),
        scenario("add-walk", "the fences are walked while one is added", "write",
                 {"write", "walk"}),
        scenario("first", "the fences are walked while the first one is added", "",
                 {"write", "walk"}),
        scenario("signal-walk", "an engine is done while the fences are walked", "write read",
                 {"signal", "walk"}),
        scenario("replace-walk", "a fence that is signaled is replaced while the fences are walked",
                 "write signal", {"write", "walk"}),
        scenario("signal-replace", "a fence is signaled, replaced and walked to", "write",
                 {"signal write", "walk"}),
        scenario("grow-walk", "the list grows while it is walked", "write write write write write",
                 {"write", "walk"}),
        scenario("shrink-walk", "the list grows and forgets what is signaled while it is walked",
                 "write write write write write", {"signal write", "walk"}),
        scenario("copy", "fences are copied while they are signaled", "write read",
                 {"copy", "signal"}),
        scenario("copy-add", "fences are copied while one is replaced", "write signal",
                 {"copy", "write"}),
        scenario("copy-walk", "a copy is walked while it is replaced by another", "write copy",
                 {"copy", "walk_copy"}),
        scenario("copy-copy", "fences are copied twice, and replaced", "write",
                 {"copy", "copy", "signal write"}),
        scenario("writers", "who writes is asked for while that changes", "write",
                 {"writers", "signal write"}),
    };
    return all;
  }

  std::vector<Scenario> generated(unsigned threads) const override {
    return combinations({{}, calls("write"), calls("write signal"), calls("write read")},
                        calls("write read signal walk writers idle copy"), threads);
  }
};

}  // namespace

const Target& dma_resv_target() {
  static const DmaResvTarget target;
  return target;
}

}  // namespace iommucheck::linux_harness
