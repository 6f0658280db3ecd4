// SPDX-License-Identifier: MIT
// The base of the IOMMU designs: the specification in lockstep, the locals of a call, which device
// is in which group, and the global PASIDs.
#ifndef IOMMUCHECK_MODEL_IOMMU_LOCKSTEP_DESIGN_H
#define IOMMUCHECK_MODEL_IOMMU_LOCKSTEP_DESIGN_H

#include "model/kernel/call_locals.h"
#include "model/kernel/xarray.h"
#include "spec/iommu/spec.h"

namespace iommucheck::model {

/// Bounds: devices, pasids and spec(), beside the ProcessBounds.  Sorts: declare() them, and hand
/// those to the specification that it can use.  Locals: of a call; `effects` is among them.
template <class D, class Bounds, class Sorts, template <class> class Locals>
class LockstepDesign : public Design<D> {
 public:
  using T = Cpu<D>;
  using V = Val<D>;
  using B = Bool<D>;
  using Kind = iommu::CallKind;

  explicit LockstepDesign(const Bounds& bounds)
      : Design<D>(bounds),
        b(bounds),
        layout(bounds.spec()),
        sorts(Sorts::declare(this->schema, bounds)),
        scope_(this->root()),
        iommu_global_pasid_ida(scope_, "iommu_global_pasid_ida", b.pasids, 1U, Format{}),
        spec(this->root().child("spec"), layout, sorts.spec(this->threads())),
        local_(*this, b, sorts) {
    legal_answer_ = this->property(
        "legal-answer",
        "Every call answers what the specification allows at the instant it takes effect.");
    contract_ = this->property(
        "contract", "The clients of the model keep the contract of the calls they make.");
  }

  PropertyId legal_answer() const { return legal_answer_; }

  /// The locals of the call that runs.
  decltype(auto) local(const T& t) const { return local_(t); }
  const CallLocals<D, Locals<D>>& locals_of_all() const { return local_; }

  /// Here the call takes effect: the specification makes the same call, and has to allow the
  /// answer.
  void takes_effect(T& t, Kind kind, iommu::Args<D> c, Val<D, iommu::Err> err, V value) {
    only_effect(t);
    answered(t, kind, c, err, value);
    happens(kind, c, err, value);
  }
  /// For who asks designs about certain calls (tests/impl/linux/sva_outcomes_test.cc): what a call
  /// answers.
  virtual void answered(T&, Kind, const iommu::Args<D>&, Val<D, iommu::Err>, V) {}
  /// The same for what happens inside a call, beside its own effect.
  void happens(Kind kind, iommu::Args<D> c, Val<D, iommu::Err> err = iommu::Err::ok, V value = 0) {
    iommu::Reply<D> reply{this->context, err, value};
    auto& requirements = this->context.requirements;
    requirements.legal = legal_answer_;
    requirements.contract_kept = contract_;
    requirements.contract = Contract::violate;
    requirements.lockstep = true;
    spec.apply(kind, c, reply);
    requirements.lockstep = false;
  }
  /// The call has had its effect, which is its only one.
  void only_effect(T& t) {
    auto&& l = local(t);
    t.fail_unless(l.effects == 0U, legal_answer_, "the call takes effect twice");
    l.effects = 1;
  }
  void on_return(T& t) override {
    if (this->is_worker(t.self())) return;
    t.fail_unless(local(t).effects == 1U, legal_answer_,
                  "the call returns without having taken effect");
  }

  /// An object of a pool that is meant to have one for everybody who asks.  That none is left would
  /// hide what comes then, and is reported.
  template <class Pool>
  V kzalloc(T& t, const Pool& pool) {
    const V object = pool.kzalloc();
    t.fail_unless(object != 0U, kInRange, "no object is left: the design needs a larger pool");
    return object;
  }

  /// Whether devices come and go, and which ones are on the list of their group then.
  virtual bool comes_and_goes() const { return false; }
  virtual B listed(V) const { return B(true); }

  /// The group of device `dev`, as a number.
  V group_of(V dev) const {
    return sum_of<D>(b.devices,
                     [&](unsigned d) { return select(dev == d, V(layout.group_of(d)), V(0)); });
  }
  V kind_of(V dev) const {
    return sum_of<D>(b.devices,
                     [&](unsigned d) { return select(dev == d, V(layout.kind_of(d)), V(0)); });
  }

  /// ida_alloc_range(&iommu_global_pasid_ida, ...): the lowest PASID that is free, from 0 on;
  /// b.pasids if there is none.
  V ida_alloc() {
    const V pasid = iommu_global_pasid_ida.lowest_free(0, b.pasids - 1);
    iommu_global_pasid_ida.store(pasid, 1);
    return pasid;
  }
  void ida_free(T& t, V pasid) {
    t.fail_unless(iommu_global_pasid_ida.load(pasid) != 0U, this->no_use_after_free,
                  "ida_free() of an id that is free");
    iommu_global_pasid_ida.store(pasid, 0);
  }

  const Bounds b;
  const iommu::Bounds layout;  ///< which device is in which group, behind which kind of IOMMU
  const Sorts sorts;

 private:
  Scope<D> scope_;

 public:
  XArray<D> iommu_global_pasid_ida;  ///< 1 where the PASID is taken
  iommu::Spec<D> spec;

 private:
  CallLocals<D, Locals<D>> local_;
  PropertyId legal_answer_{}, contract_{};
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_LOCKSTEP_DESIGN_H
