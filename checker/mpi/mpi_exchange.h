// SPDX-License-Identifier: MIT
// MpiExchange: Exchange between the processes that mpirun has started.
//
// It waits only where an outbox's buffers are all on their way, and receives into its inbox in the
// meantime.  So every message is received in the end, whatever the others wait for: ranks that wait
// for each other go on.
#ifndef IOMMUCHECK_CHECKER_MPI_MPI_EXCHANGE_H
#define IOMMUCHECK_CHECKER_MPI_MPI_EXCHANGE_H

#include <mpi.h>

#include <deque>
#include <memory>

#include "checker/explicit/exchange.h"
#include "checker/mpi/outbox.h"

namespace iommucheck::checker {

class MpiExchange final : public Exchange {
 public:
  /// Of all processes.  MPI must have begun, and not end before this does.
  MpiExchange();
  ~MpiExchange() override;

  unsigned rank() const override { return rank_; }
  unsigned ranks() const override { return ranks_; }
  void start(unsigned words) override;
  void send(unsigned to, const std::uint64_t* state) override;
  bool receive(const Sink& sink) override;
  void end_level() override;
  bool level_ended() const override { return marks_ == ranks_ - 1 && inbox_.empty(); }
  void next_level() override;
  std::vector<std::string> all_gather(const std::string& mine) override;
  Traffic traffic() const override { return traffic_; }

 private:
  /// Waits for a buffer if it has to.
  void post(Outbox& outbox);
  /// Brings one message into the inbox; false if there is none.
  bool fetch();

  MPI_Comm comm_ = MPI_COMM_NULL;  // of its own: states do not meet other messages
  unsigned rank_ = 0, ranks_ = 1;
  unsigned words_ = 1;
  std::vector<std::unique_ptr<Outbox>> outboxes_;  ///< of each rank; null for this one
  std::deque<std::vector<std::uint64_t>> inbox_;
  std::vector<std::uint64_t> spare_;  ///< a message's memory, to be used again
  std::vector<bool> marked_;          ///< ranks that have ended the level
  unsigned marks_ = 0;
  bool ended_ = false;
  Traffic traffic_;
};

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_MPI_MPI_EXCHANGE_H
