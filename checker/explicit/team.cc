// SPDX-License-Identifier: MIT
// Starting, waking and awaiting the members of a team.
#include "checker/explicit/team.h"

#include <system_error>
#include <utility>

namespace iommucheck::checker::explicit_state {

Team::Team(unsigned members) {
  threads_.reserve(members);
  for (unsigned member = 1; member < members; ++member) {
    try {
      threads_.emplace_back([this, member] { serve(member); });
    } catch (const std::system_error&) {
      break;
    }
  }
}

Team::~Team() {
  {
    const std::lock_guard lock(mutex_);
    leave_ = true;
  }
  begin_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Team::run(const std::function<void(unsigned)>& work) {
  {
    const std::lock_guard lock(mutex_);
    work_ = &work;
    busy_ = size();
    error_ = nullptr;
    ++round_;
  }
  begin_.notify_all();
  do_work(0);
  std::unique_lock lock(mutex_);
  end_.wait(lock, [this] { return busy_ == 0; });
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void Team::serve(unsigned member) {
  std::uint64_t seen = 0;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      begin_.wait(lock, [&] { return leave_ || round_ != seen; });
      if (leave_) return;
      seen = round_;
    }
    do_work(member);
  }
}

void Team::do_work(unsigned member) {
  std::exception_ptr error;
  try {
    (*work_)(member);
  } catch (...) {
    error = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  if (error && !error_) error_ = error;
  if (--busy_ == 0) end_.notify_one();
}

}  // namespace iommucheck::checker::explicit_state
