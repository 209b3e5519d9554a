#include "experiments/picture/chart.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include "experiments/picture/chart_frame.h"
#include "experiments/picture/palette.h"
#include "tests/experiments/picture/svg_reader.h"

namespace placer {
namespace {

using test::SvgReader;
using ::testing::Contains;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<Point> PointsOf(const pugi::xml_node& node) {
  std::vector<Point> points;
  std::istringstream stream(SvgReader::Attribute(node, "points"));
  char comma = ' ';
  for (Point point; stream >> point.x >> comma >> point.y;) {
    points.push_back(point);
  }
  return points;
}

/// The plot of a chart: from the two lines of its axes, which are drawn last in their group.
Box PlotOf(const SvgReader& reader) {
  const auto lines = reader.Find("line", "axes");
  const auto& y_axis = lines[lines.size() - 2];
  const auto& x_axis = lines[lines.size() - 1];
  const double x = SvgReader::Number(y_axis, "x1");
  const double y = SvgReader::Number(y_axis, "y1");
  return {x, y, SvgReader::Number(x_axis, "x2") - x, SvgReader::Number(y_axis, "y2") - y};
}

LineChart TwoLines() {
  LineChart chart{"two", {"samples"}, {"ms"}};
  chart.lines = {{"falling", {{0, 100, 90, 100}, {50, 40, 40, 60}, {100, 20, 0, 30}}},
                 {"flat", {{0, 50, 50, 50}, {100, 50, 50, 50}}}};
  chart.references = {{"baseline", 75}};
  return chart;
}

TEST(LineChart, PutsValuesWhereTheyBelong) {
  const SvgReader reader(DrawLineChart(TwoLines()));
  const Box plot = PlotOf(reader);
  const auto lines = reader.Find("polyline", "lines");
  ASSERT_EQ(lines.size(), 2U);
  const std::vector<Point> points = PointsOf(lines[0]);
  ASSERT_EQ(points.size(), 3U);
  // The y axis runs from -6 to 106: the values and 6 % at both ends.
  const auto y = [&](double value) { return plot.bottom() - (value + 6) / 112 * plot.height; };
  EXPECT_NEAR(points[0].x, plot.x, 0.01);
  EXPECT_NEAR(points[0].y, y(100), 0.01);
  EXPECT_NEAR(points[1].x, plot.x + plot.width / 2, 0.01);
  EXPECT_NEAR(points[1].y, y(40), 0.01);
  EXPECT_NEAR(points[2].y, y(20), 0.01);
  const auto bands = reader.Find("polygon", "lines");
  ASSERT_EQ(bands.size(), 2U);
  const std::vector<Point> band = PointsOf(bands[0]);
  ASSERT_EQ(band.size(), 6U);  // the upper edge to the right, the lower back
  EXPECT_NEAR(band[1].y, y(60), 0.01);
  EXPECT_NEAR(band[3].y, y(0), 0.01);
  const auto references = reader.Find("line", "references");
  ASSERT_EQ(references.size(), 1U);
  EXPECT_NEAR(SvgReader::Number(references[0], "y1"), y(75), 0.01);
  EXPECT_NE(SvgReader::Attribute(references[0], "stroke-dasharray"), "");
}

TEST(LineChart, LabelsEveryLineAndAxis) {
  const SvgReader reader(DrawLineChart(TwoLines()));
  EXPECT_THAT(reader.Texts("legend"), ElementsAre("falling", "flat", "baseline"));
  EXPECT_THAT(reader.Texts("axes"), Contains("samples"));
  EXPECT_THAT(reader.Texts("axes"), Contains("ms"));
  EXPECT_THAT(reader.Texts(), Contains("two"));
  const auto lines = reader.Find("polyline", "lines");
  EXPECT_EQ(SvgReader::Attribute(lines[0], "stroke"), CategoryColor(0));
  EXPECT_EQ(SvgReader::Attribute(lines[1], "stroke"), CategoryColor(1));
}

TEST(LineChart, LabelsOfLinesThatEndTogetherDoNotOverlap) {
  LineChart chart{"many", {"x"}, {"y"}};
  for (int i = 0; i < 30; ++i) {
    chart.lines.push_back({"line " + std::to_string(i), {{0, 1, 1, 1}, {1, 5, 5, 5}}});
  }
  const SvgReader reader(DrawLineChart(chart));
  std::vector<double> at;
  for (const auto& text : reader.Find("text", "legend")) {
    at.push_back(SvgReader::Number(text, "y"));
  }
  std::sort(at.begin(), at.end());
  for (std::size_t i = 1; i < at.size(); ++i) {
    EXPECT_GE(at[i] - at[i - 1], 12) << i;
  }
  EXPECT_LT(at.back(), SvgReader::Number(reader.root(), "height"));
}

TEST(LineChart, LeavesOutWhatHasNoPlace) {
  LineChart chart = TwoLines();
  chart.y.kind = AxisScale::Kind::kLog;
  chart.lines[1].points[0].y = std::nan("");
  chart.lines.push_back({"never", {{0, 0, 0, 0}, {1, -1, -1, -1}}});
  chart.references.push_back({"zero", 0});
  const SvgReader reader(DrawLineChart(chart));
  const auto lines = reader.Find("polyline", "lines");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(PointsOf(lines[0]).size(), 3U);
  EXPECT_EQ(reader.Find("circle", "lines").size(), 1U);  // one point is left of "flat"
  EXPECT_EQ(reader.Find("line", "references").size(), 1U);
  EXPECT_THAT(reader.Texts("legend"), ElementsAre("falling", "flat", "baseline"));
}

TEST(LineChart, NothingIsAnEmptyChart) {
  const SvgReader reader(DrawLineChart({"none", {"x"}, {"y"}}));
  EXPECT_THAT(reader.Texts(), Contains("nothing to show"));
  EXPECT_THAT(reader.Find("polyline"), IsEmpty());
}

TEST(LineChart, SameChartSameBytes) {
  EXPECT_EQ(DrawLineChart(TwoLines()), DrawLineChart(TwoLines()));
}

ScatterChart TwoClasses() {
  ScatterChart chart{"agreement", "simulated (ms)", "measured (ms)"};
  chart.classes = {{"random", {{0, 100, "first"}, {25, 50}}}, {"found", {{100, 75}}}};
  chart.remarks = {"MAPE 8.1 %"};
  return chart;
}

TEST(ScatterChart, BothAxesHaveTheSameRange) {
  const SvgReader reader(DrawScatterChart(TwoClasses()));
  const Box plot = PlotOf(reader);
  EXPECT_NEAR(plot.width, plot.height, 0.01);
  const auto points = reader.Find("circle", "points");
  ASSERT_EQ(points.size(), 3U);
  // Both axes run from -6 to 106.
  const auto x = [&](double value) { return plot.x + (value + 6) / 112 * plot.width; };
  const auto y = [&](double value) { return plot.bottom() - (value + 6) / 112 * plot.height; };
  EXPECT_NEAR(SvgReader::Number(points[0], "cx"), x(0), 0.01);
  EXPECT_NEAR(SvgReader::Number(points[0], "cy"), y(100), 0.01);
  EXPECT_NEAR(SvgReader::Number(points[2], "cx"), x(100), 0.01);
  EXPECT_NEAR(SvgReader::Number(points[2], "cy"), y(75), 0.01);
  EXPECT_EQ(SvgReader::Tooltip(points[0]), "first");
  EXPECT_EQ(SvgReader::Attribute(points[0].parent(), "fill"), CategoryColor(0));
  EXPECT_EQ(SvgReader::Attribute(points[2].parent(), "fill"), CategoryColor(1));
  EXPECT_THAT(reader.Texts("legend"), ElementsAre("random", "found", "MAPE 8.1 %"));
}

TEST(ScatterChart, EmptyAndOnePoint) {
  EXPECT_THAT(SvgReader(DrawScatterChart({"none", "x", "y"})).Texts(), Contains("nothing to show"));
  ScatterChart chart{"one", "x", "y"};
  chart.classes = {{"c", {{5, 5}}}};
  const SvgReader reader(DrawScatterChart(chart));
  const Box plot = PlotOf(reader);
  const auto points = reader.Find("circle", "points");
  ASSERT_EQ(points.size(), 1U);
  EXPECT_NEAR(SvgReader::Number(points[0], "cx"), plot.x + plot.width / 2, 0.01);
}

TEST(SpreadLabels, MovesOnlyWhatIsTooClose) {
  EXPECT_THAT(SpreadLabels({50, 10, 90}, 10, 0, 100), ElementsAre(50, 10, 90));
  EXPECT_THAT(SpreadLabels({50, 50, 52}, 10, 0, 100), ElementsAre(50, 60, 70));
  EXPECT_THAT(SpreadLabels({99, 98}, 10, 0, 100), ElementsAre(100, 90));
  EXPECT_THAT(SpreadLabels({-5}, 10, 0, 100), ElementsAre(0));
  EXPECT_THAT(SpreadLabels({}, 10, 0, 100), IsEmpty());
}

TEST(Palette, DevicesHaveDifferentColours) {
  ClusterSpec spec;
  spec.switches = {"s"};
  const auto add = [&](const std::string& name, const std::string& kind) {
    Device device;
    device.name = name;
    device.kind = kind;
    device.peak_flops_per_s.fill(1e12);
    device.memory_bytes_per_s = 1e12;
    device.memory_bytes = 1000;
    spec.devices.push_back(device);
    spec.links.push_back({name, name, "s", 1e9});
  };
  add("/cpu:0", "cpu");
  for (int i = 0; i < 8; ++i) {
    add("/gpu:" + std::to_string(i), "gpu");
  }
  const std::vector<std::string> colors = DeviceColors(Cluster(spec));
  ASSERT_EQ(colors.size(), 9U);
  EXPECT_EQ(colors[0], "#8c8c8c");
  EXPECT_EQ(colors[1], "#0072b2");
  EXPECT_EQ(std::set<std::string>(colors.begin(), colors.end()).size(), 9U);
}

TEST(Palette, RampRunsFromDarkToLight) {
  EXPECT_EQ(RampColor(0), "#440154");
  EXPECT_EQ(RampColor(0.25), "#3b528b");
  EXPECT_EQ(RampColor(1), RampColor(7));
  EXPECT_EQ(InkOn(RampColor(0)), "#ffffff");
  EXPECT_EQ(InkOn(RampColor(1)), "#000000");
}

}  // namespace
}  // namespace placer
