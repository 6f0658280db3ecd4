// SPDX-License-Identifier: MIT
// Processes and their bonds: fork, exit, the PASID of an mm; bind, unbind, page requests.
//
// Sources: 6.12 drivers/iommu/iommu-sva.c, kernel/fork.c; v5.18 (2667ed10d9f0: the PASID stays
// with the mm until its struct is freed); v5.10.27 (fork does not hand the PASID on);
// 23e5d9ec2bab, v6.4 (tagged addresses and a PASID exclude each other).
#ifndef IOMMUCHECK_SPEC_IOMMU_PROCESS_CALLS_H
#define IOMMUCHECK_SPEC_IOMMU_PROCESS_CALLS_H

#include "spec/iommu/relation.h"

namespace iommucheck::iommu {

template <class D>
class ProcessCalls : Relation<D> {
  using Base = Relation<D>;
  using Base::s, Base::b, Base::ctx;
  using typename Base::A, typename Base::B, typename Base::R, typename Base::V;

 public:
  using Base::Base;

  void fork(const A& c, R& r) {
    running(c, "fork: the process runs");
    this->error(r, Err::enomem, this->no_memory(c), "fork: -ENOMEM only without memory");
    this->success(
        r, this->mm_is(r.value, [&](unsigned m) -> B { return s.mm[m].life == MmLife::none; }),
        "fork gives an mm that was not there", [&] {
          with_mm(r.value, [&](unsigned m) {
            s.mm[m].life = MmLife::running;
            if (b.tagging) s.mm[m].tagged = as_number<D>(tagged(c));
          });
        });
  }
  /// mm_users drops to 0: the page tables go, and no device may walk them any more.
  void exit(const A& c, R& r) {
    running(c, "exit: the process runs");
    this->success(r, [&] {
      with_mm(c.mm, [&](unsigned m) {
        s.mm[m].life = MmLife::dead;
        for (unsigned g = 0; g < b.group_count(); ++g) {
          for (unsigned p = 0; p < b.pasids; ++p) {
            auto&& target = s.group[g].pasid[p];
            ctx.when(target == b.mm_target(m), [&] { target = 0; });
          }
        }
      });
    });
  }
  /// The first bind of a process gives it a PASID, which it keeps even if that bind fails.
  void pasid_alloc(const A& c, R& r) {
    running(c, "alloc_mm_data: the process runs");
    ctx.contract(!has_pasid(c), "alloc_mm_data: the mm has no PASID yet");
    this->error(r, Err::enomem, this->no_memory(c), "alloc_mm_data: -ENOMEM only without memory");
    this->error(r, Err::enospc, none_free(), "alloc_mm_data: -ENOSPC only where no PASID is free");
    this->success(r, right_pasid(c, r) && !tagged(c),
                  "alloc_mm_data gives a PASID that nobody has, to a process without tags",
                  [&] { with_mm(c.mm, [&](unsigned m) { s.mm[m].pasid = r.value; }); });
  }
  /// mm_count drops to 0: the struct goes, and its PASID is anybody's.
  void pasid_drop(const A& c, R& r) {
    this->success(
        r,
        this->mm_is(c.mm,
                    [&](unsigned m) -> B { return s.mm[m].life == MmLife::dead && !s.held(m); }),
        "mm_pasid_drop: the PASID goes back only when the process is gone and nobody "
        "holds a bond with it",
        [&] {
          with_mm(c.mm, [&](unsigned m) {
            s.mm[m].life = MmLife::none;
            s.mm[m].pasid = 0;
            if (b.tagging) s.mm[m].tagged = 0;
          });
        });
  }

  /// What a task writes into its CPU's register, or hands to a device.
  void get_pasid(const A& c, R& r) {
    running(c, "get_pasid: the process runs");
    this->success(r,
                  this->mm_is(c.mm,
                              [&](unsigned m) -> B {
                                return r.value == s.mm[m].pasid || (r.value == 0U && !s.held(m));
                              }),
                  "get_pasid gives the PASID of the mm; none only where nobody is bound to it",
                  [] {});
  }

  void bind(const A& c, R& r) {
    running(c, "bind: the process runs");
    this->is_used(c, "bind: the device has a driver");
    ctx.contract(bond_is(c, [](auto&& bond) -> B { return bond.device == 0U; }),
                 "bind: the client does not hold this bond yet");
    const B taken = this->device_is(c.device, [&](unsigned, unsigned g) {
      return this->mm_is(c.mm, [&](unsigned m) {
        return any_of<D>(b.pasids, [&](unsigned p) {
          return s.mm[m].pasid == p + 1 && s.translation(g, p + 1) != 0U &&
                 s.translation(g, p + 1) != b.mm_target(m);
        });
      });
    });
    this->error(r, Err::enomem, this->no_memory(c), "bind: -ENOMEM only without memory");
    this->error(r, Err::enospc, !has_pasid(c) && none_free(),
                "bind: -ENOSPC only where the mm has no PASID and none is free");
    this->error(r, Err::ebusy, taken || tagged(c),
                "bind: -EBUSY only where something else is attached at the PASID, or the process "
                "tags its addresses");
    this->success(r, right_pasid(c, r) && !taken && !tagged(c),
                  "bind gives the PASID of the mm, or one that nobody has", [&] {
                    with_mm(c.mm, [&](unsigned m) {
                      s.mm[m].pasid = r.value;
                      this->with_device(c.device, [&](unsigned, unsigned g) {
                        this->set_pasid(g, r.value, b.mm_target(m));
                      });
                    });
                    with_bond(c, [&](auto&& bond) {
                      bond.device = c.device + 1U;
                      bond.mm = c.mm + 1U;
                    });
                  });
  }
  void unbind(const A& c, R& r) {
    ctx.contract(bond_is(c, [](auto&& bond) -> B { return bond.device != 0U; }),
                 "unbind: the client holds this bond");
    this->success(r, [&] {
      with_bond(c, [&](auto&& bond) {
        const V mm = bond.mm;
        bond.device = 0;
        bond.mm = 0;
        for (unsigned m = 0; m < b.mms; ++m) {
          ctx.when(mm == m + 1, [&] { untranslate(m); });
        }
      });
    });
  }
  /// From now on pointers of the process may have tags: a device that got one would miss.  It may
  /// be refused for what the specification does not know (a process of several tasks).
  void enable_tagged_addr(const A& c, R& r) {
    running(c, "enable_tagged_addr: the process runs");
    this->error(r, Err::einval, has_pasid(c), "enable_tagged_addr: -EINVAL only with a PASID");
    this->error(r, Err::ebusy, B(true), "enable_tagged_addr: -EBUSY at any time");
    this->success(r, !has_pasid(c), "enable_tagged_addr succeeds only without a PASID",
                  [&] { with_mm(c.mm, [&](unsigned m) { s.mm[m].tagged = 1; }); });
  }
  /// A page request of a device is answered with "success" for this process.
  void fault(const A& c, R& r) {
    this->success(r,
                  this->device_is(c.device,
                                  [&](unsigned, unsigned g) {
                                    return this->pasid_is(c.pasid, [&](unsigned p) {
                                      return this->mm_is(c.mm, [&](unsigned m) -> B {
                                        return s.translation(g, p) == b.mm_target(m);
                                      });
                                    });
                                  }),
                  "a page request is handled for the process that its PASID means", [] {});
  }

 private:
  void running(const A& c, const char* sentence) {
    ctx.contract(this->mm_is(c.mm, [&](unsigned m) { return s.runs(m); }), sentence);
  }
  B has_pasid(const A& c) const {
    return this->mm_is(c.mm, [&](unsigned m) -> B { return s.mm[m].pasid != 0U; });
  }
  B tagged(const A& c) const {
    if (!b.tagging) return B(false);
    return this->mm_is(c.mm, [&](unsigned m) -> B { return s.mm[m].tagged != 0U; });
  }
  B none_free() const {
    return !any_of<D>(b.pasids, [&](unsigned p) { return s.pasid_free(p + 1); });
  }
  /// The answer is the PASID of the mm, or one that nobody has.
  B right_pasid(const A& c, R& r) const {
    return this->mm_is(c.mm, [&](unsigned m) {
      return this->select_bit(s.mm[m].pasid != 0U, r.value == s.mm[m].pasid,
                              this->pasid_is(r.value, [&](unsigned p) { return s.pasid_free(p); }));
    });
  }
  template <class F>
  void with_mm(V number, F f) {
    for (unsigned m = 0; m < b.mms; ++m) ctx.when(number == m, [&] { f(m); });
  }
  template <class F>
  void with_bond(const A& c, F f) {
    for (unsigned i = 0; i < b.clients; ++i) {
      for (unsigned k = 0; k < b.bonds; ++k) {
        ctx.when(c.client == i && c.bond == k, [&] { f(s.client[i].bond[k]); });
      }
    }
  }
  template <class F>
  B bond_is(const A& c, F f) const {
    return any_of<D>(b.clients, [&](unsigned i) {
      return any_of<D>(b.bonds, [&](unsigned k) {
        return c.client == i && c.bond == k && f(s.client[i].bond[k]);
      });
    });
  }
  /// Groups without a bond with mm `m` do not reach it any more.
  void untranslate(unsigned m) {
    for (unsigned g = 0; g < b.group_count(); ++g) {
      ctx.when(!s.group_bound(g, m), [&] {
        for (unsigned p = 0; p < b.pasids; ++p) {
          auto&& target = s.group[g].pasid[p];
          ctx.when(target == b.mm_target(m), [&] { target = 0; });
        }
      });
    }
  }
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_PROCESS_CALLS_H
