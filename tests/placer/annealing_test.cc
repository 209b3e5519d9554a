#include <gtest/gtest.h>

#include <algorithm>

#include "placer/detail/moves.h"
#include "placer/group_enumeration.h"
#include "placer/registry.h"
#include "tests/support/fake_runner.h"
#include "tests/support/test_problem.h"

namespace placer {
namespace {

using testing_support::CompleteCluster;
using testing_support::RandomDag;
using testing_support::TestProblem;

PlaceResult Anneal(const Problem& problem, std::int64_t samples, Seed seed) {
  return HeuristicPlacers().Make("annealing")->Place({problem, {samples, {}}, seed, {}, {}, {}});
}

class AnnealingOptimum : public testing::TestWithParam<int> {};

TEST_P(AnnealingOptimum, IsFoundOnARandomGraphOfTwelveOps) {
  const auto seed = static_cast<Seed>(GetParam());
  const TestProblem t(RandomDag(12, seed), CompleteCluster(3));
  const EnumerationResult optimum = EnumerateGroupPlacements(t.problem);
  EXPECT_EQ(Anneal(t.problem, 5000, seed).best, optimum.best);
}

INSTANTIATE_TEST_SUITE_P(TenGraphs, AnnealingOptimum, testing::Range(1, 11));

TEST(Annealing, IsATenthBetterThanRandomSearch) {
  const TestProblem t(RandomDag(100, 7), CompleteCluster(4));
  const PlaceResult random =
      HeuristicPlacers().Make("random")->Place({t.problem, {2000, {}}, 1, {}, {}, {}});
  EXPECT_LT(10 * Anneal(t.problem, 2000, 1).best.step_time, 9 * random.best.step_time);
}

TEST(Annealing, PassesOverPlacementsThatItHasSeen) {
  const TestProblem t(RandomDag(30, 2), CompleteCluster(3));
  const PlaceResult result = Anneal(t.problem, 1000, 1);
  EXPECT_EQ(result.samples, 1000);
  EXPECT_GT(result.unique_samples, 990);
}

TEST(Annealing, WalksOutOfWhatDoesNotFit) {
  const Graph graph = RandomDag(40, 5);
  const Cluster cluster = CompleteCluster(2);
  const CostModel costs(graph, cluster);
  // A device holds at most 24 ops: only splits near the half fit, single devices are far from it.
  const testing_support::FakeRunner runner(graph, cluster, [](const Placement& placement) {
    const auto devices = placement.device_of_op();
    const auto on_first = std::count(devices.begin(), devices.end(), DeviceId(0));
    const std::int64_t excess = std::max<std::int64_t>({0, on_first - 24, 40 - on_first - 24});
    return StepSummary{excess > 0 ? StepOutcome::kOutOfMemory : StepOutcome::kOk,
                       Picoseconds(1000 - on_first), excess};
  });
  const Problem problem(costs, runner, GroupByColocation(graph));
  const PlaceResult result = Anneal(problem, 500, 1);
  EXPECT_EQ(result.best.outcome, StepOutcome::kOk);
  EXPECT_EQ(result.best.step_time, Picoseconds(1000 - 24));
}

TEST(Moves, ChangeSomethingAndKeepToTheAllowedDevices) {
  GraphBuilder builder("g");
  Rng rng(3);
  for (std::size_t i = 0; i < 30; ++i) {
    Op op = testing_support::TimedOp("op" + std::to_string(i), 5);
    for (const char* name : {"d0", "d1", "d2"}) {
      if (rng.Below(2) == 0) {
        op.allowed_devices.emplace_back(name);
      }
    }
    std::vector<TensorId> inputs;
    if (i > 0) {
      inputs.push_back(builder.Output(OpId(rng.Below(i))));
    }
    builder.AddOp(op, inputs, {testing_support::Bytes(400)});
  }
  const TestProblem t(std::move(builder).Build(), CompleteCluster(3));
  MoveGenerator moves(t.problem);
  ASSERT_TRUE(moves.any());
  GroupPlacement groups;
  for (std::size_t g = 0; g < 30; ++g) {
    groups.push_back(t.problem.allowed_devices(GroupId(g)).front());
  }
  std::size_t largest = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto& changes = moves.Propose(groups, &rng);
    ASSERT_FALSE(changes.empty());
    largest = std::max(largest, changes.size());
    for (const auto& [group, device] : changes) {
      ASSERT_TRUE(t.problem.allowed(group, device));
      ASSERT_NE(groups[group.index()], device);
      groups[group.index()] = device;
    }
  }
  EXPECT_GT(largest, 5U);
}

TEST(Moves, ThereAreNoneWithoutAChoice) {
  const TestProblem t(RandomDag(5, 1), CompleteCluster(1));
  EXPECT_FALSE(MoveGenerator(t.problem).any());
}

}  // namespace
}  // namespace placer
