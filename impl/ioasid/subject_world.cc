// SPDX-License-Identifier: MIT
// Construction of a Subject's world, its callbacks, and the way from numbers to real things.
#include "impl/ioasid/subject_world.h"

#include <algorithm>
#include <array>
#include <new>
#include <stdexcept>
#include <utility>

namespace iommucheck::ioasid {

/// A group of ops is told by the addresses of its functions: one pair of functions per group.
template <unsigned Group>
struct AllocatorSubject::GroupFunctions {
  static impl::Ioasid alloc(impl::Ioasid, impl::Ioasid, void* pdata) {
    seen_ = Group;
    return custom_alloc(pdata);
  }
  static void free(impl::Ioasid, void* pdata) {
    seen_ = Group;
    custom_free(pdata);
  }
  /// Differs in each group, so that no linker folds two groups into one function.
  static inline volatile unsigned seen_ = 0;
};

void* AllocatorSubject::FailingMemory::do_allocate(std::size_t bytes, std::size_t alignment) {
  if (failing) throw std::bad_alloc{};
  return std::pmr::new_delete_resource()->allocate(bytes, alignment);
}

void AllocatorSubject::FailingMemory::do_deallocate(void* p, std::size_t bytes,
                                                    std::size_t alignment) {
  std::pmr::new_delete_resource()->deallocate(p, bytes, alignment);
}

bool AllocatorSubject::FailingMemory::do_is_equal(const memory_resource& other) const noexcept {
  return this == &other;
}

AllocatorSubject::AllocatorSubject(const SubjectConfig& config)
    : config_{config},
      data_(config.data),
      tokens_(config.tokens),
      sets_(config.sets),
      set_holders_(config.sets, std::vector<bool>(config.clients)),
      id_holders_(config.ids, std::vector<bool>(config.clients)),
      owners_(config.ids) {
  if (config.ids == 0 || config.first_id >= impl::kMaxIoasids ||
      config.ids > impl::kMaxIoasids - config.first_id) {
    throw std::invalid_argument{"subject: first_id + ids must be within 2^20, and ids at least 1"};
  }
  if (config.ops > SubjectConfig::kMaxOps || config.notifiers > 32) {
    throw std::invalid_argument{"subject: at most 8 ops and 32 notifiers"};
  }
  const auto functions = []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array{impl::CustomOps{GroupFunctions<I>::alloc, GroupFunctions<I>::free}...};
  }
  (std::make_index_sequence<SubjectConfig::kMaxOps>{});
  for (unsigned number = 1; number <= config.ops; ++number) {
    ops_.push_back(std::make_unique<OpsContext>());
    *ops_.back() = {this, number, functions.at(ops_functions(number) - 1)};
    ops_.back()->ops.pdata = ops_.back().get();
  }
  for (unsigned bit = 0; bit < config.notifiers; ++bit) {
    notifiers_.push_back(std::make_unique<NotifierBlock>(this, bit));
  }
  impl::Config real;
  real.memory = &memory_;
  if (!config.static_sets) real.capacity = config.capacity;
  allocator_ = std::make_unique<impl::Allocator>(real);
  if (!config.static_sets) return;
  for (impl::Set& set : sets_) {
    const auto made = allocator_->alloc_set(nullptr, config.ids + 1);
    if (!made) throw std::invalid_argument{"subject: static sets times ids exceed the space"};
    set = made.value;
  }
}

AllocatorSubject::~AllocatorSubject() = default;

impl::Ioasid AllocatorSubject::custom_alloc(void* pdata) {
  const auto* context = static_cast<OpsContext*>(pdata);
  AllocatorSubject& subject = *context->subject;
  subject.outcome_.allocator = context->number;
  if (subject.callback_ == 0) return impl::kInvalidIoasid;
  const std::uint32_t number = subject.callback_ - 1;
  // Outside of the window is outside of the space: the allocator has to hand it back.
  return number < subject.config_.ids ? subject.config_.first_id + number : impl::kMaxIoasids;
}

void AllocatorSubject::custom_free(void* pdata) {
  const auto* context = static_cast<OpsContext*>(pdata);
  context->subject->outcome_.allocator = context->number;
}

bool AllocatorSubject::show(void* data, void* context) {
  auto* subject = static_cast<AllocatorSubject*>(context);
  subject->outcome_.getter_on = 1 + subject->number_of_data(data);
  return subject->getter_ == Getter::accept;
}

impl::Ioasid AllocatorSubject::real_id(std::uint32_t number) const {
  // A number beyond the window may be an id of the space; it is one that nobody has.
  return number < impl::kMaxIoasids ? config_.first_id + number : impl::kMaxIoasids;
}

impl::Ioasid AllocatorSubject::real_max(std::uint32_t number) const {
  const bool at_the_end = config_.first_id + config_.ids == impl::kMaxIoasids;
  return at_the_end ? real_id(number) : config_.first_id + std::min(number, config_.ids - 1);
}

impl::Set AllocatorSubject::real_set(std::uint32_t number) const {
  if (number == 0) return {};
  // A number that has no set yet: a handle that is never valid, and not the one of "no set".
  constexpr impl::Set kNoSuchSet{impl::SetTable::kMaxSets + 1, 0};
  const bool made = number <= sets_.size() && sets_[number - 1];
  return made ? sets_[number - 1] : kNoSuchSet;
}

std::uint32_t AllocatorSubject::number_of_set(impl::Set set) const {
  return static_cast<std::uint32_t>(std::ranges::find(sets_, set) - sets_.begin()) + 1;
}

impl::Spid AllocatorSubject::real_spid(std::uint32_t number) {
  return number == 0 ? impl::kInvalidIoasid : number;
}

void* AllocatorSubject::real_data(std::uint32_t number) {
  return number == 0 ? nullptr : &data_.at(number - 1);
}

std::uint32_t AllocatorSubject::number_of_data(const void* data) const {
  if (data == nullptr) return 0;
  return static_cast<std::uint32_t>(static_cast<const Thing*>(data) - data_.data()) + 1;
}

const void* AllocatorSubject::real_token(std::uint32_t number) const {
  return number == 0 ? nullptr : &tokens_.at(number - 1);
}

const impl::CustomOps* AllocatorSubject::real_ops(std::uint32_t number) const {
  return number == 0 || number > ops_.size() ? nullptr : &ops_[number - 1]->ops;
}

impl::Notifier* AllocatorSubject::real_notifier(std::uint32_t number) const {
  return number == 0 || number > notifiers_.size() ? nullptr : notifiers_[number - 1].get();
}

bool AllocatorSubject::holds(const Holders& holders, std::size_t thing, std::uint32_t client) {
  return thing < holders.size() && client < holders[thing].size() && holders[thing][client];
}

void AllocatorSubject::note(Holders& holders, std::size_t thing, std::uint32_t client, bool now) {
  if (thing < holders.size() && client < holders[thing].size()) holders[thing][client] = now;
}

}  // namespace iommucheck::ioasid
