// SPDX-License-Identifier: MIT
// sva/enclosing: what the review of RFC v2 asked for, 2022-03-30.  The mm points to an object
// {kref, mm, pasid, domains} that encloses its domains; bind takes the domain on its list that fits
// the device, or makes one.  All of it is under iommu_sva_lock.
//
// The review does not say who holds whom.  Here:
// - The mm holds its object: the PASID must not go back before the mm does (2667ed10d9f0).
// - A domain holds the object, and the mm.  So the object may not hold the mm itself: each would
//   wait for the other to go (`--bug object-holds-its-mm`).
// - Who frees the last domain may free the mm, and takes the domain off the list afterwards: that
//   is what the domain's kref is for (without it: CVE-2026-23429 of sva/attach-handle).
#ifndef IOMMUCHECK_MODEL_IOMMU_SVA_ENCLOSING_H
#define IOMMUCHECK_MODEL_IOMMU_SVA_ENCLOSING_H

#include "model/iommu/sva_bonds.h"

namespace iommucheck::model {

/// The object of an mm.
template <class D>
struct EnclosingMm : IommuMmData<D> {
  EnclosingMm(Scope<D> scope, unsigned processes, const Design<D>* design, const IommuBounds& b,
              const IommuSorts& sorts)
      : IommuMmData<D>(std::move(scope), processes, design, b, sorts),
        mm(*this, "mm", b.mms, pointer_to("mm")),
        kref(*this, "kref", *design, b.domains() + 1) {}
  Var<D> mm;
  Refcount<D> kref;  ///< the mm, and each domain
};

template <class D>
class SvaEnclosing : public SvaBonds<D, PageRequests, EnclosingMm> {
 public:
  using Base = SvaBonds<D, PageRequests, EnclosingMm>;
  using Base::b, Base::iommu_domain, Base::iommu_mm_data, Base::local, Base::mm;
  using typename Base::Kind, typename Base::T, typename Base::V;

  explicit SvaEnclosing(const IommuBounds& bounds) : Base(bounds) {
    this->build();
    declare_lists();
  }

  void build_find_handle(Program<D>& p) override { this->build_find_attached_handle(p); }

  void build_get_domain(Program<D>& p, const Label& out, const Label& out_free_handle) override {
    p.step("list_for_each_entry(domain, &iommu_mm->domains): the one that fits dev",
           [=, this](T& t) {
             find_domain(t, true);
             t.when(local(t).domain != 0U, [&] { t.jump(attach); });
           });
    this->build_alloc_domain(p, out_free_handle);
    p.step("kref_get(&iommu_mm->kref); list_add(&domain->next, &iommu_mm->domains)", [this](T& t) {
      iommu_mm_data.at(local(t).iommu_mm).kref.inc();
      this->set_on_list(t, true);
    });
    p.place(attach);
    p.step("domain->users++", [this](T& t) { iommu_domain.at(local(t).domain).users += 1; });
    p.call("iommu_attach_device_pasid", [&] { this->build_attach(p, false); });
    p.step("if (ret && --domain->users) goto out_free_handle", [=, this](T& t) {
      auto&& l = local(t);
      t.when(
          l.ret == Err::ok, [&] { t.jump(out); },
          [&] {
            auto&& domain = iommu_domain.at(l.domain);
            domain.users -= 1;
            t.when(domain.users != 0U, [&] {
              l.domain = 0;
              t.jump(out_free_handle);
            });
          });
    });
    p.step("list_del(&domain->next); kref_put(&iommu_mm->kref); iommu_domain_free(domain)",
           [this](T& t) {
             auto&& l = local(t);
             this->set_on_list(t, false);
             // A task of the process is here: these are not the last references.
             static_cast<void>(iommu_mm_data.at(l.iommu_mm).kref.dec_and_test());
             static_cast<void>(mm.at(l.mm).count.dec_and_test());
             iommu_domain.kfree(l.domain);
             l.domain = 0;
           });
  }

  void build_put_domain(Program<D>& p, const Label& free_handle) override {
    this->build_leave_domain(p, free_handle);
    p.call("mmdrop", [&] { this->build_mmdrop(p); });
    p.step("list_del(&domain->next)", [this](T& t) { this->set_on_list(t, false); });
    p.step("kref_put(&iommu_mm->kref, iommu_mm_release)", [this](T& t) { put_object(t); });
    this->build_free_domain(p);
  }

  void init_iommu_mm(T& t) override {
    auto&& object = iommu_mm_data.at(local(t).iommu_mm);
    object.mm = local(t).mm;
    object.kref.set(1);
  }

  /// mm_pasid_drop(mm): the mm lets its object go.
  void build_pasid_drop(Program<D>& p) override {
    p.step("if (mm->iommu_mm) kref_put(&mm->iommu_mm->kref, iommu_mm_release)", [this](T& t) {
      auto&& l = local(t);
      auto&& process = mm.at(l.mm);
      l.iommu_mm = process.iommu_mm;
      process.iommu_mm = 0;
      t.when(
          l.iommu_mm == 0U, [&] { this->happens(Kind::pasid_drop, {.mm = l.mm - 1U}); },
          [&] { put_object(t); });
    });
  }

  /// l.domain: the domain on the list that fits l.dev, or any of them; NULL if there is none.
  void find_domain(T& t, bool that_fits) {
    auto&& l = local(t);
    const V listed = iommu_mm_data.at(l.iommu_mm).sva_domains;
    for (unsigned k = 0; k < b.domains(); ++k) {
      t.when(has_bit(listed, k) && l.domain == 0U, [&] {
        const V owner = iommu_domain.at(k + 1).owner;
        t.when(Bool<D>(!that_fits) || owner == this->kind_of(l.dev), [&] { l.domain = k + 1; });
      });
    }
  }
  /// The last reference frees the object, and its PASID: nobody else can tell one from the other.
  void put_object(T& t) {
    auto&& l = local(t);
    t.when(iommu_mm_data.at(l.iommu_mm).kref.dec_and_test(), [&] { release(t); });
  }
  void release(T& t) {
    auto&& l = local(t);
    auto&& object = iommu_mm_data.at(l.iommu_mm);
    this->happens(Kind::pasid_drop, {.mm = object.mm - 1U});
    this->ida_free(t, object.pasid - 1U);
    iommu_mm_data.kfree(l.iommu_mm);
  }

  Label attach;  ///< where a bind goes on that has a domain: public, for a bug

 private:
  void declare_lists() {
    this->property(
        "object-encloses-its-domains",
        "When no call is under way, the object of an mm has the domains of the mm on its list, and "
        "counts them and the mm.",
        [this] {
          return !this->may_rest() || all_of<D>(iommu_mm_data.size(), [&](unsigned i) {
            auto&& object = iommu_mm_data.object(i);
            const V domains = count_of<D>(
                iommu_domain.size(), [&](unsigned k) { return has_bit(object.sva_domains, k); });
            return object.life == Life::free ||
                   (object.kref.read() == domains + 1U &&
                    all_of<D>(iommu_domain.size(), [&](unsigned k) {
                      auto&& domain = iommu_domain.object(k);
                      return has_bit(object.sva_domains, k) ==
                             Bool<D>(domain.life == Life::live && domain.mm == object.mm);
                    }));
          });
        });
    this->property(
        "domains-are-shared",
        "When no call is under way, an mm has at most one domain for each kind of IOMMU.", [this] {
          return !this->may_rest() || all_of<D>(iommu_domain.size(), [&](unsigned i) {
            return all_of<D>(i, [&](unsigned j) {
              auto&& one = iommu_domain.object(i);
              auto&& other = iommu_domain.object(j);
              return one.life == Life::free || other.life == Life::free || one.mm != other.mm ||
                     one.owner != other.owner;
            });
          });
        });
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_SVA_ENCLOSING_H
