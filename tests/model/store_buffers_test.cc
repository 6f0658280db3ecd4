// SPDX-License-Identifier: MIT
// Litmus tests of the weak memories: what may be seen at the end, as the literature says for SC,
// TSO and PSO.
#include "model/kernel/store_buffers.h"

#include <gtest/gtest.h>

#include "checker/explicit/explicit.h"

namespace iommucheck::model {
namespace {

constexpr unsigned kX = 0, kY = 1;

/// What a thread does: W x=1, R y, a barrier.
struct Access {
  enum Kind : std::uint8_t { store, release, load, wmb, mb } kind;
  unsigned location = 0, value = 0;
};
using Threads = std::vector<std::vector<Access>>;
/// The values that loads have got, thread by thread, and those of x and y in the end.
struct Final {
  std::vector<std::vector<unsigned>> loaded;
  std::optional<unsigned> x = {}, y = {};
};

ProcessBounds bounds_of(const Threads& threads) {
  ProcessBounds bounds;
  bounds.threads = static_cast<unsigned>(threads.size());
  bounds.calls = 1;
  bounds.threads_told_apart = true;
  return bounds;
}

template <class D>
struct Words : Record<D> {
  explicit Words(Scope<D> scope)
      : Record<D>(std::move(scope)), at(*this, "word", 2, 2U), loaded(*this, "loaded", 8, 2U) {}
  Array<D, Var<D>> at, loaded;  ///< two loads of each thread
};

class Litmus : public Design<Concrete> {
 public:
  using T = Cpu<Concrete>;
  Litmus(const Threads& threads, MemoryModel memory, const Final& end)
      : Design(bounds_of(threads)),
        words_(root().child("memory")),
        buffers_(
            *this, {.memory = memory, .stores = 3, .numbers = {"x", "y"}, .max = 2},
            [this](unsigned at) { return words_.at[at].value(); },
            [this](unsigned at, Val<Concrete> value) { words_.at[at] = value; }) {
    for (unsigned self = 0; self < threads.size(); ++self) add(self, threads[self]);
    property("seen", "This is not how it ends.", [this, end] { return !ends_in(end); });
    complete();
  }

 private:
  void add(unsigned self, const std::vector<Access>& accesses) {
    auto& p = program(fmt::format("P{}", self));
    p.arguments([self](T& t) { t.require(Bool<Concrete>(t.self() == self)); });
    unsigned loads = 0;
    for (const Access& access : accesses) {
      const unsigned into = 2 * self + loads;
      if (access.kind == Access::load) ++loads;
      p.step(fmt::format("{}: {} {}", p.steps().size(), access.location, access.value),
             [this, access, into](T& t) {
               switch (access.kind) {
                 case Access::store: buffers_.write_once(t, access.location, access.value); break;
                 case Access::release:
                   buffers_.store_release(t, access.location, access.value);
                   break;
                 case Access::load:
                   words_.loaded[into] = buffers_.read_once(t, access.location);
                   break;
                 case Access::wmb: buffers_.smp_wmb(t); break;
                 case Access::mb: buffers_.smp_mb(t); break;
               }
             });
    }
  }
  Bool<Concrete> ends_in(const Final& end) {
    bool holds = true;
    for (unsigned i = 0; i < process_count(); ++i) {
      const bool done = (thread()[i].pc == 0U && thread()[i].calls == 1U).bit();
      holds = holds && done && buffers_.empty(i).bit();
    }
    for (unsigned i = 0; i < end.loaded.size(); ++i) {
      for (unsigned k = 0; k < end.loaded[i].size(); ++k)
        holds = holds && words_.loaded[2 * i + k].value().word() == end.loaded[i][k];
    }
    if (end.x) holds = holds && words_.at[kX].value().word() == *end.x;
    if (end.y) holds = holds && words_.at[kY].value().word() == *end.y;
    return holds;
  }

  Words<Concrete> words_;
  StoreBuffers<Concrete> buffers_;
};

struct Row {
  const char* name;
  Threads threads;
  Final end;
  bool sc, tso, pso;  ///< whether it may end so
};

const Access kWx{Access::store, kX, 1}, kWy{Access::store, kY, 1}, kRx{Access::load, kX},
    kRy{Access::load, kY}, kWmb{Access::wmb}, kMb{Access::mb};
const Access kWx2{Access::store, kX, 2}, kWy2{Access::store, kY, 2};
const Access kReleaseY{Access::release, kY, 1};

std::vector<Row> rows() {
  return {
      {"SB", {{kWx, kRy}, {kWy, kRx}}, {{{0}, {0}}}, false, true, true},
      {"SB+mbs", {{kWx, kMb, kRy}, {kWy, kMb, kRx}}, {{{0}, {0}}}, false, false, false},
      {"SB+mb+po", {{kWx, kMb, kRy}, {kWy, kRx}}, {{{0}, {0}}}, false, true, true},
      {"SB+wmbs", {{kWx, kWmb, kRy}, {kWy, kWmb, kRx}}, {{{0}, {0}}}, false, true, true},
      {"SB+rfis", {{kWx, kRx, kRy}, {kWy, kRy, kRx}}, {{{1, 0}, {1, 0}}}, false, true, true},
      {"own store is seen", {{kWx, kRx}}, {{{0}}}, false, false, false},
      {"own newest store is seen", {{kWx, kWx2, kRx}}, {{{1}}}, false, false, false},
      {"MP", {{kWx, kWy}, {kRy, kRx}}, {{{}, {1, 0}}}, false, false, true},
      {"MP+wmb", {{kWx, kWmb, kWy}, {kRy, kRx}}, {{{}, {1, 0}}}, false, false, false},
      {"MP+release", {{kWx, kReleaseY}, {kRy, kRx}}, {{{}, {1, 0}}}, false, false, false},
      {"MP, barrier too early", {{kWmb, kWx, kWy}, {kRy, kRx}}, {{{}, {1, 0}}}, false, false, true},
      {"MP, barrier too late", {{kWx, kWy, kWmb}, {kRy, kRx}}, {{{}, {1, 0}}}, false, false, true},
      {"CoRR", {{kWx, kWx2}, {kRx, kRx}}, {{{}, {2, 1}}}, false, false, false},
      {"CoWW", {{kWx, kWx2}}, {{{}}, 1}, false, false, false},
      {"2+2W", {{kWx, kWy2}, {kWy, kWx2}}, {{{}, {}}, 1, 1}, false, false, true},
      {"2+2W+wmbs", {{kWx, kWmb, kWy2}, {kWy, kWmb, kWx2}}, {{{}, {}}, 1, 1}, false, false, false},
      {"LB", {{kRx, kWy}, {kRy, kWx}}, {{{1}, {1}}}, false, false, false},
      {"IRIW",
       {{kWx}, {kWy}, {kRx, kRy}, {kRy, kRx}},
       {{{}, {}, {1, 0}, {1, 0}}},
       false,
       false,
       false},
      {"R", {{kWx, kWy}, {kWy2, kRx}}, {{{}, {0}}, {}, 2}, false, true, true},
      {"S", {{kWx2, kWy}, {kRy, kWx}}, {{{}, {1}}, 2}, false, false, true},
      {"WRC", {{kWx}, {kRx, kWy}, {kRy, kRx}}, {{{}, {1}, {1, 0}}}, false, false, false},
  };
}

class StoreBufferLitmus : public testing::TestWithParam<Row> {};

TEST_P(StoreBufferLitmus, EndsAsTheMemoryAllows) {
  const Row& row = GetParam();
  const auto may_end_so = [&](MemoryModel memory) {
    const auto result = checker::explore([&] {
      auto machine = std::make_unique<Litmus>(row.threads, memory, row.end);
      EXPECT_TRUE(machine->check_only("seen"));
      return machine;
    });
    EXPECT_NE(result.verdict, checker::Verdict::unknown);
    return result.verdict == checker::Verdict::violated;
  };
  EXPECT_EQ(may_end_so(MemoryModel::sc), row.sc);
  EXPECT_EQ(may_end_so(MemoryModel::tso), row.tso);
  EXPECT_EQ(may_end_so(MemoryModel::pso), row.pso);
}

std::string test_name(const testing::TestParamInfo<Row>& row) {
  std::string name = row.param.name;
  for (char& letter : name) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  }
  return name;
}
INSTANTIATE_TEST_SUITE_P(All, StoreBufferLitmus, testing::ValuesIn(rows()), test_name);

}  // namespace
}  // namespace iommucheck::model
