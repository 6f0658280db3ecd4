// SPDX-License-Identifier: MIT
// The target iommufd, with the files that it is made of and the whole of iommu.c.  Its calls are in
// glue/target_iommufd.c.
#include <algorithm>
#include <map>
#include <set>

#include "impl/linux/target.h"
#include "impl/linux/tree.h"

namespace iommucheck::linux_harness {
namespace {

const std::vector<std::string> kFiles{"drivers/iommu/iommufd/main.c",
                                      "drivers/iommu/iommufd/device.c",
                                      "drivers/iommu/iommufd/fault.c",
                                      "drivers/iommu/iommufd/hw_pagetable.c",
                                      "drivers/iommu/iommufd/io_pagetable.c",
                                      "drivers/iommu/iommufd/ioas.c",
                                      "drivers/iommu/iommufd/pages.c",
                                      "drivers/iommu/iommufd/vfio_compat.c",
                                      "drivers/iommu/iommufd/iova_bitmap.c",
                                      "drivers/iommu/io-pgfault.c",
                                      "drivers/iommu/iommu.c",
                                      "drivers/iommu/iommu-traces.c",
                                      "lib/interval_tree.c",
                                      "lib/rbtree.c",
                                      "lib/xarray.c",
                                      "lib/radix-tree.c",
                                      "lib/idr.c",
                                      "lib/find_bit.c",
                                      "lib/bitmap.c",
                                      "lib/refcount.c"};

class OnIommufd : public Target {
 public:
  OnIommufd(std::string file, std::string calls)
      : parts_{std::move(file),
               kFiles,
               {"kernel_facts.c", "kernel_base.c", "kernel_wait.c", std::move(calls)},
               {"iommufd_init", "allow_unsafe_interrupts"}} {
    std::erase(parts_.libraries, parts_.under_test);
  }

  std::string_view versions() const override { return "6.12"; }
  std::string_view package() const override { return "linux-source-6.12"; }
  const RunnerParts& parts() const override { return parts_; }

  KernelBuild prepare(Cache& cache, const SourceTree& tree) const override {
    for (const char* needed : {"drivers/iommu/iommufd/fault.c", "drivers/iommu/iommufd/device.c"}) {
      require_file(tree, needed,
                   "this target is made for Linux 6.12; on Debian: apt-get install "
                   "linux-source-6.12, then --package linux-source-6.12");
    }
    return linux_harness::prepare(
        cache, tree,
        present_files(tree, "iommufd", kFiles,
                      {"-DCONFIG_IOMMU_API=1", "-DCONFIG_IOMMU_IOPF=1", "-DCONFIG_IOMMUFD=1",
                       "-DCONFIG_IOMMUFD_DRIVER=1", "-DCONFIG_INTERVAL_TREE_SPAN_ITER=1"}));
  }

 private:
  RunnerParts parts_;
};

class ObjectsTarget final : public OnIommufd {
 public:
  ObjectsTarget() : OnIommufd{"drivers/iommu/iommufd/main.c", "target_iommufd.c"} {}
  std::string_view name() const override { return "iommufd"; }
  std::string_view sentence() const override {
    return "objects of /dev/iommu: iommufd/main.c with the rest of iommufd and iommu.c";
  }

  const std::vector<Scenario>& written() const override {
    static const std::vector<Scenario> all{
        scenario("use-destroy", "an IOAS is destroyed while it is used", "alloc0",
                 {"ranges0", "destroy0"}),
        scenario("change-destroy", "an IOAS is destroyed while it is changed and looked at",
                 "alloc0", {"allow0", "ranges0", "destroy0"}),
        scenario("destroy-destroy", "an IOAS is destroyed twice", "alloc0",
                 {"destroy0", "destroy0", "alloc1"}),
        scenario("four", "two users of an IOAS, its end, and an object that is never finished",
                 "alloc0", {"option0", "destroy0", "option0", "abort"}),
        scenario("guess", "an id is used before it has been given out", "",
                 {"alloc0", "guess_ranges", "guess_destroy"}),
        scenario("guess-abort", "the id of an object that is never finished is used", "",
                 {"abort", "guess_ranges", "guess_destroy"}),
        scenario("reuse", "an id is used while it goes to another object", "alloc0",
                 {"destroy0 alloc1", "ranges0", "ranges1"}),
        scenario("use-unbind", "a device is unbound while it is asked about", "bind0",
                 {"info_device0", "unbind0"}),
        scenario("users-unbind", "a device is unbound while it is asked about and destroyed",
                 "bind0", {"info_device0", "destroy_device0", "unbind0"}),
        scenario("bind-bind", "the first two devices of a group are bound", "", {"bind0", "bind2"}),
        scenario("bind-groups", "devices of two groups are bound", "", {"bind0", "bind1"}),
        scenario("last-of-group", "a device is bound while the other one of its group goes",
                 "bind0", {"unbind0", "bind2"}),
        scenario("fault-close", "the file of a fault queue is closed while the queue is destroyed",
                 "fault", {"close_fault", "destroy_fault", "destroy_fault"}),
        scenario("fault-abort", "a fault queue that is never finished beside one that is", "",
                 {"abort_fault", "fault close_fault destroy_fault"}),
        scenario("close-close", "two processes close /dev/iommu and leave objects behind",
                 "alloc0 bind0", {"ranges0 close", "destroy0 close"}),
        scenario("close-unbind", "/dev/iommu is closed before its devices are unbound",
                 "alloc0 bind0 bind2", {"close", "unbind0", "unbind2"}),
        scenario("close-fault", "/dev/iommu is closed, and the file of a fault queue", "fault",
                 {"close", "close_fault"}),
        scenario("option", "the context's accounting is chosen while the first object is made", "",
                 {"alloc0", "rlimit", "abort"}),
    };
    return all;
  }

  std::vector<Scenario> generated(unsigned threads) const override {
    return combinations({{}, calls("alloc0"), calls("bind0"), calls("alloc0 bind0 fault")},
                        calls("alloc0 destroy0 ranges0 allow0 abort bind2 unbind0 info_device0 "
                              "fault close_fault destroy_fault close"),
                        threads, can_be_made);
  }

  bool may_refuse(const ScheduledCall& refused, const ScheduledCall& beside) const override {
    if (refused.result != "-EBUSY") return false;
    static const std::map<std::string, std::set<std::string>> users{
        {"destroy0", {"ranges0", "allow0", "option0", "guess_ranges"}},
        {"destroy1", {"ranges1"}},
        {"guess_destroy", {"ranges0", "allow0", "option0", "guess_ranges"}},
        {"destroy_device0", {"info_device0", "unbind0"}},
        {"rlimit", {"abort", "abort_fault"}},
    };
    const auto of = users.find(refused.call.words);
    return of != users.end() && of->second.contains(beside.call.words);
  }

 private:
  /// Whether each call's object is made by the set-up or by another thread.
  static bool can_be_made(const Scenario& scenario) {
    static const std::map<std::string, std::string> maker{
        {"destroy0", "alloc0"},    {"ranges0", "alloc0"},     {"allow0", "alloc0"},
        {"unbind0", "bind0"},      {"info_device0", "bind0"}, {"close_fault", "fault"},
        {"destroy_fault", "fault"}};
    std::set<std::string> made;
    for (const TargetCall& call : scenario.setup) made.insert(call.words);
    for (const auto& thread : scenario.threads) made.insert(thread.front().words);
    return std::ranges::all_of(scenario.threads, [&](const std::vector<TargetCall>& thread) {
      const auto needed = maker.find(thread.front().words);
      return needed == maker.end() || made.contains(needed->second);
    });
  }
};

}  // namespace

const Target& iommufd_target() {
  static const ObjectsTarget target;
  return target;
}

}  // namespace iommucheck::linux_harness
