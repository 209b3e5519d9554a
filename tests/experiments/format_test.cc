#include "experiments/format.h"

#include <gtest/gtest.h>

#include <sstream>
#include <stdexcept>
#include <vector>

#include "experiments/table.h"

namespace placer {
namespace {

TEST(FormatCount, GroupsThreeDigits) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(1000), "1,000");
  EXPECT_EQ(FormatCount(-1234567), "-1,234,567");
  EXPECT_EQ(FormatCount(-123), "-123");
}

TEST(FormatTime, ChoosesTheUnitByTheColumn) {
  const auto unit = [](std::vector<double> seconds) {
    std::vector<Seconds> times;
    for (const double s : seconds) {
      times.emplace_back(s);
    }
    return UnitFor(times);
  };
  EXPECT_EQ(unit({1.5, 20}), TimeUnit::kSeconds);
  EXPECT_EQ(unit({0.5, 20}), TimeUnit::kSeconds);
  EXPECT_EQ(unit({0.653, 1.306}), TimeUnit::kMilliseconds);
  EXPECT_EQ(unit({24e-6, 0.324}), TimeUnit::kMilliseconds);
  EXPECT_EQ(unit({0.0, 5e-6}), TimeUnit::kMicroseconds);
  EXPECT_EQ(unit({0.0}), TimeUnit::kMilliseconds);
  EXPECT_EQ(unit({}), TimeUnit::kMilliseconds);
}

TEST(FormatTime, HasThreeDigitsAfterThePoint) {
  EXPECT_EQ(FormatTime(Seconds(1.23456)), "1.235 s");
  EXPECT_EQ(FormatTime(Seconds(0.0123456)), "12.346 ms");
  EXPECT_EQ(FormatTime(Picoseconds(1'500'000)), "1.500 us");
  EXPECT_EQ(FormatTime(Seconds(0.5), TimeUnit::kSeconds), "0.500 s");
}

TEST(FormatWall, NeedsNoMoreThanADigit) {
  EXPECT_EQ(FormatWall(Seconds(0.0412)), "41 ms");
  EXPECT_EQ(FormatWall(Seconds(0.9996)), "1.0 s");
  EXPECT_EQ(FormatWall(Seconds(75)), "75.0 s");
}

TEST(FormatPercent, SignsChangesButNotZero) {
  EXPECT_EQ(FormatPercent(0.1234), "12.3 %");
  EXPECT_EQ(FormatChange(0.1234), "+12.3 %");
  EXPECT_EQ(FormatChange(-0.0051), "-0.5 %");
  EXPECT_EQ(FormatChange(-0.0001), "0.0 %");
}

TEST(FormatFlops, UsesDecimalPrefixes) {
  EXPECT_EQ(FormatFlops(0), "0.00 FLOP");
  EXPECT_EQ(FormatFlops(999'999), "1.00 MFLOP");
  EXPECT_EQ(FormatFlops(8'200'000'000), "8.20 GFLOP");
}

TEST(Table, AlignsColumns) {
  Table table({{"name", Table::Align::kLeft}, {"n"}, {"", Table::Align::kLeft}});
  table.AddRow({"a", "1,000", "best"});
  table.AddRow({"longer", "7"});
  std::ostringstream out;
  table.Print(out);
  EXPECT_EQ(out.str(),
            "name        n\n"
            "------  -----  ----\n"
            "a       1,000  best\n"
            "longer      7\n");
}

TEST(Table, CountsCharactersAndNotBytes) {
  Table table({{"t"}, {"u", Table::Align::kLeft}});
  table.AddRow({"1 µs", "x"});
  table.AddRow({"10 s", "y"});
  std::ostringstream out;
  table.Print(out);
  EXPECT_EQ(out.str(),
            "   t  u\n"
            "----  -\n"
            "1 µs  x\n"
            "10 s  y\n");
}

TEST(Table, RefusesARowTooLong) {
  Table table({{"one"}});
  EXPECT_THROW(table.AddRow({"1", "2"}), std::logic_error);
}

}  // namespace
}  // namespace placer
