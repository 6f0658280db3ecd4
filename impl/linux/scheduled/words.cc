// SPDX-License-Identifier: MIT
// What kernel code says (printk is dropped, WARN and panic are reports), and faults.
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include <sys/mman.h>

#include "checker/schedule/client.h"
#include "impl/linux/scheduled/program.h"

// Symbols that the kernel code refers to and nobody models; the builder writes this table.  Each
// has pages of its own, which nobody may touch: a call, a read or a write of it says its name.
extern "C" {
struct kh_unmodelled {
  const char *name, *pages;
};
extern const kh_unmodelled kh_unmodelled[];
extern const unsigned long kh_unmodelled_stride;
extern char kh_traps_start[] __attribute__((weak)), kh_traps_end[] __attribute__((weak));
}

namespace iommucheck::linux_harness::scheduled {
namespace {

std::string formatted(const char* format, va_list arguments) {
  if (format == nullptr) return {};
  char line[512];
  // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the callers start it
  std::vsnprintf(line, sizeof(line), format, arguments);
  // Without the level that printk puts in front.
  std::string text = line[0] == '\001' && line[1] != '\0' ? line + 2 : line;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

void warn(const char* format, va_list arguments) {
  const std::string text = formatted(format, arguments);
  ck_report("WARN_ON", text.empty() ? "the condition is true" : text.c_str());
}

void on_fault(int signal, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  for (const auto* symbol = kh_unmodelled; symbol->name != nullptr; ++symbol) {
    if (address - reinterpret_cast<std::uintptr_t>(symbol->pages) < kh_unmodelled_stride) {
      const std::string text = std::string{"the harness does not model "} + symbol->name;
      ck_report_fatal("unmodelled kernel symbol", text.c_str());
    }
  }
  char text[96];
  std::snprintf(text, sizeof(text), "%s at address %#lx",
                signal == SIGSEGV ? "an access" : strsignal(signal),
                static_cast<unsigned long>(address));
  const bool poison = address - kh_facts.poison1 < 16 || address - kh_facts.poison2 < 16;
  ck_report_fatal(poison              ? "list poison"
                  : address < 65536   ? "NULL dereference"
                  : signal == SIGSEGV ? "wild pointer"
                                      : "trap",
                  text);
  std::abort();  // nobody runs: the fault is our own
}

}  // namespace

void watch_faults() {
  if (kh_traps_start != nullptr) {
    mprotect(kh_traps_start, static_cast<std::size_t>(kh_traps_end - kh_traps_start), PROT_NONE);
  }
  // The handler never returns to the fiber, so that the signal has to stay unblocked.
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  static char own[65536];
  stack_t stack{};
  stack.ss_sp = own;
  stack.ss_size = sizeof(own);
  sigaltstack(&stack, nullptr);
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP}) {
    sigaction(signal, &action, nullptr);
  }
}

}  // namespace iommucheck::linux_harness::scheduled

using iommucheck::linux_harness::scheduled::formatted;
using iommucheck::linux_harness::scheduled::warn;

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,cert-dcl50-cpp): the
// kernel's
extern "C" {

int _printk(const char*, ...) { return 0; }
int printk(const char*, ...) { return 0; }

void warn_slowpath_fmt(const char*, int, unsigned, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  warn(format, arguments);
  va_end(arguments);
}
void __warn_printk(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  warn(format, arguments);
  va_end(arguments);
}
void panic(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const std::string text = formatted(format, arguments);
  va_end(arguments);
  ck_report_fatal("panic", text.c_str());
}
void lockdep_rcu_suspicious(const char*, int, const char* message) {
  ck_report("suspicious RCU usage", message);
}

void __might_sleep(const char*, int) { ck_may_sleep("might_sleep()"); }
void __might_fault(const char*, int) { ck_may_sleep("an access to user memory"); }
void __might_resched(const char*, int, unsigned) { ck_may_sleep("might_sleep()"); }

int ___ratelimit(void*, const char*) { return 0; }  // what it would let through is dropped

int __cpuhp_setup_state(int, const char*, bool, int (*)(unsigned), int (*)(unsigned), bool) {
  return 0;
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,cert-dcl50-cpp)
