// SPDX-License-Identifier: MIT
// C++ exceptions in several threads at once: each thread has its own.
#include <exception>
#include <new>

#include "checker/schedule/client.h"
#include "tests/checker/schedule/programs.h"

namespace iommucheck::schedule::programs {
namespace {

/// Without data: an exception's memory is the library's, at other addresses each time.
template <int Number>
struct Thrown {};

void be_passed() { shared.words[0] = shared.words[0] + 1; }

/// Others run while this destructor does, when an exception is on its way.
struct Passed {
  ~Passed() {
    const int before = std::uncaught_exceptions();
    be_passed();
    if (before != 1 || std::uncaught_exceptions() != 1) ck_report("on its way", "not one");
  }
};

template <int Mine>
void handle(void*) {
  try {
    const Passed passed;
    throw Thrown<Mine>{};
  } catch (const Thrown<Mine>&) {
    be_passed();
    if (std::uncaught_exceptions() != 0) ck_report("on its way", "although it was caught");
    try {
      throw;  // what this thread handles
    } catch (const Thrown<Mine>&) {
      be_passed();
    } catch (...) {
      ck_report("wrong exception", "another thread's");
    }
  }
  if (std::current_exception() != nullptr) ck_report("caught", "and not done with");
}
const Expecting exceptions_of_two{"exceptions_of_two", {}, {handle<1>, handle<2>}};

/// Ends in a report inside of its handler, in each execution anew.
void die_in_handler(void*) {
  try {
    throw std::bad_alloc{};
  } catch (const std::bad_alloc&) {
    be_passed();
    ck_report_fatal("dies", "in its handler");
  }
}
const Expecting exceptions_left_behind{
    "exceptions_left_behind", {"dies"}, {die_in_handler, handle<2>}};

/// Waits for a lock in a handler, which the other one takes in its own.
template <int Mine>
void handle_under_lock(void*) {
  try {
    throw Thrown<Mine>{};
  } catch (const Thrown<Mine>&) {
    ck_lock(shared.locks[0]);
    shared.plain[0] += Mine;
    ck_unlock(shared.locks[0]);
    try {
      throw;
    } catch (const Thrown<Mine>&) {
      return;
    } catch (...) {
      ck_report("wrong exception", "another thread's");
    }
  }
}
void expect_sum() {
  if (shared.plain[0] != 3) ck_report("sum", "of what was caught");
}
const Expecting exceptions_under_lock{
    "exceptions_under_lock", {}, {handle_under_lock<1>, handle_under_lock<2>}, nullptr, expect_sum};

}  // namespace
}  // namespace iommucheck::schedule::programs
