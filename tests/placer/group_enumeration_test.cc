#include "placer/group_enumeration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graphs/base/error.h"
#include "tests/support/fake_runner.h"
#include "tests/support/test_problem.h"

namespace placer {
namespace {

using testing::HasSubstr;
using testing_support::CompleteCluster;
using testing_support::FakeRunner;
using testing_support::RandomDag;

TEST(GroupEnumeration, RunsEveryPlacementOnceAndCountsOptima) {
  const Graph graph = RandomDag(4, 3);
  const Cluster cluster = CompleteCluster(3);
  const CostModel costs(graph, cluster);
  int runs = 0;
  // Best with exactly one of ops 1 to 3 on d2; all on d1 does not fit.
  const FakeRunner runner(graph, cluster, [&](const Placement& placement) {
    ++runs;
    int on_d1 = 0, on_d2 = 0;
    for (const DeviceId device : placement.device_of_op()) {
      on_d1 += device == DeviceId(1) ? 1 : 0;
      on_d2 += device == DeviceId(2) ? 1 : 0;
    }
    if (on_d1 == 3) {
      return StepSummary{StepOutcome::kOutOfMemory, Picoseconds(1), 5};
    }
    return StepSummary{StepOutcome::kOk, Picoseconds(10 + std::abs(on_d2 - 1)), 0};
  });
  const Problem problem(costs, runner, GroupByColocation(graph));
  const EnumerationResult result = EnumerateGroupPlacements(problem);
  EXPECT_EQ(result.placements, 27);  // the first op is tied to d0
  EXPECT_EQ(runs, 27);
  EXPECT_EQ(result.best.step_time, Picoseconds(10));
  EXPECT_EQ(result.optima, 3 * 4);
  EXPECT_EQ(result.groups, (GroupPlacement{DeviceId(0), DeviceId(0), DeviceId(0), DeviceId(2)}));
}

TEST(GroupEnumeration, RefusesWhatIsTooLarge) {
  const testing_support::TestProblem t(RandomDag(200, 3), CompleteCluster(3));
  try {
    (void)EnumerateGroupPlacements(t.problem);
    FAIL() << "no error";
  } catch (const InputError& e) {
    EXPECT_THAT(e.what(), HasSubstr("200 groups on 3 devices"));
    EXPECT_THAT(e.what(), HasSubstr("at most 20000000"));
  }
  const testing_support::TestProblem small(RandomDag(4, 3), CompleteCluster(3));
  EXPECT_THROW((void)EnumerateGroupPlacements(small.problem, 26), InputError);
  EXPECT_EQ(EnumerateGroupPlacements(small.problem, 27).placements, 27);
}

}  // namespace
}  // namespace placer
