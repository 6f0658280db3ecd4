// SPDX-License-Identifier: MIT
// Sorts: which element a field belongs to, what its values mean, the same in both domains.
#include <gtest/gtest.h>

#include "core/machine.h"

namespace iommucheck {
namespace {

template <class D>
struct Slot : Record<D> {
  Slot(Scope<D> scope, Sort threads, unsigned n)
      : Record<D>(scope),
        owner(*this, "owner", n, Format{}.of(threads)),
        used(*this, "used", over(threads, n), 3U) {}
  Var<D> owner;
  Array<D, Var<D>> used;
};

/// Two PASIDs, two threads and a third process that is none of them.
template <class D>
struct Things : Machine<D> {
  Sort pasids = this->sort("pasids", 2), threads = this->sort("threads", 2);
  Scope<D> scope = this->root();
  Array<D, Slot<D>> slot{scope, "slot", over(pasids), threads, 3U};
  Var<D> readers{scope, "readers", 7, Format{Format::Kind::mask}.of(threads)};
  Var<D> pointer{scope, "pointer", 2, Format{Format::Kind::handle, {"object"}}};
  Element<D> id{scope, "ioasid", pasids};
  Var<D> plain{scope, "plain", 3};
};

using Coordinates = std::vector<std::array<unsigned, 3>>;

template <class D>
std::map<std::string, Coordinates> coordinates() {
  const Things<D> things;
  std::map<std::string, Coordinates> all;
  for (const FieldInfo& f : things.schema.fields()) {
    for (const Coordinate& c : f.coordinates) all[f.name].push_back({c.sort, c.element, c.stride});
  }
  return all;
}

TEST(Sorts, EveryFieldKnowsItsElements) {
  const std::map<std::string, Coordinates> expected{
      {"slot[0].owner", {{0, 0, 4}}},
      {"slot[0].used[0]", {{0, 0, 4}, {1, 0, 1}}},
      {"slot[0].used[1]", {{0, 0, 4}, {1, 1, 1}}},
      {"slot[0].used[2]", {{0, 0, 4}}},
      {"slot[1].owner", {{0, 1, 4}}},
      {"slot[1].used[0]", {{0, 1, 4}, {1, 0, 1}}},
      {"slot[1].used[1]", {{0, 1, 4}, {1, 1, 1}}},
      {"slot[1].used[2]", {{0, 1, 4}}},
  };
  EXPECT_EQ(coordinates<Concrete>(), expected);
  TermArena arena;
  EXPECT_EQ(coordinates<Symbolic>(), expected);
}

TEST(Sorts, ValuesAreElements) {
  Things<Concrete> things;
  things.sort("object", 2);  // a pool is found by its name, whenever it is declared
  const auto elements = [&](std::size_t field) {
    const auto e = things.schema.elements(things.schema.fields().at(field).format);
    return std::array<int, 3>{e.sort.exists() ? e.sort.number : -1, e.sort.size,
                              static_cast<int>(e.offset)};
  };
  EXPECT_EQ(elements(0), (std::array{1, 2, 1})) << "slot[0].owner";
  EXPECT_EQ(elements(8), (std::array{1, 2, 0})) << "readers";
  EXPECT_EQ(elements(9), (std::array{2, 2, 1})) << "pointer";
  EXPECT_EQ(elements(10), (std::array{0, 2, 1})) << "ioasid";
  EXPECT_EQ(elements(11)[0], -1) << "plain";
}

TEST(Sorts, AnElementReadsAsItsNumber) {
  Things<Concrete> things;
  things.context.begin_step();
  EXPECT_TRUE(things.id.none().bit());
  EXPECT_EQ(things.id.value().word(), 0xffff);
  things.id = 0;
  EXPECT_FALSE(things.id.none().bit());
  EXPECT_TRUE((things.id == 0U).bit());
  EXPECT_EQ(things.schema.print(things.context.words), "ioasid=0");
  things.id.clear();
  EXPECT_EQ(things.schema.print(things.context.words), "(all zero)");
  things.id = 2;
  EXPECT_TRUE(things.context.failed());
}

TEST(Sorts, WrongDeclarationsAreRefused) {
  Machine<Concrete> machine;
  const Sort three = machine.sort("three", 3);
  EXPECT_EQ(machine.sort("three", 3).number, three.number);
  EXPECT_THROW(machine.sort("three", 2), std::logic_error);
  Scope<Concrete> scope = machine.root();
  EXPECT_THROW(Var<Concrete>(scope, "narrow", 2, Format{}.of(three)), std::logic_error);
  EXPECT_THROW(Var<Concrete>(scope, "narrow", 3, Format{Format::Kind::mask}.of(three)),
               std::logic_error);
  Var<Concrete>(scope, "wide enough", 3, Format{}.of(three));
  Var<Concrete>(scope, "left out", 0, Format{}.of(three));
  EXPECT_THROW(over(three, 2), std::logic_error);
}

}  // namespace
}  // namespace iommucheck
