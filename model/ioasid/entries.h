// SPDX-License-Identifier: MIT
// The IOASID designs as entries of the registry, and the bounds that they share.
#ifndef IOMMUCHECK_MODEL_IOASID_ENTRIES_H
#define IOMMUCHECK_MODEL_IOASID_ENTRIES_H

#include "model/registry.h"

namespace iommucheck::model {

struct IoasidBounds;

const DesignEntry& ioasid_plain();
const DesignEntry& ioasid_refcounted();
const DesignEntry& ioasid_sets();

/// --threads, --pasids, --sets, --data, --calls, --objects, --interrupts, --rcu-actor,
/// --call-step.
std::vector<BoundInfo> common_ioasid_bounds();
/// Those, and the ones that only some designs have, where they are given.
IoasidBounds to_ioasid_bounds(const BoundValues& values);

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOASID_ENTRIES_H
