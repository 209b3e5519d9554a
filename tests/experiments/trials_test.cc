#include "experiments/trials.h"

#include <gtest/gtest.h>

#include <atomic>
#include <sstream>

#include "experiments/methods.h"
#include "graphs/base/error.h"
#include "tests/support/test_problem.h"

namespace placer {
namespace {

using testing_support::CompleteCluster;
using testing_support::RandomDag;
using testing_support::TestProblem;

class TrialsTest : public ::testing::Test {
 protected:
  std::vector<PlaceResult> Run(const std::vector<TrialSpec>& specs, const TrialOptions& options) {
    ProgressMeter progress(console_, "test");
    return RunTrials(problem_.problem, registry_, specs, options, progress);
  }
  [[nodiscard]] static std::vector<TrialSpec> Specs(std::int64_t samples) {
    std::vector<TrialSpec> specs;
    for (Seed seed = 1; seed <= 3; ++seed) {
      for (const char* method : {"annealing", "random", "heft"}) {
        specs.push_back({method, Budget{samples, std::nullopt}, seed});
      }
    }
    return specs;
  }

  std::ostringstream out_, err_;
  const Console console_{out_, err_, false, {}};
  const TestProblem problem_{RandomDag(20, 1), CompleteCluster(3)};
  const PlacerRegistry registry_ = AllPlacers();
};

TEST_F(TrialsTest, ResultsDoNotDependOnJobs) {
  TrialOptions one, four;
  four.jobs = 4;
  const std::vector<PlaceResult> alone = Run(Specs(300), one);
  const std::vector<PlaceResult> together = Run(Specs(300), four);
  ASSERT_EQ(alone.size(), 9U);
  ASSERT_EQ(together.size(), 9U);
  for (std::size_t i = 0; i < alone.size(); ++i) {
    EXPECT_EQ(alone[i].groups, together[i].groups) << i;
    EXPECT_EQ(alone[i].best, together[i].best) << i;
    EXPECT_EQ(alone[i].samples, together[i].samples) << i;
    EXPECT_EQ(alone[i].unique_samples, together[i].unique_samples) << i;
  }
}

TEST_F(TrialsTest, AStopLeavesTheRestEmpty) {
  std::stop_source source;
  source.request_stop();
  TrialOptions options;
  options.stop = source.get_token();
  for (const PlaceResult& result : Run(Specs(300), options)) {
    EXPECT_TRUE(result.interrupted);
    EXPECT_FALSE(result.groups);
  }
}

TEST_F(TrialsTest, AStopFromWithinEndsTheTrial) {
  std::stop_source source;
  TrialOptions options;
  options.stop = source.get_token();
  options.on_progress = [&](std::size_t, const Progress&) { source.request_stop(); };
  const auto results = Run({{"random", Budget{std::int64_t{1} << 40, std::nullopt}, 1}}, options);
  EXPECT_TRUE(results.at(0).interrupted);
  EXPECT_TRUE(results.at(0).groups);
}

TEST_F(TrialsTest, ADeadlineEndsEveryTrial) {
  TrialOptions options;
  options.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  const auto results = Run({{"random", Budget{std::int64_t{1} << 40, std::nullopt}, 1},
                            {"annealing", Budget{std::int64_t{1} << 40, std::nullopt}, 1}},
                           options);
  EXPECT_TRUE(results.at(0).groups);
  EXPECT_FALSE(results.at(1).groups);  // its turn came after the deadline
  EXPECT_FALSE(results.at(1).interrupted);
}

TEST_F(TrialsTest, FailuresOfAMethodReachTheCaller) {
  TrialOptions options;
  options.jobs = 2;
  EXPECT_THROW(static_cast<void>(Run({{"none", Budget{1, std::nullopt}, 1}}, options)), InputError);
}

TEST_F(TrialsTest, TellsWhenATrialEnds) {
  TrialOptions options;
  options.jobs = 3;
  std::vector<std::atomic<int>> finished(9);
  options.on_finish = [&](std::size_t i, const PlaceResult& result) {
    finished[i] += static_cast<int>(result.groups.has_value());
  };
  static_cast<void>(Run(Specs(10), options));
  for (const auto& count : finished) {
    EXPECT_EQ(count, 1);
  }
}

TEST(ProgressMeter, TellsSamplesBestRateAndTimeLeft) {
  std::ostringstream out, err;
  const Console console{out, err, true, {}};
  ProgressMeter meter(console, "search");
  meter.StartTrials({2000, 2000});
  meter.Report(0, {1000, {StepOutcome::kOk, Picoseconds(2'000'000'000), 0}, Seconds(1)});
  meter.Report(1, {500, {StepOutcome::kOk, Picoseconds(3'000'000'000), 0}, Seconds(7)});
  meter.Report(1, {1000, {StepOutcome::kOk, Picoseconds(3'000'000'000), 0}, Seconds(14)});
  const std::string line = meter.Line();
  EXPECT_EQ(line.find("search: 2,000/4,000 samples, best 2.000 ms, "), 0U) << line;
  // The second trial is the slow one: 1,000 samples took 14 s.
  EXPECT_NE(line.find("/s, 14 s left"), std::string::npos) << line;
  meter.FinishTrial(0, 1000);  // a heuristic that needed no more
  EXPECT_EQ(meter.Line().find("search: 2,000/3,000 samples"), 0U) << meter.Line();
}

TEST(ProgressMeter, TimeLeftEndsAtTheDeadline) {
  std::ostringstream out, err;
  const Console console{out, err, true, {}};
  ProgressMeter meter(console, "search");
  meter.StartTrials({1'000'000}, std::chrono::steady_clock::now());
  meter.Report(0, {10, {StepOutcome::kOk, Picoseconds(5), 0}, Seconds(1)});
  EXPECT_NE(meter.Line().find(", 0 s left"), std::string::npos) << meter.Line();
}

TEST(ProgressMeter, SaysWhenNothingFits) {
  std::ostringstream out, err;
  const Console console{out, err, false, {}};
  ProgressMeter meter(console, "search");
  meter.StartTrials({100});
  meter.Report(0, {10, {StepOutcome::kOutOfMemory, Picoseconds(5), 100}, Seconds(1)});
  EXPECT_EQ(meter.Line().find("search: 10/100 samples, none fits yet"), 0U) << meter.Line();
}

}  // namespace
}  // namespace placer
