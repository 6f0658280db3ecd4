// SPDX-License-Identifier: MIT
// Programs whose number of traces is known: from the literature, or by counting on paper.
#include "checker/schedule/client.h"
#include "tests/checker/schedule/programs.h"

namespace iommucheck::schedule::programs {
namespace {

std::uintptr_t me(void* argument) { return reinterpret_cast<std::uintptr_t>(argument); }

// One write each, to one word.  n threads: n! traces.
void write_zero(void*) { shared.words[0] = 1; }
const Registration writers_3{"writers-3", nullptr, {write_zero, write_zero, write_zero}};
const Registration writers_4{
    "writers-4", nullptr, {write_zero, write_zero, write_zero, write_zero}};

// One writer, n readers: each reads before or after.  2^n traces.
void read_zero(void*) { static_cast<void>(shared.words[0]); }
const Registration readers_3{"readers-3", nullptr, {write_zero, read_zero, read_zero, read_zero}};
const Registration readers_8{"readers-8",
                             nullptr,
                             {write_zero, read_zero, read_zero, read_zero, read_zero, read_zero,
                              read_zero, read_zero, read_zero}};

// Everybody works on a word of its own.  One trace.
void write_own(void* argument) {
  for (int i = 0; i < 5; ++i) shared.words[8 * me(argument)] = i;
}
const Registration apart_4{"apart-4", nullptr, {write_own, write_own, write_own, write_own}};

// lastzero(n) of Abdulla et al.: thread 0 looks for the highest index that is zero, thread j adds
// one to element j - 1 and stores it into j.  (n + 2) 2^(n-1) traces... the optimal column of the
// paper's table: 64 for n = 5.
template <int N>
void find_last_zero(void*) {
  int i = N;
  while (shared.words[2 * i] != 0) --i;
}
void copy_up(void* argument) {
  const std::uintptr_t j = me(argument);
  const int below = shared.words[2 * (j - 1)];
  shared.words[2 * j] = below + 1;
}
const Registration last_zero_2{"lastzero-2", nullptr, {find_last_zero<2>, copy_up, copy_up}};
const Registration last_zero_5{
    "lastzero-5", nullptr, {find_last_zero<5>, copy_up, copy_up, copy_up, copy_up, copy_up}};

// Critical sections of one lock: n! traces; the counter is plain and never races.
void locked_increment(void*) {
  ck_lock(&shared.locks[0]);
  ++shared.plain[0];
  ck_unlock(&shared.locks[0]);
}
const Registration locked_3{
    "locked-3", nullptr, {locked_increment, locked_increment, locked_increment}};
const Registration locked_4{
    "locked-4", nullptr, {locked_increment, locked_increment, locked_increment, locked_increment}};

// Two locks each, always in the same order: 2 traces (who is first at the outer lock).
void nested(void*) {
  ck_lock(&shared.locks[0]);
  ck_lock(&shared.locks[1]);
  ++shared.plain[0];
  ck_unlock(&shared.locks[1]);
  ck_unlock(&shared.locks[0]);
}
const Registration nested_2{"nested-2", nullptr, {nested, nested}};

// Shared and exclusive: k readers of a rwsem and one writer: 2^k traces.
void down_read(void*) {
  ck_lock_shared(&shared.locks[0]);
  static_cast<void>(*const_cast<int*>(&shared.plain[0]));
  ck_unlock_shared(&shared.locks[0]);
}
void down_write(void*) {
  ck_lock(&shared.locks[0]);
  ++shared.plain[0];
  ck_unlock(&shared.locks[0]);
}
const Registration rwsem_3{"rwsem-3", nullptr, {down_write, down_read, down_read, down_read}};

// A reader section against a grace period: the section begins before it or after it: 2 traces.
void reader(void*) {
  ck_reader_begin();
  ck_reader_end();
}
void synchronizer(void*) { ck_synchronize(); }
const Registration grace_1{"grace-1", nullptr, {reader, synchronizer}};
// Two readers, each before or after: 4.
const Registration grace_2{"grace-2", nullptr, {reader, reader, synchronizer}};

// A try-lock against a critical section: before it, inside it (fails), behind it: 3.
void try_once(void*) {
  if (ck_trylock(&shared.locks[0]) != 0) ck_unlock(&shared.locks[0]);
}
const Registration try_1{"try-1", nullptr, {locked_increment, try_once}};

// Choices: 3 answers times 2.
void choose_three(void*) { shared.words[0] = static_cast<int>(ck_choose(3)); }
void choose_two(void*) { shared.words[8] = static_cast<int>(ck_choose(2)); }
const Registration choices{"choices", nullptr, {choose_three, choose_two}};

// A plain counter that races: found, then its accesses are scheduling points.  Two threads, each
// one read and one write of it: the interleavings of r w and r w up to exchange of the reads.
void racy(void*) {
  const int value = *const_cast<int volatile*>(&shared.words[0]);
  shared.words[0] = value + 1;
}
const Registration lost_update{"lost-update", nullptr, {racy, racy}};

// Message passing by a release store; what is passed is plain.
void send(void*) {
  shared.plain[0] = 42;
  __atomic_store_n(const_cast<int*>(&shared.words[0]), 1, __ATOMIC_RELEASE);
}
void receive(void*) {
  if (__atomic_load_n(const_cast<int*>(&shared.words[0]), __ATOMIC_ACQUIRE) == 1) {
    shared.words[8] = shared.plain[0];
  }
}
const Registration message{"message", nullptr, {send, receive}};

}  // namespace
}  // namespace iommucheck::schedule::programs
