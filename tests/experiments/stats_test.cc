#include "experiments/stats.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <stdexcept>
#include <vector>

namespace placer {
namespace {

TEST(Summarize, GivesMeanExtremesAndDeviation) {
  const std::array<double, 4> values = {2, 4, 4, 6};
  const Sample sample = Summarize(values);
  EXPECT_EQ(sample.count, 4U);
  EXPECT_DOUBLE_EQ(sample.mean, 4);
  EXPECT_DOUBLE_EQ(sample.min, 2);
  EXPECT_DOUBLE_EQ(sample.max, 6);
  EXPECT_DOUBLE_EQ(sample.deviation, std::sqrt(8.0 / 3));
}

TEST(Summarize, OneValueHasNoDeviation) {
  EXPECT_EQ(Summarize(std::array<double, 1>{3}).deviation, 0);
  EXPECT_THROW(static_cast<void>(Summarize({})), std::logic_error);
}

// The table of percentage points printed in every textbook.
TEST(StudentQuantile, AgreesWithTheTable) {
  const std::array<std::array<double, 2>, 7> expected = {{{1, 12.7062},
                                                          {2, 4.3027},
                                                          {4, 2.7764},
                                                          {9, 2.2622},
                                                          {30, 2.0423},
                                                          {120, 1.9799},
                                                          {1e6, 1.95997}}};
  for (const auto& [degrees, t] : expected) {
    EXPECT_NEAR(StudentQuantile(0.975, degrees), t, 6e-5) << degrees;
  }
  EXPECT_NEAR(StudentQuantile(0.5, 3), 0, 1e-12);
}

TEST(StudentCdf, MatchesTheClosedForms) {
  for (const double t : {-3.0, -0.5, 0.0, 0.1, 1.0, 25.0}) {
    EXPECT_NEAR(StudentCdf(t, 1), 0.5 + std::atan(t) / std::acos(-1.0), 1e-12) << t;
    EXPECT_NEAR(StudentCdf(t, 2), 0.5 + t / (2 * std::sqrt(2 + t * t)), 1e-12) << t;
  }
}

TEST(MeanInterval95, IsTheTextbookInterval) {
  const std::array<double, 5> values = {1, 2, 3, 4, 5};
  const auto interval = MeanInterval95(values);
  ASSERT_TRUE(interval);
  EXPECT_DOUBLE_EQ(interval->mean, 3);
  // 2.7764 x sqrt(2.5) / sqrt(5)
  EXPECT_NEAR(interval->high - interval->mean, 1.96324, 1e-4);
  EXPECT_NEAR(interval->mean - interval->low, 1.96324, 1e-4);
  EXPECT_FALSE(MeanInterval95(std::array<double, 1>{1}));
}

TEST(MeanInterval95, EqualValuesLeaveNoDoubt) {
  const auto interval = MeanInterval95(std::array<double, 3>{2, 2, 2});
  ASSERT_TRUE(interval);
  EXPECT_EQ(interval->low, 2);
  EXPECT_EQ(interval->high, 2);
}

}  // namespace
}  // namespace placer
