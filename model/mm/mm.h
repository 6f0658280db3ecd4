// SPDX-License-Identifier: MIT
// mm: the two lives of an address space.  mm_users: tasks and who walks the page tables; at 0 the
// mmu_notifiers are told and the page tables go.  mm_count: who points to the struct; at 0 its
// PASID goes back and it is freed at once, without a grace period. 6.12.117 kernel/fork.c,
// kernel/exit.c, fs/exec.c, mm/mmu_notifier.c; the PASID as in 6.1.
//
// RCU of the model stands for the SRCU of mmu_notifier.c.
#ifndef IOMMUCHECK_MODEL_MM_MM_H
#define IOMMUCHECK_MODEL_MM_MM_H

#include "model/mm/records.h"

namespace iommucheck::model {

template <class D>
class MmDesign : public Design<D> {
 public:
  using T = Cpu<D>;
  using V = Val<D>;
  using B = Bool<D>;

  explicit MmDesign(const MmBounds& bounds)
      : Design<D>(bounds),
        b(bounds),
        scope_(this->root()),
        iommu_sva_lock(*this, "iommu_sva_lock"),
        mm(*this, "mm", b.mms, static_cast<const Design<D>*>(this), b),
        bond(*this, "bond", b.bonds(), b),
        current_mm(scope_, "current->mm", over(this->threads(), b.threads), b.mms,
                   pointer_to("mm")),
        file(scope_, "file", over(this->threads(), b.threads), b.bonds(), pointer_to("bond")),
        ida(scope_, "iommu_pasid_ida", (1U << b.pasids) - 1, mask_format()),
        local(*this, b, this->threads()) {
    this->initial = [this] { set_up(); };
    build_bind();
    build_unbind();
    build_fault();
    build_exit();
    if (b.forks) {
      build_fork();
      build_clone();
      build_exec();
    }
    if (b.lazy) build_lazy();
    declare_properties();
  }

  const MmBounds b;

 private:
  Scope<D> scope_;

 public:
  Mutex<D> iommu_sva_lock;
  Heap<D, ProcessMm<D>> mm;
  Heap<D, MmBond<D>> bond;
  Array<D, Var<D>> current_mm;  ///< of the task that runs on this thread; NULL: there is none
  Array<D, Var<D>> file;        ///< the bond that a driver's file has, which this thread closes
  Var<D> ida;                   ///< PASIDs that are taken
  CallLocals<D, MmLocals<D>> local;
  Label unbind_frees;  ///< for a bug that leaves something out before it

  void free_pasid(T& t, V of) {
    auto&& process = mm.at(of);
    for (unsigned p = 0; p < b.pasids; ++p) {
      t.when(process.pasid == p + 1, [&] {
        t.fail_unless(has_bit(ida, p), this->no_use_after_free, "a PASID is freed twice");
        ida = without_bit(ida, p);
      });
    }
    process.pasid = 0;
  }
  /// mmput(l.mm); l.mm is NULL behind it, and the call goes on.  `pinned`: the caller has something
  /// that holds the struct.
  void build_mmput(Program<D>& p, bool pinned = false) {
    const auto done = p.label();
    p.call("mmput", [&] {
      p.step("if (!atomic_dec_and_test(&mm->mm_users)) return", [=, this](T& t) {
        auto&& l = local(t);
        t.when(!mm.at(l.mm).users.dec_and_test(), [&] {
          l.mm = 0;
          t.jump(done);
        });
      });
      p.call("mmu_notifier_release", [&] { build_notifier_release(p); });
      p.step("free_pgtables(mm)", [this](T& t) { mm.at(local(t).mm).page_tables = false; });
      if (!pinned) {
        build_mmdrop(p);
        return;
      }
      p.step("mmdrop(mm)", [this](T& t) {
        auto&& l = local(t);
        t.fail_unless(!mm.at(l.mm).count.dec_and_test(), this->refcounts,
                      "who has a bond drops the last reference of its mm");
        l.mm = 0;
      });
    });
    p.place(done);
  }
  /// mmdrop(l.mm).
  void build_mmdrop(Program<D>& p) {
    const auto done = p.label();
    p.call("mmdrop", [&] {
      p.step("if (!atomic_dec_and_test(&mm->mm_count)) return", [=, this](T& t) {
        auto&& l = local(t);
        t.when(!mm.at(l.mm).count.dec_and_test(), [&] {
          l.mm = 0;
          t.jump(done);
        });
      });
      p.step("mm_pasid_drop(mm)", [this](T& t) { free_pasid(t, local(t).mm); });
      p.step("free_mm(mm)", [this](T& t) {
        auto&& l = local(t);
        for (unsigned i = 0; i < b.bonds(); ++i) {
          t.fail_unless(!(bond.object(i).hashed && bond.object(i).mm == l.mm),
                        this->no_use_after_free, "an mm goes, and a subscription is on its list");
        }
        mm.kfree(l.mm);
        l.mm = 0;
      });
    });
    p.place(done);
  }

 private:
  void set_up() {
    auto&& process = mm.object(0);
    process.life = Life::live;
    process.users.set(b.threads);
    process.count.set(1);
    process.page_tables = true;
    for (unsigned i = 0; i < b.threads; ++i) current_mm[i] = 1;
  }
  /// A call of a task.
  void become_task(T& t) {
    auto&& l = local(t);
    l.mm = current_mm[t.self()];
    t.require(l.mm != 0U);
  }
  /// The driver of the file that this thread closes.
  void use_file(T& t) {
    auto&& l = local(t);
    l.bond = file[t.self()];
    t.require(l.bond != 0U);
  }

  /// The subscriptions of l.mm, with ->release() for each.
  void build_notifier_release(Program<D>& p) {
    const auto next = p.label();
    const auto empty = p.label();
    p.step("srcu_read_lock(&srcu)", [this](T& t) {
      t.rcu_read_lock();
      local(t).walk = 0;
    });
    p.place(next);
    p.step("hlist_for_each_entry_rcu(subscription, &subscriptions->list, hlist)", [=, this](T& t) {
      auto&& l = local(t);
      const auto is_next = [&](unsigned i) {
        return !has_bit(l.walk, i) && bond.object(i).hashed && bond.object(i).mm == l.mm;
      };
      t.when(
          any_of<D>(b.bonds(), is_next),
          [&] {
            l.bond = t.choose(b.bonds(), "subscription") + 1U;
            for (unsigned i = 0; i < b.bonds(); ++i) {
              t.when(l.bond == i + 1, [&] {
                t.require(is_next(i));
                l.walk = with_bit(l.walk, i);
              });
            }
          },
          [&] {
            l.bond = 0;
            t.jump(empty);
          });
    });
    build_release(p);
    p.step("next subscription", [=](T& t) { t.jump(next); });
    p.place(empty);
    p.step("hlist_del_init_rcu() of all, under subscriptions->lock", [this](T& t) {
      auto&& l = local(t);
      for (unsigned i = 0; i < b.bonds(); ++i)
        t.when(bond.object(i).mm == l.mm, [&] { bond.object(i).hashed = false; });
    });
    p.step("srcu_read_unlock(&srcu, id)", [](T& t) { t.rcu_read_unlock(); });
    p.step("synchronize_srcu(&srcu) (begins)", [](T& t) { t.synchronize_rcu_begin(); });
    p.step(synchronized("mmu_notifier_release"), [](T& t) { t.synchronize_rcu_end(); });
  }
  /// subscription->ops->release(subscription, mm) of l.bond: of two that come at once, the second
  /// does not wait for the first.
  void build_release(Program<D>& p) {
    const auto done = p.label();
    p.call("ops->release", [&] {
      p.step("if (xchg(&bond->released, true)) return", [=, this](T& t) {
        auto&& it = bond.at(local(t).bond);
        t.when(
            it.released, [&] { t.jump(done); }, [&] { it.released = true; });
      });
      p.step("the PASID entry is cleared, the caches are invalidated",
             [this](T& t) { bond.at(local(t).bond).entry = false; });
    });
    p.place(done);
  }
  /// The label of a step that waits for the readers.
  static std::string synchronized(const char* where) {
    return fmt::format("{} (SRCU, {})", Design<D>::kDrain, where);
  }

  /// A driver's bind, called by a task.
  void build_bind() {
    auto& p = this->program("iommu_sva_bind_device");
    const auto have_pasid = p.label();
    const auto fails = p.label();
    p.arguments([this](T& t) {
      become_task(t);
      t.require(file[t.self()] == 0U);
    });
    p.call("iommu_sva_alloc_pasid", [&] {
      p.step("mutex_lock(&iommu_sva_lock)", [this](T& t) { t.lock(iommu_sva_lock); });
      p.step("if (!pasid_valid(mm->pasid)) mm->pasid = ida_alloc()", [this](T& t) {
        auto&& process = mm.at(local(t).mm);
        Local<D> found{this->context, 0};
        t.when(process.pasid == 0U, [&] {
          for (unsigned id = 0; id < b.pasids; ++id) {
            t.when(found == 0U && !has_bit(ida, id), [&] {
              found = id + 1;
              ida = with_bit(ida, id);
            });
          }
          process.pasid = found;
        });
      });
      p.step("mutex_unlock(&iommu_sva_lock)", [=, this](T& t) {
        t.unlock(iommu_sva_lock);
        t.when(mm.at(local(t).mm).pasid == 0U, [&] { t.jump(fails); });
      });
    });
    p.place(have_pasid);
    p.step("bond = kzalloc()", [=, this](T& t) {
      auto&& l = local(t);
      t.when(
          t.choose(2, "nomem") == 1U, [&] { t.jump(fails); },
          [&] {
            l.bond = bond.kzalloc();
            t.fail_unless(l.bond != 0U, kInRange, "no bond is left");
            auto&& it = bond.at(l.bond);
            it.mm = l.mm;
            it.pasid = mm.at(l.mm).pasid;
          });
    });
    p.call("mmu_notifier_register", [&] {
      p.step("mmgrab(mm)", [this](T& t) { mm.at(local(t).mm).count.inc(); });
      p.step("hlist_add_head_rcu(), under subscriptions->lock",
             [this](T& t) { bond.at(local(t).bond).hashed = true; });
    });
    p.step("the PASID entry is set", [this](T& t) {
      auto&& l = local(t);
      bond.at(l.bond).entry = true;
      file[t.self()] = l.bond;
    });
    p.place(fails);
    p.step("return", [](T&) {});
  }

  /// The file is closed, whether the process is there or not.
  void build_unbind() {
    auto& p = this->program("iommu_sva_unbind_device");
    const auto unhashed = p.label();
    p.arguments([this](T& t) {
      use_file(t);
      file[t.self()] = 0;
    });
    p.call("mmu_notifier_unregister", [&] {
      p.step("if (!hlist_unhashed(&subscription->hlist))", [=, this](T& t) {
        auto&& l = local(t);
        auto&& it = bond.at(l.bond);
        l.mm = it.mm;
        mm.touch(l.mm);
        t.when(!it.hashed, [&] { t.jump(unhashed); });
      });
      p.step("srcu_read_lock(&srcu)", [](T& t) { t.rcu_read_lock(); });
      build_release(p);
      p.step("srcu_read_unlock(&srcu, id)", [](T& t) { t.rcu_read_unlock(); });
      p.step("hlist_del_init_rcu(), under subscriptions->lock", [this](T& t) {
        mm.touch(local(t).mm);
        bond.at(local(t).bond).hashed = false;
      });
      p.place(unhashed);
      p.step("synchronize_srcu(&srcu) (begins)", [](T& t) { t.synchronize_rcu_begin(); });
      p.step(synchronized("mmu_notifier_unregister"), [](T& t) { t.synchronize_rcu_end(); });
      build_mmdrop(p);
    });
    p.place(unbind_frees);
    p.step("kfree(bond)", [this](T& t) {
      auto&& l = local(t);
      bond.kfree(l.bond);
      l.bond = 0;
    });
  }

  /// A page request of the device is handled for whoever its bond is with.
  void build_fault() {
    auto& p = this->program("iommu_sva_handle_mm");
    const auto done = p.label();
    p.arguments([this](T& t) { use_file(t); });
    p.step("if (!mmget_not_zero(mm)) return", [=, this](T& t) {
      auto&& l = local(t);
      l.mm = bond.at(l.bond).mm;
      l.bond = 0;
      t.when(!mm.at(l.mm).users.inc_not_zero(), [&] {
        l.mm = 0;
        t.jump(done);
      });
    });
    p.step("handle_mm_fault()", [this](T& t) {
      t.fail_unless(mm.at(local(t).mm).page_tables, this->no_use_after_free,
                    "a fault is handled in page tables that are freed");
    });
    build_mmput(p, true);
    p.place(done);
    p.step("return", [](T&) {});
  }

  void build_exit() {
    auto& p = this->program("exit_mm");
    p.arguments([this](T& t) { become_task(t); });
    p.step("current->mm = NULL", [this](T& t) { current_mm[t.self()] = 0; });
    build_mmput(p);
    p.step("return", [](T&) {});
  }

  /// A thread on which the new task will run.
  void choose_new_task(T& t) {
    auto&& l = local(t);
    l.task = t.choose(b.threads, "task") + 1U;
    for (unsigned i = 0; i < b.threads; ++i) {
      t.when(l.task == i + 1, [&] {
        t.require(current_mm[i] == 0U && !any_of<D>(b.threads, [&](unsigned k) {
                    return k == t.self() ? B(false) : local[k].task == i + 1;
                  }));
      });
    }
  }
  void start_task(T& t, V of) {
    auto&& l = local(t);
    for (unsigned i = 0; i < b.threads; ++i) t.when(l.task == i + 1, [&] { current_mm[i] = of; });
  }
  void build_fork() {
    auto& p = this->program("fork");
    const auto fails = p.label();
    p.arguments([this](T& t) {
      become_task(t);
      choose_new_task(t);
    });
    p.step("mm = allocate_mm(); memcpy(mm, oldmm, sizeof(*mm))", [=, this](T& t) {
      auto&& l = local(t);
      l.child = mm.kzalloc();
      t.when(
          l.child == 0U, [&] { t.jump(fails); },
          [&] {
            auto &&child = mm.at(l.child), &&parent = mm.at(l.mm);
            child.pasid = parent.pasid;
            child.users.set(1);
            child.count.set(1);
            child.page_tables = true;
          });
    });
    p.step("mm_init(mm): mm_pasid_init(mm)", [this](T& t) { mm.at(local(t).child).pasid = 0; });
    p.step("wake_up_new_task()", [this](T& t) {
      auto&& l = local(t);
      start_task(t, l.child);
      l.child = 0;
    });
    p.place(fails);
    p.step("return", [](T&) {});
  }
  void build_clone() {
    auto& p = this->program("clone(CLONE_VM)");
    p.arguments([this](T& t) {
      become_task(t);
      choose_new_task(t);
    });
    p.step("mmget(mm)", [this](T& t) { mm.at(local(t).mm).users.inc(); });
    p.step("wake_up_new_task()", [this](T& t) { start_task(t, local(t).mm); });
    p.step("return", [](T&) {});
  }
  void build_exec() {
    auto& p = this->program("exec_mmap");
    const auto fails = p.label();
    p.arguments([this](T& t) { become_task(t); });
    p.step("mm = mm_alloc()", [=, this](T& t) {
      auto&& l = local(t);
      l.child = mm.kzalloc();
      t.when(
          l.child == 0U, [&] { t.jump(fails); },
          [&] {
            auto&& fresh = mm.at(l.child);
            fresh.users.set(1);
            fresh.count.set(1);
            fresh.page_tables = true;
          });
    });
    p.step("current->mm = mm", [this](T& t) {
      auto&& l = local(t);
      current_mm[t.self()] = l.child;
      l.child = 0;
    });
    build_mmput(p);
    p.place(fails);
    p.step("return", [](T&) {});
  }

  /// A CPU keeps the mm of a task that it has run, which goes on elsewhere, for a kernel thread.
  void build_lazy() {
    auto& p = this->program("context_switch");
    p.arguments([this](T& t) {
      auto&& l = local(t);
      l.mm = t.choose(b.mms, "mm") + 1U;
      t.require(any_of<D>(b.threads, [&](unsigned i) { return current_mm[i] == l.mm; }));
    });
    p.step("mmgrab_lazy_tlb(prev->active_mm)", [this](T& t) { mm.at(local(t).mm).count.inc(); });
    p.step("a kernel thread runs on mm->pgd", [this](T& t) { mm.touch(local(t).mm); });
    build_mmdrop(p);
    p.step("return", [](T&) {});
  }

  void declare_properties() {
    this->property("no-freed-table",
                   "No TLP is translated by page tables that are freed: each PASID entry leads to "
                   "some that are there.",
                   [this] {
                     return all_of<D>(b.bonds(), [this](unsigned i) {
                       auto&& it = bond.object(i);
                       return !it.entry || any_of<D>(b.mms, [&](unsigned m) {
                         auto&& process = mm.object(m);
                         return it.mm == m + 1 && process.life == Life::live && process.page_tables;
                       });
                     });
                   });
    this->property("task-has-its-address-space",
                   "The mm of a task is in memory, and its page tables are.", [this] {
                     return all_of<D>(b.threads, [this](unsigned i) {
                       return current_mm[i] == 0U || any_of<D>(b.mms, [&](unsigned m) {
                                auto&& process = mm.object(m);
                                return current_mm[i] == m + 1 && process.life == Life::live &&
                                       process.page_tables;
                              });
                     });
                   });
    this->property(
        "one-owner-per-pasid",
        "A PASID is one mm's, or nobody's, as the IDA has it; nobody's mm has none.", [this] {
          return all_of<D>(b.pasids, [this](unsigned p) {
            const V owners = count_of<D>(b.mms, [&](unsigned m) {
              auto&& process = mm.object(m);
              return process.life == Life::live && process.pasid == p + 1 && !is_being_copied(m);
            });
            return owners <= 1U && (owners == 1U) == has_bit(ida, p);
          });
        });
    this->property("bond-keeps-its-pasid",
                   "As long as a driver has a bond, the PASID that its device uses is its mm's.",
                   [this] {
                     return all_of<D>(b.bonds(), [this](unsigned i) {
                       auto&& it = bond.object(i);
                       return !it.entry || any_of<D>(b.mms, [&](unsigned m) {
                         return it.mm == m + 1 && mm.object(m).pasid == it.pasid;
                       });
                     });
                   });
    this->property("no-leak",
                   "When no call is under way, an mm is in memory as long as a task has it or a "
                   "bond is with it, and a bond as long as a file has it.",
                   [this] {
                     return !this->may_rest() ||
                            (all_of<D>(b.mms, [this](unsigned m) { return is_owned(m); }) &&
                             all_of<D>(b.bonds(), [this](unsigned i) {
                               return (bond.object(i).life == Life::live) ==
                                      any_of<D>(b.threads,
                                                [&](unsigned k) { return file[k] == i + 1; });
                             }));
                   });
  }
  /// fork() has the copy of its parent's struct in its hands.
  B is_being_copied(unsigned m) const {
    if (!b.forks) return B(false);
    return any_of<D>(b.threads, [&](unsigned i) {
      return local[i].child == m + 1 &&
             all_of<D>(b.threads, [&](unsigned k) { return current_mm[k] != m + 1; });
    });
  }
  B is_owned(unsigned m) const {
    const B has_task = any_of<D>(b.threads, [&](unsigned i) { return current_mm[i] == m + 1; });
    const B has_bond = any_of<D>(b.bonds(), [&](unsigned i) {
      return bond.object(i).life == Life::live && bond.object(i).mm == m + 1;
    });
    return (mm.object(m).life == Life::live) == (has_task || has_bond);
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_MM_MM_H
