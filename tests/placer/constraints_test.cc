#include "placer/constraints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "graphs/base/error.h"
#include "placer/op_pattern.h"
#include "tests/support/test_devices.h"
#include "tests/support/test_graphs.h"

namespace placer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::CompleteCluster;

/// a0 -> a1 -> b0 -> b1 -> c0 -> c1.
Graph SixOps() {
  GraphBuilder builder("six");
  std::vector<TensorId> inputs;
  for (const char* name : {"a/0", "a/1", "b/0", "b/1", "c/0", "c/1"}) {
    const OpId op = builder.AddOp(test::ComputeOp(name, 10), inputs, {test::Bytes(4)});
    inputs = {builder.Output(op)};
  }
  return std::move(builder).Build();
}

std::string FaultOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no fault";
}

std::string FaultOf(const Constraints& constraints) {
  return FaultOf([&] { (void)ApplyConstraints(SixOps(), CompleteCluster(3), constraints); });
}

TEST(OpPatternTest, GlobsMatchTheWholeNameAcrossSlashes) {
  EXPECT_TRUE(OpPattern("layer1*").Matches("layer1/0/conv"));
  EXPECT_TRUE(OpPattern("*/conv[12]").Matches("layer1/0/conv2"));
  EXPECT_FALSE(OpPattern("layer1").Matches("layer1/0"));
}

TEST(OpPatternTest, RegularExpressionsAreFoundAnywhere) {
  EXPECT_TRUE(OpPattern("/conv[0-9]+$/").Matches("layer1/conv12"));
  EXPECT_FALSE(OpPattern("/^conv/").Matches("layer1/conv12"));
  EXPECT_TRUE(OpPattern("/layer1/*").Matches("/layer1/conv1/Conv")) << "a glob, it has no end";
}

TEST(OpPatternTest, FaultsAreNamed) {
  EXPECT_THAT(FaultOf([] { OpPattern("/(/"); }), HasSubstr("pattern '/(/'"));
  EXPECT_THAT(FaultOf([] { OpPattern(""); }), HasSubstr("is empty"));
}

TEST(ConstraintsTest, PinsAndForbidsBecomeAllowedDevices) {
  const ConstrainedProblem problem =
      ApplyConstraints(SixOps(), CompleteCluster(3), {.pin = {"a/*=d1"}, .forbid = {"/^b/=d0"}});
  EXPECT_THAT(problem.graph.op(OpId(0)).allowed_devices, ElementsAre("d1"));
  EXPECT_THAT(problem.graph.op(OpId(2)).allowed_devices, ElementsAre("d1", "d2"));
  EXPECT_THAT(problem.graph.op(OpId(4)).allowed_devices, IsEmpty());
}

TEST(ConstraintsTest, AKindStandsForItsDevices) {
  const ConstrainedProblem problem =
      ApplyConstraints(SixOps(), CompleteCluster(2), {.pin = {"*=test"}});
  EXPECT_THAT(problem.graph.op(OpId(0)).allowed_devices, IsEmpty()) << "all there are";
}

TEST(ConstraintsTest, TogetherTiesOpsAndWhatTheyAreTiedTo) {
  const Graph graph =
      ApplyConstraints(SixOps(), CompleteCluster(3), {.together = {"/0$/", "/[ac].1$/", "/^a/"}})
          .graph;
  const auto together = [&](int a, int b) {
    return graph.colocation_class(OpId(static_cast<std::size_t>(a))) ==
           graph.colocation_class(OpId(static_cast<std::size_t>(b)));
  };
  EXPECT_TRUE(together(0, 2) && together(0, 4) && together(0, 1) && together(0, 5));
  EXPECT_FALSE(together(0, 3));
}

TEST(ConstraintsTest, WholeModulesTieWhatAModuleRuns) {
  const Graph graph = ApplyConstraints(SixOps(), CompleteCluster(3), {.whole_modules = true}).graph;
  EXPECT_EQ(graph.num_colocation_classes(), 3U);
}

/// What is not touched is as before: the same ops, edges, sizes, aliases.
TEST(ConstraintsTest, NothingElseChanges) {
  const Graph graph = testing_support::RandomGraph(80, 3);
  const ConstrainedProblem problem = ApplyConstraints(graph, CompleteCluster(3), {});
  EXPECT_EQ(problem.graph, graph);
  EXPECT_EQ(problem.cluster, CompleteCluster(3));
}

TEST(ConstraintsTest, HeadRoomIsTakenFromTheMemory) {
  const Cluster cluster = ApplyConstraints(SixOps(), CompleteCluster(3, 1'000'000),
                                           {.headroom = {"d0=10%", "d1=250kB", "d2=1KiB"}})
                              .cluster;
  EXPECT_EQ(cluster.devices()[0].memory_bytes, 900'000);
  EXPECT_EQ(cluster.devices()[1].memory_bytes, 750'000);
  EXPECT_EQ(cluster.devices()[2].memory_bytes, 1'000'000 - 1024);
}

TEST(ConstraintsTest, WhatCannotBeReadIsNamed) {
  EXPECT_THAT(FaultOf({.pin = {"a/*"}}), HasSubstr("pin 'a/*': expected PATTERN=DEVICE"));
  EXPECT_THAT(FaultOf({.pin = {"a/*=gpu"}}),
              HasSubstr("device 'gpu' is not in cluster 'complete', expected a kind or one of d0, "
                        "d1, d2"));
  EXPECT_THAT(FaultOf({.together = {"x*"}}), HasSubstr("together 'x*': matches none of the 6 ops"));
  EXPECT_THAT(FaultOf({.apart = {"a/*"}}), HasSubstr("expected PATTERN,PATTERN"));
  EXPECT_THAT(FaultOf({.headroom = {"d0=much"}}), HasSubstr("found 'much'"));
  EXPECT_THAT(FaultOf({.headroom = {"d0=100%"}}), HasSubstr("expected less than"));
}

TEST(ConstraintsTest, ContradictionsNameTheConstraints) {
  EXPECT_EQ(FaultOf({.pin = {"a/*=d0", "*/0=d1"}}),
            "constraints: op 'a/0' has no device left on cluster 'complete': pin '*/0=d1', pin "
            "'a/*=d0'");
  EXPECT_EQ(FaultOf({.pin = {"a/0=d0", "b/0=d1"}, .together = {"*/0"}}),
            "constraints: op 'b/0' shares a device with op 'a/0', and they have no device left on "
            "cluster 'complete': pin 'a/0=d0', pin 'b/0=d1', together '*/0'");
  EXPECT_EQ(FaultOf({.apart = {"a/*,*/0"}}),
            "constraints: apart 'a/*,*/0': op 'a/0' matches both sides");
  EXPECT_EQ(FaultOf({.together = {"*/0"}, .apart = {"a/0,b/0"}}),
            "constraints: apart 'a/0,b/0': ops of its two sides must share a device (with together "
            "'*/0')");
  EXPECT_EQ(FaultOf({.pin = {"*=d0"}, .apart = {"a/*,b/*"}}),
            "constraints: apart 'a/*,b/*': the devices that their ops may use are too few to keep "
            "them apart (with pin '*=d0')");
  EXPECT_EQ(FaultOf({.headroom = {"d0=10%", "test=1kB"}}),
            "constraints: headroom 'test=1kB' and headroom 'd0=10%': both for device 'd0', "
            "expected one");
}

TEST(ConstraintsTest, FaultsOfAPlanAreListed) {
  const ConstrainedProblem problem =
      ApplyConstraints(SixOps(), CompleteCluster(3), {.pin = {"c/0=d2"}, .apart = {"a/*,b/*"}});
  KnownDevices devices(6, DeviceId(0));
  EXPECT_THAT(FindFaults(devices, problem),
              ElementsAre("op 'c/0': is on 'd0', expected one of 'd2'",
                          "op 'b/0': is on 'd0' with op 'a/0', expected another device (apart "
                          "'a/*,b/*')",
                          "op 'b/1': is on 'd0' with op 'a/0', expected another device (apart "
                          "'a/*,b/*')"));
  devices[0] = devices[2] = std::nullopt;  // what is not known breaks nothing
  devices[4] = DeviceId(2);
  EXPECT_THAT(FindFaults(devices, problem),
              ElementsAre("op 'b/1': is on 'd0' with op 'a/1', expected another device (apart "
                          "'a/*,b/*')"));
  devices[1] = DeviceId(2);
  EXPECT_THAT(FindFaults(devices, problem), IsEmpty());
}

}  // namespace
}  // namespace placer
