#include "experiments/picture/axis.h"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace placer {
namespace {

using Kind = AxisScale::Kind;
using ::testing::ElementsAre;

std::vector<std::string> Labels(const AxisScale& scale, std::size_t wanted) {
  std::vector<std::string> labels;
  for (const Tick& tick : scale.Ticks(wanted)) {
    labels.push_back(tick.label);
  }
  return labels;
}

TEST(AxisScale, MapsLinearly) {
  const AxisScale scale(Kind::kLinear, 10, 20, 100, 0);
  EXPECT_DOUBLE_EQ(scale.Pixel(10), 100);
  EXPECT_DOUBLE_EQ(scale.Pixel(12.5), 75);
  EXPECT_DOUBLE_EQ(scale.OnPixels(0, 1000).Pixel(12.5), 250);
}

TEST(AxisScale, MapsPowersOfTenEvenly) {
  const AxisScale scale(Kind::kLog, 1, 1000, 0, 300);
  EXPECT_DOUBLE_EQ(scale.Pixel(1), 0);
  EXPECT_DOUBLE_EQ(scale.Pixel(10), 100);
  EXPECT_DOUBLE_EQ(scale.Pixel(1000), 300);
}

TEST(AxisScale, TicksAreRound) {
  EXPECT_THAT(Labels({Kind::kLinear, 0, 1000, 0, 1}, 5),
              ElementsAre("0", "200", "400", "600", "800", "1,000"));
  EXPECT_THAT(Labels({Kind::kLinear, 0.11, 0.31, 0, 1}, 4),
              ElementsAre("0.15", "0.20", "0.25", "0.30"));
  EXPECT_THAT(Labels({Kind::kLinear, -0.1, 0.1, 0, 1}, 2), ElementsAre("-0.1", "0.0", "0.1"));
  EXPECT_THAT(Labels({Kind::kLog, 1, 10000, 0, 1}, 5),
              ElementsAre("1", "10", "100", "1,000", "10,000"));
  EXPECT_THAT(Labels({Kind::kLog, 0.01, 0.2, 0, 1}, 6),
              ElementsAre("0.01", "0.02", "0.05", "0.1", "0.2"));
  // Less than a decade: equal steps say more.
  EXPECT_THAT(Labels({Kind::kLog, 60, 95, 0, 1}, 4), ElementsAre("60", "70", "80", "90"));
}

TEST(AxisScale, NeverHasTicksOutsideOrTooMany) {
  for (const Kind kind : {Kind::kLinear, Kind::kLog}) {
    for (double low = 1e-9; low < 1e9; low *= 7) {
      for (double ratio = 1.0001; ratio < 1e12; ratio *= 3) {
        const AxisScale scale(kind, low, low * ratio, 0, 1);
        const std::vector<Tick> ticks = scale.Ticks(6);
        ASSERT_GE(ticks.size(), 2U) << low << " x " << ratio;
        ASSERT_LE(ticks.size(), 12U) << low << " x " << ratio;
        for (const Tick& tick : ticks) {
          ASSERT_GE(scale.Pixel(tick.value), -1e-3);
          ASSERT_LE(scale.Pixel(tick.value), 1 + 1e-3);
        }
      }
    }
  }
}

TEST(AxisScale, CoversWhatHasAPlace) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const std::array values = {nan, 2.0, infinity, 10.0, -infinity};
  const AxisScale scale = AxisScale::Covering(Kind::kLinear, values, 0.25, 0, 1);
  EXPECT_DOUBLE_EQ(scale.low(), 0);
  EXPECT_DOUBLE_EQ(scale.high(), 12);
  const std::array positive = {-5.0, 0.0, 10.0, 100.0};
  const AxisScale log = AxisScale::Covering(Kind::kLog, positive, 0, 0, 1);
  EXPECT_DOUBLE_EQ(log.low(), 10);
  EXPECT_DOUBLE_EQ(log.high(), 100);
  EXPECT_FALSE(log.Shows(0));
}

TEST(AxisScale, CoversNothingAndOneValue) {
  for (const Kind kind : {Kind::kLinear, Kind::kLog}) {
    const AxisScale none = AxisScale::Covering(kind, {}, 0.1, 0, 1);
    EXPECT_LT(none.low(), none.high());
    const std::array one = {42.0};
    const AxisScale single = AxisScale::Covering(kind, one, 0.1, 0, 1);
    EXPECT_NEAR(single.Pixel(42), 0.5, 1e-9);
  }
  const std::array zero = {0.0};
  EXPECT_NEAR(AxisScale::Covering(Kind::kLinear, zero, 0, 0, 1).Pixel(0), 0.5, 1e-9);
}

TEST(AxisScale, RefusesEmptyRanges) {
  EXPECT_THROW(AxisScale(Kind::kLinear, 1, 1, 0, 1), std::logic_error);
  EXPECT_THROW(AxisScale(Kind::kLog, 0, 1, 0, 1), std::logic_error);
  EXPECT_THROW(AxisScale(Kind::kLinear, 0, std::nan(""), 0, 1), std::logic_error);
}

}  // namespace
}  // namespace placer
