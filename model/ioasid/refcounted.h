// SPDX-License-Identifier: MIT
// ioasid/refcounted: the allocator of v5.11 to v5.17, commit 24e3bb7429bd: a reference count for
// each id, taken under the lock; ioasid_put() frees.  A bind takes one reference for each user.
#ifndef IOMMUCHECK_MODEL_IOASID_REFCOUNTED_H
#define IOMMUCHECK_MODEL_IOASID_REFCOUNTED_H

#include "model/ioasid/ioasid_design.h"

namespace iommucheck::model {

template <class D>
class IoasidRefcounted : public IoasidDesign<D> {
 public:
  using Base = IoasidDesign<D>;
  using Base::b, Base::ioasid_allocator_lock, Base::ioasid_data, Base::ioasid_xa, Base::local,
      Base::spec;
  using typename Base::B, typename Base::T, typename Base::V;

 public:
  explicit IoasidRefcounted(const IoasidBounds& bounds)
      : Base(bounds, spec_bounds(bounds), {.refs = bounds.threads + 1}) {
    this->build_alloc();
    build_get();
    build_put();
    this->build_find();
    if (b.data != 0) this->build_set_data();
    this->declare_no_leak();
    this->declare_mirror();
  }

  /// ioasid_get(): of an id that the caller knows to be there, by whatever it holds.
  void build_get() {
    auto& p = this->program("ioasid_get");
    const auto exit_unlock = p.label();
    p.arguments([this](T& t) {
      local(t).id = t.choose(b.pasids, "ioasid");
      t.require(!this->holds(t.self(), local(t).id));
    });
    p.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
    p.step("ioasid_data = xa_load(&active_allocator->xa, ioasid)", [=, this](T& t) {
      auto&& l = local(t);
      l.data = this->load_active(l.id);
      t.when(l.data == 0U, [&] {
        this->takes_effect(t, CallKind::get, {.client = t.self(), .id = l.id}, Err::einval, 0);
        t.jump(exit_unlock);
      });
    });
    p.step("refcount_inc(&ioasid_data->refs)", [this](T& t) {
      auto&& l = local(t);
      ioasid_data.at(l.data).refs.inc();
      this->takes_effect(t, CallKind::get, {.client = t.self(), .id = l.id}, Err::ok, 0);
    });
    p.place(exit_unlock);
    p.step("spin_unlock(&ioasid_allocator_lock)",
           [this](T& t) { t.unlock(ioasid_allocator_lock); });
  }

  /// ioasid_put(): of a reference that the caller has.
  void build_put() {
    auto& p = this->program("ioasid_put");
    const auto exit_unlock = p.label();
    p.arguments([this](T& t) {
      local(t).id = t.choose(b.pasids, "ioasid");
      t.require(this->holds(t.self(), local(t).id) || this->owns(t.self(), local(t).id));
    });
    p.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
    p.step("ioasid_data = xa_load(&active_allocator->xa, ioasid)", [this](T& t) {
      auto&& l = local(t);
      l.data = this->load_active(l.id);
    });
    p.step("free = refcount_dec_and_test(&ioasid_data->refs)", [=, this](T& t) {
      auto&& l = local(t);
      auto&& data = ioasid_data.at(l.data);
      l.priv = data.priv;
      const B free = data.refs.dec_and_test();
      t.when(!free, [&] {
        this->takes_effect(t, CallKind::put, {.client = t.self(), .id = l.id}, Err::ok, 0);
        l.priv = 0;
        t.jump(exit_unlock);
      });
    });
    p.step("ioasid_data = xa_erase(&active_allocator->xa, ioasid)", [this](T& t) {
      auto&& l = local(t);
      l.data = ioasid_xa.erase(l.id);
      this->takes_effect(t, CallKind::put, {.client = t.self(), .id = l.id}, Err::ok, 1);
    });
    p.step("kfree_rcu(ioasid_data, rcu)", [this](T& t) { ioasid_data.kfree_rcu(local(t).data); });
    p.place(exit_unlock);
    p.step("spin_unlock(&ioasid_allocator_lock); client: kfree_rcu(private)", [this](T& t) {
      t.unlock(ioasid_allocator_lock);
      this->free_private_rcu(local(t).priv);
    });
  }

  void after_init(Program<D>& p) override {
    p.step("refcount_set(&data->refs, 1)",
           [this](T& t) { ioasid_data.at(local(t).data).refs.set(1); });
  }
  B mirrors(const IoasidData<D>& data, unsigned i) override {
    return data.refs.read() == this->references(i);
  }

 private:
  static ioasid::Bounds spec_bounds(const IoasidBounds& b) {
    return {.ids = b.pasids,
            .sets = b.sets,
            .data = b.data,
            .clients = b.threads + (b.interrupt ? 1U : 0U),
            .static_sets = true,
            .references = true};
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOASID_REFCOUNTED_H
