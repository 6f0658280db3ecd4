// SPDX-License-Identifier: MIT
// The target mmu-notifier.  Its calls are in glue/target_mmu_notifier.c.
#include "impl/linux/tree_target.h"

namespace iommucheck::linux_harness {
namespace {

const std::vector<std::string> kNotifierLibraries{
    "mm/mmap_lock.c",   "lib/interval_tree.c", "lib/rbtree.c", "lib/xarray.c",
    "lib/radix-tree.c", "lib/find_bit.c",      "lib/bitmap.c", "lib/refcount.c"};

class NotifierTarget final : public TreeTarget {
 public:
  NotifierTarget()
      : TreeTarget{"mmu-notifier",
                   "subscriptions of drivers to the end of a process: mm/mmu_notifier.c",
                   {.version = "6.12",
                    .prepared_as = "mmu-notifier",
                    .parts = {"mm/mmu_notifier.c",
                              kNotifierLibraries,
                              {"kernel_facts.c", "kernel_base.c", "kernel_wait.c",
                               "target_mmu_notifier.c"}},
                    .configuration = {"-DCONFIG_MMU_NOTIFIER=1"},
                    .header = "as_on_x86.h"}} {}

  const std::vector<Scenario>& written() const override {
    static const std::vector<Scenario> all{
        scenario("bind-bind", "two tasks subscribe for the first time", "", {"bind", "bind"}),
        scenario("bind-unbind", "one subscription goes while another comes", "as1 bind",
                 {"unbind", "bind"}),
        scenario("unbind-unbind", "the last two go", "as1 bind as2 bind", {"unbind", "unbind"}),
        scenario("exit-unbind", "the process ends while a file is closed elsewhere",
                 "as1 bind as2 bind", {"exit unbind", "exit unbind"}),
        scenario("exit-exit", "both tasks end, and their files outlive them", "as1 bind as2 bind",
                 {"exit", "exit"}),
        scenario("fault-exit", "a page request is handled while the process ends",
                 "as1 bind as2 bind", {"exit fault", "exit unbind"}),
        scenario("bind-exit", "one task subscribes while the other ends", "",
                 {"bind exit", "exit"}),
        scenario("get-get", "two files ask for the subscription that they share", "",
                 {"get", "get"}),
        scenario("get-put", "a file asks for it while the last one gives it up", "as1 get",
                 {"put", "get"}),
        scenario("put-put", "two files give it up, and a third one asks", "as1 get as2 get",
                 {"put", "put", "get"}),
        scenario("put-exit", "the process ends while its files give it up", "as1 get as2 get",
                 {"exit put", "exit put"}),
        scenario("access-unmap", "a device asks for a page that is being unmapped", "as1 window",
                 {"access", "unmap"}),
        scenario("access-access", "two devices do", "as1 window as2 window",
                 {"access", "access", "unmap"}),
        scenario("unmap-unmap", "two unmap what a device has found", "as1 window as1 access",
                 {"access", "unmap", "unmap"}),
        scenario("window-unmap", "a window is opened while its page is unmapped", "",
                 {"window access", "unmap"}),
        scenario("close-unmap", "a window is closed while its page is unmapped",
                 "as1 window as1 access as2 window", {"close", "unmap", "access"}),
        scenario("window-exit", "a process ends with a window open, and one that is opened",
                 "as1 window as1 access", {"exit close", "window access exit"}),
    };
    return all;
  }

  std::vector<Scenario> generated(unsigned threads) const override {
    return combinations({{}, calls("as1 bind"), calls("as1 bind as2 bind")},
                        calls("bind unbind fault exit"), threads);  // what the design mm has, too
  }
};

}  // namespace

const Target& mmu_notifier_target() {
  static const NotifierTarget target;
  return target;
}

}  // namespace iommucheck::linux_harness
