// SPDX-License-Identifier: MIT
// The target mmu-notifier.  Its calls are in glue/target_mmu_notifier.c.
#include "impl/linux/target.h"
#include "impl/linux/tree.h"

namespace iommucheck::linux_harness {
namespace {

const std::vector<std::string> kNotifierLibraries{
    "mm/mmap_lock.c",   "lib/interval_tree.c", "lib/rbtree.c", "lib/xarray.c",
    "lib/radix-tree.c", "lib/find_bit.c",      "lib/bitmap.c", "lib/refcount.c"};

class NotifierTarget final : public Target {
 public:
  std::string_view name() const override { return "mmu-notifier"; }
  std::string_view sentence() const override {
    return "subscriptions of drivers to the end of a process: mm/mmu_notifier.c";
  }
  std::string_view versions() const override { return "6.12"; }
  std::string_view package() const override { return "linux-source-6.12"; }
  const RunnerParts& parts() const override {
    static const RunnerParts parts{
        "mm/mmu_notifier.c",
        kNotifierLibraries,
        {"kernel_facts.c", "kernel_base.c", "kernel_wait.c", "target_mmu_notifier.c"}};
    return parts;
  }
  KernelBuild prepare(Cache& cache, const SourceTree& tree) const override {
    require_file(tree, file(),
                 "this target is made for Linux 6.12; on Debian: apt-get install "
                 "linux-source-6.12, then --package linux-source-6.12");
    std::vector<std::string> files = kNotifierLibraries;
    files.push_back(file());
    KernelFiles wanted = present_files(tree, "mmu-notifier", files, {"-DCONFIG_MMU_NOTIFIER=1"});
    wanted.header = "as_on_x86.h";  // for its SRCU
    return linux_harness::prepare(cache, tree, wanted);
  }

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
    };
    return all;
  }

  std::vector<Scenario> generated(unsigned threads) const override {
    return combinations({{}, calls("as1 bind"), calls("as1 bind as2 bind")},
                        calls("bind unbind fault exit"), threads);
  }
};

}  // namespace

const Target& mmu_notifier_target() {
  static const NotifierTarget target;
  return target;
}

}  // namespace iommucheck::linux_harness
