// SPDX-License-Identifier: MIT
// What the machine's memory costs a checker at least: one random cache line for each transition.
//
// A search has to look up every successor, and where it is looked up is random.  So no search that
// keeps its states in memory is faster than random accesses to that much memory, with as many of
// them under way at once as the machine allows.  The measurement: a table of 64-byte lines, in huge
// pages where there are some, every page touched before; each thread computes a batch of random
// lines (a multiply and an add), prefetches them all, then reads a word of each.  Batches of 8, 16,
// 32 and 64 are tried, three times each; the fastest counts.  Time is CPU time of the threads.
#ifndef IOMMUCHECK_BENCH_REFERENCE_MEMORY_FLOOR_H
#define IOMMUCHECK_BENCH_REFERENCE_MEMORY_FLOOR_H

#include <cstdint>

namespace iommucheck::bench {

/// Nanoseconds per access, of all `jobs` threads together.  Measured in a process of its own, so
/// that the table is not counted as ours.  Call while this process has one thread.  Throws
/// std::runtime_error if there is no such memory.
double memory_floor(std::uint64_t table_bytes, unsigned jobs);

}  // namespace iommucheck::bench

#endif  // IOMMUCHECK_BENCH_REFERENCE_MEMORY_FLOOR_H
