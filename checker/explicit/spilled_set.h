// SPDX-License-Identifier: MIT
// SpilledSet: keys that the visited set had no room for, on disk, and which of those that it has
// now are among them.
//
// Each time the set is full, its keys are written as a run and it begins anew.  A run has its keys
// in the order of their hashes, in partitions that are known by the upper bits; within a partition
// they come as they lay.  So they are looked for by reading runs from the beginning to the end
// beside a walk through the set, and partitions in which nobody can be met are left out.
//
// A slot of the set whose key is on disk has a mark, until the set is cleared: its state is not
// new, and it is not written again.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_SPILLED_SET_H
#define IOMMUCHECK_CHECKER_EXPLICIT_SPILLED_SET_H

#include <atomic>
#include <vector>

#include "checker/explicit/scratch.h"
#include "checker/explicit/visited_set.h"

namespace iommucheck::checker::explicit_state {

class SpilledSet {
 public:
  /// Throws DiskError, as do spill() and look_up().
  explicit SpilledSet(const std::filesystem::path& directory) : file_(directory) {}

  std::uint64_t runs() const { return runs_.size(); }
  bool empty() const { return runs_.empty(); }
  /// Of marks and indices, in memory.
  std::uint64_t bytes() const { return marks_.bytes() + wanted_.bytes() + index_bytes_; }
  const Scratch& file() const { return file_; }

  /// Writes the keys of the set (about `keys`) that are not marked, and clears it.
  void spill(VisitedSet& set, std::uint64_t keys, Team& team);

  /// The set, which is empty, has another size now.
  void clear_marks(const VisitedSet& set);

  /// Before look_up(): that about `keys` keys will be wanted.
  void want_only(std::uint64_t keys);
  /// Of those, this one; many threads may call it.  False if all are wanted anyway.
  bool want(Key key) {
    if (all_wanted_) return false;
    const std::uint64_t range = key.hash >> (64 - kRangeBits);
    std::atomic_ref(wanted_.as<std::uint64_t>()[range / 64])
        .fetch_or(std::uint64_t{1} << range % 64, std::memory_order_relaxed);
    return true;
  }
  /// Marks the wanted keys of the set (and perhaps others) that are on disk.
  void look_up(const VisitedSet& set, Team& team);
  /// Whether the key, which the set has, is on disk, too: after look_up() if it was wanted.
  bool marked(std::uint64_t slot_number) const {
    const std::uint64_t word = marks_.as<std::uint64_t>()[slot_number / 64];
    return (word >> slot_number % 64 & 1) != 0;
  }

 private:
  // An entry has 64 bits: what the partition leaves of the hash, and the extra bits.  So there are
  // at least as many bits of partitions.
  static constexpr unsigned kRangeBits =
      18;  ///< of a hash: what is wanted, and the most partitions
  struct Partition {
    std::uint32_t keys = 0;
    std::uint32_t sum = 0;  ///< of the entries' bytes
  };
  struct SpilledRun {
    unsigned partition_bits = 0;
    std::vector<Partition> partitions;
    std::vector<std::uint64_t> places;  ///< of each group of keys, in the file
  };
  class Writing;
  class Reading;
  bool wanted(const SpilledRun& run, std::uint64_t partition) const;

  Scratch file_;
  std::vector<SpilledRun> runs_;
  std::uint64_t index_bytes_ = 0;
  bool all_wanted_ = true;
  Pages wanted_;  ///< a bit for each range of hashes
  Pages marks_;   ///< a bit for each slot of the set
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_SPILLED_SET_H
