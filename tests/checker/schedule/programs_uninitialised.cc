// SPDX-License-Identifier: MIT
// Programs for the detector of memory that is read before anybody has written it.
#include "tests/checker/schedule/kernel_words.h"

namespace iommucheck::schedule::programs {
namespace {

const std::set<std::string> kUninitialised{"uninitialised read"};

void keep(Device* device) { state.device = device; }

void read_new(void*) {
  Device* device = kmalloc();
  use(device->id);
  ck_free(device);
}
void read_new_zeroed(void*) {
  Device* device = kzalloc();
  use(device->id);
  ck_free(device);
}
void read_new_marked(void*) {
  Device* device = kmalloc();
  use(read_once(device->id));
  ck_free(device);
}
void add_to_new(void*) {
  Device* device = kmalloc();
  __atomic_fetch_add(&device->users, 1, __ATOMIC_RELAXED);
  ck_free(device);
}
void write_first(void*) {
  Device* device = kmalloc();
  device->id = 1;
  write_once(device->users, 1);
  asm volatile("" : : : "memory");
  use(device->id);
  __atomic_fetch_add(&device->users, 1, __ATOMIC_RELAXED);
  ck_free(device);
}
// The neighbour in the same eight bytes is written.
void write_neighbour(void*) {
  Device* device = kmalloc();
  device->id = 1;
  use(device->users);
  ck_free(device);
}
const Expecting new_plain{"new_plain", kUninitialised, {read_new}};
const Expecting new_marked{"new_marked", kUninitialised, {read_new_marked}};
const Expecting new_modified{"new_modified", kUninitialised, {add_to_new}};
const Expecting new_neighbour{"new_neighbour", kUninitialised, {write_neighbour}};
const Expecting new_zeroed{"new_zeroed", {}, {read_new_zeroed}};
const Expecting new_written{"new_written", {}, {write_first}};

// Ranges, by code that is not instrumented.
constexpr unsigned kMany = 200, kHole = 70;
template <unsigned Read>
void write_ranges(void*) {
  auto* bytes = static_cast<unsigned char*>(ck_alloc(kMany, 8, 0));
  ck_write(bytes, kHole);
  ck_write(bytes + kHole + 1, kMany - kHole - 1);
  use(bytes[Read]);
  ck_free(bytes);
}
const Expecting new_hole{"new_hole", kUninitialised, {write_ranges<kHole>}};
const Expecting new_below_hole{"new_below_hole", {}, {write_ranges<kHole - 1>}};
const Expecting new_above_hole{"new_above_hole", {}, {write_ranges<kHole + 1>}};
const Expecting new_range_end{"new_range_end", {}, {write_ranges<kMany - 1>}};
void copy_padding(void*) {
  Device* from = kmalloc();
  Device* to = kmalloc();
  from->id = 1;
  ck_read(from, sizeof(*from));
  ck_write(to, sizeof(*to));
  use(to->id);
  ck_free(from);
  ck_free(to);
}
const Expecting new_copied{"new_copied", {}, {copy_padding}};

// clang 14 copies small structures in registers, which looks like a use of their padding, and calls
// memcpy() for others, which tells nobody.
#ifndef __clang__
struct Padded {
  long number;
  char letter;
};
void copy_structure(void*) {
  auto* from = kmalloc<Padded>();
  auto* to = kmalloc<Padded>();
  from->number = 1;
  from->letter = 'a';
  asm volatile("" : : : "memory");
  *to = *from;
  use(to->letter);
  ck_free(from);
  ck_free(to);
}
const Expecting new_structure{"new_structure", {}, {copy_structure}};
#endif

// What the set-up has written stays written, what it has not does not become so.
void set_up_half() {
  keep(kmalloc());
  state.device->id = 1;
}
void read_set_up(void*) { use(state.device->id); }
void write_or_read(void*) {
  if (ck_choose(2) == 0) state.device->users = 1;
  use(state.device->users);
}
const Expecting new_in_set_up{"new_in_set_up", {}, {read_set_up}, set_up_half};
const Expecting new_each_time{"new_each_time", kUninitialised, {write_or_read}, set_up_half};
// Nor does an address that an object of the execution before has used.
void write_or_read_new(void*) {
  Device* device = kmalloc();
  if (ck_choose(2) == 0) device->users = 1;
  use(device->users);
  ck_free(device);
}
const Expecting new_again{"new_again", kUninitialised, {write_or_read_new}};

// Published before it is ready, and in the right order.
void publish_early(void*) {
  Device* device = kmalloc();
  write_once(state.device, device);
  write_once(device->id, 1);
}
void publish_ready(void*) {
  Device* device = kmalloc();
  write_once(device->id, 1);
  write_once(state.device, device);
}
void look(void*) {
  const Device* device = read_once(state.device);
  if (device != nullptr) use(read_once(device->id));
}
const Expecting new_published_early{"new_published_early", kUninitialised, {publish_early, look}};
const Expecting new_published{"new_published", {}, {publish_ready, look}};

}  // namespace
}  // namespace iommucheck::schedule::programs
