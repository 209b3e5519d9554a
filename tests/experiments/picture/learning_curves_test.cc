#include "experiments/picture/learning_curves.h"

#include <gmock/gmock.h>

#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"
#include "tests/experiments/picture/svg_reader.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

using test::SvgReader;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(LearningCurves, DrawsTheMeanAndTheRangeOfSeeds) {
  const std::vector<LearningSeries> series = {
      {"method", {{{1, Seconds(0.04)}, {100, Seconds(0.02)}}, {{10, Seconds(0.03)}}}}};
  const SvgReader reader(DrawLearningCurves("curves", series, {{"expert", Seconds(0.05)}}));
  EXPECT_THAT(reader.Texts("legend"), ElementsAre("method", "expert"));
  EXPECT_THAT(reader.Texts("axes"), Contains("step time (ms)"));
  // From 10 samples on, where the second seed has found something: mean 35 ms, at the end 25 ms.
  // The y axis runs from 20 to 50 ms and 6 % more at both ends, on 340 pixels from 44 on.
  const auto lines = reader.Find("polyline", "lines");
  ASSERT_THAT(lines, SizeIs(1));
  const std::string points = SvgReader::Attribute(lines[0], "points");
  const auto y = [](double ms) { return 384 - (ms - 18.2) / 33.6 * 340; };
  const auto y_at = [&](std::size_t comma) { return std::stod(points.substr(comma + 1)); };
  EXPECT_NEAR(y_at(points.find(',')), y(35), 0.01);
  EXPECT_NEAR(y_at(points.rfind(',')), y(25), 0.01);
}

TEST(LearningCurves, ASeedWithoutAnythingLeavesTheSeriesOut) {
  const std::vector<LearningSeries> series = {{"half", {{{1, Seconds(1)}}, {}}}, {"none", {}}};
  const SvgReader reader(DrawLearningCurves("", series, {}));
  EXPECT_THAT(reader.Find("polyline", "lines"), IsEmpty());
  EXPECT_THAT(reader.Texts(), Contains("nothing to show"));
}

TEST(LearningCurves, ReadsMetrics) {
  const test::TempDir dir;
  ReplaceFile(dir / "metrics.jsonl",
              "{\"samples\":16,\"best_step_time_seconds\":0}\n"
              "{\"samples\":32,\"best_step_time_seconds\":0.5,\"update\":2}\n"
              "{\"samples\":48,\"feasible\":false,\"best_step_time_seconds\":0.1}\n"
              "garbage\n"
              "{\"samples\":\"many\",\"best_step_time_seconds\":0.1}\n"
              "{\"samples\":64,\"feasible\":true,\"best_step_time_seconds\":0.25}\n"
              "{\"samples\":80,\"best_st");
  const LearningCurve curve = ReadLearningCurve(dir / "metrics.jsonl");
  ASSERT_THAT(curve, SizeIs(2));
  EXPECT_EQ(curve[0].samples, 32);
  EXPECT_EQ(curve[1].best, Seconds(0.25));
  EXPECT_THROW(static_cast<void>(ReadLearningCurve(dir / "missing")), InputError);
}

TEST(LearningCurves, TakesTheCurveOfAResult) {
  PlaceResult result;
  result.curve = {{1, {StepOutcome::kOutOfMemory, Picoseconds(1), 5}, Seconds(0)},
                  {7, {StepOutcome::kOk, Picoseconds(2'000'000'000'000), 0}, Seconds(0)}};
  const LearningCurve curve = CurveOf(result);
  ASSERT_THAT(curve, SizeIs(1));
  EXPECT_EQ(curve[0].samples, 7);
  EXPECT_EQ(curve[0].best, Seconds(2));
}

}  // namespace
}  // namespace placer
