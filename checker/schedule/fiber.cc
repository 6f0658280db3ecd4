// SPDX-License-Identifier: MIT
// Fibers by Boost.Context's two primitives: its classes would unwind what we want to forget.
#include "checker/schedule/fiber.h"

#include <cxxabi.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <boost/context/detail/fcontext.hpp>

namespace iommucheck::schedule {
namespace {

namespace context = boost::context::detail;

constexpr std::size_t kGuard = 4096;

/// What a fiber is told when it is switched to: where to note the place that it was switched from.
struct Jump {
  void** from;
  void (*entry)();
};

void begin(context::transfer_t transfer) {
  const auto* jump = static_cast<const Jump*>(transfer.data);
  *jump->from = transfer.fctx;
  jump->entry();
  std::abort();  // an entry never returns: there is nothing to return to
}

}  // namespace

Fiber::~Fiber() {
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  if (bottom_ != 0) munmap(reinterpret_cast<void*>(bottom_ - kGuard), kStackSize + kGuard);
}

void Fiber::map(std::uintptr_t address) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the address is the point
  void* wanted = reinterpret_cast<void*>(address - kGuard);
  void* got = mmap(wanted, kStackSize + kGuard, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (got != wanted || mprotect(wanted, kGuard, PROT_NONE) != 0) {
    throw std::system_error{errno, std::generic_category(), "no memory for the stack of a thread"};
  }
  bottom_ = address;
}

void Fiber::reset(void (*entry)()) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  void* top = reinterpret_cast<void*>(bottom_ + kStackSize);
  context_ = context::make_fcontext(top, kStackSize, begin);
  entry_ = entry;
  if (exceptions_.caught == nullptr) {
    exceptions_ = {};
    return;
  }
  auto& mine = *reinterpret_cast<Exceptions*>(abi::__cxa_get_globals());
  std::swap(mine, exceptions_);
  while (mine.caught != nullptr) abi::__cxa_end_catch();
  mine = exceptions_;
  exceptions_ = {};
}

void Fiber::jump(Fiber& from, Fiber& to) {
  auto& running = *reinterpret_cast<Exceptions*>(abi::__cxa_get_globals());
  from.exceptions_ = running;
  running = to.exceptions_;
  Jump jump{&from.context_, to.entry_};
  const context::transfer_t back = context::jump_fcontext(to.context_, &jump);
  // Whoever comes back to us left its own place behind.
  *static_cast<const Jump*>(back.data)->from = back.fctx;
}

}  // namespace iommucheck::schedule
