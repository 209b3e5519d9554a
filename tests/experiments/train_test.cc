#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>

#include "cost_model/placement_io.h"
#include "experiments/experiment_config.h"
#include "experiments/folder_lock.h"
#include "experiments/run_directory.h"
#include "experiments/sweep/sweep_plan.h"
#include "graphs/base/error.h"
#include "tests/experiments/command_runner.h"
#include "tests/experiments/test_files.h"

namespace placer {
namespace {

using test::CommandResult;
using test::RunPlacer;
using ::testing::HasSubstr;

class TrainTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string Config(const std::string& more) const {
    return files_.dir.Write("toy.txtpb", "model: \"" + files_.model + "\"\ncluster: \"" +
                                             files_.cluster + "\"\noutput_dir: \"" + run() +
                                             "\"\n" + more);
  }
  [[nodiscard]] std::string run() const { return (files_.dir / "run").string(); }
  [[nodiscard]] std::string ReadRun(const std::string& name) const {
    return files_.dir.Read("run/" + name);
  }
  [[nodiscard]] static std::string FaultOf(const std::string& config) {
    try {
      static_cast<void>(ReadExperiment(config));
    } catch (const InputError& error) {
      return error.what();
    }
    return {};
  }

  test::TestFiles files_;
};

constexpr const char* kAnnealing = "method: \"annealing\" samples: 60 seeds: [3, 1] space: \"ops\"";

TEST_F(TrainTest, ConfigRoundTripsWithItsDefaults) {
  const ExperimentConfig config = ReadExperiment(Config("method: \"etf\""));
  EXPECT_EQ(config.name, "toy");
  EXPECT_EQ(config.samples, 4000);
  EXPECT_EQ(config.seeds, std::vector<Seed>{1});
  EXPECT_EQ(config.problem.objective, "latency");
  const std::string text = ExperimentToText(config);
  EXPECT_THAT(text, HasSubstr("groups: 100"));
  EXPECT_EQ(ExperimentToText(ReadExperiment(files_.dir.Write("again.txtpb", text))), text);
}

TEST_F(TrainTest, FaultsOfTheConfigNameFileAndField) {
  const auto expect = [&](const std::string& more, const std::string& part) {
    const std::string fault = FaultOf(Config(more));
    EXPECT_THAT(fault, HasSubstr(part));
    EXPECT_THAT(fault, HasSubstr("toy.txtpb:"));
    EXPECT_EQ(test::Lines(fault).size(), 1U);
  };
  expect("method: \"etf\"\nlearning_rte: 0.1", "toy.txtpb:5:13: ");
  expect("method: \"etf\"\nlearning_rte: 0.1", "no field named \"learning_rte\", expected one of");
  expect("", "method: missing");
  expect("method: \"etf\" samples: -1", "samples: found -1");
  expect("method: \"etf\" seconds: 0", "seconds: found 0");
  expect("method: \"etf\" seeds: [1, 2, 1]", "seeds: found 1 twice");
  expect("method: \"etf\" batch: 0", "batch: found 0");
  expect("method: \"etf\" objective: \"beauty\"", "expected latency or max-load");
  EXPECT_THAT(FaultOf(files_.dir.Write("v.txtpb", "format: \"placer.graph/1\"")),
              HasSubstr("placer.graph/1"));
  EXPECT_THAT(FaultOf("none.txtpb"), HasSubstr("none.txtpb"));
}

TEST_F(TrainTest, ConfigsThatAreShippedAreGood) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(CONFIGS_DIR)) {
    if (entry.path().filename().string().starts_with("sweep_")) {
      EXPECT_FALSE(ReadSweep(entry.path()).trials.empty()) << entry.path();
      continue;
    }
    const ExperimentConfig config = ReadExperiment(entry.path());
    EXPECT_NO_THROW(static_cast<void>(MakeConfigured(AllPlacers(), config.method))) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 3U);
}

TEST_F(TrainTest, LeavesACompleteRunDirectory) {
  const CommandResult result = RunPlacer({"train", Config(kAnnealing)});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(ReadRun("config.txtpb"), HasSubstr("seeds: [3, 1]"));
  const nlohmann::json report = nlohmann::json::parse(ReadRun("report.json"));
  ASSERT_EQ(report.at("seeds").size(), 2U);
  EXPECT_EQ(report.at("seeds").at(0).at("seed"), 3);
  EXPECT_EQ(report.at("seeds").at(0).at("samples"), 60);
  EXPECT_NEAR(report.at("step_time_seconds").at("min"), 131e-12, 1e-18);
  EXPECT_THAT(ReadRun("report.txt"), HasSubstr("gap limit"));
  for (const char* plan : {"run/placement.txtpb", "run/seed-1/placement.txtpb"}) {
    EXPECT_NEAR(ReadPlacement(files_.dir / plan).step_time_seconds.value(), 131e-12, 1e-18);
  }
  const std::vector<std::string> metrics = test::Lines(ReadRun("seed-3/metrics.jsonl"));
  ASSERT_FALSE(metrics.empty());
  EXPECT_EQ(nlohmann::json::parse(metrics.back()).at("samples"), 60);
}

TEST_F(TrainTest, AnExistingRunIsNotOverwritten) {
  const std::string config = Config(kAnnealing);
  ASSERT_EQ(RunPlacer({"train", config}).code, 0);
  const CommandResult again = RunPlacer({"train", config});
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, HasSubstr("--resume"));
  const CommandResult other =
      RunPlacer({"train", Config("method: \"etf\" space: \"ops\""), "--resume"});
  EXPECT_EQ(other.code, 2);
  EXPECT_THAT(other.err, HasSubstr("another config"));
}

TEST_F(TrainTest, OneProcessAtATimeWorksInARunDirectory) {
  const std::string config = Config(kAnnealing);
  std::filesystem::create_directories(run());
  std::optional<FolderLock> other(std::in_place, run());
  const CommandResult refused = RunPlacer({"train", config});
  EXPECT_EQ(refused.code, 2);
  EXPECT_EQ(refused.err, "placer: error: " + run() +
                             ": another process is working in it, expected to be the only one\n");
  EXPECT_TRUE(std::filesystem::is_empty(run()));
  other.reset();
  EXPECT_EQ(RunPlacer({"train", config}).code, 0);
}

TEST_F(TrainTest, ARunGoesOnUnderAnotherNameAndInAnotherPlace) {
  ASSERT_EQ(RunPlacer({"train", Config(kAnnealing)}).code, 0);
  const std::string kept = ReadRun("seed-3/result.json");
  std::filesystem::rename(run(), files_.dir / "moved");
  const std::string moved =
      files_.dir.Write("toy.txtpb", "model: \"" + files_.model + "\" cluster: \"" + files_.cluster +
                                        "\" output_dir: \"" + (files_.dir / "moved").string() +
                                        "\" name: \"renamed\" " + kAnnealing);
  const CommandResult resumed = RunPlacer({"train", moved, "--resume"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(files_.dir.Read("moved/seed-3/result.json"), kept);
  EXPECT_THAT(files_.dir.Read("moved/config.txtpb"), HasSubstr("name: \"renamed\""));
}

TEST_F(TrainTest, ResumeRunsOnlyTheSeedsThatAreMissing) {
  const std::string config = Config(kAnnealing);
  const nlohmann::json whole = RunPlacer({"train", config, "--json"}).json();
  const std::string kept = ReadRun("seed-3/result.json");
  std::filesystem::remove(files_.dir / "run/seed-1/result.json");
  const CommandResult resumed = RunPlacer({"train", config, "--resume", "--json"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(ReadRun("seed-3/result.json"), kept);
  const nlohmann::json report = resumed.json();
  ASSERT_EQ(report.at("seeds").size(), 2U);
  EXPECT_EQ(report.at("seeds").at(0), whole.at("seeds").at(0));
  EXPECT_EQ(report.at("seeds").at(1).at("step_time_seconds"),
            whole.at("seeds").at(1).at("step_time_seconds"));
}

TEST_F(TrainTest, ADamagedResultIsNamed) {
  const std::string config = Config(kAnnealing);
  ASSERT_EQ(RunPlacer({"train", config}).code, 0);
  static_cast<void>(files_.dir.Write("run/seed-1/result.json", "{\"seed\": 1"));
  const CommandResult resumed = RunPlacer({"train", config, "--resume"});
  EXPECT_EQ(resumed.code, 2);
  EXPECT_THAT(resumed.err, HasSubstr("seed-1/result.json: is damaged"));
}

TEST_F(TrainTest, InterruptedRunsGoOn) {
  const std::string config = Config(kAnnealing);
  std::stop_source source;
  source.request_stop();
  const CommandResult stopped = RunPlacer({"train", config}, source.get_token());
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_FALSE(std::filesystem::exists(files_.dir / "run/seed-1/result.json"));
  EXPECT_EQ(RunPlacer({"train", config, "--resume"}).code, 0);
}

constexpr const char* kReinforce =
    "method: \"reinforce\" samples: 400 seeds: 5 space: \"ops\""
    "options { key: \"hidden\" value: \"8\" } options { key: \"batch\" value: \"4\" }";

TEST_F(TrainTest, MetricsHoldEveryUpdate) {
  if (const auto why = WhyNoLearning()) {
    GTEST_SKIP() << *why;
  }
  const CommandResult result = RunPlacer({"train", Config(kReinforce)});
  ASSERT_EQ(result.code, 0) << result.err;
  const std::vector<std::string> metrics = test::Lines(ReadRun("seed-5/metrics.jsonl"));
  ASSERT_GE(metrics.size(), 50U);
  std::int64_t samples = 0;
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const nlohmann::json metric = nlohmann::json::parse(metrics[i]);
    EXPECT_EQ(metric.at("update"), i + 1);
    EXPECT_GT(metric.at("samples"), samples);
    EXPECT_GE(metric.at("entropy"), 0);
    samples = metric.at("samples");
  }
  EXPECT_EQ(samples, 400);
  EXPECT_TRUE(std::filesystem::exists(files_.dir / "run/seed-5/checkpoint.bin"));
}

TEST_F(TrainTest, ResumedLearningEqualsLearningStraightThrough) {
  if (const auto why = WhyNoLearning()) {
    GTEST_SKIP() << *why;
  }
  const std::string config = Config(kReinforce);
  ASSERT_EQ(RunPlacer({"train", config}).code, 0);
  const std::string metrics = ReadRun("seed-5/metrics.jsonl");
  const std::string plan = ReadRun("placement.txtpb");
  std::filesystem::remove_all(run());

  std::stop_source source;
  {
    const std::jthread stopper([&](const std::stop_token& done) {
      while (!done.stop_requested() && test::Lines(ReadRun("seed-5/metrics.jsonl")).size() < 7) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      source.request_stop();
    });
    EXPECT_EQ(RunPlacer({"train", config}, source.get_token()).code, 130);
  }
  EXPECT_LT(test::Lines(ReadRun("seed-5/metrics.jsonl")).size(), test::Lines(metrics).size());
  EXPECT_FALSE(std::filesystem::exists(files_.dir / "run/seed-5/result.json"));
  const CommandResult resumed = RunPlacer({"train", config, "--resume"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(ReadRun("seed-5/metrics.jsonl"), metrics);
  EXPECT_EQ(ReadRun("placement.txtpb"), plan);
}

TEST_F(TrainTest, UpdatesAfterTheLastCheckpointAreNotCountedTwice) {
  const ExperimentConfig config = ReadExperiment(Config(kReinforce));
  const RunDirectory directory(config, /*resume=*/false);
  directory.StartSeed(5);
  for (const int update : {1, 2, 3}) {
    UpdateRecord record;
    record.update = update;
    record.samples = 4 * update;
    directory.AppendMetric(5, record);
  }
  const std::string three = ReadRun("seed-5/metrics.jsonl");
  static_cast<void>(files_.dir.Write("run/seed-5/metrics.jsonl", three + "{\"update\": 1"));
  UpdateRecord third;
  third.update = 3;
  third.samples = 12;
  directory.TrimMetrics(5, third);
  const std::vector<std::string> lines = test::Lines(three);
  EXPECT_EQ(ReadRun("seed-5/metrics.jsonl"), lines[0] + '\n' + lines[1] + '\n');
}

TEST_F(TrainTest, OptionsOfTheLearnerAreChecked) {
  const auto expect = [&](const std::string& more, const std::string& part) {
    const CommandResult result = RunPlacer({"train", Config("method: \"reinforce\" " + more)});
    EXPECT_EQ(result.code, 2);
    EXPECT_EQ(test::Lines(result.err).size(), 1U) << result.err;
    EXPECT_THAT(result.err, HasSubstr(part));
  };
  expect("preset: \"magic\"", "paper");
  expect("options { key: \"learning_rte\" value: \"1\" }", "learning_rate");
  expect("options { key: \"learning_rate\" value: \"fast\" }", "fast");
}

TEST_F(TrainTest, UnknownMethodsAndOptionsMakeNoDirectory) {
  const CommandResult method = RunPlacer({"train", Config("method: \"magic\"")});
  EXPECT_EQ(method.code, 2);
  EXPECT_THAT(method.err, HasSubstr("annealing"));
  const CommandResult option =
      RunPlacer({"train", Config("method: \"etf\" options { key: \"speed\" value: \"9\" }")});
  EXPECT_EQ(option.code, 2);
  EXPECT_THAT(option.err, HasSubstr("method 'etf' has none, found 'speed'"));
  EXPECT_EQ(RunPlacer({"train", Config("method: \"etf\" preset: \"paper\"")}).code, 2);
  EXPECT_FALSE(std::filesystem::exists(run()));
}

TEST_F(TrainTest, UnwritableRunDirectory) {
  const std::string config =
      files_.dir.Write("bad.txtpb", "method: \"etf\" output_dir: \"/dev/null/run\" model: \"" +
                                        files_.model + "\" cluster: \"" + files_.cluster + "\"");
  const CommandResult result = RunPlacer({"train", config});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("/dev/null/run"));
}

}  // namespace
}  // namespace placer
