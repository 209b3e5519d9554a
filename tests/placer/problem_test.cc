#include "placer/problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "graphs/base/error.h"
#include "tests/support/test_devices.h"
#include "tests/support/test_problem.h"

namespace placer {
namespace {

using test::ComputeOp;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::TestProblem;

/// w (parameter, 40 bytes, 100 persistent) -> a, b -> c -> update of w; b waits for a by a control
/// edge. The parameter and its update are one group.
Graph SmallStep() {
  GraphBuilder builder("small");
  Op parameter = ComputeOp("w", 0, OpRole::kParameter);
  parameter.colocation_group = "w";
  parameter.persistent_bytes = 100;
  const OpId w = builder.AddOp(parameter, {}, {test::Bytes(40)});
  const OpId a = builder.AddOp(ComputeOp("a", 5), {builder.Output(w)}, {test::Bytes(8)});
  const OpId b = builder.AddOp(ComputeOp("b", 7), {builder.Output(w)}, {test::Bytes(12)}, {a});
  TensorSpec alias = test::Bytes(8);
  alias.aliases_input = 0;
  const OpId c = builder.AddOp(ComputeOp("c", 9), {builder.Output(a), builder.Output(b)},
                               {test::Bytes(40), alias});
  Op update = ComputeOp("update", 3, OpRole::kUpdate);
  update.colocation_group = "w";
  builder.AddOp(update, {builder.Output(w), builder.Output(c)}, {});
  return std::move(builder).Build();
}

TEST(Problem, SumsTimesAndBytesOfAGroup) {
  ClusterSpec spec = test::TwoDevices();
  spec.devices[1] = test::TestDevice("b", /*speed=*/2);
  const TestProblem t(SmallStep(), Cluster(spec));
  // Groups: {w, update}, {a, c} (c's second output is a's memory), {b}.
  ASSERT_EQ(t.problem.num_groups(), 3U);
  EXPECT_EQ(t.problem.group_time(GroupId(0), DeviceId(0)), Picoseconds(3));
  EXPECT_EQ(t.problem.group_time(GroupId(1), DeviceId(0)), Picoseconds(5 + 9));
  EXPECT_EQ(t.problem.group_time(GroupId(2), DeviceId(0)), Picoseconds(7));
  EXPECT_EQ(t.problem.group_time(GroupId(1), DeviceId(1)), Picoseconds(3 + 5));  // 2.5 and 4.5 up
  EXPECT_EQ(t.problem.resident_bytes(GroupId(0)), 40 + 100);
  EXPECT_EQ(t.problem.output_bytes(GroupId(0)), 40);
  EXPECT_EQ(t.problem.resident_bytes(GroupId(1)), 0);
  EXPECT_EQ(t.problem.output_bytes(GroupId(1)), 8 + 40);  // the alias takes nothing
}

TEST(Problem, CountsATensorOncePerReadingGroup) {
  const TestProblem t(SmallStep(), Cluster(test::TwoDevices()));
  using Edge = Problem::GroupEdge;
  const std::vector<Edge> edges(t.problem.edges().begin(), t.problem.edges().end());
  EXPECT_THAT(edges, ElementsAre(Edge{GroupId(0), GroupId(1), 40}, Edge{GroupId(0), GroupId(2), 40},
                                 Edge{GroupId(1), GroupId(0), 40}, Edge{GroupId(1), GroupId(2), 0},
                                 Edge{GroupId(2), GroupId(1), 12}));
}

TEST(Problem, AGroupMayRunWhereAllItsOpsMay) {
  GraphBuilder builder("g");
  Op a = ComputeOp("a", 5);
  a.colocation_group = "x";
  a.allowed_devices = {"d0", "d1"};
  Op b = ComputeOp("b", 5);
  b.colocation_group = "x";
  b.allowed_devices = {"d1", "d2"};
  builder.AddOp(a, {}, {});
  builder.AddOp(b, {}, {});
  const TestProblem t(std::move(builder).Build(), Cluster(test::Switched(3)));
  EXPECT_THAT(t.problem.allowed_devices(GroupId(0)), ElementsAre(DeviceId(1)));
  EXPECT_TRUE(t.problem.allowed(GroupId(0), DeviceId(1)));
  EXPECT_FALSE(t.problem.allowed(GroupId(0), DeviceId(0)));
}

TEST(Problem, NamesTheGroupThatMayRunNowhere) {
  GraphBuilder builder("g");
  Op a = ComputeOp("first", 5);
  a.allowed_devices = {"d0"};
  Op b = ComputeOp("second", 5);
  b.allowed_devices = {"d1"};
  builder.AddOp(a, {}, {});
  builder.AddOp(b, {}, {});
  const TestProblem t(std::move(builder).Build(), Cluster(test::Switched(2)));
  try {
    const Problem together(t.costs, t.runner, Grouping(t.graph, std::vector<std::uint32_t>{7, 7}));
    FAIL() << "no error";
  } catch (const InputError& e) {
    EXPECT_THAT(e.what(), HasSubstr("group 0 of graph 'g' (first op 'first')"));
    EXPECT_THAT(e.what(), HasSubstr("no allowed device in common"));
  }
}

TEST(Problem, ExpandsAndCollapses) {
  const TestProblem t(SmallStep(), Cluster(test::TwoDevices()));
  const GroupPlacement groups = {DeviceId(1), DeviceId(0), DeviceId(1)};
  const Placement placement = t.problem.Expand(groups);
  EXPECT_EQ(placement.device(*t.graph.FindOp("w")), DeviceId(1));
  EXPECT_EQ(placement.device(*t.graph.FindOp("update")), DeviceId(1));
  EXPECT_EQ(placement.device(*t.graph.FindOp("c")), DeviceId(0));
  EXPECT_EQ(t.problem.Collapse(placement), groups);
  EXPECT_THROW((void)t.problem.Expand(GroupPlacement(2)), std::logic_error);
}

TEST(Problem, CollapseNamesWhatDoesNotFit) {
  const TestProblem t(SmallStep(), Cluster(test::TwoDevices()));
  Placement split(t.graph.num_ops(), DeviceId(0));
  split.set_device(*t.graph.FindOp("update"), DeviceId(1));
  try {
    (void)t.problem.Collapse(split);
    FAIL() << "no error";
  } catch (const InputError& e) {
    EXPECT_THAT(e.what(), HasSubstr("op 'update' is on another device than op 'w'"));
  }
  try {
    (void)t.problem.Collapse(Placement(2, DeviceId(0)));
    FAIL() << "no error";
  } catch (const InputError& e) {
    EXPECT_THAT(e.what(), HasSubstr("2 ops found, expected 5"));
  }
}

TEST(Problem, RefusesTheGroupingOfAnotherGraph) {
  const TestProblem t(SmallStep(), Cluster(test::TwoDevices()));
  EXPECT_THROW(Problem(t.costs, t.runner, GroupByColocation(testing_support::RandomDag(4, 1))),
               std::logic_error);
}

}  // namespace
}  // namespace placer
