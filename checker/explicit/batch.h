// SPDX-License-Identifier: MIT
// Batch: successors on their way to the visited set, while memory is brought into the cache.
//
// A ring.  Every successor is pushed, then looked at (by now its slot is in the cache, and names a
// state to compare with), then popped (by now that state is in the cache as well).
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_BATCH_H
#define IOMMUCHECK_CHECKER_EXPLICIT_BATCH_H

#include "checker/explicit/pages.h"
#include "checker/explicit/words.h"

namespace iommucheck::checker::explicit_state {

template <unsigned W>
class Batch {
 public:
  explicit Batch(unsigned words) : width_(words) { enlarge(kUsual); }

  /// Successors move on in groups of this size, a group being looked at kLook later, and popped
  /// kPop later: a few hundred nanoseconds each, which is what memory takes.
  static constexpr std::uint64_t kGroup = 16, kLook = 16, kPop = 32;
  static constexpr std::uint64_t kUsual = 64;

  std::uint64_t size() const { return pushed_ - popped_; }
  bool full() const { return size() == mask_ + 1; }
  /// The number of states pushed so far; the next one gets it as its number.
  std::uint64_t pushed() const { return pushed_; }
  std::uint64_t popped() const { return popped_; }

  /// Adds a state and gives its hash.
  std::uint64_t push(const std::uint64_t* state) {
    const std::uint64_t place = pushed_++ & mask_;
    copy(width_, state, words_ + place * width_.get());
    return hashes_[place] = hash(width_, state);
  }
  /// Calls look(hash) for those before number `end` that it was not called for.
  template <class Look>
  void look(std::uint64_t end, Look&& look) {
    for (; looked_ < end; ++looked_) look(hashes_[looked_ & mask_]);
  }
  /// Calls pop(state, hash) for those before number `end`, which leave the batch.
  template <class Pop>
  void pop(std::uint64_t end, Pop&& pop) {
    for (; popped_ < end; ++popped_) {
      const std::uint64_t place = popped_ & mask_;
      pop(words_ + place * width_.get(), hashes_[place]);
    }
  }

  /// Makes room, while the visited set has none.
  void enlarge() { enlarge(2 * (mask_ + 1)); }

 private:
  void enlarge(std::uint64_t capacity) {
    Pages word_pages(capacity * width_.get() * sizeof(std::uint64_t));
    Pages hash_pages(capacity * sizeof(std::uint64_t));
    auto* const words = word_pages.as<std::uint64_t>();
    auto* const hashes = hash_pages.as<std::uint64_t>();
    for (std::uint64_t i = popped_; i < pushed_; ++i) {
      const std::uint64_t to = i & (capacity - 1);
      copy(width_, words_ + (i & mask_) * width_.get(), words + to * width_.get());
      hashes[to] = hashes_[i & mask_];
    }
    word_pages_ = static_cast<Pages&&>(word_pages);
    hash_pages_ = static_cast<Pages&&>(hash_pages);
    words_ = words;
    hashes_ = hashes;
    mask_ = capacity - 1;
  }

  [[no_unique_address]] Width<W> width_;
  std::uint64_t pushed_ = 0, looked_ = 0, popped_ = 0;
  std::uint64_t mask_ = 0;
  std::uint64_t* words_ = nullptr;
  std::uint64_t* hashes_ = nullptr;
  Pages word_pages_, hash_pages_;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_BATCH_H
