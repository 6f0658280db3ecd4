// SPDX-License-Identifier: MIT
// Calls that make and unmake ids: alloc, free, get, put.
// Sources: 6.1 drivers/iommu/ioasid.c (alloc, free); commit 24e3bb7429bd (get, put); v4 of the
// series of 2020 (free pending, owner's reference, notifications).
#ifndef IOMMUCHECK_SPEC_IOASID_ID_CALLS_H
#define IOMMUCHECK_SPEC_IOASID_ID_CALLS_H

#include "spec/ioasid/relation.h"

namespace iommucheck::ioasid {

template <class D>
class IdCalls : Relation<D> {
  using Base = Relation<D>;
  using Base::s, Base::ctx;
  using typename Base::A, typename Base::B, typename Base::R, typename Base::V;

 public:
  using Base::Base;

  void alloc(const A& c, R& r) {
    ctx.contract(c.set == 0U || s.set_is(c.set, [&](unsigned k) { return !s.gone(k); }),
                 "alloc: the set is NULL or exists");
    const B custom = s.active_group() != 0U;
    const B set_refuses =
        s.set_is(c.set, [&](unsigned k) { return !s.live(k) || quota_reached(k); });
    const B callback_refuses = c.callback == 0U;
    const V answered = c.callback - 1U;
    const B answer_in_use = !callback_refuses && s.known(answered);
    ctx.contract(
        !custom || set_refuses || callback_refuses ||
            (!answer_in_use && answered >= c.min && answered <= c.max && answered < s.bounds.ids),
        "alloc: the callback answers a free id of [min, max]");
    const B exhausted = !any_of<D>(
        s.bounds.ids, [&](unsigned i) { return is_free(i) && c.min <= i && c.max >= i; });
    ctx.when(r.err == Err::invalid, [&] {
      ctx.require(
          c.nomem != 0U || set_refuses ||
              this->select_bit(custom, callback_refuses || answer_in_use, exhausted),
          "alloc: INVALID_IOASID only if memory, the set, the range or the callback gives no id");
      // Memory can run out before the callback or after it: then the id is handed back to it.
      ctx.when(c.nomem == 0U || r.allocator != 0U, [&] {
        this->settle_allocator(r, select(custom && !set_refuses, s.serving_ops(), V(0)));
      });
      this->settle_notified(r, 0);
      this->settle_value(r, 0, "alloc: INVALID_IOASID is no id");
    });
    this->success(r, !set_refuses, "alloc succeeds only in a live set below its quota", [&] {
      ctx.require(any_of<D>(s.bounds.ids, [&](unsigned i) { return r.value == i && is_free(i); }),
                  "alloc gives an id that nobody has");
      ctx.require(this->select_bit(custom, !callback_refuses && r.value == answered,
                                   r.value >= c.min && r.value <= c.max),
                  "alloc gives an id of [min, max], or the one that the callback answered");
      this->settle_allocator(r, s.serving_ops());
      this->settle_notified(r, s.on_set_chain(c.set));
      for (unsigned i = 0; i < s.bounds.ids; ++i) {
        ctx.when(r.value == i, [&] {
          auto&& id = s.id[i];
          id.state = select(c.data == 0U, Val<D, IdState>(IdState::idle), IdState::active);
          id.set = c.set;
          id.data = c.data;
          id.group = s.active_group();
          if (s.bounds.references) id.owner = c.client + 1U;
        });
      }
    });
  }

  void free(const A& c, R& r) {
    this->success(r, [&] {
      Local<D> notified{ctx, 0}, callback{ctx, 0};
      const V serving = s.serving_ops();
      this->with_id(c.id, [&](unsigned i) {
        auto&& id = s.id[i];
        const B mine = s.set_fits(c.set, id.set);
        const V chains = s.on_global_chain() | s.on_set_chain(id.set);
        ctx.when(mine && id.state != IdState::free_pending, [&] {
          ctx.when(
              id.holders == 0U,
              [&] {
                callback = serving;
                this->release(i);
              },
              [&] {
                notified = chains;
                id.owner = 0;
                id.state = IdState::free_pending;
              });
        });
      });
      this->settle_notified(r, notified);
      this->settle_allocator(r, callback);
    });
    this->settle_value(r, 0, "free has no value");
  }

  void get(const A& c, R& r) {
    const B known = s.known(c.id);
    const B foreign = known && !s.set_fits(c.set, this->set_of(c.id));
    const B pending = known && this->pending(c.id);
    ctx.contract(
        !any_of<D>(s.bounds.ids,
                   [&](unsigned i) { return c.id == i && s.allocated(i) && holds(i, c.client); }),
        "get: the client holds no reference by get on the id");
    this->error(r, Err::einval, !known, "get: -EINVAL only for an id that nobody has");
    this->error(r, Err::eacces, foreign, "get: -EACCES only for an id of another set");
    this->error(r, Err::ebusy, pending, "get: -EBUSY only for an id that is free pending");
    this->success(r, known && !foreign && !pending,
                  "get: a reference only on an id of the set that is not free pending", [&] {
                    this->with_id(c.id, [&](unsigned i) {
                      auto&& id = s.id[i];
                      id.holders = id.holders | this->client_bit(c.client);
                    });
                  });
    this->settle_value(r, 0, "get has no value");
  }

  void put(const A& c, R& r) {
    this->success(r, [&] {
      Local<D> freed{ctx, 0}, callback{ctx, 0};
      const V serving = s.serving_ops();
      this->with_id(c.id, [&](unsigned i) {
        auto&& id = s.id[i];
        ctx.when(s.set_fits(c.set, id.set), [&] {
          const B by_get = holds(i, c.client);
          const B by_owning = !by_get && id.owner == c.client + 1U;
          ctx.contract(by_get || by_owning, "put: the client holds a reference, or owns the id");
          ctx.when(by_get,
                   [&] { id.holders = this->without(id.holders, this->client_bit(c.client)); });
          ctx.when(by_owning, [&] { id.owner = 0; });
          ctx.when((by_get || by_owning) && id.owner == 0U && id.holders == 0U, [&] {
            freed = 1;
            callback = serving;
            this->release(i);
          });
        });
      });
      this->settle_value(r, freed, "put: true if and only if the last reference is gone");
      this->settle_allocator(r, callback);
      this->settle_notified(r, 0);
    });
  }

 private:
  /// Free for whoever allocates now.
  B is_free(unsigned i) const { return !s.allocated(i); }
  B quota_reached(unsigned k) const {
    return s.bounds.static_sets ? B(false) : s.members_of(k) >= s.set[k - 1].quota;
  }
  B holds(unsigned i, V client) const { return (s.id[i].holders & this->client_bit(client)) != 0U; }
};

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_SPEC_IOASID_ID_CALLS_H
