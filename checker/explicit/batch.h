// SPDX-License-Identifier: MIT
// Batch: successors on their way to the visited set, while memory is brought into the cache.
//
// A worker has two.  One is filled, and each successor's place in the set is fetched; then the
// successors of the other one, whose places have arrived, are inserted, and the two change roles.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_BATCH_H
#define IOMMUCHECK_CHECKER_EXPLICIT_BATCH_H

#include <algorithm>

#include "checker/explicit/visited_set.h"
#include "checker/explicit/words.h"

namespace iommucheck::checker::explicit_state {

template <unsigned W>
class Batch {
 public:
  /// Successors of a few states: enough to wait for memory in the meantime.
  static constexpr std::uint32_t kUsual = 96;

  explicit Batch(unsigned words) : width_(words) { enlarge(4 * kUsual); }

  std::uint32_t size() const { return size_; }
  bool full() const { return size_ >= kUsual; }
  bool empty() const { return done_ == size_; }
  /// Room for `n` more successors after size(): words() and steps() stay until the next call.
  void reserve(std::uint32_t n) {
    if (size_ + n > capacity_) enlarge(std::max(2 * capacity_, size_ + n));
  }
  std::uint64_t* words(std::uint32_t i) const { return words_ + std::size_t{i} * width_.get(); }
  std::uint32_t* steps(std::uint32_t i) const { return steps_ + i; }
  VisitedSet::Probe& probe(std::uint32_t i) const { return probes_[i]; }
  /// So many successors were written to words(size()) and after it.
  void add(std::uint32_t n) { size_ += n; }
  /// Those from number `size` on are not needed.
  void cut(std::uint32_t size) { size_ = size; }

  /// The first one that is not done.
  std::uint32_t done() const { return done_; }
  void set_done(std::uint32_t i) { done_ = i; }
  void clear() { size_ = done_ = 0; }

 private:
  void enlarge(std::uint32_t capacity) {
    Pages word_pages(std::size_t{capacity} * width_.get() * sizeof(std::uint64_t));
    Pages step_pages(std::size_t{capacity} * sizeof(std::uint32_t));
    Pages probe_pages(std::size_t{capacity} * sizeof(VisitedSet::Probe));
    std::copy_n(words_, std::size_t{size_} * width_.get(), word_pages.as<std::uint64_t>());
    std::copy_n(steps_, size_, step_pages.as<std::uint32_t>());
    std::copy_n(probes_, size_, probe_pages.as<VisitedSet::Probe>());
    word_pages_ = std::move(word_pages);
    step_pages_ = std::move(step_pages);
    probe_pages_ = std::move(probe_pages);
    words_ = word_pages_.as<std::uint64_t>();
    steps_ = step_pages_.as<std::uint32_t>();
    probes_ = probe_pages_.as<VisitedSet::Probe>();
    capacity_ = capacity;
  }

  [[no_unique_address]] Width<W> width_;
  std::uint32_t size_ = 0, done_ = 0, capacity_ = 0;
  std::uint64_t* words_ = nullptr;
  std::uint32_t* steps_ = nullptr;
  VisitedSet::Probe* probes_ = nullptr;
  Pages word_pages_, step_pages_, probe_pages_;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_BATCH_H
