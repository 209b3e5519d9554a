// Whole sweeps with real worker processes: the built binary.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <map>
#include <thread>

#include "cost_model/placement_io.h"
#include "experiments/sweep/sweep_plan.h"
#include "experiments/sweep/sweep_store.h"
#include "graphs/base/error.h"
#include "graphs/base/rng.h"
#include "tests/experiments/command_runner.h"
#include "tests/experiments/sweep/other_process.h"
#include "tests/experiments/test_files.h"

namespace placer {
namespace {

using test::CommandResult;
using test::RunPlacer;
using ::testing::HasSubstr;
using ::testing::Not;

class SweepCommandTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string Write(const std::string& rest, const std::string& out = "out") const {
    return files_.dir.Write(out + ".txtpb", "base { model: \"" + files_.model + "\" cluster: \"" +
                                                files_.cluster +
                                                "\" space: \"ops\" }\noutput_dir: \"" +
                                                (files_.dir / out).string() + "\"\n" + rest);
  }
  [[nodiscard]] std::vector<StoredTrial> Trials(const std::string& out = "out") const {
    return SweepStore::OpenToRead(files_.dir / out).Trials();
  }
  /// Whether a sweep came as far as to make its store.
  [[nodiscard]] bool HasStore() const {
    try {
      static_cast<void>(Trials());
      return true;
    } catch (const InputError&) {
      return false;
    }
  }
  /// What must not depend on how often a sweep was stopped.
  [[nodiscard]] std::map<std::string, std::string> Outcome(const std::string& out) const {
    std::map<std::string, std::string> outcome;
    const SweepStore store = SweepStore::OpenToRead(files_.dir / out);
    for (const StoredTrial& trial : store.Trials()) {
      std::string& text = outcome[trial.key];
      text = std::string(Name(trial.state));
      for (const auto& [name, value] : trial.metrics) {
        text += name == "wall_seconds" ? "" : " " + name + "=" + std::to_string(value * 1e15);
      }
      for (const LearningPoint& point : store.Curve(trial.key)) {
        text += " " + std::to_string(point.samples);
      }
      if (const auto plan = store.Placement(trial.key)) {
        text += PlacementToBytes(*plan);
      }
    }
    return outcome;
  }
  /// `placer sweep CONFIG` as a process of its own.
  [[nodiscard]] static pid_t Start(const std::string& config,
                                   const std::vector<std::string>& options = {"--jobs", "2",
                                                                              "--retry"}) {
    std::vector<std::string> args = {"placer", "sweep", config};
    args.insert(args.end(), options.begin(), options.end());
    std::vector<char*> argv;
    for (std::string& arg : args) {
      argv.push_back(arg.data());
    }
    argv.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      const int nothing = open("/dev/null", O_RDWR);
      dup2(nothing, STDOUT_FILENO);
      dup2(nothing, STDERR_FILENO);
      execv(BINARY_DIR "/placer", argv.data());
      _exit(127);
    }
    return child;
  }
  /// @return the exit status, or minus the signal that ended it
  [[nodiscard]] static int ExitOf(pid_t process) {
    int status = 0;
    waitpid(process, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  /// Waits for a file or folder. @return false if it is not there after a minute
  [[nodiscard]] static bool Appears(const std::filesystem::path& path) {
    std::error_code ignored;
    for (int i = 0; i < 30'000; ++i) {
      if (std::filesystem::exists(path, ignored)) {
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
  }
  [[nodiscard]] std::filesystem::path RunPath(const std::string& key) const {
    return files_.dir / "out" / "trials" / key;
  }
  [[nodiscard]] static std::vector<pid_t> ChildrenOf(pid_t parent) {
    std::vector<pid_t> children;
    std::error_code ignored;
    const std::string tasks = "/proc/" + std::to_string(parent) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks, ignored)) {
      std::ifstream file(task.path() / "children");
      for (pid_t child = 0; file >> child;) {
        children.push_back(child);
      }
    }
    return children;
  }

  test::TestFiles files_;
};

constexpr const char* kMethods =
    "axes { field: \"method\" values: [\"single_device\", \"annealing\"] }\n"
    "axes { field: \"samples\" values: [\"40\", \"80\"] }\naxes { field: \"seed\" range { from: 1 "
    "to: 3 } }\n";
/// A trial of 50 samples, and one that ends after 0.7 s.
constexpr const char* kShortAndLong =
    "axes { field: \"method\" values: \"annealing\" } axes { field: \"samples\" values: "
    "[\"50\", \"100000000000\"] zip { field: \"seconds\" values: [\"\", \"0.7\"] } }";

TEST_F(SweepCommandTest, RunsEveryTrialOnce) {
  const std::string config = Write(kMethods);
  const CommandResult dry = RunPlacer({"sweep", config, "--dry-run", "--json"});
  ASSERT_EQ(dry.code, 0) << dry.err;
  EXPECT_EQ(dry.json().at("trials").size(), 12U);
  EXPECT_FALSE(std::filesystem::exists(files_.dir / "out"));
  const CommandResult first = RunPlacer({"sweep", config, "--jobs", "2", "--json"});
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.json().at("counts").at("done"), 12);
  for (const StoredTrial& trial : Trials()) {
    // Two branches: 220 ps on one device, 131 ps at best.
    EXPECT_DOUBLE_EQ(trial.metric("step_time_seconds").value(),
                     trial.axis("method") == "annealing" ? 131e-12 : 220e-12);
    EXPECT_EQ(trial.metric("devices_used"), trial.axis("method") == "annealing" ? 2 : 1);
    EXPECT_EQ(trial.metric("ops"), 4);
  }
  EXPECT_FALSE(std::filesystem::exists(files_.dir / "out" / "trials" / Trials()[0].key));
  ASSERT_EQ(RunPlacer({"sweep", config}).code, 0);
  for (const StoredTrial& trial : Trials()) {
    EXPECT_EQ(trial.attempts, 1);
  }
}

TEST_F(SweepCommandTest, ATrialIsTheSameExperimentAsTrainRuns) {
  const std::string config = Write(
      "keep_runs: true axes { field: \"method\" values: \"annealing\" "
      "} axes { field: \"samples\" values: \"60\" }");
  ASSERT_EQ(RunPlacer({"sweep", config}).code, 0);
  const StoredTrial trial = Trials().at(0);
  const std::filesystem::path run = files_.dir / "out" / "trials" / trial.key;
  EXPECT_TRUE(std::filesystem::exists(run / "report.json"));
  const std::string experiment = files_.dir.Write(
      "train.txtpb", trial.config + "output_dir: \"" + (files_.dir / "train").string() + "\"");
  ASSERT_EQ(RunPlacer({"train", experiment}).code, 0);
  EXPECT_EQ(files_.dir.Read("train/seed-1/placement.txtpb"),
            files_.dir.Read("out/trials/" + trial.key + "/seed-1/placement.txtpb"));
}

TEST_F(SweepCommandTest, ShardsDoTheirShare) {
  const std::string config = Write(kMethods);
  ASSERT_EQ(RunPlacer({"sweep", config, "--shard", "1/3"}).code, 0);
  const std::vector<StoredTrial> trials = Trials();
  for (std::size_t i = 0; i < trials.size(); ++i) {
    EXPECT_EQ(trials[i].state, i % 3 == 1 ? TrialState::kDone : TrialState::kPending);
  }
  EXPECT_EQ(RunPlacer({"sweep", config, "--shard", "3/3"}).code, 2);
}

TEST_F(SweepCommandTest, ARefusedTrialIsItsOwnResult) {
  const std::string config = Write(
      "axes { field: \"constraints.pin\" values: [\"left=nowhere\", \"left=b\"] } axes { field: "
      "\"method\" values: \"etf\" }");
  const CommandResult result = RunPlacer({"sweep", config});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, HasSubstr("1 of 2 trials have no result: 1 failed, 0 crashed"));
  EXPECT_THAT(result.out, HasSubstr("nowhere"));
  EXPECT_EQ(Trials()[0].state, TrialState::kFailed);
  EXPECT_EQ(Trials()[1].state, TrialState::kDone);
}

TEST_F(SweepCommandTest, AChangedConfigRunsOnlyWhatIsNew) {
  ASSERT_EQ(
      RunPlacer({"sweep", Write("axes { field: \"method\" values: [\"etf\", \"heft\"] }")}).code,
      0);
  const CommandResult again =
      RunPlacer({"sweep", Write("axes { field: \"method\" values: [\"etf\", \"random\"] } axes { "
                                "field: \"samples\" values: [\"4000\", \"10\"] }")});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("the config has changed: 1 of 2 trials"));
  EXPECT_EQ(Trials().at(0).attempts, 1);
  EXPECT_EQ(Trials().at(0).axes.size(), 3U);
}

TEST_F(SweepCommandTest, AConfigThatIsChangedBackFindsItsTrials) {
  const auto config = [&](int seeds) {
    return Write(
        "axes { field: \"method\" values: \"etf\" } axes { field: \"seed\" range { from: 1 to: " +
        std::to_string(seeds) + " } }");
  };
  ASSERT_EQ(RunPlacer({"sweep", config(3)}).code, 0);
  ASSERT_EQ(RunPlacer({"sweep", config(2)}).code, 0);
  EXPECT_THAT(RunPlacer({"results", config(2)}).out,
              HasSubstr("1 trials of other configs are not shown"));
  const std::string back = config(3);
  const CommandResult dry = RunPlacer({"sweep", back, "--dry-run", "--json"});
  ASSERT_EQ(dry.code, 0) << dry.err;
  const nlohmann::json planned = dry.json();
  ASSERT_EQ(planned.at("trials").size(), 3U);
  for (const auto& trial : planned.at("trials")) {
    EXPECT_EQ(trial.at("state"), "done");
  }
  const CommandResult table = RunPlacer({"results", back});
  ASSERT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("out: 3 trials"));
  EXPECT_THAT(table.out, Not(HasSubstr("not finished")));
  EXPECT_THAT(table.out, Not(HasSubstr("other configs")));
  EXPECT_EQ(RunPlacer({"results", back, "--json"}).json().at("counts").at("done"), 3);
}

TEST_F(SweepCommandTest, CountsItsOwnTrialsWhateverThePlanOfTheStoreIs) {
  const std::string config = Write(kShortAndLong);
  const SweepPlan plan = ReadSweep(config);
  std::filesystem::create_directories(plan.output_dir);
  SweepStore store = SweepStore::Open(plan.store_path());
  CommandResult result;
  {
    const std::jthread sweep([&] {
      result = RunPlacer({"sweep", config, "--jobs", "1", "--json"});
    });
    while (!store.States().contains(plan.trials[0].key)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    store.SetPlan("another", "", {});
  }
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.json().at("counts").at("done"), 2);
}

TEST_F(SweepCommandTest, ATrialThatEndedBeforeItsFirstSampleRunsAgain) {
  const std::string config = Write(
      "axes { field: \"method\" values: \"annealing\" } axes { field: \"seconds\" values: \"1e-9\" "
      "}");
  for (const int attempt : {1, 2}) {
    EXPECT_EQ(RunPlacer({"sweep", config, "--retry"}).code, 3);
    EXPECT_EQ(Trials()[0].state, TrialState::kFailed);
    EXPECT_EQ(Trials()[0].message, "out of time before the first sample");
    EXPECT_EQ(Trials()[0].attempts, attempt);
  }
}

TEST_F(SweepCommandTest, ASeedWithoutASampleIsNotComplete) {
  const std::string config = files_.dir.Write(
      "train.txtpb", "model: \"" + files_.model + "\" cluster: \"" + files_.cluster +
                         "\" space: \"ops\" method: \"annealing\" seconds: 1e-9 output_dir: \"" +
                         (files_.dir / "run").string() + "\"");
  EXPECT_EQ(RunPlacer({"train", config}).code, 3);
  EXPECT_TRUE(std::filesystem::exists(files_.dir / "run/report.json"));
  EXPECT_FALSE(std::filesystem::exists(files_.dir / "run/seed-1/result.json"));
  const CommandResult again = RunPlacer({"train", config, "--resume"});
  EXPECT_EQ(again.code, 3);
  EXPECT_THAT(again.err, HasSubstr("no seed found a feasible placement"));
}

TEST_F(SweepCommandTest, ResultsAreGroupedAndExported) {
  const std::string config = Write(kMethods);
  ASSERT_EQ(RunPlacer({"sweep", config}).code, 0);
  const CommandResult table = RunPlacer({"results", config, "--by", "method"});
  ASSERT_EQ(table.code, 0) << table.err;
  const std::vector<std::string> lines = test::Lines(table.out);
  ASSERT_GE(lines.size(), 6U);
  EXPECT_THAT(lines[4], HasSubstr("single_device  6"));
  EXPECT_THAT(table.out, HasSubstr("0.000 us"));
  const std::string csv = (files_.dir / "r.csv").string();
  const CommandResult json =
      RunPlacer({"results", (files_.dir / "out").string(), "--by", "cluster,method", "--json",
                 "--csv", csv, "--metric", "devices_used"});
  ASSERT_EQ(json.code, 0) << json.err;
  const nlohmann::json report = json.json();
  ASSERT_EQ(report.at("groups").size(), 2U);
  const nlohmann::json& annealing = report.at("groups").at(1);
  EXPECT_EQ(annealing.at("fields").at("cluster"), files_.cluster);
  EXPECT_EQ(annealing.at("mean"), 2.0);
  EXPECT_EQ(annealing.at("interval_95"), (std::vector{2.0, 2.0}));
  EXPECT_EQ(test::Lines(files_.dir.Read("r.csv")).size(), 13U);
  EXPECT_EQ(RunPlacer({"results", config, "--metric", "beauty"}).code, 2);
  EXPECT_EQ(RunPlacer({"results", config, "--by", "methd"}).code, 2);
  const std::string plan = (files_.dir / "plan.txtpb").string();
  ASSERT_EQ(RunPlacer({"results", config, "--placement", Trials()[11].key, "-o", plan}).code, 0);
  EXPECT_NEAR(ReadPlacement(plan).step_time_seconds.value(), 131e-12, 1e-18);
  EXPECT_EQ(RunPlacer({"results", config, "--placement", "zz", "-o", plan}).code, 2);
}

TEST_F(SweepCommandTest, StopsCleanlyAndGoesOn) {
  const std::string config = Write(
      "axes { field: \"method\" values: \"annealing\" } axes { field: \"samples\" values: "
      "[\"50\", \"100000000000\"] }");
  std::stop_source stop;
  const std::jthread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
    stop.request_stop();
  });
  const CommandResult result = RunPlacer({"sweep", config, "--jobs", "1"}, stop.get_token());
  EXPECT_EQ(result.code, 130) << result.err;
  EXPECT_THAT(result.err, HasSubstr("interrupted, 1 of 2 trials are finished"));
  EXPECT_EQ(Trials()[0].state, TrialState::kDone);
  EXPECT_EQ(Trials()[1].state, TrialState::kPending);
}

TEST_F(SweepCommandTest, TakesOverTheTrialOfAProcessThatIsGone) {
  const std::string config = Write(kShortAndLong);
  const SweepPlan plan = ReadSweep(config);
  std::filesystem::create_directories(plan.output_dir);
  SweepStore store = SweepStore::Open(plan.store_path());
  store.SetPlan(plan.name, plan.config,
                std::vector<PlannedTrial>(plan.trials.begin(), plan.trials.end()));
  test::OtherProcess other(plan.store_path(), plan.trials[0].key);
  ASSERT_TRUE(other.has_claimed());
  CommandResult result;
  {
    const std::jthread sweep([&] { result = RunPlacer({"sweep", config, "--jobs", "1"}); });
    while (Trials()[1].state == TrialState::kPending) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    other.Kill();
  }
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(Trials()[0].state, TrialState::kDone);
  EXPECT_EQ(Trials()[0].attempts, 2);
  EXPECT_EQ(Trials()[1].attempts, 1);
}

TEST_F(SweepCommandTest, GoesOnUnderAnotherNameAndInAnotherFolder) {
  const std::string axes =
      "axes { field: \"method\" values: \"annealing\" } axes { field: \"samples\" values: "
      "\"100000000000\" } axes { field: \"seconds\" values: \"0.5\" }";
  const std::string config = Write(axes);
  const std::filesystem::path run = files_.dir / "out/trials" / ReadSweep(config).trials[0].key;
  std::stop_source stop;
  {
    const std::jthread later([&](const std::stop_token& done) {
      while (!std::filesystem::exists(run / "seed-1") && !done.stop_requested()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
      stop.request_stop();
    });
    ASSERT_EQ(RunPlacer({"sweep", config}, stop.get_token()).code, 130);
  }
  ASSERT_TRUE(std::filesystem::exists(run / "config.txtpb"));
  std::filesystem::rename(files_.dir / "out", files_.dir / "moved");
  const CommandResult again = RunPlacer({"sweep", Write("name: \"renamed\" " + axes, "moved")});
  EXPECT_EQ(again.code, 0) << again.out << again.err;
  EXPECT_EQ(Trials("moved")[0].state, TrialState::kDone);
  EXPECT_EQ(Trials("moved")[0].attempts, 2);
}

TEST_F(SweepCommandTest, ATrialThatHangsHasCrashed) {
  const std::string config = Write(
      "axes { field: \"method\" values: \"annealing\" } axes { field: \"samples\" values: "
      "[\"100000000000\", \"50\"] }");
  const CommandResult result = RunPlacer({"sweep", config, "--jobs", "1", "--trial-limit", "0.7"});
  EXPECT_EQ(result.code, 3) << result.err;
  EXPECT_EQ(Trials()[0].state, TrialState::kCrashed);
  EXPECT_THAT(Trials()[0].message, HasSubstr("longer than its limit of 0.7 s"));
  EXPECT_EQ(Trials()[1].state, TrialState::kDone);
}

TEST_F(SweepCommandTest, ATrialWhoseWorkerIsKilledHasCrashed) {
  const std::string config = Write(
      "axes { field: \"method\" values: \"annealing\" } axes { field: \"samples\" values: "
      "[\"100000000000\", \"50\"] }");
  const pid_t sweep = Start(config, {"--jobs", "1"});
  ASSERT_TRUE(Appears(RunPath(ReadSweep(config).trials[0].key) / "seed-1"));
  const std::vector<pid_t> workers = ChildrenOf(sweep);
  ASSERT_EQ(workers.size(), 1U);
  kill(workers.front(), SIGKILL);
  EXPECT_EQ(ExitOf(sweep), 3);
  EXPECT_EQ(Trials()[0].state, TrialState::kCrashed);
  EXPECT_THAT(Trials()[0].message, HasSubstr("was killed by signal 9"));
  EXPECT_EQ(Trials()[1].state, TrialState::kDone);
  EXPECT_EQ(RunPlacer({"sweep", config, "--jobs", "1"}).code, 3);
  EXPECT_EQ(Trials()[0].state, TrialState::kCrashed);
  EXPECT_EQ(Trials()[0].attempts, 1);
}

TEST_F(SweepCommandTest, AWorkerThatDiesBetweenTrialsCostsNone) {
  const std::string config = Write(
      "axes { field: \"method\" values: \"annealing\" } axes { field: \"samples\" values: "
      "[\"100000000000\", \"50\"] zip { field: \"seconds\" values: [\"0.7\", \"\"] } }");
  const pid_t sweep = Start(config, {"--jobs", "1"});
  const std::filesystem::path run = RunPath(ReadSweep(config).trials[0].key) / "seed-1";
  ASSERT_TRUE(Appears(run));
  // The sweep sleeps while its worker ends the first trial and dies.
  kill(sweep, SIGSTOP);
  ASSERT_TRUE(Appears(run / "result.json"));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));  // the answer is on its way
  const std::vector<pid_t> workers = ChildrenOf(sweep);
  ASSERT_EQ(workers.size(), 1U);
  kill(workers.front(), SIGKILL);
  kill(sweep, SIGCONT);
  EXPECT_EQ(ExitOf(sweep), 0);
  for (const StoredTrial& trial : Trials()) {
    EXPECT_EQ(trial.state, TrialState::kDone) << trial.message;
    EXPECT_EQ(trial.attempts, 1);
  }
}

TEST_F(SweepCommandTest, ProcessesThatShareAStoreRunEveryTrialOnce) {
  const std::string config = Write(
      "axes { field: \"method\" values: \"annealing\" } axes { field: \"samples\" values: "
      "\"20000\" } "
      "axes { field: \"seed\" range { from: 1 to: 20 } }");
  const pid_t one = Start(config, {"--jobs", "1"});
  const pid_t other = Start(config, {"--jobs", "2"});
  EXPECT_EQ(ExitOf(one), 0);
  EXPECT_EQ(ExitOf(other), 0);
  const std::vector<StoredTrial> trials = Trials();
  EXPECT_EQ(trials.size(), 20U);
  for (const StoredTrial& trial : trials) {
    EXPECT_EQ(trial.state, TrialState::kDone);
    EXPECT_EQ(trial.attempts, 1);
  }
}

/// A short version of scripts/sweep_kill_test.py: sweep and workers are killed at random times.
TEST_F(SweepCommandTest, KillsLoseAndRepeatNothing) {
  const std::string axes =
      "axes { field: \"method\" values: \"annealing\" } axes { field: \"samples\" values: "
      "\"30000\" } axes { field: \"seed\" range { from: 1 to: 24 } }\n";
  ASSERT_EQ(RunPlacer({"sweep", Write(axes, "undisturbed"), "--jobs", "2"}).code, 0);
  const std::string config = Write(axes);
  Rng rng(7);
  std::map<std::string, int> attempts_when_done;
  for (int kills = 0; kills < 6; ++kills) {
    const pid_t sweep = Start(config);
    std::this_thread::sleep_for(std::chrono::milliseconds(40 + rng() % 160));
    const std::vector<pid_t> workers = ChildrenOf(sweep);
    if (kills % 2 == 1 && !workers.empty()) {
      kill(workers.front(), SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
    }
    kill(sweep, SIGKILL);
    waitpid(sweep, nullptr, 0);
    if (!HasStore()) {
      ASSERT_TRUE(attempts_when_done.empty());
      continue;  // killed before it had begun
    }
    std::map<std::string, int> done;
    for (const StoredTrial& trial : Trials()) {
      if (trial.state == TrialState::kDone) {
        done[trial.key] = trial.attempts;
      }
    }
    for (const auto& [key, attempts] : attempts_when_done) {
      ASSERT_TRUE(done.contains(key)) << key << " was lost";
      EXPECT_EQ(done[key], attempts) << key << " ran again";
    }
    attempts_when_done = done;
  }
  const CommandResult last = RunPlacer({"sweep", config, "--jobs", "2", "--retry"});
  EXPECT_EQ(last.code, 0) << last.err;
  EXPECT_EQ(Outcome("out"), Outcome("undisturbed"));
}

}  // namespace
}  // namespace placer
