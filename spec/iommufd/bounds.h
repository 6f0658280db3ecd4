// SPDX-License-Identifier: MIT
// How large an instance of the specification of /dev/iommu is.
#ifndef IOMMUCHECK_SPEC_IOMMUFD_BOUNDS_H
#define IOMMUCHECK_SPEC_IOMMUFD_BOUNDS_H

namespace iommucheck::iommufd {

/// Numbers of things; 0 leaves them out, with their calls.
struct Bounds {
  unsigned devices = 2;   ///< 1 .. 4
  unsigned groups = 1;    ///< 1 .. devices; device d is in group d % groups
  unsigned kinds = 1;     ///< kinds of IOMMU, 1 .. groups; group g is behind kind g % kinds
  unsigned ioases = 2;    ///< 1 .. 4, at once
  unsigned hwpts = 1;     ///< page tables that a process has asked for, at once; 0 .. 3
  unsigned accesses = 1;  ///< drivers that reach an IOAS without a device; 0 or 1
  unsigned queues = 1;    ///< fault queues; 0 or 1

  unsigned group_of(unsigned device) const { return device % groups; }
  unsigned kind_of(unsigned device) const { return group_of(device) % kinds; }
  /// What a device can be attached to: IOAS i (1 .. ioases), or page table t, at ioases + t.
  unsigned targets() const { return ioases + hwpts; }
};

}  // namespace iommucheck::iommufd

#endif  // IOMMUCHECK_SPEC_IOMMUFD_BOUNDS_H
