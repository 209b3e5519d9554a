#include "experiments/comparison.h"

#include <gtest/gtest.h>

namespace placer {
namespace {

PlaceResult Result(std::int64_t nanoseconds, double wall = 1,
                   StepOutcome outcome = StepOutcome::kOk) {
  PlaceResult result;
  result.groups = GroupPlacement{DeviceId(0)};
  result.best = {outcome, Picoseconds(nanoseconds * 1000), outcome == StepOutcome::kOk ? 0 : 1};
  result.samples = 10;
  result.unique_samples = 5;
  result.wall = Seconds(wall);
  result.curve = {{10, result.best, result.wall}};
  return result;
}

TEST(CompareMethods, AveragesOverSeeds) {
  const Comparison comparison = CompareMethods({{"heft", false, {Result(100), Result(200)}}});
  const MethodSummary& heft = comparison.methods.at(0);
  EXPECT_EQ(heft.trials, 2U);
  EXPECT_EQ(heft.feasible, 2U);
  EXPECT_NEAR(heft.step_seconds->mean, 150e-9, 1e-18);
  EXPECT_NEAR(heft.step_seconds->min, 100e-9, 1e-18);
  EXPECT_NEAR(heft.step_seconds->max, 200e-9, 1e-18);
  EXPECT_EQ(heft.mean_samples, 10);
  EXPECT_EQ(heft.mean_unique, 5);
  EXPECT_FALSE(comparison.equal_wall);
}

TEST(CompareMethods, PairsSeedsWithTheBestHeuristic) {
  const Comparison comparison = CompareMethods({{"etf", false, {Result(300), Result(300)}},
                                                {"heft", false, {Result(100), Result(200)}},
                                                {"annealing", true, {Result(50), Result(180)}}});
  ASSERT_EQ(comparison.best_heuristic, 1U);
  EXPECT_NEAR(*comparison.methods[0].change, (2.0 + 0.5) / 2, 1e-12);
  EXPECT_NEAR(*comparison.methods[1].change, 0, 1e-12);
  EXPECT_NEAR(*comparison.methods[2].change, (-0.5 - 0.1) / 2, 1e-12);
  EXPECT_FALSE(comparison.methods[2].change_interval);  // two seeds are too few
}

TEST(CompareMethods, GivesAnIntervalFromFiveSeedsOn) {
  const std::vector<PlaceResult> reference(5, Result(100));
  const Comparison comparison = CompareMethods(
      {{"heft", false, reference},
       {"annealing", true, {Result(81), Result(82), Result(83), Result(84), Result(85)}}});
  const auto& interval = comparison.methods[1].change_interval;
  ASSERT_TRUE(interval);
  EXPECT_NEAR(interval->mean, -0.17, 1e-9);
  EXPECT_NEAR(interval->high, -0.17 + 0.0196324, 1e-6);  // see MeanInterval95's test, in percent
}

TEST(CompareMethods, LeavesInfeasibleTrialsOutAndSaysSo) {
  const Comparison comparison = CompareMethods(
      {{"round_robin", false, {Result(10, 1, StepOutcome::kOutOfMemory), Result(20)}},
       {"heft", false, {Result(100), Result(100)}},
       {"single_device", false, {Result(5, 1, StepOutcome::kOutOfMemory), PlaceResult()}}});
  EXPECT_EQ(comparison.methods[0].feasible, 1U);
  EXPECT_NEAR(comparison.methods[0].step_seconds->mean, 20e-9, 1e-18);
  EXPECT_FALSE(comparison.methods[0].change);
  EXPECT_EQ(comparison.best_heuristic, 1U);  // 20 ns once in two is not better than 100 ns twice
  EXPECT_EQ(comparison.methods[2].feasible, 0U);
  EXPECT_FALSE(comparison.methods[2].step_seconds);
}

TEST(CompareMethods, SecondColumnStopsAtTheQuickestBudgetedMethod) {
  PlaceResult slow = Result(50, 8);
  slow.curve = {{1, {StepOutcome::kOutOfMemory, Picoseconds(1), 9}, Seconds(0.5)},
                {2, {StepOutcome::kOk, Picoseconds(90'000), 0}, Seconds(1)},
                {5, {StepOutcome::kOk, Picoseconds(70'000), 0}, Seconds(3)},
                {10, slow.best, Seconds(8)}};
  PlaceResult late = Result(40, 8);  // nothing known before 8 s
  const Comparison comparison = CompareMethods({{"heft", false, {Result(100, 0.1)}},
                                                {"random", true, {Result(95, 2)}},
                                                {"annealing", true, {slow}},
                                                {"reinforce", true, {late}}});
  ASSERT_TRUE(comparison.equal_wall);
  EXPECT_DOUBLE_EQ(comparison.equal_wall->count(), 2);
  EXPECT_NEAR(comparison.methods[0].equal_wall_seconds->mean, 100e-9, 1e-18);
  EXPECT_NEAR(comparison.methods[1].equal_wall_seconds->mean, 95e-9, 1e-18);
  EXPECT_NEAR(comparison.methods[2].equal_wall_seconds->mean, 90e-9, 1e-18);
  EXPECT_FALSE(comparison.methods[3].equal_wall_seconds);
}

TEST(BestBy, IgnoresWhatDoesNotFit) {
  PlaceResult result;
  result.curve = {{1, {StepOutcome::kOutOfMemory, Picoseconds(1), 9}, Seconds(1)}};
  EXPECT_FALSE(BestBy(result, Seconds(5)));
  EXPECT_FALSE(BestBy(PlaceResult(), Seconds(5)));
}

}  // namespace
}  // namespace placer
