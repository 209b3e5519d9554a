// What every method promises, whatever it is called.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "placer/registry.h"
#include "tests/support/test_devices.h"
#include "tests/support/test_problem.h"

namespace placer {
namespace {

using testing_support::CompleteCluster;
using testing_support::RandomDag;
using testing_support::RandomGraph;
using testing_support::TestProblem;

/// Two accelerators and a slower host between them.
Cluster HostAndTwo() {
  ClusterSpec spec = test::ThroughHost();
  spec.devices[1] = test::TestDevice("host", 0.25, 10'000'000);
  spec.devices[1].kind = "cpu";
  return Cluster(spec);
}

class Contract : public testing::TestWithParam<std::string> {
 protected:
  static PlaceResult Place(const Problem& problem, std::int64_t samples, Seed seed = 1) {
    return HeuristicPlacers().Make(GetParam())->Place({problem, {samples, {}}, seed, {}, {}, {}});
  }
  static void ExpectSound(const TestProblem& t, const PlaceResult& result, std::int64_t samples) {
    ASSERT_TRUE(result.groups.has_value());
    const Placement placement = t.problem.Expand(*result.groups);
    EXPECT_THAT(FindFaults(placement, t.graph, t.cluster), testing::IsEmpty());
    EXPECT_EQ(t.runner.Run(placement).summary(), result.best);
    EXPECT_GE(result.samples, 1);
    EXPECT_LE(result.samples, samples);
    EXPECT_GE(result.unique_samples, 1);
    EXPECT_LE(result.unique_samples, result.samples);
    ASSERT_FALSE(result.curve.empty());
    EXPECT_EQ(result.curve.back().samples, result.samples);
    EXPECT_EQ(result.curve.back().best, result.best);
    for (std::size_t i = 1; i < result.curve.size(); ++i) {
      EXPECT_GT(result.curve[i].samples, result.curve[i - 1].samples);
      EXPECT_FALSE(IsBetter(result.curve[i - 1].best, result.curve[i].best));
    }
  }
};

TEST_P(Contract, ReturnsASoundPlacementThatFits) {
  const TestProblem t(RandomGraph(60, 4), CompleteCluster(3));
  const PlaceResult result = Place(t.problem, 300);
  ExpectSound(t, result, 300);
  EXPECT_EQ(result.best.outcome, StepOutcome::kOk);
}

TEST_P(Contract, IsStableForASeed) {
  const TestProblem t(RandomGraph(50, 9), HostAndTwo());
  const PlaceResult first = Place(t.problem, 250, 5);
  const PlaceResult second = Place(t.problem, 250, 5);
  EXPECT_EQ(first.groups, second.groups);
  EXPECT_EQ(first.best, second.best);
  EXPECT_EQ(first.samples, second.samples);
  EXPECT_EQ(first.unique_samples, second.unique_samples);
}

TEST_P(Contract, IsTheSameFromManyThreads) {
  const TestProblem t(RandomGraph(50, 9), HostAndTwo());
  const PlaceResult alone = Place(t.problem, 150, 5);
  std::vector<PlaceResult> results(4);
  {
    std::vector<std::jthread> threads;
    for (PlaceResult& result : results) {
      threads.emplace_back([&] { result = Place(t.problem, 150, 5); });
    }
  }
  for (const PlaceResult& result : results) {
    EXPECT_EQ(result.groups, alone.groups);
    EXPECT_EQ(result.best, alone.best);
  }
}

TEST_P(Contract, WorksWithOneSample) {
  const TestProblem t(RandomGraph(40, 2), HostAndTwo());
  const PlaceResult result = Place(t.problem, 1);
  ExpectSound(t, result, 1);
  EXPECT_EQ(result.samples, 1);
}

TEST_P(Contract, WorksWithOneDevice) {
  const TestProblem t(RandomGraph(40, 2), CompleteCluster(1));
  const PlaceResult result = Place(t.problem, 50);
  ExpectSound(t, result, 50);
  EXPECT_EQ(*result.groups, GroupPlacement(t.problem.num_groups(), DeviceId(0)));
}

TEST_P(Contract, WorksWithOneOp) {
  const TestProblem t(RandomDag(1, 1), CompleteCluster(3));
  ExpectSound(t, Place(t.problem, 50), 50);
}

TEST_P(Contract, KeepsToAllowedDevices) {
  GraphBuilder builder("constrained");
  Rng rng(8);
  const std::vector<std::vector<std::string>> choices = {{},         {"cpu"},  {"a"},       {"b"},
                                                         {"a", "b"}, {"test"}, {"a", "cpu"}};
  for (std::size_t i = 0; i < 40; ++i) {
    Op op = test::ComputeOp("op" + std::to_string(i), static_cast<std::int64_t>(rng.Below(300)));
    op.allowed_devices = choices[rng.Below(choices.size())];
    std::vector<TensorId> inputs;
    for (std::size_t k = rng.Below(3); i > 0 && k > 0; --k) {
      inputs.push_back(builder.Output(OpId(rng.Below(i))));
    }
    builder.AddOp(op, inputs, {test::Bytes(static_cast<std::int64_t>(rng.Below(100)))});
  }
  const TestProblem t(std::move(builder).Build(), HostAndTwo());
  ExpectSound(t, Place(t.problem, 200), 200);
}

TEST_P(Contract, StopsWhenAsked) {
  const TestProblem t(RandomDag(20, 3), CompleteCluster(3));
  std::stop_source stop;
  stop.request_stop();
  const PlaceResult result = HeuristicPlacers()
                                 .Make(GetParam())
                                 ->Place({t.problem, {1000, {}}, 1, stop.get_token(), {}, {}});
  EXPECT_EQ(result.samples, 0);
  EXPECT_EQ(result.groups, std::nullopt);
  EXPECT_TRUE(result.interrupted);
}

/// Where nothing fits a method still answers, with the time and what is missing.
TEST_P(Contract, AnswersWhereNothingFits) {
  const TestProblem t(RandomGraph(40, 6), CompleteCluster(2, /*memory_bytes=*/10));
  const PlaceResult result = Place(t.problem, 100);
  ExpectSound(t, result, 100);
  EXPECT_EQ(result.best.outcome, StepOutcome::kOutOfMemory);
  EXPECT_GT(result.best.excess_bytes, 0);
}

INSTANTIATE_TEST_SUITE_P(Methods, Contract, testing::ValuesIn(HeuristicPlacers().Names()),
                         [](const auto& method) { return method.param; });

}  // namespace
}  // namespace placer
