#include "cost_model/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_devices.h"

namespace placer {
namespace {

using test::Bytes;
using test::ComputeOp;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// p -> f -> v, where v is a view of f's output, and u updates p.
Graph SmallGraph() {
  GraphBuilder builder("small");
  Op parameter = ComputeOp("p", 0, OpRole::kParameter);
  parameter.colocation_group = "p";
  Op update = ComputeOp("u", 5, OpRole::kUpdate);
  update.colocation_group = "p";
  const OpId p = builder.AddOp(parameter, {}, {Bytes(8)});
  const OpId f = builder.AddOp(ComputeOp("f", 10), {builder.Output(p)}, {Bytes(8)});
  TensorSpec view = Bytes(8);
  view.aliases_input = 0;
  builder.AddOp(ComputeOp("v", 0), {builder.Output(f)}, {view});
  builder.AddOp(update, {builder.Output(p), builder.Output(f)}, {});
  return std::move(builder).Build();
}

TEST(Placement, ValidOnesHaveNoFaults) {
  const Graph graph = SmallGraph();
  const Cluster cluster(test::TwoDevices());
  EXPECT_THAT(FindFaults(Placement(4, DeviceId(1)), graph, cluster), IsEmpty());
  Placement placement(4, DeviceId(0));
  placement.set_device(OpId(1), DeviceId(1));
  placement.set_device(OpId(2), DeviceId(1));
  EXPECT_THAT(FindFaults(placement, graph, cluster), IsEmpty());
}

TEST(Placement, WrongSizeIsTheOnlyFault) {
  EXPECT_THAT(FindFaults(Placement(3, DeviceId(0)), SmallGraph(), Cluster(test::TwoDevices())),
              ElementsAre(AllOf(HasSubstr("3 ops"), HasSubstr("4"), HasSubstr("'small'"))));
}

TEST(Placement, BrokenCoLocationNamesBothOps) {
  Placement placement(4, DeviceId(0));
  placement.set_device(OpId(2), DeviceId(1));
  placement.set_device(OpId(3), DeviceId(1));
  EXPECT_THAT(FindFaults(placement, SmallGraph(), Cluster(test::TwoDevices())),
              ElementsAre(AllOf(HasSubstr("op 'v'"), HasSubstr("'b'"), HasSubstr("op 'f'")),
                          AllOf(HasSubstr("op 'u'"), HasSubstr("'b'"), HasSubstr("op 'p'"))));
}

TEST(Placement, UnknownAndForbiddenDevices) {
  GraphBuilder builder("g");
  Op picky = ComputeOp("picky", 1);
  picky.allowed_devices = {"gpu", "b"};
  builder.AddOp(picky, {}, {});
  builder.AddOp(ComputeOp("lost", 1), {}, {});
  const Graph graph = std::move(builder).Build();
  EXPECT_THAT(FindFaults(Placement({DeviceId(0), DeviceId(7)}), graph, Cluster(test::TwoDevices())),
              ElementsAre(AllOf(HasSubstr("op 'picky'"), HasSubstr("'a'"), HasSubstr("'gpu', 'b'")),
                          AllOf(HasSubstr("op 'lost'"), HasSubstr("#7"), HasSubstr("2"))));
}

TEST(Placement, EveryFaultIsListed) {
  GraphBuilder builder("g");
  for (int i = 0; i < 30; ++i) {
    builder.AddOp(ComputeOp("op" + std::to_string(i), 1), {}, {});
  }
  EXPECT_EQ(FindFaults(Placement(30, DeviceId(9)), std::move(builder).Build(),
                       Cluster(test::TwoDevices()))
                .size(),
            30U);
}

TEST(Placement, OpsWithoutAKnownDeviceHideNoFaultsOfOthers) {
  // p, whose device is not known, is tied to u; f leads v.
  const KnownDevices devices = {std::nullopt, DeviceId(0), DeviceId(1), DeviceId(1)};
  EXPECT_THAT(FindFaults(devices, SmallGraph(), Cluster(test::TwoDevices())),
              ElementsAre(AllOf(HasSubstr("op 'v'"), HasSubstr("'b'"), HasSubstr("op 'f'"))));
  EXPECT_THAT(FindFaults(KnownDevices(4), SmallGraph(), Cluster(test::TwoDevices())), IsEmpty());
}

TEST(Placement, ResidentBytesAreWhatStaysForTheWholeStep) {
  GraphBuilder builder("g");
  Op update = ComputeOp("u", 5, OpRole::kUpdate);
  update.persistent_bytes = 16;
  const OpId p = builder.AddOp(ComputeOp("p", 0, OpRole::kParameter), {}, {Bytes(8), Bytes(4)});
  builder.AddOp(update, {builder.Output(p)}, {Bytes(2)});
  const Graph graph = std::move(builder).Build();
  EXPECT_EQ(ResidentBytes(graph, OpId(0)), 12);
  EXPECT_EQ(ResidentBytes(graph, OpId(1)), 16);
}

TEST(Placement, AllowedByNameOrKind) {
  Op op;
  Device device = test::TestDevice("/gpu:0");
  device.kind = "gpu";
  EXPECT_TRUE(IsAllowed(op, device));
  op.allowed_devices = {"cpu", "/gpu:1"};
  EXPECT_FALSE(IsAllowed(op, device));
  op.allowed_devices = {"/gpu:0"};
  EXPECT_TRUE(IsAllowed(op, device));
  op.allowed_devices = {"cpu", "gpu"};
  EXPECT_TRUE(IsAllowed(op, device));
}

}  // namespace
}  // namespace placer
