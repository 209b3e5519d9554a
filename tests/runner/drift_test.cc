#include "runner/drift.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "graphs/base/rng.h"

namespace placer {
namespace {

constexpr std::size_t kItems = 60;
constexpr std::size_t kRounds = 4;

/// Items of 1.0 to 1.6 s, each measured once a round, in a new order every round.
/// @param slowness  by position among all measurements
std::vector<TimedItem> MeasureInTurns(const std::function<double(std::size_t)>& slowness,
                                      double noise) {
  std::vector<TimedItem> measured;
  std::vector<std::size_t> order(kItems);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Rng rng(7);
  for (std::size_t round = 0; round < kRounds; ++round) {
    std::shuffle(order.begin(), order.end(), rng);
    for (const std::size_t item : order) {
      const double time = 1 + 0.01 * static_cast<double>(item);
      measured.push_back({item, time * slowness(measured.size()) * (1 + noise * rng.Normal())});
    }
  }
  return measured;
}

double Wave(std::size_t position) {
  return 1 + 0.08 * std::sin(0.03 * static_cast<double>(position));
}

/// Standard deviation of what measurements take against the mean of their item.
double Spread(std::span<const TimedItem> measured, std::span<const double> factors) {
  std::vector<double> sums(kItems);
  for (std::size_t i = 0; i < measured.size(); ++i) {
    sums[measured[i].item] += measured[i].seconds / factors[i];
  }
  double squares = 0;
  for (std::size_t i = 0; i < measured.size(); ++i) {
    const double mean = sums[measured[i].item] / kRounds;
    squares += std::pow(measured[i].seconds / factors[i] / mean - 1, 2);
  }
  return std::sqrt(squares / static_cast<double>(measured.size()));
}

TEST(DriftFactors, FollowTheMachine) {
  const std::vector<TimedItem> measured = MeasureInTurns(Wave, 0);
  const std::vector<double> factors = DriftFactors(measured);
  ASSERT_EQ(factors.size(), measured.size());
  double mean = 0;
  for (std::size_t i = 0; i < measured.size(); ++i) {
    mean += Wave(i) / static_cast<double>(measured.size());
  }
  double worst = 0;
  for (std::size_t i = 0; i < measured.size(); ++i) {
    worst = std::max(worst, std::abs(factors[i] * mean / Wave(i) - 1));
  }
  EXPECT_LT(worst, 0.03) << "at the ends and turns of a wave of 8 %";
  const std::vector<double> ones(measured.size(), 1.0);
  EXPECT_LT(Spread(measured, factors), 0.2 * Spread(measured, ones));
  EXPECT_NEAR(std::accumulate(factors.begin(), factors.end(), 0.0), kItems * kRounds, 1e-9);
}

TEST(DriftFactors, LeaveTheNoiseOfSingleMeasurements) {
  const std::vector<TimedItem> measured = MeasureInTurns([](std::size_t) { return 1.0; }, 0.03);
  const std::vector<double> ones(measured.size(), 1.0);
  const double before = Spread(measured, ones);
  const double after = Spread(measured, DriftFactors(measured));
  EXPECT_GT(after, 0.97 * before);
  EXPECT_LT(after, 1.10 * before) << "what the factors add themselves";
}

TEST(DriftFactors, FollowNoSingleDisturbance) {
  std::vector<TimedItem> measured = MeasureInTurns([](std::size_t) { return 1.0; }, 0);
  measured[100].seconds *= 4;
  for (const double factor : DriftFactors(measured)) {
    EXPECT_NEAR(factor, 1, 1e-9);
  }
}

TEST(DriftFactors, FollowAStepOfTheClockRate) {
  const auto slowness = [](std::size_t position) { return position < 120 ? 1.0 : 1.2; };
  const std::vector<TimedItem> measured = MeasureInTurns(slowness, 0.002);
  const std::vector<double> factors = DriftFactors(measured);
  EXPECT_NEAR(factors[200] / factors[50], 1.2, 0.01);
  EXPECT_NEAR(factors[125] / factors[115], 1.2, 0.02);
}

TEST(DriftFactors, KnowNothingFromItemsMeasuredOnce) {
  EXPECT_TRUE(DriftFactors({}).empty());
  std::vector<TimedItem> measured;
  for (std::size_t item = 0; item < 30; ++item) {
    measured.push_back({item, Wave(10 * item)});
  }
  for (const double factor : DriftFactors(measured)) {
    EXPECT_DOUBLE_EQ(factor, 1);
  }
}

/// The second of two rounds is 10 % slower. What its factors are against those of the first, on
/// average.
double SecondAgainstFirst(std::size_t items) {
  std::vector<TimedItem> measured;
  std::vector<std::size_t> order(items);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Rng rng(11);
  for (const double slowness : {1.0, 1.1}) {
    std::shuffle(order.begin(), order.end(), rng);
    for (const std::size_t item : order) {
      measured.push_back({item, slowness * (1 + 0.02 * static_cast<double>(item))});
    }
  }
  const std::vector<double> factors = DriftFactors(measured);
  const auto middle = factors.begin() + static_cast<std::ptrdiff_t>(items);
  return std::accumulate(middle, factors.end(), 0.0) /
         std::accumulate(factors.begin(), middle, 0.0);
}

TEST(DriftFactors, NeverTurnDriftAround) {
  for (std::size_t items = 1; items < 12; ++items) {
    EXPECT_DOUBLE_EQ(SecondAgainstFirst(items), 1) << items << " items: too few to know";
  }
  for (const std::size_t items : {12U, 16U, 20U, 40U, 100U}) {
    EXPECT_GT(SecondAgainstFirst(items), 1.03) << items;
    EXPECT_LT(SecondAgainstFirst(items), 1.101) << items;
  }
}

}  // namespace
}  // namespace placer
