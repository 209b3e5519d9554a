// What each constructive method does on problems small enough to see it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "placer/detail/candidates.h"
#include "placer/detail/contiguous.h"
#include "placer/detail/schedule_estimate.h"
#include "placer/registry.h"
#include "placer/workbench.h"
#include "tests/support/test_devices.h"
#include "tests/support/test_problem.h"

namespace placer {
namespace {

using test::ComputeOp;
using testing::DoubleEq;
using testing::ElementsAre;
using testing_support::TestProblem;

PlaceResult Place(const Problem& problem, const std::string& method, std::int64_t samples = 100) {
  return HeuristicPlacers().Make(method)->Place({problem, {samples, {}}, 1, {}, {}, {}});
}

Device Cpu(const std::string& name, double speed) {
  Device device = test::TestDevice(name, speed);
  device.kind = "cpu";
  return device;
}

/// A slow host "cpu" and devices "g0" ... on links to it.
Cluster HostWith(std::size_t num_accelerators) {
  ClusterSpec spec;
  spec.name = "host_with";
  spec.devices.push_back(Cpu("cpu", 0.1));
  for (std::size_t i = 0; i < num_accelerators; ++i) {
    spec.devices.push_back(test::TestDevice("g" + std::to_string(i)));
    spec.links.push_back(test::TestLink("cpu", spec.devices.back().name));
  }
  return Cluster(spec);
}

/// op0 -> op1 -> ..., each of `picoseconds`, a tensor of `bytes` between them.
Graph Chain(std::size_t length, std::int64_t picoseconds, std::int64_t bytes) {
  GraphBuilder builder("chain");
  for (std::size_t i = 0; i < length; ++i) {
    std::vector<TensorId> inputs;
    if (i > 0) {
      inputs.push_back(builder.Output(OpId(i - 1)));
    }
    builder.AddOp(ComputeOp("op" + std::to_string(i), picoseconds), inputs, {test::Bytes(bytes)});
  }
  return std::move(builder).Build();
}

/// source -> two chains of `length` ops of 100 ps -> sink; 5 bytes on every edge.
Graph TwoBranches(std::size_t length) {
  GraphBuilder builder("branches");
  const OpId source = builder.AddOp(ComputeOp("source", 1), {}, {test::Bytes(5)});
  std::vector<TensorId> ends;
  for (const std::string branch : {"a", "b"}) {
    OpId last = source;
    for (std::size_t i = 0; i < length; ++i) {
      last = builder.AddOp(ComputeOp(branch + std::to_string(i), 100), {builder.Output(last)},
                           {test::Bytes(5)});
    }
    ends.push_back(builder.Output(last));
  }
  builder.AddOp(ComputeOp("sink", 1), ends, {});
  return std::move(builder).Build();
}

std::vector<std::size_t> Indices(const GroupPlacement& groups) {
  std::vector<std::size_t> indices;
  for (const DeviceId device : groups) {
    indices.push_back(device.index());
  }
  return indices;
}

TEST(SplitContiguously, MinimisesTheLargestPart) {
  // 4 4 | 5 2 | 8 1: 8, 7, 9; no split into three has a largest part below 9.
  const std::vector<std::int64_t> work = {4, 4, 5, 2, 8, 1};
  std::vector<std::int64_t> cost;
  for (const std::int64_t w : work) {
    cost.insert(cost.end(), 3, w);
  }
  const auto part = SplitContiguously(cost, 3);
  std::vector<std::int64_t> sums(3, 0);
  for (std::size_t i = 0; i < work.size(); ++i) {
    EXPECT_TRUE(i == 0 || part[i] >= part[i - 1]);
    sums[part[i]] += work[i];
  }
  EXPECT_EQ(*std::max_element(sums.begin(), sums.end()), 9);
}

TEST(SplitContiguously, GivesMoreToAFasterDevice) {
  // The second device is three times as fast: 3 | 9 items take 9 and 9.
  std::vector<std::int64_t> cost;
  for (int i = 0; i < 12; ++i) {
    cost.push_back(3);
    cost.push_back(1);
  }
  const auto part = SplitContiguously(cost, 2);
  EXPECT_EQ(std::count(part.begin(), part.end(), 0U), 3);
  EXPECT_THAT(SplitContiguously({}, 2), testing::IsEmpty());
}

TEST(Candidates, AcceleratorsAreAllButCpus) {
  EXPECT_THAT(Accelerators(HostWith(2)), ElementsAre(DeviceId(1), DeviceId(2)));
  EXPECT_THAT(Accelerators(HostWith(0)), ElementsAre(DeviceId(0)));
}

TEST(SingleDevice, TriesTheFastestFirstAndCountsSamples) {
  const TestProblem t(Chain(4, 10, 5), HostWith(2));
  const PlaceResult one = Place(t.problem, "single_device", 1);
  EXPECT_THAT(Indices(*one.groups), ElementsAre(1, 1, 1, 1));
  EXPECT_EQ(one.note, "all on g0");
  EXPECT_EQ(Place(t.problem, "single_device").samples, 3);
}

TEST(SingleDevice, PutsWhatIsNotAllowedThereOnItsFirstAllowedDevice) {
  GraphBuilder builder("g");
  Op pinned = ComputeOp("pinned", 10);
  pinned.allowed_devices = {"g1", "cpu"};
  builder.AddOp(pinned, {}, {test::Bytes(1)});
  builder.AddOp(ComputeOp("free", 100), {builder.Output(OpId(0))}, {});
  const TestProblem t(std::move(builder).Build(), HostWith(2));
  const std::vector<Candidate> candidates = SingleDeviceCandidates(t.problem);
  ASSERT_EQ(candidates.size(), 3U);
  // Times 10 + 100 on g1, 100 + 100 on g0 (the pinned op on the cpu), 1100 on the cpu.
  EXPECT_THAT(Indices(candidates[0].groups), ElementsAre(2, 2));
  EXPECT_THAT(Indices(candidates[1].groups), ElementsAre(0, 1));
  EXPECT_THAT(Indices(candidates[2].groups), ElementsAre(0, 0));
}

TEST(RoundRobin, DealsTheGroupsInTurn) {
  const TestProblem t(Chain(5, 10, 5), HostWith(2));
  EXPECT_THAT(Indices(*Place(t.problem, "round_robin", 1).groups), ElementsAre(1, 2, 1, 2, 1));
}

TEST(Topological, CutsAChainIntoEqualParts) {
  const TestProblem t(Chain(6, 10, 5), HostWith(3));
  EXPECT_THAT(Indices(*Place(t.problem, "topological", 1).groups), ElementsAre(1, 1, 2, 2, 3, 3));
}

TEST(ScheduleEstimate, RanksUpwardAsTopcuoglu) {
  const TestProblem t(Chain(3, 10, 5), Cluster(test::TwoDevices()));
  // From the end: 10; 10 + (10 latency + 5 bytes) + 10; and again.
  EXPECT_THAT(UpwardRanks(t.problem), ElementsAre(DoubleEq(60), DoubleEq(35), DoubleEq(10)));
}

TEST(ScheduleEstimate, FillsGapsAndSendsATensorOnce) {
  GraphBuilder builder("g");
  const OpId a = builder.AddOp(ComputeOp("a", 20), {}, {test::Bytes(5)});
  builder.AddOp(ComputeOp("b", 10), {builder.Output(a)}, {});
  builder.AddOp(ComputeOp("c", 10), {builder.Output(a)}, {});
  builder.AddOp(ComputeOp("d", 30), {}, {});
  const TestProblem t(std::move(builder).Build(), Cluster(test::TwoDevices()));
  ScheduleEstimate estimate(t.problem, /*reserve_links=*/true);
  estimate.Schedule(a, DeviceId(0), true);
  EXPECT_EQ(estimate.DataReady(OpId(1), DeviceId(0)), 20);
  EXPECT_EQ(estimate.DataReady(OpId(1), DeviceId(1)), 35);
  estimate.Schedule(OpId(1), DeviceId(1), true);            // from 35 to 45
  EXPECT_EQ(estimate.DataReady(OpId(2), DeviceId(1)), 35);  // there already
  EXPECT_EQ(estimate.DeviceFree(DeviceId(1)), 45);
  EXPECT_EQ(estimate.EarliestStart(DeviceId(1), 0, 35), 0);
  EXPECT_EQ(estimate.EarliestStart(DeviceId(1), 0, 36), 45);
  estimate.Schedule(OpId(3), DeviceId(1), true);  // in the gap
  EXPECT_EQ(estimate.DeviceFree(DeviceId(1)), 45);
  EXPECT_EQ(estimate.EarliestStart(DeviceId(1), 0, 5), 30);
}

TEST(ScheduleEstimate, TransfersWaitForALinkIfAsked) {
  GraphBuilder builder("g");
  const OpId a = builder.AddOp(ComputeOp("a", 20), {}, {test::Bytes(5), test::Bytes(50)});
  builder.AddOp(ComputeOp("b", 10), {builder.Output(a, 1)}, {});
  builder.AddOp(ComputeOp("c", 10), {builder.Output(a, 0)}, {});
  const TestProblem t(std::move(builder).Build(), Cluster(test::TwoDevices()));
  for (const bool reserve : {false, true}) {
    ScheduleEstimate estimate(t.problem, reserve);
    estimate.Schedule(a, DeviceId(0), true);
    estimate.Schedule(OpId(1), DeviceId(1), true);  // its input is on the link from 20 to 80
    EXPECT_EQ(estimate.DataReady(OpId(2), DeviceId(1)), reserve ? 80 + 15 : 20 + 15);
  }
}

TEST(ScheduleEstimate, AParameterGoesToItsFirstReader) {
  GraphBuilder builder("g");
  const OpId w = builder.AddOp(ComputeOp("w", 0, OpRole::kParameter), {}, {test::Bytes(400)});
  const OpId a = builder.AddOp(ComputeOp("a", 20), {builder.Output(w)}, {});
  const TestProblem t(std::move(builder).Build(), Cluster(test::TwoDevices()));
  ScheduleEstimate estimate(t.problem, true);
  estimate.set_bytes({400, 7});
  EXPECT_EQ(estimate.DataReady(a, DeviceId(1)), 0);
  EXPECT_EQ(estimate.AddedBytes(a, DeviceId(1)), 407);
  estimate.Schedule(a, DeviceId(1), true);
  EXPECT_EQ(estimate.used_bytes(DeviceId(1)), 407);
  EXPECT_THAT(estimate.Finish(), ElementsAre(DeviceId(1), DeviceId(1)));
}

TEST(ListScheduling, KeepsAChainTogetherAndSplitsBranches) {
  const TestProblem chain(Chain(8, 10, 100), HostWith(2));
  const TestProblem branches(TwoBranches(4), HostWith(2));
  for (const std::string method : {"heft", "etf"}) {
    EXPECT_EQ(Place(chain.problem, method).best.step_time, Picoseconds(80)) << method;
    // One branch and the sink are two hops of 15 ps away from the source; the other branch's end
    // arrives at the same time.
    EXPECT_EQ(Place(branches.problem, method).best.step_time, Picoseconds(1 + 30 + 400 + 1))
        << method;
  }
}

TEST(ListScheduling, UsesAFastDeviceMoreThanASlowOne) {
  ClusterSpec spec = test::TwoDevices();
  spec.devices[1] = test::TestDevice("b", /*speed=*/4);
  GraphBuilder builder("independent");
  for (int i = 0; i < 10; ++i) {
    builder.AddOp(ComputeOp("op" + std::to_string(i), 40), {}, {});
  }
  const TestProblem t(std::move(builder).Build(), Cluster(spec));
  for (const std::string method : {"heft", "etf"}) {
    const PlaceResult result = Place(t.problem, method);
    EXPECT_EQ(result.best.step_time, Picoseconds(80)) << method;  // 2 x 40 and 8 x 10
  }
}

TEST(ListScheduling, SkipsADeviceWithoutMemoryLeft) {
  // Eight independent ops with a parameter of 300 bytes each; a holds three of them, b all.
  ClusterSpec spec = test::TwoDevices();
  spec.devices[0] = test::TestDevice("a", /*speed=*/100, /*memory_bytes=*/1000);
  GraphBuilder builder("heavy");
  for (int i = 0; i < 8; ++i) {
    const std::string n = std::to_string(i);
    const OpId w = builder.AddOp(ComputeOp("w" + n, 0, OpRole::kParameter), {}, {test::Bytes(300)});
    builder.AddOp(ComputeOp("op" + n, 100), {builder.Output(w)}, {});
  }
  const TestProblem t(std::move(builder).Build(), Cluster(spec));
  for (const std::string method : {"heft", "etf"}) {
    const PlaceResult result = Place(t.problem, method);
    EXPECT_EQ(result.best.outcome, StepOutcome::kOk) << method;
    EXPECT_EQ(result.best.step_time, Picoseconds(500)) << method;  // five on b
  }
}

/// Two cliques of `size` ops with heavy edges inside and one light edge between them.
Graph TwoCliques(std::size_t size) {
  GraphBuilder builder("cliques");
  for (std::size_t i = 0; i < 2 * size; ++i) {
    std::vector<TensorId> inputs;
    for (std::size_t j = i < size ? 0 : size; j < i; ++j) {
      inputs.push_back(builder.Output(OpId(j)));
    }
    if (i == size) {
      inputs.push_back(builder.Output(OpId(0), 1));
    }
    builder.AddOp(ComputeOp("op" + std::to_string(i), 100), inputs,
                  {test::Bytes(1000), test::Bytes(1)});
  }
  return std::move(builder).Build();
}

TEST(Scotch, CutsTheLightEdge) {
  const TestProblem t(TwoCliques(6), HostWith(2));
  const std::vector<std::size_t> devices = Indices(*Place(t.problem, "min_cut").groups);
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(devices[i], devices[i < 6 ? 0 : 6]) << "op" << i;
  }
  EXPECT_NE(devices[0], devices[6]);
}

TEST(Scotch, GivesASlowDeviceItsShare) {
  const TestProblem t(Chain(42, 10, 100), HostWith(2));
  const std::vector<std::size_t> devices = Indices(*Place(t.problem, "scotch", 1).groups);
  // Speeds 0.1, 1 and 1: two ops of 42, and 20 each.
  EXPECT_LE(std::count(devices.begin(), devices.end(), 0U), 4);
  EXPECT_NEAR(static_cast<double>(std::count(devices.begin(), devices.end(), 1U)), 20, 3);
}

TEST(Scotch, MinCutLeavesTheCpuOut) {
  const TestProblem t(Chain(40, 10, 100), HostWith(2));
  for (const std::size_t device : Indices(*Place(t.problem, "min_cut").groups)) {
    EXPECT_NE(device, 0U);
  }
}

TEST(Scotch, ThreadsDoNotChangeWhatASeedGives) {
  ModelSpec model;
  model.model = "zoo:rnnlm?unroll=20";
  ProblemSpec spec;
  spec.cluster = "zoo:k80x4";
  spec.space = "scopes";
  spec.max_groups = 90;
  const Workbench bench(model.Load(), spec);
  constexpr std::size_t kSeeds = 24, kThreads = 4;
  const auto place = [&](std::size_t seed) {
    return *HeuristicPlacers()
                .Make("min_cut")
                ->Place({bench.problem(), {3, {}}, 1 + static_cast<Seed>(seed), {}, {}, {}})
                .groups;
  };
  std::vector<GroupPlacement> alone(kSeeds), together(kSeeds);
  for (std::size_t seed = 0; seed < kSeeds; ++seed) {
    alone[seed] = place(seed);
  }
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t seed = t; seed < kSeeds; seed += kThreads) {
          together[seed] = place(seed);
        }
      });
    }
  }
  EXPECT_EQ(together, alone);
}

TEST(Scotch, SurvivesWeightsBeyond32Bits) {
  GraphBuilder builder("huge");
  for (std::size_t i = 0; i < 40; ++i) {
    std::vector<TensorId> inputs;
    if (i > 0) {
      inputs.push_back(builder.Output(OpId(i - 1)));
    }
    builder.AddOp(ComputeOp("op" + std::to_string(i), 1'000'000'000'000), inputs,
                  {test::Bytes(3'000'000'000)});
  }
  ClusterSpec spec = test::TwoDevices();
  for (Device& device : spec.devices) {
    device.memory_bytes = 1'000'000'000'000;
  }
  const TestProblem t(std::move(builder).Build(), Cluster(spec));
  const std::vector<std::size_t> devices = Indices(*Place(t.problem, "min_cut").groups);
  const auto on_second = std::count(devices.begin(), devices.end(), 1U);
  EXPECT_GE(on_second, 16);
  EXPECT_LE(on_second, 24);
  std::size_t cuts = 0;
  for (std::size_t i = 1; i < devices.size(); ++i) {
    cuts += devices[i] != devices[i - 1] ? 1U : 0U;
  }
  EXPECT_EQ(cuts, 1U);
}

TEST(CrossEntropy, ConvergesToTheBetterDevices) {
  // Independent ops, each fast on one of two devices only.
  GraphBuilder builder("tastes");
  for (int i = 0; i < 12; ++i) {
    Op op = ComputeOp("op" + std::to_string(i), 100);
    if (i % 2 == 0) {
      op.allowed_devices = {"a", "c"};
    }
    builder.AddOp(op, {}, {});
  }
  ClusterSpec spec = test::SharedBus();
  spec.devices[0] = test::TestDevice("a", 10);
  spec.devices[1] = test::TestDevice("b", 10);
  const TestProblem t(std::move(builder).Build(), Cluster(spec));
  // Six on a and six on b: 60; c is ten times as slow.
  EXPECT_EQ(Place(t.problem, "cross_entropy", 3000).best.step_time, Picoseconds(60));
}

}  // namespace
}  // namespace placer
