#include "experiments/picture/timeline.h"

#include <gmock/gmock.h>

#include "experiments/picture/timeline_rows.h"
#include "tests/experiments/picture/svg_reader.h"
#include "tests/experiments/test_files.h"

namespace placer {
namespace {

using test::SvgReader;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TimelineRow::Span Span(std::int64_t start, std::int64_t end, std::size_t kind = 0) {
  return {Picoseconds(start), Picoseconds(end), kind, 0};
}

TEST(Rasterize, LongSpansStandAlone) {
  const TimelineRow row{"r", false, {Span(0, 10), Span(15, 40, 1)}};
  const RasterRow raster = Rasterize(row, Picoseconds(100), 10);
  EXPECT_EQ(raster.alone.size(), 2U);
  EXPECT_THAT(raster.runs, IsEmpty());
}

TEST(Rasterize, ShortSpansShareTheirCells) {
  // Cells of 10 ps. In the first 4 of 10 are busy, mostly with kind 1; so they are in the second.
  const TimelineRow row{
      "r", false, {Span(0, 1), Span(4, 7, 1), Span(10, 13, 1), Span(14, 15, 1), Span(95, 100)}};
  const RasterRow raster = Rasterize(row, Picoseconds(100), 10);
  EXPECT_THAT(raster.alone, IsEmpty());
  ASSERT_EQ(raster.runs.size(), 2U);
  EXPECT_EQ(raster.runs[0].first, 0U);
  EXPECT_EQ(raster.runs[0].last, 1U);
  EXPECT_EQ(raster.runs[0].kind, 1U);
  EXPECT_DOUBLE_EQ(raster.runs[0].share, 0.4);
  EXPECT_EQ(raster.runs[0].num_spans, 4U);
  EXPECT_EQ(raster.runs[1].first, 9U);
  EXPECT_DOUBLE_EQ(raster.runs[1].share, 0.5);
}

TEST(Rasterize, SharesAreOfTheTimeThatLongSpansLeave) {
  const TimelineRow row{"r", false, {Span(0, 15), Span(15, 20)}};
  const RasterRow raster = Rasterize(row, Picoseconds(100), 10);
  ASSERT_EQ(raster.runs.size(), 1U);
  EXPECT_DOUBLE_EQ(raster.runs[0].share, 1);
}

/// TwoBranches with "right" on b: 142 ps, see test_files.h.
struct Step {
  Graph graph = test::TwoBranches();
  Cluster cluster{test::TwoDevices()};
  CostModel costs{graph, cluster};
  SimulatedRunner runner{graph, cluster, costs};
  Trace trace;
  Step() {
    Placement placement(graph.num_ops(), DeviceId(0));
    placement.set_device(*graph.FindOp("right"), DeviceId(1));
    static_cast<void>(runner.RunWithTrace(placement, &trace));
  }
};

TEST(RowsOf, HasDevicesAndUsedChannels) {
  const Step step;
  const std::vector<TimelineRow> rows = RowsOf(step.graph, step.cluster, step.trace);
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].name, "a");
  EXPECT_EQ(rows[0].busy(), Picoseconds(120));  // first, left, last
  EXPECT_EQ(rows[1].busy(), Picoseconds(100));
  EXPECT_EQ(rows[2].name, "a-b a->b");
  EXPECT_TRUE(rows[2].is_channel);
  EXPECT_EQ(rows[2].busy(), Picoseconds(11));
  EXPECT_EQ(EndOf(step.trace), Picoseconds(142));
}

TEST(Timeline, BarsAreWhereOpsAndCopiesRan) {
  const Step step;
  const SvgReader reader(DrawTimeline(step.graph, step.cluster, step.trace, "title"));
  const auto bars = reader.Find("rect", "device");
  ASSERT_EQ(bars.size(), 4U);
  ASSERT_EQ(reader.Find("rect", "channel").size(), 2U);
  const auto tip = [&](std::size_t i) { return SvgReader::Tooltip(bars[i]); };
  EXPECT_THAT(tip(0), HasSubstr("first"));
  EXPECT_THAT(tip(3), HasSubstr("right"));
  // 900 pixels for 142 ps.
  const double left = SvgReader::Number(bars[0], "x");
  EXPECT_NEAR(SvgReader::Number(bars[1], "x"), left + 900.0 * 10 / 142, 0.01);  // left
  EXPECT_NEAR(SvgReader::Number(bars[3], "x"), left + 900.0 * 21 / 142, 0.01);  // right
  EXPECT_NEAR(SvgReader::Number(bars[3], "width"), 900.0 * 100 / 142 - 0.4, 0.01);
  EXPECT_THAT(reader.Texts("legend"), ElementsAre("forward op", "copy of an activation"));
  EXPECT_THAT(reader.Texts(), Contains("84.5 %"));  // 120 / 142
  EXPECT_THAT(reader.Texts(), Contains("title"));
}

TEST(Timeline, AnEmptyStepIsDrawn) {
  const Cluster cluster(test::TwoDevices());
  const SvgReader reader(DrawTimeline(Graph(), cluster, Trace(), ""));
  EXPECT_THAT(reader.Find("rect", "device"), IsEmpty());
  EXPECT_THAT(reader.Texts(), Contains("a"));
}

TEST(Timeline, AHundredThousandOpsStayBelowAMegabyte) {
  GraphBuilder builder("chain");
  for (int i = 0; i < 100; ++i) {
    builder.AddOp(test::ComputeOp("op with a rather long name " + std::to_string(i), 1), {},
                  {test::Bytes(1)});
  }
  const Graph graph = std::move(builder).Build();
  const Cluster cluster(test::Switched(10));
  Trace trace;
  for (std::int64_t i = 0; i < 100'000; ++i) {
    const auto device = static_cast<std::size_t>(i % 10);
    const std::int64_t start = i / 10 * 20;
    trace.ops.push_back({OpId(static_cast<std::size_t>(i % 100)), DeviceId(device),
                         Picoseconds(start), Picoseconds(start + 1 + i / 700 % 19)});
    const auto route = cluster.route(DeviceId(device), DeviceId((device + 1) % 10));
    trace.transfers.push_back({static_cast<std::uint32_t>(i % 100), DeviceId((device + 1) % 10),
                               route[0], 1, Picoseconds(start), Picoseconds(start + 2),
                               Picoseconds(start + 2 + i % 11)});
  }
  const std::string picture = DrawTimeline(graph, cluster, trace, "many");
  EXPECT_LT(picture.size(), 1'000'000U);
  EXPECT_GT(SvgReader(picture).Find("rect", "device").size(), 100U);
}

}  // namespace
}  // namespace placer
