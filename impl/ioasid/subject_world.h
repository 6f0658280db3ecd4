// SPDX-License-Identifier: MIT
// What a Subject's numbers stand for: callbacks that note that they ran.
#ifndef IOMMUCHECK_IMPL_IOASID_SUBJECT_WORLD_H
#define IOMMUCHECK_IMPL_IOASID_SUBJECT_WORLD_H

#include "impl/ioasid/subject.h"

namespace iommucheck::ioasid {

/// A registered (or not) ops and what its callbacks need; its address is the pdata.
struct AllocatorSubject::OpsContext {
  AllocatorSubject* subject = nullptr;
  std::uint32_t number = 0;
  impl::CustomOps ops{};
};

/// A notifier block that notes its number.
struct AllocatorSubject::NotifierBlock final : impl::Notifier {
  NotifierBlock(AllocatorSubject* owner, unsigned bit) : subject{owner}, mask{1U << bit} {}
  void notify(const impl::Notification&) override { subject->outcome_.notified |= mask; }

  AllocatorSubject* subject;
  std::uint32_t mask;
};

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_IMPL_IOASID_SUBJECT_WORLD_H
