#include "placer/plan_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_devices.h"

namespace placer {
namespace {

using testing::ElementsAre;

SavedPlacement Plan(std::vector<std::pair<std::string, std::string>> devices) {
  SavedPlacement plan;
  plan.device_of_op = std::move(devices);
  return plan;
}

TEST(PlanDiffTest, OpsByName) {
  const PlanDifference difference =
      ComparePlans(Plan({{"a", "x"}, {"b", "x"}, {"c", "y"}, {"old", "x"}}),
                   Plan({{"new", "x"}, {"c", "x"}, {"b", "x"}, {"a", "y"}}));
  EXPECT_THAT(difference.moved, ElementsAre(PlanDifference::Move{"a", "x", "y"},
                                            PlanDifference::Move{"c", "y", "x"}));
  EXPECT_THAT(difference.only_in_first, ElementsAre("old"));
  EXPECT_THAT(difference.only_in_second, ElementsAre("new"));
  EXPECT_EQ(difference.same, 1U);
}

/// A tensor of 5 bytes read on its own device, twice on a second and once on a third is cut twice.
TEST(PlanDiffTest, ATensorIsCutOncePerOtherDevice) {
  GraphBuilder builder("fan");
  const OpId from = builder.AddOp(test::ComputeOp("from", 1), {}, {test::Bytes(5)});
  for (const char* name : {"here", "there1", "there2", "elsewhere"}) {
    builder.AddOp(test::ComputeOp(name, 1), {builder.Output(from)}, {test::Bytes(7)});
  }
  const Graph graph = std::move(builder).Build();
  const Placement placement({DeviceId(0), DeviceId(0), DeviceId(1), DeviceId(1), DeviceId(2)});
  EXPECT_EQ(CutBytes(graph, placement), 10);
  EXPECT_EQ(CutBytes(graph, Placement(5, DeviceId(1))), 0);
}

}  // namespace
}  // namespace placer
