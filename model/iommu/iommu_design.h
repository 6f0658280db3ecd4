// SPDX-License-Identifier: MIT
// What the SVA designs share: processes and their end, drivers and their bonds, the PASID tables,
// and what must be true of them in every state.
#ifndef IOMMUCHECK_MODEL_IOMMU_IOMMU_DESIGN_H
#define IOMMUCHECK_MODEL_IOMMU_IOMMU_DESIGN_H

#include "model/iommu/hardware.h"
#include "model/iommu/lockstep_design.h"
#include "model/iommu/records.h"

namespace iommucheck::model {

template <class D>
class IommuDesign : public LockstepDesign<D, IommuBounds, IommuSorts, IommuLocals> {
 public:
  using Base = LockstepDesign<D, IommuBounds, IommuSorts, IommuLocals>;
  using Base::b, Base::layout, Base::local, Base::sorts, Base::spec;
  using typename Base::B, typename Base::Kind, typename Base::T, typename Base::V;

  IommuDesign(const IommuBounds& bounds, const MmParts& parts)
      : Base(bounds),
        hardware(*this, {.devices = b.devices,
                         .rows = b.pasids,
                         .first_row = 1,
                         .targets = b.mms,
                         .target = Format{}.of(sorts.mms),
                         .caches = b.caches,
                         .elsewhere = b.vtd}),
        mm(*this, "mm", over(sorts.mms), static_cast<const Design<D>*>(this), b, parts, sorts),
        driver(this->root(), "driver", over(this->threads(), b.threads), b),
        gdev(this->root(), "gdev", b.hotplug ? b.devices : 0) {
    this->initial = [this] { set_up(); };
    if (!b.untrusted)
      hardware.issue_only_if([this](unsigned d, unsigned p) { return in_use(d, p); });
    declare_translations();
  }

  iommu::Args<D> bind_arguments(T& t, V nomem = 0) {
    auto&& l = local(t);
    return {.client = t.self(), .bond = l.bond, .device = l.dev, .mm = l.mm - 1U, .nomem = nomem};
  }

  V handle_of(T& t) { return driver[t.self()].handle[V(local(t).bond)]; }

  // Processes.

  /// A call that a task of a process makes: it chooses the process, which cannot end meanwhile.
  void become_task(T& t) {
    auto&& l = local(t);
    l.mm = t.choose(b.mms, "mm") + 1U;
    t.require(any_of<D>(b.mms, [&](unsigned m) { return l.mm == m + 1 && spec.state.runs(m); }));
    if (b.tagging) note_clone(t);
    l.task = l.mm;
  }
  /// Where there are two tasks, one of them has called clone(): not in the middle of a prctl().
  void note_clone(T& t) {
    const V process = local(t).mm;
    auto&& locals = this->locals_of_all();
    for (unsigned i = 0; i < this->process_count(); ++i) {
      t.when(locals[i].task == process, [&] {
        t.require(locals[i].alone == 0U);
        mm.at(process).lock_lam = 1;
      });
    }
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

  /// A bond that the driver does not have yet, for a task of some process.
  void choose_bond(T& t) {
    auto&& l = local(t);
    l.dev = t.choose(b.devices, "device");
    l.bond = t.choose(b.bonds, "bond");
    t.require(handle_of(t) == 0U);
    if (b.hotplug) {
      l.caller = l.dev + 1U;
      t.require(!gdev[V(l.dev)].driverless);
    }
    become_task(t);
  }
  /// A bond that the driver has, and gives up.
  void choose_held_bond(T& t) {
    auto&& l = local(t);
    l.bond = t.choose(b.bonds, "bond");
    l.handle = handle_of(t);
    t.require(l.handle != 0U);
    driver[t.self()].handle[V(l.bond)] = 0;
    if (b.hotplug) l.caller = spec.state.client[t.self()].bond[V(l.bond)].device;
  }
  void bind_succeeds(T& t) {
    auto&& l = local(t);
    driver[t.self()].handle[V(l.bond)] = l.handle;
    this->takes_effect(t, Kind::bind, bind_arguments(t), Err::ok, l.pasid + 1U);
  }
  void bind_fails(T& t, Err err, const Label& label) {
    local(t).ret = err;
    bind_fails_with_ret(t, label);
  }
  /// The error in l.ret is the answer.
  void bind_fails_with_ret(T& t, const Label& label) {
    const Val<D, Err> ret = local(t).ret;
    this->takes_effect(t, Kind::bind, bind_arguments(t, as_number<D>(ret == Err::enomem)), ret, 0);
    t.jump(label);
  }
  void unbind_succeeds(T& t) {
    this->takes_effect(t, Kind::unbind, {.client = t.self(), .bond = local(t).bond}, Err::ok, 0);
  }
  /// dev = handle->dev, and what is behind it.
  void use_device(T& t, V dev) {
    t.fail_unless(dev != 0U, this->no_use_after_free, "handle->dev is NULL");
    local(t).dev = select(dev == 0U, V(0), dev - 1U);
  }

  /// What a process does beside binding: it ends, and forks.
  void build_processes() {
    build_exit();
    if (b.forks) build_fork();
  }
  /// fork(): the struct is copied, then what a child must not inherit is set.  6.12 kernel/fork.c.
  void build_fork() {
    auto& p = this->program("fork");
    const auto fail = p.label();
    p.arguments([this](T& t) { become_task(t); });
    p.step("mm = allocate_mm(); memcpy(mm, oldmm, sizeof(*mm))", [=, this](T& t) {
      auto&& l = local(t);
      t.when(
          t.choose(2, "nomem") == 1U, [&] { t.jump(fail); },
          [&] {
            l.child = mm.kzalloc();
            t.require(l.child != 0U);
            copy_pasid(t);
            if (!b.tagging) return;
            auto &&child = mm.at(l.child), &&parent = mm.at(l.mm);
            child.untag_mask = parent.untag_mask;
            child.lock_lam = parent.lock_lam;
          });
    });
    p.step("mm_init(mm): mm_pasid_init(mm)", [this](T& t) { init_pasid(t); });
    p.step("return the child", [this](T& t) {
      auto&& l = local(t);
      auto&& child = mm.at(l.child);
      child.users = 1;
      child.count.set(1);
      child.page_tables = true;
      this->takes_effect(t, Kind::fork, {.mm = l.mm - 1U}, Err::ok, l.child - 1U);
      t.ret();
    });
    p.place(fail);
    p.step("return -ENOMEM", [this](T& t) {
      this->takes_effect(t, Kind::fork, {.mm = local(t).mm - 1U, .nomem = 1}, Err::enomem, 0);
    });
  }
  /// l.child gets the PASID of l.mm with all the rest of the struct, and mm_pasid_init().
  virtual void copy_pasid(T& t) = 0;
  virtual void init_pasid(T& t) = 0;

  /// do_exit() of the last task: mmput() and what follows it.  6.12 kernel/fork.c, kernel/exit.c.
  void build_exit() {
    auto& p = this->program("do_exit");
    const auto returns = p.label();
    p.arguments([this](T& t) {
      auto&& l = local(t);
      l.mm = t.choose(b.mms, "mm") + 1U;
      t.require(any_of<D>(b.mms, [&](unsigned m) { return l.mm == m + 1 && spec.state.runs(m); }));
      // The last task: no other one is in a call.
      t.require(all_of<D>(this->process_count(),
                          [&](unsigned i) { return this->locals_of_all()[i].task != l.mm; }));
    });
    p.step("if (!atomic_dec_and_test(&mm->mm_users)) return", [=, this](T& t) {
      auto&& l = local(t);
      auto&& users = mm.at(l.mm).users;
      users -= 1;
      this->takes_effect(t, Kind::exit, {.mm = l.mm - 1U}, Err::ok, 0);
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
      const B left = hardware.any(
          [&](unsigned d, unsigned, auto&& h) { return h.entry == l.mm && knows(d, l.mm); });
      t.when(
          left,
          [&] {
            l.entry = t.choose(b.devices * b.pasids, "entry");
            Local<D> found{this->context, 0};
            hardware.with_number(l.entry, [&](unsigned d, auto&& h) {
              this->context.when(h.entry == l.mm && knows(d, l.mm), [&] {
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
        hardware.with_number(l.entry, [&](unsigned, auto&& h) { h.cached = 0; });
        t.jump(next);
      });
    }
    p.place(done);
    p.step("free_pgtables(mm)", [this](T& t) { mm.at(local(t).mm).page_tables = false; });
  }
  /// Whether the driver knows, at the end of a process, that device d has an entry for it.
  virtual B knows(unsigned, V) const { return true; }
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

  Hardware<D> hardware;
  Heap<D, MmStruct<D>> mm;
  Array<D, Driver<D>> driver;       ///< one for each thread
  Array<D, PluggedDevice<D>> gdev;  ///< with hotplug
  bool comes_and_goes() const override { return b.hotplug; }
  B listed(V device) const override { return !gdev[device].unlisted; }

 private:
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
          return !hardware.reaches([&](unsigned, unsigned, unsigned m) {
            auto&& process = mm.object(m);
            return process.life == Life::free || !process.page_tables;
          });
        });
    this->property("pasid-means-its-owner",
                   "A PASID entry or a cache leads to no process but the one that owns the PASID.",
                   [this] {
                     return !hardware.reaches([&](unsigned, unsigned p, unsigned m) {
                       return spec.state.mm[m].pasid != p + 1;
                     });
                   });
    this->property(
        "hardware-follows-the-specification",
        "When no call is under way, every PASID entry leads where the specification says, and no "
        "cache leads anywhere else.",
        [this] {
          return !this->may_rest() || !hardware.any([&](unsigned d, unsigned p, auto&&) {
            const V right = select(spec.state.device[d].issues(),
                                   V(spec.state.translation(layout.group_of(d), p + 1)), V(0));
            return hardware.entry(d, p) != right || any_of<D>(b.mms, [&](unsigned m) {
                     return hardware.leads(d, p, m) && right != m + 1;
                   });
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
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_IOMMU_DESIGN_H
