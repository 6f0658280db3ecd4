// SPDX-License-Identifier: MIT
// Exchange: what the processes ("ranks") of one search send each other.
//
// Each state belongs to one rank, by a hash of all of it: only that rank keeps and expands it.  The
// others send it there, many states in a message, and do not wait for an answer.
//
// The end of a level is exact.  Each rank that has expanded its states of the level sends every
// other one a mark, after all states it had for it.  Messages from one rank to another arrive in
// the order in which they were sent: who has the marks of all others has all states of the next
// level that are his, and none is on its way.  No rank begins with the next level before all have
// come to all_gather(): so no state of a later level can arrive among those of this one.
//
// For one thread of each rank.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_EXCHANGE_H
#define IOMMUCHECK_CHECKER_EXPLICIT_EXCHANGE_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "checker/report.h"

namespace iommucheck::checker {

class Exchange {
 public:
  using Sink = std::function<void(const std::uint64_t* states, std::uint64_t count)>;

  Exchange() = default;
  virtual ~Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  virtual unsigned rank() const = 0;
  virtual unsigned ranks() const = 0;
  /// By the lower half of the hash: the place in a rank's visited set is by the upper bits.
  unsigned owner(std::uint64_t hash) const {
    return static_cast<unsigned>((hash & 0xffffffff) * ranks() >> 32);
  }

  /// A search begins, whose states have so many words.
  virtual void start(unsigned words) = 0;
  /// Sends the state to another rank, soon.  May wait, but not for what that rank computes.
  virtual void send(unsigned to, const std::uint64_t* state) = 0;
  /// Hands what has arrived to `sink`; false if there was nothing.  `sink` may send nothing.
  virtual bool receive(const Sink& sink) = 0;
  /// This rank sends nothing more in this level.  Called again, it does nothing.
  virtual void end_level() = 0;
  /// After end_level(): whether all that was sent to this rank in this level has been received.
  virtual bool level_ended() const = 0;
  /// After that, before the all_gather() which all ranks come to before the next level.
  virtual void next_level() = 0;

  /// What each rank gives, in the order of ranks.  All must call it.
  virtual std::vector<std::string> all_gather(const std::string& mine) = 0;
  /// The sums of what each rank gives at that place.  All must call it, with equally many values.
  std::vector<std::uint64_t> sum(const std::vector<std::uint64_t>& mine);
  /// The smallest of what the ranks give.  All must call it.
  std::uint64_t smallest(std::uint64_t mine);
  /// All ranks have come here.
  void barrier() { static_cast<void>(all_gather({})); }

  /// Sent by this rank so far, beside what all_gather() sends.
  virtual Traffic traffic() const = 0;
};

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_EXCHANGE_H
