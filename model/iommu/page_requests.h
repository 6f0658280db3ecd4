// SPDX-License-Identifier: MIT
// Page requests on attach/group-pasid: prq_event_thread() finds the attach handle and queues the
// request, a worker handles it for the mm of the handle's domain, and detach drains both.
// Sources: 6.12 drivers/iommu/intel/prq.c, io-pgfault.c, iommu-sva.c.
//
// The handle has no reference count: what keeps it in memory while a request points to it is that
// detach waits for the request.
#ifndef IOMMUCHECK_MODEL_IOMMU_PAGE_REQUESTS_H
#define IOMMUCHECK_MODEL_IOMMU_PAGE_REQUESTS_H

#include "model/iommu/group_pasid.h"

namespace iommucheck::model {

template <class D>
class PageRequests : public GroupPasid<D> {
 public:
  using Base = GroupPasid<D>;
  using Base::b, Base::hardware, Base::iommu_domain, Base::iommu_sva, Base::local, Base::mm;
  using typename Base::B, typename Base::T, typename Base::V;

  PageRequests(const IommuBounds& bounds, const MmParts& parts)
      : Base(with_workers(bounds), parts) {
    if (!b.faults) return;
    right_process_ = this->property(
        "page-request-reaches-its-process",
        "A page request is handled for the process whose translation the device was using.");
  }

  /// The programs of the two workers.
  void build_page_requests() {
    if (!b.faults) return;
    build_report();
    build_handle();
  }

  /// intel_iommu_drain_pasid_prq(dev, pasid).
  void build_drain(Program<D>& p) override {
    p.step("drain_pasid_prq(): wait until the PRQ has no request of the PASID", [this](T& t) {
      auto&& l = local(t);
      hardware.with(V(l.device), V(l.pasid), [&](unsigned, unsigned, auto&& h) { wait_prq(h); });
    });
    p.step("drain_pasid_prq(): iopf_queue_flush_dev(dev)", [this](T& t) {
      auto&& l = local(t);
      hardware.with(V(l.device), V(l.pasid), [&](unsigned, unsigned, auto&& h) { flush(h); });
    });
  }
  template <class H>
  void wait_prq(const H& h) {
    this->context.wait_for(h.request != Request::queued && h.request != Request::taken,
                           1U << prq());
  }
  template <class H>
  void flush(const H& h) {
    this->context.wait_for(h.request != Request::on_work_queue && h.request != Request::handled,
                           1U << worker());
  }

  /// The request that this worker has taken: f(h) sees its record.
  template <class F>
  void with_request(T& t, F f) {
    auto&& l = local(t);
    hardware.with(V(l.dev), V(l.pasid), [&](unsigned, unsigned, auto&& h) { f(h); });
  }

 private:
  static IommuBounds with_workers(IommuBounds b) {
    if (b.faults) b.workers = {"PRQ", "worker"};
    return b;
  }
  unsigned prq() const { return b.threads; }
  unsigned worker() const { return b.threads + 1; }

  /// A request that is at `from` is taken.
  void take(T& t, Request from, Request to) {
    auto&& l = local(t);
    l.dev = t.choose(b.devices, "device");
    l.pasid = t.choose(b.pasids, "pasid");
    with_request(t, [&](auto&& h) {
      t.require(h.request == from);
      h.request = to;
    });
  }
  void answer(T& t) {
    with_request(t, [&](auto&& h) {
      h.request = Request::none;
      h.issuer = 0;
      h.handler = 0;
    });
  }

  /// prq_event_thread() and iommu_report_device_fault().
  void build_report() {
    auto& p = this->worker_program(0, "prq_event_thread");
    p.step("take a request from the PRQ",
           [this](T& t) { take(t, Request::queued, Request::taken); });
    p.step("attach_handle = iommu_attach_handle_get(group, pasid, 0)", [this](T& t) {
      auto&& l = local(t);
      l.handle = this->handle_at(t);
      t.when(l.handle == 0U, [&] {
        answer(t);
        t.ret();
      });
    });
    p.step("attach_handle->domain->iopf_handler(group): queue_work(wq, &group->work)",
           [this](T& t) {
             auto&& l = local(t);
             iommu_domain.touch(iommu_sva.at(l.handle).domain);
             with_request(t, [&](auto&& h) {
               h.handler = l.handle;
               h.request = Request::on_work_queue;
             });
           });
  }

  /// iommu_sva_handle_iopf() of one group.
  void build_handle() {
    auto& p = this->worker_program(1, "iommu_sva_handle_iopf");
    const auto respond = p.label();
    p.step("take a group from the work queue", [this](T& t) {
      take(t, Request::on_work_queue, Request::handled);
      auto&& l = local(t);
      with_request(t, [&](auto&& h) { l.handle = h.handler; });
    });
    p.step("if (!mmget_not_zero(group->attach_handle->domain->mm))", [=, this](T& t) {
      auto&& l = local(t);
      l.mm = iommu_domain.at(iommu_sva.at(l.handle).domain).mm;
      auto&& users = mm.at(l.mm).users;
      t.when(
          users == 0U,
          [&] {
            l.mm = 0;
            t.jump(respond);
          },
          [&] { users += 1; });
    });
    p.step("handle_mm_fault(vma, prm->addr, fault_flags, NULL)", [this](T& t) {
      auto&& l = local(t);
      with_request(t, [&](auto&& h) {
        t.fail_unless(h.issuer == l.mm || l.mm == 0U, right_process_,
                      "the fault of one process is handled in the address space of another");
      });
      t.fail_unless(mm.at(l.mm).page_tables, this->no_use_after_free,
                    "a fault is handled in page tables that are freed");
    });
    p.step("mmput(mm): if (!atomic_dec_and_test(&mm->mm_users)) return", [=, this](T& t) {
      auto&& l = local(t);
      auto&& users = mm.at(l.mm).users;
      users -= 1;
      t.when(users != 0U, [&] {
        l.mm = 0;
        t.jump(respond);
      });
    });
    p.call("exit_mmap", [&] { this->build_exit_mmap(p); });
    p.step("mmdrop(mm)", [this](T& t) {
      auto&& l = local(t);
      t.fail_unless(!mm.at(l.mm).count.dec_and_test(), this->refcounts,
                    "the worker drops the last reference of the mm: the domain of the request "
                    "should hold one");
      l.mm = 0;
    });
    p.place(respond);
    p.step("iopf_group_response(group, status); iopf_free_group(group)",
           [this](T& t) { answer(t); });
  }

  PropertyId right_process_{};
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_PAGE_REQUESTS_H
