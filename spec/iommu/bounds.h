// SPDX-License-Identifier: MIT
// How large an instance of the IOMMU specification is, and which device is in which group.
#ifndef IOMMUCHECK_SPEC_IOMMU_BOUNDS_H
#define IOMMUCHECK_SPEC_IOMMU_BOUNDS_H

namespace iommucheck::iommu {

/// Numbers of things; 0 leaves a feature out, with its calls.
struct Bounds {
  unsigned devices = 2;  ///< 1 .. 4
  /// IOMMU groups, 1 .. devices; device d is in group d % groups.  0: each device has its own.
  unsigned groups = 0;
  unsigned kinds = 1;    ///< kinds of IOMMU, 1 .. groups; group g is behind kind g % kinds
  unsigned pasids = 2;   ///< PASIDs 1 .. pasids, 0 .. 4; a TLP without a PASID has PASID 0 here
  unsigned tables = 2;   ///< I/O page tables in memory at once, the default ones included; 0 .. 6
  unsigned pages = 1;    ///< I/O pages of a table that can be mapped; 0 .. 2
  unsigned mms = 2;      ///< address spaces of processes; 0 .. 3
  unsigned clients = 2;  ///< who binds; 1 .. 4
  unsigned bonds = 1;    ///< that a client holds at most; 1 .. 3
  /// Each group has a default domain from the start, which its devices' RIDs use (the DMA API).
  bool default_domains = true;
  /// The DMA-API PASID, with its calls.
  bool dma_pasid = true;
  /// Devices come and go, with their calls.
  bool hotplug = false;
  /// Processes tag their addresses (LAM), with its call.
  bool tagging = false;
  /// Drivers are bound and unbound, clients claim groups, and the default domain of a group that
  /// nobody uses changes, with their calls.  Else every device has its driver, for good.
  bool owners = false;

  unsigned group_count() const { return groups == 0 ? devices : groups; }
  unsigned group_of(unsigned device) const { return device % group_count(); }
  unsigned kind_of_group(unsigned group) const { return group % kinds; }
  unsigned kind_of(unsigned device) const { return kind_of_group(group_of(device)); }
  /// Where a TLP can land: nowhere (0), in a table (1 .. tables), in a process (the rest).
  unsigned targets() const { return tables + mms; }
  unsigned mm_target(unsigned mm) const { return tables + 1 + mm; }
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_BOUNDS_H
