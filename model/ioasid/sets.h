// SPDX-License-Identifier: MIT
// ioasid/sets: the series "IOASID extensions for guest SVA" (v3 and v4, 2020) with what its review
// asked for: a set lives as long as somebody holds it or an id of it is left, and then its quota
// goes back.  Everything but ioasid_find() and the notifier chain runs under the allocator lock.
#ifndef IOMMUCHECK_MODEL_IOASID_SETS_H
#define IOMMUCHECK_MODEL_IOASID_SETS_H

#include "model/ioasid/ioasid_design.h"

namespace iommucheck::model {

/// struct ioasid_set.
template <class D>
struct IoasidSet : HeapObject<D> {
  IoasidSet(Scope<D> scope, unsigned processes, const Design<D>* design, const IoasidBounds& b,
            Sort tokens)
      : HeapObject<D>(std::move(scope), processes),
        token(*this, "token", b.tokens, Format{}.of(tokens)),
        quota(*this, "quota", b.pasids),
        nr_ioasids(*this, "nr_ioasids", b.pasids),
        ref(*this, "ref", *design, b.threads) {}
  Var<D> token, quota, nr_ioasids;
  Refcount<D> ref;
};

/// struct notifier_block of a client.
template <class D>
struct NotifierBlock : HeapObject<D> {
  using HeapObject<D>::HeapObject;
};

template <class D>
class IoasidSets : public IoasidDesign<D> {
 public:
  using Base = IoasidDesign<D>;
  using Base::b, Base::ioasid_allocator_lock, Base::ioasid_data, Base::ioasid_xa, Base::local,
      Base::spec;
  using typename Base::B, typename Base::T, typename Base::V;

 public:
  explicit IoasidSets(const IoasidBounds& bounds)
      : Base(bounds, spec_bounds(bounds),
             {.refs = bounds.threads + 1,
              .state = true,
              .spids = bounds.spids,
              .set_objects = true}),
        scope_(this->root()),
        ioasid_set(*this, "ioasid_set", b.sets, static_cast<const Design<D>*>(this), b,
                   Base::sorts.tokens),
        ioasid_sets(scope_, "ioasid_sets", b.sets, b.sets, pointer_to("ioasid_set")),
        capacity_avail(scope_, "ioasid_capacity_avail", b.pasids),
        notifier_block(*this, "notifier_block", b.notifiers),
        ioasid_notifier(scope_, "ioasid_notifier", b.notifiers, pointer_to("notifier_block")) {
    const auto set_up = this->initial;
    this->initial = [this, set_up] {
      set_up();
      capacity_avail = b.pasids;
    };
    build_set_calls();
    this->build_alloc();
    build_free();
    build_get_put();
    this->build_find();
    if (b.data != 0) build_attach_detach();
    if (b.spids != 0) build_spids();
    if (b.notifiers != 0) build_notifiers();
    this->declare_no_leak();
    this->declare_mirror();
    this->property(
        "sets-are-the-truth",
        "Whenever the lock is free, the sets in memory are those of the specification, with the same quota, ids and holders.",
        [this] { return ioasid_allocator_lock.holder != 0U || sets_mirror(); });
  }

  void build_set_calls();
  void build_free();
  void build_get_put();
  void build_attach_detach();
  void build_spids();
  void build_notifiers();

  void choose_set(T&) override {}
  void before_kzalloc(Program<D>& p, const Label& exit_free) override {
    p.arguments([this](T& t) { choose_held_set(t); });
    p.step("if (set->quota <= set->nr_ioasids)", [=, this](T& t) {
      auto&& l = local(t);
      auto&& set = ioasid_set.at(l.set);
      // Whatever range the client asks for: the widest is the hardest one to refuse.
      t.when(set.quota <= set.nr_ioasids, [&] {
        this->give_up(t, {.client = t.self(), .set = l.set, .max = b.pasids - 1}, exit_free);
      });
    });
  }
  void after_init(Program<D>& p) override {
    p.step("refcount_set(&data->refs, 1)",
           [this](T& t) { ioasid_data.at(local(t).data).refs.set(1); });
  }
  void after_ops_alloc(Program<D>& p) override {
    p.step("set->nr_ioasids++", [this](T& t) { ioasid_set.at(local(t).set).nr_ioasids += 1; });
  }
  B mirrors(const IoasidData<D>& data, unsigned i) override {
    auto&& id = spec.state.id[i];
    return data.refs.read() == this->references(i) && data.spid == id.spid &&
           (data.pending == 1U) == (id.state == ioasid::IdState::free_pending);
  }

 private:
  static ioasid::Bounds spec_bounds(const IoasidBounds& b) {
    return {.ids = b.pasids,
            .sets = b.sets,
            .data = b.data,
            .clients = b.threads + (b.interrupt ? 1U : 0U),
            .notifiers = b.notifiers,
            .spids = b.spids,
            .tokens = b.tokens,
            .capacity = b.pasids};
  }

 public:
  B holds_set(unsigned client, V number) const {
    return any_of<D>(b.sets, [&](unsigned k) {
      return number == k + 1 && has_bit(spec.state.set[k].holders, client);
    });
  }
  /// A set on which the caller has a reference: it does not go away during the call.
  void choose_held_set(T& t) {
    auto&& l = local(t);
    l.set = t.choose(b.sets, "set") + 1U;
    t.require(holds_set(t.self(), l.set));
  }
  void set_goes(V set) {
    capacity_avail += ioasid_set.at(set).quota;
    ioasid_set.kfree_rcu(set);
  }
  /// ioasid_set_free_locked(): the last reference and the last id are gone.
  void free_set_if_last(V set) {
    auto&& s = ioasid_set.at(set);
    this->context.when(s.nr_ioasids == 0U && s.ref.read() == 0U, [&] { set_goes(set); });
  }
  /// ioasid_do_free_locked() but for the object itself: the caller frees it.
  void build_free_tail(Program<D>& p, CallKind kind) {
    p.step("xa_erase(&active_allocator->xa, data->id); xa_erase(&data->set->xa, data->id)",
           [kind, this](T& t) {
             auto&& l = local(t);
             l.data = ioasid_xa.erase(l.id);
             this->takes_effect(t, kind, {.client = t.self(), .id = l.id}, Err::ok,
                                kind == CallKind::put ? 1U : 0U);
           });
    p.step("data->set->nr_ioasids--", [this](T& t) {
      auto&& l = local(t);
      l.set = ioasid_data.at(l.data).set;
      ioasid_set.at(l.set).nr_ioasids -= 1;
    });
    p.step("if (!set->nr_ioasids && !refcount_read(&set->ref)) ioasid_set_free_locked(set)",
           [this](T& t) { free_set_if_last(local(t).set); });
    p.step("kfree_rcu(data, rcu)", [this](T& t) {
      auto&& l = local(t);
      l.priv = ioasid_data.at(l.data).priv;
      ioasid_data.kfree_rcu(l.data);
    });
  }
  void refuse_get(T& t, Err err, const Label& out) {
    auto&& l = local(t);
    this->takes_effect(t, CallKind::get, {.client = t.self(), .set = l.set, .id = l.id}, err, 0);
    t.jump(out);
  }
  /// ioasid_find_by_spid_locked(): the id, or pasids.
  V spid_of_set(V set, V spid) const {
    const auto matches = [&](unsigned i) {
      return any_of<D>(ioasid_data.size(), [&](unsigned o) {
        auto&& data = ioasid_data.object(o);
        return ioasid_xa.load(i) == o + 1 && data.set == set && data.spid == spid;
      });
    };
    return select(any_of<D>(b.pasids, matches),
                  sum_of<D>(b.pasids,
                            [&](unsigned i) {
                              return select(matches(i) && !any_of<D>(i, matches), V(i), V(0));
                            }),
                  V(b.pasids));
  }
  B sets_mirror() const {
    const auto& state = spec.state;
    return capacity_avail == state.available() && all_of<D>(b.sets, [&](unsigned k) {
             auto&& set = ioasid_set.object(k);
             auto&& truth = state.set[k];
             const B gone = set.life != Life::live;
             return gone == (truth.life == ioasid::SetLife::gone) &&
                    (gone ||
                     (set.quota == truth.quota && set.nr_ioasids == state.members_of(k + 1) &&
                      set.token == truth.token &&
                      set.ref.read() == count_of<D>(this->process_count(), [&](unsigned c) {
                        return has_bit(truth.holders, c);
                      })));
           });
  }

 private:
  Scope<D> scope_;

 public:
  Heap<D, IoasidSet<D>> ioasid_set;
  XArray<D> ioasid_sets;
  Var<D> capacity_avail;
  Heap<D, NotifierBlock<D>> notifier_block;
  Var<D> ioasid_notifier;  ///< the global chain: one block, or NULL
};

/// ioasid_alloc_set(), ioasid_set_get(), ioasid_set_put(), ioasid_adjust_set().
template <class D>
void IoasidSets<D>::build_set_calls() {
  auto& a = this->program("ioasid_alloc_set");
  const auto out = a.label();
  a.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
  a.step(
      "if (quota > ioasid_capacity_avail) ...; if (token is taken) ...; set = kzalloc(sizeof(*set), GFP_ATOMIC)",
      [=, this](T& t) {
        auto&& l = local(t);
        const V quota = t.choose(b.pasids + 2, "quota");
        const V token = t.choose(b.tokens + 1, "token");
        const V nomem = t.choose(2, "nomem");
        const ioasid::Args<D> c{.client = t.self(), .token = token, .quota = quota, .nomem = nomem};
        const B taken = any_of<D>(b.sets, [&](unsigned k) {
          return ioasid_sets.load(k) != 0U && token != 0U && ioasid_set.object(k).token == token;
        });
        const auto refuse = [&](Err err) {
          this->takes_effect(t, CallKind::alloc_set, c, err, 0);
          t.jump(out);
        };
        t.when(
            quota == 0U, [&] { refuse(Err::einval); },
            [&] {
              t.when(
                  quota > capacity_avail, [&] { refuse(Err::enospc); },
                  [&] {
                    t.when(
                        taken, [&] { refuse(Err::eexist); },
                        [&] {
                          t.when(nomem == 0U, [&] { l.set = ioasid_set.kzalloc(); });
                          // No set object left is as good as no memory.
                          t.when(
                              l.set == 0U,
                              [&] {
                                this->takes_effect(t, CallKind::alloc_set,
                                                   {.client = t.self(),
                                                    .token = token,
                                                    .quota = quota,
                                                    .nomem = 1},
                                                   Err::enomem, 0);
                                t.jump(out);
                              },
                              [&] {
                                auto&& set = ioasid_set.at(l.set);
                                set.token = token;
                                set.quota = quota;
                              });
                        });
                  });
            });
      });
  a.step("refcount_set(&set->ref, 1)", [this](T& t) { ioasid_set.at(local(t).set).ref.set(1); });
  a.step("xa_alloc(&ioasid_sets, &id, set, ...); ioasid_capacity_avail -= quota", [this](T& t) {
    auto&& l = local(t);
    auto&& set = ioasid_set.at(l.set);
    ioasid_sets.store(l.set - 1U, l.set);
    capacity_avail -= set.quota;
    this->takes_effect(t, CallKind::alloc_set,
                       {.client = t.self(), .token = set.token, .quota = set.quota}, Err::ok,
                       l.set);
  });
  a.place(out);
  a.step("spin_unlock(&ioasid_allocator_lock)", [this](T& t) { t.unlock(ioasid_allocator_lock); });

  auto& g = this->program("ioasid_set_get");
  // By a client that knows the set to be live, because another one keeps it.
  g.arguments([this](T& t) {
    auto&& l = local(t);
    l.set = t.choose(b.sets, "set") + 1U;
    t.require(spec.state.set_is(l.set, [&](unsigned k) { return spec.state.live(k); }) &&
              !holds_set(t.self(), l.set));
  });
  g.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
  g.step("refcount_inc(&set->ref)", [this](T& t) {
    auto&& l = local(t);
    ioasid_set.at(l.set).ref.inc();
    this->takes_effect(t, CallKind::set_get, {.client = t.self(), .set = l.set}, Err::ok, 0);
  });
  g.step("spin_unlock(&ioasid_allocator_lock)", [this](T& t) { t.unlock(ioasid_allocator_lock); });

  auto& p = this->program("ioasid_set_put");
  const auto unlock = p.label();
  p.arguments([this](T& t) { choose_held_set(t); });
  p.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
  p.step("if (!refcount_dec_and_test(&set->ref))", [=, this](T& t) {
    auto&& l = local(t);
    t.when(!ioasid_set.at(l.set).ref.dec_and_test(), [&] {
      this->takes_effect(t, CallKind::set_put, {.client = t.self(), .set = l.set}, Err::ok, 0);
      t.jump(unlock);
    });
  });
  // The sweep is one step: see docs/limits.md.
  p.step("xa_for_each(&set->xa, index, entry) ioasid_free_locked(set, index)", [this](T& t) {
    auto&& l = local(t);
    auto&& set = ioasid_set.at(l.set);
    for (unsigned i = 0; i < b.pasids; ++i) {
      const V ptr = ioasid_xa.load(i);
      t.when(ptr != 0U, [&] {
        auto&& data = ioasid_data.at(ptr);
        t.when(data.set == l.set && data.pending == 0U, [&] {
          data.pending = 1;
          t.when(data.refs.dec_and_test(), [&] {
            this->free_private_rcu(data.priv);
            ioasid_xa.store(i, 0);
            ioasid_data.kfree_rcu(ptr);
            set.nr_ioasids -= 1;
          });
        });
      });
    }
    this->takes_effect(t, CallKind::set_put, {.client = t.self(), .set = l.set}, Err::ok, 0);
  });
  p.step("xa_erase(&ioasid_sets, set->id)", [this](T& t) {
    auto&& l = local(t);
    ioasid_sets.store(l.set - 1U, 0);
    ioasid_set.at(l.set).token = 0;
  });
  p.step("if (!set->nr_ioasids) ioasid_set_free_locked(set)",
         [this](T& t) { free_set_if_last(local(t).set); });
  p.place(unlock);
  p.step("spin_unlock(&ioasid_allocator_lock)", [this](T& t) { t.unlock(ioasid_allocator_lock); });

  auto& q = this->program("ioasid_adjust_set");
  q.arguments([this](T& t) { choose_held_set(t); });
  q.step("spin_lock(&ioasid_allocator_lock)", [this](T& t) { t.lock(ioasid_allocator_lock); });
  q.step("ioasid_capacity_avail += set->quota - quota; set->quota = quota", [this](T& t) {
    auto&& l = local(t);
    auto&& set = ioasid_set.at(l.set);
    const V quota = t.choose(b.pasids + 2, "quota");
    const auto answer = [&](Err err) {
      this->takes_effect(t, CallKind::adjust_set, {.set = l.set, .quota = quota}, err, 0);
    };
    t.when(
        quota == 0U || quota < set.nr_ioasids, [&] { answer(Err::einval); },
        [&] {
          t.when(
              quota > capacity_avail + set.quota, [&] { answer(Err::enospc); },
              [&] {
                capacity_avail = capacity_avail + set.quota - quota;
                set.quota = quota;
                answer(Err::ok);
              });
        });
  });
  q.step("spin_unlock(&ioasid_allocator_lock)", [this](T& t) { t.unlock(ioasid_allocator_lock); });
}

}  // namespace iommucheck::model

#include "model/ioasid/sets_extras.h"
#include "model/ioasid/sets_ids.h"

#endif  // IOMMUCHECK_MODEL_IOASID_SETS_H
