// The throughput objective against loads computed from the workload files without rounding.

#include <gtest/gtest.h>

#include <algorithm>

#include "cost_model/cost_model.h"
#include "cost_model/model_cluster.h"
#include "graphs/model_loader.h"
#include "graphs/partitioning.h"
#include "runner/simulated_runner.h"

namespace placer {
namespace {

class PartitioningLoad : public testing::TestWithParam<std::string> {};

TEST_P(PartitioningLoad, OfTheExpertIsThatOfTheFileToThePicosecond) {
  const std::string folder = std::string(TEST_DATA_DIR) + "/importers/partitioning/";
  const LoadedModel model = LoadModel(folder + GetParam() + ".json");
  const Graph& graph = model.graph;
  const Cluster cluster = MakeModelCluster("w", model.devices.value());
  EXPECT_EQ(cluster.num_devices(), 7U);  // six accelerators and a host
  const auto split =
      ReadPartitioningSplit(folder + "experts/" + GetParam() + "_expert.json", graph);
  Placement placement(graph.num_ops(), DeviceId(0));
  for (const PartitioningShare& share : split) {
    const auto device =
        cluster.FindDevice("/" + std::string(share.kind) + ":" + std::to_string(share.index));
    ASSERT_TRUE(device);
    for (const OpId op : share.ops) {
      placement.set_device(op, *device);
    }
  }
  const CostModel costs(graph, cluster);
  const SimulatedRunner runner(graph, cluster, costs, {.objective = Objective::kMaxLoad});
  const StepReport report = runner.Run(placement);
  EXPECT_EQ(report.outcome, StepOutcome::kOk);
  const std::vector<double> loads = SplitLoadsMs(split, graph);
  const double exact = *std::max_element(loads.begin(), loads.end());
  // Every op and every transfer is rounded by half a picosecond at most.
  const double rounding = 0.5e-9 * static_cast<double>(graph.num_ops() + 2 * graph.num_tensors());
  EXPECT_NEAR(static_cast<double>(report.step_time.count()) * 1e-9, exact, rounding);
}

INSTANTIATE_TEST_SUITE_P(Workloads, PartitioningLoad,
                         testing::Values("bert24_inference", "bert24_training", "gnmt_inference",
                                         "gnmt_training"),
                         [](const auto& name) { return name.param; });

TEST(CostModel, TakesTimesThatTheGraphKnows) {
  GraphBuilder builder("g");
  const OpId a = builder.AddOp({.name = "a",
                                .flops = 1'000'000'000,
                                .times = {{"fast", Seconds(1e-3)}, {"/fast:1", Seconds(2e-3)}}},
                               {}, {{.shape = {1000}, .copy_time = Seconds(5e-3)}});
  builder.AddOp({.name = "b"}, {builder.Output(a)}, {});
  const Graph graph = std::move(builder).Build();
  const Cluster cluster = MakeModelCluster(
      "c", {.pools = {{"fast", 2, 1000, 1e12}, {"slow", 1, 1000, 1e12}}, .bytes_per_s = 1e9});
  const CostModel costs(graph, cluster);
  EXPECT_EQ(costs.op_time(a, DeviceId(0)), Picoseconds(1'000'000'000));
  EXPECT_EQ(costs.op_time(a, DeviceId(1)), Picoseconds(2'000'000'000));  // its name before its kind
  // The other kind has an estimate: 10^9 flops at a part of 10^12 per second.
  EXPECT_GE(costs.op_time(a, DeviceId(2)), Picoseconds(1'000'000'000));
  const std::uint32_t hop = cluster.route(DeviceId(0), DeviceId(1)).front();
  EXPECT_EQ(costs.hop_time(hop, TensorId(0)), Picoseconds(5'000'000'000));
}

}  // namespace
}  // namespace placer
