#include "graphs/detail/gradient_table.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "graphs/op_rules.h"
#include "graphs/training.h"
#include "tests/support/net.h"

namespace placer {
namespace {

using Shape = Net::Shape;

/// An op on parameters a, b, c, ... of given shapes, and the backward ops it must have.
struct RuleCase {
  std::string type;
  std::vector<Shape> inputs;
  std::vector<Shape> outputs;
  std::vector<std::string> backward;
};

class RuleTest : public testing::TestWithParam<RuleCase> {};

TEST_P(RuleTest, HasTheBackwardOpsOfTheTable) {
  const RuleCase& rule = GetParam();
  Net net;
  std::vector<TensorId> inputs;
  for (std::size_t i = 0; i < rule.inputs.size(); ++i) {
    inputs.push_back(net.Parameter(std::string(1, static_cast<char>('a' + i)), rule.inputs[i]));
  }
  std::vector<TensorSpec> outputs;
  for (const Shape& shape : rule.outputs) {
    outputs.push_back({.shape = shape, .graph_output = outputs.empty()});
  }
  net.Add("op", rule.type, inputs, outputs);
  const Graph graph = MakeTrainingGraph(net.Build(), {});
  std::vector<std::string> backward;
  for (const std::string& line : AddedByTraining(graph)) {
    if (line.starts_with("op/")) {
      backward.push_back(line.substr(3));
    }
  }
  EXPECT_EQ(backward, rule.backward);
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const OpId op(i);
    if (graph.op(op).role == OpRole::kUpdate) {
      EXPECT_EQ(graph.tensor(graph.inputs(op)[1]).shape, graph.tensor(graph.inputs(op)[0]).shape);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rules, RuleTest,
    testing::Values(
        RuleCase{"Gemm",
                 {{4, 8}, {8, 3}, {3}},
                 {{4, 3}},
                 {"grad_a = GemmGradA(loss/op:1, b)", "grad_b = GemmGradB(loss/op:1, a)",
                  "grad_bias = ReduceSum(loss/op:1)"}},
        RuleCase{"MatMul",
                 {{2, 4, 8}, {8, 3}},
                 {{2, 4, 3}},
                 {"grad_a = MatMulGradA(loss/op:1, b)", "grad_b = MatMulGradB(loss/op:1, a)"}},
        RuleCase{
            "MaxPool", {{1, 2, 4, 4}}, {{1, 2, 2, 2}}, {"grad = MaxPoolGrad(loss/op:1, a, op)"}},
        RuleCase{
            "AveragePool", {{1, 2, 4, 4}}, {{1, 2, 2, 2}}, {"grad = AveragePoolGrad(loss/op:1)"}},
        RuleCase{"Add", {{4, 3}, {4, 3}}, {{4, 3}}, {}},
        RuleCase{"Add", {{4, 3}, {3}}, {{4, 3}}, {"grad_b = ReduceSum(loss/op:1)"}},
        RuleCase{"Sub",
                 {{4, 3}, {3}},
                 {{4, 3}},
                 {"grad_b = Neg(loss/op:1)", "grad_b_sum = ReduceSum(op/grad_b)"}},
        RuleCase{"Mul",
                 {{4, 3}, {3}},
                 {{4, 3}},
                 {"grad_a = Mul(loss/op:1, b)", "grad_b = Mul(loss/op:1, a)",
                  "grad_b_sum = ReduceSum(op/grad_b)"}},
        RuleCase{"Div",
                 {{4}, {4}},
                 {{4}},
                 {"grad_a = Div(loss/op:1, b)", "grad_b = DivGradB(loss/op:1, b, op)"}},
        RuleCase{"Sum", {{4, 3}, {3}, {4, 3}}, {{4, 3}}, {"grad1 = ReduceSum(loss/op:1)"}},
        RuleCase{"Max",
                 {{4}, {4}},
                 {{4}},
                 {"grad0 = MaxGrad(loss/op:1, a, op)", "grad1 = MaxGrad(loss/op:1, b, op)"}},
        RuleCase{"Softmax", {{4, 3}}, {{4, 3}}, {"grad = SoftmaxGrad(loss/op:1, op)"}},
        RuleCase{"Gelu", {{4}}, {{4}}, {"grad = GeluGrad(loss/op:1, a)"}},
        RuleCase{"Clip", {{4}, {}, {}}, {{4}}, {"grad = ClipGrad(loss/op:1, a)"}},
        RuleCase{"Exp", {{4}}, {{4}}, {"grad = Mul(loss/op:1, op)"}},
        RuleCase{"Dropout", {{4}}, {{4}}, {}},
        RuleCase{"Concat", {{2, 3}, {2, 5}}, {{2, 8}}, {"grad = Split(loss/op:1)"}},
        RuleCase{"Split", {{2, 8}}, {{2, 4}, {2, 4}}, {"grad = Concat(loss/op:1)"}},
        RuleCase{"Transpose", {{2, 8}}, {{8, 2}}, {"grad = Transpose(loss/op:1)"}},
        RuleCase{"Slice", {{2, 8}}, {{2, 3}}, {"grad = SliceGrad(loss/op:1)"}},
        RuleCase{"Pad", {{2, 3}}, {{2, 8}}, {"grad = Slice(loss/op:1)"}},
        RuleCase{"ReduceMean", {{2, 8}}, {{2}}, {"grad = ReduceMeanGrad(loss/op:1)"}},
        RuleCase{"Expand", {{8}}, {{2, 8}}, {"grad = ReduceSum(loss/op:1)"}},
        RuleCase{"LayerNormalization",
                 {{2, 8}, {8}, {8}},
                 {{2, 8}, {2, 1}, {2, 1}},
                 {"grad = LayerNormalizationGrad(loss/op:1, a, b, op:1, op:2)"}},
        RuleCase{"LSTM",
                 {{5, 2, 3}, {1, 16, 3}, {1, 16, 4}},
                 {{5, 1, 2, 4}},
                 {"grad = LSTMGrad(loss/op:1, a, b, c, op)"}}),
    [](const testing::TestParamInfo<RuleCase>& param) {
      return param.param.type + std::to_string(param.index);
    });

std::string NoteOf(const GradientRow& row) {
  static const std::map<GradientKind, std::string> notes = {{GradientKind::kOp, ""},
                                                            {GradientKind::kElementwise, "summed"},
                                                            {GradientKind::kPass, "passed"},
                                                            {GradientKind::kView, "view"},
                                                            {GradientKind::kLookUp, "sparse"}};
  return notes.at(row.kind) + (row.cost == GradientCost::kForward        ? "1x"
                               : row.cost == GradientCost::kTwiceForward ? "2x"
                                                                         : "");
}

TEST(GradientTable, IsTheOneInTheDocs) {
  const auto root = std::filesystem::path(TEST_DATA_DIR).parent_path().parent_path();
  std::ifstream file(root / "docs" / "training.md");
  ASSERT_TRUE(file) << "docs/training.md";
  std::vector<std::string> documented;
  bool in_table = false;
  for (std::string line; std::getline(file, line);) {
    in_table = line.starts_with("| forward op ") || (in_table && line.starts_with("|"));
    if (in_table && !line.starts_with("| forward op ") && !line.starts_with("|---")) {
      documented.push_back(line);
    }
  }
  std::vector<std::string> rows;
  for (const GradientRow& row : GradientTable()) {
    std::ostringstream line;
    line << "| " << row.forward_type << " | " << row.type << " | " << row.suffix << " | "
         << row.reads << " | " << row.gives << " | " << NoteOf(row) << " |";
    rows.push_back(line.str());
  }
  EXPECT_EQ(documented, rows);
}

TEST(GradientTable, EveryTypeHasACost) {
  const OpShapes shapes{.inputs = {{.shape = {2, 2}}, {.shape = {2, 2}}},
                        .outputs = {{.shape = {2, 2}}}};
  for (const GradientRow& row : GradientTable()) {
    EXPECT_TRUE(CostOf(row.forward_type, shapes).known) << row.forward_type;
    EXPECT_TRUE(row.type == "-" || row.cost != GradientCost::kTable ||
                CostOf(row.type, shapes).known)
        << row.type;
  }
  for (const std::string_view type : TypesWithoutGradient()) {
    EXPECT_TRUE(CostOf(type, shapes).known) << type;
  }
}

}  // namespace
}  // namespace placer
