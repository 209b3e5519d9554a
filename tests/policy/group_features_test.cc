#include "policy/group_features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <stdexcept>
#include <vector>

#include "graphs/base/error.h"

namespace placer {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;

float Log(double value) { return static_cast<float>(std::log1p(value) / std::log(1e9)); }

// in -> conv (reads weight) -> relu -> out; groups {in}, {weight}, {conv, relu}, {out}.
class GroupFeaturesTest : public ::testing::Test {
 protected:
  GroupFeaturesTest() {
    GraphBuilder builder("net");
    const auto op = [](const std::string& name, const std::string& type, OpRole role) {
      Op result;
      result.name = name;
      result.type = type;
      result.role = role;
      return result;
    };
    const OpId in = builder.AddOp(op("in", "Input", OpRole::kInput), {}, {{.shape = {2, 3, 8, 8}}});
    const OpId weight =
        builder.AddOp(op("weight", "Parameter", OpRole::kParameter), {}, {{.shape = {4, 3, 3, 3}}});
    Op conv = op("conv", "Conv", OpRole::kForward);
    conv.flops = 1000;
    conv.traffic_bytes = 500;
    conv.persistent_bytes = 70;
    const OpId conv_id = builder.AddOp(conv, {builder.Output(in), builder.Output(weight)},
                                       {{.shape = {2, 4, 8, 8}}});
    Op relu = op("relu", "Relu", OpRole::kForward);
    relu.flops = 3000;
    const OpId relu_id = builder.AddOp(relu, {builder.Output(conv_id)}, {{.shape = {10}}});
    builder.AddOp(op("out", "MadeUpType", OpRole::kUpdate), {builder.Output(relu_id)}, {}, {in});
    graph_ = std::move(builder).Build();
    const std::vector<std::uint32_t> labels{0, 1, 2, 2, 3};
    grouping_ = Grouping(graph_, labels);
  }
  [[nodiscard]] GroupFeatures Make() const {
    return MakeGroupFeatures(graph_, grouping_, 2, std::vector<std::uint8_t>(8, 1));
  }
  static float Dense(const GroupFeatures& features, std::size_t group, std::size_t column) {
    return features.dense[group * GroupFeatures::kDense + column];
  }
  Graph graph_;
  Grouping grouping_;
};

TEST_F(GroupFeaturesTest, SizesAreLogScaledSumsOverTheGroup) {
  const GroupFeatures features = Make();
  ASSERT_EQ(features.num_groups, 4U);
  ASSERT_EQ(features.dense.size(), 4 * GroupFeatures::kDense);
  EXPECT_FLOAT_EQ(Dense(features, 2, 0), Log(4000));            // flops
  EXPECT_FLOAT_EQ(Dense(features, 2, 1), Log(500));             // traffic
  EXPECT_FLOAT_EQ(Dense(features, 2, 2), Log(4 * (512 + 10)));  // outputs
  EXPECT_FLOAT_EQ(Dense(features, 1, 3), Log(4 * 108));         // parameters
  EXPECT_EQ(Dense(features, 1, 2), 0.0F);
  EXPECT_FLOAT_EQ(Dense(features, 2, 4), Log(70));               // persistent
  EXPECT_FLOAT_EQ(Dense(features, 2, 5), Log(2));                // ops
  EXPECT_FLOAT_EQ(Dense(features, 2, 6), Log(4 * (384 + 108)));  // bytes in
  EXPECT_FLOAT_EQ(Dense(features, 2, 7), Log(40));               // bytes out
  EXPECT_FLOAT_EQ(Dense(features, 2, 8), Log(2));                // groups in
  EXPECT_FLOAT_EQ(Dense(features, 0, 9), Log(2));                // groups out: data and control
}

TEST_F(GroupFeaturesTest, PositionRolesAndShapes) {
  const GroupFeatures features = Make();
  EXPECT_FLOAT_EQ(Dense(features, 3, 10), 0.75F);     // 3 of 4
  EXPECT_NEAR(Dense(features, 1, 11), 1, 1e-6);       // sin(2 pi / 4)
  EXPECT_FLOAT_EQ(Dense(features, 2, 17), 2.5F / 5);  // mean of ops 2 and 3, of 5
  EXPECT_FLOAT_EQ(Dense(features, 2, 18), 2.0F / 3);  // relu is two steps deep of three
  EXPECT_EQ(Dense(features, 0, 19), 1.0F);            // input
  EXPECT_EQ(Dense(features, 1, 20), 1.0F);            // parameter
  EXPECT_EQ(Dense(features, 2, 21), 1.0F);            // forward
  EXPECT_EQ(Dense(features, 3, 23), 1.0F);            // update
  EXPECT_FLOAT_EQ(Dense(features, 2, 24), Log(2));    // the largest output: 2 x 4 x 8 x 8
  EXPECT_FLOAT_EQ(Dense(features, 2, 25), Log(4));
  EXPECT_FLOAT_EQ(Dense(features, 2, 27), Log(8));
  EXPECT_EQ(Dense(features, 2, 28), 1.0F);  // rank 4 of 4
  EXPECT_EQ(Dense(features, 3, 28), 0.0F);  // no output at all
  EXPECT_EQ(Dense(features, 2, 29), 1.0F);  // all the flops
  EXPECT_EQ(Dense(features, 1, 31), 1.0F);  // all the parameters
}

TEST_F(GroupFeaturesTest, TypesAreSharesOfTheGroup) {
  const GroupFeatures features = Make();
  EXPECT_THAT(features.type_begin, ElementsAre(0, 1, 2, 4, 5));
  EXPECT_EQ(features.type_ids[0], OpTypeId("Input"));
  EXPECT_EQ(features.type_ids[2], OpTypeId("Conv"));
  EXPECT_EQ(features.type_ids[3], OpTypeId("Relu"));
  EXPECT_THAT(features.type_weights, ElementsAre(1.0F, 1.0F, 0.5F, 0.5F, 1.0F));
}

TEST_F(GroupFeaturesTest, EdgesAreSortedWithBytesAndControlEdges) {
  using Edge = GroupFeatures::Edge;
  EXPECT_THAT(Make().edges, ElementsAre(Edge{0, 2, Log(4 * 384)}, Edge{0, 3, 0},
                                        Edge{1, 2, Log(4 * 108)}, Edge{2, 3, Log(40)}));
}

TEST_F(GroupFeaturesTest, ATensorReadTwiceByAGroupCountsOnce) {
  GraphBuilder builder("twice");
  Op op;
  op.type = "Add";
  op.name = "a";
  const OpId a = builder.AddOp(op, {}, {{.shape = {25}}});
  op.name = "b";
  builder.AddOp(op, {builder.Output(a), builder.Output(a)}, {{.shape = {1}}});
  op.name = "c";
  builder.AddOp(op, {builder.Output(a)}, {{.shape = {1}}});
  const Graph graph = std::move(builder).Build();
  const Grouping grouping(graph, std::vector<std::uint32_t>{0, 1, 1});
  const auto features = MakeGroupFeatures(graph, grouping, 1, std::vector<std::uint8_t>(2, 1));
  EXPECT_THAT(features.edges, ElementsAre(GroupFeatures::Edge{0, 1, Log(100)}));
}

TEST_F(GroupFeaturesTest, EverythingIsFiniteAndOfOrderOne) {
  for (const float value : Make().dense) {
    EXPECT_TRUE(std::isfinite(value));
    EXPECT_LE(std::abs(value), 1.0F);
  }
}

TEST_F(GroupFeaturesTest, RefusesAGroupWithoutADevice) {
  std::vector<std::uint8_t> allowed(8, 1);
  allowed[4] = allowed[5] = 0;
  EXPECT_THROW((void)MakeGroupFeatures(graph_, grouping_, 2, allowed), InputError);
  EXPECT_THROW((void)MakeGroupFeatures(graph_, grouping_, 3, allowed), std::invalid_argument);
  EXPECT_THROW((void)MakeGroupFeatures(graph_, Grouping(), 2, allowed), std::invalid_argument);
}

TEST(OpTypeIdTest, KnownTypesHaveTheirOwnIdsAndOthersShareBuckets) {
  std::set<std::uint32_t> ids;
  for (const auto* type : {"Abs", "Conv", "ConvGradWeight", "MatMul", "Relu", "WhereGrad"}) {
    EXPECT_TRUE(ids.insert(OpTypeId(type)).second) << type;
  }
  for (const auto* type : {"", "com.example.Fused", "conv", "Zzz"}) {
    EXPECT_LT(OpTypeId(type), kNumOpTypeIds);
    EXPECT_GT(OpTypeId(type), OpTypeId("WhereGrad")) << type;
  }
}

}  // namespace
}  // namespace placer
