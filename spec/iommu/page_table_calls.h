// SPDX-License-Identifier: MIT
// Calls of the page-table layer: iommu_domain_alloc(), iommu_domain_free(), iommu_map(),
// iommu_unmap().  Source: 6.12 drivers/iommu/iommu.c.
#ifndef IOMMUCHECK_SPEC_IOMMU_PAGE_TABLE_CALLS_H
#define IOMMUCHECK_SPEC_IOMMU_PAGE_TABLE_CALLS_H

#include "spec/iommu/relation.h"

namespace iommucheck::iommu {

template <class D>
class PageTableCalls : Relation<D> {
  using Base = Relation<D>;
  using Base::s, Base::b, Base::ctx;
  using typename Base::A, typename Base::B, typename Base::R, typename Base::V;

 public:
  using Base::Base;

  void domain_alloc(const A& c, R& r) {
    this->error(r, Err::enomem, this->no_memory(c), "domain_alloc: -ENOMEM only without memory");
    this->success(r, this->table_is(r.value, [&](unsigned t) -> B { return !s.exists(t); }),
                  "domain_alloc gives a domain that was not there", [&] {
                    for (unsigned t = 1; t <= b.tables; ++t) {
                      ctx.when(r.value == t, [&] {
                        s.table[t - 1].life = TableLife::owned;
                        this->with_device(c.device, [&](unsigned d, unsigned) {
                          s.table[t - 1].kind = b.kind_of(d);
                        });
                      });
                    }
                  });
  }

  void domain_free(const A& c, R& r) {
    ctx.contract(this->table_is(c.table,
                                [&](unsigned t) -> B {
                                  return s.table[t - 1].life == TableLife::owned && !s.attached(t);
                                }),
                 "domain_free: the domain is the caller's, and attached nowhere");
    this->success(r, [&] {
      for (unsigned t = 1; t <= b.tables; ++t) {
        ctx.when(c.table == t, [&] {
          auto&& table = s.table[t - 1];
          table.life = TableLife::none;
          table.kind = 0;
          table.mapped = 0;
        });
      }
    });
  }

  void map(const A& c, R& r) {
    exists(c, "map: the domain exists");
    this->error(r, Err::enomem, this->no_memory(c), "map: -ENOMEM only without memory");
    this->error(r, Err::eexist, mapped(c), "map: -EEXIST only where the page is mapped");
    this->success(r, !mapped(c), "map succeeds only where the page is not mapped",
                  [&] { set_mapped(c, true); });
  }

  void unmap(const A& c, R& r) {
    exists(c, "unmap: the domain exists");
    this->error(r, Err::enoent, !mapped(c), "unmap: nothing is unmapped only where nothing was");
    this->success(r, mapped(c), "unmap succeeds only where the page is mapped",
                  [&] { set_mapped(c, false); });
  }

 private:
  void exists(const A& c, const char* sentence) {
    ctx.contract(this->table_is(c.table, [&](unsigned t) { return s.exists(t); }), sentence);
  }
  B mapped(const A& c) const {
    return this->table_is(c.table, [&](unsigned t) {
      return any_of<D>(
          b.pages, [&](unsigned p) { return c.page == p && has_bit(s.table[t - 1].mapped, p); });
    });
  }
  void set_mapped(const A& c, bool on) {
    for (unsigned t = 0; t < b.tables; ++t) {
      for (unsigned p = 0; p < b.pages; ++p) {
        ctx.when(c.table == t + 1 && c.page == p, [&] {
          auto&& table = s.table[t];
          table.mapped = on ? with_bit(table.mapped, p) : without_bit(table.mapped, p);
        });
      }
    }
  }
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_PAGE_TABLE_CALLS_H
