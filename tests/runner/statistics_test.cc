#include "runner/statistics.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <stdexcept>

#include "graphs/base/rng.h"

namespace placer {
namespace {

TEST(TrimmedMean, IsTheMeanOfFewValues) {
  const RobustMean mean = TrimmedMean(std::array<double, 3>{1, 2, 6});
  EXPECT_DOUBLE_EQ(mean.mean, 3);
  // t(0.975, 2) x sqrt(7) / sqrt(3)
  EXPECT_NEAR(mean.half_width, 4.302653 * std::sqrt(7.0) / std::sqrt(3.0), 1e-5);
}

TEST(TrimmedMean, DropsAFifthAtEitherEnd) {
  const RobustMean mean = TrimmedMean(std::array<double, 5>{1000, 2, 1, 3, 4});
  EXPECT_DOUBLE_EQ(mean.mean, 3);
  // Winsorised to 2 2 3 4 4: variance 1; three values kept of five.
  EXPECT_DOUBLE_EQ(mean.deviation, 1);
  EXPECT_NEAR(mean.half_width, 4.302653 * std::sqrt(5.0) / 3, 1e-5);
}

TEST(TrimmedMean, KnowsNothingOfTheSpreadOfOneValue) {
  const RobustMean mean = TrimmedMean(std::array<double, 1>{7});
  EXPECT_EQ(mean.mean, 7);
  EXPECT_TRUE(std::isinf(mean.half_width));
  EXPECT_THROW(static_cast<void>(TrimmedMean({})), std::logic_error);
}

// 95 of 100 intervals hold the true mean, also where every tenth value is an outlier on both sides.
TEST(TrimmedMean, CoversTheMean) {
  Rng rng(5);
  int covered = 0;
  constexpr int kTrials = 2000;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::array<double, 20> values{};
    for (double& value : values) {
      value = 10 + rng.Normal() * (rng.Below(10) == 0 ? 10 : 1);
    }
    const RobustMean mean = TrimmedMean(values);
    covered += mean.low() <= 10 && 10 <= mean.high() ? 1 : 0;
  }
  EXPECT_NEAR(covered / static_cast<double>(kTrials), 0.95, 0.02);
}

TEST(Median, IsTheMiddle) {
  EXPECT_EQ(Median(std::array<double, 3>{9, 1, 2}), 2);
  EXPECT_EQ(Median(std::array<double, 4>{9, 1, 2, 4}), 3);
  EXPECT_THROW(static_cast<void>(Median({})), std::logic_error);
}

}  // namespace
}  // namespace placer
