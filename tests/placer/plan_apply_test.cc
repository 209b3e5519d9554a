#include "placer/plan_apply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graphs/base/error.h"
#include "tests/support/test_devices.h"
#include "tests/support/test_graphs.h"

namespace placer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing_support::CompleteCluster;
using testing_support::RandomDevices;
using testing_support::RandomGraph;

/// A chain of ops with `bytes` on the edge behind each.
Graph Chain(const std::vector<std::pair<std::string, std::int64_t>>& ops,
            const std::string& colocated = "") {
  GraphBuilder builder("chain");
  std::vector<TensorId> inputs;
  for (const auto& [name, bytes] : ops) {
    Op op = test::ComputeOp(name, 1);
    op.colocation_group = colocated.find(name) != std::string::npos ? "together" : "";
    inputs = {builder.Output(builder.AddOp(op, inputs, {test::Bytes(bytes)}))};
  }
  return std::move(builder).Build();
}

SavedPlacement Plan(std::vector<std::pair<std::string, std::string>> devices) {
  SavedPlacement plan;
  plan.graph_name = "old";
  plan.device_of_op = std::move(devices);
  return plan;
}

std::vector<std::size_t> Indices(const Placement& placement) {
  std::vector<std::size_t> indices;
  for (const DeviceId device : placement.device_of_op()) {
    indices.push_back(device.index());
  }
  return indices;
}

TEST(PlanApplyTest, TheSameGraphKeepsItsPlan) {
  const Graph graph = RandomGraph(60, 4);
  const Cluster cluster = CompleteCluster(3);
  Rng rng(1);
  const Placement placement(RandomDevices(graph, 3, rng));
  const AppliedPlan applied = ApplyPlan(Save(placement, graph, cluster), graph, cluster);
  EXPECT_EQ(applied.placement, placement);
  EXPECT_EQ(applied.kept.size(), 60U);
  EXPECT_THAT(applied.followed, IsEmpty());
  EXPECT_THAT(applied.dropped, IsEmpty());
}

TEST(PlanApplyTest, NewOpsFollowTheHeaviestNeighbour) {
  const Graph graph = Chain({{"a", 10}, {"new1", 5}, {"new2", 100}, {"b", 1}, {"new3", 1}});
  const AppliedPlan applied =
      ApplyPlan(Plan({{"a", "d1"}, {"b", "d2"}, {"gone", "d0"}}), graph, CompleteCluster(3));
  // new1 follows a at once; new2 then has 6 to d1 behind it and 101 to d2 before it.
  EXPECT_THAT(Indices(applied.placement), ElementsAre(1, 1, 2, 2, 2));
  EXPECT_THAT(applied.kept, ElementsAre("a", "b"));
  EXPECT_THAT(applied.followed, ElementsAre("new1", "new2", "new3"));
  EXPECT_THAT(applied.dropped, ElementsAre("gone"));
}

TEST(PlanApplyTest, NewOpsWithNothingToFollowAreToldApart) {
  GraphBuilder builder("two_parts");
  const OpId a = builder.AddOp(test::ComputeOp("a", 1), {}, {test::Bytes(1)});
  Op picky = test::ComputeOp("picky", 1);
  picky.allowed_devices = {"d1"};
  builder.AddOp(picky, {builder.Output(a)}, {test::Bytes(1)});
  builder.AddOp(test::ComputeOp("after", 1), {builder.Output(a)}, {test::Bytes(1)});
  const OpId far = builder.AddOp(test::ComputeOp("far", 1), {}, {test::Bytes(1)});
  builder.AddOp(test::ComputeOp("farther", 1), {builder.Output(far)}, {test::Bytes(1)});
  const AppliedPlan applied =
      ApplyPlan(Plan({{"a", "d2"}}), std::move(builder).Build(), CompleteCluster(3));
  EXPECT_THAT(Indices(applied.placement), ElementsAre(2, 1, 2, 0, 0));
  EXPECT_THAT(applied.followed, ElementsAre("after"));
  EXPECT_THAT(applied.alone, ElementsAre("picky", "far", "farther"));
}

TEST(PlanApplyTest, NamesThatOnlyLookDifferentAreMatched) {
  const Graph graph = Chain({{"/conv1/Conv", 1}, {"/conv2/Conv", 1}});
  const AppliedPlan applied = ApplyPlan(
      Plan({{"conv1.Conv", "d1"}, {"Conv2_conv", "d2"}, {"x", "d0"}}), graph, CompleteCluster(3));
  EXPECT_THAT(Indices(applied.placement), ElementsAre(1, 2));
  EXPECT_THAT(applied.matched,
              ElementsAre(Pair("/conv1/Conv", "conv1.Conv"), Pair("/conv2/Conv", "Conv2_conv")));
  EXPECT_THAT(applied.dropped, ElementsAre("x"));
}

TEST(PlanApplyTest, WhatMustShareADeviceGoesWithTheMajority) {
  const Graph graph = Chain({{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}}, "abc");
  const AppliedPlan applied = ApplyPlan(
      Plan({{"a", "d2"}, {"b", "d1"}, {"c", "d1"}, {"d", "lost"}}), graph, CompleteCluster(3));
  EXPECT_THAT(Indices(applied.placement), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(applied.moved, ElementsAre("a", "d"));
}

TEST(PlanApplyTest, APlanOfAnotherModelIsRefused) {
  EXPECT_THROW((void)ApplyPlan(Plan({{"x", "d0"}}), Chain({{"a", 1}}), CompleteCluster(2)),
               InputError);
}

/// Whatever is taken away or added, the result is a valid placement and every op is accounted for.
TEST(PlanApplyTest, RandomChangesGiveValidPlacements) {
  const Cluster cluster = CompleteCluster(4);
  for (Seed seed = 1; seed <= 30; ++seed) {
    const Graph graph = RandomGraph(50, seed);
    Rng rng(seed);
    SavedPlacement saved = Save(Placement(RandomDevices(graph, 4, rng)), graph, cluster);
    std::erase_if(saved.device_of_op, [&](const auto&) { return rng.Below(3) == 0; });
    saved.device_of_op.emplace_back("extra", "d0");
    const AppliedPlan applied = ApplyPlan(saved, graph, cluster);
    EXPECT_THAT(FindFaults(applied.placement, graph, cluster), IsEmpty());
    EXPECT_EQ(applied.kept.size() + applied.matched.size() + applied.followed.size() +
                  applied.alone.size() + applied.moved.size(),
              graph.num_ops());
    EXPECT_THAT(applied.dropped, ElementsAre("extra"));
  }
}

}  // namespace
}  // namespace placer
