// SPDX-License-Identifier: MIT
// States in messages, and marks, which are messages without a state.
//
// MPI's errors end all processes (MPI_ERRORS_ARE_FATAL): none is looked at here.
#include "checker/mpi/mpi_exchange.h"

#include <limits>
#include <numeric>
#include <stdexcept>
#include <thread>

namespace iommucheck::checker {

MpiExchange::MpiExchange() {
  MPI_Comm_dup(MPI_COMM_WORLD, &comm_);
  int rank = 0;
  int ranks = 1;
  MPI_Comm_rank(comm_, &rank);
  MPI_Comm_size(comm_, &ranks);
  rank_ = static_cast<unsigned>(rank);
  ranks_ = static_cast<unsigned>(ranks);
  traffic_.ranks = ranks_;
  marked_.resize(ranks_);
}

MpiExchange::~MpiExchange() { MPI_Comm_free(&comm_); }

void MpiExchange::start(unsigned words) {
  words_ = words;
  outboxes_.clear();
  for (unsigned to = 0; to < ranks_; ++to) {
    outboxes_.push_back(to == rank_ ? nullptr
                                    : std::make_unique<Outbox>(static_cast<int>(to), words, comm_));
  }
  // A rank that is still about to begin would not know what to do with states.
  barrier();
}

void MpiExchange::send(unsigned to, const std::uint64_t* state) {
  Outbox& outbox = *outboxes_[to];
  if (outbox.full()) post(outbox);
  outbox.add(state);
  ++traffic_.states;
  if (outbox.full()) post(outbox);
}

void MpiExchange::post(Outbox& outbox) {
  std::uint64_t bytes = 0;
  while (!outbox.post(bytes)) {
    if (!fetch()) std::this_thread::yield();
  }
  ++traffic_.messages;
  traffic_.bytes += bytes;
}

bool MpiExchange::fetch() {
  int there = 0;
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Status status;
  MPI_Improbe(MPI_ANY_SOURCE, Outbox::kTag, comm_, &there, &message, &status);
  if (there == 0) return false;
  int words = 0;
  MPI_Get_count(&status, MPI_UINT64_T, &words);
  std::vector<std::uint64_t> states = std::move(spare_);
  states.resize(static_cast<std::size_t>(words));
  MPI_Mrecv(states.data(), words, MPI_UINT64_T, &message, &status);
  const auto from = static_cast<std::size_t>(status.MPI_SOURCE);
  if (marked_[from] || states.size() % words_ != 0)
    throw std::logic_error("internal error: a rank has sent states after the end of its level");
  if (words == 0) {
    marked_[from] = true;
    ++marks_;
    spare_ = std::move(states);
  } else {
    inbox_.push_back(std::move(states));
  }
  return true;
}

bool MpiExchange::receive(const Sink& sink) {
  const bool fetched = fetch();
  if (inbox_.empty()) return fetched;
  const std::vector<std::uint64_t> states = std::move(inbox_.front());
  inbox_.pop_front();
  sink(states.data(), states.size() / words_);
  return true;
}

void MpiExchange::end_level() {
  if (ended_) return;
  ended_ = true;
  for (const auto& outbox : outboxes_) {
    if (outbox == nullptr) continue;
    if (!outbox->empty()) post(*outbox);
    post(*outbox);
  }
}

void MpiExchange::next_level() {
  // The marks of this rank have been sent; that they have left is what the next barrier needs.
  for (const auto& outbox : outboxes_) {
    while (outbox != nullptr && !outbox->idle()) std::this_thread::yield();
  }
  marked_.assign(ranks_, false);
  marks_ = 0;
  ended_ = false;
}

std::vector<std::string> MpiExchange::all_gather(const std::string& mine) {
  if (mine.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) / ranks_)
    throw std::logic_error("internal error: too much for all ranks at once");
  const int size = static_cast<int>(mine.size());
  std::vector<int> sizes(ranks_);
  MPI_Allgather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, comm_);
  std::vector<int> places(ranks_);
  std::exclusive_scan(sizes.begin(), sizes.end(), places.begin(), 0);
  std::string all(static_cast<std::size_t>(places.back() + sizes.back()), '\0');
  MPI_Allgatherv(mine.data(), size, MPI_BYTE, all.data(), sizes.data(), places.data(), MPI_BYTE,
                 comm_);
  std::vector<std::string> parts;
  for (unsigned r = 0; r < ranks_; ++r)
    parts.push_back(
        all.substr(static_cast<std::size_t>(places[r]), static_cast<std::size_t>(sizes[r])));
  return parts;
}

}  // namespace iommucheck::checker
