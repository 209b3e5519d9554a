#include "runner/measured_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <stop_token>

#include "cost_model/device_list.h"
#include "graphs/base/error.h"
#include "tests/support/fake_step.h"

namespace placer {
namespace {

using ::testing::HasSubstr;
using testing_support::FakeStep;

struct MeasuredFixture {
  explicit MeasuredFixture(const std::string& lines = {}, FakeStep* other = nullptr)
      : step(lines),
        worker((other == nullptr ? step : *other).source,
               (other == nullptr ? step : *other).options),
        cluster(MakeDeviceCluster(worker.source().devices)),
        runner(cluster, worker) {}
  [[nodiscard]] Placement With(std::initializer_list<std::size_t> ops_on_second) const {
    Placement placement(worker.graph().num_ops(), DeviceId(0));
    for (const std::size_t op : ops_on_second) {
      placement.set_device(OpId(op), DeviceId(1));
    }
    return placement;
  }
  FakeStep step;
  StepWorker worker;
  Cluster cluster;
  MeasuredRunner runner;
};

TEST(MeasuredRunner, ReportsMeasuredTimes) {
  const MeasuredFixture fixture;
  const StepReport one = fixture.runner.Run(fixture.With({}));
  EXPECT_EQ(one.outcome, StepOutcome::kOk);
  EXPECT_NEAR(ToSeconds(one.step_time).count(), 30.6e-3, 1e-9);
  EXPECT_NEAR(ToSeconds(one.busy[0]).count(), 30.6e-3, 1e-9);
  EXPECT_EQ(one.moved_bytes, 0);
  const StepReport two = fixture.runner.Run(fixture.With({1, 2, 3, 4}));
  EXPECT_LT(two.step_time, one.step_time * 0.7);
  EXPECT_GT(two.moved_bytes, 40'000);
  EXPECT_GT(two.link_busy[0].count(), 0);
}

TEST(MeasuredRunner, MeasuresAPlacementOnce) {
  const MeasuredFixture fixture("noise 100");
  const StepReport first = fixture.runner.Run(fixture.With({1}));
  EXPECT_EQ(fixture.runner.Run(fixture.With({1})).step_time, first.step_time);
  EXPECT_EQ(fixture.runner.num_measured(), 1);
}

TEST(MeasuredRunner, MeasuresAgainWhatItWasToForget) {
  MeasuredFixture fixture("noise 100");
  const StepReport first = fixture.runner.Run(fixture.With({1}));
  fixture.runner.Forget();
  EXPECT_NE(fixture.runner.Run(fixture.With({1})).step_time, first.step_time);
  EXPECT_EQ(fixture.runner.num_measured(), 2);
}

TEST(MeasuredRunner, GoesOnAfterACrash) {
  const MeasuredFixture fixture("crash 1\nfail 3");
  const StepReport crashed = fixture.runner.Run(fixture.With({1}));
  EXPECT_EQ(crashed.outcome, StepOutcome::kFailed);
  EXPECT_THAT(crashed.reason, HasSubstr("was killed by signal 9"));
  const StepReport failed = fixture.runner.Run(fixture.With({3}));
  EXPECT_THAT(failed.reason, HasSubstr("a fault on purpose"));
  EXPECT_EQ(fixture.runner.Run(fixture.With({2})).outcome, StepOutcome::kOk);
  EXPECT_EQ(fixture.runner.num_failed(), 2);
  EXPECT_THAT(fixture.runner.first_failure(), HasSubstr("signal 9"));
}

TEST(MeasuredRunner, GoesOnAfterAHangWithinTheUsersLimit) {
  FakeStep step("hang 1");
  step.options.time_limit = Seconds(0.1);
  const MeasuredFixture fixture({}, &step);
  ASSERT_EQ(fixture.runner.Run(fixture.With({2})).outcome, StepOutcome::kOk);
  const StepReport hung = fixture.runner.Run(fixture.With({1}));
  EXPECT_EQ(hung.outcome, StepOutcome::kTimedOut);
  EXPECT_THAT(hung.reason, HasSubstr("within 0.2"));  // a warm-up and a step that counts
  EXPECT_EQ(fixture.runner.Run(fixture.With({3})).outcome, StepOutcome::kOk);
}

TEST(MeasuredRunner, ShortensALimitThatIsLong) {
  FakeStep step;
  step.options.time_limit = Seconds(60);
  MeasuredFixture fixture({}, &step);
  ASSERT_EQ(fixture.runner.Run(fixture.With({})).outcome, StepOutcome::kOk);
  EXPECT_EQ(fixture.worker.time_limit(), Seconds(10));
}

TEST(MeasuredRunner, GoesOnAfterAPlacementThatEatsMemory) {
  FakeStep step("eat 1");
  step.options.memory_limit_bytes = 80'000'000;
  const MeasuredFixture fixture({}, &step);
  const StepReport eaten = fixture.runner.Run(fixture.With({1}));
  EXPECT_EQ(eaten.outcome, StepOutcome::kOutOfMemory);
  EXPECT_THAT(eaten.reason, HasSubstr("its limit is 80.00 MB"));
  EXPECT_EQ(fixture.runner.Run(fixture.With({2})).outcome, StepOutcome::kOk);
}

TEST(MeasuredRunner, GivesUpAModelThatFailsUnderEveryPlacement) {
  const MeasuredFixture fixture("fail 1");
  std::vector<Placement> placements;
  for (std::size_t op = 2; op < 10; ++op) {
    placements.push_back(fixture.With({1, op}));
  }
  std::vector<StepSummary> summaries(placements.size());
  EXPECT_THROW(fixture.runner.RunBatch(placements, summaries), Error);
}

// Too little memory is what placing is for: no sign of a model that cannot be run.
TEST(MeasuredRunner, GoesOnWhereNothingFits) {
  const MeasuredFixture fixture;
  ClusterSpec spec = fixture.cluster.spec();
  for (Device& device : spec.devices) {
    device.memory_bytes = 1000;
  }
  StepWorker worker(fixture.step.source, fixture.step.options);
  const Cluster small(spec);
  const MeasuredRunner runner(small, worker);
  for (std::size_t op = 0; op < 10; ++op) {
    const StepReport report = runner.Run(fixture.With({op}));
    EXPECT_EQ(report.outcome, StepOutcome::kOutOfMemory);
    EXPECT_THAT(report.reason, HasSubstr("and has 1.00 kB"));
    ASSERT_FALSE(report.shortages.empty());
    EXPECT_GT(report.shortages[0].required_bytes, 1000);
  }
}

TEST(HoldAgainstMemory, FailsWhatHeldMoreThanItsDeviceHas) {
  const Cluster cluster = MakeDeviceCluster({"cpu:0", "cpu:1"});
  const std::int64_t capacity = cluster.device(DeviceId(1)).memory_bytes;
  StepTiming timing;
  timing.peak_bytes = {1, capacity};
  HoldAgainstMemory(cluster, timing);
  EXPECT_EQ(timing.outcome, StepOutcome::kOk);
  timing.peak_bytes = {1, capacity + 1};
  HoldAgainstMemory(cluster, timing);
  EXPECT_EQ(timing.outcome, StepOutcome::kOutOfMemory);
  EXPECT_THAT(timing.reason, HasSubstr("device 'cpu:1' held"));
}

TEST(MeasuredRunner, SaysWhenItWasInterrupted) {
  FakeStep step("hang 1");
  std::stop_source stop;
  step.options.stop = stop.get_token();
  const MeasuredFixture fixture({}, &step);
  stop.request_stop();
  EXPECT_EQ(fixture.runner.Run(fixture.With({1})).outcome, StepOutcome::kInterrupted);
  EXPECT_EQ(fixture.runner.num_failed(), 0);
}

TEST(MeasuredRunner, RefusesAnotherClustersDevices) {
  const FakeStep step;
  StepWorker worker(step.source, step.options);
  const Cluster other = MakeDeviceCluster({"cpu:1", "cpu:0"});
  EXPECT_THROW(MeasuredRunner(other, worker), InputError);
}

TEST(TimeStep, RepeatsUntilTheIntervalIsNarrow) {
  const FakeStep quiet;
  StepWorker worker(quiet.source, quiet.options);
  StepPlan plan;
  plan.placement = Placement(worker.graph().num_ops(), DeviceId(0));
  TimingOptions options;
  EXPECT_EQ(TimeStep(worker, plan, options).times.size(), 3U);

  const FakeStep noisy("noise 400");
  StepWorker noisy_worker(noisy.source, noisy.options);
  const StepTiming timing = TimeStep(noisy_worker, plan, options);
  EXPECT_EQ(timing.times.size(), 12U);
  EXPECT_GT(timing.time.half_width, 0.01 * timing.time.mean);
}

TEST(TimeStep, FailsWhereTheWorkerCannotBeStartedAnew) {
  const FakeStep step("crash 1");
  StepWorker worker(step.source, step.options);
  Placement placement(worker.graph().num_ops(), DeviceId(0));
  placement.set_device(OpId(1), DeviceId(1));
  const StepPlan crashes{StepPlan::Kind::kPlaced, placement, 1};
  EXPECT_EQ(TimeStep(worker, crashes, {}).outcome, StepOutcome::kFailed);
  std::filesystem::remove(step.source.model);
  placement.set_device(OpId(1), DeviceId(0));
  const StepTiming gone = TimeStep(worker, {StepPlan::Kind::kPlaced, placement, 1}, {});
  EXPECT_EQ(gone.outcome, StepOutcome::kFailed);
  EXPECT_THAT(gone.reason, HasSubstr("model.pt"));
}

TEST(TimeStep, StopsWhenTheBestIsOutOfReach) {
  const FakeStep noisy("noise 100");
  StepWorker worker(noisy.source, noisy.options);
  StepPlan plan;
  plan.placement = Placement(worker.graph().num_ops(), DeviceId(0));
  const TimingOptions options;
  const StepTiming far = TimeStep(worker, plan, options, /*best=*/0.010);
  EXPECT_TRUE(far.cut);
  EXPECT_EQ(far.times.size(), 1U);
  const StepTiming apart = TimeStep(worker, plan, options, /*best=*/0.026);
  EXPECT_FALSE(apart.cut);
  EXPECT_LT(apart.times.size(), 12U);
}

TEST(TimeInterleaved, TakesTurnsAndLeavesOutWhatFails) {
  const FakeStep step("crash 1\nnoise 20");
  StepWorker worker(step.source, step.options);
  std::vector<StepPlan> plans(3);
  for (StepPlan& plan : plans) {
    plan.placement = Placement(worker.graph().num_ops(), DeviceId(0));
  }
  plans[1].placement.set_device(OpId(1), DeviceId(1));
  plans[2].kind = StepPlan::Kind::kWorkConserving;
  int rounds = 0;
  const InterleavedTimings measured =
      TimeInterleaved(worker, plans, 4, {}, false, [&](int) { ++rounds; });
  EXPECT_EQ(rounds, 4);
  EXPECT_FALSE(measured.interrupted);
  const std::vector<StepTiming>& timings = measured.timings;
  EXPECT_EQ(timings[0].times.size(), 4U);
  EXPECT_EQ(timings[1].outcome, StepOutcome::kFailed);
  EXPECT_TRUE(timings[1].times.empty());
  EXPECT_NEAR(timings[2].time.mean, timings[0].time.mean / 2, 2e-3);
}

TEST(TimeInterleaved, KeepsWhatWasMeasuredBeforeAnInterruption) {
  FakeStep step;
  std::stop_source stop;
  step.options.stop = stop.get_token();
  StepWorker worker(step.source, step.options);
  std::vector<StepPlan> plans(2);
  for (StepPlan& plan : plans) {
    plan.placement = Placement(worker.graph().num_ops(), DeviceId(0));
  }
  plans[1].placement.set_device(OpId(1), DeviceId(1));
  const InterleavedTimings two_rounds =
      TimeInterleaved(worker, plans, 100, {}, false, [&](int round) {
        if (round == 2) {
          stop.request_stop();
        }
      });
  EXPECT_TRUE(two_rounds.interrupted);
  for (const StepTiming& timing : two_rounds.timings) {
    EXPECT_EQ(timing.outcome, StepOutcome::kOk);
    EXPECT_GE(timing.times.size(), 2U);
    EXPECT_LT(timing.times.size(), 100U);
    EXPECT_NEAR(timing.time.mean, 30e-3, 5e-3);
  }
  const InterleavedTimings none = TimeInterleaved(worker, plans, 1, {});
  EXPECT_TRUE(none.interrupted);
  EXPECT_EQ(none.timings[1].outcome, StepOutcome::kInterrupted);
  EXPECT_THAT(none.timings[1].reason, HasSubstr("before it was measured"));
}

}  // namespace
}  // namespace placer
