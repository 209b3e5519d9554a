#include "placer/reinforce_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>

#include "cost_model/bound.h"
#include "graphs/base/error.h"
#include "placer/checkpoint.h"
#include "placer/group_enumeration.h"
#include "placer/reinforce_placer.h"
#include "tests/support/fake_runner.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_problem.h"

namespace placer {
namespace {

using test::TempDir;
using testing::HasSubstr;
using testing_support::Bytes;
using testing_support::CompleteCluster;
using testing_support::FakeRunner;
using testing_support::RandomDag;
using testing_support::TestProblem;
using testing_support::TimedOp;

ReinforceOptions SmallOptions() {
  ReinforceOptions options = ReinforcePreset("default");
  options.policy.hidden = 32;
  return options;
}

PlaceRequest Request(const Problem& problem, std::int64_t samples,
                     std::filesystem::path checkpoint = {}) {
  return {problem, {samples, std::nullopt}, /*seed=*/3, {}, {}, std::move(checkpoint)};
}

std::string Contents(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// An error of `f`, or "no error".
template <typename F>
std::string ErrorOf(F&& f) {
  try {
    f();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

/// Devices of different speeds, so that a placement's mirrors are not as good as itself.
Cluster UnequalCluster(std::size_t num_devices) {
  ClusterSpec spec = CompleteCluster(num_devices).spec();
  for (std::size_t d = 0; d < num_devices; ++d) {
    spec.devices[d].peak_flops_per_s[0] *= 1.0 + 0.2 * static_cast<double>(d);
  }
  return Cluster(spec);
}

/// Ten ops that read one to three of the four before them, with times and sizes that seldom tie.
Graph TenOps(Seed seed) {
  Rng rng(DeriveSeed(seed));
  GraphBuilder builder("ten");
  for (std::size_t i = 0; i < 10; ++i) {
    const double time = 10 + static_cast<double>(rng.Below(300)) / 10;
    std::vector<TensorId> inputs;
    for (std::size_t left = i == 0 ? 0 : 1 + rng.Below(3); left > 0; --left) {
      inputs.push_back(builder.Output(OpId(i - 1 - rng.Below(std::min<std::size_t>(i, 4)))));
    }
    builder.AddOp(TimedOp("op" + std::to_string(i), time), inputs,
                  {Bytes(4 * static_cast<std::int64_t>(200 + rng.Below(3000)))});
  }
  return std::move(builder).Build();
}

/// Ten groups on four devices: 4^10 placements, of which a handful are best.
class PolicyLearns : public testing::TestWithParam<Seed> {
 protected:
  /// Step time of the most likely placement after learning, over that of the enumerated optimum.
  static double LikelyOverOptimum(Seed seed, const ReinforceOptions& options) {
    constexpr std::int64_t kSamples = 1800;
    const TestProblem test(TenOps(seed), UnequalCluster(4));
    const EnumerationResult optimum = EnumerateGroupPlacements(test.problem);
    const double random_success = 1 - std::pow(1 - static_cast<double>(optimum.optima) /
                                                       static_cast<double>(optimum.placements),
                                               kSamples);
    EXPECT_LT(random_success, 0.05) << "too easy to show anything";

    const PlaceRequest request = Request(test.problem, kSamples);
    ReinforceTrainer trainer(request, options);
    trainer.Run();
    SimulatedRunner::Evaluator evaluator(test.runner);
    const StepSummary likely =
        evaluator.Evaluate(test.problem.Expand(trainer.MostLikely()).device_of_op());
    return ToSeconds(likely.step_time) / ToSeconds(optimum.best.step_time);
  }
};

TEST_P(PolicyLearns, TheMostLikelyPlacementIsTheEnumeratedOptimum) {
  EXPECT_EQ(LikelyOverOptimum(GetParam(), ReinforcePreset("default")), 1);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PolicyLearns, testing::Range<Seed>(1, 11));

TEST(ReinforceTrainer, ResumesByteForByte) {
  const TempDir dir;
  const TestProblem test(RandomDag(10, 1), CompleteCluster(3));
  ReinforceOptions options = SmallOptions();
  options.batch = 4;
  options.oversampling = 1;  // four samples per update
  const auto run = [&](std::int64_t samples, const char* file) {
    const PlaceRequest request = Request(test.problem, samples, dir / file);
    ReinforceTrainer trainer(request, options);
    trainer.Run();
    const std::int64_t updates = trainer.num_updates();
    return std::pair(updates, trainer.Finish());
  };
  // The same budget in both: how far it is spent steers the search. The first half is stopped by
  // the user.
  const auto [straight_updates, straight] = run(800, "straight");
  EXPECT_EQ(straight_updates, 200);

  std::stop_source stop;
  PlaceRequest half = Request(test.problem, 800, dir / "resumed");
  half.stop = stop.get_token();
  {
    ReinforceTrainer trainer(half, options, [&](const UpdateRecord& record) {
      if (record.update == 100) {
        stop.request_stop();
      }
    });
    trainer.Run();
    EXPECT_EQ(trainer.num_updates(), 100);
  }
  EXPECT_NE(Contents(dir / "resumed"), Contents(dir / "straight"));
  const auto [resumed_updates, resumed] = run(800, "resumed");
  EXPECT_EQ(resumed_updates, 200);
  EXPECT_EQ(Contents(dir / "resumed"), Contents(dir / "straight"));
  EXPECT_EQ(resumed.groups, straight.groups);
  EXPECT_EQ(resumed.best, straight.best);
  EXPECT_EQ(resumed.unique_samples, straight.unique_samples);
}

TEST(ReinforceTrainer, AResumedRunHasTheRestOfItsTime) {
  const TempDir dir;
  const TestProblem test(RandomDag(10, 1), CompleteCluster(3));
  std::stop_source stop;
  PlaceRequest request = Request(test.problem, 100'000, dir / "state");
  request.budget.seconds = Seconds(1000);
  request.stop = stop.get_token();
  ReinforceTrainer first(request, SmallOptions(), [&](const UpdateRecord& record) {
    if (record.update == 2) {
      stop.request_stop();
    }
  });
  first.Run();
  Checkpoint checkpoint = ReadCheckpoint(dir / "state");
  const double spent = ByteReader(checkpoint.at("clock")).TakeReal();
  EXPECT_GT(spent, 0);
  EXPECT_LT(spent, 500);
  ByteWriter clock;
  clock.Put(1001.0);
  checkpoint.at("clock") = clock.bytes();
  WriteCheckpoint(checkpoint, dir / "state");
  request.stop = {};
  ReinforceTrainer second(request, SmallOptions());
  second.Run();
  EXPECT_EQ(second.num_updates(), 2) << "no time is left";
  EXPECT_GT(second.Finish().wall, Seconds(1000));
}

/// A trainer's checkpoint after 60 samples, and how its run went.
struct Trained {
  std::string checkpoint;
  std::int64_t updates = 0;
  PlaceResult result;
};

/// Runs in batches of eight, evaluated three at a time. @param stop_after  evaluations after which
/// a stop is asked for, in the middle of whatever is going on; the run then goes on from its
/// checkpoint
Trained TrainWithStop(const ReinforceOptions& options, int stop_after) {
  const TempDir dir;
  const TestProblem test(RandomDag(10, 1), CompleteCluster(3));
  Trained trained;
  for (const bool stops : {stop_after > 0, false}) {
    std::stop_source stop;
    int evaluations = 0;
    const FakeRunner runner(
        test.graph, test.cluster,
        [&](const Placement& placement) {
          if (++evaluations == stop_after && stops) {
            stop.request_stop();
          }
          StepSummary summary;
          test.runner.RunBatch(std::span(&placement, 1), std::span(&summary, 1));
          return summary;
        },
        /*preferred_batch=*/3);
    const Problem problem(test.problem, runner);
    PlaceRequest request = Request(problem, 60, dir / "state");
    request.stop = stop.get_token();
    ReinforceTrainer trainer(request, options);
    trainer.Run();
    trained.updates = trainer.num_updates();
    trained.result = trainer.Finish();
    EXPECT_EQ(trained.result.interrupted, stops);
    EXPECT_GE(trained.result.samples, stops ? stop_after : 60);
  }
  trained.checkpoint = Contents(dir / "state");
  return trained;
}

TEST(ReinforceTrainer, AStopAnywhereChangesNothing) {
  for (const bool warm : {false, true}) {
    ReinforceOptions options = SmallOptions();
    options.batch = 8;
    options.warm = warm;
    const Trained straight = TrainWithStop(options, 0);
    for (const int stop_after : {1, 7, 8, 11, 17, 30, 59}) {
      const Trained resumed = TrainWithStop(options, stop_after);
      EXPECT_EQ(resumed.checkpoint, straight.checkpoint) << warm << ", " << stop_after;
      EXPECT_EQ(resumed.updates, straight.updates);
      EXPECT_EQ(resumed.result.groups, straight.result.groups);
      EXPECT_EQ(resumed.result.samples, straight.result.samples);
      EXPECT_EQ(resumed.result.unique_samples, straight.result.unique_samples);
    }
  }
}

TEST(ReinforceTrainer, RefusesACheckpointOfAnotherRunAndADamagedOne) {
  const TempDir dir;
  const std::filesystem::path path = dir / "checkpoint";
  const TestProblem test(RandomDag(8, 1), CompleteCluster(2));
  const PlaceRequest request = Request(test.problem, 32, path);
  const auto make = [&](const PlaceRequest& of, const ReinforceOptions& options) {
    return ErrorOf([&] { ReinforceTrainer(of, options).Run(); });
  };
  ASSERT_EQ(make(request, SmallOptions()), "no error");

  ReinforceOptions other = SmallOptions();
  other.learning_rate = 0.5;
  EXPECT_THAT(make(request, other), HasSubstr("belongs to another run"));
  PlaceRequest other_seed = request;
  other_seed.seed = 4;
  EXPECT_THAT(make(other_seed, SmallOptions()), HasSubstr("belongs to another run"));

  std::string bytes = Contents(path);
  for (const std::size_t at : {bytes.size() / 2, bytes.size() - 1, std::size_t{25}}) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    std::ofstream(path, std::ios::binary) << damaged;
    EXPECT_THAT(make(request, SmallOptions()), HasSubstr("is damaged"));
  }
  std::ofstream(path, std::ios::binary) << bytes.substr(0, bytes.size() - 7);
  EXPECT_THAT(make(request, SmallOptions()), HasSubstr("is damaged"));
  std::ofstream(path, std::ios::binary) << "hello";
  EXPECT_THAT(make(request, SmallOptions()), HasSubstr("is no checkpoint"));
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_EQ(make(request, SmallOptions()), "no error");
}

TEST(ReinforceTrainer, SameSeedSameResultAndAnotherSeedAnotherSearch) {
  const TestProblem test(RandomDag(12, 2), CompleteCluster(3));
  std::vector<PlaceResult> results;
  for (const Seed seed : {Seed{3}, Seed{3}, Seed{4}}) {
    PlaceRequest request = Request(test.problem, 96);
    request.seed = seed;
    results.push_back(MakeReinforcePlacer(SmallOptions())->Place(request));
    EXPECT_EQ(results.back().samples, 96);
  }
  EXPECT_EQ(results[0].groups, results[1].groups);
  EXPECT_EQ(results[0].unique_samples, results[1].unique_samples);
  const auto course = [](const PlaceResult& result) {
    std::vector<std::pair<std::int64_t, Picoseconds>> improvements;
    for (const CurvePoint& point : result.curve) {
      improvements.emplace_back(point.samples, point.best.step_time);
    }
    return improvements;
  };
  EXPECT_EQ(course(results[0]), course(results[1]));
  EXPECT_NE(course(results[0]), course(results[2]));
}

TEST(ReinforceTrainer, KeepsToAllowedDevicesAndTheBudget) {
  const TestProblem test(RandomDag(9, 5), CompleteCluster(3));  // the first op is tied to d0
  for (const std::int64_t samples : {1, 7, 40}) {
    const PlaceRequest request = Request(test.problem, samples);
    const PlaceResult result = MakeReinforcePlacer(SmallOptions())->Place(request);
    EXPECT_EQ(result.samples, samples);
    ASSERT_TRUE(result.groups.has_value());
    EXPECT_EQ((*result.groups)[0], DeviceId(0));
  }
}

TEST(ReinforceTrainer, WarmStartIsNeverWorseThanTheHeuristicsItImitates) {
  const TestProblem test(RandomDag(30, 6), CompleteCluster(3));
  ReinforceOptions warm = SmallOptions();
  warm.warm = true;
  const PlaceResult result = MakeReinforcePlacer(warm)->Place(Request(test.problem, 200));
  EXPECT_LE(result.samples, 200);
  const PlaceResult heft = HeuristicPlacers().Make("heft")->Place(Request(test.problem, 20));
  EXPECT_FALSE(IsBetter(heft.best, result.best));
}

TEST(ReinforceTrainer, InfeasiblePlacementsAreLearnedFromByTheirExcess) {
  // Everything on one device needs more memory than it has; spread it fits.
  const TestProblem test(RandomDag(16, 7), CompleteCluster(3, /*memory_bytes=*/40'000));
  const PlaceResult result = MakeReinforcePlacer(SmallOptions())->Place(Request(test.problem, 640));
  EXPECT_EQ(result.best.outcome, StepOutcome::kOk);
}

TEST(ReinforceTrainer, HoweverSlowAPlacementCostsLessThanOneThatDoesNotFit) {
  const TestProblem test(RandomDag(8, 8), CompleteCluster(2));
  const double bound = static_cast<double>(
      ComputeLowerBound(test.graph, test.cluster, test.problem.costs()).value().count());
  double last = 0;
  for (const double times_bound : {1.0, 64.0, 100.0, 1e4, 1e8}) {
    const FakeRunner runner(test.graph, test.cluster, [&](const Placement&) {
      StepSummary summary;
      summary.step_time = Picoseconds(std::llround(bound * times_bound));
      return summary;
    });
    const Problem problem(test.problem, runner);
    std::vector<double> rewards;
    const auto placer = MakeReinforcePlacer(
        SmallOptions(), [&](const UpdateRecord& r) { rewards.push_back(r.best_reward); });
    (void)placer->Place(Request(problem, 16));
    EXPECT_LT(rewards.front(), last) << times_bound;
    EXPECT_GT(rewards.front(), -SmallOptions().failing_cost);
    last = rewards.front();
    if (times_bound <= 64) {
      EXPECT_NEAR(last, -std::sqrt(times_bound), 1e-6);
    }
  }
}

TEST(ReinforceTrainer, ReportsEveryUpdate) {
  const TestProblem test(RandomDag(8, 8), CompleteCluster(2));
  std::vector<UpdateRecord> records;
  const auto placer =
      MakeReinforcePlacer(SmallOptions(), [&](const UpdateRecord& r) { records.push_back(r); });
  (void)placer->Place(Request(test.problem, 64));
  ASSERT_GE(records.size(), 4U);
  for (std::size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(records[i].update, static_cast<std::int64_t>(i) + 1);
    EXPECT_GT(records[i].entropy, 0);
    EXPECT_GT(records[i].gradient_norm, 0);
    EXPECT_GT(records[i].best_time, 0);
    EXPECT_LE(records[i].best_time, records[i].mean_time);
    EXPECT_LE(records[i].unique_share, 1);
  }
}

TEST(ReinforceOptions, AreSetByNameAndRefuseWhatTheyDoNotKnow) {
  ReinforceOptions options = ReinforcePreset("default");
  SetReinforceOptions({{"hidden", "64"}, {"baseline", "moving-average"}, {"learning_rate", "0.25"}},
                      options);
  EXPECT_EQ(options.policy.hidden, 64U);
  EXPECT_EQ(options.baseline, ReinforceOptions::Baseline::kMovingAverage);
  EXPECT_THAT(Describe(options), HasSubstr("learning_rate=0.25 "));
  EXPECT_THAT(ErrorOf([&] {
                SetReinforceOptions({{"speed", "1"}}, options);
              }),
              AllOf(HasSubstr("option 'speed' is unknown"), HasSubstr("learning_rate")));
  EXPECT_THAT(ErrorOf([&] {
                SetReinforceOptions({{"batch", "0"}}, options);
              }),
              HasSubstr("option batch is '0', expected a number from 1"));
  EXPECT_THAT(ErrorOf([&] { SetReinforceOptions({{"batch", "4x"}}, options); }), HasSubstr("'4x'"));
  EXPECT_THAT(ErrorOf([&] {
                SetReinforceOptions({{"learning_rate", "nan"}}, options);
              }),
              HasSubstr("'nan'"));
  EXPECT_THAT(ErrorOf([&] {
                SetReinforceOptions({{"reward", "speed"}}, options);
              }),
              HasSubstr("one of sqrt-time, sqrt-relative"));
  EXPECT_THAT(ErrorOf([] { (void)ReinforcePreset("best"); }),
              HasSubstr("expected one of default, paper"));
  EXPECT_EQ(ReinforcePreset("paper").policy.hidden, 512U);
}

}  // namespace
}  // namespace placer
