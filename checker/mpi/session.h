// SPDX-License-Identifier: MIT
// MpiSession: this process as one of those that mpirun has started.
//
// For the main thread.
#ifndef IOMMUCHECK_CHECKER_MPI_SESSION_H
#define IOMMUCHECK_CHECKER_MPI_SESSION_H

#include <memory>
#include <string>

#include "checker/explicit/exchange.h"

namespace iommucheck::checker {

class MpiSession {
 public:
  MpiSession() = default;
  virtual ~MpiSession() = default;
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  virtual Exchange& exchange() = 0;
  /// How many ranks share this one's memory.
  virtual unsigned ranks_on_host() const = 0;
  /// What this rank writes to standard output when mpirun ends it (SIGTERM), which it does when
  /// another rank has died; it exits with `code` then.  Empty: it has its answer,
  /// and is not ended before it is printed.
  virtual void last_words(const std::string& text, int code) = 0;
  /// All ranks are done.  Without it mpirun ends the others when this process ends: that is what
  /// should happen after an error.
  virtual void leave() = 0;
};

/// Null if this build has no MPI.  At most once in a process.
std::unique_ptr<MpiSession> join_mpi();

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_MPI_SESSION_H
