#include "experiments/fidelity.h"

#include <gtest/gtest.h>

#include <span>
#include <vector>

namespace placer {
namespace {

TEST(Summarize, ComputesErrorsAndNoise) {
  std::vector<FidelityPoint> points(3);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double time = static_cast<double>(i + 1);
    points[i].source = i == 2 ? "found" : "random";
    points[i].times = {time * 0.99, time * 1.01};
  }
  points[0].simulated = 1.1;
  points[1].simulated = 1.8;
  points[2].simulated = 3.0;
  const FidelitySummary all = Summarize(points);
  EXPECT_EQ(all.points, 3U);
  EXPECT_NEAR(all.mape, 0.2 / 3, 1e-12);
  EXPECT_NEAR(all.bias, 0, 1e-12);
  EXPECT_NEAR(all.spearman, 1, 1e-12);
  EXPECT_NEAR(all.repeat_noise, 0.02, 1e-12);
  EXPECT_NEAR(all.round_spearman, 1, 1e-12) << "both rounds have the same order";
  EXPECT_EQ(Summarize(points, "random").points, 2U);
  EXPECT_TRUE(IsFaithful(all));
}

TEST(Summarize, TellsHowFarRoundsAgree) {
  std::vector<FidelityPoint> points(4);
  const std::vector<std::vector<double>> times = {{1, 1, 2}, {2, 2, 1}, {3, 3, 3}, {4}};
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i].simulated = 1;
    points[i].times = times[i];
  }
  // Ranks 1 2 3 twice and 2 1 3: correlations 1, 0.5 and 0.5. The last was not measured thrice.
  EXPECT_NEAR(Summarize(points).round_spearman, 2.0 / 3, 1e-12);
  EXPECT_EQ(Summarize(std::span(points).last(1)).round_spearman, 0);
}

TEST(Summarize, OneDisturbedRoundDoesNotMoveAPoint) {
  FidelityPoint point;
  EXPECT_EQ(point.measured(), 0);
  point.times = {1.0, 4.0, 1.2};
  point.simulated = 1.2;
  EXPECT_DOUBLE_EQ(point.measured(), 1.2);
  EXPECT_DOUBLE_EQ(Summarize(std::span(&point, 1)).mape, 0);
}

// Placements of 1 to 2.6 s on a machine that gets 30 % slower while each is measured three times.
TEST(RemoveDrift, GivesPointsTheTimesOfASteadyMachine) {
  std::vector<FidelityPoint> points(40);
  std::vector<TimedItem> measured;
  for (std::size_t round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < points.size(); ++i) {
      const std::size_t item = (i * 7 + round * 13) % points.size();
      points[item].simulated = 1 + 0.04 * static_cast<double>(item);
      const double slowness = 0.85 + 0.3 * static_cast<double>(measured.size()) / 119;
      points[item].timing.times.push_back(points[item].simulated * slowness);
      measured.push_back({item, points[item].timing.times.back()});
    }
  }
  const DriftRange range = RemoveDrift(measured, points);
  EXPECT_NEAR(range.low, -0.15, 0.04) << "the window lies to one side at the ends";
  EXPECT_NEAR(range.high, 0.15, 0.04);
  const FidelitySummary steady = Summarize(points);
  EXPECT_EQ(steady.points, 40U);
  EXPECT_LT(steady.mape, 0.02);
  EXPECT_LT(steady.repeat_noise, 0.02);
  EXPECT_GT(steady.spearman, 0.99);
  const FidelitySummary drifting = Summarize(WithDrift(points));
  EXPECT_GT(drifting.repeat_noise, 0.08);
  EXPECT_LT(drifting.spearman, steady.spearman);
}

}  // namespace
}  // namespace placer
