// SPDX-License-Identifier: MIT
// Our allocator as a Subject: executes the calls of spec/ioasid/call.h and reports what came back.
//
// Not thread-safe, as every Subject.
#ifndef IOMMUCHECK_IMPL_IOASID_SUBJECT_H
#define IOMMUCHECK_IMPL_IOASID_SUBJECT_H

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <vector>

#include "impl/ioasid/allocator.h"
#include "spec/ioasid/call.h"

namespace iommucheck::ioasid {

/// How many of each there are, and where the window of ids lies.
struct SubjectConfig {
  /// The id that a call names i is first_id + i of the allocator, whose space is always 2^20 ids
  /// large: a window across two words of its bitmap is worth a test.  first_id + ids <= 2^20.
  std::uint32_t first_id = 0;
  unsigned ids = 4;
  unsigned sets = 2;
  unsigned data = 2;
  unsigned ops = 0;  ///< at most kMaxOps
  unsigned clients = 2;
  unsigned notifiers = 0;
  unsigned tokens = 1;
  unsigned capacity = 4;
  bool static_sets = false;  ///< all sets are there from the start, with room for all ids

  static constexpr unsigned kMaxOps = 8;  ///< each group of ops is two functions at compile time
};

/// How calls map to the allocator:
/// - A client's reference on an id or set is one anonymous reference; who has which is noted here.
/// - alloc: a `max` beyond the window is the end of the space if the window ends there, else it is
///   clamped to the end of the window.
/// - nomem: the memory resource of the allocator throws.  Calls on ids do not allocate; they
///   succeed.
/// - A set number is free again when its set is gone; with all in use, alloc_set is -ENOMEM.
/// - free and the detach calls are void: what our allocator reports beyond that is dropped.
class AllocatorSubject : public Subject {
 public:
  /// Throws std::invalid_argument when the window or the ops do not fit.
  explicit AllocatorSubject(const SubjectConfig& config);
  ~AllocatorSubject() override;
  AllocatorSubject(const AllocatorSubject&) = delete;
  AllocatorSubject& operator=(const AllocatorSubject&) = delete;

  Outcome execute(const Call& call) override;

  impl::Allocator& allocator() noexcept { return *allocator_; }

 private:
  using Args = Arguments<std::uint32_t>;

  /// What the callbacks of one ops, one notifier, one piece of data are in the real world.
  struct OpsContext;
  struct NotifierBlock;
  struct Thing {
    char unused = 0;  // distinct addresses is all that is needed
  };
  class FailingMemory : public std::pmr::memory_resource {
   public:
    bool failing = false;

   private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override;
    bool do_is_equal(const memory_resource& other) const noexcept override;
  };
  template <unsigned Group>
  struct GroupFunctions;

  Outcome dispatch(const Call& call);
  Outcome alloc_set(const Args& args);
  Outcome set_get(const Args& args);
  Outcome set_put(const Args& args);
  Outcome find_set(const Args& args);
  Outcome alloc(const Args& args);
  Outcome get(const Args& args);
  Outcome put(const Args& args);
  Outcome find(const Args& args);
  Outcome find_by_spid(const Args& args);

  // What is called back.
  static impl::Ioasid custom_alloc(void* pdata);
  static void custom_free(void* pdata);
  static bool show(void* data, void* context);

  // From a number to the real thing, and back.
  impl::Ioasid real_id(std::uint32_t number) const;
  impl::Ioasid real_max(std::uint32_t number) const;
  impl::Set real_set(std::uint32_t number) const;
  static impl::Spid real_spid(std::uint32_t number);
  void* real_data(std::uint32_t number);
  const void* real_token(std::uint32_t number) const;
  const impl::CustomOps* real_ops(std::uint32_t number) const;
  impl::Notifier* real_notifier(std::uint32_t number) const;
  std::uint32_t number_of_data(const void* data) const;
  std::uint32_t number_of_set(impl::Set set) const;

  using Holders = std::vector<std::vector<bool>>;  ///< [thing][client]
  static bool holds(const Holders& holders, std::size_t thing, std::uint32_t client);
  static void note(Holders& holders, std::size_t thing, std::uint32_t client, bool now);

  SubjectConfig config_;
  FailingMemory memory_;
  std::vector<Thing> data_;
  std::vector<Thing> tokens_;
  std::vector<std::unique_ptr<OpsContext>> ops_;
  std::vector<std::unique_ptr<NotifierBlock>> notifiers_;
  std::vector<impl::Set> sets_;        ///< by number - 1; the handle may be stale
  Holders set_holders_;                ///< thing: set number - 1
  Holders id_holders_;                 ///< by get; thing: id
  std::vector<std::uint32_t> owners_;  ///< by id: 1 + who allocated it last
  std::unique_ptr<impl::Allocator> allocator_;

  // Of the call that is running.
  Outcome outcome_{};
  std::uint32_t callback_ = 0;
  Getter getter_ = Getter::none;
};

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_IMPL_IOASID_SUBJECT_H
