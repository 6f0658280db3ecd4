// SPDX-License-Identifier: MIT
// Edits that make the same bug of several IOASID designs.
#ifndef IOMMUCHECK_MODEL_IOASID_SHARED_EDITS_H
#define IOMMUCHECK_MODEL_IOASID_SHARED_EDITS_H

#include <string>

namespace iommucheck::model::edits {

/// ioasid_find() has no rcu_read_lock().
inline constexpr auto kFindWithoutRcu = [](auto& d) {
  auto& p = d.edit("ioasid_find");
  p.drop("rcu_read_lock()");
  p.replace("rcu_read_unlock()", "(no rcu_read_unlock())", [](auto&) {});
};

/// ioasid_find() does not compare the set.
inline constexpr auto kSetCheckMissing = [](auto& d) {
  d.edit("ioasid_find").drop("if (set && ioasid_data->set != set)");
};

/// ioasid_find() shows the getter private data that is not there yet.
inline constexpr auto kDataNotThereYet = [](auto& d) {
  d.edit("ioasid_find")
      .replace("if (getter && priv && !getter(priv))", "if (getter && !getter(priv))",
               [&d](auto& t) {
                 auto&& l = d.local(t);
                 t.when(t.choose(2, "getter") == 1U, [&] { d.priv.touch(l.priv); });
                 l.priv = 0;
               });
};

/// The object is in the xarray before its set and data are there.
inline constexpr auto kPublishBeforeInit = [](auto& d) {
  d.edit("ioasid_alloc")
      .swap("data->set = set; data->private = private",
            "id = active_allocator->ops->alloc(min, max, adata)");
};

/// The call returns, and its client frees the old data, without waiting for readers.
inline auto without_synchronize_rcu(std::string program) {
  return [program](auto& d) {
    auto& p = d.edit(program);
    p.drop("synchronize_rcu() returns");
    p.replace("synchronize_rcu()", "client: kfree(old private)",
              [&d](auto& t) { d.free_private(d.local(t).priv); });
  };
}

// Bugs that no state shows: something does not happen.

/// synchronize_rcu() of the program waits until nobody reads at all: new readers hold it up.
inline auto drain_waits_for_new_readers(std::string program, std::string label) {
  return [program, label](auto& d) {
    d.edit(program).insert_before(label, "synchronize_rcu() returns when nobody reads",
                                  [&d](auto& t) { t.require(d.readers() == 0U); });
  };
}

/// synchronize_rcu() of the program waits for the caller, too.
inline auto drain_waits_for_itself(std::string program) {
  return [program](auto& d) {
    d.edit(program).replace("synchronize_rcu()", "synchronize_rcu() (the caller counted in)",
                            [&d](auto& t) {
                              auto&& me = d.thread()[t.self()];
                              me.awaits = with_bit(d.readers(), t.self());
                            });
  };
}

/// ioasid_find() leaves its RCU section, and those who wait for that are not told.
inline constexpr auto kMissedWakeUp = [](auto& d) {
  d.edit("ioasid_find")
      .replace("rcu_read_unlock()", "rcu_read_unlock() (nobody is told)",
               [&d](auto& t) { d.thread()[t.self()].reading = false; });
};

/// ioasid_find() looks again and again until private data is there.
inline constexpr auto kFindWaitsForData = [](auto& d) {
  d.edit("ioasid_find")
      .insert_before("priv = rcu_dereference(ioasid_data->private)",
                     "while (!rcu_dereference(ioasid_data->private)) cpu_relax()", [&d](auto& t) {
                       t.when(d.ioasid_data.at(d.local(t).data).priv == 0U, [&] { t.again(); });
                     });
};

/// The program waits for readers with the lock held: it is a reader itself.
inline auto spins_under_lock(std::string program, std::string label) {
  return [program, label](auto& d) {
    d.edit(program).insert_before(label, "while (somebody reads) cpu_relax()",
                                  [&d](auto& t) { t.when(d.readers() != 0U, [&] { t.again(); }); });
  };
}

/// Every spin_lock() and spin_unlock() of the program is left out.
inline auto without_locks(std::string program) {
  return [program](auto& d) { d.edit(program).without_locks(); };
}

}  // namespace iommucheck::model::edits

#endif  // IOMMUCHECK_MODEL_IOASID_SHARED_EDITS_H
