// SPDX-License-Identifier: MIT
// The rules of the reference model.  Included by reference.h only.
//
// Conditions compare fields with constants, and each rule is taken whole: what a rule reads and
// writes in one step is what the Promela and the Murphi text read and write in one step.
#ifndef IOMMUCHECK_MODEL_REFERENCE_REFERENCE_IMPL_H
#define IOMMUCHECK_MODEL_REFERENCE_REFERENCE_IMPL_H

namespace iommucheck::model {

template <class D>
Reference<D>::Reference(const ReferenceBounds& bounds)
    : b(bounds),
      scope_(this->root()),
      threads_(this->sort("threads", b.threads)),
      pasids_(b.any_free ? this->sort("pasids", b.pasids) : Sort{}),
      all_pasids_(pasids_.exists() ? over(pasids_) : Extent(b.pasids)),
      thread(scope_, "cpu", over(threads_), b, pasids_),
      mutex(scope_, "iommu_sva_lock"),
      owner(scope_, "owner", all_pasids_, kReferenceMms, pointer_to_mm()),
      mm(scope_, "mm", kReferenceMms, b, pasids_),
      device(scope_, "device", kReferenceDevices, b, all_pasids_) {
  pasid_owner = this->property(
      "pasid-owner",
      "A PASID that a device has attached or cached belongs to the mm that it was attached for.",
      [this] {
        return all_of<D>(kReferenceDevices, [&](unsigned d) {
          return all_of<D>(b.pasids, [&](unsigned p) {
            auto&& entry = device[d].entry[p];
            return (entry.domain == 0U || entry.domain == owner[p]) &&
                   (entry.tlb == 0U || entry.tlb == owner[p]);
          });
        });
      });
  mm_has_pasid = this->property(
      "mm-has-pasid", "A device is attached, detached and flushed at a PASID that the mm has.");
  this->initial = [this] {
    for (unsigned m = 0; m < kReferenceMms; ++m) {
      mm[m].tasks = b.users;
      mm[m].users = b.users;
    }
  };
  bind();
  unbind();
  put();
  fault();
  begin_calls();
}

template <class D>
void Reference<D>::complete() {
  for (unsigned i = 0; i < b.threads; ++i) {
    const Var<D>* pc = nullptr;
    if constexpr (std::is_same_v<D, Concrete>) {
      pc = &thread[i].pc;
    } else {
      auto record = thread[i];  // made on demand: keep its pc
      pcs_.push_back(std::move(record.pc));
      pc = &pcs_.back();
    }
    this->process({fmt::format("CPU{}", i), i, &code_, pc});
  }
}

template <class D>
void Reference<D>::rule(Rule rule, const char* program, std::string label, Rule next, Run run) {
  if (position(rule) != code_.size()) {
    throw std::logic_error("the rules are not in the order of their numbers: " + label);
  }
  const bool entry = pc_of(rule) > kRulesOfCalls;
  code_.push_back({program, std::move(label), entry, pc_of(next), std::move(run)});
}

template <class D>
void Reference<D>::bind() {
  constexpr const char* kName = "iommu_sva_bind_device";
  rule(Rule::b_lock, kName, "mutex_lock(&iommu_sva_lock)", Rule::b_chk, [this](unsigned) {
    context.require(!mutex);
    mutex = true;
  });
  rule(Rule::b_chk, kName, "if (!mm_users || refs == max) goto unlock; if (mm_valid_pasid(mm))",
       Rule::b_alloc, [this](unsigned self) {
         auto&& me = thread[self];
         auto&& mine = mm[mm_of(self)];
         auto&& bond = device[me.device].bond[mm_of(self)];
         context.when(
             mine.users == 0U || bond.refs == b.refs, [&] { jump(self, Rule::unlock); },
             [&] { context.when(mine.pasid != 0U, [&] { jump(self, Rule::b_dom); }); });
       });
  rule(Rule::b_alloc, kName, "mm->pasid = iommu_alloc_global_pasid()", Rule::b_dom,
       [this](unsigned self) {
         // One choice for either policy: where there is nothing to choose, it has to be 0.
         alloc(self, context.choose(b.any_free ? b.pasids : 1, "pasid"));
       });
  rule(Rule::b_dom, kName, "domain = iommu_sva_domain_alloc(dev, mm)", Rule::b_att,
       [this](unsigned self) {
         auto&& bond = device[thread[self].device].bond[mm_of(self)];
         context.when(
             bond.refs == 0U, [&] { bond.domain_live = true; }, [&] { jump(self, Rule::b_ref); });
       });
  rule(Rule::b_att, kName, "iommu_attach_device_pasid(domain, dev, mm->pasid)", Rule::b_ref,
       [this](unsigned self) { entry_of(self).domain = thread[self].mm; });
  rule(Rule::b_ref, kName, "refcount_inc(&handle->users)", Rule::unlock,
       [this](unsigned self) { device[thread[self].device].bond[mm_of(self)].refs += 1; });
  rule(Rule::unlock, kName, "mutex_unlock(&iommu_sva_lock)", Rule::idle, [this](unsigned self) {
    mutex = false;
    become_idle(self);
  });
}

template <class D>
void Reference<D>::take(unsigned self, unsigned pasid) {
  owner[pasid] = thread[self].mm;
  mm[mm_of(self)].pasid = pasid + 1;
}

template <class D>
void Reference<D>::take_lowest(unsigned self, unsigned from) {
  if (from == b.pasids) {
    jump(self, Rule::unlock);
    return;
  }
  context.when(
      owner[from] == 0U, [&] { take(self, from); }, [&] { take_lowest(self, from + 1); });
}

template <class D>
void Reference<D>::alloc(unsigned self, Val<D> chosen) {
  if (!b.any_free) {
    take_lowest(self, 0);
    return;
  }
  const Bool<D> none = all_of<D>(b.pasids, [&](unsigned p) { return owner[p] != 0U; });
  context.require((none && chosen == 0U) || (!none && owner[chosen] == 0U));
  context.when(
      none, [&] { jump(self, Rule::unlock); },
      [&] {
        owner[chosen] = thread[self].mm;
        mm[mm_of(self)].pasid = chosen + 1U;
      });
}

template <class D>
void Reference<D>::unbind() {
  constexpr const char* kName = "iommu_sva_unbind_device";
  rule(Rule::u_lock, kName, "mutex_lock(&iommu_sva_lock)", Rule::u_dec, [this](unsigned) {
    context.require(!mutex);
    mutex = true;
  });
  rule(Rule::u_dec, kName, "if (!refcount_dec_and_test(&handle->users)) goto unlock", Rule::u_det,
       [this](unsigned self) {
         auto&& bond = device[thread[self].device].bond[mm_of(self)];
         context.when(bond.refs != 1U, [&] { jump(self, Rule::unlock); });
         // Nothing is left where another unbind was faster.
         context.when(bond.refs != 0U, [&] { bond.refs -= 1; });
       });
  rule(Rule::u_det, kName, "iommu_detach_device_pasid(domain, dev, mm->pasid)", Rule::u_inv,
       [this](unsigned self) { entry_of(self).domain = 0; });
  rule(Rule::u_inv, kName, "invalidate the device's TLB for mm->pasid", Rule::u_free,
       [this](unsigned self) { entry_of(self).tlb = 0; });
  rule(Rule::u_free, kName, "iommu_domain_free(domain)", Rule::unlock, [this](unsigned self) {
    device[thread[self].device].bond[mm_of(self)].domain_live = false;
  });
}

template <class D>
void Reference<D>::put() {
  constexpr const char* kName = "mmput";
  rule(Rule::e_put, kName, "atomic_dec_and_test(&mm->mm_users)", Rule::e_clr,
       [this](unsigned self) { put_user(self); });
  rule(Rule::e_clr, kName, "if (nobody is bound or holds iommu_sva_lock) mm->pasid = none",
       Rule::e_drop, [this](unsigned self) { clear_pasid(self, !mutex && unbound(mm_of(self))); });
  rule(Rule::e_drop, kName, "iommu_free_global_pasid(pasid)", Rule::idle, [this](unsigned self) {
    owner[thread[self].pasid - 1U] = 0;
    become_idle(self);
  });
}

template <class D>
void Reference<D>::fault() {
  constexpr const char* kName = "iommu_sva_handle_iopf";
  rule(Rule::f_rcu, kName, "rcu_read_lock(); mm = the owner of the PASID", Rule::f_get,
       [this](unsigned self) {
         auto&& me = thread[self];
         const Val<D> found = owner[me.pasid - 1U];
         context.when(
             found == 0U, [&] { become_idle(self); },
             [&] {
               me.mm = found;
               me.pasid = 0;
             });
       });
  rule(Rule::f_get, kName, "mmget_not_zero(mm); rcu_read_unlock()", Rule::f_hnd,
       [this](unsigned self) {
         auto&& mine = mm[mm_of(self)];
         context.when(
             mine.users == 0U, [&] { become_idle(self); }, [&] { mine.users += 1; });
       });
  rule(Rule::f_hnd, kName, "handle_mm_fault()", Rule::f_put, [](unsigned) {});
  rule(Rule::f_put, kName, "mmput(mm): atomic_dec_and_test(&mm->mm_users)", Rule::e_clr,
       [this](unsigned self) { put_user(self); });
}

template <class D>
void Reference<D>::begin_calls() {
  rule(Rule::bind, "iommu_sva_bind_device", "(dev, mm) are chosen", Rule::b_lock,
       [this](unsigned self) {
         const Val<D> m = context.choose(kReferenceMms, "mm");
         const Val<D> d = context.choose(kReferenceDevices, "device");
         context.require(mm[m].tasks != 0U);
         thread[self].mm = m + 1U;
         thread[self].device = d;
       });
  rule(Rule::exit, "do_exit", "a task of the mm exits", Rule::e_put, [this](unsigned self) {
    const Val<D> m = context.choose(kReferenceMms, "mm");
    context.require(mm[m].tasks != 0U);
    mm[m].tasks -= 1;
    thread[self].mm = m + 1U;
  });
  rule(Rule::fork, "fork", "a process in the place of a dead one that nobody looks at", Rule::idle,
       [this](unsigned) {
         const Val<D> m = context.choose(kReferenceMms, "mm");
         const Bool<D> quiet =
             all_of<D>(b.threads, [&](unsigned i) { return thread[i].mm != m + 1U; });
         context.require(mm[m].tasks == 0U && mm[m].users == 0U && mm[m].pasid == 0U && quiet);
         mm[m].tasks = b.users;
         mm[m].users = b.users;
       });
  rule(Rule::reap, "mmdrop", "the mm is dead, has a PASID, and nobody is bound", Rule::e_clr,
       [this](unsigned self) {
         const Val<D> m = context.choose(kReferenceMms, "mm");
         context.require(mm[m].users == 0U && mm[m].pasid != 0U && unbound(m));
         thread[self].mm = m + 1U;
       });
  rule(Rule::unbind, "iommu_sva_unbind_device", "(dev, mm) are chosen", Rule::u_lock,
       [this](unsigned self) {
         const Val<D> m = context.choose(kReferenceMms, "mm");
         const Val<D> d = context.choose(kReferenceDevices, "device");
         context.require(device[d].bond[m].refs != 0U);
         thread[self].mm = m + 1U;
         thread[self].device = d;
       });
  rule(Rule::fault, "iommu_sva_handle_iopf", "the device caches a translation and faults",
       Rule::f_rcu, [this](unsigned self) {
         const Val<D> d = context.choose(kReferenceDevices, "device");
         const Val<D> p = context.choose(b.pasids, "pasid");
         auto&& entry = device[d].entry[p];
         context.require(entry.domain != 0U);
         entry.tlb = entry.domain;
         thread[self].pasid = p + 1U;
       });
}

template <class D>
void Reference<D>::become_idle(unsigned self) const {
  auto&& me = thread[self];
  me.pc = 0;
  me.mm = 0;
  me.device = 0;
  me.pasid = 0;
}

template <class D>
void Reference<D>::put_user(unsigned self) {
  auto&& mine = mm[mm_of(self)];
  const Bool<D> last = mine.users == 1U;
  mine.users -= 1;
  context.when(!last, [&] { become_idle(self); });
}

template <class D>
void Reference<D>::clear_pasid(unsigned self, Bool<D> allowed) {
  auto&& me = thread[self];
  auto&& mine = mm[mm_of(self)];
  context.when(
      allowed && mine.pasid != 0U,
      [&] {
        me.pasid = mine.pasid;
        mine.pasid = 0;
      },
      [&] { become_idle(self); });
}

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_REFERENCE_REFERENCE_IMPL_H
