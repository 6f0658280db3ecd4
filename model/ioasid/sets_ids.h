// SPDX-License-Identifier: MIT
// ioasid/sets: freeing ids and counting references on them.  Included by sets.h.
#ifndef IOMMUCHECK_MODEL_IOASID_SETS_IDS_H
#define IOMMUCHECK_MODEL_IOASID_SETS_IDS_H

#include "model/ioasid/sets.h"

namespace iommucheck::model {

/// ioasid_free().
template <class D>
void IoasidSets<D>::build_free() {
  auto& p = this->program("ioasid_free");
  const auto exit_unlock = p.label();
  const auto do_free = p.label();
  // Of an id whose owner's reference is still there: free drops that one.
  p.arguments([this](T& t) {
    auto&& l = local(t);
    l.id = t.choose(b.pasids, "ioasid");
    t.require(any_of<D>(b.pasids, [&](unsigned i) {
      auto&& id = spec.state.id[i];
      return l.id == i && (id.owner != 0U || id.state == ioasid::IdState::free_pending ||
                           id.state == ioasid::IdState::free);
    }));
  });
  p.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
  p.step("data = xa_load(&active_allocator->xa, ioasid)", [=, this](T& t) {
    auto&& l = local(t);
    l.data = this->load_active(l.id);
    t.when(l.data == 0U, [&] {
      this->takes_effect(t, CallKind::free, {.id = l.id}, Err::ok, 0);
      t.jump(exit_unlock);
    });
  });
  p.step("if (data->state == IOASID_STATE_FREE_PENDING)", [=, this](T& t) {
    auto&& l = local(t);
    t.when(ioasid_data.at(l.data).pending == 1U, [&] {
      this->takes_effect(t, CallKind::free, {.id = l.id}, Err::ok, 0);
      t.jump(exit_unlock);
    });
  });
  p.step("data->state = IOASID_STATE_FREE_PENDING; if (!refcount_dec_and_test(&data->refs))",
         [=, this](T& t) {
           auto&& l = local(t);
           auto&& data = ioasid_data.at(l.data);
           data.pending = 1;
           t.when(
               data.refs.dec_and_test(), [&] { t.jump(do_free); },
               [&] { this->takes_effect(t, CallKind::free, {.id = l.id}, Err::ok, 0); });
         });
  if (b.notifiers != 0) {
    p.step("nb = rcu_dereference_raw(nh->head)", [this](T& t) { local(t).nb = ioasid_notifier; });
  }
  p.step("ioasid_notify(data, IOASID_NOTIFY_FREE, ...)", [=, this](T& t) {
    auto&& l = local(t);
    t.when(l.nb != 0U, [&] { notifier_block.touch(l.nb); });
    t.jump(exit_unlock);
  });
  p.place(do_free);
  build_free_tail(p, CallKind::free);
  p.place(exit_unlock);
  p.step("spin_unlock(&ioasid_allocator_lock); client: kfree_rcu(private)", [this](T& t) {
    t.unlock(ioasid_allocator_lock);
    this->free_private_rcu(local(t).priv);
  });
}

/// ioasid_get() and ioasid_put().
template <class D>
void IoasidSets<D>::build_get_put() {
  auto& g = this->program("ioasid_get");
  const auto out = g.label();
  g.arguments([this](T& t) {
    auto&& l = local(t);
    l.id = t.choose(b.pasids, "ioasid");
    l.set = t.choose(b.sets + 1, "set");
    t.require(!this->holds(t.self(), l.id));
  });
  g.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
  g.step("data = xa_load(&active_allocator->xa, ioasid)", [=, this](T& t) {
    auto&& l = local(t);
    l.data = this->load_active(l.id);
    t.when(l.data == 0U, [&] { refuse_get(t, Err::einval, out); });
  });
  g.step("if (data->state == IOASID_STATE_FREE_PENDING)", [=, this](T& t) {
    t.when(ioasid_data.at(local(t).data).pending == 1U, [&] { refuse_get(t, Err::ebusy, out); });
  });
  g.step("if (set && data->set != set)", [=, this](T& t) {
    auto&& l = local(t);
    t.when(l.set != 0U && ioasid_data.at(l.data).set != l.set,
           [&] { refuse_get(t, Err::eacces, out); });
  });
  g.step("refcount_inc(&data->refs)", [this](T& t) {
    auto&& l = local(t);
    ioasid_data.at(l.data).refs.inc();
    this->takes_effect(t, CallKind::get, {.client = t.self(), .set = l.set, .id = l.id}, Err::ok,
                       0);
  });
  g.place(out);
  g.step("spin_unlock(&ioasid_allocator_lock)", [this](T& t) { t.unlock(ioasid_allocator_lock); });

  auto& p = this->program("ioasid_put");
  const auto exit_unlock = p.label();
  // Of a reference by get: the owner's one is dropped by ioasid_free() or with the set.
  p.arguments([this](T& t) {
    local(t).id = t.choose(b.pasids, "ioasid");
    t.require(this->holds(t.self(), local(t).id));
  });
  p.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
  p.step("data = xa_load(&active_allocator->xa, ioasid)", [this](T& t) {
    auto&& l = local(t);
    l.data = this->load_active(l.id);
  });
  p.step("if (!refcount_dec_and_test(&data->refs))", [=, this](T& t) {
    auto&& l = local(t);
    t.when(!ioasid_data.at(l.data).refs.dec_and_test(), [&] {
      this->takes_effect(t, CallKind::put, {.client = t.self(), .id = l.id}, Err::ok, 0);
      t.jump(exit_unlock);
    });
  });
  build_free_tail(p, CallKind::put);
  p.place(exit_unlock);
  p.step("spin_unlock(&ioasid_allocator_lock); client: kfree_rcu(private)", [this](T& t) {
    t.unlock(ioasid_allocator_lock);
    this->free_private_rcu(local(t).priv);
  });
}

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOASID_SETS_IDS_H
