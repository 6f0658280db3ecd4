// SPDX-License-Identifier: MIT
// Chunks of the state store, and the pieces that a range of states consists of.
#include "checker/explicit/state_store.h"

#include <algorithm>

namespace iommucheck::checker::explicit_state {

Pages StateStore::take_chunk() {
  {
    const std::lock_guard lock(mutex_);
    if (!spare_.empty()) {
      Pages chunk = std::move(spare_.back());
      spare_.pop_back();
      return chunk;
    }
  }
  const std::size_t size = kChunkStates * words_ * sizeof(std::uint64_t);
  if (file_ != nullptr && bytes() + size > most_bytes_) return file_->map(size);
  Pages chunk(size);
  bytes_.fetch_add(chunk.bytes(), std::memory_order_relaxed);
  return chunk;
}

void StateStore::give_back(Pages chunk) {
  const std::lock_guard lock(mutex_);
  spare_.push_back(std::move(chunk));
}

void StateWriter::open_chunk() {
  chunks_.push_back(store_->take_chunk());
  tail_ = chunks_.back().as<std::uint64_t>();
  left_ = StateStore::kChunkStates;
}

void StateWriter::runs(std::uint64_t first, std::uint64_t last, std::vector<Run>& out) const {
  while (first < last) {
    const std::uint64_t offset = first % StateStore::kChunkStates;
    const std::uint64_t count = std::min(last - first, StateStore::kChunkStates - offset);
    const Pages& chunk = chunks_.at(first / StateStore::kChunkStates - forgotten_);
    out.push_back({chunk.as<std::uint64_t>() + offset * store_->words(), count});
    first += count;
  }
}

void StateWriter::forget(std::uint64_t first) {
  for (; forgotten_ < first / StateStore::kChunkStates; ++forgotten_) {
    store_->give_back(std::move(chunks_.front()));
    chunks_.pop_front();
  }
}

void StateWriter::cut(std::uint64_t count) {
  constexpr std::uint64_t kChunk = StateStore::kChunkStates;
  count_ = count;
  while (!chunks_.empty() && (forgotten_ + chunks_.size() - 1) * kChunk >= count) {
    store_->give_back(std::move(chunks_.back()));
    chunks_.pop_back();
  }
  left_ = (kChunk - count % kChunk) % kChunk;
  tail_ = left_ == 0 ? nullptr : at(count);
}

}  // namespace iommucheck::checker::explicit_state
