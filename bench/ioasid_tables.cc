// SPDX-License-Identifier: MIT
// The tables that our allocator is compared with.
#include "bench/ioasid_tables.h"

#include <cstdlib>
#include <new>

// The inline versions of the reader side: out of line they would be measured unfairly slow.
#define URCU_INLINE_SMALL_FUNCTIONS
#include <urcu/urcu-memb.h>

#include <urcu/rculfhash.h>

namespace iommucheck::bench {

IdStack::IdStack() {
  ids_.reserve(kIds);
  for (std::uint32_t id = kIds; id > 0; --id) ids_.push_back(id - 1);
}

std::uint32_t IdStack::pop() {
  const std::uint32_t id = ids_.back();
  ids_.pop_back();
  return id;
}

void IdStack::push(std::uint32_t id) { ids_.push_back(id); }

std::uint32_t LockedTable::alloc(void* data) {
  const std::lock_guard lock{mutex_};
  const std::uint32_t id = free_.pop();
  map_.emplace(id, data);
  return id;
}

void LockedTable::free(std::uint32_t id) {
  const std::lock_guard lock{mutex_};
  if (map_.erase(id) != 0) free_.push(id);
}

void* LockedTable::find(std::uint32_t id) const {
  const std::lock_guard lock{mutex_};
  const auto found = map_.find(id);
  return found == map_.end() ? nullptr : found->second;
}

namespace {

struct Node {
  cds_lfht_node link;
  rcu_head head;
  std::uint32_t id;
  void* data;
};

/// Dense ids are their own best hash: one per bucket, neighbours near each other (a multiplicative
/// hash made look-ups among a million several times slower).  std::hash does the same.
unsigned long hash(std::uint32_t id) { return id; }

Node* node_of(cds_lfht_node* link) { return caa_container_of(link, Node, link); }

int matches(cds_lfht_node* link, const void* key) {
  return node_of(link)->id == *static_cast<const std::uint32_t*>(key) ? 1 : 0;
}

void reclaim(rcu_head* head) { delete caa_container_of(head, Node, head); }

}  // namespace

struct UrcuTable::Impl {
  cds_lfht* table = nullptr;
  std::mutex mutex;
  IdStack free;
};

UrcuTable::UrcuTable() : impl_{std::make_unique<Impl>()} {
  // Sized for all ids from the start: growing is not what is measured.
  impl_->table =
      cds_lfht_new_flavor(kIds, kIds, 0, CDS_LFHT_ACCOUNTING, &urcu_memb_flavor, nullptr);
  if (impl_->table == nullptr) throw std::bad_alloc{};
}

// In a thread that is registered.
UrcuTable::~UrcuTable() {
  cds_lfht_iter iter;
  urcu_memb_read_lock();
  cds_lfht_first(impl_->table, &iter);
  while (cds_lfht_node* link = cds_lfht_iter_get_node(&iter)) {
    cds_lfht_next(impl_->table, &iter);
    cds_lfht_del(impl_->table, link);
    urcu_memb_call_rcu(&node_of(link)->head, reclaim);
  }
  urcu_memb_read_unlock();
  urcu_memb_barrier();
  cds_lfht_destroy(impl_->table, nullptr);
}

UrcuTable::Thread::Thread() { urcu_memb_register_thread(); }
UrcuTable::Thread::~Thread() { urcu_memb_unregister_thread(); }

std::uint32_t UrcuTable::alloc(void* data) {
  auto* node = new Node;
  {
    const std::lock_guard lock{impl_->mutex};
    node->id = impl_->free.pop();
  }
  const std::uint32_t id = node->id;
  node->data = data;
  cds_lfht_node_init(&node->link);
  urcu_memb_read_lock();
  cds_lfht_add(impl_->table, hash(id), &node->link);
  urcu_memb_read_unlock();
  return id;
}

void UrcuTable::free(std::uint32_t id) {
  cds_lfht_iter iter;
  urcu_memb_read_lock();
  cds_lfht_lookup(impl_->table, hash(id), matches, &id, &iter);
  cds_lfht_node* link = cds_lfht_iter_get_node(&iter);
  const bool ours = link != nullptr && cds_lfht_del(impl_->table, link) == 0;
  urcu_memb_read_unlock();
  if (!ours) return;
  urcu_memb_call_rcu(&node_of(link)->head, reclaim);
  const std::lock_guard lock{impl_->mutex};
  impl_->free.push(id);
}

void UrcuTable::enter() { urcu_memb_read_lock(); }
void UrcuTable::leave() { urcu_memb_read_unlock(); }

void* UrcuTable::find_inside(std::uint32_t id) const {
  cds_lfht_iter iter;
  cds_lfht_lookup(impl_->table, hash(id), matches, &id, &iter);
  cds_lfht_node* link = cds_lfht_iter_get_node(&iter);
  return link == nullptr ? nullptr : node_of(link)->data;
}

void* UrcuTable::find(std::uint32_t id) const {
  urcu_memb_read_lock();
  void* data = find_inside(id);
  urcu_memb_read_unlock();
  return data;
}

}  // namespace iommucheck::bench
