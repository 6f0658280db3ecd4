// SPDX-License-Identifier: MIT
// Ranks that are threads of this process: the search over several ranks without mpirun.
#ifndef IOMMUCHECK_TESTS_CHECKER_MPI_THREAD_EXCHANGE_H
#define IOMMUCHECK_TESTS_CHECKER_MPI_THREAD_EXCHANGE_H

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "checker/explicit/exchange.h"

namespace iommucheck::checker {

class ThreadRanks {
 public:
  /// What is wrong with the channels, to see that it is noticed.
  enum class Fault : std::uint8_t {
    none,
    lost,      ///< states from rank 1 never arrive at rank 0
    overtaken  ///< marks arrive before the last states of their level
  };

  ThreadRanks(unsigned ranks, std::size_t states_per_message, Fault fault = Fault::none);
  ~ThreadRanks();

  /// Runs `work` for each rank on a thread of its own; throws what the first of them throws.
  void run(const std::function<void(Exchange&)>& work);

 private:
  class Rank;
  struct Message {
    unsigned from = 0;
    std::vector<std::uint64_t> words;  ///< none: a mark
  };

  std::size_t states_per_message_;
  Fault fault_;
  std::mutex mutex_;
  std::condition_variable met_;
  std::vector<std::string> given_, taken_;
  unsigned waiting_ = 0;
  std::uint64_t meetings_ = 0;
  std::vector<std::deque<Message>> inboxes_;
  std::vector<std::unique_ptr<Rank>> ranks_;
};

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_TESTS_CHECKER_MPI_THREAD_EXCHANGE_H
