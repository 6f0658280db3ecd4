// SPDX-License-Identifier: MIT
// Calls on what an id carries: find, set_data, attach_data, detach_data, and the set-private ids.
// Sources: 6.1 drivers/iommu/ioasid.c (find, set_data); the mail of 2019-02 (data after allocation,
// the set check); v3 and v4 of the series of 2020 (attach, detach, SPID).
#ifndef IOMMUCHECK_SPEC_IOASID_DATA_CALLS_H
#define IOMMUCHECK_SPEC_IOASID_DATA_CALLS_H

#include "spec/ioasid/relation.h"

namespace iommucheck::ioasid {

template <class D>
class DataCalls : Relation<D> {
  using Base = Relation<D>;
  using Base::s, Base::ctx;
  using typename Base::A, typename Base::B, typename Base::R, typename Base::V;

 public:
  using Base::Base;

  void find(const A& c, R& r) {
    const B known = s.known(c.id);
    const B foreign = known && !s.set_fits(c.set, this->set_of(c.id));
    const V data = sum_of<D>(s.bounds.ids,
                             [&](unsigned i) { return select(c.id == i, V(s.id[i].data), V(0)); });
    const B found = known && !foreign;
    this->error(r, Err::enoent, !known, "find: -ENOENT only for an id that nobody has");
    this->error(r, Err::eacces, foreign, "find: -EACCES only for an id of another set");
    ctx.when(r.err != Err::ok, [&] { this->settle_value(r, 0, "find: an error has no value"); });
    this->success(r, found, "find: data only of an id of the set", [&] {
      const B refused = c.getter.template as<Getter>() == Getter::refuse;
      this->settle_value(r, select(refused, V(0), data),
                         "find: the data of the id, or NULL if the getter refuses");
    });
    const B shown = found && c.getter.template as<Getter>() != Getter::none && data != 0U;
    this->settle_getter(r, select(shown, data + 1U, V(0)));
  }

  void set_data(const A& c, R& r) {
    const B known = s.known(c.id);
    this->error(r, Err::enoent, !known, "set_data: -ENOENT only for an id that nobody has");
    this->success(r, known, "set_data succeeds only on an allocated id",
                  [&] { put_data(c.id, c.data); });
    this->settle_value(r, 0, "set_data has no value");
  }

  void attach_data(const A& c, R& r) {
    const B known = s.known(c.id);
    const B there = known && this->has_data(c.id);
    this->error(r, Err::enoent, !known, "attach_data: -ENOENT only for an id that nobody has");
    this->error(r, Err::ebusy, there, "attach_data: -EBUSY only if data is there");
    this->success(r, known && !there, "attach_data succeeds only on an allocated id without data",
                  [&] { put_data(c.id, c.data); });
    this->settle_value(r, 0, "attach_data has no value");
  }

  void detach_data(const A& c, R& r) {
    this->success(r, [&] { put_data(c.id, 0); });
    this->settle_value(r, 0, "detach_data has no value");
  }

  void attach_spid(const A& c, R& r) {
    const B known = s.known(c.id);
    const V set = this->set_of(c.id);
    const B unusable = c.spid == 0U || (known && (set == 0U || spid_taken(set, c.spid)));
    this->error(r, Err::enoent, !known, "attach_spid: -ENOENT only for an id that nobody has");
    this->error(r, Err::einval, unusable,
                "attach_spid: -EINVAL only for no spid, no set, or an spid the set has");
    this->success(r, known && !unusable,
                  "attach_spid succeeds only with an spid that is new in the set", [&] {
                    this->with_id(c.id, [&](unsigned i) { s.id[i].spid = c.spid; });
                    this->settle_notified(r, s.on_set_chain(set));
                  });
    ctx.when(r.err != Err::ok, [&] { this->settle_notified(r, 0); });
    this->settle_value(r, 0, "attach_spid has no value");
  }

  void detach_spid(const A& c, R& r) {
    this->success(r, [&] {
      Local<D> notified{ctx, 0};
      this->with_id(c.id, [&](unsigned i) {
        ctx.when(s.id[i].spid != 0U, [&] {
          notified = s.on_set_chain(s.id[i].set);
          s.id[i].spid = 0;
        });
      });
      this->settle_notified(r, notified);
    });
    this->settle_value(r, 0, "detach_spid has no value");
  }

  void find_by_spid(const A& c, R& r) {
    ctx.contract(c.spid != 0U && s.set_is(c.set, [&](unsigned k) { return !s.gone(k); }),
                 "find_by_spid: the set exists and an spid is given");
    const auto matches = [&](unsigned i) {
      return s.allocated(i) && s.id[i].set == c.set && s.id[i].spid == c.spid &&
             (c.take == 0U || s.id[i].state != IdState::free_pending);
    };
    this->error(
        r, Err::invalid, !any_of<D>(s.bounds.ids, matches),
        "find_by_spid: INVALID_IOASID only if no id of the set has the spid (and can be taken)");
    ctx.when(r.err != Err::ok,
             [&] { this->settle_value(r, 0, "find_by_spid: INVALID_IOASID is no id"); });
    this->success(r,
                  any_of<D>(s.bounds.ids, [&](unsigned i) { return r.value == i && matches(i); }),
                  "find_by_spid gives the id of the set that has the spid", [&] {
                    ctx.when(c.take != 0U, [&] {
                      this->with_id(r.value, [&](unsigned i) {
                        s.id[i].holders = s.id[i].holders | this->client_bit(c.client);
                      });
                    });
                  });
  }

 private:
  void put_data(V number, V data) {
    this->with_id(number, [&](unsigned i) {
      auto&& id = s.id[i];
      id.data = data;
      ctx.when(id.state != IdState::free_pending, [&] {
        id.state = select(data == 0U, Val<D, IdState>(IdState::idle), IdState::active);
      });
    });
  }
  B spid_taken(V set, V spid) const {
    return any_of<D>(s.bounds.ids, [&](unsigned i) {
      return s.allocated(i) && s.id[i].set == set && s.id[i].spid == spid;
    });
  }
};

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_SPEC_IOASID_DATA_CALLS_H
