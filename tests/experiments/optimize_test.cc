#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cost_model/placement_io.h"
#include "runner/simulated_runner.h"
#include "tests/experiments/command_runner.h"
#include "tests/experiments/test_files.h"

namespace placer {
namespace {

using test::CommandResult;
using test::RunPlacer;
using ::testing::HasSubstr;

class OptimizeTest : public ::testing::Test {
 protected:
  [[nodiscard]] CommandResult Optimize(const test::TestFiles& files,
                                       const std::vector<std::string>& more) const {
    std::vector<std::string> args = {"optimize",  files.model, "--cluster", files.cluster,
                                     "-o",        files.plan,  "--method",  "etf,annealing",
                                     "--samples", "200"};
    args.insert(args.end(), more.begin(), more.end());
    return RunPlacer(args);
  }
};

TEST_F(OptimizeTest, FindsTheBestPlanAndWritesIt) {
  const test::TestFiles files;
  const CommandResult result = Optimize(files, {"--space", "ops"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("Step time: 0.000 us"));  // picoseconds are below the units
  const SavedPlacement saved = ReadPlacement(files.plan);
  const Graph graph = test::TwoBranches();
  const Cluster cluster(test::TwoDevices());
  const Placement placement = Restore(saved, graph, cluster);
  const CostModel costs(graph, cluster);
  EXPECT_EQ(SimulatedRunner(graph, cluster, costs).Run(placement).step_time, Picoseconds(131));
  EXPECT_NEAR(saved.step_time_seconds.value(), 131e-12, 1e-18);
  EXPECT_EQ(saved.seed, 1U);
  EXPECT_FALSE(saved.method.empty());
}

TEST_F(OptimizeTest, JsonHoldsWhatTheTablesHold) {
  const test::TestFiles files;
  const CommandResult result = Optimize(files, {"--space", "ops", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const nlohmann::json json = result.json();
  EXPECT_EQ(json.at("problem").at("ops"), 4);
  EXPECT_NEAR(json.at("problem").at("bound_seconds"), 120e-12, 1e-18);
  const auto& best = json.at("best");
  EXPECT_TRUE(best.at("feasible"));
  EXPECT_NEAR(best.at("step_time_seconds"), 131e-12, 1e-18);
  EXPECT_NEAR(best.at("gap_limit"), 131.0 / 120 - 1, 1e-9);
  EXPECT_NEAR(json.at("best_single_device").at("step_time_seconds"), 220e-12, 1e-18);
  ASSERT_EQ(json.at("methods").size(), 2U);
  const auto& annealing = json.at("methods").at(1);
  EXPECT_EQ(annealing.at("method"), "annealing");
  EXPECT_EQ(annealing.at("samples"), 200);
  EXPECT_LE(annealing.at("unique_samples"), 16);
  EXPECT_NEAR(annealing.at("vs_single_device"), 131.0 / 220 - 1, 1e-9);
  double share = 0;
  for (const auto& part : best.at("critical_chain")) {
    share += part.at("share").get<double>();
  }
  EXPECT_NEAR(share, 1, 1e-9);
  EXPECT_EQ(best.at("devices").size(), 2U);
}

TEST_F(OptimizeTest, AutoRunsHeuristicsAndSearchesAtEqualSamples) {
  const test::TestFiles files;
  const nlohmann::json json = RunPlacer({"optimize", files.model, "--cluster", files.cluster,
                                         "--samples", "50", "--space", "ops", "--json"})
                                  .json();
  std::vector<std::string> labels;
  for (const auto& method : json.at("methods")) {
    labels.push_back(method.at("label"));
    if (method.at("label") == "annealing" || method.at("label") == "reinforce") {
      EXPECT_EQ(method.at("samples"), 50);
    }
  }
  EXPECT_THAT(labels, ::testing::IsSupersetOf({"single_device", "heft", "etf", "scotch", "expert",
                                               "annealing", "annealing x10"}));
  EXPECT_NEAR(json.at("best").at("step_time_seconds"), 131e-12, 1e-18);
}

TEST_F(OptimizeTest, SameSeedSamePlan) {
  const test::TestFiles files;
  const CommandResult one = Optimize(files, {"--seed", "7", "--jobs", "1"});
  const std::string first = files.dir.Read("plan.txtpb");
  const CommandResult two = Optimize(files, {"--seed", "7", "--jobs", "4"});
  EXPECT_EQ(one.code, 0);
  EXPECT_EQ(files.dir.Read("plan.txtpb"), first);
}

TEST_F(OptimizeTest, InfeasibleModelSaysWhatIsMissing) {
  ClusterSpec spec = test::TwoDevices();
  spec.devices[0].memory_bytes = 1;
  spec.devices[1].memory_bytes = 1;
  const test::TestFiles files(test::TwoBranches(), spec);
  const CommandResult result = Optimize(files, {});
  EXPECT_EQ(result.code, 3);
  EXPECT_EQ(test::Lines(result.err).size(), 1U) << result.err;
  EXPECT_THAT(result.err, HasSubstr("no feasible placement"));
  EXPECT_THAT(result.err, ::testing::ContainsRegex("needs [0-9]+ B of 1 B \\([0-9]+ B missing\\)"));
  EXPECT_FALSE(std::filesystem::exists(files.plan));
}

TEST_F(OptimizeTest, AModelTooLargeForAllDevicesIsProvenSo) {
  GraphBuilder builder("huge");
  const OpId weights = builder.AddOp(test::ComputeOp("weights", 0, OpRole::kParameter), {},
                                     {test::Bytes(3'000'000)});
  builder.AddOp(test::ComputeOp("use", 10), {builder.Output(weights)}, {test::Bytes(1)});
  const test::TestFiles files(std::move(builder).Build(), test::TwoDevices());
  const CommandResult result = Optimize(files, {});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, HasSubstr("no feasible placement exists: the model keeps 3.00 MB for the "
                                    "whole step, all devices have 2.00 MB (1.00 MB missing)"));
}

TEST_F(OptimizeTest, TimeAloneEndsTheSearch) {
  const test::TestFiles files;
  const CommandResult result = RunPlacer({"optimize", files.model, "--cluster", files.cluster,
                                          "--seconds", "0.2", "--method", "random", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_GT(result.json().at("methods").at(0).at("samples"), 0);
  EXPECT_LT(result.json().at("methods").at(0).at("wall_seconds"), 2);
}

TEST_F(OptimizeTest, StopBeforeTheFirstSampleWritesNothing) {
  const test::TestFiles files;
  std::stop_source source;
  source.request_stop();
  const CommandResult result = RunPlacer(
      {"optimize", files.model, "--cluster", files.cluster, "-o", files.plan}, source.get_token());
  EXPECT_EQ(result.code, 130);
  EXPECT_FALSE(std::filesystem::exists(files.plan));
}

TEST_F(OptimizeTest, MaxLoadHasNoScheduleAndItsOwnBound) {
  const test::TestFiles files;
  const CommandResult result =
      Optimize(files, {"--space", "ops", "--objective", "max-load", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const nlohmann::json json = result.json();
  // 220 ps over two devices; sending adds at least 11 on each side.
  EXPECT_NEAR(json.at("problem").at("bound_seconds"), 110e-12, 1e-18);
  EXPECT_GE(json.at("best").at("step_time_seconds"), 110e-12);
  EXPECT_TRUE(json.at("best").at("critical_chain").empty());
}

TEST(Compare, NamesTheBoundOfItsObjective) {
  const std::vector<std::string> args = {
      "compare", "zoo:inception_v3", "--cluster", "zoo:k80x2", "--methods",
      "heft",    "--samples",        "1",         "--seeds",   "1"};
  std::vector<std::string> pipelined = args;
  pipelined.insert(pipelined.end(), {"--objective", "max-load"});
  EXPECT_THAT(RunPlacer(args).out, HasSubstr("(critical path)"));
  EXPECT_THAT(RunPlacer(pipelined).out, HasSubstr("(load)"));
}

TEST(Compare, AddsAnnealingAndReportsEverySeed) {
  const test::TestFiles files;
  const CommandResult result =
      RunPlacer({"compare", files.model, "--cluster", files.cluster, "--methods", "heft,random",
                 "--samples", "40", "--seeds", "5", "--space", "ops", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("annealing added"));
  const nlohmann::json json = result.json();
  ASSERT_EQ(json.at("methods").size(), 3U);
  EXPECT_EQ(json.at("methods").at(2).at("method"), "annealing");
  EXPECT_EQ(json.at("seeds"), (std::vector<int>{1, 2, 3, 4, 5}));
  EXPECT_EQ(json.at("best_heuristic"), "heft");
  for (const auto& method : json.at("methods")) {
    EXPECT_EQ(method.at("trials").size(), 5U);
    EXPECT_EQ(method.at("feasible"), 5);
    EXPECT_EQ(method.at("vs_best_heuristic_95").size(), 2U);
  }
  EXPECT_EQ(json.at("methods").at(1).at("mean_samples"), 40);
  EXPECT_GT(json.at("equal_wall_seconds"), 0);
}

TEST(Compare, ResultsDoNotDependOnJobs) {
  const test::TestFiles files;
  const auto times = [&](const std::string& jobs) {
    const nlohmann::json json =
        RunPlacer({"compare", files.model, "--cluster", files.cluster, "--methods", "random",
                   "--samples", "9", "--seeds", "4", "--seed", "10", "--jobs", jobs, "--json"})
            .json();
    std::vector<double> all;
    for (const auto& method : json.at("methods")) {
      for (const auto& trial : method.at("trials")) {
        all.push_back(trial.at("step_seconds"));
      }
    }
    return all;
  };
  EXPECT_EQ(times("1").size(), 8U);
  EXPECT_EQ(times("1"), times("3"));
}

TEST(Compare, PrintsATable) {
  const test::TestFiles files;
  const CommandResult result = RunPlacer({"compare", files.model, "--cluster", files.cluster,
                                          "--methods", "all", "--samples", "20", "--seeds", "2"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("20 samples per method, 2 seeds"));
  EXPECT_THAT(result.out, HasSubstr("cross_entropy"));
  EXPECT_THAT(result.out, HasSubstr("vs heuristic"));
  EXPECT_THAT(result.out, HasSubstr("Head-room: "));
}

TEST(Compare, NothingFeasibleReturnsThree) {
  ClusterSpec spec = test::TwoDevices();
  spec.devices[0].memory_bytes = 1;
  spec.devices[1].memory_bytes = 1;
  const test::TestFiles files(test::TwoBranches(), spec);
  const CommandResult result = RunPlacer({"compare", files.model, "--cluster", files.cluster,
                                          "--methods", "annealing", "--samples", "20"});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, HasSubstr("no method found a feasible placement"));
}

}  // namespace
}  // namespace placer
