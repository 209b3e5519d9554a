#include "runner/profiler.h"

#include <gtest/gtest.h>

#include "cost_model/device_list.h"
#include "runner/measured_runner.h"
#include "tests/support/fake_step.h"

namespace placer {
namespace {

using testing_support::FakeStep;

// The fake machine is a simulator: once profiled, ours must tell its times exactly.
TEST(MeasureProfile, CalibratesTheSimulator) {
  const FakeStep step;
  StepWorker worker(step.source, step.options);
  const Graph& graph = worker.graph();
  const Cluster cluster = MakeDeviceCluster(worker.source().devices);
  int last = 0, total = 0;
  const Profile profile = MeasureProfile(worker, cluster, {}, [&](int done, int all) {
    last = done;
    total = all;
  });
  EXPECT_EQ(last, total);
  const ProfileCoverage coverage = Coverage(profile, graph, cluster);
  EXPECT_EQ(coverage.measured, coverage.ops);
  EXPECT_EQ(profile.launch_overheads.at("cpu").seconds, 0);
  const auto op = profile.ops.at({OpSignature(graph, OpId(1)), "cpu"});
  EXPECT_NEAR(op.busy.seconds, 3.4e-3, 1e-8);
  EXPECT_NEAR(op.idle.seconds, 3.4e-3, 1e-8);

  const CostModel costs(graph, cluster, &profile);
  const SimulatedRunner simulated(graph, cluster, costs);
  const MeasuredRunner measured(cluster, worker);
  const CostModel uncalibrated(graph, cluster);
  const SimulatedRunner guess(graph, cluster, uncalibrated);
  Rng rng(3);
  const std::vector<double> shares = {1, 1};
  for (int i = 0; i < 5; ++i) {
    const Placement placement = RandomPlacement(graph, cluster, shares, 1, rng);
    const double real = ToSeconds(measured.Run(placement).step_time).count();
    EXPECT_NEAR(ToSeconds(simulated.Run(placement).step_time).count(), real, 1e-3 * real);
    EXPECT_GT(std::abs(ToSeconds(guess.Run(placement).step_time).count() - real), 0.1 * real);
  }
}

TEST(RandomPlacement, IsValidAndKeepsToTheShares) {
  Rng rng(1);
  for (Seed seed = 1; seed <= 20; ++seed) {
    const Graph graph = testing_support::RandomGraph(200, seed);
    const Cluster cluster = testing_support::CompleteCluster(3);
    const std::vector<double> shares = {0.8, 0.2, 0};
    const Placement placement = RandomPlacement(graph, cluster, shares, seed % 2 == 0 ? 1 : 4, rng);
    EXPECT_TRUE(FindFaults(placement, graph, cluster).empty());
    std::array<int, 3> count{};
    for (const DeviceId device : placement.device_of_op()) {
      ++count[device.index()];
    }
    EXPECT_EQ(count[2], 0);
    EXPECT_GT(count[0], count[1]);
  }
}

}  // namespace
}  // namespace placer
