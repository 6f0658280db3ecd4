// SPDX-License-Identifier: MIT
// What the IOASID designs share: the specification in lockstep, the clients' private data, and
// ioasid_find(), which has been the same in all of them.
#ifndef IOMMUCHECK_MODEL_IOASID_IOASID_DESIGN_H
#define IOMMUCHECK_MODEL_IOASID_IOASID_DESIGN_H

#include "model/ioasid/records.h"
#include "model/kernel/cpu.h"
#include "model/kernel/xarray.h"
#include "spec/ioasid/spec.h"

namespace iommucheck::model {

template <class D>
class IoasidDesign : public Design<D> {
 public:
  using T = Cpu<D>;
  using V = Val<D>;
  using B = Bool<D>;

  IoasidDesign(const IoasidBounds& bounds, const ioasid::Bounds& spec_bounds,
               const IoasidDataParts& parts)
      : Design<D>(bounds),
        b(bounds),
        sorts(declare_sorts(this->schema, bounds, parts)),
        ioasid_allocator_lock(*this, "ioasid_allocator_lock"),
        scope_(this->root()),
        ioasid_xa(scope_, "ioasid_xa", over(sorts.pasids), b.ioasid_data(),
                  pointer_to("ioasid_data")),
        ioasid_data(*this, "ioasid_data", over(sorts.objects), static_cast<const Design<D>*>(this),
                    b, parts, sorts),
        priv(*this, "private", over(sorts.data, b.data)),
        spec(this->root().child("spec"), spec_bounds,
             {.ids = sorts.pasids,
              .sets = sorts.sets,
              .data = sorts.data,
              .clients = spec_bounds.clients >= bounds.threads ? this->threads() : Sort{},
              .tokens = sorts.tokens,
              .spids = sorts.spids}),
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
    this->initial = [this] { spec.set_up(); };
    promise_ids();
  }

  PropertyId legal_answer() const { return legal_answer_; }

  /// The locals of the call that runs.
  decltype(auto) local(const T& t) const { return local_[t.self()]; }

  /// Here the call takes effect: the specification makes the same call, and has to allow the
  /// answer.
  void takes_effect(T& t, CallKind kind, ioasid::Args<D> c, Val<D, Err> err, V value) {
    count_effect(t);
    called(t, kind, c);
    answered(t, err, value);
    ioasid::Reply<D> reply{this->context, err, value};
    auto& requirements = this->context.requirements;
    requirements.legal = legal_answer_;
    requirements.contract_kept = contract_;
    requirements.contract = Contract::violate;
    requirements.lockstep = true;
    spec.apply(kind, c, reply);
    requirements.lockstep = false;
    watch_look_ups();
  }
  /// For who asks designs about certain calls (tests/impl/linux/ioasid_outcomes_test.cc): which
  /// call it is, as soon as its arguments are chosen, and what it answers.
  virtual void called(T&, CallKind, const ioasid::Args<D>&) {}
  virtual void answered(T&, Val<D, Err>, V) {}
  // A look-up may take effect at any instant of the call: the answers that are right then are
  // noted.

  /// At the first read of shared memory: the arguments are chosen no earlier, since nothing depends
  /// on them before.
  void look_up_begins(T& t) {
    auto&& l = local(t);
    l.id = t.choose(b.pasids, "ioasid");
    l.set = t.choose(b.sets + 1, "set");
    called(t, CallKind::find, {.set = l.set, .id = l.id});
    l.looking = 1;
    l.seen = 0;
    watch(t.self());
  }
  /// The answer is decided; what led to it is not needed any more.
  void look_up_answers(T& t, Err err, V value) {
    auto&& l = local(t);
    const V answer = err == Err::ok ? value + 2U : V(err == Err::enoent ? 0U : 1U);
    const B right =
        any_of<D>(3 + b.data, [&](unsigned a) { return answer == a && has_bit(l.seen, a); });
    t.fail_unless(right, legal_answer_,
                  "ioasid_find: the answer was right at no instant of the call");
    this->forget_locals(t.self());
    count_effect(t);
    answered(t, err, value);
  }
  void count_effect(T& t) {
    auto&& l = local(t);
    t.fail_unless(l.effects == 0U, legal_answer_, "the call takes effect twice");
    l.effects = 1;
  }
  void on_return(T& t) override {
    t.fail_unless(local(t).effects == 1U, legal_answer_,
                  "the call returns without having taken effect");
  }

  /// A new object of private data for the client, or NULL: the client chooses.
  V some_private_data(T& t) {
    if (b.data == 0) return 0;
    Local<D> p{this->context, 0};
    t.when(t.choose(2, "private") == 1U, [&] {
      p = priv.kzalloc();
      t.require(p != 0U);
    });
    return p;
  }
  /// The client drops what it attached, once nobody can find it any more.
  void free_private(V p) {
    this->context.when(p != 0U, [&] { priv.kfree(p); });
  }
  void free_private_rcu(V p) {
    this->context.when(p != 0U, [&] { priv.kfree_rcu(p); });
  }

  /// xa_load(&idata->xa, ioasid) for the allocator at hand.
  virtual V xa_load(T& t, V id) {
    return ioasid_xa.load(id);
    (void)t;
  }

  /// ioasid_alloc(): 6.1 drivers/iommu/ioasid.c.  kzalloc() and the initialisation come before the
  /// lock in the source; nobody else can see the object then, so behind the lock they are the same,
  /// with fewer states.
  void build_alloc() {
    auto& p = this->program("ioasid_alloc");
    const auto exit_free = p.label();
    p.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
    before_kzalloc(p, exit_free);
    p.step("data = kzalloc(sizeof(*data), GFP_ATOMIC)", [=, this](T& t) {
      auto&& l = local(t);
      choose_set(t);
      l.priv = some_private_data(t);
      t.when(
          t.choose(2, "nomem") == 0U,
          [&] {
            l.data = ioasid_data.kzalloc();
            t.require(l.data != 0U);
          },
          [&] {
            give_up(t, {.client = t.self(), .set = l.set, .data = l.priv, .nomem = 1}, exit_free);
          });
    });
    p.step("data->set = set; data->private = private", [this](T& t) {
      auto&& l = local(t);
      auto&& data = ioasid_data.at(l.data);
      data.set = l.set;
      data.priv = l.priv;
    });
    after_init(p);
    p.step("id = active_allocator->ops->alloc(min, max, adata)", [=, this](T& t) {
      const V min = t.choose(b.pasids, "min");
      const V max = t.choose(b.pasids, "max");
      ops_alloc(t, min, max, exit_free);
    });
    after_ops_alloc(p);
    p.step("spin_unlock(&ioasid_allocator_lock)", [this](T& t) {
      t.unlock(ioasid_allocator_lock);
      t.ret();
    });
    p.place(exit_free);
    p.step("exit_free: spin_unlock(&ioasid_allocator_lock); kfree(data)", [this](T& t) {
      auto&& l = local(t);
      t.unlock(ioasid_allocator_lock);
      t.when(l.data != 0U, [&] { ioasid_data.kfree(l.data); });
      free_private(l.priv);
    });
  }
  virtual void before_kzalloc(Program<D>&, const Label&) {}
  virtual void after_init(Program<D>&) {}
  virtual void after_ops_alloc(Program<D>&) {}
  virtual void choose_set(T& t) {
    if (b.sets != 0) local(t).set = t.choose(b.sets, "set") + 1U;
  }
  virtual void ops_alloc(T& t, V min, V max, const Label& exit_free) {
    default_alloc(t, min, max, exit_free);
  }

  /// xa_alloc(&default_allocator.xa, &id, opaque, XA_LIMIT(min, max), GFP_ATOMIC).
  void default_alloc(T& t, V min, V max, const Label& exit_free) {
    auto&& l = local(t);
    const V nomem = t.choose(2, "nomem");
    const V id = ioasid_xa.lowest_free(min, max);
    const ioasid::Args<D> c{
        .client = t.self(), .set = l.set, .min = min, .max = max, .data = l.priv, .nomem = nomem};
    t.when(
        nomem == 1U || id == b.pasids, [&] { give_up(t, c, exit_free); },
        [&] {
          l.id = id;
          ioasid_xa.store(id, l.data);
          takes_effect(t, CallKind::alloc, c, Err::ok, id);
        });
  }
  void give_up(T& t, ioasid::Args<D> c, const Label& exit_free) {
    local(t).ret = Err::invalid;
    takes_effect(t, CallKind::alloc, c, Err::invalid, 0);
    t.jump(exit_free);
  }

  /// ioasid_data = xa_load(&active_allocator->xa, ioasid), under the lock, for any id.
  virtual V load_active(V id) { return ioasid_xa.load(id); }

  /// ioasid_set_data(): 6.1 drivers/iommu/ioasid.c.
  void build_set_data() {
    auto& p = this->program("ioasid_set_data");
    const auto unlock = p.label();
    p.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
    p.step("ioasid_data = xa_load(&active_allocator->xa, ioasid)", [=, this](T& t) {
      auto&& l = local(t);
      l.id = t.choose(b.pasids, "ioasid");
      l.priv = some_private_data(t);
      l.data = load_active(l.id);
      t.when(l.data == 0U, [&] {
        l.ret = Err::enoent;
        takes_effect(t, CallKind::set_data, {.id = l.id, .data = l.priv}, Err::enoent, 0);
        t.jump(unlock);
      });
    });
    p.step("rcu_assign_pointer(ioasid_data->private, data)", [this](T& t) {
      auto&& l = local(t);
      auto&& data = ioasid_data.at(l.data);
      const V old = data.priv;
      data.priv = l.priv;
      takes_effect(t, CallKind::set_data, {.id = l.id, .data = l.priv}, Err::ok, 0);
      // The client frees what was there before.
      l.priv = old;
    });
    p.place(unlock);
    p.step("spin_unlock(&ioasid_allocator_lock)", [this](T& t) {
      auto&& l = local(t);
      t.unlock(ioasid_allocator_lock);
      t.when(l.ret != Err::ok, [&] {
        free_private(l.priv);
        t.ret();
      });
      l.id.clear();
      l.data = 0;
    });
    build_wait_and_free(p);
  }
  /// synchronize_rcu(), after which the client may free the data that was replaced.
  void build_wait_and_free(Program<D>& p) {
    p.step("synchronize_rcu()", [](T& t) { t.synchronize_rcu_begin(); });
    p.step("synchronize_rcu() returns; client: kfree(old private)", [this](T& t) {
      t.synchronize_rcu_end();
      free_private(local(t).priv);
    });
  }

  /// Whenever the lock is free, the xarray is what the specification has.
  void declare_mirror() {
    this->property(
        "xarray-is-the-truth",
        "Whenever the lock is free, the xarray has exactly the ids that the specification has, with the same set, data and references.",
        [this] {
          return ioasid_allocator_lock.holder != 0U || all_of<D>(b.pasids, [&](unsigned i) {
                   const V ptr = load_active(i);
                   auto&& id = spec.state.id[i];
                   const B out = id.state != ioasid::IdState::free;
                   return (ptr != 0U) == out && any_of<D>(ioasid_data.size() + 1, [&](unsigned o) {
                            if (o == 0) return B(ptr == 0U);
                            auto&& data = ioasid_data.object(o - 1);
                            return ptr == o && data.life == Life::live && data.set == id.set &&
                                   data.priv == id.data && mirrors(data, i);
                          });
                 });
        });
  }
  /// What a design adds to that.
  virtual B mirrors(const IoasidData<D>&, unsigned) { return true; }
  /// What a client knows of its own: whether it has a reference by get, or the owner's.
  B holds(unsigned client, V number) const {
    return any_of<D>(b.pasids, [&](unsigned i) {
      return number == i && has_bit(spec.state.id[i].holders, client);
    });
  }
  B owns(unsigned client, V number) const {
    return any_of<D>(
        b.pasids, [&](unsigned i) { return number == i && spec.state.id[i].owner == client + 1; });
  }
  /// The references that the specification knows of: the owner's and those by get.
  V references(unsigned i) const {
    auto&& id = spec.state.id[i];
    return as_number<D>(id.owner != 0U) +
           count_of<D>(this->process_count(), [&](unsigned c) { return has_bit(id.holders, c); });
  }

  /// ioasid_find(): 6.1 drivers/iommu/ioasid.c, the same since v5.5 but for the allocator.
  void build_find() {
    build_find(this->program("ioasid_find"));
    // It takes no lock, so an interrupt handler may call it.
    if (b.interrupt) build_find(this->interrupt_program("ioasid_find"));
  }
  void build_find(Program<D>& p) {
    const auto unlock = p.label();
    p.step("rcu_read_lock()", [](T& t) { t.rcu_read_lock(); });
    const bool begun = before_load(p);
    p.step("ioasid_data = xa_load(&idata->xa, ioasid)", [=, this](T& t) {
      auto&& l = local(t);
      if (!begun) look_up_begins(t);
      l.data = xa_load(t, l.id);
      t.when(l.data == 0U, [&] {
        look_up_answers(t, Err::enoent, 0);
        t.jump(unlock);
      });
    });
    p.step("if (set && ioasid_data->set != set)", [=, this](T& t) {
      auto&& l = local(t);
      auto&& data = ioasid_data.at(l.data);
      t.when(l.set != 0U && data.set != l.set, [&] {
        look_up_answers(t, Err::eacces, 0);
        t.jump(unlock);
      });
      l.seen = without_bit(l.seen, 1);
      l.set = 0;
    });
    p.step("priv = rcu_dereference(ioasid_data->private)", [this](T& t) {
      auto&& l = local(t);
      const V found = ioasid_data.at(l.data).priv;
      look_up_answers(t, Err::ok, found);
      l.priv = found;
    });
    p.step("if (getter && priv && !getter(priv))", [this](T& t) {
      auto&& l = local(t);
      t.when(t.choose(2, "getter") == 1U && l.priv != 0U, [&] { priv.touch(l.priv); });
      l.priv = 0;
    });
    p.place(unlock);
    p.step("rcu_read_unlock()", [](T& t) { t.rcu_read_unlock(); });
  }
  /// Steps between rcu_read_lock() and xa_load(); true if the first of them begins the look-up.
  virtual bool before_load(Program<D>&) { return false; }

  /// An object is leaked if it is in memory, nothing points to it, and no call is under way.
  void declare_no_leak() {
    this->property(
        "objects-reachable",
        "When no call is under way, every ioasid_data in memory is published under one id, or waits for its grace period.",
        [this] {
          const B quiet = this->may_rest();
          return !quiet || all_of<D>(ioasid_data.size(), [&](unsigned i) {
            return ioasid_data.object(i).life != Life::live ||
                   count_of<D>(ioasid_xa.size(),
                               [&](unsigned x) { return ioasid_xa.load(x) == i + 1; }) == 1U ||
                   kept_elsewhere(i + 1);
          });
        });
  }
  virtual B kept_elsewhere(unsigned) { return false; }

 public:
  const IoasidBounds b;
  const IoasidSorts sorts;
  Spinlock<D> ioasid_allocator_lock;

 private:
  Scope<D> scope_;

 public:
  XArray<D> ioasid_xa;  ///< default_allocator.xa
  Heap<D, IoasidData<D>> ioasid_data;
  Heap<D, PrivateData<D>> priv;
  ioasid::Spec<D> spec;

 private:
  void promise_ids() {
    std::vector<std::string> ids;
    for (unsigned i = 0; i < b.pasids; ++i) ids.push_back(fmt::format("ioasid {}", i));
    const auto out = [this](unsigned i) { return spec.state.id[i].state != ioasid::IdState::free; };
    this->leads_to(
        "every-freed-id-comes-back",
        "An id whose last reference is gone can be allocated again: it is out of the xarray, and "
        "the lock is free.",
        std::move(ids), [out](unsigned i) { return !out(i); },
        [out, this](unsigned i) {
          return out(i) || (ioasid_allocator_lock.holder == 0U && load_active(i) == 0U);
        });
  }
  /// Free ids are all alike, so first fit does not tell PASIDs apart.  Sets that are heap objects
  /// are told apart: a stale pointer to one may meet the next one in its place.
  static IoasidSorts declare_sorts(Schema& schema, const IoasidBounds& b,
                                   const IoasidDataParts& parts) {
    const auto sort = [&](const char* name, unsigned size) {
      return size == 0 ? Sort{} : schema.sort(name, size);
    };
    return {.pasids = sort("pasids", b.pasids),
            .sets = parts.set_objects ? Sort{} : sort("sets", b.sets),
            .objects = sort("ioasid_data", b.ioasid_data()),
            .data = sort("private", b.data),
            .tokens = parts.set_objects ? sort("tokens", b.tokens) : Sort{},
            .spids = sort("spids", parts.spids)};
  }
  void watch_look_ups() {
    for (unsigned i = 0; i < this->process_count(); ++i) {
      auto&& l = local_[i];
      // Past xa_load(), the answers that are still possible are noted.
      this->context.when(l.looking == 1U, [&] { watch(i); });
    }
  }
  void watch(unsigned i) {
    auto&& l = local_[i];
    const ioasid::Args<D> c{.set = l.set, .id = l.id};
    const auto note = [&](unsigned bit, Err err, unsigned value) {
      const B right = this->context.allows([&] {
        ioasid::Reply<D> reply{this->context, err, value};
        spec.apply(CallKind::find, c, reply);
      });
      this->context.when(right, [&] { l.seen = with_bit(l.seen, bit); });
    };
    // Answers that this call cannot give any more are not worth a state.
    this->context.when(l.data == 0U, [&] { note(0, Err::enoent, 0); });
    this->context.when(l.set != 0U, [&] { note(1, Err::eacces, 0); });
    for (unsigned d = 0; d <= b.data; ++d) note(2 + d, Err::ok, d);
  }

  std::uint32_t locals_first_;
  Array<D, IoasidLocals<D>> local_;
  PropertyId legal_answer_{}, contract_{};
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOASID_IOASID_DESIGN_H
