#include "graphs/op_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "graphs/base/error.h"
#include "graphs/detail/op_rule.h"

namespace placer {
namespace {

TensorSpec Float(std::vector<std::int64_t> shape) { return {.shape = std::move(shape)}; }

struct Case {
  std::string type;
  OpShapes shapes;
  OpClass op_class;
  std::int64_t flops;
  std::int64_t traffic_bytes;
};

class OpRuleTest : public testing::TestWithParam<Case> {};

TEST_P(OpRuleTest, CostsWhatAHandCountSays) {
  const OpCosts costs = CostOf(GetParam().type, GetParam().shapes);
  EXPECT_TRUE(costs.known);
  EXPECT_EQ(costs.op_class, GetParam().op_class);
  EXPECT_EQ(costs.flops, GetParam().flops);
  EXPECT_EQ(costs.traffic_bytes, GetParam().traffic_bytes);
}

INSTANTIATE_TEST_SUITE_P(
    Forward, OpRuleTest,
    testing::Values(
        // 4 x 10 x 10 outputs, each 3 x 3 x 3 multiply-adds.
        Case{"Conv",
             {.inputs = {Float({1, 3, 10, 10}), Float({4, 3, 3, 3})},
              .outputs = {Float({1, 4, 10, 10})}},
             OpClass::kConvolution,
             2 * 400 * 27,
             4 * (300 + 108 + 400)},
        // A bias adds one operation per output.
        Case{"Conv",
             {.inputs = {Float({1, 3, 10, 10}), Float({4, 3, 3, 3}), Float({4})},
              .outputs = {Float({1, 4, 10, 10})}},
             OpClass::kConvolution,
             2 * 400 * 27 + 400,
             4 * (300 + 108 + 4 + 400)},
        // Two groups halve the products.
        Case{"Conv",
             {.inputs = {Float({1, 4, 10, 10}), Float({4, 2, 3, 3})},
              .outputs = {Float({1, 4, 10, 10})}},
             OpClass::kConvolution,
             2 * 400 * 18,
             4 * (400 + 72 + 400)},
        Case{"Conv",
             {.inputs = {Float({1, 4, 10, 10}), Float({4, 1, 3, 3})},
              .outputs = {Float({1, 4, 10, 10})}},
             OpClass::kDepthwiseConvolution,
             2 * 400 * 9,
             4 * (400 + 36 + 400)},
        // One input channel alone does not make a convolution depthwise.
        Case{"Conv",
             {.inputs = {Float({1, 1, 10, 10}), Float({4, 1, 3, 3})},
              .outputs = {Float({1, 4, 10, 10})}},
             OpClass::kConvolution,
             2 * 400 * 9,
             4 * (100 + 36 + 400)},
        // Every one of 3 x 5 x 5 inputs meets 4 x 2 x 2 weights.
        Case{"ConvTranspose",
             {.inputs = {Float({1, 3, 5, 5}), Float({3, 4, 2, 2})},
              .outputs = {Float({1, 4, 10, 10})}},
             OpClass::kConvolution,
             2 * 75 * 16,
             4 * (75 + 48 + 400)},
        Case{"MatMul",
             {.inputs = {Float({5, 2, 3}), Float({3, 4})}, .outputs = {Float({5, 2, 4})}},
             OpClass::kMatMul,
             2 * 5 * 2 * 3 * 4,
             4 * (30 + 12 + 40)},
        // A and B stored transposed: K = 3, M = 2, N = 4.
        Case{"Gemm",
             {.inputs = {Float({3, 2}), Float({4, 3}), Float({4})}, .outputs = {Float({2, 4})}},
             OpClass::kMatMul,
             2 * 2 * 3 * 4 + 8,
             4 * (6 + 12 + 4 + 8)},
        // 7 steps x batch 2; W 1 x 20 x 3, R 1 x 20 x 5; 20 gate values cost ten each.
        Case{"LSTM",
             {.inputs = {Float({7, 2, 3}), Float({1, 20, 3}), Float({1, 20, 5})},
              .outputs = {Float({7, 1, 2, 5})}},
             OpClass::kMatMul,
             7 * 2 * (2 * (60 + 100) + 10 * 20),
             4 * (42 + 60 + 100 + 70)},
        Case{"Add",
             {.inputs = {Float({2, 3}), Float({3})}, .outputs = {Float({2, 3})}},
             OpClass::kElementwise,
             6,
             4 * (6 + 3 + 6)},
        Case{"Sum",
             {.inputs = {Float({2}), Float({2}), Float({2})}, .outputs = {Float({2})}},
             OpClass::kElementwise,
             2 * 2,
             4 * 8},
        Case{"Tanh",
             {.inputs = {Float({6})}, .outputs = {Float({6})}},
             OpClass::kElementwise,
             60,
             48},
        Case{"MaxPool",
             {.inputs = {Float({1, 2, 4, 4})},
              .outputs = {Float({1, 2, 2, 2})},
              .kernel_elements = 9},
             OpClass::kPooling,
             8 * 9,
             4 * (32 + 8)},
        Case{"GlobalAveragePool",
             {.inputs = {Float({1, 2, 4, 4})}, .outputs = {Float({1, 2, 1, 1})}},
             OpClass::kPooling,
             32,
             4 * (32 + 2)},
        Case{"ReduceMean",
             {.inputs = {Float({4, 8})}, .outputs = {Float({4})}},
             OpClass::kReduction,
             32,
             4 * 36},
        Case{"Softmax",
             {.inputs = {Float({4, 8})}, .outputs = {Float({4, 8})}},
             OpClass::kSoftmax,
             14 * 32,
             4 * 64},
        Case{"BatchNormalization",
             {.inputs = {Float({1, 2, 3, 3}), Float({2}), Float({2}), Float({2}), Float({2})},
              .outputs = {Float({1, 2, 3, 3})}},
             OpClass::kNormalization,
             2 * 18,
             4 * (18 + 8 + 18)},
        Case{"LRN",
             {.inputs = {Float({1, 8, 2, 2})},
              .outputs = {Float({1, 8, 2, 2})},
              .kernel_elements = 5},
             OpClass::kNormalization,
             32 * (13 + 5),
             4 * 64},
        Case{"Transpose",
             {.inputs = {Float({4, 8})}, .outputs = {Float({8, 4})}},
             OpClass::kDataMovement,
             0,
             4 * 64},
        // Of a table of 1000 rows only the three that are looked up are read.
        Case{"Gather",
             {.inputs = {Float({1000, 8}), {.dtype = DataType::kInt64, .shape = {3}}},
              .outputs = {Float({3, 8})}},
             OpClass::kEmbedding,
             0,
             2 * 4 * 24 + 8 * 3},
        Case{"Reshape",
             {.inputs = {Float({4, 8}), {.dtype = DataType::kInt64, .shape = {1}}},
              .outputs = {Float({32})}},
             OpClass::kView,
             0,
             0},
        Case{"Add",
             {.inputs = {{.dtype = DataType::kFloat16, .shape = {6}},
                         {.dtype = DataType::kFloat16, .shape = {6}}},
              .outputs = {{.dtype = DataType::kFloat16, .shape = {6}}}},
             OpClass::kElementwise,
             6,
             2 * 18}));

INSTANTIATE_TEST_SUITE_P(Backward, OpRuleTest,
                         testing::Values(
                             // The gradients of the first convolution above cost what it costs.
                             Case{"ConvGradInput",
                                  {.inputs = {Float({1, 4, 10, 10}), Float({4, 3, 3, 3})},
                                   .outputs = {Float({1, 3, 10, 10})}},
                                  OpClass::kConvolution,
                                  2 * 400 * 27,
                                  4 * (400 + 108 + 300)},
                             Case{"ConvGradWeight",
                                  {.inputs = {Float({1, 4, 10, 10}), Float({1, 3, 10, 10})},
                                   .outputs = {Float({4, 3, 3, 3})}},
                                  OpClass::kConvolution,
                                  2 * 400 * 27,
                                  4 * (400 + 300 + 108)},
                             Case{"ConvGradWeight",
                                  {.inputs = {Float({1, 4, 10, 10}), Float({1, 4, 10, 10})},
                                   .outputs = {Float({4, 1, 3, 3})}},
                                  OpClass::kDepthwiseConvolution,
                                  2 * 400 * 9,
                                  4 * (400 + 400 + 36)}));

TEST(Contraction, GivesTheSameForEveryOrderOfDims) {
  const TensorSpec a = Float({5, 2, 3});
  const TensorSpec b = Float({3, 4});
  const TensorSpec bt = Float({4, 3});
  const TensorSpec c = Float({5, 2, 4});
  const std::int64_t expected = 2 * 5 * 2 * 3 * 4;
  EXPECT_EQ(flops::Contraction({.inputs = {a, b}, .outputs = {c}}, 2), expected);
  EXPECT_EQ(flops::Contraction({.inputs = {a, bt}, .outputs = {c}}, 2), expected);
  EXPECT_EQ(flops::Contraction({.inputs = {c, b}, .outputs = {a}}, 2), expected);
  EXPECT_EQ(flops::Contraction({.inputs = {a, c}, .outputs = {b}}, 2), expected);
}

TEST(CostOf, TakesADefaultForUnknownTypes) {
  const OpCosts costs =
      CostOf("com.example.Magic", {.inputs = {Float({3})}, .outputs = {Float({2})}});
  EXPECT_FALSE(costs.known);
  EXPECT_EQ(costs.op_class, OpClass::kOther);
  EXPECT_EQ(costs.flops, 2);
  EXPECT_EQ(costs.traffic_bytes, 20);
}

TEST(CostOf, RefusesCountsBeyond64Bits) {
  const std::int64_t huge = std::int64_t{1} << 40;
  try {
    (void)CostOf("MatMul", {.inputs = {Float({1 << 20, huge}), Float({huge, 1 << 20})},
                            .outputs = {Float({1 << 20, 1 << 20})}});
    FAIL() << "no error";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("MatMul"));
  }
}

TEST(CostOf, SurvivesMissingTensorsAndEmptyShapesForEveryRule) {
  for (const auto rows : {ForwardRules(), BackwardRules()}) {
    for (const OpRule& row : rows) {
      for (std::size_t inputs = 0; inputs < 6; ++inputs) {
        for (const auto& shape :
             {std::vector<std::int64_t>{}, {0}, {0, 0, 0, 0}, {2}, {2, 3}, {1, 2, 3, 4}}) {
          const OpShapes shapes{.inputs = std::vector<TensorSpec>(inputs, Float(shape)),
                                .outputs = std::vector<TensorSpec>(inputs % 3, Float(shape))};
          const OpCosts costs = CostOf(row.type, shapes);
          EXPECT_GE(costs.flops, 0) << row.type;
          EXPECT_GE(costs.traffic_bytes, 0) << row.type;
        }
      }
    }
  }
}

TEST(OpRules, NameEveryTypeOnce) {
  std::set<std::string_view> types;
  for (const auto rows : {ForwardRules(), BackwardRules()}) {
    for (const OpRule& row : rows) {
      EXPECT_TRUE(types.insert(row.type).second) << row.type << " has two rows";
    }
  }
}

TEST(OpRules, ViewsCostNothing) {
  EXPECT_TRUE(IsView("Reshape"));
  EXPECT_TRUE(IsView("Identity"));
  EXPECT_FALSE(IsView("Transpose"));
  EXPECT_FALSE(IsView("com.example.Magic"));
  for (const OpRule& row : ForwardRules()) {
    if (IsView(row.type)) {
      EXPECT_EQ(row.flops, nullptr) << row.type;
      EXPECT_EQ(row.traffic, TrafficRule::kNone) << row.type;
    }
  }
}

// VGG-16 at batch 1 on 224 x 224: 13 convolutions of 3 x 3 and three dense layers, 15.5 GMACs.
TEST(OpRules, CountVgg16) {
  const std::vector<std::vector<std::int64_t>> stages = {{3, 64, 64},
                                                         {64, 128, 128},
                                                         {128, 256, 256, 256},
                                                         {256, 512, 512, 512},
                                                         {512, 512, 512, 512}};
  std::int64_t total = 0;
  std::int64_t size = 224;
  for (const auto& channels : stages) {
    for (std::size_t i = 1; i < channels.size(); ++i) {
      total += CostOf("Conv", {.inputs = {Float({1, channels[i - 1], size, size}),
                                          Float({channels[i], channels[i - 1], 3, 3})},
                               .outputs = {Float({1, channels[i], size, size})}})
                   .flops;
    }
    size /= 2;
  }
  const std::vector<std::int64_t> dense = {25088, 4096, 4096, 1000};
  for (std::size_t i = 1; i < dense.size(); ++i) {
    total += CostOf("Gemm", {.inputs = {Float({1, dense[i - 1]}), Float({dense[i], dense[i - 1]})},
                             .outputs = {Float({1, dense[i]})}})
                 .flops;
  }
  EXPECT_EQ(total, 2 * std::int64_t{15470264320});
}

}  // namespace
}  // namespace placer
