#include "experiments/paper/ablation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "placer/reinforce_options.h"

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
