// SPDX-License-Identifier: MIT
// Sent: states that one worker has sent to their owner lately; those are not sent again.
//
// It has whole states, not keys: keys of states that belong to others would fill this rank's
// tables, and a hash alone might take one state for another.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_SENT_H
#define IOMMUCHECK_CHECKER_EXPLICIT_SENT_H

#include "checker/explicit/pages.h"
#include "checker/explicit/words.h"

namespace iommucheck::checker::explicit_state {

template <unsigned W>
class Sent {
 public:
  /// Nothing can be kept before start(): ranks only need it.
  void start(unsigned words) {
    entry_words_ = words + 1;
    pages_ = Pages(kEntries * entry_words_ * sizeof(std::uint64_t));
    entries_ = pages_.template as<std::uint64_t>();
  }
  /// Whether the state of that hash is here; it is from now on.
  bool meet(Width<W> width, std::uint64_t hash, const std::uint64_t* state) {
    // The owner is by the lower half: the upper one spreads each owner's states.
    std::uint64_t* const entry = entries_ + (hash >> (64 - kBits)) * entry_words_;
    const std::uint64_t tag = hash | 1;  // 0 is an entry without a state
    if (entry[0] == tag && equal(width, entry + 1, state)) return true;
    entry[0] = tag;
    copy(width, state, entry + 1);
    return false;
  }

 private:
  static constexpr unsigned kBits = 14;
  static constexpr std::uint64_t kEntries = std::uint64_t{1} << kBits;

  std::size_t entry_words_ = 0;
  Pages pages_;
  std::uint64_t* entries_ = nullptr;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_SENT_H
