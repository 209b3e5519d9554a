#include "experiments/paper/yardsticks.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "graphs/base/error.h"
#include "runner/simulated_runner.h"
#include "tests/experiments/command_runner.h"
#include "tests/experiments/test_files.h"

namespace placer {
namespace {

using ::testing::HasSubstr;

Cluster DevicesWith(std::int64_t memory_bytes) {
  ClusterSpec spec = test::TwoDevices();
  for (Device& device : spec.devices) {
    device.memory_bytes = memory_bytes;
  }
  return Cluster(spec);
}

/// TwoBranches on two equal devices; the optimum is 131 ps.
struct Bench {
  explicit Bench(std::int64_t memory_bytes = 1'000'000) : cluster(DevicesWith(memory_bytes)) {}
  Cluster cluster;
  Graph graph = test::TwoBranches();
  CostModel costs{graph, cluster};
  SimulatedRunner runner{graph, cluster, costs};
  Problem problem{costs, runner, GroupByColocation(graph)};
};

PlaceResult Result(std::int64_t picoseconds, StepOutcome outcome = StepOutcome::kOk) {
  PlaceResult result;
  result.groups = GroupPlacement(4, DeviceId(0));
  result.best = {outcome, Picoseconds(picoseconds), 0};
  result.samples = 10;
  result.unique_samples = 5;
  return result;
}

constexpr YardstickProblem kToy{"toy", "zoo:toy", "zoo:pair", 4};

YardstickResult AssessToy(const std::vector<MethodTrials>& trials) {
  const Bench bench;
  return Assess(kToy, bench.problem, EnumerateGroupPlacements(bench.problem), trials);
}

TEST(Yardsticks, CountSeedsThatFoundAnOptimum) {
  const YardstickResult result = AssessToy(
      {{"search", true, {Result(131), Result(262), Result(131)}}, {"one", false, {Result(220)}}});
  EXPECT_EQ(result.optimum.best.step_time, Picoseconds(131));
  EXPECT_EQ(result.optimum.placements, 16);
  ASSERT_EQ(result.rows.size(), 2U);
  EXPECT_EQ(result.rows[0].found, 2U);
  EXPECT_EQ(result.rows[1].found, 0U);
  std::ostringstream table;
  YardstickTable(result).PrintMarkdown(table);
  EXPECT_THAT(table.str(), HasSubstr("| search | 1.333 | 1.000 | 2.000 | 2/3 | 3/3 | 10 | 5 |"));
  EXPECT_THAT(table.str(), HasSubstr("| one | 1.679 | 1.679 | 1.679 | 0/1 | 1/1 | 10 | 5 |"));
  const nlohmann::json json = ToJson(result);
  EXPECT_NEAR(json.at("methods").at(0).at("ratio").at("mean"), 4.0 / 3, 1e-9);
  EXPECT_EQ(json.at("methods").at(0).at("found_optimum"), 2);
  EXPECT_THAT(Headline(result), HasSubstr("toy (`zoo:toy` on `zoo:pair`): 4 ops in 4 groups"));
}

TEST(Yardsticks, WhatDoesNotFitFindsNothing) {
  const YardstickResult result =
      AssessToy({{"search", true, {Result(100, StepOutcome::kOutOfMemory)}}});
  EXPECT_EQ(result.rows[0].found, 0U);
  std::ostringstream table;
  YardstickTable(result).PrintMarkdown(table);
  EXPECT_THAT(table.str(), HasSubstr("| search | - | - | - | 0/1 | 0/1 |"));
  EXPECT_FALSE(ToJson(result).at("methods").at(0).contains("ratio"));
}

TEST(Yardsticks, AreNoneWhereNothingFits) {
  const Bench bench(/*memory_bytes=*/1);
  const EnumerationResult optimum = EnumerateGroupPlacements(bench.problem);
  EXPECT_THROW(static_cast<void>(Assess(kToy, bench.problem, optimum, {})), InfeasibleError);
}

TEST(Yardsticks, TheCommandStoresItsTable) {
  const test::TempDir dir;
  const std::string out = (dir / "new" / "folder").string();
  const test::CommandResult result =
      test::RunPlacer({"reproduce", "yardsticks", "--methods", "single_device,annealing",
                       "--groups", "3", "--samples", "30", "--seeds", "2", "--out", out});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("rnnlm, 2 GPUs"));
  const nlohmann::json json = nlohmann::json::parse(dir.Read("new/folder/yardsticks.json"));
  ASSERT_EQ(json.at("problems").size(), YardstickProblems().size());
  for (const nlohmann::json& problem : json.at("problems")) {
    EXPECT_EQ(problem.at("groups"), 3);
    EXPECT_EQ(problem.at("placements"), problem.at("devices") == 3 ? 27 : 125);
    for (const nlohmann::json& method : problem.at("methods")) {
      EXPECT_GE(method.at("ratio").at("min"), 1);
      EXPECT_LE(method.at("found_optimum"), 2);
    }
  }
  EXPECT_THAT(dir.Read("new/folder/yardsticks.md"), HasSubstr("| method | mean |"));
}

TEST(Yardsticks, TheCommandPrintsJsonAlone) {
  const test::CommandResult result =
      test::RunPlacer({"reproduce", "yardsticks", "--methods", "single_device", "--groups", "2",
                       "--samples", "5", "--seeds", "1", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.json().at("problems").size(), YardstickProblems().size());
}

}  // namespace
}  // namespace placer
