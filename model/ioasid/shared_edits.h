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

/// Every spin_lock() and spin_unlock() of the program is left out.
inline auto without_locks(std::string program) {
  return [program](auto& d) { d.edit(program).without_locks(); };
}

}  // namespace iommucheck::model::edits

#endif  // IOMMUCHECK_MODEL_IOASID_SHARED_EDITS_H
