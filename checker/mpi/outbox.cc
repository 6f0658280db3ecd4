// SPDX-License-Identifier: MIT
// Buffers of messages, used in turn.
#include "checker/mpi/outbox.h"

namespace iommucheck::checker {

Outbox::Outbox(int to, unsigned words, MPI_Comm comm) : to_(to), words_(words), comm_(comm) {
  for (Buffer& buffer : buffers_) buffer.words.resize(words * kStates);
}

bool Outbox::done(Buffer& buffer) {
  int done = 0;
  MPI_Test(&buffer.request, &done, MPI_STATUS_IGNORE);
  return done != 0;
}

bool Outbox::post(std::uint64_t& bytes) {
  // Messages to one rank leave in order: the buffer after this one was sent before all others.
  const unsigned after = (next_ + 1) % kBuffers;
  if (!done(buffers_[after])) return false;
  Buffer& buffer = buffers_[next_];
  MPI_Isend(buffer.words.data(), static_cast<int>(filled_), MPI_UINT64_T, to_, kTag, comm_,
            &buffer.request);
  bytes = filled_ * sizeof(std::uint64_t);
  next_ = after;
  filled_ = 0;
  return true;
}

bool Outbox::idle() {
  for (Buffer& buffer : buffers_) {
    if (!done(buffer)) return false;
  }
  return filled_ == 0;
}

}  // namespace iommucheck::checker
