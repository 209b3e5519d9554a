#include "cost_model/bound.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "graphs/base/rng.h"
#include "tests/support/test_devices.h"

namespace placer {
namespace {

using test::Bytes;
using test::ComputeOp;

LowerBound BoundOf(const Graph& graph, const ClusterSpec& spec) {
  const Cluster cluster(spec);
  return ComputeLowerBound(graph, cluster, CostModel(graph, cluster));
}

/// Independent ops.
Graph Independent(const std::vector<std::int64_t>& times) {
  GraphBuilder builder("independent");
  for (std::size_t i = 0; i < times.size(); ++i) {
    builder.AddOp(ComputeOp("op" + std::to_string(i), times[i]), {}, {});
  }
  return std::move(builder).Build();
}

TEST(Bound, EmptyGraph) { EXPECT_EQ(BoundOf(Graph(), test::TwoDevices()).value().count(), 0); }

TEST(Bound, CriticalPathUsesTheFastestAllowedDevice) {
  // a (10) -> b (20, only on the slow device: 40) -> c (30); d (5) aside; control edge c -> e (7).
  GraphBuilder builder("g");
  const OpId a = builder.AddOp(ComputeOp("a", 10), {}, {Bytes(1000)});
  Op slow = ComputeOp("b", 20);
  slow.allowed_devices = {"b"};
  const OpId b = builder.AddOp(slow, {builder.Output(a)}, {Bytes(1)});
  const OpId c = builder.AddOp(ComputeOp("c", 30), {builder.Output(b)}, {});
  builder.AddOp(ComputeOp("d", 5), {}, {});
  builder.AddOp(ComputeOp("e", 7), {}, {}, {c});
  ClusterSpec spec = test::TwoDevices();
  spec.devices[1] = test::TestDevice("b", 0.5);
  const LowerBound bound = BoundOf(std::move(builder).Build(), spec);
  EXPECT_EQ(bound.critical_path.count(), 10 + 40 + 30 + 7);
  EXPECT_EQ(bound.binding(), "critical path");
  EXPECT_EQ(bound.value(), bound.critical_path);
}

TEST(Bound, WorkIsSpreadOverEqualDevices) {
  const LowerBound bound = BoundOf(Independent({100, 200, 300, 400, 500, 600}), test::Switched(3));
  EXPECT_EQ(bound.load.count(), 700);
  EXPECT_EQ(bound.critical_path.count(), 600);
  EXPECT_EQ(bound.binding(), "load");
}

TEST(Bound, UnequalDevicesShareBySpeed) {
  // Speeds 1 and 3: 4,000 units of work take 1,000.
  ClusterSpec spec = test::TwoDevices();
  spec.devices[0] = test::TestDevice("a", 3);
  const LowerBound bound = BoundOf(Independent(std::vector<std::int64_t>(40, 300)), spec);
  // Op times are 100 and 300: in t, 12,000 / 4 = 3,000.
  EXPECT_EQ(bound.load.count(), 3000);
}

TEST(Bound, DevicesGoodAtDifferentOps) {
  // Two kinds of op, each 10 on its own device and 1,000 on the other.
  GraphBuilder builder("g");
  for (int i = 0; i < 20; ++i) {
    Op op = ComputeOp("op" + std::to_string(i), 1000);
    op.allowed_devices = {i % 2 == 0 ? "a" : "b"};
    builder.AddOp(op, {}, {});
  }
  const LowerBound bound = BoundOf(std::move(builder).Build(), test::TwoDevices());
  EXPECT_EQ(bound.load.count(), 10'000);
}

TEST(Bound, AUselessDeviceDoesNotDilute) {
  // The second device is a thousand times slower: 1,000 ops of 1,000 take barely less than without.
  ClusterSpec spec = test::TwoDevices();
  spec.devices[1] = test::TestDevice("b", 0.001);
  const LowerBound bound = BoundOf(Independent(std::vector<std::int64_t>(1000, 1000)), spec);
  EXPECT_NEAR(static_cast<double>(bound.load.count()), 1e6 / 1.001, 1);
}

TEST(Bound, CoLocatedOpsAreOnePiece) {
  GraphBuilder builder("g");
  for (int i = 0; i < 4; ++i) {
    Op op = ComputeOp("op" + std::to_string(i), 100);
    op.colocation_group = i < 3 ? "together" : "";
    builder.AddOp(op, {}, {});
  }
  const LowerBound bound = BoundOf(std::move(builder).Build(), test::TwoDevices());
  EXPECT_EQ(bound.load.count(), 300);
}

/// The smallest possible load of the busiest device, by trying everything. Every schedule is at
/// least that long.
std::int64_t SmallestMaxLoad(const CostModel& costs) {
  const std::size_t n = costs.num_ops();
  const std::size_t devices = costs.num_devices();
  std::size_t combinations = 1;
  for (std::size_t i = 0; i < n; ++i) {
    combinations *= devices;
  }
  std::int64_t best = std::numeric_limits<std::int64_t>::max();
  for (std::size_t code = 0; code < combinations; ++code) {
    std::vector<std::int64_t> load(devices, 0);
    std::size_t rest = code;
    bool allowed = true;
    for (std::size_t i = 0; i < n && allowed; ++i, rest /= devices) {
      const DeviceId device(rest % devices);
      allowed = costs.allowed(OpId(i), device);
      load[device.index()] += costs.op_time(OpId(i), device).count();
    }
    if (allowed) {
      best = std::min(best, *std::ranges::max_element(load));
    }
  }
  return best;
}

TEST(Bound, NeverAboveTheOptimumAndNotFarBelow) {
  Rng rng(7);
  for (int trial = 0; trial < 60; ++trial) {
    ClusterSpec spec = test::Switched(2 + rng.Below(2));
    for (std::size_t d = 0; d < spec.devices.size(); ++d) {
      Device& device = spec.devices[d];
      device = test::TestDevice(device.name, 0.1 + 2 * rng.Uniform());
      device.memory_bytes_per_s *= 0.1 + 2 * rng.Uniform();
    }
    GraphBuilder builder("g");
    for (int i = 0; i < 7; ++i) {
      Op op = ComputeOp("op" + std::to_string(i), static_cast<std::int64_t>(1 + rng.Below(1000)));
      op.traffic_bytes = static_cast<std::int64_t>(rng.Below(1000));
      if (rng.Below(4) == 0) {
        op.allowed_devices = {"d0", "d1"};
      }
      builder.AddOp(op, {}, {});
    }
    const Graph graph = std::move(builder).Build();
    const Cluster cluster(spec);
    const CostModel costs(graph, cluster);
    const LowerBound bound = ComputeLowerBound(graph, cluster, costs);
    const std::int64_t optimum = SmallestMaxLoad(costs);
    EXPECT_LE(bound.value().count(), optimum) << "trial " << trial;
    EXPECT_GE(bound.value().count(), optimum / 2) << "trial " << trial;
  }
}

TEST(Bound, ManyClassesOnManyKindsOfDevices) {
  Rng rng(3);
  ClusterSpec spec = test::Switched(9);
  for (std::size_t d = 0; d < 9; ++d) {
    spec.devices[d] = test::TestDevice("d" + std::to_string(d), 1.0 + static_cast<double>(d));
    spec.devices[d].memory_bytes_per_s *= 9.0 - static_cast<double>(d);
  }
  std::vector<std::int64_t> times;
  for (int i = 0; i < 20'000; ++i) {
    times.push_back(static_cast<std::int64_t>(1000 + rng.Below(100'000)));
  }
  const Graph graph = Independent(times);
  // Speeds 1..9 sum to 45; rounding op times to picoseconds moves this by less than 1/1000.
  const double total =
      static_cast<double>(std::accumulate(times.begin(), times.end(), std::int64_t{0}));
  const auto load = static_cast<double>(BoundOf(graph, spec).load.count());
  EXPECT_NEAR(load / (total / 45), 1.0, 0.01);
}

}  // namespace
}  // namespace placer
