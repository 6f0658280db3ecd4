// SPDX-License-Identifier: MIT
// Programs whose bug takes a known number of switches at the right places.
#include "tests/checker/schedule/kernel_words.h"

namespace iommucheck::schedule::programs {
namespace {

void on_and_off(void*) {
  write_once(state.flag, 1);
  write_once(state.flag, 0);
}

// 0 and then 1: the reader stops for the writer, and the writer for the reader.  No fewer do.
void read_twice(void*) {
  const int first = read_once(state.flag);
  const int second = read_once(state.flag);
  if (first == 0 && second == 1) ck_report("bug", "two preemptions");
}
const Registration two_preemptions{"two-preemptions", nullptr, {read_twice, on_and_off}};

// The same beside two threads that have no part in it.
void noise(void*) {
  for (int i = 0; i < 20; ++i) write_once(state.data, i);
}
const Registration noisy_bug{"noisy-bug", nullptr, {noise, read_twice, noise, on_and_off}};

// The same as the answer of a call, which nobody reports.
void call_read_twice(void*) {
  ck_call_begin("read twice");
  const int first = read_once(state.flag);
  const int second = read_once(state.flag);
  ck_call_end(first == 0 && second == 1 ? "0 1" : "something else");
}
void call_on_and_off(void*) {
  ck_call_begin("on and off");
  on_and_off(nullptr);
  ck_call_end("0");
}
const Registration noisy_answer{
    "noisy-answer", nullptr, {noise, call_read_twice, noise, call_on_and_off}};

// The reader passes many points while the writer stands still between its two writes, and then
// none: three constraints of order.
void read_long(void*) {
  if (read_once(state.flag) != 1) return;
  for (int i = 0; i < 14; ++i) write_once(state.data, i);
  if (read_once(state.flag) != 1) return;
  if (read_once(state.flag) == 0) ck_report("bug", "depth 3");
}
const Registration depth_three{"depth-three", nullptr, {read_long, on_and_off}};

}  // namespace
}  // namespace iommucheck::schedule::programs
