// SPDX-License-Identifier: MIT
// ioasid/sets and its bugs: each is one change of the design.
#include "model/ioasid/sets.h"

#include "model/ioasid/entries.h"
#include "model/ioasid/shared_edits.h"

namespace iommucheck::model {
namespace sets_bugs {

using SetsBug = Bug<IoasidSets>;

std::vector<SetsBug> bugs() {
  const BoundValues one{{"threads", 1}, {"pasids", 1}, {"sets", 1}};
  const BoundValues two{{"threads", 2}, {"pasids", 1}, {"sets", 1}};
  const BoundValues notified{
      {"threads", 3}, {"pasids", 1}, {"sets", 1}, {"data", 0}, {"notifiers", 1}};
  const auto last_id =
      "if (!set->nr_ioasids && !refcount_read(&set->ref)) ioasid_set_free_locked(set)";
  return {
      SetsBug({"set-dies-with-last-id", "UAF",
               "series of 2020, v4: ioasid_do_free_locked() frees the set when it is empty",
               "freeing the last id of a set frees the set, whoever holds it", "no-use-after-free",
               one},
              [=](auto& d) {
                for (const char* program : {"ioasid_free", "ioasid_put"}) {
                  d.edit(program).replace(
                      last_id, "if (!set->nr_ioasids) ioasid_set_free_locked(set)", [&d](auto& t) {
                        auto&& l = d.local(t);
                        t.when(d.ioasid_set.at(l.set).nr_ioasids == 0U, [&] { d.set_goes(l.set); });
                      });
                }
              }),
      SetsBug({"quota-not-returned", "leak",
               "series of 2020, v4: ioasid_set_free_locked() leaves ioasid_capacity_avail alone",
               "a set that dies does not give its quota back", "sets-are-the-truth", one},
              [](auto& d) {
                d.edit("ioasid_set_put")
                    .replace("if (!set->nr_ioasids) ioasid_set_free_locked(set)",
                             "if (!set->nr_ioasids) kfree_rcu(set, rcu)", [&d](auto& t) {
                               auto&& l = d.local(t);
                               t.when(d.ioasid_set.at(l.set).nr_ioasids == 0U,
                                      [&] { d.ioasid_set.kfree_rcu(l.set); });
                             });
              }),
      SetsBug(
          {"set-leaks-with-last-id", "leak", "mutant",
           "the last id of a set that nobody holds does not free it", "sets-are-the-truth", one},
          [=](auto& d) {
            for (const char* program : {"ioasid_free", "ioasid_put"}) d.edit(program).drop(last_id);
          }),
      SetsBug({"set-check-missing",
               "isolation",
               "the mail of 2019-02: a look-up must not get another owner's data",
               "ioasid_find() does not compare the set",
               "legal-answer",
               {{"threads", 1}, {"pasids", 1}, {"sets", 2}}},
              edits::kSetCheckMissing),
      SetsBug({"data-not-there-yet", "incomplete publication", "the mail of 2019-02",
               "ioasid_find() runs the getter before the private data is attached",
               "no-use-after-free", one},
              edits::kDataNotThereYet),
      SetsBug({"get-of-pending-id", "reference", "mutant",
               "ioasid_get() takes a reference on an id that is free pending", "legal-answer", two},
              [](auto& d) {
                d.edit("ioasid_get").drop("if (data->state == IOASID_STATE_FREE_PENDING)");
              }),
      SetsBug({"get-ignores-set",
               "isolation",
               "mutant",
               "ioasid_get() does not compare the set",
               "legal-answer",
               {{"threads", 1}, {"pasids", 1}, {"sets", 2}}},
              [](auto& d) { d.edit("ioasid_get").drop("if (set && data->set != set)"); }),
      SetsBug({"free-ignores-references", "reference", "mutant",
               "ioasid_free() frees the id although references are left", "legal-answer", one},
              [](auto& d) {
                d.edit("ioasid_free")
                    .replace("data->state = IOASID_STATE_FREE_PENDING",
                             "data->state = IOASID_STATE_FREE_PENDING; refcount_dec(&data->refs)",
                             [&d](auto& t) {
                               auto&& l = d.local(t);
                               auto&& data = d.ioasid_data.at(l.data);
                               data.pending = 1;
                               static_cast<void>(data.refs.dec_and_test());
                               d.ioasid_xa.store(l.id, 0);
                               d.ioasid_data.kfree_rcu(l.data);
                               d.takes_effect(t, CallKind::free, {.id = l.id}, Err::ok, 0);
                             });
              }),
      SetsBug({"free-twice-drops-twice", "reference", "mutant",
               "ioasid_free() of an id that is free pending drops a reference again",
               "legal-answer", one},
              [](auto& d) {
                d.edit("ioasid_free").drop("if (data->state == IOASID_STATE_FREE_PENDING)");
              }),
      SetsBug({"alloc-beyond-quota",
               "quota",
               "mutant",
               "ioasid_alloc() does not compare the quota",
               "legal-answer",
               {{"threads", 1}, {"pasids", 2}, {"sets", 1}}},
              [](auto& d) { d.edit("ioasid_alloc").drop("if (set->quota <= set->nr_ioasids)"); }),
      SetsBug({"ids-not-counted", "quota", "mutant", "freeing an id does not lower nr_ioasids",
               "sets-are-the-truth", one},
              [](auto& d) {
                for (const char* program : {"ioasid_free", "ioasid_put"}) {
                  d.edit(program).replace("data->set->nr_ioasids--", "(no nr_ioasids--)",
                                          [&d](auto& t) {
                                            auto&& l = d.local(t);
                                            l.set = d.ioasid_data.at(l.data).set;
                                          });
                }
              }),
      SetsBug({"set-get-takes-no-reference", "reference", "mutant",
               "ioasid_set_get() does not count", "sets-are-the-truth", two},
              [](auto& d) {
                d.edit("ioasid_set_get")
                    .replace("refcount_inc(&set->ref)", "(no refcount_inc())", [&d](auto& t) {
                      d.takes_effect(t, CallKind::set_get,
                                     {.client = t.self(), .set = d.local(t).set}, Err::ok, 0);
                    });
              }),
      SetsBug({"set-counts-from-zero", "reference", "mutant",
               "ioasid_alloc_set() does not set the count to one", "sets-are-the-truth", one},
              [](auto& d) { d.edit("ioasid_alloc_set").drop("refcount_set(&set->ref, 1)"); }),
      SetsBug({"token-kept",
               "wrong error",
               "mutant",
               "a set that dies keeps its token until its last id is gone",
               "sets-are-the-truth",
               {{"threads", 2}, {"pasids", 1}, {"sets", 2}, {"tokens", 1}}},
              [](auto& d) {
                d.edit("ioasid_set_put")
                    .replace("xa_erase(&ioasid_sets, set->id)",
                             "(no xa_erase(&ioasid_sets, set->id))", [](auto&) {});
              }),
      SetsBug({"alloc-set-without-lock",
               "lock",
               "mutant",
               "ioasid_alloc_set() takes no lock: two sets take the same capacity",
               "in-range",
               {{"threads", 2}, {"pasids", 1}, {"sets", 2}}},
              edits::without_locks("ioasid_alloc_set")),
      SetsBug({"set-put-without-lock", "lock", "mutant", "ioasid_set_put() takes no lock",
               "no-use-after-free", two},
              edits::without_locks("ioasid_set_put")),
      SetsBug(
          {"free-without-lock", "lock", "mutant", "ioasid_free() takes no lock", "in-range", two},
          edits::without_locks("ioasid_free")),
      SetsBug({"alloc-without-lock",
               "lock",
               "mutant",
               "ioasid_alloc() takes no lock: two ids take the same quota",
               "in-range",
               {{"threads", 2}, {"pasids", 2}, {"sets", 1}, {"data", 0}}},
              edits::without_locks("ioasid_alloc")),
      SetsBug({"get-without-lock", "lock", "mutant", "ioasid_get() takes no lock",
               "no-use-after-free", two},
              edits::without_locks("ioasid_get")),
      SetsBug({"put-without-lock",
               "lock",
               "mutant",
               "ioasid_put() takes no lock",
               "in-range",
               {{"threads", 3}, {"pasids", 1}, {"sets", 1}, {"data", 0}, {"calls", 3}}},
              edits::without_locks("ioasid_put")),
      SetsBug({"attach-without-lock", "lock", "mutant", "ioasid_attach_data() takes no lock",
               "no-use-after-free", two},
              edits::without_locks("ioasid_attach_data")),
      SetsBug({"attach-overwrites", "wrong error", "mutant",
               "ioasid_attach_data() does not look whether data is there", "legal-answer", one},
              [](auto& d) { d.edit("ioasid_attach_data").drop("if (ioasid_data->private)"); }),
      SetsBug({"detach-without-synchronize-rcu", "grace period", "mutant",
               "ioasid_detach_data() returns without waiting for readers of the data",
               "no-use-after-free", two},
              edits::without_synchronize_rcu("ioasid_detach_data")),
      SetsBug({"kfree-for-kfree-rcu", "grace period", "mutant",
               "the last put frees the ioasid_data at once", "no-use-after-free", two},
              [](auto& d) {
                d.edit("ioasid_free").replace("kfree_rcu(data, rcu)", "kfree(data)", [&d](auto& t) {
                  auto&& l = d.local(t);
                  l.priv = d.ioasid_data.at(l.data).priv;
                  d.ioasid_data.kfree(l.data);
                });
              }),
      SetsBug({"find-without-rcu", "grace period", "mutant", "ioasid_find() has no rcu_read_lock()",
               "no-use-after-free", two},
              edits::kFindWithoutRcu),
      SetsBug({"notifier-freed-at-once", "grace period", "mutant",
               "ioasid_unregister_notifier() returns while the chain may still be walked",
               "no-use-after-free", notified},
              [](auto& d) {
                auto& p = d.edit("ioasid_unregister_notifier");
                p.drop("synchronize_rcu() returns");
                p.replace("synchronize_rcu()", "client: kfree(nb)",
                          [&d](auto& t) { d.notifier_block.kfree(d.local(t).nb); });
              }),
      SetsBug({"drain-waits-for-itself", "liveness", "mutant",
               "synchronize_rcu() in ioasid_detach_data() waits for its caller, too",
               "every-drain-ends", one},
              edits::drain_waits_for_itself("ioasid_detach_data")),
      SetsBug({"notifier-drain-waits-for-new-readers",
               "liveness",
               "mutant",
               "synchronize_rcu() of a notifier waits for readers that come later, too",
               "every-drain-ends",
               {{"threads", 2}, {"pasids", 1}, {"sets", 1}, {"data", 0}, {"notifiers", 1}}},
              edits::drain_waits_for_new_readers("ioasid_unregister_notifier",
                                                 "synchronize_rcu() returns; client: kfree(nb)")),
      SetsBug({"missed-wake-up",
               "liveness",
               "mutant",
               "ioasid_find() leaves its RCU section without telling those who wait for it",
               "every-grace-period-ends",
               {{"threads", 2}, {"pasids", 1}, {"sets", 1}, {"data", 0}}},
              edits::kMissedWakeUp),
      SetsBug({"find-waits-for-data", "liveness", "mutant",
               "ioasid_find() looks again and again until private data is attached",
               "every-call-returns", one},
              edits::kFindWaitsForData),
      SetsBug({"free-spins-under-lock", "liveness", "mutant",
               "ioasid_free() waits, with the lock held, until nobody reads: it does so itself",
               "every-freed-id-comes-back", one},
              edits::spins_under_lock("ioasid_free", "kfree_rcu(data, rcu)")),
      SetsBug({"spid-not-unique",
               "isolation",
               "mutant",
               "ioasid_attach_spid() does not look whether the set has the SPID",
               "legal-answer",
               {{"threads", 1}, {"pasids", 2}, {"sets", 1}, {"data", 0}, {"spids", 1}}},
              [](auto& d) {
                d.edit("ioasid_attach_spid")
                    .replace("if (ioasid_find_by_spid_locked(data->set, spid)", "data->spid = spid",
                             [&d](auto& t) {
                               auto&& l = d.local(t);
                               auto&& data = d.ioasid_data.at(l.data);
                               data.spid = 1;
                               d.takes_effect(t, CallKind::attach_spid, {.id = l.id, .spid = 1},
                                              Err::ok, 0);
                             });
              }),
  };
}

}  // namespace sets_bugs

const DesignEntry& ioasid_sets() {
  static const TypedDesign<IoasidSets, IoasidBounds> kEntry{
      "ioasid/sets",
      "sets with quota, references and tokens; ids with references and a free-pending state; notifiers",
      "series \"IOASID extensions for guest SVA\", v3 and v4 of 2020, with its review",
      [] {
        auto bounds = common_ioasid_bounds();
        bounds.push_back({"tokens", 0, 2, 0, "tokens that sets are made for"});
        bounds.push_back({"notifiers", 0, 1, 0, "notifier blocks that come and go"});
        bounds.push_back({"spids", 0, 2, 0, "set-private ids"});
        return bounds;
      }(),
      to_ioasid_bounds,
      sets_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
