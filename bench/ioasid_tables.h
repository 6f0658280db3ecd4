// SPDX-License-Identifier: MIT
// Three ways to keep ids and their private data, with one interface, to be measured.
//
// Thread-safe, all of them.
#ifndef IOMMUCHECK_BENCH_IOASID_TABLES_H
#define IOMMUCHECK_BENCH_IOASID_TABLES_H

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "impl/ioasid/allocator.h"

namespace iommucheck::bench {

inline constexpr std::uint32_t kIds = 1U << 20U;

/// Our allocator, ids without a set.
class OurTable {
 public:
  static constexpr const char* kName = "ours";
  std::uint32_t alloc(void* data) { return ids_.alloc({}, 0, kIds - 1, data).value; }
  void free(std::uint32_t id) { static_cast<void>(ids_.free({}, id)); }
  void* find(std::uint32_t id) const { return ids_.find({}, id).value; }
  /// So that the caller could use the data: with a reader section (or a lock) around it.
  template <class Use>
  void with(std::uint32_t id, Use use) const {
    const ioasid::impl::ReadSection section;
    use(find(id));
  }
  struct Thread {};  ///< what a thread has to do before and after

 private:
  ioasid::impl::Allocator ids_;
};

/// The same with all ids in one set: quota and set check at work.
class OurSetTable {
 public:
  static constexpr const char* kName = "ours_set";
  std::uint32_t alloc(void* data) { return ids_.alloc(set_, 0, kIds - 1, data).value; }
  void free(std::uint32_t id) { static_cast<void>(ids_.free(set_, id)); }
  void* find(std::uint32_t id) const { return ids_.find(set_, id).value; }
  template <class Use>
  void with(std::uint32_t id, Use use) const {
    const ioasid::impl::ReadSection section;
    use(find(id));
  }
  struct Thread {};

 private:
  ioasid::impl::Allocator ids_;
  ioasid::impl::Set set_ = ids_.alloc_set(nullptr, kIds).value;
};

/// Ids to be given out, last in, first out: what a table without an allocator needs beside it.
class IdStack {
 public:
  IdStack();
  std::uint32_t pop();
  void push(std::uint32_t id);

 private:
  std::vector<std::uint32_t> ids_;
};

/// What most people write: one mutex around a hash table.
class LockedTable {
 public:
  static constexpr const char* kName = "mutex_map";
  std::uint32_t alloc(void* data);
  void free(std::uint32_t id);
  void* find(std::uint32_t id) const;
  template <class Use>
  void with(std::uint32_t id, Use use) const {
    const std::lock_guard lock{mutex_};
    const auto found = map_.find(id);
    use(found == map_.end() ? nullptr : found->second);
  }
  struct Thread {};

 private:
  mutable std::mutex mutex_;
  IdStack free_;
  std::unordered_map<std::uint32_t, void*> map_;
};

/// liburcu's lock-free hash table (flavour memb), nodes reclaimed by call_rcu.  Ids come from a
/// stack under a mutex, as the table cannot choose any.
class UrcuTable {
 public:
  static constexpr const char* kName = "urcu_lfht";
  UrcuTable();
  ~UrcuTable();
  UrcuTable(const UrcuTable&) = delete;
  UrcuTable& operator=(const UrcuTable&) = delete;
  std::uint32_t alloc(void* data);
  void free(std::uint32_t id);
  void* find(std::uint32_t id) const;
  template <class Use>
  void with(std::uint32_t id, Use use) const {
    enter();
    use(find_inside(id));
    leave();
  }
  struct Thread {
    Thread();
    ~Thread();
    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;
  };

 private:
  static void enter();
  static void leave();
  void* find_inside(std::uint32_t id) const;

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace iommucheck::bench

#endif  // IOMMUCHECK_BENCH_IOASID_TABLES_H
