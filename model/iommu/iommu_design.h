// SPDX-License-Identifier: MIT
// What the IOMMU designs share: the specification in lockstep, processes and their end, the
// hardware, and what must be true of it in every state.
#ifndef IOMMUCHECK_MODEL_IOMMU_IOMMU_DESIGN_H
#define IOMMUCHECK_MODEL_IOMMU_IOMMU_DESIGN_H

#include "model/iommu/hardware.h"

namespace iommucheck::model {

template <class D>
class IommuDesign : public Design<D> {
 public:
  using T = Cpu<D>;
  using V = Val<D>;
  using B = Bool<D>;
  using Kind = iommu::CallKind;

  IommuDesign(const IommuBounds& bounds, const MmParts& parts)
      : Design<D>(bounds),
        b(bounds),
        layout(bounds.spec()),
        sorts(declare_sorts(this->schema, bounds)),
        hardware(*this, b, sorts),
        mm(*this, "mm", over(sorts.mms), static_cast<const Design<D>*>(this), b, parts, sorts),
        scope_(this->root()),
        iommu_global_pasid_ida(scope_, "iommu_global_pasid_ida", over(sorts.pasids), 1U, Format{}),
        driver(this->root(), "driver", over(this->threads(), b.threads), b),
        spec(this->root().child("spec"), layout,
             {.pasids = sorts.pasids, .mms = sorts.mms, .clients = this->threads()}),
        locals_first_(static_cast<std::uint32_t>(this->schema.fields().size())),
        local_(this->root(), "call", over(this->threads(), this->process_count()), b, sorts) {
    const auto size = (static_cast<std::uint32_t>(this->schema.fields().size()) - locals_first_) /
                      this->process_count();
    for (unsigned i = 0; i < this->process_count(); ++i) {
      this->locals(i, locals_first_ + i * size, locals_first_ + (i + 1) * size);
    }
    legal_answer_ = this->property(
        "legal-answer",
        "Every call answers what the specification allows at the instant it takes effect.");
    contract_ = this->property(
        "contract", "The clients of the model keep the contract of the calls they make.");
    this->initial = [this] { set_up(); };
    declare_translations();
  }

  PropertyId legal_answer() const { return legal_answer_; }

  /// The locals of the call that runs.
  decltype(auto) local(const T& t) const { return local_[t.self()]; }

  /// Here the call takes effect: the specification makes the same call, and has to allow the
  /// answer.
  void takes_effect(T& t, Kind kind, iommu::Args<D> c, Val<D, Err> err, V value) {
    auto&& l = local(t);
    t.fail_unless(l.effects == 0U, legal_answer_, "the call takes effect twice");
    l.effects = 1;
    happens(kind, c, err, value);
  }
  /// The same for what happens inside a call, beside its own effect.
  void happens(Kind kind, iommu::Args<D> c, Val<D, Err> err = Err::ok, V value = 0) {
    iommu::Reply<D> reply{this->context, err, value};
    auto& requirements = this->context.requirements;
    requirements.legal = legal_answer_;
    requirements.contract_kept = contract_;
    requirements.contract = Contract::violate;
    requirements.lockstep = true;
    spec.apply(kind, c, reply);
    requirements.lockstep = false;
  }
  void on_return(T& t) override {
    if (this->is_worker(t.self())) return;
    t.fail_unless(local(t).effects == 1U, legal_answer_,
                  "the call returns without having taken effect");
  }
  iommu::Args<D> bind_arguments(T& t, V nomem = 0) {
    auto&& l = local(t);
    return {.client = t.self(), .bond = l.bond, .device = l.dev, .mm = l.mm - 1U, .nomem = nomem};
  }

  V handle_of(T& t) { return driver[t.self()].handle[V(local(t).bond)]; }

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

  // Processes.

  /// A call that a task of a process makes: it chooses the process, which cannot end meanwhile.
  void become_task(T& t) {
    auto&& l = local(t);
    l.mm = t.choose(b.mms, "mm") + 1U;
    t.require(any_of<D>(b.mms, [&](unsigned m) { return l.mm == m + 1 && spec.state.runs(m); }));
    l.task = l.mm;
  }
  // What a driver does with bonds.

  /// Whether a driver holds a bond of device d with the process that owns PASID p (from 0): between
  /// the return of bind and the call of unbind.
  B in_use(unsigned d, unsigned p) const {
    return any_of<D>(b.threads, [&](unsigned c) {
      return any_of<D>(b.bonds, [&](unsigned k) {
        auto&& bond = spec.state.client[c].bond[k];
        return driver[c].handle[k] != 0U && bond.device == d + 1 &&
               any_of<D>(b.mms, [&](unsigned m) {
                 return bond.mm == m + 1 && spec.state.mm[m].pasid == p + 1;
               });
      });
    });
  }
  void add_traffic() {
    hardware.add_traffic([this](unsigned d, unsigned p) { return issues(d, p); });
  }

  /// A bond that the driver does not have yet, for a task of some process.
  void choose_bond(T& t) {
    auto&& l = local(t);
    l.dev = t.choose(b.devices, "device");
    l.bond = t.choose(b.bonds, "bond");
    t.require(handle_of(t) == 0U);
    become_task(t);
  }
  /// A bond that the driver has, and gives up.
  void choose_held_bond(T& t) {
    auto&& l = local(t);
    l.bond = t.choose(b.bonds, "bond");
    l.handle = handle_of(t);
    t.require(l.handle != 0U);
    driver[t.self()].handle[V(l.bond)] = 0;
  }
  void bind_succeeds(T& t) {
    auto&& l = local(t);
    driver[t.self()].handle[V(l.bond)] = l.handle;
    takes_effect(t, Kind::bind, bind_arguments(t), Err::ok, l.pasid + 1U);
  }
  void bind_fails(T& t, Err err, const Label& label) {
    local(t).ret = err;
    bind_fails_with_ret(t, label);
  }
  /// The error in l.ret is the answer.
  void bind_fails_with_ret(T& t, const Label& label) {
    const Val<D, Err> ret = local(t).ret;
    takes_effect(t, Kind::bind, bind_arguments(t, as_number<D>(ret == Err::enomem)), ret, 0);
    t.jump(label);
  }
  void unbind_succeeds(T& t) {
    takes_effect(t, Kind::unbind, {.client = t.self(), .bond = local(t).bond}, Err::ok, 0);
  }
  /// dev = handle->dev, and what is behind it.
  void use_device(T& t, V dev) {
    t.fail_unless(dev != 0U, this->no_use_after_free, "handle->dev is NULL");
    local(t).dev = select(dev == 0U, V(0), dev - 1U);
  }

  /// do_exit() of the last task: mmput() and what follows it.  6.12 kernel/fork.c, kernel/exit.c.
  void build_exit() {
    auto& p = this->program("do_exit");
    const auto returns = p.label();
    p.arguments([this](T& t) {
      auto&& l = local(t);
      l.mm = t.choose(b.mms, "mm") + 1U;
      t.require(any_of<D>(b.mms, [&](unsigned m) { return l.mm == m + 1 && spec.state.runs(m); }));
      // The last task: no other one is in a call.
      t.require(
          all_of<D>(this->process_count(), [&](unsigned i) { return local_[i].task != l.mm; }));
    });
    p.step("if (!atomic_dec_and_test(&mm->mm_users)) return", [=, this](T& t) {
      auto&& l = local(t);
      auto&& users = mm.at(l.mm).users;
      users -= 1;
      takes_effect(t, Kind::exit, {.mm = l.mm - 1U}, Err::ok, 0);
      t.when(users != 0U, [&] { t.jump(returns); });
    });
    p.call("exit_mmap", [&] { build_exit_mmap(p); });
    p.call("mmdrop", [&] { build_mmdrop(p); });
    p.place(returns);
    p.step("return", [](T&) {});
  }
  /// The notifiers of the IOMMU drivers are told, then the page tables are freed.
  virtual void build_exit_mmap(Program<D>& p) {
    const auto next = p.label();
    const auto done = p.label();
    p.place(next);
    p.step("mmu_notifier_release(mm): the driver clears a PASID entry", [=, this](T& t) {
      auto&& l = local(t);
      const B left = hardware.any([&](unsigned, unsigned, auto&& h) { return h.entry == l.mm; });
      t.when(
          left,
          [&] {
            l.entry = t.choose(b.devices * b.pasids, "entry");
            Local<D> found{this->context, 0};
            hardware.with_number(l.entry, [&](auto&& h) {
              this->context.when(h.entry == l.mm, [&] {
                h.entry = 0;
                found = 1;
              });
            });
            t.require(found != 0U);
            if (!b.caches) t.again();
          },
          [&] { t.jump(done); });
    });
    if (b.caches) {
      p.step("mmu_notifier_release(mm): the driver invalidates the caches", [=, this](T& t) {
        auto&& l = local(t);
        hardware.with_number(l.entry, [&](auto&& h) { h.cached = 0; });
        t.jump(next);
      });
    }
    p.place(done);
    p.step("free_pgtables(mm)", [this](T& t) { mm.at(local(t).mm).page_tables = false; });
  }
  /// mmdrop(l.mm).
  void build_mmdrop(Program<D>& p) {
    const auto done = p.label();
    p.step("if (!atomic_dec_and_test(&mm->mm_count)) return", [=, this](T& t) {
      t.when(!mm.at(local(t).mm).count.dec_and_test(), [&] { t.jump(done); });
    });
    p.call("mm_pasid_drop", [&] { build_pasid_drop(p); });
    p.step("free_mm(mm)", [this](T& t) { mm.kfree(local(t).mm); });
    p.place(done);
  }
  /// The last user of the struct is gone: its PASID goes back.  6.12: mm_pasid_drop().
  virtual void build_pasid_drop(Program<D>& p) = 0;

  const IommuBounds b;
  const iommu::Bounds layout;  ///< which device is in which group, behind which kind of IOMMU
  const IommuSorts sorts;
  Hardware<D> hardware;
  Heap<D, MmStruct<D>> mm;

 private:
  Scope<D> scope_;

 public:
  XArray<D> iommu_global_pasid_ida;  ///< 1 where the PASID is taken
  Array<D, Driver<D>> driver;        ///< one for each thread
  iommu::Spec<D> spec;

 private:
  static IommuSorts declare_sorts(Schema& schema, const IommuBounds& b) {
    return {.mms = schema.sort("mm", b.mms),
            // The IDA hands out the lowest: PASIDs are told apart.
            .pasids = {Sort::kNone, static_cast<std::uint16_t>(b.pasids)},
            .domains = schema.sort("iommu_domain", b.domains()),
            .handles = schema.sort("iommu_sva", b.handles()),
            .iommu_mms = schema.sort("iommu_mm", b.mms + 1)};
  }
  void set_up() {
    spec.set_up();
    for (unsigned m = 0; m < b.mms; ++m) {
      auto&& process = mm.object(m);
      process.life = Life::live;
      process.users = 1;
      process.count.set(1);
      process.page_tables = true;
    }
  }
  void declare_translations() {
    this->property(
        "no-stale-translation",
        "No TLP reaches freed page tables: what a PASID entry or a cache leads to is there.",
        [this] {
          return !reaches([&](unsigned, unsigned, unsigned m) {
            auto&& process = mm.object(m);
            return process.life == Life::free || !process.page_tables;
          });
        });
    this->property("pasid-means-its-owner",
                   "A PASID entry or a cache leads to no process but the one that owns the PASID.",
                   [this] {
                     return !reaches([&](unsigned, unsigned p, unsigned m) {
                       return spec.state.mm[m].pasid != p + 1;
                     });
                   });
    this->property(
        "hardware-follows-the-specification",
        "When no call is under way, every PASID entry leads where the specification says, and no "
        "cache leads anywhere else.",
        [this] {
          return !this->may_rest() || !hardware.any([&](unsigned d, unsigned p, auto&& h) {
            const V right = spec.state.translation(layout.group_of(d), p + 1);
            return h.entry != right || (h.cached != 0U && h.cached != right);
          });
        });
    this->property("mm-lives-as-long-as-held",
                   "When no call is under way, an mm is in memory exactly as long as its process "
                   "runs or a bond with it is held.",
                   [this] {
                     return !this->may_rest() || all_of<D>(b.mms, [&](unsigned m) {
                       return (mm.object(m).life == Life::live) ==
                              (spec.state.runs(m) || spec.state.held(m));
                     });
                   });
  }
  B issues(unsigned d, unsigned p) const { return b.untrusted ? B(true) : in_use(d, p); }
  /// Whether f(d, p, m) holds for some device that may send a TLP, its PASID, and the process that
  /// the TLP reaches.
  template <class F>
  B reaches(F f) const {
    return hardware.any([&](unsigned d, unsigned p, auto&& h) {
      return issues(d, p) && any_of<D>(b.mms, [&](unsigned m) {
               return (h.entry == m + 1 || h.cached == m + 1) && f(d, p, m);
             });
    });
  }

  std::uint32_t locals_first_;
  Array<D, IommuLocals<D>> local_;
  PropertyId legal_answer_{}, contract_{};
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_IOMMU_DESIGN_H
