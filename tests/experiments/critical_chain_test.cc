#include "experiments/critical_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/experiments/test_files.h"
#include "tests/support/test_graphs.h"

namespace placer {
namespace {

using Kind = ChainShare::Kind;
using test::ComputeOp;
using ::testing::ElementsAre;

struct Explained {
  StepReport report;
  std::vector<ChainShare> chain;
};

Explained Explain(const Graph& graph, const ClusterSpec& spec,
                  const std::vector<std::size_t>& devices) {
  const Cluster cluster(spec);
  const CostModel costs(graph, cluster);
  const SimulatedRunner runner(graph, cluster, costs);
  std::vector<DeviceId> placement;
  for (const std::size_t device : devices) {
    placement.emplace_back(device);
  }
  Trace trace;
  Explained explained;
  explained.report = runner.RunWithTrace(Placement(std::move(placement)), &trace);
  explained.chain = CriticalChain(graph, cluster, trace);
  return explained;
}

TEST(CriticalChain, OneDeviceDoesItAll) {
  const Explained explained = Explain(test::TwoBranches(), test::TwoDevices(), {0, 0, 0, 0});
  EXPECT_THAT(explained.chain, ElementsAre(ChainShare{Kind::kDevice, "a", Picoseconds(220)}));
}

// first on a 0-10, sent 10-21, right on b 21-121, sent back 121-132, last on a 132-142.
TEST(CriticalChain, FollowsTheSlowBranchThroughTheLink) {
  const Explained explained = Explain(test::TwoBranches(), test::TwoDevices(), {0, 0, 1, 0});
  EXPECT_EQ(explained.report.step_time, Picoseconds(142));
  EXPECT_THAT(explained.chain, ElementsAre(ChainShare{Kind::kDevice, "b", Picoseconds(100)},
                                           ChainShare{Kind::kLink, "a-b", Picoseconds(22)},
                                           ChainShare{Kind::kDevice, "a", Picoseconds(20)}));
}

// Two tensors of 90 bytes leave a at 10 and 20; the second waits until 110 for the link.
TEST(CriticalChain, ChargesTheWaitForALinkToTheLink) {
  GraphBuilder builder("queue");
  const OpId one = builder.AddOp(ComputeOp("one", 10), {}, {test::Bytes(90)});
  const OpId two = builder.AddOp(ComputeOp("two", 10), {}, {test::Bytes(90)});
  builder.AddOp(ComputeOp("read_one", 1), {builder.Output(one)}, {});
  builder.AddOp(ComputeOp("read_two", 1), {builder.Output(two)}, {});
  const Explained explained = Explain(std::move(builder).Build(), test::TwoDevices(), {0, 0, 1, 1});
  EXPECT_EQ(explained.report.step_time, Picoseconds(211));
  EXPECT_THAT(explained.chain, ElementsAre(ChainShare{Kind::kLink, "a-b", Picoseconds(200)},
                                           ChainShare{Kind::kDevice, "a", Picoseconds(10)},
                                           ChainShare{Kind::kDevice, "b", Picoseconds(1)}));
}

TEST(CriticalChain, FollowsAStagedRouteHopByHop) {
  GraphBuilder builder("staged");
  const OpId op = builder.AddOp(ComputeOp("op", 10), {}, {test::Bytes(20)});
  builder.AddOp(ComputeOp("reader", 5), {builder.Output(op)}, {});
  const Explained explained = Explain(std::move(builder).Build(), test::ThroughHost(), {0, 2});
  EXPECT_THAT(explained.chain, ElementsAre(ChainShare{Kind::kLink, "a-host", Picoseconds(30)},
                                           ChainShare{Kind::kLink, "host-b", Picoseconds(30)},
                                           ChainShare{Kind::kDevice, "a", Picoseconds(10)},
                                           ChainShare{Kind::kDevice, "b", Picoseconds(5)}));
}

TEST(CriticalChain, EmptyTraceHasNoChain) {
  EXPECT_TRUE(CriticalChain(Graph(), Cluster(test::TwoDevices()), Trace()).empty());
}

TEST(CriticalChain, SharesAddUpToTheStepTimeOnRandomGraphs) {
  for (Seed seed = 1; seed <= 20; ++seed) {
    const Graph graph = testing_support::RandomGraph(60, seed);
    const Cluster cluster = testing_support::CompleteCluster(3);
    const CostModel costs(graph, cluster);
    const SimulatedRunner runner(graph, cluster, costs);
    Rng rng(seed);
    Trace trace;
    const StepReport report =
        runner.RunWithTrace(Placement(testing_support::RandomDevices(graph, 3, rng)), &trace);
    Picoseconds sum{0};
    Picoseconds idle{0};
    for (const ChainShare& share : CriticalChain(graph, cluster, trace)) {
      sum += share.time;
      idle += share.kind == Kind::kIdle ? share.time : Picoseconds(0);
    }
    EXPECT_EQ(sum, report.step_time) << seed;
    EXPECT_EQ(idle, Picoseconds(0)) << seed;  // every wait has a cause
  }
}

}  // namespace
}  // namespace placer
