// SPDX-License-Identifier: MIT
// Layout, packing, printing and diffing of states.
#include "core/schema.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <stdexcept>

namespace iommucheck {
namespace {

Schema random_schema() {
  Schema schema;
  const auto maxima =
      *rc::gen::nonEmpty(rc::gen::container<std::vector<std::uint32_t>>(rc::gen::oneOf(
          rc::gen::inRange<std::uint32_t>(0, 5), rc::gen::inRange<std::uint32_t>(0, 0x4000))));
  for (const std::uint32_t max : maxima) schema.add("f", max, {});
  return schema;
}

std::vector<std::uint32_t> random_values(const Schema& schema) {
  std::vector<std::uint32_t> values;
  for (const FieldInfo& f : schema.fields())
    values.push_back(*rc::gen::inRange<std::uint32_t>(0, f.max + 1));
  return values;
}

RC_GTEST_PROP(Schema, PackingLosesNothing, ()) {
  const Schema schema = random_schema();
  const auto values = random_values(schema);
  const auto packed = schema.pack(values);
  RC_ASSERT(packed.size() == schema.words());
  RC_ASSERT(schema.unpack(packed) == values);
}

RC_GTEST_PROP(Schema, SettingOneFieldLeavesTheOthers, ()) {
  const Schema schema = random_schema();
  auto values = random_values(schema);
  auto packed = schema.pack(values);
  const auto field = *rc::gen::inRange<std::uint32_t>(0, static_cast<std::uint32_t>(values.size()));
  values[field] = *rc::gen::inRange<std::uint32_t>(0, schema.fields()[field].max + 1);
  schema.set(packed, field, values[field]);
  RC_ASSERT(schema.unpack(packed) == values);
}

RC_GTEST_PROP(Schema, FieldsFitTheirWordsAndDoNotOverlap, ()) {
  const Schema schema = random_schema();
  std::vector<std::uint64_t> taken(schema.words());
  unsigned bits = 0;
  for (const FieldInfo& f : schema.fields()) {
    RC_ASSERT(f.width == std::bit_width(f.max));
    RC_ASSERT(f.shift + f.width <= 64);
    const std::uint64_t mask = ((1ULL << f.width) - 1) << f.shift;
    RC_ASSERT((taken[f.word] & mask) == 0U);
    taken[f.word] |= mask;
    bits += f.width;
  }
  RC_ASSERT(schema.bits() == bits);
}

RC_GTEST_PROP(Schema, DiffNamesWhatDiffers, ()) {
  const Schema schema = random_schema();
  const auto before = random_values(schema);
  const auto after = random_values(schema);
  std::size_t different = 0;
  for (std::size_t i = 0; i < before.size(); ++i) different += before[i] != after[i] ? 1U : 0U;
  RC_ASSERT(schema.diff(schema.pack(before), schema.pack(after)).size() == different);
  RC_ASSERT(schema.diff(schema.pack(before), schema.pack(before)).empty());
}

TEST(Schema, FirstFitFillsHoles) {
  Schema schema;
  for (int i = 0; i < 5; ++i) schema.add("wide", 0x3fff, {});  // 14 bits: four in a word, 8 left
  schema.add("small", 255, {});
  schema.add("next", 1, {});
  EXPECT_EQ(schema.fields()[4].word, 1U);
  EXPECT_EQ(schema.fields()[5].word, 0U);
  EXPECT_EQ(schema.fields()[5].shift, 56U);
  EXPECT_EQ(schema.fields()[6].word, 1U);
  EXPECT_EQ(schema.words(), 2U);
}

TEST(Schema, AFieldThatIsAlwaysZeroCostsNothing) {
  Schema schema;
  schema.add("nothing", 0, {});
  schema.add("something", 1, {});
  EXPECT_EQ(schema.bits(), 1U);
  EXPECT_EQ(schema.words(), 1U);
  EXPECT_EQ(schema.unpack(schema.pack(std::vector<std::uint32_t>{0, 1})),
            (std::vector<std::uint32_t>{0, 1}));
}

TEST(Schema, HasALimit) {
  Schema schema;
  const auto fill = [&] {
    for (unsigned i = 0; i <= 4 * Schema::kMaxWords; ++i) schema.add("wide", 0x3fff, {});
  };
  EXPECT_THROW(fill(), std::length_error);
}

TEST(Schema, Prints) {
  Schema schema;
  schema.add("count", 7, {});
  schema.add("flag", 1, {Format::Kind::flag, {}});
  schema.add("state", 2, {Format::Kind::names, {"idle", "busy", "done"}});
  schema.add("holders", 7, {Format::Kind::mask, {}});
  schema.add("handle", 2, {Format::Kind::handle, {"mm"}});
  const auto zero = schema.pack(std::vector<std::uint32_t>{0, 0, 0, 0, 0});
  const auto some = schema.pack(std::vector<std::uint32_t>{3, 1, 2, 5, 2});
  EXPECT_EQ(schema.print(zero), "(all zero)");
  EXPECT_EQ(schema.print(some), "count=3 flag=true state=done holders={0,2} handle=mm[1]");
  const auto changes = schema.diff(zero, some);
  ASSERT_EQ(changes.size(), 5U);
  EXPECT_EQ(changes[2].name, "state");
  EXPECT_EQ(changes[2].before, "idle");
  EXPECT_EQ(changes[2].after, "done");
  EXPECT_EQ(changes[4].before, "NULL");
}

}  // namespace
}  // namespace iommucheck
