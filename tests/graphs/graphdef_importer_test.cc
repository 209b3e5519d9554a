#include "graphs/graphdef_importer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"
#include "graphs/base/text.h"
#include "graphs/detail/graphdef_file.h"
#include "graphs/detail/json_document.h"
#include "graphs/importers.h"
#include "graphs/model_file.h"

namespace placer {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Shape = std::vector<std::int64_t>;

const std::string kFolder = std::string(TEST_DATA_DIR) + "/importers/graphdef/";

Graph Load(const std::string& name, std::optional<std::int64_t> batch = std::nullopt) {
  return LoadModel(kFolder + name, {.batch = batch}).graph;
}

LoadedModel Import(const std::string& text) { return ImportGraphDef(ModelFile("g.pbtxt", text)); }

std::string ErrorOf(const std::string& text) {
  try {
    (void)Import(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

Shape ShapeOf(const Graph& graph, const std::string& name, std::size_t output = 0) {
  const OpId op = graph.FindOp(name).value();
  return graph.tensor(TensorId(graph.first_output(op).index() + output)).shape;
}

const Op& OpOf(const Graph& graph, const std::string& name) {
  return graph.op(graph.FindOp(name).value());
}

TEST(ImportGraphDef, FollowsShapesThroughAConvolutionalNetwork) {
  const Graph graph = Load("convnet.txtpb");
  EXPECT_EQ(ShapeOf(graph, "conv"), Shape({1, 5, 5, 6}));
  EXPECT_EQ(ShapeOf(graph, "depth"), Shape({1, 3, 3, 12}));
  EXPECT_EQ(ShapeOf(graph, "pool"), Shape({1, 2, 2, 12}));
  EXPECT_EQ(ShapeOf(graph, "mean"), Shape({1, 12}));
  EXPECT_EQ(ShapeOf(graph, "probabilities"), Shape({1, 5}));
  // 5 x 5 x 6 outputs of 3 x 3 x 4 products, and the bias; 3 x 3 x 12 of 3 x 3.
  EXPECT_EQ(OpOf(graph, "conv").flops, 150 * (2 * 36 + 1));
  EXPECT_EQ(OpOf(graph, "conv").op_class, OpClass::kConvolution);
  EXPECT_EQ(OpOf(graph, "depth").flops, 108 * 2 * 9);
  EXPECT_EQ(OpOf(graph, "depth").op_class, OpClass::kDepthwiseConvolution);
  EXPECT_EQ(OpOf(graph, "logits").flops, 2 * 12 * 5);
  EXPECT_EQ(OpOf(graph, "image").role, OpRole::kInput);
  EXPECT_EQ(OpOf(graph, "w").role, OpRole::kParameter);
}

TEST(ImportGraphDef, TakesTheBatch) {
  EXPECT_EQ(ShapeOf(Load("convnet.txtpb", 8), "conv"), Shape({8, 5, 5, 6}));
  EXPECT_EQ(ShapeOf(Load("movenet-lightning.json", 4), "input"), Shape({4, 192, 192, 3}));
}

TEST(ImportGraphDef, FollowsWhatMovesData) {
  const Graph graph = Load("movement.txtpb");
  const std::map<std::string, Shape> expected = {
      {"reshape", {2, 3, 8}}, {"transpose", {8, 2, 3}}, {"expand", {1, 8, 2, 3}},
      {"squeeze", {8, 2, 3}}, {"unstack", {2, 3}},      {"stack", {2, 3, 3}},
      {"concat", {2, 6, 3}},  {"slice", {2, 5, 3}},     {"pad", {3, 5, 7}},
      {"tile", {3, 10, 7}},   {"strided", {3, 2, 4}},   {"gather", {3, 4, 4}},
      {"flat", {16, 3}},      {"top", {16, 2}},         {"hot", {16, 2, 2}},
      {"cast", {16, 3}},      {"select", {16, 3}},      {"resize", {2, 4, 4, 8}},
      {"d2s", {2, 8, 8, 2}},  {"batchmm", {8, 3, 3}},   {"nd", {2}}};
  for (const auto& [name, shape] : expected) {
    EXPECT_EQ(ShapeOf(graph, name), shape) << name;
  }
  EXPECT_EQ(graph.tensor(graph.first_output(*graph.FindOp("cast"))).dtype, DataType::kFloat16);
  // Without a rule: what the file says, an open dim as 1.
  EXPECT_EQ(ShapeOf(graph, "custom", 0), Shape({7, 1}));
  EXPECT_EQ(ShapeOf(graph, "custom", 1), Shape({3}));
  EXPECT_THAT(graph.control_inputs(*graph.FindOp("after")), ElementsAre(*graph.FindOp("top")));
}

TEST(ImportGraphDef, TiesWhatWorksOnAVariable) {
  const LoadedModel model = LoadModel(kFolder + "training.txtpb");
  const Graph& graph = model.graph;
  const auto device = [&](const std::string& name) {
    return graph.colocation_class(*graph.FindOp(name));
  };
  EXPECT_EQ(device("w"), device("w/read"));
  EXPECT_EQ(device("w"), device("update"));
  EXPECT_EQ(device("h"), device("h/Read"));
  EXPECT_EQ(device("h"), device("h/update"));
  EXPECT_NE(device("w"), device("h"));
  EXPECT_NE(device("w"), device("y"));
  EXPECT_EQ(OpOf(graph, "update").role, OpRole::kUpdate);
  EXPECT_EQ(OpOf(graph, "gradients/y_grad/MatMul_1").role, OpRole::kBackward);
  EXPECT_EQ(ShapeOf(graph, "gradients/y_grad/MatMul_1"), Shape({16, 4}));
  EXPECT_EQ(ShapeOf(graph, "h/Read"), Shape({4}));
  EXPECT_THAT(model.warnings, ElementsAre(HasSubstr("loc:@gone")));
}

TEST(ImportGraphDef, KeepsLoopsAndCallsAsOneOp) {
  const LoadedModel model = LoadModel(kFolder + "loop.txtpb");
  const Graph& graph = model.graph;
  EXPECT_EQ(graph.num_ops(), 8U);
  const OpId loop = *graph.FindOp("while/frame");
  EXPECT_EQ(graph.op(loop).type, "While");
  EXPECT_EQ(graph.inputs(loop).size(), 2U);  // of Enter and the limit
  EXPECT_EQ(ShapeOf(graph, "call", 1), Shape({2, 2}));
  EXPECT_EQ(graph.tensor(TensorId(graph.first_output(*graph.FindOp("call")).index() + 1)).dtype,
            DataType::kInt32);
  EXPECT_THAT(model.warnings, Contains(HasSubstr("'while/frame' of 6 nodes")));
  EXPECT_THAT(model.warnings, Contains(HasSubstr("2 calls of functions")));
}

TEST(ImportGraphDef, ReadsTheSameInAllEncodings) {
  for (const std::string name : {"convnet", "movement", "training", "loop"}) {
    const std::string text = ReadWholeFile(kFolder + name + ".txtpb");
    graphdef::GraphDefFile file = graphdef::ParseGraphDef(text, name);
    EXPECT_EQ(file.encoding, graphdef::Encoding::kText);
    file.encoding = graphdef::Encoding::kBinary;
    const ModelFile binary(name + ".pb", graphdef::SerializeGraphDef(file));
    EXPECT_EQ(ImporterFor(binary).name, "graphdef");
    EXPECT_EQ(ImportGraphDef(binary).graph, ImportGraphDef(ModelFile(name + ".txt", text)).graph);
  }
}

TEST(GraphDefFile, KeepsAJsonDocumentButForDevices) {
  const std::string path = kFolder + "movenet-lightning.json";
  graphdef::GraphDefFile file = graphdef::ReadGraphDef(path);
  ASSERT_EQ(file.encoding, graphdef::Encoding::kJson);
  EXPECT_EQ(file.graph.node_size(), 331);
  auto before = ParseJsonDocument(file.document, path);
  for (auto& node : *file.graph.mutable_node()) {
    node.set_device("/gpu:1");
  }
  auto after = ParseJsonDocument(graphdef::SerializeGraphDef(file), path);
  for (auto* document : {&before, &after}) {
    for (auto& node : (*document)["modelTopology"]["node"]) {
      EXPECT_TRUE(document == &before || node["device"] == "/gpu:1");
      node.erase("device");
    }
  }
  EXPECT_EQ(before, after);
}

TEST(GraphDefFile, KeepsUnknownFieldsOfBinaryFiles) {
  const std::string extra = "\xfa\x07\x03xyz";  // field 127
  tf::GraphDef graph;
  graph.add_node()->set_name("a");
  graph.mutable_node(0)->set_op("NoOp");
  const graphdef::GraphDefFile file =
      graphdef::ParseGraphDef(graph.SerializeAsString() + extra, "g");
  EXPECT_TRUE(graphdef::SerializeGraphDef(file).ends_with(extra));
}

std::string Node(const std::string& name, const std::string& op, const std::string& rest = "") {
  return "node { name: \"" + name + "\" op: \"" + op + "\" " + rest + " }\n";
}

TEST(ImportGraphDef, SaysWhatIsWrongWhere) {
  EXPECT_EQ(ErrorOf(Node("a", "NoOp") + Node("a", "NoOp")),
            "g.pbtxt: node 'a': the name is used twice, expected unique names");
  EXPECT_EQ(ErrorOf(Node("a", "Relu", "input: 'b'")),
            "g.pbtxt: node 'a': input 'b' has no producer, expected a node's name");
  EXPECT_THAT(ErrorOf(Node("a", "NoOp") + Node("b", "Relu", "input: 'a:99999'")),
              HasSubstr("node 'b': input 'a:99999' has output '99999', expected a number below"));
  EXPECT_THAT(ErrorOf(Node("a", "Placeholder") + Node("b", "Relu", "input: 'a:3'")),
              HasSubstr("node 'a' (Placeholder): output 3 is read, but it has 1"));
  EXPECT_THAT(ErrorOf("node { nme: 'a' }"), HasSubstr("g.pbtxt:1:"));
  EXPECT_THAT(ErrorOf("versions { producer: 1 }"), HasSubstr("graph without nodes"));
  const std::string matrix =
      "attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'shape' value { shape { dim { "
      "size: 2 } dim { size: 3 } } } }";
  EXPECT_EQ(
      ErrorOf(Node("a", "Placeholder", matrix) + Node("m", "MatMul", "input: 'a' input: 'a'")),
      "g.pbtxt: node 'm' (MatMul): multiplies matrices of inner dims 3 and 2, expected equal "
      "ones");
}

TEST(ImportGraphDef, CountsAFilterWithoutElementsWhateverItsOtherDims) {
  const auto tensor = [](const std::string& sizes) {
    std::string dims;
    for (const std::string& size : SplitList(sizes)) {
      dims += "dim { size: " + size + " } ";
    }
    return "attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'shape' value { shape { " +
           dims + "} } }";
  };
  const LoadedModel model = Import(
      Node("w", "Placeholder", tensor("0,3,2,9223372036854775807")) +
      Node("sizes", "Placeholder", tensor("4")) + Node("dy", "Placeholder", tensor("1,5,5,2")) +
      Node("c", "DepthwiseConv2dNativeBackpropInput", "input: 'sizes' input: 'w' input: 'dy'"));
  EXPECT_EQ(OpOf(model.graph, "c").flops, 0);
}

TEST(ImportGraphDef, BelievesTheFileWhereTheRulesSayOtherwise) {
  const std::string image =
      Node("x", "Placeholder",
           "attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'shape' value { shape { "
           "dim { size: 2 } dim { size: 3 } } } }");
  const auto relu = [](const std::string& name, const std::string& input, const std::string& dims) {
    return Node(name, "Relu",
                "input: '" + input + "' attr { key: '_output_shapes' value { list { shape { " +
                    dims + " } } } }");
  };
  const LoadedModel other_dim =
      Import(image + relu("wrong", "x", "dim { size: 2 } dim { size: 5 }") +
             Node("after", "Relu", "input: 'wrong'"));
  EXPECT_EQ(ShapeOf(other_dim.graph, "wrong"), Shape({2, 5}));
  EXPECT_EQ(ShapeOf(other_dim.graph, "after"), Shape({2, 5}));
  EXPECT_THAT(other_dim.warnings,
              ElementsAre("1 values have other shapes than follows from their inputs, those in the "
                          "file are used: wrong"));
  const LoadedModel other_rank = Import(image + relu("wrong", "x", "dim { size: 6 }"));
  EXPECT_EQ(ShapeOf(other_rank.graph, "wrong"), Shape({6}));
  EXPECT_THAT(other_rank.warnings, ElementsAre(HasSubstr("1 values have other shapes")));
  const LoadedModel open_dim =
      Import(image + relu("right", "x", "dim { size: -1 } dim { size: 3 }"));
  EXPECT_EQ(ShapeOf(open_dim.graph, "right"), Shape({2, 3}));
  EXPECT_THAT(open_dim.warnings, IsEmpty());
}

TEST(ImportGraphDef, LeavesWhatNothingIsKnownOfOpen) {
  const LoadedModel model = Import(Node("a", "Mystery") + Node("b", "Relu", "input: 'a'"));
  EXPECT_THAT(model.warnings,
              UnorderedElementsAre(HasSubstr("2 values have no or not fully known shape"),
                                   HasSubstr("1 ops have no cost rule")));
  EXPECT_EQ(model.graph.tensor(TensorId(0)).bytes, 0);
}

}  // namespace
}  // namespace placer
