// SPDX-License-Identifier: MIT
// Changes of notifier chains, and the calls along them.
#include "impl/ioasid/notifier_chains.h"

#include <algorithm>
#include <new>

#include "impl/ioasid/read_section.h"

namespace iommucheck::ioasid::impl {

NotifierChains::~NotifierChains() {
  // Each chain that is still in place is the chain of somebody on it.
  while (!member_of_.empty()) clear(*member_of_.begin()->second);
}

Chain* NotifierChains::make_chain() {
  auto* chain = new (memory_->allocate(sizeof(Chain), alignof(Chain))) Chain{memory_};
  chain->run = destroy;
  return chain;
}

void NotifierChains::destroy(DeferredItem* self) {
  auto* chain = static_cast<Chain*>(self);
  std::pmr::memory_resource* memory = chain->notifiers.get_allocator().resource();
  chain->~Chain();
  memory->deallocate(chain, sizeof(Chain), alignof(Chain));
}

void NotifierChains::replace(ChainHead& head, Chain* chain) noexcept {
  Chain* old = head.chain.exchange(chain);
  if (old != nullptr) deferred_.push(old);
}

std::errc NotifierChains::add_locked(ChainHead& head, Notifier* notifier) {
  if (member_of_.contains(notifier)) return std::errc::file_exists;
  Chain* chain = nullptr;
  try {
    chain = make_chain();
    const Chain* old = head.chain.load(std::memory_order_relaxed);
    if (old != nullptr) chain->notifiers = old->notifiers;
    chain->notifiers.push_back(notifier);
    member_of_.emplace(notifier, &head);
  } catch (const std::bad_alloc&) {
    if (chain != nullptr) destroy(chain);
    return std::errc::not_enough_memory;
  }
  replace(head, chain);
  return {};
}

std::errc NotifierChains::remove(ChainHead& head, Notifier* notifier) {
  if (in_read_section()) return std::errc::resource_deadlock_would_occur;
  {
    const std::lock_guard lock{mutex_};
    const auto found = member_of_.find(notifier);
    if (found == member_of_.end() || found->second != &head) {
      return std::errc::no_such_file_or_directory;
    }
    const Chain* old = head.chain.load(std::memory_order_relaxed);
    Chain* chain = nullptr;
    if (old->notifiers.size() > 1) {
      try {
        chain = make_chain();
        chain->notifiers.reserve(old->notifiers.size() - 1);
      } catch (const std::bad_alloc&) {
        if (chain != nullptr) destroy(chain);
        return std::errc::not_enough_memory;
      }
      std::ranges::copy_if(old->notifiers, std::back_inserter(chain->notifiers),
                           [&](const Notifier* other) { return other != notifier; });
    }
    member_of_.erase(found);
    replace(head, chain);
  }
  return wait_for_readers();
}

void NotifierChains::clear(ChainHead& head) noexcept {
  // The set was marked gone before; add() looks at the mark under this mutex, so it has either put
  // its chain here by now or will refuse.
  const std::lock_guard lock{mutex_};
  const Chain* old = head.chain.load(std::memory_order_relaxed);
  if (old == nullptr) return;
  for (Notifier* notifier : old->notifiers) member_of_.erase(notifier);
  replace(head, nullptr);
}

void NotifierChains::call_slow(const ChainHead& head, const Notification& notification) {
  const ReadSection section;
  const Chain* chain = head.chain.load(std::memory_order_seq_cst);
  if (chain == nullptr) return;
  for (Notifier* notifier : chain->notifiers) notifier->notify(notification);
}

}  // namespace iommucheck::ioasid::impl
