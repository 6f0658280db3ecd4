// SPDX-License-Identifier: MIT
// iopf/queue and its bugs: each is one change of the design.
#include "model/iopf/queue.h"

#include "model/iopf/entries.h"

namespace iommucheck::model {
namespace iopf_bugs {

using IopfBug = Bug<IopfQueue>;

constexpr const char* kReport = "iommu_report_device_fault";
constexpr const char* kHandle = "iommu_sva_handle_iopf";
constexpr const char* kAnswer = "iommufd_fault_fops_write";
constexpr const char* kResponse = "iommu_page_response";
constexpr const char* kJoin = "iopf_queue_add_device";
constexpr const char* kLeave = "iopf_queue_remove_device";

constexpr const char* kEmpty = "partial faults are freed; pending groups are answered and freed";

/// An edit: a step of the program does nothing.
auto without(const char* program, const char* label) {
  return [program, label](auto& d) { d.edit(program).replace(label, "(left out)", [](auto&) {}); };
}

std::vector<IopfBug> kernel_bugs() {
  const BoundValues one{{"threads", 1}};
  return {
      IopfBug({"iopf-freed-before-drain", "use after free", "CVE-2025-38594",
               "the device leaves the queue before what it has sent is drained: the groups are "
               "freed, and the worker uses them",
               "no-use-after-free", one},
              [](auto& d) {
                auto& p = d.edit(kLeave);
                p.insert_after("ops->remove_dev_pasid(): the PASID entry is cleared",
                               "(first the queue is left)", [&d](auto& t) { t.jump(d.remove); });
                p.insert_after("mutex_unlock(&param->lock); mutex_unlock(&queue->lock)",
                               "(then it is drained)", [&d](auto& t) { t.jump(d.drain); });
                p.insert_after("page requests are disabled", "(it is drained)",
                               [&d](auto& t) { t.jump(d.left); });
              }),
      IopfBug({"iopf-group-leak",
               "leak",
               "CVE-2025-21770",
               "leaving the queue answers the pending groups and does not free them",
               "no-leak",
               {{"threads", 1}, {"numbers", 1}}},
              [](auto& d) {
                d.edit(kLeave).replace(kEmpty, "(pending groups are answered)",
                                       [&d](auto& t) { d.empty_lists(t, false); });
              }),
      IopfBug({"iopf-group-two-owners",
               "use after free",
               "CVE-2026-74520",
               "a group that is delivered to user space stays on the pending list: leaving the "
               "queue frees it while user space answers it",
               "no-use-after-free",
               {{"threads", 2}, {"user", 1}}},
              without(kReport, "iopf_group_dequeue(group): list_del_init(&group->pending_node)")),
  };
}

std::vector<IopfBug> mutants() {
  const BoundValues one{{"threads", 1}};
  const BoundValues partial{{"threads", 1}, {"partial", 1}};
  return {
      IopfBug({"detached-undrained", "lost wait", "mutant",
               "a domain is detached while its requests are in the PRQ: they are handled with a "
               "handle that is freed",
               "no-use-after-free", one},
              without(kLeave, "wait until no request with the PASID is in the PRQ")),
      IopfBug({"handle-leaks", "leak", "mutant", "a domain is detached, and its handle stays",
               "no-leak", one},
              without(kLeave, "kfree(handle)")),
      IopfBug({"leaves-unflushed", "lost wait", "mutant", "detaching does not flush the work queue",
               "no-use-after-free", one},
              without(kLeave, "iopf_queue_flush_dev(dev)")),
      IopfBug({"partial-faults-kept", "leak", "mutant", "leaving does not free the partial faults",
               "no-leak", partial},
              [](auto& d) { d.edit(kLeave).replace(kEmpty, "(left out)", [](auto&) {}); }),
      IopfBug({"partial-faults-not-moved", "leak", "mutant",
               "a group does not take the partial faults before it along",
               "partial-faults-have-a-group", partial},
              without(kReport, "list_move(&iopf->list, &group->faults)")),
      IopfBug({"group-keeps-param", "reference", "mutant",
               "the reference of a group on the fault_param is not dropped", "no-leak", one},
              [](auto& d) {
                d.edit(kHandle).replace("iopf_free_group(group)", "kfree(group)",
                                        [&d](auto& t) { d.iopf_group.kfree(d.local(t).group); });
              }),
      IopfBug({"answered-by-nobody", "missing step", "mutant",
               "a request that meets no handler gets no answer", "no-request-forgotten", one},
              without(kReport, "iopf_error_response(dev, evt)")),
      IopfBug({"answered-twice", "missing step", "mutant",
               "a group is answered before it is handled, and once more behind it", "answered-once",
               one},
              [](auto& d) {
                d.edit(kHandle).insert_before(
                    "handle_mm_fault() of each request", "ops->page_response() (early)",
                    [&d](auto& t) {
                      d.respond(t, d.iopf_group.at(d.local(t).group.value()).grpid.value());
                    });
              }),
      IopfBug({"group-used-behind-its-answer",
               "use after free",
               "mutant",
               "who has answered a group reads it once more when it is freed",
               "no-use-after-free",
               {{"threads", 2}, {"user", 1}}},
              [](auto& d) {
                d.edit(kAnswer).insert_after(
                    "iopf_free_group(group)", "(the group is read again)",
                    [&d](auto& t) { d.iopf_group.touch(d.local(t).group.value()); });
              }),
  };
}

/// An edit of a report: where no memory is left for this step, the request is answered and dropped.
auto answered_before(const char* step) {
  return [step](auto& d) {
    d.edit(kReport).insert_before(step, "if no memory is left: iopf_error_response(dev, evt)",
                                  [&d](auto& t) {
                                    auto&& l = d.local(t);
                                    t.when(d.no_memory(t), [&] {
                                      d.respond(t, l.grpid);
                                      d.put_param(t, l.param);
                                      t.jump(d.reported);
                                    });
                                  });
  };
}

/// Of allocations that fail.
std::vector<IopfBug> mutants_without_memory() {
  const BoundValues one{{"threads", 1}, {"failures", 1}};
  const BoundValues partial{{"threads", 1}, {"failures", 1}, {"partial", 1}};
  const char* group_alloc = "group = kzalloc(); group->fault_param = iopf_param";
  const char* free_abort = "__iopf_free_group(&abort_group); return";
  const char* partial_fails = "if (!(iopf = kzalloc(sizeof(*iopf), GFP_KERNEL))) return -ENOMEM";
  return {
      IopfBug({"aborted-without-group", "wrong error path", "mutant",
               "a report that gets no memory for a group answers the last request and does not "
               "collect those before it",
               "partial-faults-have-a-group", partial},
              answered_before(group_alloc)),
      IopfBug({"abort-leaks-partial-faults", "leak", "mutant",
               "the group on the stack goes without the partial faults that it has collected",
               "no-leak", partial},
              [free_abort](auto& d) {
                d.edit(kReport).replace(free_abort, "iopf_put_dev_fault_param(iopf_param); return",
                                        [&d](auto& t) {
                                          d.put_param(t, d.iopf_group.at(d.local(t).group).param);
                                          d.end_group(t, d.local(t).group);
                                          t.jump(d.reported);
                                        });
              }),
      IopfBug({"abort-keeps-param", "reference", "mutant",
               "the reference of the group on the stack is not dropped", "no-leak", one},
              [free_abort](auto& d) {
                d.edit(kReport).replace(
                    free_abort, "the partial faults are freed; return", [&d](auto& t) {
                      d.free_faults(t, d.iopf_group.at(d.local(t).group).faults);
                      d.end_group(t, d.local(t).group);
                      t.jump(d.reported);
                    });
              }),
      IopfBug(
          {"abort-frees-the-stack", "wrong free", "mutant",
           "the group on the stack is freed as one that was allocated", "no-use-after-free", one},
          [free_abort](auto& d) {
            d.edit(kReport).replace(free_abort, "iopf_free_group(&abort_group); return",
                                    [&d](auto& t) {
                                      d.free_group(t, d.local(t).group);
                                      t.jump(d.reported);
                                    });
          }),
      IopfBug({"aborted-unanswered", "missing step", "mutant",
               "a group that cannot be allocated gets no answer", "no-request-forgotten", one},
              without(kReport, "ops->page_response(dev, &group->last_fault, &resp)")),
      IopfBug({"abort-group-stays-listed", "use after free", "mutant",
               "the group on the stack stays on the pending list when the report returns",
               "no-use-after-free", one},
              without(kReport, "list_del_init(&group->pending_node)")),
      IopfBug({"failed-partial-keeps-param", "reference", "mutant",
               "a report that gets no memory for a partial fault keeps the reference on the "
               "fault_param",
               "no-leak", partial},
              [partial_fails](auto& d) {
                d.edit(kReport).replace(
                    partial_fails, "... return -ENOMEM (at once)",
                    [&d](auto& t) { t.when(d.no_memory(t), [&] { t.jump(d.reported); }); });
              }),
      IopfBug({"failed-partial-is-answered", "wrong error path", "mutant",
               "a request that is not the last gets an answer when there is no memory for it",
               "answered-once", partial},
              answered_before(partial_fails)),
      IopfBug({"failed-join-keeps-locks", "lock", "mutant",
               "a device that gets no fault_param returns without unlocking", "locking", one},
              [](auto& d) {
                d.edit(kJoin).insert_before(
                    "fault_param = kzalloc()", "if no memory is left: return -ENOMEM",
                    [&d](auto& t) { t.when(d.no_memory(t), [&] { t.jump(d.not_joined); }); });
              }),
      IopfBug(
          {"joins-twice", "leak", "mutant",
           "a device joins that has joined: its first fault_param is forgotten", "no-leak", one},
          without(kJoin, "if (rcu_dereference_check(param->fault_param)) ret = -EBUSY")),
  };
}

/// Of groups that are answered by their number: who answers meets who leaves.
std::vector<IopfBug> mutants_by_number() {
  const BoundValues two{{"threads", 2}, {"numbers", 1}};
  const auto unlocked = [](const char* program) {
    return [program](auto& d) {
      for (const char* label :
           {"mutex_lock(&fault_param->lock)", "mutex_unlock(&fault_param->lock)"})
        without(program, label)(d);
    };
  };
  return {
      IopfBug({"answers-without-lock", "missing lock", "mutant",
               "who answers a group does not take fault_param->lock", "answered-once", two},
              unlocked(kResponse)),
      IopfBug({"leaves-without-param-lock", "missing lock", "mutant",
               "leaving empties the lists without fault_param->lock", "no-use-after-free", two},
              [](auto& d) {
                auto& p = d.edit(kLeave);
                p.replace("mutex_lock(&fault_param->lock)", "(left out)",
                          [&d](auto& t) { d.local(t).param = d.current_param; });
                p.replace("mutex_unlock(&fault_param->lock)", "(left out)", [](auto&) {});
              }),
      IopfBug({"answered-group-stays-listed",
               "use after free",
               "mutant",
               "a group that is answered stays on the pending list",
               "no-use-after-free",
               {{"threads", 1}, {"numbers", 1}}},
              without(kResponse, "list_del_init(&group->pending_node)")),
      IopfBug({"dying-param-is-used", "reference", "mutant",
               "who looks for a group increments a count that may be 0", "refcounts", two},
              [](auto& d) {
                d.edit(kResponse).replace(
                    "if (fault_param && !refcount_inc_not_zero(&fault_param->users))",
                    "if (fault_param) refcount_inc(&fault_param->users)", [&d](auto& t) {
                      auto&& l = d.local(t);
                      t.when(l.param != 0U, [&] { d.fault_param.at(l.param).users.inc(); });
                    });
              }),
      IopfBug({"param-freed-at-once", "use after free", "mutant",
               "the last put of a fault_param does not wait for a grace period",
               "no-use-after-free", two},
              [](auto& d) {
                d.edit(kLeave).replace("rcu_assign_pointer(param->fault_param, NULL)",
                                       "param->fault_param = NULL; kfree(fault_param)",
                                       [&d](auto& t) {
                                         auto&& l = d.local(t);
                                         d.current_param = 0;
                                         t.when(d.fault_param.at(l.param).users.dec_and_test(),
                                                [&] { d.fault_param.kfree(l.param); });
                                       });
              }),
  };
}

std::vector<IopfBug> bugs() {
  std::vector<IopfBug> all = kernel_bugs();
  for (const auto& group : {mutants(), mutants_without_memory(), mutants_by_number()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

std::vector<BoundInfo> bounds() {
  return {{"threads", 1, 3, 2, "threads, each on a CPU of its own"},
          {"requests", 1, 2, 1, "page request groups that the device has under way"},
          {"partial", 0, 1, 0, "1: a group has a request before the last one, or not"},
          {"user", 0, 1, 0, "1: user space handles the groups; 0: a work queue"},
          {"numbers", 0, 1, 0, "1: groups are answered by their number, without a pointer"},
          {"failures", 0, 1, 0, "1: allocations fail, and devices join that have joined"},
          {"codes", 0, 1, 0,
           "1: a group is answered with success only if all its requests were handled"},
          {"calls", 0, 15, 0, "calls that each thread makes at most; 0: no limit"}};
}

IopfBounds to_bounds(const BoundValues& values) {
  IopfBounds b;
  b.threads = values.at("threads");
  b.calls = values.at("calls");
  b.requests = values.at("requests");
  b.partial = values.at("partial") != 0;
  b.user = values.at("user") != 0;
  b.numbers = values.at("numbers") != 0;
  b.failures = values.at("failures") != 0;
  b.codes = values.at("codes") != 0;
  if (b.failures && b.numbers)
    throw UsageError(
        "--failures: groups on the stack are not answered by their number; use one of --failures, "
        "--numbers");
  if (b.codes && !(b.failures && b.partial))
    throw UsageError("--codes: no request is lost but with --failures 1 --partial 1");
  if (b.user && b.numbers)
    throw UsageError(
        "--numbers: user space has pointers to its groups; use one of --user, --numbers");
  return b;
}

}  // namespace iopf_bugs

const DesignEntry& iopf_queue() {
  static const TypedDesign<IopfQueue, IopfBounds> kEntry{
      "iopf/queue",
      "groups of page requests hold the fault_param; a device leaves when all is drained",
      "6.12.117 drivers/iommu/io-pgfault.c, iommufd/fault.c",
      iopf_bugs::bounds(),
      iopf_bugs::to_bounds,
      iopf_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
