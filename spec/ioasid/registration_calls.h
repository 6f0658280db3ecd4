// SPDX-License-Identifier: MIT
// Calls that register custom allocators and notifiers.
// Sources: 6.1 drivers/iommu/ioasid.c, the rules in the comment on struct ioasid_allocator_data and
// on ioasid_register_allocator(); v4 of the series of 2020 (notifier chains).
#ifndef IOMMUCHECK_SPEC_IOASID_REGISTRATION_CALLS_H
#define IOMMUCHECK_SPEC_IOASID_REGISTRATION_CALLS_H

#include "spec/ioasid/relation.h"

namespace iommucheck::ioasid {

template <class D>
class RegistrationCalls : Relation<D> {
  using Base = Relation<D>;
  using Base::s, Base::ctx;
  using typename Base::A, typename Base::B, typename Base::R, typename Base::V;

 public:
  using Base::Base;

  void register_allocator(const A& c, R& r) {
    const B there = registered(c.ops);
    const B default_in_use =
        s.groups.empty() && any_of<D>(s.bounds.ids, [&](unsigned i) { return s.allocated(i); });
    this->error(r, Err::eexist, there, "register_allocator: -EEXIST only if the ops is registered");
    this->error(r, Err::eagain, default_in_use,
                "register_allocator: -EAGAIN only if the default allocator has ids out");
    this->error(r, Err::enomem, c.nomem != 0U,
                "register_allocator: -ENOMEM only if an allocation failed");
    this->success(
        r, !there && !default_in_use,
        "register_allocator succeeds only for a new ops, with no ids of the default allocator out",
        [&] {
          for (unsigned ops = 1; ops <= s.bounds.ops; ++ops) {
            const unsigned group = ops_functions(ops);
            ctx.when(c.ops == ops, [&] {
              ctx.when(s.members[group - 1].empty(), [&] { s.groups.append(group); });
              s.members[group - 1].append(ops);
            });
          }
        });
    this->settle_value(r, 0, "register_allocator has no value");
  }

  void unregister_allocator(const A& c, R& r) {
    ctx.contract(registered(c.ops), "unregister_allocator: the ops is registered");
    ctx.contract(!any_of<D>(s.bounds.ops,
                            [&](unsigned o) {
                              return c.ops == o + 1 && is_last(o + 1) &&
                                     group_in_use(ops_functions(o + 1));
                            }),
                 "unregister_allocator: no id is out when the last ops of a group goes");
    this->success(r, [&] {
      for (unsigned ops = 1; ops <= s.bounds.ops; ++ops) {
        const unsigned group = ops_functions(ops);
        ctx.when(c.ops == ops && s.members[group - 1].contains(ops), [&] {
          const B last = is_last(ops);
          s.members[group - 1].remove(ops);
          ctx.when(last, [&] {
            lose_ids(group);
            s.groups.remove(group);
          });
        });
      }
    });
    this->settle_value(r, 0, "unregister_allocator has no value");
  }

  void register_notifier(const A& c, R& r) {
    ctx.contract(c.set == 0U || s.set_is(c.set, [&](unsigned k) { return !s.gone(k); }),
                 "register_notifier: the set is NULL or exists");
    const B there = on_some_chain(c.nb);
    this->error(r, Err::eexist, there,
                "register_notifier: -EEXIST only if the block is on a chain");
    this->success(r, !there, "register_notifier succeeds only for a block that is on no chain",
                  [&] { s.chain[c.nb - 1U] = c.set + 1U; });
    this->settle_value(r, 0, "register_notifier has no value");
  }

  void unregister_notifier(const A& c, R& r) {
    const B there = s.chain[c.nb - 1U] == c.set + 1U;
    this->error(r, Err::enoent, !there,
                "unregister_notifier: -ENOENT only if the block is not on that chain");
    this->success(r, there, "unregister_notifier succeeds only for a block on that chain",
                  [&] { s.chain[c.nb - 1U] = 0; });
    this->settle_value(r, 0, "unregister_notifier has no value");
  }

 private:
  B registered(V ops) const {
    return any_of<D>(s.bounds.ops, [&](unsigned o) {
      return ops == o + 1 && s.members[ops_functions(o + 1) - 1].contains(o + 1);
    });
  }
  /// Whether this ops is the only one of its group.
  B is_last(unsigned ops) const {
    auto&& members = s.members[ops_functions(ops) - 1];
    return members.front() == ops && members[1] == 0U;
  }
  B group_in_use(unsigned group) const {
    return any_of<D>(s.bounds.ids, [&](unsigned i) {
      return s.id[i].state != IdState::free && s.id[i].group == group;
    });
  }
  /// Out of contract: "outstanding IOASIDs will be lost and orphaned" (rule 3).
  void lose_ids(unsigned group) {
    for (unsigned i = 0; i < s.bounds.ids; ++i) {
      ctx.when(s.id[i].state != IdState::free && s.id[i].group == group, [&] { this->release(i); });
    }
  }
  B on_some_chain(V nb) const { return s.chain[nb - 1U] != 0U; }
};

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_SPEC_IOASID_REGISTRATION_CALLS_H
