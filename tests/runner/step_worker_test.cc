#include "runner/step_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/fake_step.h"

namespace placer {
namespace {

using ::testing::HasSubstr;
using testing_support::FakeExecutor;
using testing_support::FakeStep;

StepPlan Placed(const Graph& graph, std::size_t op_on_second = 1000) {
  StepPlan plan;
  plan.placement = Placement(graph.num_ops(), DeviceId(0));
  if (op_on_second < graph.num_ops()) {
    plan.placement.set_device(OpId(op_on_second), DeviceId(1));
  }
  return plan;
}

/// Not there, or dead and not yet collected by whoever adopted it.
bool IsAlive(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string number, name, state;
  return file >> number >> name >> state && state != "Z";
}

/// Waits up to two seconds: what the kernel ends takes a moment.
bool Dies(pid_t pid) {
  for (int i = 0; i < 200 && IsAlive(pid); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return !IsAlive(pid);
}

template <typename Action>
StepOutcome OutcomeOf(const Action& action, std::string* what = nullptr) {
  try {
    action();
  } catch (const WorkerError& error) {
    if (what != nullptr) {
      *what = error.what();
    }
    return error.outcome();
  }
  return StepOutcome::kOk;
}

TEST(StepWorker, LoadsTheGraphAndMeasures) {
  const FakeStep step;
  StepWorker worker(step.source, step.options);
  EXPECT_EQ(worker.graph(), FakeExecutor::MakeGraph(4));
  const MeasuredSteps steps = worker.Measure(Placed(worker.graph()), 1, 3, true);
  ASSERT_EQ(steps.times.size(), 3U);
  // 2 x 1 ms and 8 x 2 ms, each 1.7 times that.
  EXPECT_NEAR(steps.times[0].count(), 18e-3 * 1.7, 1e-9);
  ASSERT_EQ(steps.traces.size(), 3U);
  EXPECT_EQ(steps.traces[0].ops.size(), worker.graph().num_ops());
  EXPECT_TRUE(steps.traces[0].copies.empty());
  EXPECT_EQ(steps.peak_bytes.size(), 2U);
  EXPECT_EQ(worker.num_starts(), 1);
}

TEST(StepWorker, SendsWholeTraces) {
  const FakeStep step;
  StepWorker worker(step.source, step.options);
  const MeasuredSteps steps = worker.Measure(Placed(worker.graph(), 1), 0, 1, true);
  ASSERT_EQ(steps.traces.size(), 1U);
  ASSERT_EQ(steps.traces[0].copies.size(), 2U);
  const ExecutedTrace::Copy& copy = steps.traces[0].copies[0];
  EXPECT_EQ(copy.bytes, 40'000);
  EXPECT_EQ(copy.from, DeviceId(0));
  EXPECT_EQ(copy.to, DeviceId(1));
  // 20 us of latency and 40 kB at 2 GB/s.
  EXPECT_EQ(copy.end - copy.start, Picoseconds(40'000'000));
}

TEST(StepWorker, RefusesAModelThatIsCutOff) {
  const FakeStep step;
  const std::string whole = step.dir.Read("model.pt");
  StepSource source = step.source;
  source.model = step.dir.Write("cut.pt", whole.substr(0, whole.size() / 2));
  try {
    const StepWorker worker(source, step.options);
    FAIL() << "a model that is cut off was loaded";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("cut.pt: "));
  }
}

TEST(StepWorker, RefusesInputsOfAnotherShape) {
  FakeStep step;
  step.source.inputs = {"float32[2]"};
  EXPECT_THROW(StepWorker(step.source, step.options), InputError);
}

TEST(StepWorker, SurvivesAChildThatIsKilledBetweenRequests) {
  const FakeStep step;
  StepWorker worker(step.source, step.options);
  kill(worker.pid(), SIGKILL);
  std::string what;
  EXPECT_EQ(
      OutcomeOf([&] { static_cast<void>(worker.Measure(Placed(worker.graph()), 0, 1)); }, &what),
      StepOutcome::kFailed);
  EXPECT_THAT(what, HasSubstr("was killed by signal 9"));
  EXPECT_EQ(worker.Measure(Placed(worker.graph()), 0, 1).times.size(), 1U);
  EXPECT_EQ(worker.num_starts(), 2);
}

TEST(StepWorker, SignalsThatAreMeantForTheWholeJobAreLeftToTheParent) {
  const FakeStep step;
  StepWorker worker(step.source, step.options);
  kill(worker.pid(), SIGTERM);
  kill(worker.pid(), SIGINT);
  EXPECT_EQ(worker.Measure(Placed(worker.graph()), 0, 1).times.size(), 1U);
  EXPECT_EQ(worker.num_starts(), 1);
}

TEST(StepWorker, SurvivesAChildThatDiesInAStep) {
  const FakeStep step("crash 1");
  StepWorker worker(step.source, step.options);
  std::string what;
  EXPECT_EQ(
      OutcomeOf([&] { static_cast<void>(worker.Measure(Placed(worker.graph(), 1), 0, 1)); }, &what),
      StepOutcome::kFailed);
  EXPECT_THAT(what, HasSubstr("was killed by signal 9"));
  EXPECT_EQ(worker.Measure(Placed(worker.graph(), 2), 0, 1).times.size(), 1U);
}

TEST(StepWorker, EndsAChildThatNeverReturns) {
  FakeStep step("hang 1");
  step.options.time_limit = Seconds(0.2);
  StepWorker worker(step.source, step.options);
  const pid_t pid = worker.pid();
  EXPECT_EQ(OutcomeOf([&] { static_cast<void>(worker.Measure(Placed(worker.graph(), 1), 0, 1)); }),
            StepOutcome::kTimedOut);
  EXPECT_FALSE(IsAlive(pid));
  EXPECT_EQ(worker.Measure(Placed(worker.graph()), 0, 1).times.size(), 1U);
}

TEST(StepWorker, EndsAChildOverItsMemoryLimit) {
  FakeStep step("eat 1");
  step.options.memory_limit_bytes = 80'000'000;
  StepWorker worker(step.source, step.options);
  const pid_t pid = worker.pid();
  std::string what;
  EXPECT_EQ(
      OutcomeOf([&] { static_cast<void>(worker.Measure(Placed(worker.graph(), 1), 0, 1)); }, &what),
      StepOutcome::kOutOfMemory);
  EXPECT_THAT(what, HasSubstr("its limit is 80.00 MB"));
  EXPECT_FALSE(IsAlive(pid));
}

TEST(StepWorker, TellsAChildThatGetsNoMemoryFromOneThatFails) {
  const FakeStep step("starve 1");
  StepWorker worker(step.source, step.options);
  std::string what;
  EXPECT_EQ(
      OutcomeOf([&] { static_cast<void>(worker.Measure(Placed(worker.graph(), 1), 0, 1)); }, &what),
      StepOutcome::kOutOfMemory);
  EXPECT_EQ(what, "out of memory");
  EXPECT_EQ(worker.Measure(Placed(worker.graph()), 0, 1).times.size(), 1U);
  EXPECT_EQ(worker.num_starts(), 2);
}

TEST(StepWorker, ReportsAnOpThatFails) {
  const FakeStep step("fail 1");
  StepWorker worker(step.source, step.options);
  std::string what;
  EXPECT_EQ(
      OutcomeOf([&] { static_cast<void>(worker.Measure(Placed(worker.graph(), 1), 0, 1)); }, &what),
      StepOutcome::kFailed);
  EXPECT_EQ(what, "op 'branch0a': a fault on purpose");
}

TEST(StepWorker, GivesUpAModelThatNeverLoads) {
  FakeStep step("load_hang 1");
  step.options.load_limit = Seconds(0.2);
  EXPECT_EQ(OutcomeOf([&] { const StepWorker worker(step.source, step.options); }),
            StepOutcome::kTimedOut);
}

TEST(StepWorker, StopsInTheMiddleOfAStep) {
  FakeStep step("hang 1");
  std::stop_source stop;
  step.options.stop = stop.get_token();
  StepWorker worker(step.source, step.options);
  const pid_t pid = worker.pid();
  std::jthread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  EXPECT_EQ(OutcomeOf([&] { static_cast<void>(worker.Measure(Placed(worker.graph(), 1), 0, 1)); }),
            StepOutcome::kInterrupted);
  EXPECT_FALSE(IsAlive(pid));
}

TEST(StepWorker, TakesTheChildWithIt) {
  const FakeStep step;
  pid_t pid = 0;
  {
    const StepWorker worker(step.source, step.options);
    pid = worker.pid();
    EXPECT_TRUE(IsAlive(pid));
  }
  EXPECT_FALSE(IsAlive(pid));
}

TEST(StepWorker, OutlivesTheThreadThatMadeIt) {
  const FakeStep step;
  std::unique_ptr<StepWorker> worker;
  std::thread([&] { worker = std::make_unique<StepWorker>(step.source, step.options); }).join();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(worker->Measure(Placed(worker->graph()), 0, 1).times.size(), 1U);
}

TEST(StepWorker, LeavesNoOrphanWhenItsProcessIsKilled) {
  const FakeStep step;
  const std::string pid_file = (step.dir / "pid").string();
  const pid_t parent = fork();
  if (parent == 0) {
    const StepWorker worker(step.source, step.options);
    std::ofstream(pid_file + ".tmp") << worker.pid();
    rename((pid_file + ".tmp").c_str(), pid_file.c_str());
    pause();
  }
  pid_t pid = 0;
  for (int i = 0; i < 500 && !(std::ifstream(pid_file) >> pid); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_GT(pid, 0);
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  EXPECT_TRUE(Dies(pid));
}

TEST(StepWorker, NamesAWorkerThatIsNotThere) {
  FakeStep step;
  step.options.program = step.dir / "missing";
  try {
    const StepWorker worker(step.source, step.options);
    FAIL() << "started what does not exist";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("missing: cannot be run: No such file or directory"));
  }
}

TEST(StepWorker, VerifiesAndWritesOutputs) {
  const FakeStep step("wrong 2");
  StepWorker worker(step.source, step.options);
  EXPECT_FALSE(worker.Verify(Placed(worker.graph()).placement));
  const auto mismatch = worker.Verify(Placed(worker.graph(), 2).placement);
  ASSERT_TRUE(mismatch);
  EXPECT_EQ(mismatch->op, "branch0b");
  const auto files = worker.WriteOutputs(Placed(worker.graph()).placement, step.dir / "");
  ASSERT_EQ(files.size(), 1U);
  EXPECT_TRUE(std::filesystem::exists(files[0]));
}

TEST(StepWorker, LeavesNoPartOfAnOutputBehind) {
  FakeStep step("write_hang 1");
  step.options.time_limit = Seconds(0.05);  // of each of the ten steps that it may take
  StepWorker worker(step.source, step.options);
  const std::filesystem::path folder = step.dir / "outputs";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "other.tmp1") << "1";
  EXPECT_EQ(OutcomeOf([&] {
              static_cast<void>(worker.WriteOutputs(Placed(worker.graph()).placement, folder));
            }),
            StepOutcome::kTimedOut);
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    left.push_back(entry.path().filename().string());
  }
  EXPECT_EQ(left, std::vector<std::string>{"other.tmp1"});
}

}  // namespace
}  // namespace placer
