#include "graphs/graphdef_exporter.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "graphs/base/replace_file.h"
#include "graphs/detail/graphdef_file.h"
#include "graphs/graphdef_importer.h"
#include "graphs/importers.h"
#include "graphs/model_file.h"
#include "tests/support/random_devices.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

using graphdef::Encoding;
using graphdef::GraphDefFile;
using test::RandomDeviceNames;

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(TEST_DATA_DIR) / "importers" / "graphdef";

/// The GraphDef of a file alone, without what a TensorFlow.js model has around it, in an encoding.
std::string Encoded(const fs::path& path, Encoding encoding) {
  GraphDefFile file = graphdef::ReadGraphDef(path);
  if (encoding != Encoding::kJson) {
    file.encoding = encoding;
    return graphdef::SerializeGraphDef(file);
  }
  if (file.encoding == Encoding::kJson) {
    return nlohmann::json::parse(file.document).at("modelTopology").dump();
  }
  std::string json;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(file.graph, &json).ok());
  return json;
}

/// Exported, a file holds the same graph, with the devices; exported once more, the same bytes.
void ExpectRoundTrip(const fs::path& path, const test::TempDir& dir) {
  const Encoding encoding = graphdef::ReadGraphDef(path).encoding;
  const Graph graph = ImportGraphDef(ModelFile(path.string())).graph;
  const std::vector<std::string> devices = RandomDeviceNames(graph, 3);
  const std::string exported =
      dir.Write("exported" + path.extension().string(), GraphDefWithDevices(path, graph, devices));
  EXPECT_EQ(ImporterFor(ModelFile(exported)).name, "graphdef");
  const GraphDefFile file = graphdef::ReadGraphDef(exported);
  EXPECT_EQ(file.encoding, encoding);
  const Graph again = ImportGraphDef(ModelFile(exported)).graph;
  EXPECT_EQ(again.fingerprint(), graph.fingerprint());
  ASSERT_EQ(again.num_ops(), graph.num_ops());
  std::size_t ops = 0;
  for (const tf::NodeDef& node : file.graph.node()) {
    EXPECT_FALSE(node.device().empty()) << node.name();
    if (const auto op = graph.FindOp(node.name())) {
      EXPECT_EQ(node.device(), devices[op->index()]) << node.name();
      ++ops;
    }
  }
  EXPECT_GT(ops, graph.num_ops() / 2);
  EXPECT_EQ(GraphDefWithDevices(exported, again, devices), ReadWholeFile(exported));
}

class GraphDefFiles : public testing::TestWithParam<std::string> {};

TEST_P(GraphDefFiles, ExportAndImportAreTheIdentityInEveryEncoding) {
  const test::TempDir dir;
  const fs::path original = kFolder / GetParam();
  ExpectRoundTrip(original, dir);
  ExpectRoundTrip(dir.Write("binary.pb", Encoded(original, Encoding::kBinary)), dir);
  ExpectRoundTrip(dir.Write("text.pbtxt", Encoded(original, Encoding::kText)), dir);
  ExpectRoundTrip(dir.Write("json.json", Encoded(original, Encoding::kJson)), dir);
}

INSTANTIATE_TEST_SUITE_P(Files, GraphDefFiles,
                         testing::Values("centernet.json", "convnet.txtpb", "loop.txtpb",
                                         "movement.txtpb", "movenet-lightning.json",
                                         "training.txtpb"),
                         [](const auto& file) {
                           std::string name = fs::path(file.param).stem().string();
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(GraphDefExporter, KeepsANodeOfALoopWithItsOp) {
  const test::TempDir dir;
  // What waits for the loop from outside must not pull a node out of it.
  const std::string path =
      dir.Write("loop.txtpb", ReadWholeFile(kFolder / "loop.txtpb") +
                                  "node { name: 'log' op: 'NoOp' input: '^while/Less' }\n");
  const Graph graph = ImportGraphDef(ModelFile(path)).graph;
  std::vector<std::string> devices;
  for (std::size_t op = 0; op < graph.num_ops(); ++op) {
    devices.push_back("/device:" + std::to_string(op));
  }
  const auto device_of = [&](const std::string& op) {
    return devices[graph.FindOp(op).value().index()];
  };
  std::map<std::string, std::string> expected = {{"log", device_of("log")},
                                                 {"while/Enter", device_of("while/Enter")},
                                                 {"while/Exit", device_of("while/Exit")}};
  for (const char* node : {"Merge", "Less", "LoopCond", "Switch", "Add", "NextIteration"}) {
    expected["while/" + std::string(node)] = device_of("while/frame");
  }
  const graphdef::GraphDefFile file =
      graphdef::ParseGraphDef(GraphDefWithDevices(path, graph, devices), "exported");
  for (const tf::NodeDef& node : file.graph.node()) {
    if (const auto device = expected.find(node.name()); device != expected.end()) {
      EXPECT_EQ(node.device(), device->second) << node.name();
      expected.erase(device);
    }
  }
  EXPECT_TRUE(expected.empty());
}

/// A reader that no one here wrote: TensorFlow.js computes the same with the exported file, to the
/// last bit, with the model's real weights.
class TensorFlowJs : public testing::TestWithParam<std::string> {};

TEST_P(TensorFlowJs, ComputesTheSameWithTheExportedModel) {
  const bool large = GetParam() == "centernet" || GetParam() == "handtrack";
  if (large && std::getenv("PLACER_TENSORFLOWJS_ALL") == nullptr) {
    GTEST_SKIP() << "takes several seconds; PLACER_TENSORFLOWJS_ALL=1 runs it";
  }
  const fs::path script = fs::path(TEST_DATA_DIR) / ".." / "tensorflowjs";
  const char* const given = std::getenv("PLACER_TENSORFLOWJS");
  const fs::path home = (given != nullptr ? fs::path(given) : script) / "node_modules";
  if (!fs::exists(home / "@tensorflow" / "tfjs-core")) {
    GTEST_SKIP() << "TensorFlow.js is not installed (`npm ci --ignore-scripts` in "
                    "tests/tensorflowjs, or PLACER_TENSORFLOWJS=folder with node_modules)";
  }
  const test::TempDir dir;
  const fs::path models = home / "@vladmandic" / "human" / "models";
  const fs::path model = models / (GetParam() + ".json");
  const Graph graph = ImportGraphDef(ModelFile(model.string())).graph;
  const std::string exported =
      dir.Write("exported.json", GraphDefWithDevices(model, graph, RandomDeviceNames(graph, 3)));
  const std::string command = "node '" + (script / "run_model.mjs").string() + "' '" +
                              model.string() + "' '" + exported + "' '" +
                              (models / (GetParam() + ".bin")).string() + "' > '" +
                              (dir / "log").string() + "' 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << dir.Read("log");
  RecordProperty("result", dir.Read("log"));
}

INSTANTIATE_TEST_SUITE_P(Models, TensorFlowJs,
                         testing::Values("antispoof", "blazeface", "centernet", "emotion",
                                         "facemesh", "faceres", "handlandmark-lite", "handtrack",
                                         "iris", "liveness", "movenet-lightning"),
                         [](const auto& model) {
                           std::string name = model.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace placer
