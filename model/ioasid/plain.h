// SPDX-License-Identifier: MIT
// ioasid/plain: the allocator of v5.5 to v5.10 and v5.18 to v6.2, 6.1 drivers/iommu/ioasid.c.
// One spinlock guards the allocators and all writes; look-ups run under RCU; no reference counts.
#ifndef IOMMUCHECK_MODEL_IOASID_PLAIN_H
#define IOMMUCHECK_MODEL_IOASID_PLAIN_H

#include "model/ioasid/ioasid_design.h"

namespace iommucheck::model {

/// struct ioasid_allocator_data of a custom allocator.
template <class D>
struct AllocatorData : HeapObject<D> {
  AllocatorData(Scope<D> scope, unsigned processes, const IoasidBounds& b, Sort pasids)
      : HeapObject<D>(std::move(scope), processes),
        xa(*this, "xa", over(pasids), b.ioasid_data(), pointer_to("ioasid_data")) {}
  XArray<D> xa;
};

template <class D>
class IoasidPlain : public IoasidDesign<D> {
 public:
  using Base = IoasidDesign<D>;
  using Base::b, Base::ioasid_allocator_lock, Base::ioasid_data, Base::ioasid_xa, Base::local,
      Base::spec;
  using typename Base::B, typename Base::T, typename Base::V;

 public:
  explicit IoasidPlain(const IoasidBounds& bounds)
      : Base(bounds, spec_bounds(bounds), {}),
        scope_(this->root()),
        allocator_data(*this, "ioasid_allocator_data", allocator_objects(), b, Base::sorts.pasids),
        active_allocator(scope_, "active_allocator", allocator_data.size(),
                         pointer_to("ioasid_allocator_data")) {
    this->build_alloc();
    build_free(this->program("ioasid_free"));
    this->build_find();
    if (b.data != 0) this->build_set_data();
    if (b.allocators != 0) build_registration();
    this->declare_no_leak();
    this->declare_mirror();
  }

 private:
  static ioasid::Bounds spec_bounds(const IoasidBounds& b) {
    return {.ids = b.pasids,
            .sets = b.sets,
            .data = b.data,
            .clients = 1,
            .ops = b.allocators,
            .static_sets = true,
            .references = false};
  }

 public:
  /// ioasid_free().
  void build_free(Program<D>& p) {
    const auto exit_unlock = p.label();
    p.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
    p.step("ioasid_data = xa_load(&active_allocator->xa, ioasid)", [=, this](T& t) {
      auto&& l = local(t);
      l.id = t.choose(b.pasids, "ioasid");
      l.data = load_active(l.id);
      t.when(l.data == 0U, [&] {
        this->takes_effect(t, CallKind::free, {.id = l.id}, Err::ok, 0);
        t.jump(exit_unlock);
      });
    });
    p.step("ioasid_data = xa_erase(&active_allocator->xa, ioasid)", [this](T& t) {
      auto&& l = local(t);
      // What the client has to free: it knows what it attached.
      l.priv = ioasid_data.at(l.data).priv;
      t.when(
          active() == 0U, [&] { l.data = ioasid_xa.erase(l.id); },
          [&] { l.data = allocator_data.at(active()).xa.erase(l.id); });
      this->takes_effect(t, CallKind::free, {.id = l.id}, Err::ok, 0);
    });
    p.step("kfree_rcu(ioasid_data, rcu)", [this](T& t) { ioasid_data.kfree_rcu(local(t).data); });
    p.place(exit_unlock);
    p.step("spin_unlock(&ioasid_allocator_lock); client: kfree_rcu(private)", [this](T& t) {
      t.unlock(ioasid_allocator_lock);
      this->free_private_rcu(local(t).priv);
    });
  }

  /// ioasid_register_allocator() and ioasid_unregister_allocator() of one ops.
  void build_registration() {
    auto& r = this->program("ioasid_register_allocator");
    const auto out_free = r.label();
    const auto out_unlock = r.label();
    r.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
    r.step("ia_data = ioasid_alloc_allocator(ops)", [=, this](T& t) {
      auto&& l = local(t);
      t.when(t.choose(2, "nomem") == 0U, [&] { l.idata = allocator_data.kzalloc(); });
      t.when(l.idata == 0U, [&] {
        this->takes_effect(t, CallKind::register_allocator, {.ops = 1, .nomem = 1}, Err::enomem, 0);
        t.jump(out_unlock);
      });
    });
    r.step(
        "if (list_empty(&allocators_list)) if (xa_empty(&active_allocator->xa))", [=, this](T& t) {
          t.when(
              active() != 0U,
              [&] {
                this->takes_effect(t, CallKind::register_allocator, {.ops = 1}, Err::eexist, 0);
                t.jump(out_free);
              },
              [&] {
                t.when(!ioasid_xa.empty(), [&] {
                  this->takes_effect(t, CallKind::register_allocator, {.ops = 1}, Err::eagain, 0);
                  t.jump(out_free);
                });
              });
        });
    r.step("rcu_assign_pointer(active_allocator, ia_data)", [=, this](T& t) {
      active_allocator = local(t).idata;
      this->takes_effect(t, CallKind::register_allocator, {.ops = 1}, Err::ok, 0);
      t.jump(out_unlock);
    });
    r.place(out_free);
    r.step("kfree(ia_data)", [this](T& t) { allocator_data.kfree(local(t).idata); });
    r.place(out_unlock);
    r.step("spin_unlock(&ioasid_allocator_lock)",
           [this](T& t) { t.unlock(ioasid_allocator_lock); });

    auto& u = this->program("ioasid_unregister_allocator");
    // The client has made sure that no id of the allocator is out (rule 3).
    u.arguments([this](T& t) {
      t.require(active() != 0U);
      t.require(all_of<D>(b.pasids, [&](unsigned i) { return !spec.state.allocated(i); }));
    });
    u.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
    u.step("rcu_assign_pointer(active_allocator, &default_allocator)", [this](T& t) {
      local(t).idata = active();
      active_allocator = 0;
      this->takes_effect(t, CallKind::unregister_allocator, {.ops = 1}, Err::ok, 0);
    });
    u.step("kfree_rcu(pallocator, rcu)",
           [this](T& t) { allocator_data.kfree_rcu(local(t).idata); });
    u.step("spin_unlock(&ioasid_allocator_lock)",
           [this](T& t) { t.unlock(ioasid_allocator_lock); });
  }

  bool before_load(Program<D>& p) override {
    if (b.allocators == 0) return false;
    p.step("idata = rcu_dereference(active_allocator)", [this](T& t) {
      this->look_up_begins(t);
      local(t).idata = active();
    });
    return true;
  }
  V xa_load(T& t, V id) override { return load_from(local(t).idata, id); }
  V load_active(V id) override { return load_from(active(), id); }

  void ops_alloc(T& t, V min, V max, const Label& exit_free) override {
    t.when(
        active() == 0U, [&] { this->default_alloc(t, min, max, exit_free); },
        [&] { custom_alloc(t, min, max, exit_free); });
  }
  void after_ops_alloc(Program<D>& p) override {
    if (b.allocators == 0) return;
    p.step("xa_alloc(&active_allocator->xa, &id, data, XA_LIMIT(id, id))", [this](T& t) {
      auto&& l = local(t);
      t.when(active() != 0U, [&] {
        allocator_data.at(active()).xa.store(l.id, l.data);
        this->takes_effect(
            t, CallKind::alloc,
            {.set = l.set, .id = l.id, .max = b.pasids, .data = l.priv, .callback = l.id + 1U},
            Err::ok, l.id);
      });
    });
  }
  /// The callback of a custom allocator chooses a free id, or refuses.
  void custom_alloc(T& t, V min, V max, const Label& exit_free) {
    auto&& l = local(t);
    const V answer = t.choose(b.pasids + 1, "callback");
    t.when(
        answer == b.pasids,
        [&] {
          this->give_up(t, {.set = l.set, .min = min, .max = max, .data = l.priv}, exit_free);
        },
        [&] {
          t.require(answer >= min && answer <= max && load_active(answer) == 0U);
          l.id = answer;
        });
  }
  B kept_elsewhere(unsigned ptr) override {
    return any_of<D>(allocator_data.size(), [&](unsigned a) {
      auto&& allocator = allocator_data.object(a);
      return any_of<D>(b.pasids, [&](unsigned i) { return allocator.xa.load(i) == ptr; });
    });
  }

  V active() const { return active_allocator; }
  V load_from(V idata, V id) {
    if (b.allocators == 0) return ioasid_xa.load(id);
    Local<D> found{this->context, 0};
    this->context.when(
        idata == 0U, [&] { found = ioasid_xa.load(id); },
        [&] { found = allocator_data.at(idata).xa.load(id); });
    return found;
  }

 private:
  Extent allocator_objects() {
    if (b.allocators == 0) return 0;
    return over(this->sort("ioasid_allocator_data", b.allocators + 1));
  }
  Scope<D> scope_;

 public:
  Heap<D, AllocatorData<D>> allocator_data;
  Var<D> active_allocator;  ///< 0: &default_allocator
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOASID_PLAIN_H
