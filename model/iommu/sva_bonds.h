// SPDX-License-Identifier: MIT
// What the SVA designs since v6.7 share: mm->iommu_mm, its list of domains, and handles that count
// their users, all under iommu_sva_lock.  6.12 drivers/iommu/iommu-sva.c.
#ifndef IOMMUCHECK_MODEL_IOMMU_SVA_BONDS_H
#define IOMMUCHECK_MODEL_IOMMU_SVA_BONDS_H

#include "model/iommu/page_requests.h"

namespace iommucheck::model {

/// On an attach design, which has the domains and the handles.  MmData: the record of an iommu_mm.
template <class D, template <class> class Attach = PageRequests,
          template <class> class MmData = IommuMmData>
class SvaBonds : public Attach<D> {
 public:
  using Base = Attach<D>;
  using Base::b, Base::iommu_domain, Base::iommu_sva, Base::local, Base::mm, Base::spec;
  using typename Base::B, typename Base::Kind, typename Base::T, typename Base::V;

  explicit SvaBonds(const IommuBounds& bounds)
      : Base(bounds, {.iommu_mm = true}),
        iommu_sva_lock(*this, "iommu_sva_lock"),
        iommu_mm_data(*this, "iommu_mm", over(Base::sorts.iommu_mms),
                      static_cast<const Design<D>*>(this), b, Base::sorts),
        memory(
            *this, shape(b), [this](unsigned at) { return stored(at); },
            [this](unsigned at, V value) { store(at, value); }) {
    this->property(
        "iommu-mm-lives-with-its-mm",
        "When no call is under way, every iommu_mm belongs to an mm that is there.", [this] {
          return !this->may_rest() || all_of<D>(iommu_mm_data.size(), [&](unsigned i) {
            return iommu_mm_data.object(i).life != Life::live || any_of<D>(b.mms, [&](unsigned m) {
                     return mm.object(m).life == Life::live && mm.object(m).iommu_mm == i + 1;
                   });
          });
        });
  }

  /// All programs, once the design is there.
  void build() {
    build_bind();
    build_unbind();
    build_get_pasid();
    this->build_processes();
    this->build_page_requests();
    if (b.hotplug) this->build_hotplug();
    this->declare_no_leak();
    this->hardware.add_traffic();
  }

  /// What an mm must not have, or bind ends with -EBUSY.
  virtual void build_check_mm(Program<D>&) {}
  /// Looks for a handle of the same bond, and ends the call if there is one; 0 is in l.handle else.
  virtual void build_find_handle(Program<D>& p) = 0;
  /// The new handle can be found from now on.
  virtual void build_publish_handle(Program<D>&) {}
  /// Nobody finds the handle any more.
  virtual void build_hide_handle(Program<D>&) {}
  /// build_find_handle() where the handle is in group->pasid_array.
  void build_find_attached_handle(Program<D>& p) {
    p.step("attach_handle = iommu_attach_handle_get(group, pasid, IOMMU_DOMAIN_SVA)",
           [=, this](T& t) {
             auto&& l = local(t);
             l.handle = this->handle_at(t);
             t.when(l.handle == 0U, [&] { t.jump(bind_miss); });
           });
    p.step("if (attach_handle->domain->mm != mm) ret = -EBUSY", [=, this](T& t) {
      auto&& l = local(t);
      t.when(iommu_domain.at(iommu_sva.at(l.handle).domain).mm != l.mm,
             [&] { this->bind_fails(t, Err::ebusy, bind_unlock); });
    });
    build_share_handle(p);
  }
  /// One more user of the handle: the bind has succeeded.
  void build_share_handle(Program<D>& p) {
    p.step("refcount_inc(&handle->users)", [=, this](T& t) {
      iommu_sva.at(local(t).handle).users.inc();
      this->bind_succeeds(t);
      t.jump(bind_unlock);
    });
  }

  /// A domain for the handle is attached to it and counts it: on at `out`.  Else the error is in
  /// l.ret: on at `out_free_handle`.  Each domain of the mm is tried, then a new one.
  virtual void build_get_domain(Program<D>& p, const Label& out, const Label& out_free_handle) {
    const auto search = p.label();
    const auto alloc = p.label();
    const auto add = p.label();
    p.place(search);
    p.step("list_for_each_entry(domain, &mm->iommu_mm->sva_domains, next)", [=, this](T& t) {
      auto&& l = local(t);
      const V listed = iommu_mm_data.at(iommu_mm_of(t, l.mm)).sva_domains;
      const V left = listed & (V((1U << b.domains()) - 1) - l.tried);
      t.when(
          left == 0U, [&] { t.jump(alloc); },
          [&] {
            const V i = t.choose(b.domains(), "domain");
            for (unsigned k = 0; k < b.domains(); ++k) {
              t.when(i == k, [&] {
                t.require(has_bit(left, k));
                l.tried = with_bit(l.tried, k);
              });
            }
            l.domain = i + 1U;
            l.ret = Err::ok;
          });
    });
    p.call("iommu_attach_device_pasid (a domain of the mm)", [&] { this->build_attach(p); });
    p.step("if (!ret) domain->users++", [=, this](T& t) {
      auto&& l = local(t);
      t.when(
          l.ret == Err::ok,
          [&] {
            iommu_domain.at(l.domain).users += 1;
            t.jump(out);
          },
          [&] { t.jump(search); });
    });
    p.place(alloc);
    build_alloc_domain(p, out_free_handle);
    p.call("iommu_attach_device_pasid (a new domain)", [&] { this->build_attach(p); });
    p.step("if (ret) goto out_free_domain",
           [=, this](T& t) { t.when(local(t).ret == Err::ok, [&] { t.jump(add); }); });
    p.step("out_free_domain: iommu_domain_free(domain)", [=, this](T& t) {
      auto&& l = local(t);
      // A task of the process is here: this is not the last mmdrop().
      static_cast<void>(mm.at(l.mm).count.dec_and_test());
      iommu_domain.kfree(l.domain);
      l.domain = 0;
      t.jump(out_free_handle);
    });
    p.place(add);
    p.step("domain->users = 1; list_add(&domain->next, &mm->iommu_mm->sva_domains)",
           [=, this](T& t) {
             auto&& l = local(t);
             iommu_domain.at(l.domain).users = 1;
             auto&& data = iommu_mm_data.at(iommu_mm_of(t, l.mm));
             data.sva_domains = with_element(data.sva_domains, b.domains(), l.domain, true);
             t.jump(out);
           });
  }
  void build_alloc_domain(Program<D>& p, const Label& out_free_handle) {
    p.step("domain = iommu_sva_domain_alloc(dev, mm); mmgrab(mm)", [=, this](T& t) {
      auto&& l = local(t);
      l.tried = 0;
      l.domain = 0;
      l.ret = Err::ok;
      t.when(
          t.choose(2, "nomem") == 1U,
          [&] {
            l.ret = Err::enomem;
            t.jump(out_free_handle);
          },
          [&] {
            l.domain = this->kzalloc(t, iommu_domain);
            auto&& domain = iommu_domain.at(l.domain);
            domain.mm = l.mm;
            domain.owner = this->kind_of(l.dev);
            mm.at(l.mm).count.inc();
          });
    });
  }
  /// The handle leaves its domain, which goes with its last one: then, or at `free_handle`, on.
  virtual void build_put_domain(Program<D>& p, const Label& free_handle) {
    build_leave_domain(p, free_handle);
    p.step("list_del(&domain->next)", [this](T& t) { set_on_list(t, false); });
    p.call("iommu_domain_free", [&] {
      p.call("mmdrop", [&] { this->build_mmdrop(p); });
      build_free_domain(p);
    });
  }
  /// An unbind has its effect where the handle leaves its domain, unless that is put off.
  virtual void put_takes_effect(T& t) { this->unbind_succeeds(t); }
  void build_leave_domain(Program<D>& p, const Label& free_handle) {
    p.step("if (--domain->users == 0)", [=, this](T& t) {
      auto&& l = local(t);
      put_takes_effect(t);
      auto&& domain = iommu_domain.at(l.domain);
      domain.users -= 1;
      t.when(domain.users != 0U, [&] { t.jump(free_handle); });
    });
  }
  void build_free_domain(Program<D>& p) {
    p.step("domain->ops->free(domain)", [this](T& t) {
      auto&& l = local(t);
      iommu_domain.kfree(l.domain);
      l.domain = 0;
    });
  }
  /// l.domain gets on the list of l.iommu_mm, or off it.
  void set_on_list(T& t, bool on) {
    auto&& l = local(t);
    auto&& data = iommu_mm_data.at(l.iommu_mm);
    data.sva_domains = with_element(data.sva_domains, b.domains(), l.domain, on);
  }
  void copy_pasid(T& t) override {
    auto&& l = local(t);
    mm.at(l.child).iommu_mm = iommu_mm_of(t, l.mm);
  }
  void init_pasid(T& t) override { mm.at(local(t).child).iommu_mm = 0; }
  /// What an iommu_mm has beside the PASID, before anybody sees it.
  virtual void init_iommu_mm(T&) {}

  // What is read without the lock that it is written under.

  V iommu_mm_of(T& t, V of) const {
    mm.touch(of);
    return memory.read_once(t, mm_location(of));
  }
  /// smp_store_release(&mm->iommu_mm, iommu_mm).
  void publish_iommu_mm(T& t, V of, V iommu_mm) const {
    mm.touch(of);
    memory.store_release(t, mm_location(of), iommu_mm);
  }
  V pasid_of(T& t, V iommu_mm) const {
    iommu_mm_data.touch(iommu_mm);
    // What a failed step reads has to look the same whatever the numbers of objects are.
    return select(iommu_mm == 0U, V(0), memory.read_once(t, iommu_mm_location(iommu_mm)));
  }
  void set_pasid(T& t, V iommu_mm, V pasid) const {
    iommu_mm_data.touch(iommu_mm);
    memory.write_once(t, iommu_mm_location(iommu_mm), pasid);
  }
  V dev_of(T& t, V handle) const {
    iommu_sva.touch(handle);
    return memory.read_once(t, handle_location(handle));
  }
  void set_dev(T& t, V handle, V dev) const {
    iommu_sva.touch(handle);
    memory.write_once(t, handle_location(handle), dev);
  }

  Mutex<D> iommu_sva_lock;
  Heap<D, MmData<D>> iommu_mm_data;
  StoreBuffers<D> memory;
  Label bind_miss;    ///< where a bind goes on that found no handle
  Label bind_unlock;  ///< where a bind ends: public, for bugs that end it early

 public:
  /// The location of mm->iommu_mm.
  V mm_location(V of) const { return of - 1U + b.handles() + b.mms + 1; }

 private:
  V handle_location(V handle) const { return handle - 1U; }
  V iommu_mm_location(V iommu_mm) const { return iommu_mm - 1U + b.handles(); }

  static StoreBufferShape shape(const IommuBounds& b) {
    StoreBufferShape shape{
        .memory = b.memory, .stores = b.stores, .max = std::max(b.devices, b.pasids)};
    shape.numbers.assign(b.handles(), "handle->dev");
    shape.numbers.insert(shape.numbers.end(), b.mms + 1, "iommu_mm->pasid");
    shape.pointers.assign(b.mms, "mm->iommu_mm");
    shape.objects = b.mms + 1;
    shape.pool = "iommu_mm";
    return shape;
  }
  V stored(unsigned at) const {
    if (at < b.handles()) return iommu_sva.object(at).dev;
    at -= b.handles();
    if (at <= b.mms) return iommu_mm_data.object(at).pasid;
    return mm.object(at - b.mms - 1).iommu_mm;
  }
  void store(unsigned at, V value) {
    const auto in = [&](auto&& object) {
      this->context.fail_unless(object.life == Life::live, this->no_use_after_free,
                                "a store becomes visible in memory that is free");
    };
    if (at < b.handles()) {
      in(iommu_sva.object(at));
      iommu_sva.object(at).dev = value;
      return;
    }
    at -= b.handles();
    if (at <= b.mms) {
      in(iommu_mm_data.object(at));
      iommu_mm_data.object(at).pasid = value;
      return;
    }
    at -= b.mms + 1;
    in(mm.object(at));
    mm.object(at).iommu_mm = value;
  }

  /// iommu_sva_bind_device(dev, mm), called by a task of the process.
  void build_bind() {
    auto& p = this->program("iommu_sva_bind_device");
    const auto have_pasid = p.label();
    const auto out = p.label();
    const auto out_free_handle = p.label();
    p.arguments([this](T& t) { this->choose_bond(t); });
    p.step("mutex_lock(&iommu_sva_lock)", [this](T& t) { t.lock(iommu_sva_lock); });
    build_check_mm(p);
    p.step("iommu_mm = mm->iommu_mm", [=, this](T& t) {
      auto&& l = local(t);
      l.iommu_mm = iommu_mm_of(t, l.mm);
      t.when(l.iommu_mm != 0U, [&] {
        l.pasid = pasid_of(t, l.iommu_mm) - 1U;
        t.jump(have_pasid);
      });
    });
    p.step("iommu_mm = kzalloc(sizeof(*iommu_mm), GFP_KERNEL)", [=, this](T& t) {
      auto&& l = local(t);
      t.when(
          t.choose(2, "nomem") == 1U, [&] { this->bind_fails(t, Err::enomem, bind_unlock); },
          [&] { l.iommu_mm = this->kzalloc(t, iommu_mm_data); });
    });
    p.step("pasid = iommu_alloc_global_pasid(dev)", [=, this](T& t) {
      auto&& l = local(t);
      const V pasid = this->ida_alloc();
      t.when(
          pasid == b.pasids,
          [&] {
            iommu_mm_data.kfree(l.iommu_mm);
            this->bind_fails(t, Err::enospc, bind_unlock);
          },
          [&] {
            l.pasid = pasid;
            this->happens(Kind::pasid_alloc, {.mm = l.mm - 1U}, Err::ok, pasid + 1U);
          });
    });
    p.step("iommu_mm->pasid = pasid; smp_store_release(&mm->iommu_mm, iommu_mm)", [this](T& t) {
      auto&& l = local(t);
      set_pasid(t, l.iommu_mm, V(l.pasid) + 1U);
      init_iommu_mm(t);
      publish_iommu_mm(t, l.mm, l.iommu_mm);
    });
    p.place(have_pasid);
    build_find_handle(p);
    p.place(bind_miss);
    p.step("handle = kzalloc(sizeof(*handle), GFP_KERNEL)", [=, this](T& t) {
      auto&& l = local(t);
      t.when(
          t.choose(2, "nomem") == 1U, [&] { this->bind_fails(t, Err::enomem, bind_unlock); },
          [&] { l.handle = this->kzalloc(t, iommu_sva); });
    });
    build_get_domain(p, out, out_free_handle);
    p.place(out_free_handle);
    p.step("out_free_handle: kfree(handle)", [=, this](T& t) {
      auto&& l = local(t);
      iommu_sva.kfree(l.handle);
      this->bind_fails_with_ret(t, bind_unlock);
    });
    p.place(out);
    p.step("refcount_set(&handle->users, 1)", [this](T& t) {
      auto&& l = local(t);
      iommu_sva.at(l.handle).users.set(1);
      this->bind_succeeds(t);
    });
    p.step("handle->dev = dev", [this](T& t) {
      auto&& l = local(t);
      set_dev(t, l.handle, l.dev + 1U);
    });
    build_publish_handle(p);
    p.place(bind_unlock);
    p.step("mutex_unlock(&iommu_sva_lock)", [this](T& t) { t.unlock(iommu_sva_lock); });
  }

  /// iommu_sva_unbind_device(handle).
  void build_unbind() {
    auto& p = this->program("iommu_sva_unbind_device");
    const auto free_handle = p.label();
    const auto unlock = p.label();
    p.arguments([this](T& t) { this->choose_held_bond(t); });
    // With hotplug the group, not one of its devices: that one may be gone.
    p.step(b.hotplug ? "domain = handle->handle.domain; iommu_mm = domain->mm->iommu_mm; group = "
                       "handle->group"
                     : "domain = handle->handle.domain; iommu_mm = domain->mm->iommu_mm; dev = "
                       "handle->dev",
           [this](T& t) {
             auto&& l = local(t);
             l.domain = iommu_sva.at(l.handle).domain;
             l.mm = iommu_domain.at(l.domain).mm;
             l.iommu_mm = iommu_mm_of(t, l.mm);
             this->use_device(t, dev_of(t, l.handle));
           });
    p.step("mutex_lock(&iommu_sva_lock)", [this](T& t) { t.lock(iommu_sva_lock); });
    p.step("if (!refcount_dec_and_test(&handle->users))", [=, this](T& t) {
      auto&& l = local(t);
      t.when(!iommu_sva.at(l.handle).users.dec_and_test(), [&] {
        l.handle = 0;
        this->unbind_succeeds(t);
        t.jump(unlock);
      });
      l.pasid = pasid_of(t, l.iommu_mm) - 1U;
    });
    build_hide_handle(p);
    p.call("iommu_detach_device_pasid", [&] { this->build_detach(p); });
    build_put_domain(p, free_handle);
    p.place(free_handle);
    p.place(unlock);
    p.step("mutex_unlock(&iommu_sva_lock)", [this](T& t) {
      t.unlock(iommu_sva_lock);
      t.when(local(t).handle == 0U, [&] { t.ret(); });
    });
    p.step("kfree(handle)", [this](T& t) { iommu_sva.kfree(local(t).handle); });
  }

  /// mm_get_enqcmd_pasid(current->mm): no lock.
  void build_get_pasid() {
    auto& p = this->program("mm_get_enqcmd_pasid");
    p.arguments([this](T& t) { this->become_task(t); });
    p.step("iommu_mm = READ_ONCE(mm->iommu_mm)", [this](T& t) {
      auto&& l = local(t);
      l.iommu_mm = iommu_mm_of(t, l.mm);
      t.when(l.iommu_mm == 0U, [&] {
        this->takes_effect(t, Kind::get_pasid, {.mm = l.mm - 1U}, Err::ok, 0);
        t.ret();
      });
    });
    p.step("return iommu_mm->pasid", [this](T& t) {
      auto&& l = local(t);
      const V pasid = pasid_of(t, l.iommu_mm);
      t.fail_unless(pasid != 0U, this->legal_answer(),
                    "mm_get_enqcmd_pasid() answers PASID 0, which stands for the RID");
      this->takes_effect(t, Kind::get_pasid, {.mm = l.mm - 1U}, Err::ok, pasid);
    });
  }

  /// mm_pasid_drop(mm).
  void build_pasid_drop(Program<D>& p) override {
    p.step("iommu_free_global_pasid(mm->iommu_mm->pasid)", [this](T& t) {
      auto&& l = local(t);
      const V iommu_mm = iommu_mm_of(t, l.mm);
      this->happens(Kind::pasid_drop, {.mm = l.mm - 1U});
      t.when(iommu_mm != 0U, [&] { this->ida_free(t, pasid_of(t, iommu_mm) - 1U); });
    });
    p.step("kfree(mm->iommu_mm)",
           [this](T& t) { iommu_mm_data.kfree(iommu_mm_of(t, local(t).mm)); });
  }

 public:
  /// A mask of n objects, with the one that is pointed to or without it.
  V with_element(V mask, unsigned n, V pointer, bool on) const {
    return sum_of<D>(n, [&](unsigned k) {
      const B is = (pointer == k + 1 && B(on)) || (pointer != k + 1 && has_bit(mask, k));
      return select(is, V(1U << k), V(0));
    });
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_SVA_BONDS_H
