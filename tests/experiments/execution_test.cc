// The commands that execute a model, with the fake worker in the place of LibTorch.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "cost_model/placement_io.h"
#include "cost_model/profile.h"
#include "tests/experiments/command_runner.h"
#include "tests/support/fake_executor.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

namespace fs = std::filesystem;
using test::CommandResult;
using test::RunPlacer;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing_support::FakeModel;

class ExecutionTest : public ::testing::Test {
 protected:
  ExecutionTest() { setenv("PLACER_WORKER", FAKE_WORKER, 1); }
  ~ExecutionTest() override { unsetenv("PLACER_WORKER"); }

  void UseModel(const std::string& lines) { model_ = dir_.Write("model.pt", FakeModel(lines)); }
  [[nodiscard]] std::string Path(const std::string& name) const { return (dir_ / name).string(); }

  /// `verb model.pt --inputs ... args`
  [[nodiscard]] CommandResult Run(const std::string& verb, std::vector<std::string> args) const {
    std::vector<std::string> all = {verb, model_, "--inputs", "float32[1]"};
    all.insert(all.end(), args.begin(), args.end());
    return RunPlacer(all);
  }
  [[nodiscard]] CommandResult RunHere(const std::string& verb,
                                      std::vector<std::string> args) const {
    args.insert(args.begin(), {"--devices", "cpu:0,cpu:1"});
    return Run(verb, std::move(args));
  }
  /// A plan with everything on one device and these ops on the other.
  [[nodiscard]] std::string WritePlan(const std::vector<std::string>& on_second,
                                      const std::string& file = "plan.txtpb") const {
    const Graph graph = testing_support::FakeExecutor::MakeGraph(4);
    SavedPlacement plan;
    for (const Op& op : graph.ops()) {
      const bool second = std::find(on_second.begin(), on_second.end(), op.name) != on_second.end();
      plan.device_of_op.emplace_back(op.name, second ? "cpu:1" : "cpu:0");
    }
    WritePlacement(plan, Path(file));
    return Path(file);
  }

  /// A profile of the model with times of ops that are so many times too long.
  [[nodiscard]] std::string WriteProfileOffBy(double factor) const {
    EXPECT_EQ(RunHere("profile", {"-o", Path("p.pb")}).code, 0);
    Profile wrong = ReadProfile(Path("p.pb"));
    for (auto& [key, time] : wrong.ops) {
      time.busy.seconds *= factor;
      time.idle.seconds *= factor;
    }
    WriteProfile(wrong, Path("wrong.pb"));
    return Path("wrong.pb");
  }

  test::TempDir dir_;
  std::string model_ = dir_.Write("model.pt", FakeModel());
};

TEST_F(ExecutionTest, EveryCommandTakesATorchScriptModel) {
  const CommandResult inspect = Run("inspect", {"--json"});
  ASSERT_EQ(inspect.code, 0) << inspect.err;
  EXPECT_EQ(inspect.json().at("model").at("ops"), 10);
  ASSERT_EQ(Run("import", {"-o", Path("g.txtpb")}).code, 0);
  EXPECT_EQ(RunPlacer({"inspect", Path("g.txtpb"), "--json"}).json().at("model").at("ops"), 10);
  const std::string plan = WritePlan({"branch0a"}), other = WritePlan({"branch1a"}, "other.txtpb");
  const auto run = [&](std::vector<std::string> args) {
    args.insert(args.end(), {"--inputs", "float32[1]", "--devices", "cpu:0,cpu:1"});
    CommandResult result = RunPlacer(args);
    EXPECT_EQ(result.code, 0) << args[0] << ": " << result.err;
    return result;
  };
  EXPECT_THAT(run({"check", plan, model_}).out, HasSubstr("ok, step time"));
  EXPECT_EQ(run({"diff", plan, other, model_, "--json"}).json().at("moved").size(), 2U);
  run({"apply", plan, model_, "-o", Path("applied.txtpb")});
  EXPECT_EQ(ReadPlacement(Path("applied.txtpb")).device_of_op, ReadPlacement(plan).device_of_op);
  run({"export", plan, model_, "--format", "plan", "-o", Path("plan.csv")});
  EXPECT_THAT(dir_.Read("plan.csv"), HasSubstr("branch0a,cpu:1"));
  const CommandResult whatif =
      RunPlacer({"whatif", model_, "--inputs", "float32[1]", "--cluster", "zoo:k80x2", "--vary",
                 "links.bandwidth=1x,2x", "--method", "heft", "--json"});
  ASSERT_EQ(whatif.code, 0) << whatif.err;
  EXPECT_EQ(whatif.json().at("points").size(), 2U);
}

TEST_F(ExecutionTest, RunsAndSweepsTakeATorchScriptModel) {
  const std::string experiment = "model: '" + model_ +
                                 "' inputs: 'float32[1]' devices: 'cpu:0,cpu:1' method: 'heft' "
                                 "samples: 4 runner: 'simulated' ";
  const std::string run =
      dir_.Write("run.txtpb", experiment + "seeds: 1 output_dir: '" + Path("run") + "'");
  ASSERT_EQ(RunPlacer({"train", run}).code, 0);
  const CommandResult report = RunPlacer({"report", Path("run"), "--baselines", "none", "--json"});
  ASSERT_EQ(report.code, 0) << report.err;
  EXPECT_EQ(report.json().at("problems").at(0).at("plans").size(), 1U);
  const std::string sweep =
      dir_.Write("sweep.txtpb", "name: 's' base { " + experiment +
                                    "} axes { field: 'method' values: ['heft', "
                                    "'etf'] } output_dir: '" +
                                    Path("sweep") + "'");
  const CommandResult swept = RunPlacer({"sweep", sweep, "--jobs", "1"});
  ASSERT_EQ(swept.code, 0) << swept.err;
  const CommandResult of_sweep =
      RunPlacer({"report", Path("sweep"), "--baselines", "none", "--json"});
  ASSERT_EQ(of_sweep.code, 0) << of_sweep.err;
  EXPECT_EQ(of_sweep.json().at("problems").at(0).at("rows").size(), 2U);
}

TEST_F(ExecutionTest, SaysWhatATorchScriptModelNeeds) {
  EXPECT_THAT(RunPlacer({"inspect", model_}).err, HasSubstr("needs example inputs"));
  EXPECT_THAT(Run("inspect", {"--batch", "2"}).err, HasSubstr("expected no --batch"));
  const CommandResult wrong = RunPlacer({"inspect", model_, "--inputs", "float32[7]"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("inputs: found 'float32[7]', expected float32[1]"));
  EXPECT_THAT(RunPlacer({"inspect", "zoo:rnnlm", "--inputs", "float32[1]"}).err,
              HasSubstr("inputs and loss are for TorchScript models"));
  EXPECT_THAT(RunPlacer({"inspect", Path("none.pt"), "--inputs", "float32[1]"}).err,
              HasSubstr("none.pt: cannot be opened"));
  EXPECT_THAT(RunPlacer({"profile", "zoo:rnnlm", "--devices", "cpu:0", "-o", Path("p.pb")}).err,
              HasSubstr("found no TorchScript model"));
}

TEST_F(ExecutionTest, RefusesATruncatedModel) {
  const std::string whole = dir_.Read("model.pt");
  model_ = dir_.Write("cut.pt", whole.substr(0, whole.size() - 4));
  const CommandResult result = Run("inspect", {});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("cut.pt: "));
}

TEST_F(ExecutionTest, RefusesDevicesThatAreNotThere) {
  const CommandResult result =
      Run("measure", {"--devices", "cpu:0,cpu:4000", "--placement", WritePlan({})});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("devices: found 'cpu:4000', but this process may use"));
  EXPECT_THAT(Run("measure", {"--devices", "cpu:0,cpu:0"}).err, HasSubstr("twice"));
  EXPECT_THAT(Run("measure", {"--devices", "tpu:0"}).err, HasSubstr("expected cpu:N or cuda:N"));
}

TEST_F(ExecutionTest, ProfilesMergeAndAreUsed) {
  ASSERT_EQ(RunHere("profile", {"-o", Path("a.pb")}).code, 0);
  const CommandResult merged =
      RunHere("profile", {"-o", Path("b.pb"), "--merge", Path("a.pb"), "--json"});
  ASSERT_EQ(merged.code, 0) << merged.err;
  const Profile a = ReadProfile(Path("a.pb")), b = ReadProfile(Path("b.pb"));
  EXPECT_EQ(a.ops.begin()->second.idle.count * 2, b.ops.begin()->second.idle.count);
  EXPECT_EQ(a.hardware, b.hardware);
  const CommandResult step =
      RunHere("simulate", {"--profile", Path("a.pb"), "--placement", WritePlan({}), "--json"});
  ASSERT_EQ(step.code, 0) << step.err;
  EXPECT_NEAR(step.json().at("step").at("step_time_seconds").get<double>(), 30.6e-3, 1e-6);
  EXPECT_EQ(step.err.find("warning"), std::string::npos) << step.err;
}

TEST_F(ExecutionTest, WarnsOfAProfileFromOtherHardware) {
  ASSERT_EQ(RunHere("profile", {"-o", Path("a.txtpb")}).code, 0);
  Profile other = ReadProfile(Path("a.txtpb"));
  other.hardware["cpu"] = "Another CPU";
  WriteProfile(other, Path("other.pb"));
  const CommandResult step =
      RunHere("simulate", {"--profile", Path("other.pb"), "--placement", WritePlan({})});
  EXPECT_EQ(step.code, 0);
  EXPECT_THAT(step.err, HasSubstr("was made on 'Another CPU'"));
  const CommandResult merged =
      RunHere("profile", {"-o", Path("b.pb"), "--merge", Path("other.pb")});
  EXPECT_EQ(merged.code, 2);
  EXPECT_THAT(merged.err, HasSubstr("times of different hardware do not mix"));
}

TEST_F(ExecutionTest, LocatesTheFaultOfATruncatedProfile) {
  ASSERT_EQ(RunHere("profile", {"-o", Path("a.pb")}).code, 0);
  const std::string whole = dir_.Read("a.pb");
  const std::string cut = dir_.Write("cut.pb", whole.substr(0, whole.size() / 2));
  const CommandResult result =
      RunHere("simulate", {"--profile", cut, "--placement", WritePlan({})});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("cut.pb: "));
}

TEST_F(ExecutionTest, OptimizeExecutesTheBest) {
  const CommandResult result = RunHere("optimize", {"--method", "heft,annealing", "--samples",
                                                    "200", "--json", "-o", Path("p.txtpb")});
  ASSERT_EQ(result.code, 0) << result.err;
  const nlohmann::json measured = result.json().at("measured");
  // Four branches over two devices: 1.7 x (1 + 4 x 2 + 1) ms and two or three copies.
  EXPECT_NEAR(measured.at("step_time_seconds").get<double>(), 17e-3, 0.3e-3);
  EXPECT_NEAR(measured.at("single_device_seconds").get<double>(), 30.6e-3, 1e-6);
  EXPECT_EQ(ReadPlacement(Path("p.txtpb")).step_time_seconds.value(),
            measured.at("step_time_seconds").get<double>());
}

TEST_F(ExecutionTest, OptimizeMeasuresTheBestAgainInAFreshProcess) {
  UseModel("count_steps 1");
  const CommandResult result = RunHere(
      "optimize", {"--method", "heft,annealing", "--samples", "200", "--rounds", "3", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const nlohmann::json measured = result.json().at("measured");
  EXPECT_LE(measured.at("confirmed").size(), 4U);  // three, and the best device alone
  for (const nlohmann::json& candidate : measured.at("confirmed")) {
    EXPECT_EQ(candidate.at("repeats_seconds").size(), 3U);
  }
  const std::string steps = dir_.Read("model.pt.steps");
  EXPECT_EQ(std::ranges::count(steps, '|'), 2);
  EXPECT_EQ(steps.size() - steps.rfind('|') - 1,  // each step after one that warms up
            measured.at("confirmed").size() * 3 * 2);
}

TEST_F(ExecutionTest, OptimizeSaysThatNothingCouldBeExecuted) {
  ASSERT_EQ(RunHere("profile", {"-o", Path("p.pb")}).code, 0);
  UseModel("sleep_ms 300");
  const CommandResult result =
      RunHere("optimize", {"--method", "heft", "--profile", Path("p.pb"), "--step-seconds", "0.02",
                           "-o", Path("plan.txtpb")});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, HasSubstr("no placement could be executed, the plan is the simulator's"));
  EXPECT_EQ(ReadPlacement(Path("plan.txtpb")).method, "heft");
}

TEST_F(ExecutionTest, CompareMeasuresWhatWasFoundInAFreshProcess) {
  UseModel("count_steps 1");
  ASSERT_EQ(RunHere("profile", {"-o", Path("p.pb")}).code, 0);
  std::filesystem::remove(model_ + ".steps");
  const CommandResult result =
      RunHere("compare", {"--methods", "topological,annealing", "--samples", "200", "--seeds", "1",
                          "--profile", Path("p.pb"), "--rounds", "3", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  // Two methods and two devices alone, three rounds.
  EXPECT_EQ(dir_.Read("model.pt.steps"), "||" + std::string(4 * 3 * 2, '.'));
}

// A profile that is off by half makes one device look better than anything executed.
TEST_F(ExecutionTest, CompareSaysHeadRoomFromExecutedStepsAlone) {
  const CommandResult result =
      RunHere("compare", {"--methods", "heft,annealing", "--samples", "200", "--seeds", "1",
                          "--profile", WriteProfileOffBy(0.5), "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_GT(result.json().at("methods").at(0).at("step_seconds").at("mean").get<double>(), 16e-3);
  EXPECT_EQ(result.json().at("head_room").at("statement"), "");
}

TEST_F(ExecutionTest, SearchesOnPastAHangAndPastMemoryThatRunsOut) {
  const std::vector<std::array<std::string, 4>> faults = {
      {"hang 1", "--step-seconds", "0.1", "within 0.2"},
      {"eat 1", "--memory-gb", "0.08", "its limit is 80.00 MB"}};
  for (const auto& [line, option, limit, reason] : faults) {
    UseModel(line);
    const CommandResult result =
        RunHere("optimize", {"--method", "annealing", "--samples", "12", "--runner", "measured",
                             option, limit, "--json", "-o", Path("p.txtpb")});
    ASSERT_EQ(result.code, 0) << line << result.err;
    EXPECT_THAT(result.err, HasSubstr("could not be measured, the first because"));
    EXPECT_THAT(result.err, HasSubstr(reason));
    EXPECT_EQ(ReadPlacement(Path("p.txtpb")).device_of_op[1].second, "cpu:0") << line;
  }
}

TEST_F(ExecutionTest, SearchesOnMeasuredTimesAlone) {
  UseModel("crash 1");
  const CommandResult result =
      RunHere("optimize", {"--method", "annealing", "--samples", "60", "--runner", "measured",
                           "--json", "-o", Path("p.txtpb")});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("could not be measured, the first because"));
  const nlohmann::json json = result.json();
  EXPECT_LT(json.at("measured").at("step_time_seconds").get<double>(), 20e-3);
  const SavedPlacement plan = ReadPlacement(Path("p.txtpb"));
  EXPECT_EQ(plan.device_of_op[1].second, "cpu:0");
}

TEST_F(ExecutionTest, ComparesOnMeasuredTimes) {
  for (const std::string runner : {"measured", "simulated+measured"}) {
    const CommandResult result =
        RunHere("compare", {"--methods", "heft,annealing", "--samples", "40", "--seeds", "2",
                            "--runner", runner, "--json"});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_NEAR(result.json().at("methods").at(1).at("step_seconds").at("mean").get<double>(),
                17e-3, 1e-3)
        << runner;
  }
}

TEST_F(ExecutionTest, TrainsOnMeasuredTimes) {
  for (const std::string runner : {"measured", "simulated+measured"}) {
    const std::string run = Path("run_" + runner);
    const std::string config = dir_.Write(
        "c.txtpb", "model: '" + model_ + "' inputs: 'float32[1]' devices: 'cpu:0,cpu:1' runner: '" +
                       runner + "' method: 'annealing' samples: 30 seeds: [1, 2] output_dir: '" +
                       run + "'");
    const CommandResult result = RunPlacer({"train", config, "--json"});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_NEAR(result.json().at("step_time_seconds").at("min").get<double>(), 17.3e-3, 1e-3);
    EXPECT_TRUE(fs::exists(fs::path(run) / "placement.txtpb"));
    EXPECT_EQ(RunPlacer({"train", config, "--resume"}).code, 0);
  }
}

TEST_F(ExecutionTest, MeasuresAgainstDevicesAloneAndTheOriginal) {
  const CommandResult result = RunHere(
      "measure", {"--placement", WritePlan({"branch0a", "branch0b", "branch1a", "branch1b"}),
                  "--methods", "heft", "--rounds", "3", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const nlohmann::json rows = result.json().at("rows");
  ASSERT_EQ(rows.size(), 7U);
  EXPECT_NEAR(rows.at(0).at("step_seconds").get<double>(), 17.1e-3, 0.2e-3);
  EXPECT_NEAR(rows.at(0).at("simulated_seconds").get<double>(),
              rows.at(0).at("step_seconds").get<double>(), 1e-5);
  EXPECT_NEAR(rows.at(2).at("step_seconds").get<double>(), 30.6e-3, 1e-6);
  EXPECT_EQ(rows.at(4).at("what"), "work-conserving, no copies");
  EXPECT_EQ(rows.at(6).at("what"), "LibTorch, 2 threads");
  EXPECT_TRUE(result.json().at("equal_outputs").get<bool>());
}

TEST_F(ExecutionTest, NamesTheOpThatDiffers) {
  UseModel("wrong 1");
  const CommandResult result =
      RunHere("measure", {"--placement", WritePlan({"branch0a"}), "--rounds", "2"});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, HasSubstr("op 'branch0a': output 0 differs by 1"));
}

TEST_F(ExecutionTest, SaysWhyAStepFailed) {
  UseModel("hang 1");
  const CommandResult hang = RunHere(
      "run", {"--placement", WritePlan({"branch0a"}), "--steps", "1", "--step-seconds", "0.2"});
  EXPECT_EQ(hang.code, 3);
  EXPECT_THAT(hang.err, HasSubstr("within 0.2"));
  UseModel("crash 1");
  const CommandResult crash =
      RunHere("run", {"--placement", WritePlan({"branch0a"}), "--steps", "1"});
  EXPECT_EQ(crash.code, 1);
  EXPECT_THAT(crash.err, HasSubstr("was killed by signal 9"));
}

TEST_F(ExecutionTest, RunsStepsAndWritesOutputs) {
  const CommandResult result =
      RunHere("run", {"--placement", WritePlan({"branch0a"}), "--steps", "3", "--outputs",
                      Path("out"), "--trace", Path("trace.json"), "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.json().at("steps_seconds").size(), 3U);
  EXPECT_TRUE(fs::exists(Path("out") + "/out.pt"));
  EXPECT_GT(nlohmann::json::parse(dir_.Read("trace.json")).at("traceEvents").size(), 12U);
}

TEST_F(ExecutionTest, HoldsTheSimulatorAgainstTheMachine) {
  UseModel("branches 9\nnoise 3");
  const CommandResult result =
      RunHere("fidelity", {"--placements", "30", "--rounds", "2", "--svg", Path("s.svg"),
                           "--traces", Path("worst"), "--worst", "2", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const nlohmann::json all = result.json().at("all");
  EXPECT_EQ(all.at("placements"), 30);
  EXPECT_LT(all.at("mape").get<double>(), 0.02);
  EXPECT_GT(all.at("spearman").get<double>(), 0.95);
  EXPECT_GT(all.at("repeat_noise").get<double>(), 0.0003);
  EXPECT_THAT(dir_.Read("s.svg"), HasSubstr("<svg"));
  EXPECT_TRUE(fs::exists(Path("worst") + "/worst2_executed.json"));
  EXPECT_TRUE(fs::exists(Path("worst") + "/worst1_simulated.json"));
}

TEST_F(ExecutionTest, FailsWhereTheSimulatorIsOff) {
  const CommandResult result = RunHere(
      "fidelity", {"--placements", "12", "--rounds", "2", "--profile", WriteProfileOffBy(1.5)});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.out, HasSubstr("Not faithful"));
}

/// The built command in a process of its own.
class Process {
 public:
  Process(std::vector<std::string> args, const std::string& err_file,
          const std::string& out_file = "/dev/null") {
    args.insert(args.begin(), BINARY_DIR "/placer");
    std::vector<char*> argv;
    for (std::string& arg : args) {
      argv.push_back(arg.data());
    }
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(open(err_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
      dup2(open(out_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Exit status, or minus the signal.
  [[nodiscard]] int Wait() const {
    int status = 0;
    waitpid(pid_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
};

/// Processes whose parent is `parent`.
std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "stat");
    pid_t pid = 0, ppid = 0;
    std::string name, state;
    if (file >> pid >> name >> state >> ppid && ppid == parent) {
      children.push_back(pid);
    }
  }
  return children;
}

class InterruptedExecutionTest : public ExecutionTest,
                                 public ::testing::WithParamInterface<std::vector<std::string>> {
 protected:
  /// Until the model, which counts them, has made so many steps, however slow the machine is.
  void AwaitSteps(std::uintmax_t wanted) const {
    std::error_code none_yet;
    for (int i = 0; i < 6000; ++i) {
      const std::uintmax_t steps = fs::file_size(model_ + ".steps", none_yet);
      if (!none_yet && steps >= wanted) {
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
};

TEST_P(InterruptedExecutionTest, KeepsTheBestSoFar) {
  ASSERT_EQ(RunHere("profile", {"-o", Path("p.pb")}).code, 0);
  UseModel("sleep_ms 20\ncount_steps 1");
  std::vector<std::string> args = {"optimize",  model_,        "--inputs", "float32[1]",
                                   "--devices", "cpu:0,cpu:1", "--method", "annealing",
                                   "--profile", Path("p.pb"),  "-o",       Path("plan.txtpb")};
  args.insert(args.end(), GetParam().begin(), GetParam().end());
  const Process process(args, Path("err.txt"));
  AwaitSteps(50);
  const std::vector<pid_t> children = ChildrenOf(process.pid());
  ASSERT_EQ(children.size(), 1U);
  kill(process.pid(), SIGINT);
  EXPECT_EQ(process.Wait(), 130);
  EXPECT_THAT(dir_.Read("err.txt"), HasSubstr("interrupted, this is the best so far"));
  EXPECT_GT(ReadPlacement(Path("plan.txtpb")).step_time_seconds.value(), 0.01);
  std::ifstream stat("/proc/" + std::to_string(children[0]) + "/stat");
  std::string pid, name, state = "gone";
  stat >> pid >> name >> state;
  EXPECT_TRUE(state == "gone" || state == "Z") << state;
  std::size_t files = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(dir_ / "")) {
    files += entry.is_regular_file() ? 1U : 0U;
  }
  EXPECT_EQ(files, 5U);  // model, its steps, profile, plan, err.txt
}

INSTANTIATE_TEST_SUITE_P(
    Runners, InterruptedExecutionTest,
    ::testing::Values(std::vector<std::string>{"--runner", "measured", "--samples", "100000"},
                      std::vector<std::string>{"--samples", "200", "--rounds", "100000"}));

TEST_F(ExecutionTest, CapturingStopsAtOnce) {
  UseModel("load_hang 1");
  const Process process({"inspect", model_, "--inputs", "float32[1]"}, Path("err.txt"));
  for (int i = 0; i < 6000 && ChildrenOf(process.pid()).empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(process.pid(), SIGINT);
  EXPECT_EQ(process.Wait(), 130) << dir_.Read("err.txt");
}

class InterruptedReportTest : public InterruptedExecutionTest {};

TEST_P(InterruptedReportTest, PrintsWhatWasMeasuredSoFar) {
  ASSERT_EQ(RunHere("profile", {"-o", Path("p.pb")}).code, 0);
  UseModel("sleep_ms 5\ncount_steps 1");
  std::vector<std::string> args = GetParam();
  args.insert(args.begin() + 1, {model_, "--inputs", "float32[1]", "--devices", "cpu:0,cpu:1",
                                 "--profile", Path("p.pb"), "--rounds", "1000", "--json"});
  const Process process(args, Path("err.txt"), Path("out.json"));
  AwaitSteps(200);
  kill(process.pid(), SIGINT);
  EXPECT_EQ(process.Wait(), 130);
  EXPECT_THAT(dir_.Read("err.txt"), HasSubstr("interrupted, this is what was measured so far"));
  const nlohmann::json json = nlohmann::json::parse(dir_.Read("out.json"));
  const nlohmann::json& of = json.contains("rows") ? json.at("rows") : json.at("points");
  EXPECT_GE(of.at(0).at("repeats_seconds").size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Commands, InterruptedReportTest,
                         ::testing::Values(std::vector<std::string>{"measure", "--methods", "heft"},
                                           std::vector<std::string>{"fidelity", "--placements",
                                                                    "12", "--steps", "1"}));

}  // namespace
}  // namespace placer
