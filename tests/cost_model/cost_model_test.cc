#include "cost_model/cost_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graphs/base/error.h"
#include "tests/support/test_devices.h"

namespace placer {
namespace {

using test::Bytes;
using test::ComputeOp;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// 1 Tflop/s in float32, 2 in float16, 100 GB/s, 1 us to start an op. Class kMatMul of an unlisted
/// kind reaches half of both rates.
ClusterSpec OneDevice() {
  ClusterSpec spec;
  spec.name = "one";
  Device device = test::TestDevice("d");
  device.peak_flops_per_s = {};
  device.peak_flops_per_s[static_cast<std::size_t>(DataType::kFloat32)] = 1e12;
  device.peak_flops_per_s[static_cast<std::size_t>(DataType::kFloat16)] = 2e12;
  device.memory_bytes_per_s = 100e9;
  device.launch_overhead = Seconds(1e-6);
  spec.devices = {device};
  return spec;
}

TEST(CostModel, ADevicesOwnEfficiencyReplacesThatOfItsKind) {
  ClusterSpec spec = OneDevice();
  spec.devices[0].efficiencies = {{OpClass::kMatMul, {0.25, 0.1}}};
  GraphBuilder builder("g");
  Op product = ComputeOp("product", 1'000'000, OpRole::kForward);
  Op copy = product;
  copy.name = "copy";
  copy.flops = 0;
  copy.traffic_bytes = 10'000;
  Op other = product;
  other.name = "other";
  other.op_class = OpClass::kConvolution;
  for (const Op& op : {product, copy, other}) {
    builder.AddOp(op, {}, {TensorSpec{}});
  }
  const CostModel costs(std::move(builder).Build(), Cluster(spec));
  EXPECT_EQ(costs.op_time(OpId(0), DeviceId(0)).count(), 5'000'000);  // 1e6 / 0.25e12 + 1 us
  EXPECT_EQ(costs.op_time(OpId(1), DeviceId(0)).count(), 2'000'000);  // 1e4 / 10e9 + 1 us
  EXPECT_EQ(costs.op_time(OpId(2), DeviceId(0)).count(), 3'000'000);  // that of the kind: 0.5
}

struct OpTimeCase {
  const char* name;
  OpRole role;
  DataType dtype;
  std::int64_t flops, traffic_bytes;
  std::int64_t picoseconds;
};
class OpTime : public ::testing::TestWithParam<OpTimeCase> {};

TEST_P(OpTime, IsTheLargerOfComputeAndMemoryPlusLaunch) {
  const OpTimeCase& c = GetParam();
  GraphBuilder builder("g");
  Op op = ComputeOp("op", c.flops, c.role);
  op.traffic_bytes = c.traffic_bytes;
  TensorSpec output;
  output.dtype = c.dtype;
  builder.AddOp(op, {}, {output});
  const CostModel costs(std::move(builder).Build(), Cluster(OneDevice()));
  EXPECT_EQ(costs.op_time(OpId(0), DeviceId(0)).count(), c.picoseconds);
}

constexpr OpRole kForward = OpRole::kForward;
INSTANTIATE_TEST_SUITE_P(
    Cases, OpTime,
    ::testing::Values(
        // 1e6 flop at 0.5e12/s = 2 us, + 1 us
        OpTimeCase{"Compute", kForward, DataType::kFloat32, 1'000'000, 0, 3'000'000},
        // 1e6 flop at 1e12/s = 1 us, + 1 us
        OpTimeCase{"Half", kForward, DataType::kFloat16, 1'000'000, 0, 2'000'000},
        // no peak of its own: as float32
        OpTimeCase{"Fallback", kForward, DataType::kBFloat16, 1'000'000, 0, 3'000'000},
        // 1e6 bytes at 50e9/s = 20 us > 2 us, + 1 us
        OpTimeCase{"Memory", kForward, DataType::kFloat32, 1'000'000, 1'000'000, 21'000'000},
        OpTimeCase{"Nothing", kForward, DataType::kFloat32, 0, 0, 1'000'000},
        // 1 flop = 2 ps; 1 byte = 20 ps: rounding is to the picosecond
        OpTimeCase{"One", kForward, DataType::kFloat32, 1, 0, 1'000'002},
        OpTimeCase{"Parameter", OpRole::kParameter, DataType::kFloat32, 9, 9, 0},
        OpTimeCase{"Input", OpRole::kInput, DataType::kFloat32, 9, 9, 0}),
    [](const auto& c) { return c.param.name; });

TEST(CostModel, RoundsToTheNearestPicosecondOnce) {
  // 3 flop at 0.5 x 2e12 x 0.75 = 0.75e12 flop/s are 4 ps; 1 flop is 1.33 ps; 2 are 2.67 ps.
  ClusterSpec spec = test::TwoDevices();
  spec.devices[0] = test::TestDevice("a", 0.75);
  GraphBuilder builder("g");
  for (const int flops : {1, 2, 3}) {
    builder.AddOp(ComputeOp("op" + std::to_string(flops), flops), {}, {});
  }
  const CostModel costs(std::move(builder).Build(), Cluster(spec));
  EXPECT_THAT(costs.op_times(), ElementsAre(1, 1, 3, 2, 4, 3));
}

TEST(CostModel, TransfersAreLatencyPlusBytesOverTheSlowestLink) {
  ClusterSpec spec = test::Switched(2);
  spec.links[1].bytes_per_s = 0.5e12;
  const Cluster cluster(spec);
  GraphBuilder builder("g");
  builder.AddOp(ComputeOp("op", 1), {}, {Bytes(100), Bytes(0), Bytes(7), Bytes(100)});
  const CostModel costs(std::move(builder).Build(), cluster);
  const std::uint32_t hop = cluster.route(DeviceId(0), DeviceId(1))[0];
  EXPECT_EQ(costs.hop_time(hop, TensorId(0)).count(), 220);
  EXPECT_EQ(costs.hop_time(hop, TensorId(1)).count(), 20);
  EXPECT_EQ(costs.hop_time(hop, TensorId(2)).count(), 34);
  EXPECT_EQ(costs.hop_time(hop, TensorId(3)).count(), 220);
  EXPECT_EQ(costs.control_hop_time(hop).count(), 20);
  EXPECT_THAT(costs.size_classes(), ElementsAre(2, 0, 1, 2));
  EXPECT_EQ(costs.hop_times().size(), 3 * cluster.hops().size());
}

TEST(CostModel, KnowsWhereOpsMayRun) {
  GraphBuilder builder("g");
  Op op = ComputeOp("op", 10);
  op.allowed_devices = {"b"};
  builder.AddOp(op, {}, {});
  const CostModel costs(std::move(builder).Build(), Cluster(test::TwoDevices()));
  EXPECT_FALSE(costs.allowed(OpId(0), DeviceId(0)));
  EXPECT_TRUE(costs.allowed(OpId(0), DeviceId(1)));
  EXPECT_THAT(costs.op_times(), ElementsAre(-1, 10));
}

TEST(CostModel, RefusesOpsThatMayRunNowhere) {
  GraphBuilder builder("g");
  Op op = ComputeOp("conv1", 10);
  op.allowed_devices = {"gpu", "/tpu:0"};
  builder.AddOp(op, {}, {});
  const Graph graph = std::move(builder).Build();
  EXPECT_THAT([&] { CostModel(graph, Cluster(test::TwoDevices())); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("op 'conv1'"), HasSubstr("'gpu', '/tpu:0'"),
                                              HasSubstr("'two_devices'"))));
}

TEST(CostModel, RefusesOpsThatMustShareADeviceAndCannot) {
  GraphBuilder builder("g");
  for (const char* name : {"a", "b"}) {
    Op op = ComputeOp(std::string("on_") + name, 1);
    op.colocation_group = "both";
    op.allowed_devices = {name};
    builder.AddOp(op, {}, {});
  }
  const Graph graph = std::move(builder).Build();
  EXPECT_THAT([&] { CostModel(graph, Cluster(test::TwoDevices())); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("op 'on_b'"), HasSubstr("share"))));
}

TEST(CostModel, RefusesTimesBeyondReason) {
  const auto costs_of = [](std::int64_t flops, std::int64_t bytes, int times) {
    GraphBuilder builder("g");
    for (int i = 0; i < times; ++i) {
      builder.AddOp(ComputeOp("op" + std::to_string(i), flops), {}, {Bytes(bytes)});
    }
    return CostModel(std::move(builder).Build(), Cluster(test::TwoDevices()));
  };
  constexpr std::int64_t kHalf = 500'000'000'000'000'000;  // 0.5 x 10^6 s
  EXPECT_NO_THROW(costs_of(kHalf, 0, 2));
  EXPECT_THAT([&] { costs_of(3 * kHalf, 0, 1); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("op 'op0'"), HasSubstr("10^6 s"))));
  EXPECT_THAT([&] { costs_of(kHalf, 0, 3); }, ThrowsMessage<InputError>(HasSubstr("graph 'g'")));
  EXPECT_THAT([&] { costs_of(1, 3 * kHalf, 1); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("'a'"), HasSubstr("'b'"))));
  EXPECT_THAT([&] { costs_of(1, kHalf, 2); }, ThrowsMessage<InputError>(HasSubstr("every tensor")));
}

TEST(Efficiency, SharesOfThePeakForEveryClassAndKind) {
  for (std::size_t c = 0; c < kNumOpClasses; ++c) {
    for (const char* kind : {"cpu", "gpu", "tpu", "npu", "something else"}) {
      const Efficiency e = EfficiencyOf(static_cast<OpClass>(c), kind);
      EXPECT_GT(e.compute, 0) << c << kind;
      EXPECT_LE(e.compute, 1) << c << kind;
      EXPECT_GT(e.memory, 0) << c << kind;
      EXPECT_LE(e.memory, 1) << c << kind;
    }
  }
}

TEST(Efficiency, DenseOpsReachMoreOfThePeakThanTheRest) {
  for (const char* kind : {"cpu", "gpu", "tpu", "npu"}) {
    EXPECT_GT(EfficiencyOf(OpClass::kMatMul, kind).compute,
              EfficiencyOf(OpClass::kElementwise, kind).compute);
    EXPECT_GT(EfficiencyOf(OpClass::kConvolution, kind).compute,
              EfficiencyOf(OpClass::kDepthwiseConvolution, kind).compute);
  }
}

}  // namespace
}  // namespace placer
