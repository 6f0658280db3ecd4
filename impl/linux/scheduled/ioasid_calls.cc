// SPDX-License-Identifier: MIT
// The calls of the target ioasid, in the words of glue/calls.c:
//   a set min max data callback nomem | f id | d id data old | q set id getter | r ops nomem | u
//   ops
// With `old`, the caller of set_data does something else with that private data when the call has
// returned: the kernel says that nobody looks at it any more.
// An answer is "error value allocator getter_on nomem".
#include <array>

#include <fmt/compile.h>

#include "checker/schedule/client.h"
#include "impl/linux/scheduled/program.h"

namespace iommucheck::linux_harness::scheduled {
namespace {

/// What callbacks answer and have seen during a call; one for each thread of the engine's.
struct Now {
  unsigned answer = 0, getter = 0;
  int allocator = 0, getter_on = 0;
};
std::array<Now, 16> nows;

Now& now() { return nows.at(static_cast<std::size_t>(ck_self())); }

void note_allocator(int ops) {
  if (ops < 0)
    ck_report("wild pointer", "a custom allocator's callback got pdata that nobody gave");
  now().allocator = ops < 0 ? KH_MAX_OPS + 1 : ops;
}

std::string execute_call(const std::string& call, unsigned) {
  std::array<unsigned, 6> n{};
  const char* at = call.c_str() + 1;
  for (unsigned& number : n) {
    while (*at == ' ') ++at;
    for (; *at >= '0' && *at <= '9'; ++at) number = number * 10 + static_cast<unsigned>(*at - '0');
  }
  const char letter = call[0];
  now() = Now{};
  now().answer = letter == 'a' ? n[4] : 0;
  now().getter = letter == 'q' ? n[2] : 0;
  fail_allocations(letter == 'a' ? n[5] : letter == 'r' ? n[1] : 0);
  kh_found found{0, 0};
  switch (letter) {
    case 'a': {
      const unsigned id = kh_alloc(n[0], n[1], n[2], n[3]);
      found.error = id == kh_invalid_id() ? 1 : 0;
      found.data = static_cast<int>(id);
      break;
    }
    case 'f': kh_free(n[0]); break;
    case 'd':
      found.error = kh_set_data(n[0], n[1]);
      if (n[2] != 0) kh_reuse_data(n[2]);
      break;
    case 'q': found = kh_find(n[0], n[1], n[2] != 0 ? 1 : 0); break;
    case 'r': found.error = kh_register(n[0]); break;
    case 'u': kh_unregister(n[0]); break;
    default: break;
  }
  const bool nomem = allocation_failed();
  fail_allocations(0);
  if (letter == 'q' && found.data < 0) {
    ck_report("wild pointer", "ioasid_find() gave a pointer that nobody gave it");
    found.data = KH_MAX_NUMBER + 1;
  }
  return fmt::format(FMT_COMPILE("{} {} {} {} {:d}"), found.error,
                     found.error != 0 ? 0 : found.data, now().allocator, now().getter_on, nomem);
}

const RegisteredExecutor registered{execute_call};

}  // namespace

}  // namespace iommucheck::linux_harness::scheduled

using iommucheck::linux_harness::scheduled::note_allocator;
using iommucheck::linux_harness::scheduled::now;

extern "C" {

unsigned kh_callback_alloc(unsigned, int ops) {
  note_allocator(ops);
  return now().answer != 0 ? now().answer - 1 : kh_invalid_id();
}
void kh_callback_free(unsigned, int ops) { note_allocator(ops); }
int kh_callback_getter(int data) {
  if (data < 0) ck_report("wild pointer", "the getter was shown a pointer that nobody gave");
  now().getter_on = data < 0 ? KH_MAX_NUMBER + 2 : data + 1;
  return now().getter == 1 ? 1 : 0;
}

}  // extern "C"
