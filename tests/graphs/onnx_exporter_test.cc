#include "graphs/onnx_exporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/checker.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "graphs/base/error.h"
#include "graphs/onnx_importer.h"
#include "tests/support/onnx_text.h"
#include "tests/support/random_devices.h"
#include "tests/support/random_weights.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

using test::RandomDeviceNames;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::FillWeights;
using testing_support::ReadOnnx;

std::filesystem::path Sample(const std::string& name) {
  return std::filesystem::path(SAMPLES_DIR) / (name + ".onnx");
}

/// What NodeProto's field 9, `metadata_props`, holds.
std::map<std::string, std::string> NodeMetadata(const onnx::NodeProto& node) {
  std::map<std::string, std::string> metadata;
  const auto& fields = node.GetReflection()->GetUnknownFields(node);
  for (int i = 0; i < fields.field_count(); ++i) {
    onnx::StringStringEntryProto entry;
    if (fields.field(i).number() == 9 &&
        entry.ParseFromString(fields.field(i).length_delimited())) {
      EXPECT_TRUE(metadata.emplace(entry.key(), entry.value()).second) << entry.key() << " twice";
    }
  }
  return metadata;
}

class OnnxSamples : public testing::TestWithParam<std::string> {};

TEST_P(OnnxSamples, EveryNodeHasItsDeviceAndNothingElseChanges) {
  test::TempDir dir;
  onnx::ModelProto original = ReadOnnx(Sample(GetParam()));
  const Graph graph = ImportOnnx(Sample(GetParam())).graph;
  const std::vector<std::string> devices = RandomDeviceNames(graph, 5);
  const std::string path =
      dir.Write("out.onnx", OnnxWithDevices(Sample(GetParam()), graph, devices));
  // Twice: a second export replaces what the first one wrote.
  const std::string again =
      dir.Write("again.onnx", OnnxWithDevices(path, ImportOnnx(path).graph, devices));
  EXPECT_EQ(dir.Read("out.onnx"), dir.Read("again.onnx"));

  onnx::ModelProto exported = ReadOnnx(path);
  ASSERT_EQ(exported.graph().node_size(), original.graph().node_size());
  // A plan for the model is one for the exported model.
  EXPECT_EQ(ImportOnnx(path).graph.fingerprint(), graph.fingerprint());
  std::size_t found = 0;
  for (auto& node : *exported.mutable_graph()->mutable_node()) {
    const auto metadata = NodeMetadata(node);
    ASSERT_TRUE(metadata.contains("placer.device")) << node.name();
    if (const auto op = graph.FindOp(node.name())) {
      EXPECT_EQ(metadata.at("placer.device"), devices[op->index()]) << node.name();
      ++found;
    }
    node.GetReflection()->MutableUnknownFields(&node)->Clear();
  }
  EXPECT_GT(found, 50U);
  EXPECT_EQ(exported.metadata_props().rbegin()->key(), "placer.devices");
  EXPECT_EQ(nlohmann::json::parse(exported.metadata_props().rbegin()->value()).size(),
            static_cast<std::size_t>(original.graph().node_size()));
  exported.mutable_metadata_props()->RemoveLast();
  EXPECT_EQ(exported.SerializeAsString(), original.SerializeAsString());
}

/// onnx's own checker takes it, and what it hands back still has the devices.
TEST_P(OnnxSamples, SurvivesTheChecker) {
  test::TempDir dir;
  const std::filesystem::path whole = dir / "whole.onnx";
  onnx::ModelProto model = ReadOnnx(Sample(GetParam()));
  FillWeights(model, 1);
  (void)test::WriteOnnx(dir, model, "whole.onnx");
  const Graph graph = ImportOnnx(whole).graph;
  onnx::ModelProto exported;
  ASSERT_TRUE(exported.ParseFromString(OnnxWithDevices(whole, graph, RandomDeviceNames(graph, 2))));
  EXPECT_NO_THROW(onnx::checker::check_model(exported));
  onnx::ModelProto back;
  ASSERT_TRUE(back.ParseFromString(exported.SerializeAsString()));
  EXPECT_TRUE(NodeMetadata(back.graph().node(3)).contains("placer.device"));
}

/// Parts are complete, on one device, in an order that works, and cover every node.
TEST_P(OnnxSamples, PartsCanBeRunInTheirOrder) {
  for (Seed seed = 1; seed <= 4; ++seed) {
    test::TempDir dir;
    const Graph graph = ImportOnnx(Sample(GetParam())).graph;
    const OnnxParts parts =
        WriteOnnxParts(Sample(GetParam()), graph, RandomDeviceNames(graph, seed), dir / "parts");
    EXPECT_GT(parts.parts.size(), 1U);
    if (GetParam() != "light_squeezenet") {  // its weights are made by nodes
      EXPECT_THAT(parts.warnings, ElementsAre(HasSubstr("weights is not there")));
    }
    const auto manifest = nlohmann::json::parse(dir.Read("parts/manifest.json"));
    EXPECT_EQ(manifest.at("parts").size(), parts.parts.size());
    std::set<std::string> made(parts.inputs.begin(), parts.inputs.end());
    std::map<std::string, int> times;
    for (const OnnxPart& part : parts.parts) {
      const onnx::ModelProto model = ReadOnnx(dir / ("parts/" + part.file));
      std::set<std::string> known;
      for (const auto& input : model.graph().input()) {
        EXPECT_TRUE(made.contains(input.name())) << input.name();
        known.insert(input.name());
      }
      for (const auto& tensor : model.graph().initializer()) {
        known.insert(tensor.name());
      }
      for (const auto& node : model.graph().node()) {
        ++times[node.output(0)];
        for (const std::string& input : node.input()) {
          EXPECT_TRUE(input.empty() || known.contains(input)) << input;
        }
        known.insert(node.output().begin(), node.output().end());
      }
      for (const auto& output : model.graph().output()) {
        EXPECT_TRUE(known.contains(output.name()));
        EXPECT_TRUE(made.insert(output.name()).second) << output.name() << " made twice";
      }
    }
    for (const std::string& output : parts.outputs) {
      EXPECT_TRUE(made.contains(output));
    }
    EXPECT_EQ(times.size(),
              static_cast<std::size_t>(ReadOnnx(Sample(GetParam())).graph().node_size()));
  }
}

/// The parts' outputs are those of the whole, by onnxruntime, with random weights.
TEST_P(OnnxSamples, PartsComputeWhatTheWholeDoes) {
  const bool large = GetParam() == "resnet50" || GetParam() == "inception_v3";
  if (large && std::getenv("PLACER_ONNXRUNTIME_ALL") == nullptr) {
    GTEST_SKIP() << "takes several seconds; PLACER_ONNXRUNTIME_ALL=1 runs it";
  }
  const char* home = std::getenv("PLACER_ONNXRUNTIME");
  const std::filesystem::path script = std::filesystem::path(TEST_DATA_DIR) / ".." / "onnxruntime";
  if (!std::filesystem::exists((home != nullptr ? std::filesystem::path(home) : script) /
                               "node_modules" / "onnxruntime-node")) {
    GTEST_SKIP() << "onnxruntime-node is not installed (`npm ci --ignore-scripts` in "
                    "tests/onnxruntime, or PLACER_ONNXRUNTIME=folder with node_modules)";
  }
  test::TempDir dir;
  const std::filesystem::path whole = dir / "whole.onnx";
  onnx::ModelProto model = ReadOnnx(Sample(GetParam()));
  FillWeights(model, 7);
  (void)test::WriteOnnx(dir, model, "whole.onnx");
  const Graph graph = ImportOnnx(whole).graph;
  const OnnxParts parts = WriteOnnxParts(whole, graph, RandomDeviceNames(graph, 3), dir / "parts");
  EXPECT_THAT(parts.warnings, IsEmpty());
  nlohmann::json inputs = nlohmann::json::array();
  for (const std::string& name : parts.inputs) {
    const OpId op = graph.FindOp(name).value();
    inputs.push_back({{"name", name}, {"dims", graph.tensor(graph.first_output(op)).shape}});
  }
  const std::string input_file = dir.Write("inputs.json", inputs.dump());
  const std::string command = "node '" + (script / "run_parts.mjs").string() + "' '" +
                              whole.string() + "' '" + (dir / "parts/manifest.json").string() +
                              "' '" + input_file + "' > '" + (dir / "log").string() + "' 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << dir.Read("log");
  RecordProperty("result", dir.Read("log"));
}

INSTANTIATE_TEST_SUITE_P(Models, OnnxSamples,
                         testing::Values("googlenet", "inception_v3", "light_squeezenet",
                                         "mobilenet_v3_large", "resnet50"),
                         [](const auto& model) { return model.param; });

/// Two devices in turns: a cycle between devices, but not between parts.
TEST(OnnxPartsTest, ADeviceThatIsLeftAndComeBackToHasTwoParts) {
  test::TempDir dir;
  const std::string path = test::WriteOnnx(dir, test::ParseOnnxText(R"(
    agraph (float[2, 3] x) => (float[2, 3] y) {
      a = Relu(x)
      b = Neg(a)
      c = Abs(b)
      d = Exp(a)
      y = Add(c, d)
    })"));
  const Graph graph = ImportOnnx(path).graph;
  std::vector<std::string> devices(graph.num_ops(), "A");
  devices[graph.FindOp("Neg_1").value().index()] = "B";
  const OnnxParts parts = WriteOnnxParts(path, graph, devices, dir / "parts");
  ASSERT_EQ(parts.parts.size(), 3U);
  EXPECT_EQ(parts.parts[0].file, "part_000_A.onnx");
  EXPECT_THAT(parts.parts[0].inputs, ElementsAre("x"));
  EXPECT_THAT(parts.parts[0].outputs, ElementsAre("a", "d"));
  EXPECT_EQ(parts.parts[1].device, "B");
  EXPECT_THAT(parts.parts[1].inputs, ElementsAre("a"));
  EXPECT_THAT(parts.parts[2].inputs, ElementsAre("b", "d"));
  EXPECT_THAT(parts.parts[2].outputs, ElementsAre("y"));
  const onnx::ModelProto last = ReadOnnx(dir / ("parts/" + parts.parts[2].file));
  EXPECT_EQ(last.graph().input(0).type().tensor_type().shape().dim(1).dim_value(), 3);
  EXPECT_NO_THROW(onnx::checker::check_model(last));
}

TEST(OnnxPartsTest, ConstantsAreRepeatedWhereTheyAreRead) {
  test::TempDir dir;
  const std::string path = test::WriteOnnx(dir, test::ParseOnnxText(R"(
    agraph (float[2, 3] x) => (float[3, 2] y) {
      shape = Constant <value = int64[2] {3, 2}> ()
      a = Reshape(x, shape)
      b = Neg(a)
      y = Reshape(b, shape)
    })"));
  const Graph graph = ImportOnnx(path).graph;
  std::vector<std::string> devices(graph.num_ops(), "A");
  devices[graph.FindOp("Neg_2").value().index()] = "B";
  devices[graph.FindOp("Reshape_3").value().index()] = "B";
  const OnnxParts parts = WriteOnnxParts(path, graph, devices, dir / "parts");
  ASSERT_EQ(parts.parts.size(), 2U);
  EXPECT_EQ(parts.parts[0].num_nodes, 2U);
  EXPECT_EQ(parts.parts[1].num_nodes, 3U);
  EXPECT_THAT(parts.parts[1].inputs, ElementsAre("a"));
}

TEST(OnnxPartsTest, DimsWithoutANumberStayOpen) {
  test::TempDir dir;
  const std::string path = test::WriteOnnx(dir, test::ParseOnnxText(R"(
    agraph (float[N, 3] x) => (float[N, 3] y) {
      a = Relu(x)
      y = Neg(a)
    })"));
  const Graph graph = ImportOnnx(path).graph;
  std::vector<std::string> devices(graph.num_ops(), "A");
  devices[graph.FindOp("Neg_1").value().index()] = "B";
  (void)WriteOnnxParts(path, graph, devices, dir / "parts");
  const onnx::ModelProto last = ReadOnnx(dir / "parts/part_001_B.onnx");
  EXPECT_EQ(last.graph().input(0).type().tensor_type().shape().dim_size(), 2);
  EXPECT_FALSE(last.graph().input(0).type().tensor_type().shape().dim(0).has_dim_value());
}

TEST(OnnxPartsTest, FaultsAreLocated) {
  test::TempDir dir;
  const Graph graph = ImportOnnx(Sample("googlenet")).graph;
  const std::vector<std::string> devices(graph.num_ops(), "A");
  const auto fault = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const InputError& error) {
      return error.what();
    }
    return "no fault";
  };
  (void)dir.Write("taken", "");
  EXPECT_THAT(
      fault([&] { (void)WriteOnnxParts(Sample("googlenet"), graph, devices, dir / "taken"); }),
      HasSubstr("expected a new or an empty folder"));
  EXPECT_THAT(fault([&] { (void)OnnxWithDevices(Sample("light_squeezenet"), graph, devices); }),
              HasSubstr("light_squeezenet.onnx: none of its"));
}

}  // namespace
}  // namespace placer
