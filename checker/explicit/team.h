// SPDX-License-Identifier: MIT
// Team: threads that do one piece of work together, then wait for the next.
//
// What the caller wrote before run() is seen by all members; what they wrote is seen after it.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_TEAM_H
#define IOMMUCHECK_CHECKER_EXPLICIT_TEAM_H

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace iommucheck::checker::explicit_state {

class Team {
 public:
  /// The caller is member 0.  Has fewer members if the system does not give that many threads.
  explicit Team(unsigned members);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  unsigned size() const { return static_cast<unsigned>(threads_.size()) + 1; }
  /// Calls work(member) for every member, each on its own thread; returns when all have returned.
  /// Rethrows the first exception.
  void run(const std::function<void(unsigned)>& work);

 private:
  void serve(unsigned member);
  void do_work(unsigned member);

  std::mutex mutex_;
  std::condition_variable begin_, end_;
  std::uint64_t round_ = 0;
  unsigned busy_ = 0;
  bool leave_ = false;
  const std::function<void(unsigned)>* work_ = nullptr;
  std::exception_ptr error_;
  std::vector<std::thread> threads_;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_TEAM_H
