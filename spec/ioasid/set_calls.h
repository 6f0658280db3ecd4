// SPDX-License-Identifier: MIT
// Calls on sets: capacity, alloc_set, set_get, set_put, adjust_set, find_set.
// Source: series "IOASID extensions for guest SVA", v3 of 2020-09-28 (sets with a refcount), patch
// 4, and its review: the set is found by its token, the quota goes back when the set is gone.
#ifndef IOMMUCHECK_SPEC_IOASID_SET_CALLS_H
#define IOMMUCHECK_SPEC_IOASID_SET_CALLS_H

#include "spec/ioasid/relation.h"

namespace iommucheck::ioasid {

template <class D>
class SetCalls : Relation<D> {
  using Base = Relation<D>;
  using Base::s, Base::ctx;
  using typename Base::A, typename Base::B, typename Base::R, typename Base::V;

 public:
  using Base::Base;

  void install_capacity(const A& c, R& r) {
    ctx.contract(all_of<D>(s.bounds.sets, [&](unsigned i) { return s.gone(i + 1); }),
                 "install_capacity: no set exists yet");
    this->success(r, [&] { s.capacity = c.quota; });
    this->settle_value(r, 0, "install_capacity has no value");
  }

  void alloc_set(const A& c, R& r) {
    const B no_quota = c.quota == 0U;
    const B no_room = c.quota > s.available();
    const B taken = c.token != 0U && token_is_live(c.token);
    const B none_left = all_of<D>(s.bounds.sets, [&](unsigned i) { return !s.gone(i + 1); });
    this->error(r, Err::einval, no_quota, "alloc_set: -EINVAL only for quota 0 (v3 4/14, review)");
    this->error(r, Err::enospc, no_room,
                "alloc_set: -ENOSPC only if the quota exceeds what is available");
    this->error(r, Err::eexist, taken, "alloc_set: -EEXIST only if a live set has the token");
    this->error(r, Err::enomem, c.nomem != 0U || none_left,
                "alloc_set: -ENOMEM only if an allocation failed");
    ctx.when(r.err != Err::ok,
             [&] { this->settle_value(r, 0, "alloc_set: an error has no value"); });
    this->success(
        r, !no_quota && !no_room && !taken,
        "alloc_set succeeds only with a quota that is available and a token that is not taken",
        [&] {
          ctx.require(s.set_is(r.value, [&](unsigned k) { return s.gone(k); }),
                      "alloc_set gives a set that is not in use");
          for (unsigned k = 1; k <= s.bounds.sets; ++k) {
            ctx.when(r.value == k, [&] {
              auto&& set = s.set[k - 1];
              set.life = SetLife::live;
              set.token = c.token;
              set.quota = c.quota;
              set.holders = this->client_bit(c.client);
            });
          }
        });
  }

  void set_get(const A& c, R& r) {
    ctx.contract(s.set_is(c.set, [&](unsigned k) { return s.live(k) && !holds(k, c.client); }),
                 "set_get: the set is live and the client holds no reference on it");
    this->success(r, [&] { add_holder(c.set, c.client); });
    this->settle_value(r, 0, "set_get has no value");
  }

  void set_put(const A& c, R& r) {
    ctx.contract(s.set_is(c.set, [&](unsigned k) { return s.live(k) && holds(k, c.client); }),
                 "set_put: the client holds a reference on the set");
    this->success(r, [&] {
      Local<D> notified{ctx, 0}, callback{ctx, 0};
      for (unsigned k = 1; k <= s.bounds.sets; ++k) {
        ctx.when(c.set == k && s.live(k), [&] {
          auto&& set = s.set[k - 1];
          set.holders = this->without(set.holders, this->client_bit(c.client));
          ctx.when(set.holders == 0U, [&] { die(k, notified, callback); });
        });
      }
      this->settle_notified(r, notified);
      this->settle_allocator(r, callback);
    });
    this->settle_value(r, 0, "set_put has no value");
  }

  void adjust_set(const A& c, R& r) {
    ctx.contract(s.set_is(c.set, [&](unsigned k) { return s.live(k); }),
                 "adjust_set: the set is live");
    for (unsigned k = 1; k <= s.bounds.sets; ++k) {
      ctx.when(c.set == k, [&] {
        auto&& set = s.set[k - 1];
        const B too_small = c.quota == 0U || c.quota < s.members_of(k);
        const B no_room = c.quota > set.quota + s.available();
        this->error(r, Err::einval, too_small,
                    "adjust_set: -EINVAL only for quota 0 or less than its ids");
        this->error(r, Err::enospc, no_room,
                    "adjust_set: -ENOSPC only if the quota exceeds what is available");
        this->success(r, !too_small && !no_room, "adjust_set succeeds only with a quota that fits",
                      [&] { set.quota = c.quota; });
      });
    }
    this->settle_value(r, 0, "adjust_set has no value");
  }

  void find_set(const A& c, R& r) {
    ctx.contract(c.token != 0U, "find_set: a token is given");
    this->error(r, Err::enoent, !token_is_live(c.token),
                "find_set: -ENOENT only if no live set has the token");
    ctx.when(r.err != Err::ok,
             [&] { this->settle_value(r, 0, "find_set: an error has no value"); });
    this->success(
        r,
        s.set_is(r.value, [&](unsigned k) { return s.live(k) && s.set[k - 1].token == c.token; }),
        "find_set gives the live set with that token", [&] { add_holder(r.value, c.client); });
  }

 private:
  B token_is_live(V token) const {
    return any_of<D>(s.bounds.sets,
                     [&](unsigned i) { return s.live(i + 1) && s.set[i].token == token; });
  }
  B holds(unsigned k, V client) const {
    return (s.set[k - 1].holders & this->client_bit(client)) != 0U;
  }
  void add_holder(V number, V client) {
    for (unsigned k = 1; k <= s.bounds.sets; ++k) {
      ctx.when(number == k, [&] {
        auto&& set = s.set[k - 1];
        set.holders = set.holders | this->client_bit(client);
      });
    }
  }
  /// The last reference is gone: the token is free again, every id is asked back.
  void die(unsigned k, Local<D>& notified, Local<D>& callback) {
    const V chains = s.on_global_chain() | s.on_set_chain(k);
    const V serving = s.serving_ops();
    s.set[k - 1].life = SetLife::dying;
    s.set[k - 1].token = 0;
    ctx.when(s.members_of(k) == 0U, [&] { this->set_goes(k); });
    for (unsigned i = 0; i < s.bounds.ids; ++i) {
      auto&& id = s.id[i];
      ctx.when(s.allocated(i) && id.set == k && id.state != IdState::free_pending, [&] {
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
    }
  }
};

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_SPEC_IOASID_SET_CALLS_H
