// SPDX-License-Identifier: MIT
// The targets iommufd, iommufd-device and iommufd-fault, on all files of iommufd and the whole of
// iommu.c.  Their calls are in glue/target_iommufd.c, target_iommufd_device.c,
// target_iommufd_fault.c.
#include <algorithm>
#include <map>
#include <set>

#include "impl/linux/tree_target.h"

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

TreeFiles on_iommufd(std::string file, std::string calls, std::string header = {}) {
  return {.version = "6.12",
          .prepared_as = "iommufd",
          .parts = {std::move(file),
                    kFiles,
                    {"kernel_facts.c", "kernel_base.c", "kernel_wait.c", std::move(calls)},
                    true,
                    {"iommufd_init", "allow_unsafe_interrupts"}},
          .configuration = {"-DCONFIG_IOMMU_API=1", "-DCONFIG_IOMMU_IOPF=1", "-DCONFIG_IOMMUFD=1",
                            "-DCONFIG_IOMMUFD_DRIVER=1", "-DCONFIG_INTERVAL_TREE_SPAN_ITER=1"},
          .header = std::move(header)};
}

class ObjectsTarget final : public TreeTarget {
 public:
  ObjectsTarget()
      : TreeTarget{"iommufd",
                   "objects of /dev/iommu: iommufd/main.c with the rest of iommufd and iommu.c",
                   on_iommufd("drivers/iommu/iommufd/main.c", "target_iommufd.c")} {}

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
        scenario("compat", "the IOAS of VFIO's ioctls is destroyed while they look for it",
                 "alloc0 compat_set0", {"compat_get", "destroy0"}),
        scenario("compat-set", "an IOAS is destroyed while it becomes that of VFIO's ioctls",
                 "alloc0", {"compat_set0 compat_get", "destroy0"}),
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
        {"destroy0", {"ranges0", "allow0", "option0", "guess_ranges", "compat_set0", "compat_get"}},
        {"destroy1", {"ranges1"}},
        {"guess_destroy", {"ranges0", "allow0", "option0", "guess_ranges"}},
        {"destroy_device0", {"info_device0", "unbind0"}},
        {"rlimit", {"abort", "abort_fault"}},
    };
    const auto of = users.find(refused.call.words);
    return of != users.end() && of->second.contains(beside.call.words);
  }

 private:
  /// Whether each call's object is made by the set-up or by another thread, and by one of them:
  /// which one a process means would depend on its own variables.
  static bool can_be_made(const Scenario& scenario) {
    static const std::map<std::string, std::string> maker{
        {"destroy0", "alloc0"},    {"ranges0", "alloc0"},     {"allow0", "alloc0"},
        {"unbind0", "bind0"},      {"info_device0", "bind0"}, {"close_fault", "fault"},
        {"destroy_fault", "fault"}};
    std::set<std::string> before, beside;
    for (const TargetCall& call : scenario.setup) before.insert(call.words);
    for (const auto& thread : scenario.threads) beside.insert(thread.front().words);
    return std::ranges::all_of(scenario.threads, [&](const std::vector<TargetCall>& thread) {
      const auto needed = maker.find(thread.front().words);
      return needed == maker.end() ||
             before.contains(needed->second) != beside.contains(needed->second);
    });
  }
};

class DevicesTarget final : public TreeTarget {
 public:
  DevicesTarget()
      : TreeTarget{"iommufd-device",
                   "devices on page tables: iommufd/device.c with the rest of iommufd and iommu.c",
                   on_iommufd("drivers/iommu/iommufd/device.c", "target_iommufd_device.c")} {}

  const std::vector<Scenario>& written() const override {
    static const std::string two = "alloc0 alloc1 bind0 bind2";
    static const std::vector<Scenario> all{
        scenario("attach-attach", "both devices of a group are attached to an IOAS", two,
                 {"attach00", "attach20"}),
        scenario("attach-other", "the devices of a group are attached to two IOASes", two,
                 {"attach00", "attach21"}),
        scenario("attach-groups", "devices of two groups are attached to an IOAS",
                 "alloc0 bind0 bind1", {"attach00", "attach10"}),
        scenario("detach-attach",
                 "a device goes from an IOAS while the other one of its group comes",
                 two + " attach00", {"detach0", "attach20"}),
        scenario("detach-detach", "both devices of a group go", two + " attach00 attach20",
                 {"detach0", "detach2"}),
        scenario("replace-detach", "a group moves to another IOAS while one of its devices goes",
                 two + " attach00 attach20", {"replace01", "detach2"}),
        scenario("replace-replace", "a group is moved twice", two + " attach00 attach20",
                 {"replace01", "replace21"}),
        scenario("replace-unbind", "a group moves while one of its devices is unbound",
                 two + " attach00 attach20", {"replace01", "unbind2"}),
        scenario("attach-destroy", "an IOAS is destroyed while a device comes", "alloc0 bind0",
                 {"attach00", "destroy0"}),
        scenario("detach-destroy", "an IOAS is destroyed while its last device goes",
                 "alloc0 bind0 attach00", {"detach0", "destroy0"}),
        scenario("left-behind", "a device that cannot use a page table tries it while it goes",
                 "alloc0 alloc1 bind0 bind1 bind2 attach01 attach10",
                 {"detach1", "attach20 destroy0"}),
        scenario("table", "a page table is made while its device is unbound", "alloc0 bind0",
                 {"table0", "unbind0", "destroy0"}),
        scenario("table-attach", "a page table is destroyed while its device comes",
                 "alloc0 bind0 table0", {"attach0_table", "destroy_table", "destroy0"}),
        scenario("access-destroy", "an IOAS is destroyed while a driver reaches it",
                 "alloc0 access_create", {"access0", "destroy0"}),
        scenario("access-replace", "a driver goes to another IOAS, and both are destroyed",
                 "alloc0 alloc1 access_create access0", {"access1", "destroy0", "destroy1"}),
        scenario("access-end", "a driver ends while its IOAS is destroyed",
                 "alloc0 access_create access0", {"access_destroy", "destroy0"}),
    };
    return all;
  }

  std::vector<Scenario> generated(unsigned threads) const override {
    return combinations(
        {calls("alloc0 alloc1 bind0 bind2"), calls("alloc0 alloc1 bind0 bind2 attach00"),
         calls("alloc0 alloc1 bind0 bind2 attach00 attach20")},
        calls("attach00 attach20 attach21 replace01 replace21 detach0 detach2 unbind2 "
              "destroy0 destroy1"),
        threads);
  }

  bool may_refuse(const ScheduledCall& refused, const ScheduledCall& beside) const override {
    // Whatever else works on an IOAS or on a page table of it holds it for a while, the end of the
    // page table too.
    return refused.result == "-EBUSY" && refused.call.words.starts_with("destroy") &&
           beside.call.words != "destroy0" && beside.call.words != "destroy1";
  }
};

class FaultsTarget final : public TreeTarget {
 public:
  FaultsTarget()
      : TreeTarget{
            "iommufd-fault",
            "page requests for processes: iommufd/fault.c with the rest of iommufd and iommu.c",
            on_iommufd("drivers/iommu/iommufd/fault.c", "target_iommufd_fault.c")} {}

  const std::vector<Scenario>& written() const override {
    static const std::string ready = "alloc0 bind0 parent0 fault nested0 attach0";
    static const std::vector<Scenario> all{
        scenario("fault-read", "a page request comes while the process reads", ready,
                 {"fault0", "read respond"}),
        scenario("fault-fault", "two page requests, and two readers", ready + " fault0",
                 {"fault0", "read", "read"}),
        scenario("fault-detach", "the device is detached while it makes a page request", ready,
                 {"fault0", "detach0"}),
        scenario("read-detach", "the device is detached while its page request is handled",
                 ready + " fault0", {"read respond", "detach0"}),
        scenario("respond-detach", "the device is detached while its page request is answered",
                 ready + " fault0 read", {"respond", "detach0", "respond"}),
        scenario("partial", "a group of two page requests, while the device is unbound", ready,
                 {"partial0 fault0", "unbind0"}),
        scenario("leave", "the device changes its page table while page requests come and are read",
                 ready, {"fault0", "leave0", "read"}),
        scenario("return", "the device goes and comes back, between page requests", ready,
                 {"leave0 return0", "fault0 fault0"}),
        scenario("close-read", "the queue's file is closed while it is read", ready + " fault0",
                 {"read", "close_fault", "poll"}),
        scenario("close-fault", "the queue's file is closed while a page request comes", ready,
                 {"fault0", "close_fault", "destroy_fault"}),
        scenario("end", "everything goes at once", ready + " fault0",
                 {"unbind0", "close_fault", "destroy_nested"}),
        scenario("nowhere", "page requests are read by one who cannot take them, and by others",
                 ready + " fault0", {"read_nowhere", "read", "detach0"}),
        scenario("poll", "the process asks whether there is a page request", ready,
                 {"fault0", "poll", "read"}),
        scenario("two-devices", "a device is detached while another one makes a page request",
                 ready + " fault0 bind1 parent1 nested1 attach1", {"detach0", "fault1", "read"}),
        scenario("both-detach", "two devices of a queue are detached, with a page request each",
                 ready + " fault0 bind1 parent1 nested1 attach1 fault1", {"detach0", "detach1"}),
        scenario("nested-destroy", "the queue is destroyed while a page table takes it",
                 "alloc0 bind0 parent0 fault close_fault", {"nested0", "destroy_fault"}),
    };
    return all;
  }

  std::vector<Scenario> generated(unsigned threads) const override {
    return combinations({calls("alloc0 bind0 parent0 fault nested0 attach0"),
                         calls("alloc0 bind0 parent0 fault nested0 attach0 fault0"),
                         calls("alloc0 bind0 parent0 fault nested0 attach0 fault0 read")},
                        calls("fault0 partial0 read respond leave0 detach0 unbind0 close_fault "
                              "destroy_fault destroy_nested"),
                        threads);
  }

  bool may_refuse(const ScheduledCall& refused, const ScheduledCall& beside) const override {
    // A file that is looked up stays for the call, whoever closes the descriptor.
    if (refused.call.words == "read" || refused.call.words == "poll" ||
        refused.call.words == "respond") {
      return beside.call.words == "close_fault";
    }
    // Page tables hold their queue, and devices their page table, until their end.
    return refused.result == "-EBUSY" && refused.call.words.starts_with("destroy") &&
           beside.call.words != refused.call.words;
  }
};

class MappingsTarget final : public TreeTarget {
 public:
  MappingsTarget()
      : TreeTarget{"iommufd-ioas",
                   "memory in IOASes: iommufd/io_pagetable.c with the rest of iommufd and iommu.c",
                   on_iommufd("drivers/iommu/iommufd/io_pagetable.c", "target_iommufd_ioas.c",
                              "current_process.h")} {}

  const std::vector<Scenario>& written() const override {
    static const std::string one = "alloc0 bind0", two = "alloc0 alloc1 bind0 bind1";
    static const std::vector<Scenario> all{
        scenario("map-map", "the same addresses are mapped twice", "alloc0", {"map0", "map_one0"}),
        scenario("map-unmap", "pages are unmapped while they are mapped", "alloc0 bind0 attach00",
                 {"map0", "unmap0"}),
        scenario("map-attach", "a device comes while pages are mapped", one, {"map0", "attach00"}),
        scenario("map-detach", "the last device goes while pages are mapped",
                 "alloc0 bind0 attach00", {"map0", "detach0"}),
        scenario("unmap-attach", "a device comes while pages are unmapped", "alloc0 bind0 map0",
                 {"unmap0", "attach00"}),
        scenario("unmap-detach", "the last device goes while pages are unmapped",
                 "alloc0 bind0 map0 attach00", {"unmap0", "detach0"}),
        scenario("unmap-unmap", "pages are unmapped twice", "alloc0 bind0 map0 attach00",
                 {"unmap0", "unmap0"}),
        scenario("attach-detach", "one device comes and another one, behind another IOMMU, goes",
                 two + " map0 attach00", {"detach0", "attach10"}),
        scenario("detach-detach", "two devices behind two IOMMUs go",
                 two + " map0 attach00 attach10", {"detach0", "detach1"}),
        scenario("destroy", "an IOAS is destroyed while pages are mapped", "alloc0",
                 {"map0", "destroy0"}),
        scenario("copy-unmap", "pages are unmapped while they are copied",
                 two + " map0 attach00 attach11", {"copy", "unmap0"}),
        scenario("copy-detach", "pages are copied while the device that has them goes",
                 two + " map0 attach00 attach11", {"copy", "detach0"}),
        scenario("unmap-both", "shared pages are unmapped in both IOASes",
                 two + " map0 attach00 attach11 copy", {"unmap0", "unmap1"}),
        scenario("replace-unmap", "a device moves to another IOAS while pages are unmapped in both",
                 two + " map0 copy attach00", {"replace01", "unmap0", "unmap1"}),
        scenario("pin-unmap", "a driver pins pages while they are unmapped", "alloc0 reach map0",
                 {"pin", "unmap0"}),
        scenario("pinned-unmap", "pages are unmapped that a driver has pinned, and which goes",
                 "alloc0 reach map0 pin", {"unmap0", "release"}),
        scenario("pin-detach", "a driver pins pages while the device that has them goes",
                 "alloc0 bind0 reach map0 attach00", {"pin", "detach0"}),
        scenario("pin-map", "a driver pins pages while they are mapped",
                 "alloc0 bind0 reach attach00", {"map0", "pin"}),
    };
    return all;
  }

  std::vector<Scenario> generated(unsigned threads) const override {
    return combinations({calls("alloc0 alloc1 bind0 bind1 reach"),
                         calls("alloc0 alloc1 bind0 bind1 reach map0 attach00"),
                         calls("alloc0 alloc1 bind0 bind1 reach map0 attach00 copy "
                               "attach11 pin")},
                        calls("map0 unmap0 unmap1 copy attach00 attach10 detach0 detach1 pin "
                              "release"),
                        threads);
  }

  bool may_refuse(const ScheduledCall& refused, const ScheduledCall& beside) const override {
    // Pages that are being unmapped are not pinned any more.
    if (refused.call.words == "pin" && refused.result == "-EINVAL")
      return beside.call.words.starts_with("unmap");
    if (refused.result != "-EBUSY") return false;
    // Addresses that are being mapped or unmapped are busy.
    if (refused.call.words.starts_with("unmap"))
      return beside.call.words.starts_with("map") || beside.call.words.starts_with("unmap") ||
             beside.call.words == "copy";
    return refused.call.words == "destroy0" && beside.call.words != "destroy0";
  }
};

}  // namespace

const Target& iommufd_ioas_target() {
  static const MappingsTarget target;
  return target;
}

const Target& iommufd_fault_target() {
  static const FaultsTarget target;
  return target;
}

const Target& iommufd_device_target() {
  static const DevicesTarget target;
  return target;
}

const Target& iommufd_target() {
  static const ObjectsTarget target;
  return target;
}

}  // namespace iommucheck::linux_harness
