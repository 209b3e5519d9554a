#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "experiments/environment.h"
#include "experiments/report/method_table.h"
#include "experiments/report/plan_view.h"
#include "experiments/report/report_builder.h"
#include "experiments/report/report_page.h"
#include "experiments/report/run_source.h"
#include "experiments/sweep/sweep_store.h"
#include "graphs/base/error.h"
#include "tests/experiments/command_runner.h"
#include "tests/experiments/test_files.h"

namespace placer {
namespace {

using test::CommandResult;
using test::RunPlacer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

class ReportTest : public ::testing::Test {
 protected:
  /// A run of two seeds; everything is decided op by op.
  void Train(const test::TestFiles& files, const std::string& method = "annealing",
             const std::string& folder = "run", int samples = 60) const {
    std::filesystem::create_directories((files.dir / folder).parent_path());
    const std::string config = files.dir.Write(
        folder + ".txtpb", "name: \"toy\" model: \"" + files.model + "\" cluster: \"" +
                               files.cluster + "\" output_dir: \"" + Path(files, folder) +
                               "\" method: \"" + method + "\" samples: " + std::to_string(samples) +
                               " seeds: [3, 1] space: \"ops\"");
    ASSERT_EQ(RunPlacer({"train", config}).code, 0);
  }
  static std::string Path(const test::TestFiles& files, const std::string& name) {
    return (files.dir / name).string();
  }
  static nlohmann::json Report(const std::string& path, const std::string& baselines) {
    const CommandResult result = RunPlacer({"report", path, "--baselines", baselines, "--json"});
    EXPECT_EQ(result.code, 0) << result.err;
    return result.json();
  }
  /// The row of the table for a method.
  static nlohmann::json RowOf(const nlohmann::json& problem, const std::string& label) {
    for (const auto& row : problem.at("rows")) {
      if (problem.at("methods").at(row.at("method").get<std::size_t>()).at("label") == label) {
        return row;
      }
    }
    return nullptr;
  }

  struct SweepTrial {
    ExperimentConfig config;        ///< with one seed
    std::optional<double> seconds;  ///< its step time; nothing: it has not begun
  };
  /// @param plan  what every trial found
  static void WriteSweep(const std::filesystem::path& path, std::vector<SweepTrial> trials,
                         const SavedPlacement& plan) {
    SweepStore store = SweepStore::Open(path);
    std::vector<PlannedTrial> planned;
    for (std::size_t t = 0; t < trials.size(); ++t) {
      trials[t].config.output_dir.clear();
      planned.push_back(
          {std::to_string(1'000'000'000'000'000U + t), ExperimentToText(trials[t].config), {}});
    }
    store.SetPlan("toys", "name: \"toys\"", planned);
    for (std::size_t t = 0; t < trials.size(); ++t) {
      if (trials[t].seconds) {
        TrialResult result;
        result.metrics = {{"feasible", 1}, {"step_time_seconds", *trials[t].seconds}};
        result.curve = {{10, Seconds(*trials[t].seconds)}};
        result.placement = plan;
        ASSERT_TRUE(store.Claim(planned[t].key));
        store.Finish(planned[t].key, result);
      }
    }
  }
  static ExperimentConfig WithSeed(ExperimentConfig config, Seed seed) {
    config.seeds = {seed};
    return config;
  }

  test::TestFiles files_;
};

TEST_F(ReportTest, ShowsTheRunAndItsOptimum) {
  Train(files_);
  const nlohmann::json report = Report(Path(files_, "run"), "none");
  ASSERT_EQ(report.at("problems").size(), 1U);
  const nlohmann::json& problem = report.at("problems").at(0);
  // 131 ps is the optimum of TwoBranches on TwoDevices (test_files.h).
  EXPECT_DOUBLE_EQ(RowOf(problem, "annealing").at("step_seconds").at("min"), 131e-12);
  const nlohmann::json& plan = problem.at("plans").at(0);
  EXPECT_DOUBLE_EQ(plan.at("step").at("step_time_seconds"), 131e-12);
  EXPECT_EQ(plan.at("device_of_group").size(), 4U);
  EXPECT_EQ(problem.at("graph").at("groups").at("name").size(), 4U);
  EXPECT_THAT(problem.at("sources").at(0).at("config").get<std::string>(), HasSubstr("annealing"));
  EXPECT_EQ(problem.at("sources").at(0).at("environments").size(), 1U);
}

TEST_F(ReportTest, CriticalSpansCoverTheStep) {
  Train(files_);
  const nlohmann::json report = Report(Path(files_, "run"), "none");
  std::int64_t critical = 0;
  for (const auto& row : report.at("problems").at(0).at("plans").at(0).at("timeline").at("rows")) {
    const auto spans = row.at("spans").get<std::vector<std::int64_t>>();
    const std::size_t stride = row.at("channel").get<bool>() ? 8 : 5;
    for (std::size_t i = 0; i < spans.size(); i += stride) {
      critical += spans[i + 4] == 1 ? spans[i + 2] : 0;
    }
  }
  EXPECT_EQ(critical, 131);
}

TEST_F(ReportTest, BaselinesAreComputedWithTheRunsSeedsAndMarked) {
  Train(files_);
  const nlohmann::json report = Report(Path(files_, "run"), "single_device,annealing");
  const nlohmann::json& problem = report.at("problems").at(0);
  ASSERT_EQ(problem.at("methods").size(), 2U);  // annealing is there already
  EXPECT_FALSE(problem.at("methods").at(0).at("computed_here").get<bool>());
  const nlohmann::json& single = problem.at("methods").at(1);
  EXPECT_TRUE(single.at("computed_here").get<bool>());
  EXPECT_EQ(single.at("trials").at(0).at("seed"), 3);
  EXPECT_EQ(single.at("trials").at(1).at("seed"), 1);
  EXPECT_DOUBLE_EQ(RowOf(problem, "single_device").at("step_seconds").at("mean"), 220e-12);
  EXPECT_EQ(problem.at("lines").at(0).at("label"), "single_device");
  EXPECT_EQ(problem.at("best_heuristic"), 1);
}

TEST_F(ReportTest, RunsOfOneProblemShareATable) {
  Train(files_, "annealing", "runs/a");
  Train(files_, "cross_entropy", "runs/b");
  const nlohmann::json report = Report(Path(files_, "runs"), "none");
  ASSERT_EQ(report.at("problems").size(), 1U);
  EXPECT_EQ(report.at("problems").at(0).at("rows").size(), 2U);
  EXPECT_EQ(report.at("problems").at(0).at("plans").size(), 2U);
}

TEST_F(ReportTest, MethodsOfUnequalSamplesAreToldApart) {
  Train(files_, "annealing", "runs/a", 20);
  Train(files_, "annealing", "runs/b", 60);
  Train(files_, "cross_entropy", "runs/c", 60);
  Train(files_, "random", "runs/d", 40);
  const nlohmann::json problem =
      Report(Path(files_, "runs"), "heft,annealing").at("problems").at(0);
  std::vector<std::string> labels;
  for (const auto& method : problem.at("methods")) {
    labels.push_back(method.at("label"));
    EXPECT_FALSE(RowOf(problem, labels.back()).at("vs_annealing").is_null()) << labels.back();
  }
  // With the 40 samples of `random` no run has annealing.
  EXPECT_THAT(labels, ElementsAre("annealing, 20 samples", "annealing, 60 samples",
                                  "cross_entropy, 60 samples", "random, 40 samples", "heft",
                                  "annealing, 40 samples"));
  EXPECT_THAT(problem.at("notes").at(0).get<std::string>(),
              HasSubstr("(20 samples, 40 samples, 60 samples)"));
  EXPECT_EQ(problem.at("sources").at(0).at("method"), "annealing, 20 samples");
  EXPECT_THAT(problem.at("plans").at(0).at("label").get<std::string>(),
              HasSubstr(" samples, seed"));
}

TEST_F(ReportTest, ASweepIsASourceOfRuns) {
  Train(files_);
  const ExperimentConfig config = ReadExperiment(files_.dir / "run/config.txtpb");
  WriteSweep(files_.dir / kSweepStoreName,
             {{WithSeed(config, 7), 131e-12},
              {WithSeed(config, 8), 142e-12},
              {WithSeed(config, 9), std::nullopt}},
             ReadPlacement(files_.dir / "run/placement.txtpb"));
  std::filesystem::remove_all(files_.dir / "run");
  const nlohmann::json problem =
      Report((files_.dir / kSweepStoreName).string(), "none").at("problems").at(0);
  ASSERT_EQ(problem.at("methods").size(), 1U);
  EXPECT_EQ(problem.at("methods").at(0).at("trials").size(), 2U);
  EXPECT_NEAR(RowOf(problem, "annealing").at("step_seconds").at("mean").get<double>(), 136.5e-12,
              1e-15);
  EXPECT_EQ(problem.at("plans").at(0).at("seed"), 7);
  EXPECT_DOUBLE_EQ(problem.at("plans").at(0).at("step").at("step_time_seconds"), 131e-12);
  // One process of this build on this machine ran both trials.
  const nlohmann::json& source = problem.at("sources").at(0);
  EXPECT_EQ(source.at("command"), "placer sweep config.txtpb");
  EXPECT_EQ(source.at("config"), "name: \"toys\"");
  nlohmann::json here = nlohmann::json::array();
  for (const auto& [word, value] : DescribeEnvironment(ThisEnvironment())) {
    here.push_back({word, value});
  }
  EXPECT_THAT(source.at("environments"), ElementsAre(here));
}

TEST_F(ReportTest, StoresOfShardsAreOneSweep) {
  Train(files_);
  const ExperimentConfig config = ReadExperiment(files_.dir / "run/config.txtpb");
  const SavedPlacement plan = ReadPlacement(files_.dir / "run/placement.txtpb");
  std::filesystem::create_directories(files_.dir / "shards");
  WriteSweep(files_.dir / "shards/0.db",
             {{WithSeed(config, 9), 142e-12}, {WithSeed(config, 8), 131e-12}}, plan);
  WriteSweep(files_.dir / "shards/1.db",
             {{WithSeed(config, 7), 153e-12}, {WithSeed(config, 8), 220e-12}}, plan);
  WriteSweep(files_.dir / "shards/2.db", {{WithSeed(config, 6), std::nullopt}}, plan);
  static_cast<void>(files_.dir.Write("shards/other.db", "not of a sweep"));

  const std::vector<StoredRun> runs = MergeSweepRuns(FindRuns(files_.dir / "shards"));
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].config.seeds, (std::vector<Seed>{7, 8, 9}));
  ASSERT_EQ(runs[0].method.trials.size(), 3U);
  EXPECT_EQ(runs[0].method.trials[0].seed, 7U);
  EXPECT_DOUBLE_EQ(runs[0].method.trials[1].step_time.count(), 131e-12) << "of the first store";
  ASSERT_EQ(runs[0].plans.size(), 3U);
  EXPECT_EQ(runs[0].plans[0](), plan);
  ASSERT_EQ(runs[0].sources.size(), 2U);
  EXPECT_EQ(runs[0].sources[0].path, Path(files_, "shards/0.db"));
  EXPECT_EQ(runs[0].sources[1].path, Path(files_, "shards/1.db"));
  EXPECT_EQ(runs[0].sources[1].environments.size(), 2U) << "one of each trial";

  // By name, with a run of `train` that stays its own.
  const CommandResult result =
      RunPlacer({"report", Path(files_, "shards/0.db"), Path(files_, "run"),
                 Path(files_, "shards/1.db"), "--baselines", "none", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const nlohmann::json problem = result.json().at("problems").at(0);
  ASSERT_EQ(problem.at("methods").size(), 2U);
  EXPECT_EQ(problem.at("methods").at(0).at("trials").size(), 3U);
  EXPECT_EQ(problem.at("methods").at(1).at("trials").size(), 2U);
  EXPECT_EQ(problem.at("sources").size(), 3U);
  EXPECT_EQ(problem.at("sources").at(0).at("environments").size(), 1U);
}

TEST_F(ReportTest, ManyProblemsSharePlans) {
  constexpr int kProblems = 13;
  Train(files_);
  const ExperimentConfig config = ReadExperiment(files_.dir / "run/config.txtpb");
  std::vector<SweepTrial> trials;
  for (int i = 0; i < kProblems; ++i) {
    ExperimentConfig each = WithSeed(config, 1);
    each.model.model = Path(files_, "model" + std::to_string(i) + ".txtpb");
    std::filesystem::copy_file(files_.model, each.model.model);
    for (const char* method : {"annealing", "cross_entropy"}) {
      each.method.name = method;
      trials.push_back({each, 131e-12});
    }
  }
  WriteSweep(files_.dir / "many.db", trials, ReadPlacement(files_.dir / "run/placement.txtpb"));
  const nlohmann::json report = Report(Path(files_, "many.db"), "none");
  ASSERT_EQ(report.at("problems").size(), static_cast<std::size_t>(kProblems));
  std::size_t shown = 0;
  for (const auto& problem : report.at("problems")) {
    EXPECT_FALSE(problem.at("plans").empty());
    shown += problem.at("plans").size();
  }
  EXPECT_EQ(shown, 24U);
  EXPECT_THAT(report.at("problems").front().at("notes").back().get<std::string>(),
              HasSubstr("1 of 2 plans is shown"));
  EXPECT_TRUE(report.at("problems").back().at("notes").empty());
}

TEST(ReportPlansTest, EachProblemHasOneUntilThePageIsFull) {
  EXPECT_EQ(PlansOfNextProblem(0, 1), 4U);
  EXPECT_EQ(PlansOfNextProblem(4, 8), 2U);
  EXPECT_EQ(PlansOfNextProblem(0, 100), 1U);
  EXPECT_EQ(PlansOfNextProblem(39, 61), 1U);
  EXPECT_EQ(PlansOfNextProblem(40, 60), 0U);
}

TEST_F(ReportTest, AModelThatHasGoneLeavesTheTable) {
  Train(files_);
  std::filesystem::remove(files_.model);
  const CommandResult result = RunPlacer({"report", Path(files_, "run"), "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the placement is not shown: "));
  const nlohmann::json problem = result.json().at("problems").at(0);
  EXPECT_EQ(problem.at("rows").size(), 1U);
  EXPECT_TRUE(problem.at("plans").empty());
  EXPECT_THAT(problem.at("notes").at(0).get<std::string>(), HasSubstr("model.txtpb"));
}

TEST_F(ReportTest, FaultsAreOneLine) {
  const auto expect = [](const std::vector<std::string>& args, const std::string& part) {
    const CommandResult result = RunPlacer(args);
    EXPECT_EQ(result.code, 2);
    EXPECT_THAT(result.err, HasSubstr(part));
    EXPECT_EQ(test::Lines(result.err).size(), 1U);
  };
  expect({"report", (files_.dir / "").string(), "--json"}, "holds no run");
  expect({"report", "/nowhere", "--json"}, "/nowhere: holds no run");
  Train(files_);
  static_cast<void>(files_.dir.Write("run/seed-1/result.json", "{}"));
  expect({"report", Path(files_, "run"), "--json"}, "result.json: is damaged");
  if (!BundledPage().empty()) {
    expect({"report", Path(files_, "run"), "-o", "page.txt"}, "unknown suffix");
  } else {
    expect({"report", Path(files_, "run"), "-o", "page.html"}, "has no page for reports");
  }
}

TEST_F(ReportTest, ARunThatStoppedShowsWhatItHas) {
  Train(files_);
  std::filesystem::remove(files_.dir / "run/seed-1/result.json");
  const nlohmann::json problem = Report(Path(files_, "run"), "none").at("problems").at(0);
  EXPECT_FALSE(problem.at("methods").at(0).at("trials").at(1).at("complete").get<bool>());
  EXPECT_THAT(problem.at("notes").at(0).get<std::string>(), HasSubstr("1 of 2 seeds"));
  EXPECT_EQ(RowOf(problem, "annealing").at("trials"), 1);
  std::filesystem::remove(files_.dir / "run/seed-3/result.json");
  const nlohmann::json none = Report(Path(files_, "run"), "none").at("problems").at(0);
  EXPECT_THAT(none.at("notes").at(0).get<std::string>(), HasSubstr("what they have found so far"));
  EXPECT_EQ(RowOf(none, "annealing").at("trials"), 2);
}

TEST(ReportPageTest, HostileNamesStayData) {
  const std::string page = "<script id=\"data\">\"PLACER_REPORT_DATA\"</script><p>";
  const nlohmann::ordered_json data = {{"</script><img src=x onerror=alert(1)>", "<!--<script>"},
                                       {"line", "\u2028\u2029"},
                                       {"bytes", std::string("\xff\xfe")}};
  const std::string filled = FillPage(page, data);
  const std::string inside =
      filled.substr(18, filled.size() - 18 - std::string("</script><p>").size());
  EXPECT_THAT(inside, Not(HasSubstr("<")));
  EXPECT_THAT(inside, Not(HasSubstr("\u2028")));
  const auto parsed = nlohmann::json::parse(inside);
  EXPECT_EQ(parsed.at("</script><img src=x onerror=alert(1)>"), "<!--<script>");
  EXPECT_EQ(parsed.at("line"), "\u2028\u2029");
  EXPECT_THROW(static_cast<void>(FillPage("no place", data)), std::logic_error);
}

ReportTrial Trial(Seed seed, double seconds) {
  ReportTrial trial;
  trial.seed = seed;
  trial.feasible = true;
  trial.step_time = Seconds(seconds);
  return trial;
}

TEST(ReportTableTest, DifferencesArePairedBySeed) {
  ReportProblem problem;
  problem.bound_seconds = 1;
  problem.methods = {{"etf", true, false, {10}, {Trial(1, 4), Trial(2, 2)}},
                     {"reinforce", false, true, {10}, {Trial(2, 1), Trial(1, 3)}}};
  FillMethodTable(problem);
  ASSERT_EQ(problem.rows.size(), 2U);
  EXPECT_EQ(problem.rows[0].method, 1U);  // the shorter mean first
  EXPECT_DOUBLE_EQ(problem.rows[0].step_seconds->mean, 2);
  EXPECT_DOUBLE_EQ(*problem.rows[0].gap_limit, 1);
  // 3/4 - 1 at seed 1, 1/2 - 1 at seed 2.
  EXPECT_DOUBLE_EQ(problem.rows[0].vs_heuristic->mean, -0.375);
  EXPECT_FALSE(problem.rows[0].vs_heuristic->interval);
  EXPECT_FALSE(problem.rows[0].vs_annealing);
}

/// Fills the table. By the label of the method.
std::map<std::string, std::optional<double>> ChangesFromAnnealing(ReportProblem& problem) {
  FillMethodTable(problem);
  std::map<std::string, std::optional<double>> changes;
  for (const ReportRow& row : problem.rows) {
    changes[problem.methods[row.method].label] =
        row.vs_annealing ? std::optional(row.vs_annealing->mean) : std::nullopt;
  }
  return changes;
}

TEST(ReportTableTest, TheYardstickHasAsManySamples) {
  ReportProblem problem;
  problem.methods = {{"annealing", false, true, {50}, {Trial(1, 4)}},
                     {"annealing", false, true, {200}, {Trial(1, 2)}},
                     {"reinforce", false, true, {50}, {Trial(1, 3)}},
                     {"reinforce", false, true, {200}, {Trial(1, 1)}},
                     {"reinforce", false, true, {800}, {Trial(1, 1)}},
                     {"heft", false, false, {200}, {Trial(1, 5)}},
                     {"heft", true, false, {800}, {Trial(1, 6)}}};
  EXPECT_THAT(
      ChangesFromAnnealing(problem),
      ElementsAre(Pair("annealing, 200 samples", 0.0), Pair("annealing, 50 samples", 0.0),
                  Pair("heft, 200 samples", 1.5), Pair("heft, 800 samples", std::nullopt),
                  Pair("reinforce, 200 samples", -0.5), Pair("reinforce, 50 samples", -0.25),
                  Pair("reinforce, 800 samples", std::nullopt)));
}

TEST(ReportTableTest, HeuristicsCompareWithTheOnlyYardstick) {
  ReportProblem problem;
  problem.methods = {{"annealing", false, true, {50}, {Trial(1, 4)}},
                     {"heft", false, false, {4000}, {Trial(1, 5)}}};
  FillMethodTable(problem);
  EXPECT_EQ(problem.methods[0].label, "annealing");
  EXPECT_EQ(problem.methods[1].label, "heft");
  EXPECT_DOUBLE_EQ(problem.rows[1].vs_annealing->mean, 0.25);
  EXPECT_TRUE(problem.notes.empty());
}

TEST(ReportTableTest, BudgetsInSecondsAreToldApart) {
  ReportProblem problem;
  problem.methods = {{"annealing", false, true, {50, 1.0}, {Trial(1, 4)}},
                     {"annealing", false, true, {50, 2.5}, {Trial(1, 2)}},
                     {"reinforce", false, true, {50, 2.5}, {Trial(1, 1)}},
                     {"reinforce", false, true, {50}, {Trial(1, 1)}}};
  EXPECT_THAT(ChangesFromAnnealing(problem),
              ElementsAre(Pair("annealing, 50 samples in 1.0 s", 0.0),
                          Pair("annealing, 50 samples in 2.5 s", 0.0),
                          Pair("reinforce, 50 samples", std::nullopt),
                          Pair("reinforce, 50 samples in 2.5 s", -0.5)));
}

TEST(ReportTableTest, SeedsThatAreNotCompleteDoNotCount) {
  ReportTrial cut = Trial(2, 100);
  cut.complete = false;
  ReportProblem problem;
  problem.methods = {{"heft", false, false, {50}, {Trial(1, 4), Trial(2, 2)}},
                     {"annealing", false, true, {50}, {Trial(1, 1), cut}},
                     {"reinforce", false, true, {50}, {cut}}};
  FillMethodTable(problem);
  EXPECT_DOUBLE_EQ(problem.rows[0].step_seconds->mean, 1);
  EXPECT_EQ(problem.rows[0].trials, 1U);
  EXPECT_DOUBLE_EQ(problem.rows[0].vs_heuristic->mean, -0.75);
  EXPECT_DOUBLE_EQ(problem.rows[2].step_seconds->mean, 100) << "all there is";
  EXPECT_FALSE(problem.rows[2].vs_heuristic);
  EXPECT_THAT(problem.notes.at(0), HasSubstr("annealing: 1 of 2 seeds are not complete and not"));
  EXPECT_THAT(problem.notes.at(1), HasSubstr("reinforce: 1 of 1 seeds are not complete; the"));
}

TEST(ReportViewTest, ThinningKeepsPeaks) {
  std::vector<ReportMemoryPoint> points;
  for (std::int64_t i = 0; i < 1000; ++i) {
    points.push_back({Picoseconds(i), i == 617 ? 9999 : i % 7});
  }
  const std::vector<ReportMemoryPoint> thin = Thin(points, 30);
  EXPECT_LE(thin.size(), 30U);
  std::int64_t peak = 0;
  for (std::size_t i = 0; i < thin.size(); ++i) {
    peak = std::max(peak, thin[i].bytes);
    EXPECT_TRUE(i == 0 || thin[i - 1].time < thin[i].time);
  }
  EXPECT_EQ(peak, 9999);
  EXPECT_EQ(thin.back().time, Picoseconds(999));
}

}  // namespace
}  // namespace placer
