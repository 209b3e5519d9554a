#include "graphs/model_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "graphs/base/error.h"
#include "graphs/graph_io.h"
#include "graphs/zoo.h"
#include "tests/support/onnx_text.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string kModel =
    "g (float[8, 3] x, float[3, 4] w = {}) => (float[8, 4] y) { y = MatMul(x, w) }";

std::size_t CountRole(const Graph& graph, OpRole role) {
  return static_cast<std::size_t>(std::count_if(graph.ops().begin(), graph.ops().end(),
                                                [role](const Op& op) { return op.role == role; }));
}

std::string ErrorOf(const std::string& model, const LoadOptions& options = {}) {
  try {
    (void)LoadModel(model, options);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(LoadModel, TellsFilesApartByContent) {
  const test::TempDir dir;
  const std::string onnx = test::WriteOnnx(dir, test::ParseOnnxText(kModel), "model.bin");
  const Graph graph = LoadModel(onnx).graph;
  EXPECT_EQ(graph.num_ops(), 3U);
  for (const std::string suffix : {".pb", ".txtpb", ".json"}) {
    const auto written = dir / ("graph" + suffix);
    WriteGraph(graph, written);
    const auto renamed = dir / "graph.onnx.data";
    std::filesystem::rename(written, renamed);
    EXPECT_EQ(LoadModel(renamed.string()).graph, graph) << suffix;
  }
}

TEST(LoadModel, MakesZooGraphs) {
  const std::string name = GraphZoo().front().name;
  EXPECT_EQ(LoadModel("zoo:" + name).graph, MakeZooGraph(name));
  EXPECT_THAT(ErrorOf("zoo:nothing"), AllOf(HasSubstr("nothing"), HasSubstr(name)));
}

TEST(LoadModel, AppliesTheBatchAndTraining) {
  const test::TempDir dir;
  const std::string path = test::WriteOnnx(dir, test::ParseOnnxText(kModel));
  const Graph forward = LoadModel(path, {.batch = 2}).graph;
  EXPECT_EQ(forward.op(OpId(2)).flops, 2 * 2 * 3 * 4);
  EXPECT_EQ(CountRole(forward, OpRole::kUpdate), 0U);
  const Graph training = LoadModel(path, {.batch = 2, .training = TrainingOptions{}}).graph;
  EXPECT_EQ(CountRole(training, OpRole::kUpdate), 1U);
  EXPECT_GT(CountRole(training, OpRole::kBackward), 0U);
}

TEST(LoadModel, TrainsEveryShippedModel) {
  for (const std::string name :
       {"resnet50", "inception_v3", "googlenet", "mobilenet_v3_large", "light_squeezenet"}) {
    const std::string path = std::string(SAMPLES_DIR) + "/" + name + ".onnx";
    const LoadedModel loaded = LoadModel(path, {.batch = 4, .training = TrainingOptions{}});
    EXPECT_THAT(loaded.warnings, testing::IsEmpty()) << name;
    EXPECT_EQ(CountRole(loaded.graph, OpRole::kUpdate), CountRole(loaded.graph, OpRole::kParameter))
        << name;
  }
}

TEST(LoadModel, RefusesOptionsThatDoNotFit) {
  const std::string zoo = "zoo:" + GraphZoo().front().name;
  EXPECT_THAT(ErrorOf(zoo, {.batch = 4}), HasSubstr(zoo + "?batch=4"));
  EXPECT_THAT(ErrorOf(zoo, {.training = TrainingOptions{}}),
              AllOf(HasSubstr(zoo), HasSubstr("training step already")));
  const test::TempDir dir;
  const auto file = dir / "graph.pb";
  WriteGraph(LoadModel(test::WriteOnnx(dir, test::ParseOnnxText(kModel))).graph, file);
  EXPECT_THAT(ErrorOf(file.string(), {.batch = 4}),
              AllOf(HasSubstr(file.string()), HasSubstr("batch")));
  const auto training = dir / "training.pb";
  WriteGraph(LoadModel(file.string(), {.training = TrainingOptions{}}).graph, training);
  EXPECT_THAT(ErrorOf(training.string(), {.training = TrainingOptions{}}),
              HasSubstr(training.string()));
}

TEST(LoadModel, NamesWhatItCannotRead) {
  const test::TempDir dir;
  EXPECT_THAT(ErrorOf("/nowhere/model.onnx"), HasSubstr("/nowhere/model.onnx: cannot be opened"));
  const std::string noise = dir.Write("noise", "\x01\x02\x03 no model");
  EXPECT_THAT(ErrorOf(noise), HasSubstr(noise));
  const std::string bad = std::string(TEST_DATA_DIR) + "/bad/onnx/truncated.onnx";
  EXPECT_THAT(ErrorOf(bad), HasSubstr(bad + ": is truncated"));
}

}  // namespace
}  // namespace placer
