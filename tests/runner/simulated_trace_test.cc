// Whole traces of tiny graphs, computed by hand. Ops take the microseconds they are given; a link
// has 1 us latency and moves 1,000 bytes per us.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graphs/base/error.h"
#include "runner/simulated_runner.h"
#include "tests/support/test_graphs.h"

namespace placer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::Bytes;
using testing_support::CompleteCluster;
using testing_support::TimedOp;
using testing_support::UnitDevice;
using testing_support::UnitLink;

std::string Micros(Picoseconds time) {
  EXPECT_EQ(time.count() % 1'000'000, 0);
  return std::to_string(time.count() / 1'000'000);
}

struct Simulated {
  StepReport report;
  std::vector<std::string> ops;        ///< "name device start-end"
  std::vector<std::string> transfers;  ///< "payload from>to start-end"
  std::vector<std::string> memory;     ///< "device time bytes"
};

Simulated Simulate(GraphBuilder&& builder, const Cluster& cluster,
                   const std::vector<std::size_t>& devices,
                   ScheduleOrder order = ScheduleOrder::kFifo) {
  const Graph graph = std::move(builder).Build();
  const CostModel costs(graph, cluster);
  const SimulatedRunner runner(graph, cluster, costs, {order, Objective::kLatency});
  std::vector<DeviceId> device_of_op;
  for (const std::size_t device : devices) {
    device_of_op.emplace_back(device);
  }
  Simulated result;
  Trace trace;
  result.report = runner.RunWithTrace(Placement(device_of_op), &trace);
  const auto device_name = [&](DeviceId id) { return cluster.device(id).name; };
  for (const auto& run : trace.ops) {
    result.ops.push_back(graph.op(run.op).name + " " + device_name(run.device) + " " +
                         Micros(run.start) + "-" + Micros(run.end));
  }
  for (const auto& transfer : trace.transfers) {
    const bool control = transfer.payload >= graph.num_tensors();
    const OpId producer = control ? OpId(transfer.payload - graph.num_tensors())
                                  : graph.tensor(TensorId(transfer.payload)).producer;
    const Hop& hop = cluster.hops()[transfer.hop];
    result.transfers.push_back((control ? "^" : "") + graph.op(producer).name + " " +
                               device_name(hop.from) + ">" + device_name(hop.to) + " " +
                               Micros(transfer.start) + "-" + Micros(transfer.end));
  }
  for (const auto& point : trace.memory) {
    result.memory.push_back(device_name(point.device) + " " + Micros(point.time) + " " +
                            std::to_string(point.bytes));
  }
  SimulatedRunner::Evaluator evaluator(runner);
  EXPECT_EQ(evaluator.Evaluate(device_of_op), result.report.summary());
  return result;
}

TEST(SimulatedTrace, ChainOverOneLink) {
  GraphBuilder builder("chain");
  const OpId a = builder.AddOp(TimedOp("a", 10), {}, {Bytes(4000)});
  const OpId b = builder.AddOp(TimedOp("b", 20), {builder.Output(a)}, {Bytes(1000)});
  builder.AddOp(TimedOp("c", 30), {builder.Output(b)}, {Bytes(400)});
  const Simulated s = Simulate(std::move(builder), CompleteCluster(2), {0, 1, 1});
  EXPECT_THAT(s.ops, ElementsAre("a d0 0-10", "b d1 15-35", "c d1 35-65"));
  EXPECT_THAT(s.transfers, ElementsAre("a d0>d1 10-15"));
  // a's output leaves d0 when its transfer ends; the copy goes when b ends, at the instant c
  // allocates; c's output is read by nobody and goes when c ends.
  EXPECT_THAT(s.memory,
              ElementsAre("d0 0 0", "d1 0 0", "d0 0 4000", "d1 10 4000", "d1 15 5000", "d0 15 0",
                          "d1 35 5400", "d1 35 1400", "d1 65 0", "d0 65 0", "d1 65 0"));
  EXPECT_EQ(Micros(s.report.step_time), "65");
  EXPECT_THAT(s.report.peak_bytes, ElementsAre(4000, 5400));
  EXPECT_EQ(s.report.outcome, StepOutcome::kOk);
  EXPECT_EQ(s.report.moved_bytes, 4000);
  EXPECT_THAT(s.report.busy, ElementsAre(Picoseconds(10'000'000), Picoseconds(50'000'000)));
  EXPECT_THAT(s.report.link_busy, ElementsAre(Picoseconds(5'000'000), Picoseconds(0)));
}

TEST(SimulatedTrace, DiamondOverlapsBranches) {
  GraphBuilder builder("diamond");
  const OpId a = builder.AddOp(TimedOp("a", 10), {}, {Bytes(4000)});
  const OpId b = builder.AddOp(TimedOp("b", 20), {builder.Output(a)}, {Bytes(2000)});
  const OpId c = builder.AddOp(TimedOp("c", 30), {builder.Output(a)}, {Bytes(2000)});
  builder.AddOp(TimedOp("d", 5), {builder.Output(b), builder.Output(c)}, {});
  const Simulated s = Simulate(std::move(builder), CompleteCluster(2), {0, 0, 1, 0});
  EXPECT_THAT(s.ops, ElementsAre("a d0 0-10", "b d0 10-30", "c d1 15-45", "d d0 48-53"));
  EXPECT_THAT(s.transfers, ElementsAre("a d0>d1 10-15", "c d1>d0 45-48"));
  EXPECT_EQ(Micros(s.report.step_time), "53");
  EXPECT_THAT(s.report.peak_bytes, ElementsAre(6000, 6000));
}

TEST(SimulatedTrace, TwoTransfersQueueOnOneLink) {
  GraphBuilder builder("two");
  const OpId a = builder.AddOp(TimedOp("a", 10), {}, {Bytes(4000), Bytes(9000)});
  builder.AddOp(TimedOp("b", 1), {builder.Output(a, 1)}, {});
  builder.AddOp(TimedOp("c", 1), {builder.Output(a, 0)}, {});
  const Simulated s = Simulate(std::move(builder), CompleteCluster(2), {0, 1, 1});
  // Requested at the same instant: by tensor index. The second copy takes memory from the start of
  // its own transfer only.
  EXPECT_THAT(s.transfers, ElementsAre("a d0>d1 10-15", "a d0>d1 15-25"));
  EXPECT_THAT(s.ops, ElementsAre("a d0 0-10", "c d1 15-16", "b d1 25-26"));
  EXPECT_THAT(s.memory,
              ElementsAre("d0 0 0", "d1 0 0", "d0 0 13000", "d1 10 4000", "d1 15 13000",
                          "d0 15 9000", "d1 16 9000", "d0 25 0", "d1 26 0", "d0 26 0", "d1 26 0"));
}

TEST(SimulatedTrace, DuplexLinkCarriesBothDirectionsAtOnceAndASharedOneDoesNot) {
  for (const bool shared : {false, true}) {
    ClusterSpec spec;
    spec.name = "pair";
    spec.devices = {UnitDevice("d0"), UnitDevice("d1")};
    spec.links = {UnitLink("d0", "d1", shared)};
    GraphBuilder builder("cross");
    const OpId a = builder.AddOp(TimedOp("a", 10), {}, {Bytes(4000)});
    const OpId b = builder.AddOp(TimedOp("b", 10), {}, {Bytes(4000)});
    builder.AddOp(TimedOp("c", 1), {builder.Output(a)}, {});
    builder.AddOp(TimedOp("d", 1), {builder.Output(b)}, {});
    const Simulated s = Simulate(std::move(builder), Cluster(spec), {0, 1, 1, 0});
    EXPECT_THAT(s.transfers,
                ElementsAre("a d0>d1 10-15", shared ? "b d1>d0 15-20" : "b d1>d0 10-15"));
    EXPECT_EQ(Micros(s.report.step_time), shared ? "21" : "16");
  }
}

Cluster DeviceHostDevice(CopiedBy copied_by = CopiedBy::kDma) {
  ClusterSpec spec;
  spec.name = "staged";
  spec.devices = {UnitDevice("host"), UnitDevice("d1"), UnitDevice("d2")};
  spec.devices[0].copied_by = copied_by;
  spec.links = {UnitLink("host", "d1"), UnitLink("host", "d2")};
  return Cluster(spec);
}

TEST(SimulatedTrace, StagedRouteCopiesHopByHop) {
  GraphBuilder builder("staged");
  const OpId a = builder.AddOp(TimedOp("a", 10), {}, {Bytes(4000)});
  builder.AddOp(TimedOp("b", 1), {builder.Output(a)}, {});
  const Simulated s = Simulate(std::move(builder), DeviceHostDevice(), {1, 2});
  EXPECT_THAT(s.transfers, ElementsAre("a d1>host 10-15", "a host>d2 15-20"));
  EXPECT_THAT(s.ops, ElementsAre("a d1 0-10", "b d2 20-21"));
  // The host holds the copy while it passes: both ends of the second hop count at 15.
  EXPECT_THAT(s.memory,
              ElementsAre("host 0 0", "d1 0 0", "d2 0 0", "d1 0 4000", "host 10 4000", "d2 15 4000",
                          "d1 15 0", "host 20 0", "d2 21 0", "host 21 0", "d1 21 0", "d2 21 0"));
}

TEST(SimulatedTrace, UnstagedRouteHoldsAllItsLinks) {
  ClusterSpec spec;
  spec.name = "switch";
  spec.devices = {UnitDevice("d0"), UnitDevice("d1"), UnitDevice("d2")};
  spec.switches = {"sw"};
  spec.links = {UnitLink("d0", "sw"), UnitLink("d1", "sw"), UnitLink("d2", "sw")};
  spec.links[0].bytes_per_s = 2e9;
  GraphBuilder builder("switched");
  const OpId a = builder.AddOp(TimedOp("a", 10), {}, {Bytes(4000)});
  const OpId b = builder.AddOp(TimedOp("b", 10), {}, {Bytes(4000)});
  builder.AddOp(TimedOp("c", 1), {builder.Output(a), builder.Output(b)}, {});
  const Simulated s = Simulate(std::move(builder), Cluster(spec), {0, 1, 2});
  // 2 us of latency, the slower link's bandwidth, and the second waits for the link into d2.
  EXPECT_THAT(s.transfers, ElementsAre("a d0>d2 10-16", "b d1>d2 16-22"));
  EXPECT_EQ(Micros(s.report.step_time), "23");
}

TEST(SimulatedTrace, MulticastIsRequestedOncePerDevice) {
  GraphBuilder builder("multicast");
  const OpId a = builder.AddOp(TimedOp("a", 10), {}, {Bytes(4000)});
  builder.AddOp(TimedOp("b1", 1), {builder.Output(a)}, {});
  builder.AddOp(TimedOp("c2", 1), {builder.Output(a)}, {});
  builder.AddOp(TimedOp("d1", 2), {builder.Output(a)}, {});
  builder.AddOp(TimedOp("e0", 3), {builder.Output(a)}, {});
  const Simulated s = Simulate(std::move(builder), CompleteCluster(3), {0, 1, 2, 1, 0});
  EXPECT_THAT(s.transfers, ElementsAre("a d0>d1 10-15", "a d0>d2 10-15"));
  EXPECT_THAT(s.ops,
              ElementsAre("a d0 0-10", "e0 d0 10-13", "b1 d1 15-16", "c2 d2 15-16", "d1 d1 16-18"));
  EXPECT_EQ(s.report.moved_bytes, 8000);
}

TEST(SimulatedTrace, SenderIsBusyWithItsCopies) {
  GraphBuilder builder("sender");
  const OpId a = builder.AddOp(TimedOp("a", 10), {}, {Bytes(4000)});
  builder.AddOp(TimedOp("b", 10), {builder.Output(a)}, {});
  builder.AddOp(TimedOp("c", 1), {builder.Output(a)}, {});
  const Simulated s = Simulate(std::move(builder), DeviceHostDevice(CopiedBy::kSender), {0, 0, 1});
  EXPECT_THAT(s.transfers, ElementsAre("a host>d1 10-15"));
  EXPECT_THAT(s.ops, ElementsAre("a host 0-10", "b host 15-25", "c d1 15-16"));
  EXPECT_EQ(Micros(s.report.busy[0]), "25");
}

TEST(SimulatedTrace, ReceiverIsBusyWithItsCopies) {
  GraphBuilder builder("receiver");
  const OpId a = builder.AddOp(TimedOp("a", 10), {}, {Bytes(4000)});
  builder.AddOp(TimedOp("b", 12), {}, {});
  builder.AddOp(TimedOp("c", 10), {builder.Output(a)}, {});
  builder.AddOp(TimedOp("d", 1), {builder.Output(a)}, {});
  const Simulated s =
      Simulate(std::move(builder), DeviceHostDevice(CopiedBy::kReceiver), {0, 1, 0, 1});
  // The copy waits for d1 to finish b.
  EXPECT_THAT(s.transfers, ElementsAre("a host>d1 12-17"));
  EXPECT_THAT(s.ops, ElementsAre("a host 0-10", "b d1 0-12", "c host 10-20", "d d1 17-18"));
}

TEST(SimulatedTrace, ResidentTensorsAreSentOncePerDeviceAndTakeNoTime) {
  GraphBuilder builder("resident");
  Op weight = TimedOp("w", 0, OpRole::kParameter);
  weight.persistent_bytes = 100;
  const OpId w = builder.AddOp(weight, {}, {Bytes(4000)});
  const OpId a = builder.AddOp(TimedOp("a", 10), {builder.Output(w)}, {Bytes(1000)});
  builder.AddOp(TimedOp("b", 1), {builder.Output(w), builder.Output(a)}, {});
  builder.AddOp(TimedOp("c", 1), {builder.Output(w)}, {});
  const Simulated s = Simulate(std::move(builder), CompleteCluster(2), {0, 0, 1, 1});
  EXPECT_THAT(s.transfers, ElementsAre("w d0>d1 0-5", "a d0>d1 10-12"));
  EXPECT_THAT(s.ops, ElementsAre("a d0 0-10", "c d1 5-6", "b d1 12-13"));
  EXPECT_THAT(s.memory, ElementsAre("d0 0 4100", "d1 0 0", "d1 0 4000", "d0 0 5100", "d1 10 5000",
                                    "d0 12 4100", "d1 13 0", "d0 13 4100", "d1 13 0"));
}

TEST(SimulatedTrace, AliasKeepsItsStorageAliveAndCostsNothingAtHome) {
  GraphBuilder builder("alias");
  const OpId a = builder.AddOp(TimedOp("a", 10), {}, {Bytes(4000)});
  TensorSpec view = Bytes(4000);
  view.aliases_input = 0;
  const OpId v = builder.AddOp(TimedOp("view", 1), {builder.Output(a)}, {view});
  builder.AddOp(TimedOp("b", 5), {builder.Output(v)}, {});
  builder.AddOp(TimedOp("c", 1), {builder.Output(v)}, {});
  const Simulated s = Simulate(std::move(builder), CompleteCluster(2), {0, 0, 0, 1});
  EXPECT_THAT(s.ops, ElementsAre("a d0 0-10", "view d0 10-11", "b d0 11-16", "c d1 16-17"));
  EXPECT_THAT(s.memory, ElementsAre("d0 0 0", "d1 0 0", "d0 0 4000", "d1 11 4000", "d0 16 0",
                                    "d1 17 0", "d0 17 0", "d1 17 0"));
}

TEST(SimulatedTrace, MemoryThatManyGraphOutputsShareIsHeldToTheEnd) {
  for (const OpRole role : {OpRole::kForward, OpRole::kParameter}) {
    for (const std::size_t num_views : {1U, 3U, 4U, 8U}) {
      GraphBuilder builder("chunks");
      const bool resident = role == OpRole::kParameter;
      const OpId a = builder.AddOp(TimedOp("a", resident ? 0 : 10, role), {}, {Bytes(4000)});
      TensorSpec view = Bytes(500);
      view.aliases_input = 0;
      const OpId split = builder.AddOp(TimedOp("split", 1), {builder.Output(a)},
                                       std::vector<TensorSpec>(num_views, view));
      for (std::size_t i = 0; i < num_views; ++i) {
        builder.MarkGraphOutput(builder.Output(split, static_cast<int>(i)));
      }
      builder.AddOp(TimedOp("b", 5), {}, {Bytes(1000)}, {split});
      const Simulated s = Simulate(std::move(builder), CompleteCluster(1), {0, 0, 0});
      EXPECT_EQ(s.report.peak_bytes[0], 5000) << num_views << " views, " << Name(role);
    }
  }
}

TEST(SimulatedTrace, ControlEdgesTravelAsTensorsOfZeroBytes) {
  GraphBuilder builder("control");
  const OpId a = builder.AddOp(TimedOp("a", 10), {}, {});
  builder.AddOp(TimedOp("b", 1), {}, {}, {a});
  const Simulated s = Simulate(std::move(builder), CompleteCluster(2), {0, 1});
  EXPECT_THAT(s.transfers, ElementsAre("^a d0>d1 10-11"));
  EXPECT_THAT(s.ops, ElementsAre("a d0 0-10", "b d1 11-12"));
}

GraphBuilder TwoChains() {
  GraphBuilder builder("order");
  const OpId a = builder.AddOp(TimedOp("a", 10), {}, {Bytes(1000)});
  builder.AddOp(TimedOp("short", 10), {builder.Output(a)}, {});
  const OpId first = builder.AddOp(TimedOp("long1", 10), {builder.Output(a)}, {Bytes(1000)});
  builder.AddOp(TimedOp("long2", 50), {builder.Output(first)}, {});
  return builder;
}

TEST(SimulatedTrace, FifoStartsTheLowestIndexOfThoseReadyTogether) {
  const Simulated s = Simulate(TwoChains(), CompleteCluster(2), {0, 0, 0, 1});
  EXPECT_THAT(s.ops,
              ElementsAre("a d0 0-10", "short d0 10-20", "long1 d0 20-30", "long2 d1 32-82"));
}

TEST(SimulatedTrace, CriticalPathOrderStartsTheLongestWayFirst) {
  const Simulated s =
      Simulate(TwoChains(), CompleteCluster(2), {0, 0, 0, 0}, ScheduleOrder::kCriticalPath);
  EXPECT_THAT(s.ops,
              ElementsAre("a d0 0-10", "long1 d0 10-20", "long2 d0 20-70", "short d0 70-80"));
}

TEST(SimulatedTrace, OpsWithoutDurationRunWithinTheInstantByIndex) {
  GraphBuilder builder("instant");
  const OpId a = builder.AddOp(TimedOp("a", 0), {}, {Bytes(0)});
  const OpId b = builder.AddOp(TimedOp("b", 0), {builder.Output(a)}, {Bytes(0)});
  builder.AddOp(TimedOp("c", 2), {builder.Output(b)}, {});
  builder.AddOp(TimedOp("d", 3), {}, {});
  const Simulated s = Simulate(std::move(builder), CompleteCluster(1), {0, 0, 0, 0});
  // All are ready at 0; the lowest index that is ready starts.
  EXPECT_THAT(s.ops, ElementsAre("a d0 0-0", "b d0 0-0", "c d0 0-2", "d d0 2-5"));
}

TEST(SimulatedTrace, OutOfMemoryIsReportedWithTheTimeAndTheLargestTensors) {
  GraphBuilder builder("oom");
  const OpId w = builder.AddOp(TimedOp("w", 0, OpRole::kParameter), {}, {Bytes(2000)});
  Op hungry = TimedOp("a", 10);
  hungry.workspace_bytes = 100;
  const OpId a = builder.AddOp(hungry, {builder.Output(w)}, {Bytes(4000)});
  builder.AddOp(TimedOp("b", 10), {builder.Output(a)}, {Bytes(3000)});
  const Simulated s =
      Simulate(std::move(builder), CompleteCluster(2, /*memory_bytes=*/6000), {0, 0, 0});
  EXPECT_EQ(s.report.outcome, StepOutcome::kOutOfMemory);
  EXPECT_EQ(Micros(s.report.step_time), "20");
  ASSERT_EQ(s.report.shortages.size(), 1U);
  const MemoryShortage& shortage = s.report.shortages[0];
  // w 2000 + a's output 4000 + b's output 3000 (a's workspace goes at 10, after b has allocated).
  EXPECT_EQ(shortage.required_bytes, 9100);
  EXPECT_EQ(shortage.available_bytes, 6000);
  EXPECT_EQ(Micros(shortage.when), "10");
  EXPECT_THAT(shortage.largest, ElementsAre(MemoryShortage::Holder{TensorId(1), 4000},
                                            MemoryShortage::Holder{TensorId(2), 3000},
                                            MemoryShortage::Holder{TensorId(0), 2000}));
  EXPECT_THAT(s.report.reason, HasSubstr("'d0'"));
  EXPECT_EQ(s.report.summary().excess_bytes, 3100);
}

TEST(SimulatedTrace, GraphOutputsLiveToTheEnd) {
  GraphBuilder builder("outputs");
  TensorSpec kept = Bytes(4000);
  kept.graph_output = true;
  builder.AddOp(TimedOp("a", 10), {}, {kept});
  builder.AddOp(TimedOp("b", 10), {}, {});
  const Simulated s = Simulate(std::move(builder), CompleteCluster(1), {0, 0});
  EXPECT_THAT(s.memory, ElementsAre("d0 0 0", "d0 0 4000", "d0 20 0"));
}

TEST(SimulatedRunner, RefusesAnInvalidPlacement) {
  GraphBuilder builder("two");
  builder.AddOp(TimedOp("a", 10), {}, {});
  const Graph graph = std::move(builder).Build();
  const Cluster cluster = CompleteCluster(2);
  const CostModel costs(graph, cluster);
  const SimulatedRunner runner(graph, cluster, costs);
  EXPECT_THROW((void)runner.Run(Placement(2, DeviceId(0))), InputError);
  EXPECT_THROW((void)runner.Run(Placement(1, DeviceId(2))), InputError);
}

TEST(MaxLoad, CountsEachTensorOncePerSideAndSparesCpus) {
  ClusterSpec spec;
  spec.name = "pipeline";
  spec.devices = {UnitDevice("cpu"), UnitDevice("d1"), UnitDevice("d2")};
  spec.devices[0].kind = "cpu";
  spec.devices[0].launch_overhead = Seconds(0);
  spec.links = {UnitLink("cpu", "d1"), UnitLink("cpu", "d2")};
  const Cluster cluster(spec);
  GraphBuilder builder("g");
  const OpId a = builder.AddOp(TimedOp("a", 10), {}, {Bytes(4000)});
  builder.AddOp(TimedOp("b", 20), {builder.Output(a)}, {});
  builder.AddOp(TimedOp("c", 30), {builder.Output(a)}, {});
  const Graph graph = std::move(builder).Build();
  const CostModel costs(graph, cluster);
  const SimulatedRunner runner(graph, cluster, costs, {ScheduleOrder::kFifo, Objective::kMaxLoad});
  SimulatedRunner::Evaluator evaluator(runner);
  // a on d1; b and c on d2: d1 = 10 + 5 out, d2 = 20 + 30 + 5 in.
  const std::vector<DeviceId> split{DeviceId(1), DeviceId(2), DeviceId(2)};
  EXPECT_EQ(Micros(evaluator.Evaluate(split).step_time), "55");
  const StepReport report = runner.Run(Placement(split));
  EXPECT_EQ(Micros(report.busy[1]), "15");
  EXPECT_EQ(Micros(report.busy[2]), "55");
  EXPECT_THAT(report.shortages, IsEmpty());
}

}  // namespace
}  // namespace placer
