// SPDX-License-Identifier: MIT
// ioasid/sets: attaching data after allocation, set-private ids, notifiers.  Included by sets.h.
#ifndef IOMMUCHECK_MODEL_IOASID_SETS_EXTRAS_H
#define IOMMUCHECK_MODEL_IOASID_SETS_EXTRAS_H

#include "model/ioasid/sets.h"

namespace iommucheck::model {

/// ioasid_attach_data() and ioasid_detach_data().
template <class D>
void IoasidSets<D>::build_attach_detach() {
  auto& a = this->program("ioasid_attach_data");
  const auto done_unlock = a.label();
  a.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
  a.step("ioasid_data = xa_load(&active_allocator->xa, ioasid)", [=, this](T& t) {
    auto&& l = local(t);
    l.id = t.choose(b.pasids, "ioasid");
    l.data = this->load_active(l.id);
    t.when(l.data == 0U, [&] {
      this->takes_effect(t, CallKind::attach_data, {.id = l.id, .data = 1}, Err::enoent, 0);
      t.jump(done_unlock);
    });
  });
  a.step("if (ioasid_data->private)", [=, this](T& t) {
    auto&& l = local(t);
    t.when(ioasid_data.at(l.data).priv != 0U, [&] {
      this->takes_effect(t, CallKind::attach_data, {.id = l.id, .data = 1}, Err::ebusy, 0);
      t.jump(done_unlock);
    });
  });
  a.step("rcu_assign_pointer(ioasid_data->private, data)", [this](T& t) {
    auto&& l = local(t);
    const V data = this->some_private_data(t);
    ioasid_data.at(l.data).priv = data;
    this->takes_effect(t, CallKind::attach_data, {.id = l.id, .data = data}, Err::ok, 0);
  });
  a.place(done_unlock);
  a.step("spin_unlock(&ioasid_allocator_lock)", [this](T& t) { t.unlock(ioasid_allocator_lock); });

  auto& d = this->program("ioasid_detach_data");
  const auto unlock = d.label();
  d.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
  d.step("ioasid_data = xa_load(&active_allocator->xa, ioasid)", [=, this](T& t) {
    auto&& l = local(t);
    l.id = t.choose(b.pasids, "ioasid");
    l.data = this->load_active(l.id);
    t.when(l.data == 0U, [&] {
      this->takes_effect(t, CallKind::detach_data, {.id = l.id}, Err::ok, 0);
      t.jump(unlock);
    });
  });
  d.step("rcu_assign_pointer(ioasid_data->private, NULL)", [this](T& t) {
    auto&& l = local(t);
    auto&& data = ioasid_data.at(l.data);
    l.priv = data.priv;
    data.priv = 0;
    this->takes_effect(t, CallKind::detach_data, {.id = l.id}, Err::ok, 0);
  });
  d.place(unlock);
  d.step("spin_unlock(&ioasid_allocator_lock)", [this](T& t) {
    auto&& l = local(t);
    t.unlock(ioasid_allocator_lock);
    l.id.clear();
    l.data = 0;
  });
  this->build_wait_and_free(d);
}

/// ioasid_attach_spid(), ioasid_detach_spid(), ioasid_find_by_spid().
template <class D>
void IoasidSets<D>::build_spids() {
  const auto load = [this](Program<D>& p, CallKind kind, Err missing, const Label& unlock) {
    p.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
    p.step("data = xa_load(&active_allocator->xa, ioasid)", [=, this](T& t) {
      auto&& l = local(t);
      l.id = t.choose(b.pasids, "ioasid");
      l.data = this->load_active(l.id);
      t.when(l.data == 0U, [&] {
        this->takes_effect(t, kind, {.id = l.id, .spid = 1}, missing, 0);
        t.jump(unlock);
      });
    });
  };
  auto& a = this->program("ioasid_attach_spid");
  const auto done = a.label();
  load(a, CallKind::attach_spid, Err::enoent, done);
  a.step(
      "if (ioasid_find_by_spid_locked(data->set, spid) != INVALID_IOASID) ...; data->spid = spid",
      [this](T& t) {
        auto&& l = local(t);
        const V spid = t.choose(b.spids, "spid") + 1U;
        auto&& data = ioasid_data.at(l.data);
        const B taken = spid_of_set(data.set, spid) != b.pasids;
        t.when(!taken, [&] { data.spid = spid; });
        this->takes_effect(t, CallKind::attach_spid, {.id = l.id, .spid = spid},
                           select(taken, Val<D, Err>(Err::einval), Err::ok), 0);
      });
  a.place(done);
  a.step("spin_unlock(&ioasid_allocator_lock)", [this](T& t) { t.unlock(ioasid_allocator_lock); });

  auto& d = this->program("ioasid_detach_spid");
  const auto out = d.label();
  load(d, CallKind::detach_spid, Err::ok, out);
  d.step("data->spid = INVALID_IOASID", [this](T& t) {
    auto&& l = local(t);
    ioasid_data.at(l.data).spid = 0;
    this->takes_effect(t, CallKind::detach_spid, {.id = l.id}, Err::ok, 0);
  });
  d.place(out);
  d.step("spin_unlock(&ioasid_allocator_lock)", [this](T& t) { t.unlock(ioasid_allocator_lock); });

  auto& f = this->program("ioasid_find_by_spid");
  f.arguments([this](T& t) { choose_held_set(t); });
  f.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
  f.step("ioasid = ioasid_find_by_spid_locked(set, spid, get)", [this](T& t) {
    auto&& l = local(t);
    const V spid = t.choose(b.spids, "spid") + 1U;
    const V take = t.choose(2, "get");
    const V id = spid_of_set(l.set, spid);
    const ioasid::Args<D> c{.client = t.self(), .set = l.set, .spid = spid, .take = take};
    const V ptr = ioasid_xa.load(id);
    const auto nothing = [&] { this->takes_effect(t, CallKind::find_by_spid, c, Err::invalid, 0); };
    t.when(ptr == 0U, nothing, [&] {
      auto&& data = ioasid_data.at(ptr);
      // No new reference after ioasid_free().
      t.when(take == 1U && data.pending == 1U, nothing, [&] {
        // A client takes one reference at most: see spec/ioasid/call.h.
        t.when(take == 1U && !this->holds(t.self(), id), [&] { data.refs.inc(); });
        this->takes_effect(t, CallKind::find_by_spid, c, Err::ok, id);
      });
    });
  });
  f.step("spin_unlock(&ioasid_allocator_lock)", [this](T& t) { t.unlock(ioasid_allocator_lock); });
}

/// ioasid_register_notifier() and ioasid_unregister_notifier() on the global chain, after which the
/// client frees its block.
template <class D>
void IoasidSets<D>::build_notifiers() {
  auto& r = this->program("ioasid_register_notifier");
  r.step("atomic_notifier_chain_register(&ioasid_notifier, nb)", [this](T& t) {
    auto&& l = local(t);
    t.when(
        ioasid_notifier == 0U,
        [&] {
          l.nb = notifier_block.kzalloc();
          t.require(l.nb != 0U);
          ioasid_notifier = l.nb;
          this->takes_effect(t, CallKind::register_notifier, {.nb = l.nb}, Err::ok, 0);
        },
        [&] {
          this->takes_effect(t, CallKind::register_notifier, {.nb = ioasid_notifier}, Err::eexist,
                             0);
        });
  });
  auto& u = this->program("ioasid_unregister_notifier");
  u.step("atomic_notifier_chain_unregister(&ioasid_notifier, nb)", [this](T& t) {
    auto&& l = local(t);
    t.require(ioasid_notifier != 0U);
    l.nb = ioasid_notifier;
    ioasid_notifier = 0;
    this->takes_effect(t, CallKind::unregister_notifier, {.nb = l.nb}, Err::ok, 0);
  });
  u.step("synchronize_rcu()", [](T& t) { t.synchronize_rcu_begin(); });
  u.step("synchronize_rcu() returns; client: kfree(nb)", [this](T& t) {
    t.synchronize_rcu_end();
    notifier_block.kfree(local(t).nb);
  });
}

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOASID_SETS_EXTRAS_H
