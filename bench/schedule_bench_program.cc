// SPDX-License-Identifier: MIT
// The scenario of schedule_bench.cc, compiled as kernel code is: a table under two locks with
// readers under RCU.
#include "checker/schedule/client.h"

namespace iommucheck::schedule::bench {

struct Entry {
  int id;
  int users;
};

/// Zero at the start of each execution.
struct Table {
  Entry* volatile slot[4];
  int counts[4];
  char outer[64], inner[64];
} table;

/// What a thread does three times: about seven scheduling points and a dozen plain accesses.
static void replace(unsigned me) {
  auto* entry = static_cast<Entry*>(ck_alloc(sizeof(Entry), 8, 1));
  entry->id = static_cast<int>(me);
  ck_lock(table.outer);
  ck_lock(table.inner);
  for (int& count : table.counts) ++count;
  Entry* old = table.slot[me];
  table.slot[me] = entry;
  ck_unlock(table.inner);
  ck_unlock(table.outer);
  if (old != nullptr) ck_free(old);
}

void thread(void* argument) {
  const auto me = static_cast<unsigned>(reinterpret_cast<unsigned long>(argument));
  for (int round = 0; round < 3; ++round) replace(me);
  ck_free(table.slot[me]);
  table.slot[me] = nullptr;
}

}  // namespace iommucheck::schedule::bench
