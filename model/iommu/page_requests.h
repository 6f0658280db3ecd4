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

/// Where a page request is.
enum class RequestPlace : std::uint8_t { none, queued, taken, on_work_queue, handled };
inline std::string_view name(RequestPlace place) {
  constexpr std::array<std::string_view, 5> kNames{"none", "in the PRQ", "with prq_event_thread()",
                                                   "on the work queue", "with the worker"};
  return kNames.at(static_cast<std::size_t>(place));
}

/// The page request of one (device, PASID): at most one is under way, as the device waits for the
/// answer.
template <class D>
struct PageRequest : Record<D> {
  PageRequest(Scope<D> scope, const IommuBounds& b, const IommuSorts& sorts)
      : Record<D>(scope),
        place(*this, "place", b.faults ? 4 : 0, names_of<RequestPlace>(5)),
        issuer(*this, "issuer", b.faults ? b.mms : 0, Format{}.of(sorts.mms)),
        handler(*this, "handler", b.faults ? b.handles() : 0, pointer_to("iommu_sva")) {}
  Var<D, RequestPlace> place;
  Var<D> issuer;   ///< whose translation the device was using: 1 + the mm
  Var<D> handler;  ///< the attach handle that the group of the request points to
};

template <class D>
class PageRequests : public GroupPasid<D> {
 public:
  using Base = GroupPasid<D>;
  using Base::b, Base::hardware, Base::iommu_domain, Base::iommu_sva, Base::local, Base::mm;
  using typename Base::B, typename Base::T, typename Base::V;

  PageRequests(const IommuBounds& bounds, const MmParts& parts)
      : Base(with_workers(bounds), parts),
        request(this->root(), "page_request", b.faults ? b.devices * b.pasids : 0, b, Base::sorts) {
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
    for (unsigned d = 0; d < b.devices; ++d) {
      for (unsigned p = 0; p < b.pasids; ++p) {
        device_code_.push_back({"page request",
                                fmt::format("page request (device {}, PASID {})", d, p + 1), false,
                                0, [this, d, p](unsigned) { ask_for_page(d, p); }});
      }
    }
    this->add_actor("devices", device_code_);
  }

  /// intel_iommu_drain_pasid_prq(dev, pasid).
  void build_drain(Program<D>& p) override {
    p.step("drain_pasid_prq(): wait until the PRQ has no request of the PASID", [this](T& t) {
      auto&& l = local(t);
      with_request(V(l.device), V(l.pasid), [&](auto&& h) { wait_prq(h); });
    });
    p.step("drain_pasid_prq(): iopf_queue_flush_dev(dev)", [this](T& t) {
      auto&& l = local(t);
      with_request(V(l.device), V(l.pasid), [&](auto&& h) { flush(h); });
    });
  }
  template <class H>
  void wait_prq(const H& h) {
    this->context.wait_for(h.place != RequestPlace::queued && h.place != RequestPlace::taken,
                           1U << prq());
  }
  template <class H>
  void flush(const H& h) {
    this->context.wait_for(
        h.place != RequestPlace::on_work_queue && h.place != RequestPlace::handled,
        1U << handler());
  }

  /// f(request) for this device and PASID (from 0).
  template <class F>
  void with_request(V dev, V pasid, F f) {
    for (unsigned d = 0; d < b.devices; ++d) {
      for (unsigned p = 0; p < b.pasids; ++p)
        this->context.when(dev == d && pasid == p, [&] { f(request[d * b.pasids + p]); });
    }
  }

  Array<D, PageRequest<D>> request;

 private:
  /// Behind those of a design that has its own.
  static IommuBounds with_workers(IommuBounds b) {
    if (b.faults) b.workers.insert(b.workers.end(), {"PRQ", "worker"});
    return b;
  }
  unsigned first() const { return static_cast<unsigned>(b.workers.size()) - 2; }
  /// f(request) for the one that this worker has taken.
  template <class F>
  void with_request(T& t, F f) {
    auto&& l = local(t);
    with_request(V(l.dev), V(l.pasid), f);
  }
  /// A page is missing for a TLP of the device.
  void ask_for_page(unsigned d, unsigned p) {
    auto&& r = request[d * b.pasids + p];
    const V used = hardware.translation(d, p);
    this->context.require(hardware.issues(d, p) && used != 0U && r.place == RequestPlace::none);
    r.place = RequestPlace::queued;
    r.issuer = used;
  }
  unsigned prq() const { return this->worker(first()); }
  unsigned handler() const { return this->worker(first() + 1); }

  /// A request that is at `from` is taken.
  void take(T& t, RequestPlace from, RequestPlace to) {
    auto&& l = local(t);
    l.dev = t.choose(b.devices, "device");
    l.pasid = t.choose(b.pasids, "pasid");
    with_request(t, [&](auto&& h) {
      t.require(h.place == from);
      h.place = to;
    });
  }
  void answer(T& t) {
    with_request(t, [&](auto&& h) {
      h.place = RequestPlace::none;
      h.issuer = 0;
      h.handler = 0;
    });
  }

  /// prq_event_thread() and iommu_report_device_fault().
  void build_report() {
    auto& p = this->worker_program(first(), "prq_event_thread");
    p.step("take a request from the PRQ",
           [this](T& t) { take(t, RequestPlace::queued, RequestPlace::taken); });
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
               h.place = RequestPlace::on_work_queue;
             });
           });
  }

  /// iommu_sva_handle_iopf() of one group.
  void build_handle() {
    auto& p = this->worker_program(first() + 1, "iommu_sva_handle_iopf");
    const auto respond = p.label();
    p.step("take a group from the work queue", [this](T& t) {
      take(t, RequestPlace::on_work_queue, RequestPlace::handled);
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
  Code device_code_;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_PAGE_REQUESTS_H
