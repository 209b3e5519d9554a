#include "experiments/picture/placement_picture.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "experiments/picture/network_layout.h"
#include "experiments/picture/palette.h"
#include "experiments/picture/unrolled_layout.h"
#include "graphs/zoo.h"
#include "tests/experiments/picture/svg_reader.h"
#include "tests/support/test_devices.h"

namespace placer {
namespace {

using test::SvgReader;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ParseUnrolledName, FindsLayerAndStep) {
  const auto parsed = ParseUnrolledName("encoder/lstm1/t3/matmul");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->layer, "encoder/lstm1");
  EXPECT_EQ(parsed->step, 3U);
  EXPECT_EQ(ParseUnrolledName("embedding/t12")->step, 12U);
  for (const char* name : {"", "t3", "t3/x", "/t3", "lstm0/weight", "a/t", "a/tx", "a/t3x/b",
                           "a/t1234567", "a/t-1", "a/tanh"}) {
    EXPECT_FALSE(ParseUnrolledName(name)) << name;
  }
}

/// Two layers over three steps and a product of all of them, with gradients named as the training
/// transform names them. An op takes 10 ps, a backward op 20 ps.
Graph Unrolled() {
  GraphBuilder b("unrolled");
  const OpId weight = b.AddOp(
      {.name = "l0/weight", .type = "Parameter", .role = OpRole::kParameter}, {}, {test::Bytes(1)});
  std::vector<TensorId> last, gradients;
  for (int t = 0; t < 3; ++t) {
    const std::string step = "/t" + std::to_string(t);
    const OpId low =
        b.AddOp(test::ComputeOp("l0" + step + "/matmul", 10), {b.Output(weight)}, {test::Bytes(1)});
    const OpId high =
        b.AddOp(test::ComputeOp("l1" + step + "/matmul", 10), {b.Output(low)}, {test::Bytes(1)});
    last.push_back(b.Output(high));
  }
  const OpId loss = b.AddOp(test::ComputeOp("loss", 10), last, {test::Bytes(1)});
  for (int t = 0; t < 3; ++t) {
    const std::string step = "/t" + std::to_string(t);
    const OpId grad =
        b.AddOp(test::ComputeOp("l0" + step + "/matmul/grad_weight", 20, OpRole::kBackward),
                {b.Output(loss)}, {test::Bytes(1)});
    gradients.push_back(b.Output(grad));
  }
  const OpId sum = b.AddOp(test::ComputeOp("l0/weight/grad_sum", 10, OpRole::kBackward), gradients,
                           {test::Bytes(1)});
  b.AddOp(test::ComputeOp("l0/weight/update", 10, OpRole::kUpdate), {b.Output(sum)}, {});
  return std::move(b).Build();
}

TEST(UnrolledLayout, SortsOpsIntoLayersStepsAndBands) {
  const Graph graph = Unrolled();
  const UnrolledLayout layout = LayOutUnrolled(graph);
  EXPECT_THAT(layout.layers, ElementsAre("l0", "l1"));
  EXPECT_EQ(layout.num_steps, 3U);
  ASSERT_EQ(layout.cells.size(), 10U);  // 2 x 3 forward, 3 backward, sum and update
  EXPECT_FALSE(layout.cells[4].backward);
  EXPECT_EQ(layout.cells[4].layer, 1U);
  EXPECT_EQ(layout.cells[4].step, 1U);
  EXPECT_TRUE(layout.cells[9].backward);
  EXPECT_FALSE(layout.cells[9].step);
  EXPECT_EQ(layout.cells[9].ops.size(), 2U);
  EXPECT_THAT(layout.rest, ElementsAre(*graph.FindOp("loss")));
  EXPECT_TRUE(IsUnrolled(layout));
}

TEST(UnrolledLayout, KnowsTheModelsOfTheZoo) {
  const UnrolledLayout rnnlm = LayOutUnrolled(MakeZooGraph("rnnlm?unroll=4"));
  EXPECT_THAT(rnnlm.layers, ElementsAre("embedding", "lstm0", "lstm1", "softmax"));
  EXPECT_EQ(rnnlm.num_steps, 4U);
  EXPECT_TRUE(IsUnrolled(rnnlm));
  const UnrolledLayout nmt = LayOutUnrolled(MakeZooGraph("nmt?unroll=3"));
  EXPECT_THAT(nmt.layers, ElementsAre("encoder/embedding", "encoder/lstm0", "encoder/lstm1",
                                      "encoder/memory", "decoder/embedding", "decoder/lstm0",
                                      "decoder/lstm1", "attention", "softmax"));
  EXPECT_TRUE(IsUnrolled(nmt));
  EXPECT_FALSE(IsUnrolled(LayOutUnrolled(MakeZooGraph("inception_v3"))));
  EXPECT_FALSE(IsUnrolled(LayOutUnrolled(Graph())));
}

TEST(UnrolledLayout, EveryOpIsInOneCell) {
  for (const char* model : {"rnnlm?unroll=3", "nmt?unroll=3", "inception_v3", "transformer"}) {
    const Graph graph = MakeZooGraph(model);
    const UnrolledLayout layout = LayOutUnrolled(graph);
    std::vector<int> seen(graph.num_ops(), 0);
    for (const OpId op : layout.rest) {
      ++seen[op.index()];
    }
    for (const UnrolledLayout::Cell& cell : layout.cells) {
      for (const OpId op : cell.ops) {
        ++seen[op.index()];
      }
    }
    for (std::size_t i = 0; i < graph.num_ops(); ++i) {
      ASSERT_EQ(seen[i], graph.is_resident(OpId(i)) ? 0 : 1) << graph.op(OpId(i)).name;
    }
  }
}

/// A graph on TwoDevices, everything on device a until told otherwise.
struct Placed {
  explicit Placed(Graph g)
      : graph(std::move(g)), placement(graph.num_ops(), DeviceId(0)), grouping(GroupOps(graph)) {}
  Graph graph;
  Cluster cluster{test::TwoDevices()};
  CostModel costs{graph, cluster};
  Placement placement;
  Grouping grouping;
  void Move(const std::string& op) { placement.set_device(*graph.FindOp(op), DeviceId(1)); }
  [[nodiscard]] PlacedModel model() const { return {graph, grouping, cluster, costs, placement}; }
};

TEST(DrawUnrolled, CellsHaveTheColourOfTheirDevice) {
  Placed placed(Unrolled());
  placed.Move("l1/t2/matmul");
  placed.Move("l0/weight/update");  // half of the time of its cell
  const SvgReader reader(DrawUnrolled(placed.model(), "title"));
  const std::vector<std::string> colors = DeviceColors(placed.cluster);
  const auto forward = reader.Find("rect", "forward");
  ASSERT_EQ(forward.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(SvgReader::Attribute(forward[i], "fill"), colors[i == 5 ? 1 : 0]) << i;
  }
  // The last layer is on top, steps go to the right, all cells are of one size.
  EXPECT_LT(SvgReader::Number(forward[3], "y"), SvgReader::Number(forward[0], "y"));
  EXPECT_EQ(SvgReader::Number(forward[0], "y"), SvgReader::Number(forward[2], "y"));
  EXPECT_EQ(SvgReader::Number(forward[2], "x") - SvgReader::Number(forward[1], "x"), 26);
  EXPECT_THAT(SvgReader::Tooltip(forward[5]), HasSubstr("l1, step 2, forward: b 100.0 %"));
  // Three steps, then the sum and the update: a cell and a strip of half its height.
  const auto backward = reader.Find("rect", "backward");
  ASSERT_EQ(backward.size(), 5U);
  EXPECT_EQ(SvgReader::Attribute(backward[4], "fill"), colors[1]);
  EXPECT_NEAR(SvgReader::Number(backward[4], "height"),
              SvgReader::Number(backward[3], "height") / 2, 0.01);
  EXPECT_THAT(reader.Texts(), Contains("l0"));
  EXPECT_THAT(reader.Texts(), Contains("title"));
  EXPECT_THAT(reader.Texts(), Contains(HasSubstr("Not shown: ")));
}

TEST(DrawUnrolled, LegendHasSharesOfComputeTime) {
  Placed placed(Unrolled());  // 60 + 10 + 60 + 10 + 10 = 150 ps
  placed.Move("l0/t0/matmul/grad_weight");
  placed.Move("l0/weight/update");
  const SvgReader reader(DrawUnrolled(placed.model(), ""));
  EXPECT_THAT(reader.Texts("legend"), ElementsAre("a (80.0 %)", "b (20.0 %)"));
}

/// in -> (left, right) -> join, each an op in a block, and one backward op.
Graph Branches() {
  GraphBuilder b("branches");
  const auto add = [&](const std::string& name, std::vector<TensorId> inputs,
                       std::int64_t picoseconds = 10) {
    return b.Output(b.AddOp(test::ComputeOp(name, picoseconds), inputs, {test::Bytes(1)}));
  };
  const TensorId in = add("stem/conv", {});
  const TensorId left = add("mixed/left", {in}, 40);
  const TensorId right = add("mixed/right", {in});
  const TensorId join = add("head/join", {left, right});
  b.AddOp(test::ComputeOp("mixed/left/grad_input", 10, OpRole::kBackward), {join}, {});
  return std::move(b).Build();
}

TEST(BlockOf, IsTheFirstScope) {
  EXPECT_EQ(BlockOf("mixed_5b/branch1x1/conv"), "mixed_5b");
  EXPECT_EQ(BlockOf("/Mixed_5b/conv/Conv"), "Mixed_5b");
  EXPECT_EQ(BlockOf("conv"), "");
  EXPECT_EQ(BlockOf("//"), "");
  EXPECT_EQ(BlockOf(""), "");
}

TEST(NetworkLayout, PlacesGroupsByDepthAndLane) {
  const Graph graph = Branches();
  const NetworkLayout layout = LayOutNetwork(graph, GroupByColocation(graph));
  EXPECT_EQ(layout.num_positions, 3U);
  ASSERT_EQ(layout.parts.size(), 5U);
  const auto first = [&](std::size_t p) { return layout.parts[p].first; };
  EXPECT_THAT((std::vector{first(0), first(1), first(2), first(3), first(4)}),
              ElementsAre(0, 1, 1, 2, 1));
  EXPECT_EQ(layout.parts[1].lane, 0U);
  EXPECT_EQ(layout.parts[2].lane, 1U);
  EXPECT_EQ(layout.parts[3].lane, 0U);
  EXPECT_TRUE(layout.parts[4].backward);
  EXPECT_THAT(layout.num_lanes, ElementsAre(2, 1));
  using Edge = std::pair<std::size_t, std::size_t>;
  EXPECT_THAT(layout.edges, ElementsAre(Edge(0, 1), Edge(0, 2), Edge(1, 3), Edge(2, 3)));
  ASSERT_EQ(layout.blocks.size(), 3U);
  EXPECT_EQ(layout.blocks[1].name, "mixed");
  EXPECT_EQ(layout.blocks[1].first, 1U);
}

TEST(NetworkLayout, PartsOfALaneNeverOverlap) {
  for (const char* model : {"inception_v3", "transformer", "rnnlm?unroll=5"}) {
    const Graph graph = MakeZooGraph(model);
    GroupingOptions options;
    options.max_groups = 50;
    const NetworkLayout layout = LayOutNetwork(graph, GroupOps(graph, options));
    std::map<std::pair<bool, std::size_t>, std::size_t> free_from;
    for (const NetworkLayout::Part& part : layout.parts) {
      EXPECT_LE(part.first, part.last);
      EXPECT_LT(part.last, layout.num_positions);
      std::size_t& free = free_from[{part.backward, part.lane}];
      EXPECT_GE(part.first, free) << model;
      free = part.last + 1;
    }
    EXPECT_EQ(free_from.size(), layout.num_lanes[0] + layout.num_lanes[1]);
  }
}

TEST(DrawNetwork, BoxesHaveColoursAndCopiesAreDark) {
  Placed placed(Branches());
  placed.grouping = GroupByColocation(placed.graph);
  placed.Move("mixed/right");
  const SvgReader reader(DrawNetwork(placed.model(), "title"));
  const std::vector<std::string> colors = DeviceColors(placed.cluster);
  const auto boxes = reader.Find("rect", "forward");
  ASSERT_EQ(boxes.size(), 4U);
  EXPECT_EQ(SvgReader::Attribute(boxes[1], "fill"), colors[0]);
  EXPECT_EQ(SvgReader::Attribute(boxes[2], "fill"), colors[1]);
  // 40 ps fill the lane; 10 ps are half of the way there.
  EXPECT_EQ(SvgReader::Number(boxes[1], "height"), 23);
  EXPECT_EQ(SvgReader::Number(boxes[2], "height"), 5 + 18.0 / 2);
  EXPECT_EQ(reader.Find("rect", "backward").size(), 1U);
  EXPECT_EQ(reader.Find("path", "copies").size(), 2U);
  EXPECT_EQ(reader.Find("path", "edges").size(), 2U);
  EXPECT_THAT(reader.Texts("axes"), ElementsAre("stem", "mixed", "head"));
  EXPECT_THAT(SvgReader::Tooltip(boxes[1]), HasSubstr("mixed/left"));
}

TEST(DrawPlacement, ChoosesThePictureByTheGraph) {
  const Placed unrolled(Unrolled());
  EXPECT_EQ(DrawPlacement(unrolled.model(), "t"), DrawUnrolled(unrolled.model(), "t"));
  const Placed branches(Branches());
  EXPECT_EQ(DrawPlacement(branches.model(), "t"), DrawNetwork(branches.model(), "t"));
}

TEST(DrawPlacement, EmptyAndHostileGraphsAreDrawn) {
  const Placed empty{Graph()};
  for (const std::string& picture :
       {DrawUnrolled(empty.model(), ""), DrawNetwork(empty.model(), "")}) {
    const SvgReader reader(picture);
    EXPECT_THAT(reader.Find("rect", "forward"), IsEmpty());
  }
  GraphBuilder b("hostile");
  for (int t = 0; t < 3; ++t) {
    b.AddOp(test::ComputeOp("</svg>\"&\x02\xFF/t" + std::to_string(t), 10), {}, {});
  }
  const Placed hostile(std::move(b).Build());
  const SvgReader reader(DrawPlacement(hostile.model(), "<&>"));
  EXPECT_EQ(reader.Find("rect", "forward").size(), 3U);
  EXPECT_THAT(reader.Texts(), Contains("</svg>\"&\uFFFD\uFFFD"));
}

}  // namespace
}  // namespace placer
