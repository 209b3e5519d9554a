#include "experiments/paper/ablation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "experiments/methods.h"
#include "graphs/base/error.h"
#include "placer/reinforce_options.h"
#include "tests/experiments/command_runner.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

using ::testing::HasSubstr;

CurvePoint PointAt(std::int64_t samples, double seconds, double wall,
                   StepOutcome outcome = StepOutcome::kOk) {
  CurvePoint point;
  point.samples = samples;
  point.best = {outcome, Picoseconds(static_cast<std::int64_t>(seconds * 1e12)), 0};
  point.wall = Seconds(wall);
  return point;
}

AblationTrial Trial() {
  return {1.0,
          {PointAt(1, 0.5, 0.1, StepOutcome::kOutOfMemory), PointAt(10, 2, 1), PointAt(40, 1.05, 3),
           PointAt(90, 1, 8)}};
}

TEST(Ablation, ArrivesWhereTheCurveIsWithinFivePercent) {
  const std::optional<Arrival> arrival = ArrivalOf(Trial(), 1.0);
  ASSERT_TRUE(arrival);
  EXPECT_EQ(arrival->samples, 40);
  EXPECT_EQ(arrival->wall_seconds, 3);
  EXPECT_EQ(ArrivalOf(Trial(), 2.0)->samples, 10);  // what does not fit does not count
  EXPECT_FALSE(ArrivalOf(Trial(), 0.9));
}

TEST(Ablation, TrialsSurviveTheirFile) {
  const AblationTrial trial = AblationTrialFrom(ToJson(Trial()));
  EXPECT_EQ(trial.step_seconds, 1.0);
  EXPECT_EQ(ToJson(trial), ToJson(Trial()));
}

TEST(Ablation, TheTableCountsSeedsThatArrived) {
  AblationTrial never = Trial();
  never.step_seconds = 2;
  never.curve.resize(2);
  const std::vector<AblationResult> results = {{{"row", "what"}, {Trial(), never}}};
  std::ostringstream out;
  AblationTable(results, 1.0).PrintMarkdown(out);
  EXPECT_THAT(out.str(), HasSubstr("| row | what | 1.500 | 1.000 | 2.000 | 1 of 2 | 40 | 3.0 |"));
}

TEST(Ablation, JsonHoldsWhatTheTableShows) {
  const std::vector<AblationResult> results = {{AblationRows()[1], {Trial()}}};
  const nlohmann::ordered_json row = ToJson(results, 0.8).at(0);
  EXPECT_EQ(row.at("row"), "hidden 512");
  EXPECT_EQ(row.at("options").at("hidden"), "512");
  EXPECT_EQ(row.at("ratio").at("mean"), 1.25);
  EXPECT_EQ(row.at("within_5_percent"), 0);
  EXPECT_FALSE(row.contains("median_samples"));
  EXPECT_EQ(ToJson(results, 1.0).at(0).at("median_samples"), 40);
}

TEST(Ablation, TheBestKnownIsTheLeastOfAllTrials) {
  AblationTrial better = Trial();
  better.step_seconds = 0.75;
  EXPECT_EQ(BestKnown(std::vector<AblationResult>{{{}, {Trial(), better}}, {{}, {Trial()}}}), 0.75);
}

TEST(Ablation, CurvesEndWhereTheySayAndBeginWhereSomethingFits) {
  AblationTrial nothing = Trial();
  nothing.curve.resize(1);
  const LearningSeries series = CurvesOf({{}, {Trial(), nothing}}, "label", 40);
  EXPECT_EQ(series.label, "label");
  ASSERT_EQ(series.seeds.size(), 1U);
  ASSERT_EQ(series.seeds[0].size(), 2U);
  EXPECT_EQ(series.seeds[0][0].samples, 10);
  EXPECT_EQ(series.seeds[0][1].best, Seconds(1.05));
}

TEST(Ablation, RowsAreChosenByName) {
  const std::vector<AblationRow> rows = ChosenRows("no-narrowing,default,reward sqrt(time)");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].name, "default");
  EXPECT_EQ(rows[1].name, "reward sqrt(time)");
  EXPECT_EQ(rows[2].name, "no narrowing");
  EXPECT_THROW((void)ChosenRows("default,nothing"), InputError);
  EXPECT_THROW((void)ChosenRows(","), InputError);
}

TEST(Ablation, TheCommandStoresTableAndPictureAndDoesNotRunTwice) {
  if (WhyNoLearning()) {
    GTEST_SKIP() << *WhyNoLearning();
  }
  const test::TempDir dir;
  const std::vector<std::string> args = {"reproduce", "ablation",
                                         "--model",   "zoo:rnnlm?unroll=2",
                                         "--cluster", "zoo:k80x2",
                                         "--groups",  "6",
                                         "--rows",    "default,no-narrowing",
                                         "--samples", "32",
                                         "--seeds",   "2",
                                         "--out",     dir / "out",
                                         "--json"};
  const test::CommandResult first = test::RunPlacer(args);
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.out, dir.Read("out/ablation.json"));
  ASSERT_EQ(first.json().at("rows").size(), 2U);
  EXPECT_EQ(first.json().at("rows").at(1).at("row"), "no narrowing");
  EXPECT_THAT(dir.Read("out/ablation.md"), HasSubstr("| no narrowing | of the elites |"));
  const std::string picture = dir.Read("out/presets-curves.svg");
  for (const char* label : {"preset default", "annealing", "expert", "single_device"}) {
    EXPECT_THAT(picture, HasSubstr(label));
  }
  EXPECT_EQ(test::RunPlacer(args).out, first.out);  // wall times too: nothing ran again
}

TEST(Ablation, EveryRowIsAnotherSetOfOptions) {
  std::set<std::string> seen;
  for (const AblationRow& row : AblationRows()) {
    ReinforceOptions options = ReinforcePreset(row.preset);
    SetReinforceOptions(row.options, options);
    EXPECT_TRUE(seen.insert(Describe(options)).second) << row.name;
  }
  EXPECT_EQ(AblationRows().front().name, "default");
  EXPECT_EQ(AblationRows().back().name, "paper");
}

}  // namespace
}  // namespace placer
