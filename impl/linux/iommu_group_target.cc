// SPDX-License-Identifier: MIT
// The target iommu-group: iommu.c itself.  Its calls are in glue/target_iommu_group.c.
#include "impl/linux/on_iommu_core.h"

namespace iommucheck::linux_harness {
namespace {

/// As it is with the DMA API: the type of a default domain can change.
TreeFiles with_dma_api() {
  TreeFiles files = on_iommu_core("drivers/iommu/iommu.c", "target_iommu_group.c");
  files.prepared_as = "iommu-group";
  files.parts.entries = {"iommu_group_store_type"};
  files.configuration.emplace_back("-DCONFIG_IOMMU_DMA=1");
  return files;
}

class GroupTarget final : public TreeTarget {
 public:
  GroupTarget()
      : TreeTarget{"iommu-group",
                   "groups of devices: attachment, DMA ownership and default domains in iommu.c",
                   with_dma_api()} {}

  const std::vector<Scenario>& written() const override {
    static const std::vector<Scenario> all{
        scenario("use-claim", "a driver of the DMA API and a claim for the same group", "",
                 {"use0 map0 unuse0", "claim2 release2"}),
        scenario("claim-claim", "two owners claim a group", "", {"claim0", "claim2"}),
        scenario("use-change", "a driver is bound while the default domain changes", "",
                 {"use0 map0", "change0"}),
        scenario("change-change", "the default domain of a group changes twice, and of another", "",
                 {"change0", "change0", "change1"}),
        scenario("claim-change", "a group is claimed while its default domain changes", "",
                 {"claim0 release0", "change0"}),
        scenario("attach-use", "a driver attaches a domain while another one of the group is bound",
                 "as1 claim0 alloc", {"attach0 detach0", "use2"}),
        scenario("attach-change", "the owner attaches and leaves while the default domain changes",
                 "as1 claim0 alloc", {"attach0 release0", "change0"}),
        scenario("own-domain", "a driver attaches its own domain, alone in its group",
                 "as1 use1 alloc", {"attach1 map1 detach1 unuse1", "change1"}),
        scenario("two-of-group", "an owner's two devices share what is attached",
                 "as1 claim0 claim2 alloc", {"attach0 release2", "change0", "use1"}),
        scenario("replace", "an owner moves from one domain to another, and frees the first",
                 "as1 claim0 alloc alloc attach0", {"replace0 free", "claim2", "change0"}),
        scenario("release-use", "a group is released while drivers want it",
                 "as1 claim0 alloc attach0", {"release0 free", "use2", "claim2"}),
        scenario("two-groups", "groups do not wait for one another", "as1 alloc as2 alloc",
                 {"claim0 attach0", "claim1 attach1"}),
        scenario("unplug-claim", "a device goes while its group is claimed and released", "",
                 {"unplug2", "claim0 release0"}),
        scenario("unplug-attach", "a device goes and comes back while a domain is attached",
                 "as1 claim0 alloc", {"attach0 release0 free", "unplug2 plug2"}),
        scenario("plug-change", "a device comes while the default domain changes", "unplug2",
                 {"plug2 use2 map2", "change0"}),
        scenario("grown-group",
                 "a driver that was alone in its group detaches its own domain and frees it, while "
                 "a device joins",
                 "unplug2 as1 use0 alloc attach0", {"detach0 free", "plug2"}),
        scenario("pasid-twice", "the drivers of two devices of a group attach the same PASID",
                 "as1 use0 as2 use2 as1 alloc as2 alloc",
                 {"attach_pasid0 detach_pasid0", "attach_pasid2"}),
        scenario("pasid-use", "a driver attaches a PASID while another one of the group is bound",
                 "as1 use0 alloc", {"attach_pasid0 detach_pasid0", "use2 unuse2"}),
        scenario("pasid-unuse",
                 "a driver attaches a PASID while another one of the group is unbound, and the "
                 "group is claimed",
                 "as1 use0 alloc as2 use2",
                 {"attach_pasid0 detach_pasid0 unuse0", "unuse2 claim2"}),
        scenario("pasid-claim", "an owner attaches a PASID and leaves while others want the group",
                 "as1 claim0 alloc", {"attach_pasid0 detach_pasid0 release0", "claim2", "change0"}),
        scenario("pasid-unplug", "a device goes and comes back while a PASID is attached",
                 "as1 use0 alloc", {"attach_pasid0 detach_pasid0 free", "unplug2 plug2"}),
    };
    return all;
  }

  std::vector<Scenario> generated(unsigned threads) const override {
    return combinations({{},
                         calls("as1 claim0 alloc"),
                         calls("as1 claim0 alloc attach0"),
                         calls("as1 use0 as2 alloc"),
                         calls("as1 use0 alloc as2 use2")},
                        calls("use0 use2 claim0 claim2 unuse0 release0 attach0 detach0 change0 "
                              "map0 unplug2 attach_pasid0 detach_pasid0"),
                        threads);
  }
};

}  // namespace

const Target& iommu_group_target() {
  static const GroupTarget target;
  return target;
}

}  // namespace iommucheck::linux_harness
