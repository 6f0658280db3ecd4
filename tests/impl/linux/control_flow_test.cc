// SPDX-License-Identifier: MIT
// Blocks and branches are read from a disassembly.
#include "impl/linux/control_flow.h"

#include <gtest/gtest.h>

#include <string>

namespace iommucheck::linux_harness {
namespace {

std::string mark(const char* address) {
  return std::string{"  "} + address + ":\tcall   9000 <__sanitizer_cov_trace_pc>\n";
}

// if (a) b; c;
TEST(ControlFlow, AConditionHasTwoWays) {
  const ControlFlow flow = control_flow_of(
      "0000000000001000 <f>:\n"
      "  1000:\tpush   %rbp\n" +
      mark("1001") +
      "  1006:\ttest   %edi,%edi\n"
      "  1008:\tje     1020 <f+0x20>\n" +
      mark("100a") + "  100f:\tnop\n" + mark("1020") + "  1025:\tret\n");
  EXPECT_EQ(flow.blocks, (std::vector<std::uint64_t>{0x1005, 0x100e, 0x1024}));
  EXPECT_EQ(flow.branches,
            (std::vector<Branch>{{0x1005, 0x1008, 0x100e}, {0x1005, 0x1008, 0x1024}}));
}

// Behind jumps without a mark, over several comparisons.
TEST(ControlFlow, ASwitchHasAWayForEachCase) {
  const ControlFlow flow = control_flow_of("0000000000001000 <f>:\n" + mark("1000") +
                                           "  1005:\tcmp    $0x1,%edi\n"
                                           "  1008:\tje     1020 <f+0x20>\n"
                                           "  100a:\tcmp    $0x2,%edi\n"
                                           "  100d:\tjne    1040 <f+0x40>\n"
                                           "  100f:\tjmp    1030 <f+0x30>\n" +
                                           mark("1020") + "  1025:\tret\n" + mark("1030") +
                                           "  1035:\tret\n" + mark("1040") + "  1045:\tret\n");
  EXPECT_EQ(flow.branches,
            (std::vector<Branch>{
                {0x1004, 0x1008, 0x1024}, {0x1004, 0x1008, 0x1034}, {0x1004, 0x1008, 0x1044}}));
}

TEST(ControlFlow, ALoopIsABranch) {
  const ControlFlow flow =
      control_flow_of("0000000000001000 <f>:\n" + mark("1000") + "  1005:\tnop\n" + mark("1006") +
                      "  100b:\tjne    1006 <f+0x6>\n" + mark("100d") + "  1012:\tret\n");
  EXPECT_EQ(flow.branches,
            (std::vector<Branch>{{0x100a, 0x100b, 0x100a}, {0x100a, 0x100b, 0x1011}}));
}

// What stands behind is another block's, or another function's.
TEST(ControlFlow, NothingFollowsAReturnOrAPanicOrAJumpThatIsNotKnown) {
  for (const char* last : {"  1007:\tcall   8000 <panic>\n", "  1007:\tret\n", "  1007:\tud2\n",
                           "  1007:\tjmp    *0x10(%rip)        # 2000 <table>\n"}) {
    SCOPED_TRACE(last);
    const ControlFlow flow = control_flow_of(
        "0000000000001000 <f>:\n" + mark("1000") + "  1005:\tje     1020 <f+0x20>\n" + last +
        mark("100c") + "  1011:\tret\n" + mark("1020") + "  1025:\tret\n");
    EXPECT_EQ(flow.blocks.size(), 3U);
    EXPECT_TRUE(flow.branches.empty());
  }
}

TEST(ControlFlow, NothingRunsIntoTheNextFunction) {
  const ControlFlow flow =
      control_flow_of("0000000000001000 <f>:\n" + mark("1000") +
                      "  1005:\tje     1020 <f+0x20>\n"
                      "  1007:\tcall   8000 <ends_the_thread>\n"
                      "\n"
                      "000000000000100c <g>:\n" +
                      mark("100c") + "  1011:\tret\n" + mark("1020") + "  1025:\tret\n");
  EXPECT_TRUE(flow.branches.empty());
}

// Other calls return, and other functions have no marks.
TEST(ControlFlow, CallsReturn) {
  const ControlFlow flow =
      control_flow_of("0000000000001000 <f>:\n" + mark("1000") +
                      "  1005:\tcall   7000 <__tsan_read8>\n"
                      "  100a:\tje     1020 <f+0x20>\n"
                      "  100c:\tcall   7000 <panic_on_something>\n" +
                      mark("1011") + "  1016:\tret\n" + mark("1020") + "  1025:\tret\n");
  EXPECT_EQ(flow.branches.size(), 2U);
  EXPECT_TRUE(control_flow_of("").blocks.empty());
}

}  // namespace
}  // namespace iommucheck::linux_harness
