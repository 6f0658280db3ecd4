// SPDX-License-Identifier: MIT
// The specification of /dev/iommu: what each call means, sequential and nondeterministic.
//
// docs/iommufd.md says the same in prose.  One open file; mappings are not in it.
#ifndef IOMMUCHECK_SPEC_IOMMUFD_SPEC_H
#define IOMMUCHECK_SPEC_IOMMUFD_SPEC_H

#include "core/machine.h"
#include "spec/iommufd/call.h"
#include "spec/iommufd/state.h"
#include "spec/relation.h"

namespace iommucheck::iommufd {

template <class D>
using Args = Arguments<Val<D>>;

template <class D>
struct Reply {
  Reply(Context<D>& context, Val<D, Err> e) : err(context, e) {}
  Local<D, Err> err;
};

template <class D>
class Spec : CallRelation<D, Reply<D>, Err> {
  using Base = CallRelation<D, Reply<D>, Err>;
  using Base::ctx;
  using typename Base::B, typename Base::V, typename Base::R;
  using A = Args<D>;

 public:
  Spec(Scope<D> scope, const Bounds& bounds)
      : Base(scope.context()), state(scope, bounds), s(state), b(state.bounds) {}

  State<D> state;

  /// Requires that `r` is a legal answer to the call, and moves the state accordingly.
  void apply(CallKind kind, const A& c, R& r) {
    const auto& legal = answers(kind);
    ctx.require(any_of<D>(static_cast<unsigned>(legal.size()),
                          [&](unsigned i) { return r.err == legal[i]; }),
                "the answer is one that this call can give");
    switch (kind) {
      case CallKind::ioas_alloc: return ioas_alloc(c, r);
      case CallKind::ioas_destroy: return ioas_destroy(c, r);
      case CallKind::ioas_use: return ioas_use(c, r);
      case CallKind::hwpt_alloc: return hwpt_alloc(c, r);
      case CallKind::nested_alloc: return nested_alloc(c, r);
      case CallKind::hwpt_destroy: return hwpt_destroy(c, r);
      case CallKind::device_use: return device_use(c, r);
      case CallKind::device_destroy: return device_destroy(c, r);
      case CallKind::queue_alloc: return queue_alloc(c, r);
      case CallKind::queue_close: return queue_close(r);
      case CallKind::queue_destroy: return queue_destroy(r);
      case CallKind::bind: return bind(c, r);
      case CallKind::unbind: return unbind(c, r);
      case CallKind::attach: return attach(c, r);
      case CallKind::replace: return replace(c, r);
      case CallKind::detach: return detach(c, r);
      case CallKind::access_create: return access_create(c, r);
      case CallKind::access_attach: return access_attach(c, r);
      case CallKind::access_detach: return access_detach(r);
      case CallKind::access_destroy: return access_destroy(r);
    }
  }

 private:
  // ---- IOASes ----

  void ioas_alloc(const A& c, R& r) {
    ctx.contract(ioas_is(c, [&](unsigned i) -> B { return !s.ioas[i - 1].there; }),
                 "ioas_alloc: the number is nobody's");
    no_memory(c, r, "ioas_alloc: -ENOMEM only without memory");
    this->success(r, [&] { with_ioas(c, [&](unsigned i) { s.ioas[i - 1].there = true; }); });
  }
  void ioas_destroy(const A& c, R& r) {
    const B used = ioas_is(c, [&](unsigned i) { return s.used(i); });
    this->error(r, Err::enoent, !ioas_there(c), "ioas_destroy: -ENOENT only where it is not there");
    this->error(r, Err::ebusy, used,
                "ioas_destroy: -EBUSY only where a device meets it, a page table is of it, or a "
                "driver reaches it");
    this->success(r, ioas_there(c) && !used,
                  "ioas_destroy succeeds only where it is there and nobody uses it",
                  [&] { with_ioas(c, [&](unsigned i) { s.ioas[i - 1].there = false; }); });
  }
  void ioas_use(const A& c, R& r) {
    this->error(r, Err::enoent, !ioas_there(c),
                "a use of an IOAS: -ENOENT only where it is not there");
    no_memory(c, r, "a use of an IOAS: -ENOMEM only without memory");
    this->success(r, ioas_there(c), "a use of an IOAS succeeds only where it is there", [] {});
  }

  // ---- Page tables that a process asks for ----

  void hwpt_alloc(const A& c, R& r) {
    ctx.contract(hwpt_is(c, [&](unsigned t) -> B { return s.hwpt[t].ioas == 0U; }),
                 "hwpt_alloc: the number is nobody's");
    this->error(r, Err::enoent, !bound(c),
                "hwpt_alloc: -ENOENT only where the device is not bound");
    this->error(r, Err::einval, !ioas_there(c),
                "hwpt_alloc: -EINVAL only where the IOAS is not there");
    no_memory(c, r, "hwpt_alloc: -ENOMEM only without memory");
    const B there = ioas_there(c) && bound(c);
    this->success(r, there, "hwpt_alloc succeeds only where the IOAS and the device are there",
                  [&] {
                    with_device(c, [&](unsigned d) {
                      with_hwpt(c, [&](unsigned t) {
                        s.hwpt[t].ioas = c.ioas;
                        s.hwpt[t].kind = b.kind_of(d);
                      });
                    });
                  });
  }
  /// Within another one, whose mappings it goes through; its page requests go to the fault queue.
  void nested_alloc(const A& c, R& r) {
    ctx.contract(hwpt_is(c, [&](unsigned t) -> B { return s.hwpt[t].ioas == 0U; }),
                 "nested_alloc: the number is nobody's");
    const B there = bound(c) && B(s.queue[0].there);
    const B fits = any_of<D>(b.hwpts, [&](unsigned p) {
      return c.parent == p + 1 && s.hwpt[p].ioas != 0U && s.hwpt[p].parent == 0U &&
             device_is(c, [&](unsigned d) -> B { return s.hwpt[p].kind == b.kind_of(d); });
    });
    this->error(r, Err::enoent, !there,
                "nested_alloc: -ENOENT only where the device is not bound, or the queue not there");
    this->error(r, Err::einval, !fits,
                "nested_alloc: -EINVAL only where the parent is not there, is within another one "
                "itself, or is for another kind of IOMMU");
    no_memory(c, r, "nested_alloc: -ENOMEM only without memory");
    this->success(
        r, there && fits,
        "nested_alloc succeeds only where device and queue are there, within a parent that "
        "fits",
        [&] {
          with_hwpt(c, [&](unsigned t) {
            s.hwpt[t].parent = c.parent;
            for (unsigned p = 0; p < b.hwpts; ++p) {
              ctx.when(c.parent == p + 1, [&] {
                s.hwpt[t].ioas = V(s.hwpt[p].ioas);
                s.hwpt[t].kind = V(s.hwpt[p].kind);
              });
            }
          });
        });
  }
  void hwpt_destroy(const A& c, R& r) {
    const B there = hwpt_is(c, [&](unsigned t) -> B { return s.hwpt[t].ioas != 0U; });
    const B used = hwpt_is(c, [&](unsigned t) { return s.hwpt_used(t); });
    this->error(r, Err::enoent, !there, "hwpt_destroy: -ENOENT only where it is not there");
    this->error(r, Err::ebusy, used,
                "hwpt_destroy: -EBUSY only where a device meets it, or another one is within it");
    this->success(r, there && !used,
                  "hwpt_destroy succeeds only where it is there and nobody uses it", [&] {
                    with_hwpt(c, [&](unsigned t) {
                      s.hwpt[t].ioas = 0;
                      s.hwpt[t].kind = 0;
                      s.hwpt[t].parent = 0;
                    });
                  });
  }

  // ---- Devices ----

  void device_use(const A& c, R& r) {
    this->error(r, Err::enoent, !bound(c), "device_use: -ENOENT only where it is not bound");
    this->success(r, bound(c), "device_use succeeds only where it is bound", [] {});
  }
  void device_destroy(const A& c, R& r) {
    this->error(r, Err::enoent, !bound(c), "device_destroy: -ENOENT only where it is not bound");
    this->error(r, Err::ebusy, bound(c), "device_destroy: -EBUSY only where it is bound");
    this->success(r, B(false), "device_destroy: only its driver may", [] {});
  }
  void bind(const A& c, R& r) {
    ctx.contract(!bound(c), "bind: the device is not bound yet");
    no_memory(c, r, "bind: -ENOMEM only without memory");
    this->success(r, [&] { with_device(c, [&](unsigned d) { s.device[d].bound = true; }); });
  }
  void unbind(const A& c, R& r) {
    ctx.contract(bound(c) && !attached(c), "unbind: the device is bound, and detached");
    this->success(r, [&] { with_device(c, [&](unsigned d) { s.device[d].bound = false; }); });
  }
  /// The devices of a group meet the same: the first one says what.
  void attach(const A& c, R& r) {
    ctx.contract(bound(c) && !attached(c), "attach: the device is bound, and not attached");
    const B other = device_is(c, [&](unsigned d) -> B {
      const auto& met = s.group[b.group_of(d)].met;
      return met != 0U && met != c.target;
    });
    this->error(r, Err::enoent, !target_there(c), "attach: -ENOENT only where it is not there");
    this->error(r, Err::einval, other || !fits(c),
                "attach: -EINVAL only where the group meets something else, or it is for another "
                "kind of IOMMU");
    no_memory(c, r, "attach: -ENOMEM only without memory");
    this->success(r, target_there(c) && !other && fits(c),
                  "attach succeeds only with what is there and fits, and is what the group meets",
                  [&] {
                    with_device(c, [&](unsigned d) {
                      s.device[d].attached = true;
                      s.group[b.group_of(d)].met = c.target;
                    });
                  });
  }
  /// All attached devices of the group go along.
  void replace(const A& c, R& r) {
    ctx.contract(attached(c), "replace: the device is attached");
    this->error(r, Err::enoent, !target_there(c), "replace: -ENOENT only where it is not there");
    this->error(r, Err::einval, !fits(c),
                "replace: -EINVAL only where it is for another kind of IOMMU");
    no_memory(c, r, "replace: -ENOMEM only without memory");
    this->success(
        r, target_there(c) && fits(c), "replace succeeds only with what is there and fits",
        [&] { with_device(c, [&](unsigned d) { s.group[b.group_of(d)].met = c.target; }); });
  }
  void detach(const A& c, R& r) {
    ctx.contract(attached(c), "detach: the device is attached");
    this->success(r, [&] {
      with_device(c, [&](unsigned d) {
        s.device[d].attached = false;
        ctx.when(!s.attached(b.group_of(d)), [&] { s.group[b.group_of(d)].met = 0; });
      });
    });
  }

  // ---- Accesses ----

  void access_create(const A& c, R& r) {
    ctx.contract(!s.access[0].there, "access_create: there is none yet");
    no_memory(c, r, "access_create: -ENOMEM only without memory");
    this->success(r, [&] { s.access[0].there = true; });
  }
  void access_attach(const A& c, R& r) {
    ctx.contract(B(s.access[0].there), "access_attach: there is one");
    this->error(r, Err::enoent, !ioas_there(c),
                "access_attach: -ENOENT only where the IOAS is not there");
    no_memory(c, r, "access_attach: -ENOMEM only without memory");
    this->success(r, ioas_there(c), "access_attach succeeds only where the IOAS is there",
                  [&] { s.access[0].ioas = c.ioas; });
  }
  void access_detach(R& r) {
    ctx.contract(s.access[0].ioas != 0U, "access_detach: it reaches an IOAS");
    this->success(r, [&] { s.access[0].ioas = 0; });
  }
  void access_destroy(R& r) {
    ctx.contract(B(s.access[0].there), "access_destroy: there is one");
    this->success(r, [&] {
      s.access[0].there = false;
      s.access[0].ioas = 0;
    });
  }

  // ---- Fault queues ----

  void queue_alloc(const A& c, R& r) {
    ctx.contract(!s.queue[0].there, "queue_alloc: there is none yet");
    no_memory(c, r, "queue_alloc: -ENOMEM only without memory");
    this->success(r, [&] {
      s.queue[0].there = true;
      s.queue[0].open = true;
    });
  }
  void queue_close(R& r) {
    ctx.contract(B(s.queue[0].open), "queue_close: its file is open");
    this->success(r, [&] { s.queue[0].open = false; });
  }
  void queue_destroy(R& r) {
    const B there = s.queue[0].there, used = B(s.queue[0].open) || s.queue_used();
    this->error(r, Err::enoent, !there, "queue_destroy: -ENOENT only where it is not there");
    this->error(r, Err::ebusy, used,
                "queue_destroy: -EBUSY only where its file is open, or a page table has it");
    this->success(r, there && !used,
                  "queue_destroy succeeds only where it is there, its file is closed, and no page "
                  "table has it",
                  [&] { s.queue[0].there = false; });
  }

  // ---- What an argument names ----

  void no_memory(const A& c, R& r, const char* sentence) {
    this->error(r, Err::enomem, c.nomem != 0U, sentence);
  }
  template <class F>
  B ioas_is(const A& c, F f) const {
    return any_of<D>(b.ioases, [&](unsigned i) { return c.ioas == i + 1 && f(i + 1); });
  }
  template <class F>
  void with_ioas(const A& c, F f) {
    for (unsigned i = 1; i <= b.ioases; ++i) ctx.when(c.ioas == i, [&] { f(i); });
  }
  B ioas_there(const A& c) const {
    return ioas_is(c, [&](unsigned i) { return s.there(i); });
  }
  template <class F>
  B hwpt_is(const A& c, F f) const {
    return any_of<D>(b.hwpts, [&](unsigned t) { return c.hwpt == t + 1 && f(t); });
  }
  template <class F>
  void with_hwpt(const A& c, F f) {
    for (unsigned t = 0; t < b.hwpts; ++t) ctx.when(c.hwpt == t + 1, [&] { f(t); });
  }
  template <class F>
  B device_is(const A& c, F f) const {
    return any_of<D>(b.devices, [&](unsigned d) { return c.device == d && f(d); });
  }
  template <class F>
  void with_device(const A& c, F f) {
    for (unsigned d = 0; d < b.devices; ++d) ctx.when(c.device == d, [&] { f(d); });
  }
  B bound(const A& c) const {
    return device_is(c, [&](unsigned d) { return B(s.device[d].bound); });
  }
  B attached(const A& c) const {
    return device_is(c, [&](unsigned d) { return B(s.device[d].attached); });
  }
  B target_there(const A& c) const {
    return any_of<D>(b.targets(), [&](unsigned t) { return c.target == t + 1 && s.there(t + 1); });
  }
  B fits(const A& c) const {
    return device_is(c, [&](unsigned d) {
      return any_of<D>(b.targets(),
                       [&](unsigned t) { return c.target == t + 1 && s.fits(t + 1, d); });
    });
  }

  State<D>& s;
  const Bounds& b;
};

}  // namespace iommucheck::iommufd

#endif  // IOMMUCHECK_SPEC_IOMMUFD_SPEC_H
