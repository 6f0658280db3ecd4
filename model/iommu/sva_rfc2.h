// SPDX-License-Identifier: MIT
// sva/rfc2: the SVA domains of RFC v2 03/11, 2022-03-29, repaired.  A global array gives the domain
// of a PASID without a lock; users are counted in the cookie inside the domain.
//
// What the repair adds to the text of the RFC:
// - A look-up that meets a domain without users goes on as if there were none.
// - Two threads that miss at once both make a domain; under xa_lock the second one looks again, and
//   drops its own.  (xa_cmpxchg() against what the look-up saw would not do: once the look-up has
//   left the RCU section, that domain may be freed and its memory be another domain of the PASID.)
// - Who drops the last user takes the domain out of the array only if it is still there, as
//   somebody may have put the next one in its place; and frees it after a grace period.
// - The cookie holds the mm, which unbind reads.
// - The array has a domain for each kind of IOMMU: its index is the PASID and the kind.
#ifndef IOMMUCHECK_MODEL_IOMMU_SVA_RFC2_H
#define IOMMUCHECK_MODEL_IOMMU_SVA_RFC2_H

#include "model/iommu/group_pasid.h"
#include "model/iommu/mm_pasid.h"

namespace iommucheck::model {

/// attach/group-pasid with domains that have an sva_cookie.
template <class D>
using CookieGroupPasid = GroupPasid<D, CookieDomain>;

template <class D>
class SvaRfc2 : public MmPasid<D, CookieGroupPasid> {
 public:
  using Base = MmPasid<D, CookieGroupPasid>;
  using Base::b, Base::hardware, Base::iommu_domain, Base::iommu_sva, Base::local, Base::mm;
  using typename Base::T, typename Base::V;

  explicit SvaRfc2(const IommuBounds& bounds)
      : Base(bounds),
        scope_(this->root()),
        xa_lock(*this, "sva_domain_array.xa_lock"),
        sva_domain_array(scope_, "sva_domain_array", b.pasids * b.kinds, b.domains(),
                         pointer_to("iommu_domain")) {
    build_bind();
    build_unbind();
    this->build_processes();
    this->declare_no_leak();
    this->declare_pasid_comes_back();
    hardware.add_traffic();
    declare_array();
  }

  /// The place in the array of a domain for l.pasid and the IOMMU of l.dev.
  V index(T& t) {
    auto&& l = local(t);
    return index(V(l.pasid), this->kind_of(l.dev));
  }
  V index_of(V pointer) const {
    auto&& domain = iommu_domain.at(pointer);
    return index(domain.pasid - 1U, domain.owner);
  }

 private:
  Scope<D> scope_;

 public:
  Spinlock<D> xa_lock;  ///< of the array, for who writes
  XArray<D> sva_domain_array;

 private:
  /// iommu_sva_bind_device(dev, mm), called by a task of the process.
  void build_bind() {
    auto& p = this->program("iommu_sva_bind_device");
    const auto err_unlock = p.label();
    p.arguments([this](T& t) { this->choose_bond(t); });
    this->build_alloc_pasid(p, err_unlock);
    p.call("iommu_sva_get_domain", [&] { build_get_domain(p); });
    p.place(have_domain);
    p.call("iommu_attach_device_pasid", [&] { build_attach_bond(p); });
    build_put(p, [&] {
      // A task of the process is here: this is not the last mmdrop().
      p.step("mmdrop(mm)",
             [this](T& t) { static_cast<void>(mm.at(local(t).mm).count.dec_and_test()); });
    });
    p.place(err_unlock);
    p.step("err: mutex_unlock(&iommu_sva_lock)", [this](T& t) { t.unlock(this->iommu_sva_lock); });
  }

  /// The domain of the mm that fits the device is in l.domain, with one user more.
  void build_get_domain(Program<D>& p) {
    const auto miss = p.label();
    const auto unlock = p.label();
    p.step("rcu_read_lock()", [](T& t) { t.rcu_read_lock(); });
    p.step("domain = xa_load(&sva_domain_array, pasid)", [=, this](T& t) {
      auto&& l = local(t);
      l.domain = sva_domain_array.load(index(t));
      t.when(l.domain == 0U, [&] { t.jump(miss); });
    });
    p.step("if (!refcount_inc_not_zero(&domain->sva_cookie->users)) domain = NULL", [this](T& t) {
      auto&& l = local(t);
      t.when(!iommu_domain.at(l.domain).users.inc_not_zero(), [&] { l.domain = 0; });
    });
    p.place(miss);
    p.step("rcu_read_unlock(); if (domain) return domain", [=, this](T& t) {
      t.rcu_read_unlock();
      t.when(local(t).domain != 0U, [&] { t.jump(have_domain); });
    });
    p.step("domain = iommu_sva_alloc_domain(dev, mm); refcount_set(&cookie->users, 1); mmgrab(mm)",
           [this](T& t) { alloc_domain(t, true); });
    p.step("xa_lock(&sva_domain_array)", [this](T& t) { t.lock(xa_lock); });
    p.step("curr = __xa_load(&sva_domain_array, pasid)", [=, this](T& t) {
      auto&& l = local(t);
      l.curr = sva_domain_array.load(index(t));
      t.when(l.curr == 0U, [&] { t.jump(store); });
    });
    p.step("if (refcount_inc_not_zero(&curr->sva_cookie->users)) goto unlock", [=, this](T& t) {
      auto&& l = local(t);
      t.when(
          iommu_domain.at(l.curr).users.inc_not_zero(), [&] { t.jump(unlock); },
          [&] { l.curr = 0; });
    });
    p.place(store);
    p.step("__xa_store(&sva_domain_array, pasid, domain)",
           [this](T& t) { sva_domain_array.store(index(t), local(t).domain); });
    p.place(unlock);
    p.step("xa_unlock(&sva_domain_array); if (!curr) return domain", [=, this](T& t) {
      t.unlock(xa_lock);
      t.when(local(t).curr == 0U, [&] { t.jump(have_domain); });
    });
    p.step("mmdrop(mm); kfree(domain); return curr", [this](T& t) { drop_unused(t, true); });
  }

  /// The domain is attached, or is already; who is left with a user of it in l.domain puts it.
  void build_attach_bond(Program<D>& p) {
    const auto share = p.label();
    const auto attached = p.label();
    const auto made = p.label();
    p.step("mutex_lock(&group->mutex)", [this](T& t) { this->lock_group(t); });
    p.step("handle = xa_load(&group->pasid_array, pasid)", [=, this](T& t) {
      auto&& l = local(t);
      l.handle = this->handle_at(t);
      t.when(l.handle != 0U, [&] { t.jump(share); });
    });
    p.step("handle = kzalloc(sizeof(*handle), GFP_KERNEL)", [=, this](T& t) {
      auto&& l = local(t);
      t.when(
          t.choose(2, "nomem") == 1U, [&] { this->bind_fails(t, Err::enomem, attach_unlock); },
          [&] { l.handle = this->kzalloc(t, iommu_sva); });
    });
    this->build_attach_locked(p, attached);
    p.place(attached);
    p.step("if (ret) kfree(handle)", [=, this](T& t) {
      auto&& l = local(t);
      t.when(
          l.ret == Err::ok, [&] { t.jump(made); },
          [&] {
            iommu_sva.kfree(l.handle);
            this->bind_fails_with_ret(t, attach_unlock);
          });
    });
    p.place(share);
    p.step("refcount_inc(&handle->users)", [=, this](T& t) {
      iommu_sva.at(local(t).handle).users.inc();
      this->bind_succeeds(t);
      t.jump(attach_unlock);
    });
    p.place(made);
    p.step("handle->dev = dev; refcount_set(&handle->users, 1)", [this](T& t) {
      auto&& l = local(t);
      auto&& handle = iommu_sva.at(l.handle);
      handle.dev = l.dev + 1U;
      handle.users.set(1);
      this->bind_succeeds(t);
      l.domain = 0;  // the user is the handle's now
    });
    p.place(attach_unlock);
    p.step("mutex_unlock(&group->mutex)", [this](T& t) {
      this->unlock_group(t);
      t.when(local(t).domain == 0U, [&] { t.ret(); });
    });
  }

  /// iommu_sva_domain_put_user(l.domain), at the end of a call.
  template <class F>
  void build_put(Program<D>& p, F build_drop_mm) {
    const auto unlock = p.label();
    p.call("iommu_sva_domain_put_user", [&] {
      p.step("if (!refcount_dec_and_test(&domain->sva_cookie->users)) return", [this](T& t) {
        t.when(!iommu_domain.at(local(t).domain).users.dec_and_test(), [&] { t.ret(); });
      });
      p.step("xa_lock(&sva_domain_array)", [this](T& t) { t.lock(xa_lock); });
      p.step("if (__xa_load(&sva_domain_array, cookie->pasid) != domain) goto unlock", [=, this](
                                                                                           T& t) {
        auto&& l = local(t);
        t.when(sva_domain_array.load(index_of(l.domain)) != l.domain, [&] { t.jump(unlock); });
      });
      p.step("__xa_erase(&sva_domain_array, cookie->pasid)",
             [this](T& t) { sva_domain_array.erase(index_of(local(t).domain)); });
      p.place(unlock);
      p.step("xa_unlock(&sva_domain_array)", [this](T& t) { t.unlock(xa_lock); });
      build_drop_mm();
      p.step("kfree_rcu(domain)", [this](T& t) {
        iommu_domain.kfree_rcu(local(t).domain);
        t.ret();
      });
    });
  }

  /// iommu_sva_unbind_device(handle).
  void build_unbind() {
    auto& p = this->program("iommu_sva_unbind_device");
    const auto unlock = p.label();
    p.arguments([this](T& t) { this->choose_held_bond(t); });
    p.step("domain = handle->domain; dev = handle->dev; mm = domain->sva_cookie->mm", [this](T& t) {
      auto&& l = local(t);
      auto&& handle = iommu_sva.at(l.handle);
      l.domain = handle.domain;
      l.mm = iommu_domain.at(l.domain).mm;
      this->use_device(t, handle.dev);
    });
    p.step("pasid = mm->pasid", [this](T& t) {
      auto&& l = local(t);
      l.pasid = mm.at(l.mm).pasid - 1U;
    });
    p.step("mutex_lock(&group->mutex)", [this](T& t) { this->lock_group(t); });
    p.step("if (!refcount_dec_and_test(&handle->users)) goto unlock", [=, this](T& t) {
      auto&& l = local(t);
      this->unbind_succeeds(t);
      t.when(
          iommu_sva.at(l.handle).users.dec_and_test(), [&] { this->first_device(t); },
          [&] {
            l.handle = 0;
            t.jump(unlock);
          });
    });
    p.call("iommu_detach_device_pasid", [&] { this->build_detach_locked(p); });
    p.place(unlock);
    p.step("mutex_unlock(&group->mutex)", [this](T& t) {
      this->unlock_group(t);
      t.when(local(t).handle == 0U, [&] { t.ret(); });
    });
    p.step("kfree(handle)", [this](T& t) { iommu_sva.kfree(local(t).handle); });
    build_put(p, [&] { p.call("mmdrop", [&] { this->build_mmdrop(p); }); });
  }

  V index(V pasid, V kind) const {
    return sum_of<D>(array_for_each_kind ? b.kinds : 1U, [&](unsigned k) {
      return select(Bool<D>(!array_for_each_kind) || kind == k, pasid + k * b.pasids, V(0));
    });
  }

  void declare_array() {
    this->property(
        "array-has-the-domains",
        "When no call is under way, every SVA domain in memory is the one that the array has for "
        "its PASID and kind of IOMMU, and every entry of the array is a domain in memory.",
        [this] {
          return !this->may_rest() ||
                 (all_of<D>(iommu_domain.size(),
                            [&](unsigned i) {
                              auto&& domain = iommu_domain.object(i);
                              return domain.life == Life::free ||
                                     sva_domain_array.load(
                                         index(domain.pasid - 1U, domain.owner)) == i + 1;
                            }) &&
                  all_of<D>(sva_domain_array.size(), [&](unsigned i) {
                    const V domain = sva_domain_array.load(i);
                    return domain == 0U || iommu_domain.is_live(domain);
                  }));
        });
  }

 public:
  /// A new domain in l.domain, with one user; where there is no memory, the bind has failed.
  void alloc_domain(T& t, bool hold_mm) {
    auto&& l = local(t);
    t.when(
        t.choose(2, "nomem") == 1U,
        [&] {
          this->takes_effect(t, Base::Kind::bind, this->bind_arguments(t, 1), Err::enomem, 0);
          t.ret();
        },
        [&] {
          l.domain = iommu_domain.kzalloc();
          // All may wait for one reader that takes its time: then this allocation fails.
          const Bool<D> waiting =
              any_of<D>(iommu_domain.size(), [&](unsigned i) { return iommu_domain.waiting(i); });
          t.fail_unless(l.domain != 0U || waiting, kInRange,
                        "no object is left: the design needs a larger pool");
          t.require(l.domain != 0U);
          auto&& domain = iommu_domain.at(l.domain);
          domain.mm = l.mm;
          domain.pasid = l.pasid + 1U;
          domain.owner = this->kind_of(l.dev);
          domain.users.set(1);
          if (hold_mm) mm.at(l.mm).count.inc();
        });
  }
  /// The new domain was not needed: nobody has seen it.
  void drop_unused(T& t, bool holds_mm) {
    auto&& l = local(t);
    // A task of the process is here: this is not the last mmdrop().
    if (holds_mm) static_cast<void>(mm.at(l.mm).count.dec_and_test());
    iommu_domain.kfree(l.domain);
    l.domain = l.curr;
    l.curr = 0;
  }

  // Public, for bugs:
  Label have_domain;    ///< where a bind goes on that has a domain
  Label store;          ///< where a bind goes on that has missed twice
  Label attach_unlock;  ///< where a bind ends, with group->mutex held
  bool array_for_each_kind = true;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_SVA_RFC2_H
