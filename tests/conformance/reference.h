// SPDX-License-Identifier: MIT
// A deliberately simple sequential IOASID allocator, written from docs/ioasid.md, with switches
// that each make it wrong in one place.
#ifndef IOMMUCHECK_TESTS_CONFORMANCE_REFERENCE_H
#define IOMMUCHECK_TESTS_CONFORMANCE_REFERENCE_H

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "spec/ioasid/bounds.h"
#include "spec/ioasid/call.h"

namespace iommucheck::conformance {

enum class Mutant {
  none,
  range_starts_late,       ///< alloc leaves out the lowest id of the range
  quota_not_returned,      ///< a set that goes keeps its quota
  getter_sees_null,        ///< find calls the getter where there is no data
  no_set_check,            ///< find answers for ids of other sets
  last_ops_serves,         ///< the newest member of the active group serves
  put_frees_early,         ///< put frees an id whose owner still has it
  token_survives,          ///< the token of a dying set stays taken
  free_is_silent,          ///< free with references left notifies nobody
  spid_not_unique,         ///< two ids of a set may have the same spid
  pending_is_not_counted,  ///< free-pending ids do not count against the quota
  pending_can_be_got,      ///< get succeeds on a free-pending id
  refusal_is_id_0,         ///< a callback that refuses gives id 0
};

class Reference : public ioasid::Subject {
 public:
  using Number = std::uint32_t;
  using Outcome = ioasid::Outcome;

  Reference(const ioasid::Bounds& bounds, Mutant mutant)
      : bounds_(bounds), mutant_(mutant), capacity_(bounds.capacity) {}
  ioasid::Outcome execute(const ioasid::Call& call) override;

 private:
  using A = ioasid::Arguments<Number>;

  struct Set {
    Number token = 0, quota = 0;
    std::set<Number> holders;  ///< empty: dying
  };
  struct Id {
    Number set = 0, data = 0, spid = 0;
    std::optional<Number> owner;
    std::set<Number> holders;
    bool pending = false;
  };
  /// The ids of one group of allocators (0: the default one).
  using Space = std::map<Number, Id>;

  Outcome alloc_set(const A& a);
  Outcome set_put(const A& a);
  Outcome adjust_set(const A& a);
  Outcome find_set(const A& a);
  Outcome alloc(const A& a);
  std::optional<Number> choose(const A& a);
  Outcome free(const A& a);
  Outcome get(const A& a);
  Outcome put(const A& a);
  Outcome find(const A& a);
  Outcome attach_data(const A& a);
  Outcome attach_spid(const A& a);
  Outcome detach_spid(const A& a);
  Outcome find_by_spid(const A& a);
  Outcome register_allocator(const A& a);
  Outcome unregister_allocator(const A& a);
  Outcome register_notifier(const A& a);
  Outcome unregister_notifier(const A& a);

  bool is(Mutant m) const { return mutant_ == m; }
  Space& space() { return spaces_[groups_.empty() ? 0 : groups_.front()]; }
  Id* known(Number id);
  Number serving() const;
  Number chain(Number where) const;
  Number available() const;
  Number members(Number set, bool for_quota = false);
  Set* live(Number set);
  void drop_owner(Number number, Outcome& outcome);
  void erase(Number id);
  void set_goes_if_empty(Number set);

  ioasid::Bounds bounds_;
  Mutant mutant_;
  Number capacity_, lost_ = 0;
  std::map<Number, Set> sets_;
  std::map<Number, Space> spaces_;
  std::vector<Number> groups_;                 ///< registered ones, the active one first
  std::map<Number, std::vector<Number>> ops_;  ///< of a group
  std::map<Number, Number> notifiers_;         ///< nb -> 0 (global) or a set
};

}  // namespace iommucheck::conformance

#endif  // IOMMUCHECK_TESTS_CONFORMANCE_REFERENCE_H
