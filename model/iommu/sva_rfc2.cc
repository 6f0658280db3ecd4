// SPDX-License-Identifier: MIT
// sva/rfc2 and its bugs: each is one change of the design.
#include "model/iommu/sva_rfc2.h"

#include "model/iommu/entries.h"
#include "model/iommu/sva_edits.h"

namespace iommucheck::model {
namespace sva_rfc2_bugs {

using RfcBug = Bug<SvaRfc2>;

constexpr const char* kPosted = "RFC v2 of 2022-03-29, as posted";
constexpr const char* kCount =
    "if (!refcount_inc_not_zero(&domain->sva_cookie->users)) domain = NULL";
constexpr const char* kAlloc =
    "domain = iommu_sva_alloc_domain(dev, mm); refcount_set(&cookie->users, 1); mmgrab(mm)";
constexpr const char* kUnused = "mmdrop(mm); kfree(domain); return curr";
constexpr const char* kLook = "curr = __xa_load(&sva_domain_array, pasid)";
constexpr const char* kStore = "__xa_store(&sva_domain_array, pasid, domain)";
constexpr const char* kStored = "xa_unlock(&sva_domain_array); if (!curr) return domain";
constexpr const char* kStillThere =
    "if (__xa_load(&sva_domain_array, cookie->pasid) != domain) goto unlock";
constexpr const char* kErase = "__xa_erase(&sva_domain_array, cookie->pasid)";

std::vector<RfcBug> posted_bugs() {
  return {
      RfcBug(
          {"cookie-get-ignored",
           "use after free",
           kPosted,
           "the result of refcount_inc_not_zero() is ignored: a look-up uses a domain whose last "
           "user is gone",
           "no-use-after-free",
           {{"threads", 2}}},
          [](auto& d) {
            d.edit(kBind).replace(
                kCount, "refcount_inc_not_zero(&domain->sva_cookie->users)", [&d](auto& t) {
                  static_cast<void>(d.iommu_domain.at(d.local(t).domain).users.inc_not_zero());
                });
          }),
      RfcBug(
          {"mm-not-held",
           "use after free",
           kPosted,
           "the cookie holds no reference on its mm: unbind reads the PASID of an mm that is gone",
           "no-use-after-free",
           {{"threads", 1}}},
          [](auto& d) {
            auto& bind = d.edit(kBind);
            bind.replace(kAlloc, "domain = iommu_sva_alloc_domain(dev, mm) (no mmgrab)",
                         [&d](auto& t) { d.alloc_domain(t, false); });
            bind.replace(kUnused, "kfree(domain) (no mmdrop); return curr",
                         [&d](auto& t) { d.drop_unused(t, false); });
            bind.drop("mmdrop(mm)");
            auto& unbind = d.edit(kUnbind);
            unbind.drop("if (!atomic_dec_and_test(&mm->mm_count)) return");
            unbind.drop("if (pasid_valid(mm->pasid)) ioasid_free(mm->pasid)");
            unbind.drop("free_mm(mm)");
          }),
      RfcBug({"domain-interchangeable",
              "wrong translation",
              kPosted,
              "the array has one domain for a PASID, whatever IOMMU the device is behind",
              "domain-fits-device",
              {{"threads", 2}, {"devices", 2}, {"kinds", 2}}},
             [](auto& d) { d.array_for_each_kind = false; }),
  };
}

std::vector<RfcBug> lock_mutants() {
  const BoundValues two{{"threads", 2}};
  return {
      RfcBug({"alloc-pasid-without-lock",
              "lock",
              "mutant",
              "iommu_sva_alloc_pasid() takes no iommu_sva_lock",
              "legal-answer",
              {{"threads", 2}, {"pasids", 2}}},
             [](auto& d) {
               auto& bind = d.edit(kBind);
               bind.drop("mutex_lock(&iommu_sva_lock)");
               bind.replace("out: mutex_unlock(&iommu_sva_lock)", "out: (no lock)", [](auto&) {});
               bind.replace("err: mutex_unlock(&iommu_sva_lock)", "err: (no lock)", [](auto&) {});
             }),
      RfcBug({"attach-without-lock", "lock", "mutant", "bind takes no group->mutex", "legal-answer",
              two},
             [](auto& d) {
               auto& bind = d.edit(kBind);
               bind.drop("mutex_lock(&group->mutex)");
               bind.replace("mutex_unlock(&group->mutex)", "(no lock)",
                            [&d](auto& t) { t.when(d.local(t).domain == 0U, [&] { t.ret(); }); });
             }),
      RfcBug({"detach-without-lock", "lock", "mutant", "unbind takes no group->mutex", "refcounts",
              two},
             [](auto& d) {
               auto& unbind = d.edit(kUnbind);
               unbind.drop("mutex_lock(&group->mutex)");
               unbind.replace("mutex_unlock(&group->mutex)", "(no lock)",
                              [&d](auto& t) { t.when(d.local(t).handle == 0U, [&] { t.ret(); }); });
             }),
      RfcBug({"store-without-lock", "lock", "mutant",
              "two threads that miss at once look again and store without xa_lock",
              "array-has-the-domains", two},
             [](auto& d) {
               auto& bind = d.edit(kBind);
               bind.drop("xa_lock(&sva_domain_array)");
               bind.replace(kStored, "(no lock) if (!curr) return domain", [&d](auto& t) {
                 t.when(d.local(t).curr == 0U, [&] { t.jump(d.have_domain); });
               });
             }),
      RfcBug({"erase-without-lock", "lock", "mutant",
              "the last user looks and erases without xa_lock", "array-has-the-domains", two},
             [](auto& d) {
               auto& unbind = d.edit(kUnbind);
               unbind.drop("xa_lock(&sva_domain_array)");
               unbind.replace("xa_unlock(&sva_domain_array)", "(no lock)", [](auto&) {});
             }),
      RfcBug({"look-up-without-rcu", "lock", "mutant", "the look-up takes no rcu_read_lock()",
              "no-use-after-free", two},
             [](auto& d) {
               auto& bind = d.edit(kBind);
               bind.drop("rcu_read_lock()");
               bind.replace("rcu_read_unlock(); if (domain) return domain",
                            "(no rcu_read_unlock()) if (domain) return domain", [&d](auto& t) {
                              t.when(d.local(t).domain != 0U, [&] { t.jump(d.have_domain); });
                            });
             }),
      RfcBug({"free-without-grace-period", "grace period", "mutant",
              "the domain is freed while look-ups may still see it", "no-use-after-free", two},
             [](auto& d) {
               d.edit(kUnbind).replace("kfree_rcu(domain)", "kfree(domain)", [&d](auto& t) {
                 d.iommu_domain.kfree(d.local(t).domain);
                 t.ret();
               });
             }),
  };
}

std::vector<RfcBug> array_mutants() {
  const BoundValues two{{"threads", 2}};
  return {
      RfcBug({"no-second-look", "publication order", "mutant",
              "who has missed stores its domain over that of another bind", "array-has-the-domains",
              two},
             [](auto& d) {
               d.edit(kBind).replace(kLook, "(no second look)", [&d](auto& t) { t.jump(d.store); });
             }),
      RfcBug({"stored-before-counted", "publication order", "mutant",
              "the domain is in the array before its count is set: another bind takes it for dying",
              "array-has-the-domains", two},
             [](auto& d) {
               auto& bind = d.edit(kBind);
               bind.insert_before(kStore, "(users is still 0)", [&d](auto& t) {
                 d.iommu_domain.at(d.local(t).domain).users.set(0);
               });
               bind.insert_before("mutex_lock(&group->mutex)",
                                  "refcount_set(&cookie->users, 1) (late)", [&d](auto& t) {
                                    auto&& users = d.iommu_domain.at(d.local(t).domain).users;
                                    t.when(users.read() == 0U, [&] { users.set(1); });
                                  });
             }),
      RfcBug({"erases-what-is-there", "order", "mutant",
              "the last user empties the place in the array, whoever's domain is there by now",
              "array-has-the-domains", two},
             [](auto& d) { d.edit(kUnbind).drop(kStillThere); }),
      RfcBug({"stays-in-array", "use after free", "mutant",
              "the domain is freed and left in the array", "no-use-after-free", two},
             [](auto& d) { d.edit(kUnbind).drop(kErase); }),
      RfcBug({"handle-stays-published",
              "use after free",
              "mutant",
              "detach leaves the handle in group->pasid_array",
              "no-use-after-free",
              {{"threads", 1}}},
             [](auto& d) { d.edit(kUnbind).drop("xa_erase(&group->pasid_array, pasid)"); }),
  };
}

std::vector<RfcBug> reference_mutants() {
  const BoundValues one{{"threads", 1}};
  const BoundValues two{{"threads", 2}};
  const BoundValues devices{{"threads", 2}, {"devices", 2}};
  return {
      RfcBug({"mm-grabbed-twice", "leak", "mutant",
              "a domain takes two references on its mm, and drops one", "mm-lives-as-long-as-held",
              one},
             [](auto& d) {
               d.edit(kBind).insert_after(kAlloc, "mmgrab(mm) (again)",
                                          [&d](auto& t) { d.mm.at(d.local(t).mm).count.inc(); });
             }),
      RfcBug({"look-up-not-counted", "reference", "mutant",
              "a look-up looks at the count and does not add to it", "refcounts", devices},
             [](auto& d) {
               d.edit(kBind).replace(
                   kCount, "if (!refcount_read(&cookie->users)) domain = NULL", [&d](auto& t) {
                     auto&& l = d.local(t);
                     t.when(d.iommu_domain.at(l.domain).users.read() == 0U, [&] { l.domain = 0; });
                   });
             }),
      RfcBug({"user-not-put", "leak", "mutant",
              "a bind that finds the bond of another keeps the user that its look-up took",
              "domains-are-used", two},
             [](auto& d) {
               d.edit(kBind).insert_before("refcount_inc(&handle->users)", "(the user is kept)",
                                           [&d](auto& t) { d.local(t).domain = 0; });
             }),
      RfcBug({"failed-bind-keeps-user", "leak", "mutant",
              "a bind that fails after the look-up keeps its user", "domains-are-used", one},
             [](auto& d) {
               d.edit(kBind).insert_before("if (ret) kfree(handle)",
                                           "if (ret) domain = NULL (the user is kept)",
                                           [&d](auto& t) {
                                             auto&& l = d.local(t);
                                             t.when(l.ret != Err::ok, [&] { l.domain = 0; });
                                           });
             }),
      RfcBug({"bond-not-counted", "reference", "mutant",
              "a second bind of the same (device, mm) does not count on the handle",
              "handles-are-published", two},
             [](auto& d) {
               d.edit(kBind).replace("refcount_inc(&handle->users)", "(not counted)",
                                     [&d](auto& t) {
                                       d.bind_succeeds(t);
                                       t.jump(d.attach_unlock);
                                     });
             }),
      RfcBug({"domain-leaks", "leak", "mutant", "the last user does not free the domain",
              "array-has-the-domains", one},
             [](auto& d) {
               d.edit(kUnbind).replace("kfree_rcu(domain)", "(not freed)",
                                       [](auto& t) { t.ret(); });
             }),
  };
}

std::vector<RfcBug> bugs() {
  std::vector<RfcBug> all = posted_bugs();
  for (auto group :
       {lock_mutants(), array_mutants(), reference_mutants(), translation_mutants<RfcBug>()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

std::vector<BoundInfo> bounds() {
  auto all = common_iommu_bounds();
  std::erase_if(all, [](const BoundInfo& bound) { return bound.name == "faults"; });
  return all;
}

IommuBounds to_bounds(const BoundValues& values) {
  IommuBounds b = to_iommu_bounds(values);
  b.lockless_domains = true;
  return b;
}

}  // namespace sva_rfc2_bugs

const DesignEntry& sva_rfc2() {
  static const TypedDesign<SvaRfc2, IommuBounds> kEntry{
      "sva/rfc2",
      "a global array gives the domain of a PASID without a lock; users are counted in its cookie",
      "RFC v2 03/11 \"iommu/sva: Add iommu_domain type for SVA\", 2022-03-29, repaired",
      sva_rfc2_bugs::bounds(),
      sva_rfc2_bugs::to_bounds,
      sva_rfc2_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
