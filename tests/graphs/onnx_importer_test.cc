#include "graphs/onnx_importer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "graphs/base/error.h"
#include "tests/support/onnx_text.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kSamples = SAMPLES_DIR;

std::int64_t TotalFlops(const Graph& graph) {
  return std::accumulate(graph.ops().begin(), graph.ops().end(), std::int64_t{0},
                         [](std::int64_t sum, const Op& op) { return sum + op.flops; });
}

std::int64_t ParameterBytes(const Graph& graph) {
  std::int64_t bytes = 0;
  for (const Tensor& tensor : graph.tensors()) {
    bytes += graph.op(tensor.producer).role == OpRole::kParameter ? tensor.bytes : 0;
  }
  return bytes;
}

LoadedModel Import(const onnx::ModelProto& model,
                   std::optional<std::int64_t> batch = std::nullopt) {
  const test::TempDir dir;
  return ImportOnnx(test::WriteOnnx(dir, model), batch);
}

LoadedModel Import(const std::string& text, std::optional<std::int64_t> batch = std::nullopt,
                   int opset = 13) {
  return Import(test::ParseOnnxText(text, opset), batch);
}

std::string ErrorOf(const onnx::ModelProto& model,
                    std::optional<std::int64_t> batch = std::nullopt) {
  try {
    (void)Import(model, batch);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

std::string ErrorOf(const std::string& text, std::optional<std::int64_t> batch = std::nullopt) {
  return ErrorOf(test::ParseOnnxText(text), batch);
}

std::vector<std::string> OpNames(const Graph& graph) {
  std::vector<std::string> names;
  for (const Op& op : graph.ops()) {
    names.push_back(op.name);
  }
  return names;
}

OpId Find(const Graph& graph, const std::string& name) {
  const auto id = graph.FindOp(name);
  if (!id) {
    throw std::logic_error("no op " + name);
  }
  return *id;
}

const Tensor& OutputOf(const Graph& graph, const std::string& name, std::size_t index = 0) {
  return graph.tensor(TensorId(graph.first_output(Find(graph, name)).index() + index));
}

std::vector<std::string> InputsOf(const Graph& graph, const std::string& name) {
  std::vector<std::string> names;
  for (const TensorId input : graph.inputs(Find(graph, name))) {
    names.push_back(graph.op(graph.tensor(input).producer).name);
  }
  return names;
}

// --- The shipped models
// ---------------------------------------------------------------------------

struct Sample {
  std::string file;
  double giga_macs;              ///< of the forward pass at batch 1, as the literature has it
  std::int64_t parameter_bytes;  ///< of the network without its BatchNormalization, which is folded
};

class SampleTest : public testing::TestWithParam<Sample> {};

TEST_P(SampleTest, HasTheKnownFlopsAndParameters) {
  const LoadedModel loaded = ImportOnnx(kSamples + "/" + GetParam().file, 1);
  EXPECT_THAT(loaded.warnings, IsEmpty());
  EXPECT_NEAR(static_cast<double>(TotalFlops(loaded.graph)) / 2e9, GetParam().giga_macs,
              0.03 * GetParam().giga_macs);
  EXPECT_EQ(ParameterBytes(loaded.graph), GetParam().parameter_bytes);
}

TEST_P(SampleTest, ScalesWithTheBatch) {
  const Graph one = ImportOnnx(kSamples + "/" + GetParam().file, 1).graph;
  const Graph many = ImportOnnx(kSamples + "/" + GetParam().file, 24).graph;
  ASSERT_EQ(OpNames(one), OpNames(many));
  EXPECT_EQ(24 * TotalFlops(one), TotalFlops(many));
  EXPECT_EQ(ParameterBytes(one), ParameterBytes(many));
  for (std::size_t i = 0; i < one.num_tensors(); ++i) {
    const bool parameter = one.op(one.tensors()[i].producer).role == OpRole::kParameter;
    EXPECT_EQ((parameter ? 1 : 24) * one.tensors()[i].bytes, many.tensors()[i].bytes);
  }
}

TEST_P(SampleTest, HasNoLooseEndsAndIsTheSameEveryTime) {
  const Graph graph = ImportOnnx(kSamples + "/" + GetParam().file).graph;
  EXPECT_EQ(graph, ImportOnnx(kSamples + "/" + GetParam().file).graph);
  int outputs = 0;
  for (std::size_t i = 0; i < graph.num_tensors(); ++i) {
    const Tensor& tensor = graph.tensors()[i];
    outputs += tensor.graph_output ? 1 : 0;
    EXPECT_TRUE(tensor.graph_output || tensor.output_index > 0 ||
                !graph.consumers(TensorId(i)).empty())
        << graph.op(tensor.producer).name;
    EXPECT_GT(tensor.bytes, 0) << graph.op(tensor.producer).name;
  }
  EXPECT_EQ(outputs, 1);
}

// Parameters: torchvision's counts less two per channel of every BatchNormalization, whose scale
// goes into the weights and whose shift becomes a bias: 25,557,032 - 26,560 for ResNet-50.
INSTANTIATE_TEST_SUITE_P(
    Shipped, SampleTest,
    testing::Values(Sample{"resnet50.onnx", 4.09, 4 * std::int64_t{25530472}},
                    Sample{"inception_v3.onnx", 5.71, 4 * std::int64_t{23817352}},
                    Sample{"googlenet.onnx", 1.50, 4 * std::int64_t{6617624}},
                    Sample{"mobilenet_v3_large.onnx", 0.22, 4 * std::int64_t{5470832}},
                    Sample{"light_squeezenet.onnx", 0.35, 4 * std::int64_t{1235496}}),
    [](const auto& sample) { return sample.param.file.substr(0, sample.param.file.find('.')); });

// --- Ops, names and edges
// -------------------------------------------------------------------------

TEST(OnnxImporter, MakesOpsOfInputsInitializersAndNodes) {
  const LoadedModel loaded = Import(R"(
    g (float[2, 3] x, float[3, 4] w = {}) => (float[2, 4] y) { h = MatMul(x, w)
      y = Relu(h) })");
  const Graph& graph = loaded.graph;
  EXPECT_THAT(loaded.warnings, IsEmpty());
  EXPECT_EQ(graph.name(), "model");
  EXPECT_THAT(OpNames(graph), ElementsAre("x", "w", "MatMul_0", "Relu_1"));
  EXPECT_EQ(graph.op(OpId(0)).role, OpRole::kInput);
  EXPECT_EQ(graph.op(OpId(0)).type, "Input");
  EXPECT_EQ(graph.op(OpId(1)).role, OpRole::kParameter);
  EXPECT_EQ(graph.op(OpId(1)).type, "Parameter");
  EXPECT_EQ(graph.op(OpId(2)).role, OpRole::kForward);
  EXPECT_EQ(graph.op(OpId(2)).flops, 2 * 2 * 3 * 4);
  EXPECT_EQ(graph.op(OpId(2)).traffic_bytes, 4 * (6 + 12 + 8));
  EXPECT_THAT(InputsOf(graph, "MatMul_0"), ElementsAre("x", "w"));
  EXPECT_THAT(OutputOf(graph, "Relu_1").shape, ElementsAre(2, 4));
  EXPECT_TRUE(OutputOf(graph, "Relu_1").graph_output);
  EXPECT_FALSE(OutputOf(graph, "MatMul_0").graph_output);
}

TEST(OnnxImporter, KeepsNodeNamesAndMakesThemUnique) {
  onnx::ModelProto model = test::ParseOnnxText(R"(
    g (float[2] x) => (float[2] y) { a = Relu(x)
      b = Relu(a)
      y = Relu(b) })");
  model.mutable_graph()->mutable_node(0)->set_name("relu");
  model.mutable_graph()->mutable_node(1)->set_name("relu");
  model.mutable_graph()->mutable_node(2)->set_name("x");
  const Graph graph = Import(model).graph;
  EXPECT_THAT(OpNames(graph), ElementsAre("x_2", "relu", "relu_2", "x"));
  EXPECT_EQ(graph.op(Find(graph, "relu_2")).source_name, "relu");
  EXPECT_EQ(graph.op(Find(graph, "x_2")).source_name, "x");
}

TEST(OnnxImporter, TakesNodesInAnyOrder) {
  const Graph graph = Import("g (float[2] x) => (float[2] y) { y = Neg(h)\n h = Relu(x) }").graph;
  EXPECT_THAT(OpNames(graph), ElementsAre("x", "Relu_1", "Neg_0"));
}

TEST(OnnxImporter, ViewsShareTheirInput) {
  const Graph graph = Import(R"(
    g (float[2, 3, 4] x) => (float[2, 12] y) { f = Flatten(x)
      y = Relu(f) })")
                          .graph;
  EXPECT_EQ(OutputOf(graph, "Flatten_0").storage, graph.first_output(Find(graph, "x")));
  EXPECT_EQ(graph.op(Find(graph, "Flatten_0")).op_class, OpClass::kView);
  EXPECT_THAT(OutputOf(graph, "Flatten_0").shape, ElementsAre(2, 12));
}

TEST(OnnxImporter, ADropoutThatDropsIsNoView) {
  const Graph graph = Import(R"(
    g (float[2, 3] x, bool t = {1}) => (float[2, 3] y) { r = Constant <value = float {0.5}> ()
      y, m = Dropout(x, r, t) })")
                          .graph;
  const Op& op = graph.op(Find(graph, "Dropout_1"));
  EXPECT_EQ(op.type, "DropoutTraining");
  EXPECT_EQ(op.flops, 12);
  EXPECT_EQ(OutputOf(graph, "Dropout_1").storage, graph.first_output(Find(graph, "Dropout_1")));
}

TEST(OnnxImporter, CountsWindowsOfPoolingAndSumsOfEinsum) {
  const Graph graph = Import(R"(
    g (float[1, 2, 4, 4] x, float[3, 5] a, float[5, 7] b) => (float[1, 2, 2, 2] y, float[3, 7] z) {
      y = MaxPool <kernel_shape = [3, 3], strides = [1, 1]> (x)
      z = Einsum <equation = "ij, jk -> ik"> (a, b) })")
                          .graph;
  EXPECT_EQ(graph.op(Find(graph, "MaxPool_0")).flops, 8 * 9);
  EXPECT_EQ(graph.op(Find(graph, "Einsum_1")).flops, 2 * 3 * 7 * 5);
}

// --- Constants
// ------------------------------------------------------------------------------------

TEST(OnnxImporter, FoldsShapeArithmetic) {
  const Graph graph = Import(R"(
    g (float[2, 3, 4] x) => (float[2, 12] y) { s = Shape(x)
      zero = Constant <value = int64 {0}> ()
      batch = Gather(s, zero)
      axes = Constant <value = int64[1] {0}> ()
      row = Unsqueeze(batch, axes)
      rest = Constant <value = int64[1] {-1}> ()
      target = Concat <axis = 0> (row, rest)
      y = Reshape(x, target) })")
                          .graph;
  EXPECT_THAT(OpNames(graph), ElementsAre("x", "Reshape_7"));
  EXPECT_THAT(InputsOf(graph, "Reshape_7"), ElementsAre("x"));
  EXPECT_THAT(OutputOf(graph, "Reshape_7").shape, ElementsAre(2, 12));
}

TEST(OnnxImporter, FoldsTheChainOfAnExpandToAComputedShape) {
  const Graph graph = Import(R"(
    g (float[1, 3] x) => (float[4, 3] y) {
      dims = Constant <value = int64[2] {4, -1}> ()
      two = Constant <value = int64[1] {2}> ()
      ones = ConstantOfShape <value = int64[1] {1}> (two)
      minus = Constant <value = int64 {-1}> ()
      free = Equal(dims, minus)
      target = Where(free, ones, dims)
      y = Expand(x, target) })")
                          .graph;
  EXPECT_THAT(OpNames(graph), ElementsAre("x", "Expand_6"));
  EXPECT_THAT(OutputOf(graph, "Expand_6").shape, ElementsAre(4, 3));
}

TEST(OnnxImporter, WeightMakersBecomeParameters) {
  const Graph graph = Import(R"(
    g (float[2, 3] x) => (float[2, 4] y) { s = Constant <value = int64[2] {3, 4}> ()
      w = ConstantOfShape(s)
      h = MatMul(x, w)
      half = Constant <value = float {0.5}> ()
      y = Mul(h, half) })")
                          .graph;
  EXPECT_THAT(OpNames(graph), ElementsAre("x", "w", "MatMul_2", "Mul_4"));
  EXPECT_EQ(graph.op(Find(graph, "w")).role, OpRole::kParameter);
  EXPECT_THAT(InputsOf(graph, "Mul_4"), ElementsAre("MatMul_2"));
}

TEST(OnnxImporter, SettingsAreNoParameters) {
  const Graph graph = Import(R"(
    g (float[2, 3] x, float low = {0}, float[2] s = {2, 2}, float[3] p = {1, 2, 3})
        => (float[4, 6] y) { c = Clip(x, low)
      m = Mul(c, p)
      y = Resize(m, , s) })")
                          .graph;
  EXPECT_THAT(OpNames(graph), ElementsAre("x", "Clip_0", "p", "Mul_1", "Resize_2"));
  EXPECT_THAT(OutputOf(graph, "Resize_2").shape, ElementsAre(4, 6));
}

TEST(OnnxImporter, SplitsMergedVectorsAndSharesMatrices) {
  const Graph graph = Import(R"(
    g (float[2, 3] x, float[3] b = {}, float[3, 3] w = {}) => (float[2, 3] y) { b2 = Identity(b)
      w2 = Identity(w)
      h = Gemm(x, w, b)
      y = Gemm(h, w2, b2) })")
                          .graph;
  EXPECT_THAT(InputsOf(graph, "Gemm_2"), ElementsAre("x", "w", "b"));
  EXPECT_THAT(InputsOf(graph, "Gemm_3"), ElementsAre("Gemm_2", "w", "b2"));
}

TEST(OnnxImporter, AConstantOutputIsAParameter) {
  const Graph graph = Import(R"(
    g (float[2] x) => (float[2] y, float[3] k) { y = Relu(x)
      k = Constant <value = float[3] {1, 2, 3}> () })")
                          .graph;
  EXPECT_EQ(graph.op(Find(graph, "k")).role, OpRole::kParameter);
  EXPECT_TRUE(OutputOf(graph, "k").graph_output);
}

// --- What is only partly known
// --------------------------------------------------------------------

TEST(OnnxImporter, KeepsCustomOpsAndSaysSo) {
  const LoadedModel loaded = Import(R"(
    g (float[2, 3] x) => (float[2, 3] y) { h = com.example.Magic(x)
      z = com.example.Magic(h)
      y = Relu(z) })");
  EXPECT_THAT(InputsOf(loaded.graph, "Magic_1"), ElementsAre("Magic_0"));
  EXPECT_EQ(loaded.graph.op(Find(loaded.graph, "Magic_0")).type, "com.example.Magic");
  EXPECT_THAT(loaded.warnings,
              Contains("2 ops of custom domains are kept with a default cost: com.example.Magic "
                       "x2"));
  EXPECT_THAT(loaded.warnings, Contains(HasSubstr("2 values have no or not fully known shape")));
  EXPECT_EQ(OutputOf(loaded.graph, "Magic_0").bytes, 0);
  EXPECT_EQ(OutputOf(loaded.graph, "Relu_2").bytes, 24);  // the file declares its output
}

TEST(OnnxImporter, ACustomDomainNeedsNoOpset) {
  onnx::ModelProto model =
      test::ParseOnnxText("g (float[2] x) => (float[2] y) { y = com.example.Magic(x) }");
  model.mutable_opset_import()->RemoveLast();
  EXPECT_THAT(Import(model).warnings, Contains(HasSubstr("com.example.Magic")));
}

TEST(OnnxImporter, KeepsControlFlowAsOneOpThatReadsWhatItsBranchesRead) {
  const LoadedModel loaded = Import(R"(
    g (float[2, 3] x, float[2, 3] z, bool c) => (float[2, 3] y) {
      y = If (c) <then_branch = a () => (float[2, 3] t) { t = Add(x, z) },
                  else_branch = b () => (float[2, 3] e) { e = Neg(x) }> })");
  EXPECT_THAT(InputsOf(loaded.graph, "If_0"), ElementsAre("c", "x", "z"));
  EXPECT_EQ(OutputOf(loaded.graph, "If_0").bytes, 24);
  EXPECT_THAT(loaded.warnings, ElementsAre(testing::AllOf(HasSubstr("1 control-flow nodes"),
                                                          HasSubstr("If"), HasSubstr("node #0"))));
}

TEST(OnnxImporter, KeepsFunctionCallsAsOneOp) {
  onnx::ModelProto model =
      test::ParseOnnxText("g (float[2] x) => (float[2] y) { y = com.example.Twice(x) }");
  auto* function = model.add_functions();
  function->set_domain("com.example");
  function->set_name("Twice");
  const LoadedModel loaded = Import(model);
  EXPECT_EQ(loaded.graph.num_ops(), 2U);
  EXPECT_THAT(loaded.warnings,
              ElementsAre(testing::AllOf(HasSubstr("functions"), HasSubstr("com.example.Twice"))));
}

TEST(OnnxImporter, ReadsNewerOpsetsByTheRulesItKnows) {
  const LoadedModel loaded = Import(R"(
    g (float[2, 3, 4] x) => (float[2, 1, 1] y) { a = Constant <value = int64[2] {1, 2}> ()
      y = ReduceMean(x, a) })",
                                    std::nullopt, 19);
  EXPECT_THAT(loaded.warnings, ElementsAre(HasSubstr("opset 19 is newer than 17")));
  EXPECT_THAT(OutputOf(loaded.graph, "ReduceMean_1").shape, ElementsAre(2, 1, 1));
  EXPECT_EQ(loaded.graph.op(Find(loaded.graph, "ReduceMean_1")).flops, 24);
}

TEST(OnnxImporter, PrefersInferredShapesToDeclaredOnes) {
  const LoadedModel loaded = Import("g (float[2, 3] x) => (float[2, 4] y) { y = Relu(x) }");
  EXPECT_THAT(OutputOf(loaded.graph, "Relu_0").shape, ElementsAre(2, 3));
  EXPECT_THAT(loaded.warnings, ElementsAre(HasSubstr("other shapes than the file declares")));
}

// --- The batch
// ------------------------------------------------------------------------------------

TEST(OnnxImporter, SymbolsAreOneUnlessTheBatchIsGiven) {
  const std::string text = "g (float[N, S, 3] x) => (float[N, S, 3] y) { y = Relu(x) }";
  const LoadedModel one = Import(text);
  EXPECT_THAT(OutputOf(one.graph, "Relu_0").shape, ElementsAre(1, 1, 3));
  EXPECT_THAT(one.warnings, ElementsAre(testing::AllOf(HasSubstr("'N'"), HasSubstr("'S'"))));
  const LoadedModel many = Import(text, 16);
  EXPECT_THAT(OutputOf(many.graph, "Relu_0").shape, ElementsAre(16, 1, 3));
  EXPECT_THAT(many.warnings, ElementsAre(testing::Not(HasSubstr("'N'"))));
}

TEST(OnnxImporter, InputsWithAnotherFirstDimKeepIt) {
  const LoadedModel loaded = Import(R"(
    g (float[8, 3] x, float[8, 3] z, float[1, 3] k) => (float[8, 3] y) { h = Add(x, z)
      y = Add(h, k) })",
                                    2);
  EXPECT_THAT(OutputOf(loaded.graph, "z").shape, ElementsAre(2, 3));
  EXPECT_THAT(OutputOf(loaded.graph, "k").shape, ElementsAre(1, 3));
  EXPECT_THAT(loaded.warnings, ElementsAre(HasSubstr("'k'")));
}

TEST(OnnxImporter, PutsTheBatchIntoConstantReshapeTargets) {
  for (const std::string target : {"8, 12", "8, -1", "-1, 12"}) {
    const Graph graph = Import("g (float[8, 3, 4] x, int64[2] s = {" + target +
                                   "}) => (float[8, 12] y) { y = Reshape(x, s) }",
                               2)
                            .graph;
    EXPECT_THAT(OutputOf(graph, "Reshape_0").shape, ElementsAre(2, 12)) << target;
  }
}

TEST(OnnxImporter, SaysWhenTheBatchIsBuiltIn) {
  EXPECT_THAT(
      ErrorOf("g (float[8, 3] x, float[8, 3] w = {}) => (float[8, 3] y) { y = Add(x, w) }", 2),
      testing::AllOf(HasSubstr("node #0 (Add)"), HasSubstr("with batch 2"), HasSubstr("built in")));
  EXPECT_THAT(ErrorOf(R"(
    g (float[8, 3] x, int64[2] s = {8, 3}) => (float[8, 3] y) { k = RandomNormal <shape = [8, 3]> ()
      h = Relu(x)
      y = Abs(k) })",
                      2),
              testing::AllOf(HasSubstr("output 'y'"), HasSubstr("batch")));
}

TEST(OnnxImporter, RefusesBatchesThatMakeNoSense) {
  const std::string text = "g (float[8, 3] x) => (float[8, 3] y) { y = Relu(x) }";
  EXPECT_THAT(ErrorOf(text, 0), HasSubstr("batch is 0, expected at least 1"));
  EXPECT_THAT(ErrorOf(text, std::int64_t{1} << 62), HasSubstr("overflow"));
  EXPECT_THAT(ErrorOf("g (float x) => (float y) { y = Relu(x) }", 2), HasSubstr("batch dimension"));
}

}  // namespace
}  // namespace placer
