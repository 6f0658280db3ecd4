// SPDX-License-Identifier: MIT
// The bounds that the IOASID designs share.
#include "model/ioasid/entries.h"

#include "model/ioasid/ioasid_design.h"

namespace iommucheck::model {

std::vector<BoundInfo> common_ioasid_bounds() {
  return {
      {"threads", 1, 4, 2, "threads, each on a CPU of its own"},
      {"pasids", 1, 4, 2, "ids: 0 to N-1"},
      {"sets", 1, 3, 2, "IOASID sets"},
      {"data", 0, 3, 1, "objects of private data that the clients have"},
      {"calls", 0, 15, 0, "calls that each thread makes at most; 0: no limit"},
      {"objects", 0, 7, 0, "struct ioasid_data in memory at once; 0: pasids + 1"},
      {"interrupts", 0, 1, 0, "1: an interrupt handler on CPU0 makes calls, too"},
      {"rcu-actor", 0, 1, 0,
       "1: kfree_rcu() frees at any time after the grace period; 0: right at its end"},
      {"call-step", 0, 1, 0,
       "1: a call that takes a lock first begins before that, and waits for it; 0: with taking it"},
  };
}

IoasidBounds to_ioasid_bounds(const BoundValues& values) {
  const auto get = [&](const char* name, unsigned otherwise) {
    const auto found = values.find(name);
    return found == values.end() ? otherwise : found->second;
  };
  IoasidBounds b;
  b.threads = get("threads", b.threads);
  b.calls = get("calls", b.calls);
  b.rcu_actor = get("rcu-actor", 0) != 0;
  b.interrupt = get("interrupts", 0) != 0;
  b.call_step = get("call-step", 0) != 0;
  b.pasids = get("pasids", b.pasids);
  b.sets = get("sets", b.sets);
  b.data = get("data", b.data);
  b.objects = get("objects", b.objects);
  b.allocators = get("allocators", b.allocators);
  b.notifiers = get("notifiers", b.notifiers);
  b.tokens = get("tokens", 0);
  b.spids = get("spids", b.spids);
  return b;
}

}  // namespace iommucheck::model
