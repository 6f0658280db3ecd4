// SPDX-License-Identifier: MIT
// How large an instance of the IOASID specification is.
#ifndef IOMMUCHECK_SPEC_IOASID_BOUNDS_H
#define IOMMUCHECK_SPEC_IOASID_BOUNDS_H

namespace iommucheck::ioasid {

/// Numbers of things; 0 leaves a feature out, with its calls.  Ranges: ids 1..64, sets 0..6,
/// data 1..6, clients 1..8, ops 0..4, notifiers 0..4, spids 0..4, tokens 0..4, capacity 0..64.
struct Bounds {
  unsigned ids = 2;
  unsigned sets = 2;
  unsigned data = 1;
  unsigned clients = 1;
  unsigned ops = 0;
  unsigned notifiers = 0;
  unsigned spids = 0;
  unsigned tokens = 0;
  unsigned capacity =
      2;  ///< the capacity before install_capacity(), and the largest quota asked for
  /// Sets are static objects (DECLARE_IOASID_SET): always there, without quota.  Else they are made
  /// by alloc_set().
  bool static_sets = false;
  /// get() and put(): references beside the owner's.
  bool references = true;
};

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_SPEC_IOASID_BOUNDS_H
