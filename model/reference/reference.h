// SPDX-License-Identifier: MIT
// reference: PASID allocation and SVA bind/unbind of two mms and two devices under one mutex.
//
// The yardstick: the same model is written for SPIN and for Rumur (bench/reference/), and all three
// must find exactly the same states and transitions.  So a rule here is a rule there, and locals
// are cleared where they are cleared there: either decides the counts (docs/reference-model.md).
#ifndef IOMMUCHECK_MODEL_REFERENCE_REFERENCE_H
#define IOMMUCHECK_MODEL_REFERENCE_REFERENCE_H

#include <deque>
#include <stdexcept>
#include <string>

#include "core/machine.h"
#include "model/reference/rules.h"

namespace iommucheck::model {

struct ReferenceBounds {
  unsigned threads = 2;
  unsigned pasids = 2;
  unsigned users = 1;     ///< tasks of a fresh mm, each with one count of mm_users
  unsigned refs = 1;      ///< the most bonds of one (device, mm)
  bool any_free = false;  ///< alloc may take any free PASID; else it takes the lowest
};

inline constexpr unsigned kReferenceMms = 2;
inline constexpr unsigned kReferenceDevices = 2;

/// A pointer to an mm: 0 is NULL, m + 1 is mm m.
inline Format pointer_to_mm() { return {Format::Kind::handle, {"mm"}}; }
/// A PASID that may be absent: 0 is none, p + 1 is PASID p.
inline Format optional_pasid(Sort pasids) {
  const Format format{Format::Kind::handle, {"pasid"}};
  return pasids.exists() ? format.of(pasids) : format;
}

/// Where a thread is, and its locals: 0 while it is idle, but where the rules say otherwise.
template <class D>
struct ReferenceThread : Record<D> {
  ReferenceThread(Scope<D> scope, const ReferenceBounds& b, Sort pasids)
      : Record<D>(scope),
        pc(*this, "pc", kRulesOfCalls),
        mm(*this, "mm", kReferenceMms, pointer_to_mm()),
        device(*this, "device", kReferenceDevices - 1),
        pasid(*this, "pasid", b.pasids, optional_pasid(pasids)) {}
  Var<D> pc, mm, device, pasid;
};

template <class D>
struct ReferenceMm : Record<D> {
  ReferenceMm(Scope<D> scope, const ReferenceBounds& b, Sort pasids)
      : Record<D>(scope),
        tasks(*this, "tasks", b.users),
        users(*this, "users", b.users + b.threads),
        pasid(*this, "pasid", b.pasids, optional_pasid(pasids)) {}
  Var<D> tasks;  ///< that have not exited
  Var<D> users;  ///< mm_users: one for each task, and one for each fault at work
  Var<D> pasid;
};

/// What a device has for one mm.
template <class D>
struct ReferenceBond : Record<D> {
  ReferenceBond(Scope<D> scope, const ReferenceBounds& b)
      : Record<D>(scope), refs(*this, "refs", b.refs), domain_live(*this, "domain_live") {}
  Var<D> refs;
  Flag<D> domain_live;
};

/// What a device has for one PASID.
template <class D>
struct ReferenceEntry : Record<D> {
  explicit ReferenceEntry(Scope<D> scope)
      : Record<D>(scope),
        domain(*this, "domain", kReferenceMms, pointer_to_mm()),
        tlb(*this, "tlb", kReferenceMms, pointer_to_mm()) {}
  Var<D> domain;  ///< the mm whose table is attached
  Var<D> tlb;     ///< the mm whose translations are cached
};

template <class D>
struct ReferenceDevice : Record<D> {
  ReferenceDevice(Scope<D> scope, const ReferenceBounds& b, Extent pasids)
      : Record<D>(scope), bond(*this, "bond", kReferenceMms, b), entry(*this, "entry", pasids) {}
  Array<D, ReferenceBond<D>> bond;
  Array<D, ReferenceEntry<D>> entry;
};

template <class D>
class Reference : public Machine<D> {
 public:
  using Machine<D>::context;
  using Run = std::function<void(unsigned self)>;

  explicit Reference(const ReferenceBounds& bounds);

  /// Another action for a rule: what a bug is.
  void replace(Rule rule, std::string label, Run run) {
    StepCode& step = code_.at(position(rule));
    step.label = std::move(label);
    step.run = std::move(run);
  }
  /// Two rules that follow one another, in the opposite order.
  void swap(Rule first, Rule second) {
    StepCode& step = code_.at(position(first));
    StepCode& other = code_.at(position(second));
    std::swap(step.label, other.label);
    std::swap(step.run, other.run);
  }
  /// Makes the threads; no changes after this.
  void complete();

  const ReferenceBounds b;

 private:
  Scope<D> scope_;
  Sort threads_;
  Sort pasids_;  ///< none where alloc takes the lowest: PASIDs are told apart
  Extent all_pasids_;

 public:
  Array<D, ReferenceThread<D>> thread;
  Flag<D> mutex;           ///< iommu_sva_lock
  Array<D, Var<D>> owner;  ///< the mm that each PASID is allocated to
  Array<D, ReferenceMm<D>> mm;
  Array<D, ReferenceDevice<D>> device;
  PropertyId pasid_owner{}, mm_has_pasid{};

  // What rules are made of.
  void jump(unsigned self, Rule rule) const { thread[self].pc = pc_of(rule); }
  /// The call returns: the locals are cleared.
  void become_idle(unsigned self) const;
  /// The number of the mm that the thread is about.
  Val<D> mm_of(unsigned self) const { return thread[self].mm - 1U; }
  /// No device has a bond with the mm.
  Bool<D> unbound(Val<D> m) const {
    return all_of<D>(kReferenceDevices, [&](unsigned d) { return device[d].bond[m].refs == 0U; });
  }
  /// The entry of the thread's device for the PASID of its mm, which has to be there.
  decltype(auto) entry_of(unsigned self) {
    auto&& me = thread[self];
    const Val<D> pasid = mm[me.mm - 1U].pasid;
    context.fail_unless(pasid != 0U, mm_has_pasid, "the mm has no PASID any more");
    return device[me.device].entry[pasid - 1U];
  }
  /// One mm_user fewer; the call goes on if it was the last.
  void put_user(unsigned self);
  /// Takes the PASID from the thread's mm if that has one and it is allowed; else the call returns.
  void clear_pasid(unsigned self, Bool<D> allowed);

 private:
  static std::size_t position(Rule rule) { return pc_of(rule) - 1; }
  void rule(Rule rule, const char* program, std::string label, Rule next, Run run);

  void begin_calls();
  void bind();
  void alloc(unsigned self, Val<D> chosen);
  void take(unsigned self, unsigned pasid);
  void take_lowest(unsigned self, unsigned from);
  void unbind();
  void put();
  void fault();

  Code code_;
  std::deque<Var<D>> pcs_;
};

}  // namespace iommucheck::model

#include "model/reference/reference_impl.h"

#endif  // IOMMUCHECK_MODEL_REFERENCE_REFERENCE_H
