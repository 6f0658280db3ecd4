// SPDX-License-Identifier: MIT
// mm and its bugs: each is one change of the design.
#include "model/mm/mm.h"

#include "model/mm/entries.h"

namespace iommucheck::model {
namespace mm_bugs {

using MmBug = Bug<MmDesign>;

constexpr const char* kBind = "iommu_sva_bind_device";
constexpr const char* kUnbind = "iommu_sva_unbind_device";

std::vector<MmBug> kernel_bugs() {
  const BoundValues one{{"threads", 1}, {"mms", 1}};
  return {
      MmBug({"fork-copies-pasid",
             "id reuse",
             "v5.10.27",
             "fork copies mm->pasid with the rest of the struct",
             "one-owner-per-pasid",
             {{"threads", 2}, {"mms", 2}, {"forks", 1}}},
            [](auto& d) { d.edit("fork").drop("mm_init(mm): mm_pasid_init(mm)"); }),
      MmBug({"pasid-freed-at-mmput", "id reuse", "2667ed10d9f0, v5.18",
             "the end of the last task frees the PASID, while a file still has the bond",
             "bond-keeps-its-pasid", one},
            [](auto& d) {
              d.everywhere([&d](auto& p) {
                return p.insert_before_all("srcu_read_lock(&srcu)",
                                           "mm_pasid_drop(mm) (in __mmput)", [&d](auto& t) {
                                             auto&& l = d.local(t);
                                             // Of exit and exec, not of unregister.
                                             t.when(l.bond == 0U, [&] { d.free_pasid(t, l.mm); });
                                           });
              });
            }),
  };
}

std::vector<MmBug> notifier_mutants() {
  const BoundValues one{{"threads", 1}, {"mms", 1}}, two{{"threads", 2}, {"mms", 1}};
  const auto without_wait = [](const char* where) {
    return [where](auto& d) {
      d.everywhere([where](auto& p) {
        return p.replace_all(fmt::format("synchronize_rcu() returns (SRCU, {})", where),
                             "(nobody is waited for)", [](auto&) {});
      });
    };
  };
  return {
      MmBug({"unregister-without-srcu", "grace period", "mutant",
             "a subscription is freed while mmu_notifier_release() runs its ->release()",
             "no-use-after-free", two},
            without_wait("mmu_notifier_unregister")),
      MmBug({"release-without-srcu", "grace period", "mutant",
             "the page tables go while ->release(), called by unregister, has not cleared the "
             "PASID entry",
             "no-freed-table", two},
            without_wait("mmu_notifier_release")),
      MmBug({"release-out-of-srcu", "grace period", "mutant",
             "mmu_notifier_release() walks the list outside of a reader", "no-use-after-free", two},
            [](auto& d) {
              for (const char* program : {"exit_mm", "iommu_sva_handle_mm"}) {
                auto& p = d.edit(program);
                p.replace("srcu_read_lock(&srcu)", "(no reader)",
                          [&d](auto& t) { d.local(t).walk = 0; });
                p.replace("srcu_read_unlock(&srcu, id)", "(no reader)", [](auto&) {});
              }
            }),
      MmBug({"unregister-without-release", "missing invalidation", "mutant",
             "a subscription leaves the list and its driver has not been told: its PASID entry "
             "outlives the page tables",
             "no-freed-table", two},
            [](auto& d) {
              auto& p = d.edit(kUnbind);
              p.replace("the PASID entry is cleared", "(it stays)", [](auto&) {});
            }),
      MmBug({"page-tables-freed-first", "order", "mutant",
             "the page tables go before the notifiers are told", "no-freed-table", one},
            [](auto& d) {
              auto& p = d.edit("exit_mm");
              p.insert_before("srcu_read_lock(&srcu)", "free_pgtables(mm) (early)",
                              [&d](auto& t) { d.mm.at(d.local(t).mm).page_tables = false; });
            }),
      MmBug(
          {"released-subscription-stays", "use after free", "mutant",
           "mmu_notifier_release() leaves the subscriptions on the list", "no-use-after-free", one},
          [](auto& d) {
            d.everywhere([](auto& p) {
              return p.replace_all("hlist_del_init_rcu() of all, under subscriptions->lock",
                                   "(they stay)", [](auto&) {});
            });
            d.edit(kUnbind).replace("hlist_del_init_rcu(), under", "(it stays)", [](auto&) {});
          }),
  };
}

std::vector<MmBug> reference_mutants() {
  const BoundValues one{{"threads", 1}, {"mms", 1}}, two{{"threads", 2}, {"mms", 1}};
  const BoundValues lazy{{"threads", 2}, {"mms", 1}, {"lazy", 1}};
  const BoundValues forks{{"threads", 2}, {"mms", 2}, {"forks", 1}};
  return {
      MmBug({"bond-without-mmgrab", "reference", "mutant",
             "mmu_notifier_register() takes no reference on the struct", "no-use-after-free", one},
            [](auto& d) { d.edit(kBind).drop("mmgrab(mm)"); }),
      MmBug({"bond-keeps-mm", "leak", "mutant",
             "mmu_notifier_unregister() does not drop the struct", "no-leak", one},
            [](auto& d) {
              d.edit(kUnbind).replace("if (!atomic_dec_and_test(&mm->mm_count)) return",
                                      "(no mmdrop)", [&d](auto& t) {
                                        d.local(t).mm = 0;
                                        t.jump(d.unbind_frees);
                                      });
            }),
      MmBug({"mmget-of-dead-mm", "reference", "mutant",
             "a page request takes a user of an mm whose last one is gone", "refcounts", one},
            [](auto& d) {
              d.edit("iommu_sva_handle_mm")
                  .replace("if (!mmget_not_zero(mm)) return", "mmget(mm)", [&d](auto& t) {
                    auto&& l = d.local(t);
                    l.mm = d.bond.at(l.bond).mm;
                    l.bond = 0;
                    d.mm.at(l.mm).users.inc();
                  });
            }),
      MmBug({"page-request-without-user", "reference", "mutant",
             "a page request is handled without a user of the address space", "no-use-after-free",
             two},
            [](auto& d) {
              auto& p = d.edit("iommu_sva_handle_mm");
              p.replace("if (!mmget_not_zero(mm)) return", "if (!mm->mm_users) return",
                        [&d](auto& t) {
                          auto&& l = d.local(t);
                          l.mm = d.bond.at(l.bond).mm;
                          l.bond = 0;
                          t.when(d.mm.at(l.mm).users.read() == 0U, [&] {
                            l.mm = 0;
                            t.ret();
                          });
                        });
              p.replace("if (!atomic_dec_and_test(&mm->mm_users)) return", "return", [&d](auto& t) {
                d.local(t).mm = 0;
                t.ret();
              });
            }),
      MmBug({"page-request-keeps-user", "leak", "mutant",
             "the user of a page request is not put: the page tables never go", "no-leak", one},
            [](auto& d) {
              d.edit("iommu_sva_handle_mm")
                  .replace("if (!atomic_dec_and_test(&mm->mm_users)) return", "return",
                           [&d](auto& t) {
                             d.local(t).mm = 0;
                             t.ret();
                           });
            }),
      MmBug({"lazy-mm-not-counted", "reference", "mutant",
             "a CPU runs a kernel thread on an mm without a reference", "no-use-after-free", lazy},
            [](auto& d) {
              auto& p = d.edit("context_switch");
              p.replace("mmgrab_lazy_tlb(prev->active_mm)", "(no reference)", [](auto&) {});
              p.replace("if (!atomic_dec_and_test(&mm->mm_count)) return", "return", [&d](auto& t) {
                d.local(t).mm = 0;
                t.ret();
              });
            }),
      MmBug({"clone-without-mmget", "reference", "mutant",
             "a second task of a process is not counted", "task-has-its-address-space", forks},
            [](auto& d) { d.edit("clone(CLONE_VM)").drop("mmget(mm)"); }),
      MmBug({"exec-keeps-old-mm",
             "leak",
             "mutant",
             "exec does not put the old address space",
             "no-leak",
             {{"threads", 1}, {"mms", 2}, {"forks", 1}}},
            [](auto& d) {
              d.edit("exec_mmap")
                  .replace("if (!atomic_dec_and_test(&mm->mm_users)) return", "(no mmput)",
                           [&d](auto& t) {
                             d.local(t).mm = 0;
                             t.ret();
                           });
            }),
      MmBug({"pasid-not-dropped", "leak", "mutant", "the last mmdrop() does not free the PASID",
             "one-owner-per-pasid", one},
            [](auto& d) {
              d.everywhere([](auto& p) {
                return p.replace_all("mm_pasid_drop(mm)", "(it stays taken)", [](auto&) {});
              });
            }),
  };
}

std::vector<MmBug> bugs() {
  std::vector<MmBug> all = kernel_bugs();
  for (const auto& group : {notifier_mutants(), reference_mutants()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

std::vector<BoundInfo> bounds() {
  return {{"threads", 1, 4, 2, "threads, each on a CPU of its own"},
          {"mms", 1, 3, 1, "mm_structs in memory at once"},
          {"pasids", 1, 3, 1, "PASIDs: 1 to N"},
          {"forks", 0, 1, 0, "1: tasks fork, clone and exec"},
          {"lazy", 0, 1, 0, "1: CPUs keep the mm of a task while they run kernel threads"},
          {"calls", 0, 15, 0, "calls that each thread makes at most; 0: no limit"}};
}

MmBounds to_bounds(const BoundValues& values) {
  MmBounds b;
  b.threads = values.at("threads");
  b.calls = values.at("calls");
  b.mms = values.at("mms");
  b.pasids = values.at("pasids");
  b.forks = values.at("forks") != 0;
  b.lazy = values.at("lazy") != 0;
  return b;
}

}  // namespace mm_bugs

const DesignEntry& mm_lifecycle() {
  static const TypedDesign<MmDesign, MmBounds> kEntry{
      "mm",
      "mm_users and mm_count, notifiers that are told before the page tables go, PASID and struct",
      "6.12.117 kernel/fork.c, fs/exec.c, mm/mmu_notifier.c",
      mm_bugs::bounds(),
      mm_bugs::to_bounds,
      mm_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
