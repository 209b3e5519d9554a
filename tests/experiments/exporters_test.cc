// What every exporter promises, and what each says.

#include "experiments/exporters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <set>

#include "cost_model/placement_io.h"
#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"
#include "tests/experiments/command_runner.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_graphs.h"

namespace placer {
namespace {

using test::RunPlacer;
using test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr const char* kCluster = "zoo:k80x2";

/// A TensorFlow graph in text: an image, a weight, a product, and a constant that folds away.
constexpr const char* kGraphDef = R"(node {
  name: "x"
  op: "Placeholder"
  attr { key: "dtype" value { type: DT_FLOAT } }
  attr { key: "shape" value { shape { dim { size: 2 } dim { size: 3 } } } }
}
node {
  name: "block/w"
  op: "Const"
  attr { key: "dtype" value { type: DT_FLOAT } }
  attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: 3 } dim { size: 4 } } float_val: 1 } } }
}
node {
  name: "block/y"
  op: "MatMul"
  input: "x"
  input: "block/w"
  attr { key: "T" value { type: DT_FLOAT } }
}
node {
  name: "block/z"
  op: "Relu"
  input: "block/y"
  attr { key: "T" value { type: DT_FLOAT } }
}
versions { producer: 21 }
)";

std::string Sample(const std::string& name) { return std::string(SAMPLES_DIR) + "/" + name; }

/// A model that the exporter takes, and a plan for it with several devices.
struct Case {
  TempDir dir;
  std::string model, plan;

  explicit Case(std::string_view format) {
    model = format == "graphdef" ? dir.Write("model.pbtxt", kGraphDef) : Sample("googlenet.onnx");
    plan = (dir / "plan.txtpb").string();
    const auto result = RunPlacer({"optimize", model, "--cluster", kCluster, "--method",
                                   "round_robin", "--space", "ops", "-o", plan});
    EXPECT_EQ(result.code, 0) << result.err;
  }
  [[nodiscard]] std::string Output(const Exporter& exporter, const std::string& stem) const {
    return (dir / stem).string() +
           (exporter.suffixes.empty() ? "" : std::string(exporter.suffixes.front()));
  }
};

class ExporterContract : public testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] const Exporter& exporter() const { return ExporterNamed(GetParam()); }
  [[nodiscard]] test::CommandResult Run(const Case& c, const std::string& output) const {
    return RunPlacer(
        {"export", c.plan, c.model, "--cluster", kCluster, "--format", GetParam(), "-o", output});
  }
};

/// The bytes of a file, or of all files of a folder.
std::string Content(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) {
    return ReadWholeFile(path);
  }
  std::set<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    files.insert(entry.path());
  }
  std::string content;
  for (const auto& file : files) {
    content += file.filename().string() + "\n" + ReadWholeFile(file);
  }
  return content;
}

TEST_P(ExporterContract, WritesTheSameTwice) {
  const Case c(GetParam());
  const auto first = Run(c, c.Output(exporter(), "first"));
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_THAT(first.out, IsEmpty());
  const auto second = Run(c, c.Output(exporter(), "second"));
  ASSERT_EQ(second.code, 0) << second.err;
  const std::string content = Content(c.Output(exporter(), "first"));
  EXPECT_GT(content.size(), 100U);
  EXPECT_EQ(content, Content(c.Output(exporter(), "second")));
}

TEST_P(ExporterContract, TakesTheModelFirstWithPlacement) {
  const Case c(GetParam());
  const std::string output = c.Output(exporter(), "out");
  const auto result = RunPlacer({"export", c.model, "--placement", c.plan, "--cluster", kCluster,
                                 "--format", GetParam(), "-o", output});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(std::filesystem::exists(output));
}

TEST_P(ExporterContract, SaysWhatIsMissing) {
  const Case c(GetParam());
  const std::string output = c.Output(exporter(), "out");
  const auto alone = RunPlacer({"export", c.plan, "--format", GetParam(), "-o", output});
  EXPECT_EQ(alone.code, exporter().needs_model ? 2 : 0);
  if (exporter().needs_model) {
    EXPECT_THAT(alone.err, HasSubstr("format " + GetParam() + ": needs the model"));
    EXPECT_FALSE(std::filesystem::exists(output));
  }
  const auto clusterless =
      RunPlacer({"export", c.plan, c.model, "--format", GetParam(), "-o", output});
  EXPECT_EQ(clusterless.code, exporter().needs_cluster ? 2 : 0) << clusterless.err;
}

/// Where nothing can be written, and where the plan is for another model.
TEST_P(ExporterContract, RefusesInOneLine) {
  const Case c(GetParam());
  const auto nowhere =
      Run(c, c.plan + "/out" +  // below a file
                 (exporter().suffixes.empty() ? "" : std::string(exporter().suffixes.front())));
  EXPECT_EQ(nowhere.code, 2) << nowhere.err;
  if (exporter().needs_model) {
    const auto other =
        RunPlacer({"export", c.plan, Sample("light_squeezenet.onnx"), "--cluster", kCluster,
                   "--format", GetParam(), "-o", c.Output(exporter(), "other")});
    EXPECT_EQ(other.code, 2);
    EXPECT_THAT(other.err, HasSubstr("plan.txtpb: the placement was made for graph"));
    EXPECT_THAT(test::Lines(other.err), testing::SizeIs(testing::Le(2U)));
  }
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const Exporter& exporter : Exporters()) {
    names.emplace_back(exporter.name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Formats, ExporterContract, testing::ValuesIn(Names()),
                         [](const auto& format) {
                           std::string name = format.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(ExportersTest, AnUnknownFormatListsTheKnownOnes) {
  const auto result = RunPlacer({"export", "x", "--format", "caffe", "-o", "y"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("expected one of: plan, onnx, onnx-parts"));
}

TEST(ExportersTest, TheSuffixDecidesWithoutAFormat) {
  EXPECT_EQ(ExporterFor("a.csv").name, "plan");
  EXPECT_EQ(ExporterFor("a.json").name, "plan");
  EXPECT_EQ(ExporterFor("a.onnx").name, "onnx");
  EXPECT_EQ(ExporterFor("a.svg").name, "svg");
  EXPECT_THROW((void)ExporterFor("a.xyz"), InputError);
}

/// Export to any of our own formats and back is the identity.
TEST(ExportersTest, PlansComeBackAsTheyWere) {
  using testing_support::CompleteCluster;
  using testing_support::RandomDevices;
  using testing_support::RandomGraph;
  const Cluster cluster = CompleteCluster(3);
  for (Seed seed = 1; seed <= 20; ++seed) {
    TempDir dir;
    const Graph graph = RandomGraph(30, seed);
    Rng rng(seed);
    SavedPlacement plan = Save(Placement(RandomDevices(graph, 3, rng)), graph, cluster);
    plan.method = "method " + std::to_string(seed);
    plan.seed = seed;
    if (seed % 2 == 0) {
      plan.step_time_seconds = static_cast<double>(seed) / 7;
    }
    for (const char* suffix : {".txtpb", ".pb", ".json"}) {
      const std::filesystem::path path = dir / ("plan" + std::string(suffix));
      EXPECT_THAT(Export(ExporterNamed("plan"), {.plan = plan}, path), IsEmpty());
      EXPECT_EQ(ReadPlacement(path), plan) << suffix;
    }
  }
}

TEST(ExportersTest, GraphDefHasADeviceOnEveryNodeAndIsElseUnchanged) {
  const Case c("graphdef");
  const std::string output = (c.dir / "out.pbtxt").string();
  ASSERT_EQ(RunPlacer({"export", c.plan, c.model, "--format", "graphdef", "-o", output}).code, 0);
  std::string text = ReadWholeFile(output);
  std::size_t count = 0;
  for (std::size_t at = text.find("device: \""); at != std::string::npos;
       at = text.find("device: \"", at)) {
    const std::size_t line = text.rfind('\n', at);
    text.erase(line, text.find('\n', at) - line);
    ++count;
  }
  EXPECT_EQ(count, 4U);
  // The same as a plan that says nothing: reading and writing alone.
  EXPECT_THAT(text, HasSubstr("name: \"block/w\""));
  EXPECT_THAT(text, HasSubstr("producer: 21"));
}

TEST(ExportersTest, DeviceMapIsCoarseWhereThePlanIs) {
  TempDir dir;
  const std::string plan = (dir / "plan.txtpb").string();
  const std::string map = (dir / "map.json").string();
  ASSERT_EQ(RunPlacer({"optimize", Sample("googlenet.onnx"), "--cluster", kCluster, "--method",
                       "topological", "--whole-modules", "--pin", "/^.conv1./=/gpu:0", "--apart",
                       "/conv1/*,/fc/*", "-o", plan})
                .code,
            0);
  const auto result =
      RunPlacer({"export", plan, Sample("googlenet.onnx"), "--format", "device_map", "-o", map});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, IsEmpty());
  const auto json = nlohmann::json::parse(ReadWholeFile(map));
  EXPECT_TRUE(json.at("conflicts").empty());
  EXPECT_EQ(json.at("device_map").at("conv1"), "cuda:0");
  EXPECT_NE(json.at("device_map").at("fc"), "cuda:0");
  EXPECT_TRUE(json.at("device_map").contains("inception4a"));
  EXPECT_FALSE(json.at("device_map").contains("inception4a.branch1"));
}

TEST(ExportersTest, DeviceMapOfOneDeviceIsOneEntry) {
  TempDir dir;
  const std::string plan = (dir / "plan.txtpb").string();
  const std::string map = (dir / "map.json").string();
  ASSERT_EQ(RunPlacer({"optimize", Sample("googlenet.onnx"), "--cluster", kCluster, "--method",
                       "single_device", "-o", plan})
                .code,
            0);
  ASSERT_EQ(
      RunPlacer({"export", plan, Sample("googlenet.onnx"), "--format", "device_map", "-o", map})
          .code,
      0);
  const auto json = nlohmann::json::parse(ReadWholeFile(map));
  EXPECT_EQ(json.at("device_map").size(), 1U);
  EXPECT_TRUE(json.at("device_map").contains(""));
}

TEST(ExportersTest, ConflictsInsideModulesAreListed) {
  const Case c("device_map");  // op by op in turns: modules are torn apart
  const std::string map = (c.dir / "map.json").string();
  const auto result = RunPlacer({"export", c.plan, c.model, "--format", "device_map", "-o", map});
  ASSERT_EQ(result.code, 0);
  EXPECT_THAT(result.err, HasSubstr("module 'conv1"));
  EXPECT_GT(nlohmann::json::parse(ReadWholeFile(map)).at("conflicts").size(), 10U);
}

/// Thousands of ops are drawn as some hundred boxes at most; the picture is well-formed and has the
/// devices in it.
TEST(ExportersTest, LargeGraphsAreDrawnInBoxes) {
  TempDir dir;
  const std::string plan = (dir / "plan.txtpb").string();
  const std::string svg = (dir / "plan.svg").string();
  const std::string model = "zoo:resnet50";
  ASSERT_EQ(
      RunPlacer({"optimize", model, "--cluster", kCluster, "--method", "heft", "-o", plan}).code,
      0);
  ASSERT_EQ(RunPlacer({"export", plan, model, "-o", svg}).code, 0);
  pugi::xml_document document;
  ASSERT_TRUE(document.load_file(svg.c_str()));
  const auto nodes = document.select_nodes("//*[@class='node']");
  EXPECT_GT(nodes.size(), 20U);
  EXPECT_LE(nodes.size(), 130U);
  EXPECT_THAT(ReadWholeFile(svg), HasSubstr("/gpu:0"));
}

}  // namespace
}  // namespace placer
