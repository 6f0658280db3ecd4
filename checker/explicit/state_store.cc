// SPDX-License-Identifier: MIT
// Chunks of the state store, and the pieces that a range of states consists of.
#include "checker/explicit/state_store.h"

#include <algorithm>
#include <new>

namespace iommucheck::checker::explicit_state {

namespace {
// One number is left out: the visited set stores number + 1.
constexpr std::uint64_t kMaxChunks =
    (std::uint64_t{1} << (kStateIdBits - StateStore::kChunkShift)) - 1;
}  // namespace

StateStore::StateStore(unsigned words)
    : words_(words),
      directory_pages_(kMaxChunks * sizeof(std::uint64_t*)),
      directory_(directory_pages_.as<std::uint64_t*>()) {}

std::uint32_t StateStore::add_chunk() {
  // A chunk is a multiple of a huge page for every width of a state.
  Pages pages(kChunkStates * words_ * sizeof(std::uint64_t));
  const std::lock_guard lock(mutex_);
  if (chunks_.size() == kMaxChunks) throw std::bad_alloc();
  chunks_.push_back(std::move(pages));
  const auto number = static_cast<std::uint32_t>(chunks_.size() - 1);
  directory_[number] = chunks_.back().as<std::uint64_t>();
  return number;
}

void StateWriter::open_chunk() {
  chunks_.reserve(chunks_.size() + 1);
  const std::uint32_t number = store_->add_chunk();
  chunks_.push_back(number);
  tail_ = store_->chunk(number);
  next_id_ = StateId{number} << StateStore::kChunkShift;
  left_ = StateStore::kChunkStates;
}

void StateWriter::runs(std::uint64_t first, std::uint64_t last, std::vector<Run>& out) const {
  while (first < last) {
    const std::uint64_t offset = first % StateStore::kChunkStates;
    const std::uint64_t count = std::min(last - first, StateStore::kChunkStates - offset);
    const StateId id =
        (StateId{chunks_[first >> StateStore::kChunkShift]} << StateStore::kChunkShift) + offset;
    out.push_back({store_->at(id, store_->words()), count, id});
    first += count;
  }
}

}  // namespace iommucheck::checker::explicit_state
