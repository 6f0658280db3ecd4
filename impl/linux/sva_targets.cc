// SPDX-License-Identifier: MIT
// The targets iommu-sva and io-pgfault, on the whole of iommu.c.  Their calls are in
// glue/target_sva.c and glue/target_iopf.c.
#include "impl/linux/ioasid.h"
#include "impl/linux/on_iommu_core.h"
#include "impl/linux/tree.h"

namespace iommucheck::linux_harness {
namespace {

class SvaTarget final : public TreeTarget {
 public:
  SvaTarget()
      : TreeTarget{"iommu-sva", "shared virtual addressing: iommu-sva.c on the whole of iommu.c",
                   on_iommu_core("drivers/iommu/iommu-sva.c", "target_sva.c")} {}

  const std::vector<Scenario>& written() const override {
    static const std::vector<Scenario> all{
        scenario("bind-bind", "two tasks bind to the same device for the first time", "",
                 {"bind0", "bind0"}),
        scenario("bind-unbind", "one task unbinds while another binds again", "bind0",
                 {"unbind0", "bind0"}),
        scenario("open-close", "two tasks bind, ask for the PASID, and unbind", "",
                 {"pasid0", "pasid0"}),
        scenario("two-devices", "two tasks bind to devices of two groups", "", {"bind0", "bind1"}),
        scenario("one-group", "two devices of one group are bound to the same mm", "",
                 {"bind0", "bind2"}),
        scenario("last-two", "the last two bonds of an mm go at once", "bind0 bind1",
                 {"unbind0", "unbind1"}),
        scenario("two-devices-exit", "two devices are bound and unbound, and a task ends", "",
                 {"bind0 unbind0", "bind1 unbind1", "exit"}),
        scenario("exit-unbind", "the process ends while its file is closed elsewhere", "bind0",
                 {"exit", "unbind0"}),
        scenario("exit-exit", "both tasks of a bound process end", "bind0", {"exit", "exit"}),
        scenario("exit-close", "a process ends, its file is closed, and an mm is bound elsewhere",
                 "bind0", {"exit unbind0", "bind1 exit unbind1"}),
        scenario("two-processes", "two processes bind, and there is a PASID for one of them", "",
                 {"bind0 unbind0", "other0"}),
        scenario("other-ends", "a process binds while the one that has the PASID goes", "other0",
                 {"bind0", "other_exit other_close"}),
        scenario("reuse", "a process ends while another one waits for its PASID", "bind0",
                 {"exit", "exit unbind0 other0"}),
        scenario("exit-pasid", "a task ends while another one binds and asks for the PASID",
                 "bind0", {"exit", "pasid0", "unbind0"}),
        scenario("four", "bind, unbind, the end of a task, and a reader of the PASID", "bind0",
                 {"bind1", "unbind0", "exit", "pasid0"}),
        scenario("unplugged",
                 "two devices of a group share a handle; the first one bound is unbound and "
                 "unplugged, then the other one is unbound",
                 "bind0 bind2 unbind0 unplug0", {"unbind2"}),
    };
    return all;
  }

  std::vector<Scenario> generated(unsigned threads) const override {
    return combinations({{}, calls("bind0"), calls("bind0 bind1"), calls("bind0 bind0")},
                        calls("bind0 bind1 bind2 unbind0 unbind1 pasid0 exit other0"), threads);
  }
};

class PageFaultTarget final : public TreeTarget {
 public:
  PageFaultTarget()
      : TreeTarget{"io-pgfault",
                   "page requests of devices: io-pgfault.c with iommu-sva.c and iommu.c",
                   on_iommu_core("drivers/iommu/io-pgfault.c", "target_iopf.c")} {}

  const std::vector<Scenario>& written() const override {
    static const std::vector<Scenario> all{
        scenario("fault-unbind", "a page request is handled while its bond goes", "bind0",
                 {"fault0", "unbind0"}),
        scenario("fault-fault", "two groups are handled at once", "bind0", {"fault0", "fault0"}),
        scenario("fault-exit", "a page request is handled while the process ends", "bind0",
                 {"fault0", "exit"}),
        scenario("group", "a group of two page requests, while its bond goes", "bind0",
                 {"partial0 fault0", "unbind0"}),
        scenario("fault-disable", "the device leaves its queue while a page request is handled",
                 "bind0", {"fault0", "disable0"}),
        scenario("partial-disable", "the device leaves its queue with half a group", "bind0",
                 {"partial0", "disable0"}),
        scenario("partial-discard", "half a group is discarded while the other half comes", "bind0",
                 {"partial0 fault0", "discard"}),
        scenario("enable-enable", "two devices join the queue while half groups are discarded",
                 "bind0 disable0", {"enable0", "enable1", "discard"}),
        scenario("leave-and-join", "one device leaves the queue while another joins it", "bind0",
                 {"disable0", "enable1"}),
        scenario("back-again", "a device leaves and comes back, between page requests", "bind0",
                 {"disable0 enable0", "fault0 fault0"}),
        scenario("disable-unbind", "a device leaves its queue and loses its bond", "bind0 fault0",
                 {"disable0", "unbind0", "fault0"}),
    };
    return all;
  }

  std::vector<Scenario> generated(unsigned threads) const override {
    return combinations(
        {calls("bind0"), calls("bind0 partial0")},
        calls("fault0 partial0 bind0 unbind0 exit disable0 enable0 enable1 discard"), threads);
  }
};

class SvaLibTarget final : public Target {
 public:
  std::string_view name() const override { return "iommu-sva-lib"; }
  std::string_view sentence() const override {
    return "the PASID of an mm: iommu-sva-lib.c on ioasid.c";
  }
  std::string_view versions() const override { return "6.1"; }
  std::string_view package() const override { return "linux-source-6.1"; }
  const RunnerParts& parts() const override {
    static const RunnerParts parts{"drivers/iommu/iommu-sva-lib.c",
                                   {"drivers/iommu/ioasid.c", "lib/xarray.c", "lib/radix-tree.c",
                                    "lib/find_bit.c", "lib/bitmap.c", "lib/refcount.c"},
                                   {"kernel_facts.c", "target_sva_lib.c"}};
    return parts;
  }
  KernelBuild prepare(Cache& cache, const SourceTree& tree) const override {
    require_file(tree, file(),
                 "Linux 5.12 to 6.1 have it; on Debian: apt-get install linux-source-6.1, then "
                 "--package linux-source-6.1");
    return linux_harness::prepare(cache, tree, ioasid_kernel_files(tree));
  }

  const std::vector<Scenario>& written() const override {
    static const std::vector<Scenario> all{
        scenario("alloc-alloc", "two tasks ask for the PASID of their mm", "", {"alloc", "alloc"}),
        scenario("two-processes", "two processes ask for a PASID", "", {"alloc", "alloc_other"}),
        scenario("find-bound", "a look-up while the process ends, and a bond keeps its mm",
                 "alloc bond", {"find1", "exit", "exit"}),
        scenario("find-unbound", "a look-up while the last reference of the mm goes", "alloc",
                 {"exit find1", "exit"}),
        scenario("last-reference", "the process ends and its bond goes", "alloc bond",
                 {"exit", "exit unbond"}),
        scenario("reuse", "a process ends while another one asks for a PASID", "alloc bond",
                 {"exit", "exit unbond", "alloc_other"}),
    };
    return all;
  }

  std::vector<Scenario> generated(unsigned threads) const override {
    return combinations({{}, calls("alloc"), calls("alloc bond")},
                        calls("alloc alloc_other exit exit_other find1"), threads);
  }
};

}  // namespace

const Target& sva_lib_target() {
  static const SvaLibTarget target;
  return target;
}

const Target& iopf_target() {
  static const PageFaultTarget target;
  return target;
}

const Target& sva_target() {
  static const SvaTarget target;
  return target;
}

}  // namespace iommucheck::linux_harness
