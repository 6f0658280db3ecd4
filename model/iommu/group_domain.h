// SPDX-License-Identifier: MIT
// What the attach designs share: a group uses one domain, 6.12 drivers/iommu/iommu.c.
// group->mutex guards group->domain and the entries of all devices of the group.
#ifndef IOMMUCHECK_MODEL_IOMMU_GROUP_DOMAIN_H
#define IOMMUCHECK_MODEL_IOMMU_GROUP_DOMAIN_H

#include "model/iommu/attach_records.h"
#include "model/iommu/group_locks.h"
#include "model/iommu/hardware.h"
#include "model/iommu/lockstep_design.h"

namespace iommucheck::model {

template <class D>
using AttachLockstep = LockstepDesign<D, AttachBounds, AttachSorts, AttachLocals>;

template <class D>
class GroupDomain : public GroupLocks<D, AttachLockstep<D>> {
 public:
  using Base = GroupLocks<D, AttachLockstep<D>>;
  using Base::b, Base::layout, Base::local, Base::spec;
  using typename Base::B, typename Base::Kind, typename Base::T, typename Base::V;

  explicit GroupDomain(const AttachBounds& bounds)
      : Base(bounds),
        iommu_domain(*this, "iommu_domain", b.tables(), static_cast<const Design<D>*>(this), b),
        group(this->root(), "group", layout.group_count(), b, this->threads()),
        gdev(this->root(), "gdev", b.devices, b, this->threads()),
        hardware(*this, {.devices = b.devices,
                         .rows = 1 + b.pasids,
                         .first_row = 0,
                         .targets = b.tables(),
                         .target = pointer_to("iommu_domain"),
                         .caches = b.caches}),
        client(this->root(), "client", b.client_domains(), b, this->threads()),
        resets(this->root(), "resets", over(this->threads(), b.threads), b.resets ? b.devices : 0,
               Format{}) {
    this->initial = [this] { set_up(); };
  }

  Heap<D, AttachDomain<D>> iommu_domain;
  Array<D, AttachGroupRecord<D>> group;
  Array<D, GroupDevice<D>> gdev;
  Hardware<D> hardware;
  Array<D, DomainClient<D>> client;
  Array<D, Var<D>> resets;  ///< 1 + the device that a thread resets; 0: none

  decltype(auto) group_at(T& t) { return group[this->group_of(V(local(t).dev))]; }
  decltype(auto) client_of(V domain) { return client[domain - (1U + b.first_client())]; }
  /// group->default_domain.
  V default_domain(T& t) {
    if (b.owners) return group_at(t).default_domain;
    return this->group_of(V(local(t).dev)) + 1U;
  }

  /// The driver makes an entry lead to another domain, 0 for nowhere: the domain ID of the new one
  /// gets a user, that of the old one loses it.
  void switch_entry(V device, V row, V from, V to) {
    this->context.when(
        to != 0U,
        [&] {
          auto&& domain = iommu_domain.at(to);
          add_user(to);
          hardware.exchange(device, row, from, to, domain.owner == this->kind_of(device));
        },
        [&] { hardware.exchange(device, row, from, 0, true); });
    this->context.when(from != 0U, [&] { drop_user(from); });
  }
  /// domain_attach_iommu(): the first user allocates the ID.
  void add_user(V domain) {
    auto&& users = iommu_domain.at(domain).users;
    users.set(users.read() + 1U);
  }
  /// domain_detach_iommu(): the last one frees it.
  void drop_user(V domain) { static_cast<void>(iommu_domain.at(domain).users.dec_and_test()); }

  /// An operation on one device, as steps.
  struct Part {
    std::string label;
    typename Program<D>::Action action;
  };
  using Parts = std::vector<Part>;
  /// to_target: from group->domain to l.target.  park: to nowhere.  come_back: to group->domain.
  enum class Move { to_target, park, come_back };

  /// The entry of a row of the device at the cursor moves, then the caches are invalidated.  A row
  /// that is 0 is no PASID, or the RID's.
  template <class Row>
  void add_move(Parts& parts, Move move, const std::string& label, bool rid, Row row) {
    parts.push_back(
        {label, [=, this](T& t) {
           auto&& l = local(t);
           const V r = row(t);
           t.when(B(rid) || r != 0U, [&] {
             const V uses = group_at(t).domain;
             const V from = move == Move::come_back ? V(0) : uses;
             const V to = move == Move::come_back ? uses : move == Move::park ? V(0) : V(l.target);
             switch_entry(V(l.device), r, from, to);
           });
         }});
    if (!b.caches || move == Move::come_back) return;  // nothing caches an entry that is not there
    parts.push_back({label + ": the caches are invalidated", [=, this](T& t) {
                       const V r = row(t);
                       t.when(B(rid) || r != 0U,
                              [&] { hardware.invalidate(V(local(t).device), r); });
                     }});
  }
  void add_rid_move(Parts& parts, Move move, const std::string& label) {
    add_move(parts, move, label, true, [](T&) { return V(0); });
  }
  /// The PASIDs that follow the RID.
  virtual void add_pasid_move(Parts&, Move) {}

  void build_parts(Program<D>& p, const Parts& parts) {
    for (const Part& part : parts) p.step(part.label, part.action);
  }
  /// for_each_group_device(), from the cursor on; devices that are being reset stay as they are.
  void build_for_each(Program<D>& p, const Parts& parts) {
    const auto again = p.label();
    p.place(again);
    for (const Part& part : parts) {
      p.step(part.label, [action = part.action, this](T& t) {
        auto&& at = gdev[V(local(t).device)];
        t.when(at.blocked == 0U && at.unlisted == 0U, [&] { action(t); });
      });
    }
    if (!this->shared_groups()) return;
    p.step("for_each_group_device(group, gdev)", [=, this](T& t) {
      this->next_device(
          t, [&] { t.jump(again); }, [] {});
    });
  }
  /// __iommu_group_set_domain(group, l.target), which does not fail any more; `effect` is what
  /// the call does at its end.
  template <class Effect>
  void build_set_domain(Program<D>& p, Effect effect) {
    p.call("__iommu_group_set_domain", [&] {
      Parts parts;
      add_rid_move(parts, Move::to_target, "ops->attach_dev(new_domain, gdev->dev)");
      add_pasid_move(parts, Move::to_target);
      build_for_each(p, parts);
      p.step("group->domain = new_domain", [=, this](T& t) {
        group_at(t).domain = local(t).target;
        effect(t);
      });
    });
  }
  void lock_step(Program<D>& p) {
    p.step("mutex_lock(&group->mutex)", [this](T& t) { this->lock_group(t); });
  }
  void unlock_step(Program<D>& p) {
    p.step("mutex_unlock(&group->mutex)", [this](T& t) { this->unlock_group(t); });
  }

  /// A device that is there.  A thread that resets a device does nothing else meanwhile.
  void choose_any_device(T& t) {
    auto&& l = local(t);
    t.require(resets[t.self()] == 0U);
    l.dev = t.choose(b.devices, "device");
    t.require(gdev[V(l.dev)].driverless == 0U);
    this->first_device(t);
  }
  /// The caller is its driver.
  void choose_device(T& t) {
    choose_any_device(t);
    if (b.owners) t.require(gdev[V(local(t).dev)].user == t.self() + 1U);
  }
  /// Nobody uses it, and nobody is about to.
  void choose_unused_device(T& t) {
    choose_any_device(t);
    const V dev = local(t).dev;
    t.require(gdev[dev].user == 0U && !is_used(t, dev));
  }
  /// Another thread is in a call of this device's driver, or resets it.
  B is_used(T& t, V device) const {
    return any_of<D>(this->process_count(), [&](unsigned i) {
      if (i == t.self()) return B(false);
      auto&& l = this->locals_of_all()[i];
      return (this->thread()[i].pc != 0U && l.dev == device && l.whole_group == 0U) ||
             resets[i] == device + 1U;
    });
  }
  /// The number of a domain of the caller's own, attached somewhere or not.
  V choose_domain(T& t) {
    const V i = t.choose(b.client_domains(), "domain");
    t.require(client[i].owner == t.self() + 1U && resets[t.self()] == 0U);
    return i + (1U + b.first_client());
  }

  /// What must be true of all entries.  Called last by a design: where a state violates several
  /// properties, the first one is named.
  void declare_entries() {
    this->property(
        "no-stale-translation",
        "No TLP, with a PASID or without, lands in a freed table: what an entry or a cache leads "
        "to is there.",
        [this] {
          return !hardware.reaches([&](unsigned, unsigned, unsigned m) {
            return iommu_domain.object(m).life != Life::live;
          });
        });
    this->property(
        "old-or-new",
        "The entry of a RID leads to the domain that the group uses, to the one that a call under "
        "way moves it to, or nowhere; never to a third.",
        [this] {
          return all_of<D>(b.devices, [&](unsigned d) { return old_or_new(d, hardware.at(d, 0)); });
        });
    this->property(
        "hardware-follows-the-specification",
        "When no call is under way, every entry leads where the specification says (nowhere, for "
        "a device that is being reset), and no cache of a device that issues TLPs leads anywhere "
        "else.",
        [this] {
          return !this->may_rest() || !hardware.any([&](unsigned d, unsigned r, auto&& h) {
            const V to = right(d, r);
            return h.entry != to ||
                   (spec.state.device[d].issues() && h.cached != 0U && h.cached != to);
          });
        });
    this->property("domain-ids-are-counted",
                   "When no call is under way, the ID of a domain has as many users as there are "
                   "entries that lead to the domain.",
                   [this] {
                     return !this->may_rest() || all_of<D>(b.tables(), [&](unsigned t) {
                       const V entries = sum_of<D>(b.devices, [&](unsigned d) {
                         return count_of<D>(1 + b.pasids, [&](unsigned r) {
                           return hardware.at(d, r).set == t + 1;
                         });
                       });
                       return iommu_domain.object(t).users.read() == entries;
                     });
                   });
  }
  /// Whether an entry of device d leads where the group is, is moved to, or nowhere.
  template <class H>
  B old_or_new(unsigned d, const H& h) const {
    const unsigned g = layout.group_of(d);
    return h.entry == 0U || h.entry == group[g].domain ||
           any_of<D>(this->process_count(), [&](unsigned i) {
             auto&& l = this->locals_of_all()[i];
             return l.target == h.entry && this->group_of(V(l.dev)) == g;
           });
  }

 private:
  void set_up() {
    spec.set_up();
    for (unsigned g = 0; g < layout.group_count(); ++g) {
      auto&& domain = iommu_domain.object(g);
      domain.life = Life::live;
      domain.owner = layout.kind_of_group(g);
      group[g].domain = g + 1;
      if (b.owners) group[g].default_domain = g + 1;
    }
    for (unsigned d = 0; d < b.devices; ++d) {
      const unsigned g = layout.group_of(d);
      auto&& users = iommu_domain.object(g).users;
      users.set(users.read() + 1U);
      auto&& rid = hardware.at(d, 0);
      rid.set = g + 1;
      rid.entry = g + 1;
    }
  }
  /// Where the specification says that a TLP of device d lands; row 0 is its RID.
  V right(unsigned d, unsigned r) const {
    const unsigned g = layout.group_of(d);
    auto&& state = spec.state;
    const V target = r == 0 ? V(state.group[g].rid) : state.translation(g, r);
    return select(state.device[d].issues(), target, V(0));
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_GROUP_DOMAIN_H
