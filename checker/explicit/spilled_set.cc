// SPDX-License-Identifier: MIT
// Writing runs, and reading them beside the set; a group of keys is done by one thread.
#include "checker/explicit/spilled_set.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>

namespace iommucheck::checker::explicit_state {

namespace {

constexpr std::uint64_t kEntry = sizeof(std::uint64_t);

std::uint32_t sum_up(const std::uint64_t* entries, std::uint64_t count) {
  return static_cast<std::uint32_t>(XXH3_64bits(entries, count * kEntry));
}

void for_each_group(Team& team, const std::function<void(unsigned)>& work) {
  std::atomic<unsigned> next = 0;
  team.run([&](unsigned) {
    for (unsigned g; (g = next.fetch_add(1)) < VisitedSet::kGroups;) work(g);
  });
}

}  // namespace

void SpilledSet::spill(VisitedSet& set, std::uint64_t keys, Team& team) {
  // About a thousand keys for each partition: its part of the set stays in the cache.
  constexpr int kUsual = 10;
  SpilledRun run;
  run.partition_bits = std::clamp<unsigned>(
      static_cast<unsigned>(std::max(0, static_cast<int>(std::bit_width(keys)) - kUsual)),
      std::max(VisitedSet::kGroupBits, set.extra_bits()), kRangeBits);
  run.partitions.resize(std::size_t{1} << run.partition_bits);
  run.places.resize(VisitedSet::kGroups);
  const unsigned bits = run.partition_bits - VisitedSet::kGroupBits;

  for_each_group(team, [&](unsigned g) {
    Partition* const partitions = run.partitions.data() + (std::size_t{g} << bits);
    std::vector<std::pair<std::uint32_t, std::uint64_t>> found;
    set.each(g, [&](Key key, std::uint64_t slot) {
      if (!runs_.empty() && marked(slot)) return;
      const auto in_group =
          static_cast<std::uint32_t>(key.hash << VisitedSet::kGroupBits >> 1 >> (63 - bits));
      ++partitions[in_group].keys;
      found.emplace_back(in_group, key.hash << run.partition_bits | key.extra);
    });
    std::vector<std::uint64_t> ends(std::size_t{1} << bits);
    std::uint64_t before = 0;
    for (std::size_t p = 0; p < ends.size(); ++p) {
      ends[p] = before;
      before += partitions[p].keys;
    }
    std::vector<std::uint64_t> entries(found.size());
    for (const auto& [partition, entry] : found) entries[ends[partition]++] = entry;
    for (std::size_t p = 0; p < ends.size(); ++p) {
      const std::uint64_t n = partitions[p].keys;
      partitions[p].sum = sum_up(entries.data() + ends[p] - n, n);
    }
    run.places[g] = file_.append(entries.data(), entries.size() * kEntry);
  });
  index_bytes_ += run.partitions.size() * sizeof(Partition) + run.places.size() * kEntry;
  runs_.push_back(std::move(run));
  set.clear(team);
  clear_marks(set);
}

void SpilledSet::clear_marks(const VisitedSet& set) {
  marks_ = Pages(set.slot_numbers() / 8 + kEntry);
}

void SpilledSet::want_only(std::uint64_t keys) {
  // So many keys leave hardly a partition out.
  all_wanted_ = keys > std::uint64_t{1} << kRangeBits;
  if (!all_wanted_) wanted_ = Pages(std::size_t{1} << kRangeBits >> 3);
}

bool SpilledSet::wanted(const SpilledRun& run, std::uint64_t partition) const {
  if (all_wanted_) return true;
  const auto* const words = wanted_.as<std::uint64_t>();
  const unsigned bits = kRangeBits - run.partition_bits;
  const std::uint64_t first = partition << bits, ranges = std::uint64_t{1} << bits;
  if (ranges < 64)
    return (words[first / 64] >> first % 64 & ((std::uint64_t{1} << ranges) - 1)) != 0;
  return std::any_of(words + first / 64, words + (first + ranges) / 64,
                     [](std::uint64_t word) { return word != 0; });
}

/// Reads the partitions of one group of one run, as many at a time as pays.
class SpilledSet::Reading {
 public:
  Reading(SpilledSet& spilled, const SpilledRun& run, const VisitedSet& set)
      : spilled_(spilled), run_(run), set_(set) {}

  void group(unsigned g) {
    const std::uint64_t n = std::uint64_t{1} << (run_.partition_bits - VisitedSet::kGroupBits);
    std::uint64_t place = run_.places[g];
    for (std::uint64_t p = g * n; p < (g + 1) * n; ++p) {
      const std::uint64_t bytes = run_.partitions[p].keys * kEntry;
      if (bytes != 0 && spilled_.wanted(run_, p)) {
        // What lies between is read, too, where it is little.
        constexpr std::uint64_t kGap = 1 << 14, kMost = 1 << 19;
        if (!open_.empty() && (place - end_ > kGap || place + bytes - begin_ > kMost)) flush();
        if (open_.empty()) begin_ = place;
        open_.emplace_back(p, place);
        end_ = place + bytes;
      }
      place += bytes;
    }
    flush();
  }

 private:
  void flush() {
    if (open_.empty()) return;
    buffer_.resize((end_ - begin_) / kEntry);
    spilled_.file_.read(begin_, buffer_.data(), end_ - begin_);
    for (const auto& [p, place] : open_) partition(p, buffer_.data() + (place - begin_) / kEntry);
    open_.clear();
  }
  void partition(std::uint64_t p, const std::uint64_t* entries) {
    const Partition& known = run_.partitions[p];
    if (sum_up(entries, known.keys) != known.sum)
      throw DiskError("what was written to the disk does not read as it was written");
    const unsigned bits = run_.partition_bits;
    auto* const marks = spilled_.marks_.as<std::uint64_t>();
    for (std::uint32_t i = 0; i < known.keys; ++i) {
      const Key key{p << (64 - bits) | entries[i] >> bits,
                    entries[i] & ((std::uint64_t{1} << bits) - 1)};
      const auto slot = set_.find(key);
      if (!slot) continue;
      // Groups may meet within a word.
      std::atomic_ref(marks[*slot / 64])
          .fetch_or(std::uint64_t{1} << *slot % 64, std::memory_order_relaxed);
    }
  }

  SpilledSet& spilled_;
  const SpilledRun& run_;
  const VisitedSet& set_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> open_;  ///< partitions, and their places
  std::uint64_t begin_ = 0, end_ = 0;
  std::vector<std::uint64_t> buffer_;
};

void SpilledSet::look_up(const VisitedSet& set, Team& team) {
  for_each_group(team, [&](unsigned g) {
    for (const SpilledRun& run : runs_) Reading(*this, run, set).group(g);
  });
}

}  // namespace iommucheck::checker::explicit_state
