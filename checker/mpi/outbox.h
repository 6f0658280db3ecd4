// SPDX-License-Identifier: MIT
// Outbox: states on their way to one other rank.
//
// A message is sent when it is full, or flushed, and its buffer is used again when MPI is done with
// it.  For one thread.
#ifndef IOMMUCHECK_CHECKER_MPI_OUTBOX_H
#define IOMMUCHECK_CHECKER_MPI_OUTBOX_H

#include <mpi.h>

#include <array>
#include <cstdint>
#include <vector>

namespace iommucheck::checker {

class Outbox {
 public:
  /// States of a message.  More make fewer messages, and the other rank waits longer for its work.
  static constexpr std::uint64_t kStates = 512;
  /// Messages on their way at once.
  static constexpr unsigned kBuffers = 4;
  static constexpr int kTag = 1;

  Outbox(int to, unsigned words, MPI_Comm comm);

  /// Whether post() is needed before the next add().
  bool full() const { return filled_ == words_ * kStates; }
  bool empty() const { return filled_ == 0; }
  void add(const std::uint64_t* state) {
    std::uint64_t* const to = buffers_[next_].words.data() + filled_;
    for (unsigned i = 0; i < words_; ++i) to[i] = state[i];
    filled_ += words_;
  }
  /// Sends what is there, or an empty message; false, and nothing is done, if no buffer will be
  /// free for what comes after it.  `bytes` is the message's size.
  bool post(std::uint64_t& bytes);
  /// All messages have left.
  bool idle();

 private:
  struct Buffer {
    std::vector<std::uint64_t> words;
    MPI_Request request = MPI_REQUEST_NULL;
  };
  static bool done(Buffer& buffer);

  int to_;
  unsigned words_;
  MPI_Comm comm_;
  std::array<Buffer, kBuffers> buffers_;
  unsigned next_ = 0;         ///< the buffer that is filled
  std::uint64_t filled_ = 0;  ///< words of it
};

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_MPI_OUTBOX_H
