#include "graphs/zoo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "graphs/base/error.h"

namespace placer {
namespace {

using testing::HasSubstr;

double Flops(const Graph& graph) {
  double flops = 0;
  for (const Op& op : graph.ops()) {
    flops += static_cast<double>(op.flops);
  }
  return flops;
}

/// Elements of all parameters.
std::int64_t Parameters(const Graph& graph) {
  std::int64_t elements = 0;
  for (const Tensor& tensor : graph.tensors()) {
    if (graph.op(tensor.producer).role == OpRole::kParameter) {
      elements += NumElements(tensor.shape);
    }
  }
  return elements;
}

/// Elements of the parameters that training changes: all but running statistics.
std::int64_t TrainedParameters(const Graph& graph) {
  std::int64_t elements = 0;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    if (graph.op(OpId(i)).role == OpRole::kUpdate) {
      elements += NumElements(graph.tensor(graph.inputs(OpId(i)).front()).shape);
    }
  }
  return elements;
}

std::int64_t CountRole(const Graph& graph, OpRole role) {
  return std::count_if(graph.ops().begin(), graph.ops().end(),
                       [role](const Op& op) { return op.role == role; });
}

std::string ErrorOf(const std::string& spec) {
  try {
    (void)MakeZooGraph(spec);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

std::vector<std::string> ZooNames() {
  std::vector<std::string> names;
  for (const ZooEntry& entry : GraphZoo()) {
    names.push_back(entry.name);
  }
  return names;
}

class ZooTest : public testing::TestWithParam<std::string> {};

TEST_P(ZooTest, BuildsATrainingStepOfReasonableSize) {
  const Graph graph = MakeZooGraph(GetParam());
  EXPECT_GE(graph.num_ops(), 500U);
  EXPECT_LE(graph.num_ops(), 9000U);
  EXPECT_GT(CountRole(graph, OpRole::kBackward), 0);
}

TEST_P(ZooTest, IsTheSameEveryTime) {
  EXPECT_EQ(MakeZooGraph(GetParam()), MakeZooGraph(GetParam() + "?training=true"));
}

TEST_P(ZooTest, EveryParameterButRunningStatisticsIsUpdated) {
  const Graph graph = MakeZooGraph(GetParam());
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const Op& op = graph.op(OpId(i));
    if (op.role == OpRole::kParameter) {
      const bool statistic = op.name.ends_with("/bn/mean") || op.name.ends_with("/bn/variance");
      EXPECT_EQ(graph.FindOp(op.name + "/update").has_value(), !statistic) << op.name;
    }
  }
}

TEST_P(ZooTest, TrainingTakesAboutThreeForwardPasses) {
  const double forward = Flops(MakeZooGraph(GetParam() + "?training=false"));
  const double step = Flops(MakeZooGraph(GetParam()));
  EXPECT_GT(step / forward, 2.85);
  EXPECT_LT(step / forward, 3.15);
}

TEST_P(ZooTest, WorkGrowsWithTheBatchAndParametersDoNot) {
  const Graph small = MakeZooGraph(GetParam() + "?training=false&batch=4");
  const Graph large = MakeZooGraph(GetParam() + "?training=false&batch=12");
  EXPECT_NEAR(Flops(large) / Flops(small), 3.0, 1e-9);
  EXPECT_EQ(Parameters(large), Parameters(small));
}

TEST_P(ZooTest, InferenceHasOutputsAndNothingToUpdate) {
  const Graph graph = MakeZooGraph(GetParam() + "?training=false");
  EXPECT_EQ(CountRole(graph, OpRole::kBackward) + CountRole(graph, OpRole::kUpdate), 0);
  EXPECT_TRUE(std::any_of(graph.tensors().begin(), graph.tensors().end(),
                          [](const Tensor& tensor) { return tensor.graph_output; }));
}

TEST_P(ZooTest, TakesEveryParameterThatItLists) {
  for (const ZooEntry& entry : GraphZoo()) {
    if (entry.name != GetParam()) {
      continue;
    }
    std::string defaults = entry.name;
    for (const ZooParameter& parameter : entry.parameters) {
      defaults +=
          (defaults == entry.name ? "?" : "&") + parameter.name + "=" + parameter.default_value;
      EXPECT_THAT(ErrorOf(entry.name + "?" + parameter.name + "=-1"),
                  HasSubstr("'" + parameter.name + "' is '-1', expected"));
    }
    EXPECT_EQ(MakeZooGraph(defaults).fingerprint(), MakeZooGraph(entry.name).fingerprint());
  }
}

INSTANTIATE_TEST_SUITE_P(All, ZooTest, testing::ValuesIn(ZooNames()),
                         [](const auto& param) { return param.param; });

TEST(Zoo, HasTheSizesOfTheDocs) {  // docs/training.md
  for (const auto& [name, ops, forward] :
       {std::tuple{"inception_v3", 1494U, 313}, std::tuple{"nmt", 6743U, 2722},
        std::tuple{"resnet50", 834U, 175}, std::tuple{"rnnlm", 2895U, 1160},
        std::tuple{"transformer", 1881U, 688}}) {
    const Graph graph = MakeZooGraph(name);
    EXPECT_EQ(graph.num_ops(), ops) << name;
    EXPECT_EQ(CountRole(graph, OpRole::kForward), forward) << name;
  }
}

TEST(Zoo, Resnet50IsTheKnownNetwork) {
  const Graph graph = MakeZooGraph("resnet50?batch=1&training=false");
  EXPECT_NEAR(Flops(graph), 8.2e9, 0.1e9);  // 4.1 G multiply-adds
  // 25,557,032 trained parameters, as published with torchvision.
  EXPECT_EQ(TrainedParameters(MakeZooGraph("resnet50")), 25557032);
}

TEST(Zoo, InceptionV3IsTheKnownNetwork) {
  EXPECT_NEAR(Flops(MakeZooGraph("inception_v3?batch=1&training=false")), 11.4e9, 0.15e9);
  // 27,161,264 trained parameters with the auxiliary classifier, as published with torchvision.
  EXPECT_EQ(TrainedParameters(MakeZooGraph("inception_v3?aux=1")), 27161264);
}

TEST(Zoo, RnnlmHasTheWorkOfItsProducts) {
  const Graph graph =
      MakeZooGraph("rnnlm?batch=3&layers=2&hidden=64&unroll=5&vocab=100&training=false");
  const int lstm = 2 * 64 * 4 * 64 + 4 * 64;
  EXPECT_EQ(Parameters(graph), 2 * lstm + 100 * 64 + 64 * 100 + 100);
  std::int64_t products = 0;
  for (const Op& op : graph.ops()) {
    products += op.type == "MatMul" ? op.flops : 0;
  }
  EXPECT_EQ(products, 5 * (2 * (2 * 3 * 128 * 256) + 2 * 3 * 64 * 100));
  EXPECT_TRUE(graph.FindOp("lstm1/t4/matmul"));
}

TEST(Zoo, SizesScaleTheParameters) {
  for (const auto& [spec, elements] : {
           std::tuple{"nmt?layers=1&hidden=8&unroll=3&vocab=20&training=false",
                      // embeddings, encoder, decoder with the attention as a further input,
                      // query, key, score, output, softmax
                      std::int64_t{2 * 20 * 8 + (16 * 32 + 32) + (24 * 32 + 32) + 64 + 64 + 8 +
                                   128 + 8 * 20 + 20}},
           std::tuple{"transformer?layers=2&hidden=8&heads=2&seq=5&vocab=20&training=false",
                      std::int64_t{20 * 8 + 5 * 8 +
                                   2 * (4 * (64 + 8) + 16 + (8 * 32 + 32) + (32 * 8 + 8) + 16) +
                                   8 * 20 + 20}},
       }) {
    EXPECT_EQ(Parameters(MakeZooGraph(spec)), elements) << spec;
  }
}

TEST(Zoo, MicrobatchesDoTheSameWorkInParts) {
  const Graph whole = MakeZooGraph("transformer?microbatches=1&training=false");
  const Graph parts = MakeZooGraph("transformer?microbatches=8&training=false");
  EXPECT_EQ(Flops(whole), Flops(parts));
  EXPECT_EQ(Parameters(whole), Parameters(parts));
  EXPECT_TRUE(parts.FindOp("encoder/layer3/attention/m7/qk"));
  EXPECT_TRUE(whole.FindOp("encoder/layer3/attention/qk"));
}

TEST(Zoo, OptimizerSetsTheState) {
  const auto state = [](const std::string& optimizer) {
    std::int64_t bytes = 0;
    const Graph graph = MakeZooGraph("rnnlm?hidden=16&unroll=2&optimizer=" + optimizer);
    for (const Op& op : graph.ops()) {
      bytes += op.persistent_bytes;
    }
    return bytes;
  };
  EXPECT_EQ(state("sgd"), 0);
  EXPECT_GT(state("momentum"), 0);
  EXPECT_EQ(state("adam"), 2 * state("momentum"));
}

TEST(Zoo, RefusesWhatItDoesNotKnow) {
  for (const auto& [spec, fault] : {
           std::tuple{"alexnet",
                      "zoo graph 'alexnet' is unknown, expected one of inception_v3, "
                      "nmt, resnet50, rnnlm, transformer"},
           std::tuple{"", "zoo graph '' is unknown"},
           std::tuple{"rnnlm?hiden=4",
                      "no parameter 'hiden', expected one of batch, layers, "
                      "hidden, unroll, vocab, training, optimizer, addends"},
           std::tuple{"rnnlm?hidden=0", "'hidden' is '0', expected a whole number from 1 to 65536"},
           std::tuple{"rnnlm?hidden=4x", "'hidden' is '4x', expected a whole number"},
           std::tuple{"rnnlm?hidden=", "'hidden' is '', expected a whole number"},
           std::tuple{"rnnlm?hidden=99999999999999999999", "expected a whole number"},
           std::tuple{"rnnlm?hidden", "found 'hidden', expected key=value"},
           std::tuple{"rnnlm?&batch=2", "found '', expected key=value"},
           std::tuple{"rnnlm?batch=2&batch=2", "'batch' is given twice"},
           std::tuple{"rnnlm?training=yes", "'training' is 'yes', expected true or false"},
           std::tuple{"rnnlm?optimizer=lion", "'lion', expected sgd, momentum or adam"},
           std::tuple{"rnnlm?unroll=2&addends=1", "max_addends is 1"},
           std::tuple{"transformer?heads=3", "'heads' is 3, expected a divisor of hidden = 1024"},
           std::tuple{"transformer?batch=6", "'microbatches' is 4, expected a divisor of batch"},
       }) {
    EXPECT_THAT(ErrorOf(spec), HasSubstr(fault)) << spec;
  }
}

TEST(Zoo, SmallestAndLargestSizesBuildOrSayWhyNot) {
  EXPECT_GT(MakeZooGraph("inception_v3?image=75&batch=1").num_ops(), 500U);
  EXPECT_GT(MakeZooGraph("resnet50?image=32&batch=1").num_ops(), 500U);
  EXPECT_GT(MakeZooGraph("nmt?unroll=1&layers=1&hidden=1&vocab=2&batch=1").num_ops(), 50U);
  EXPECT_THAT(ErrorOf("transformer?microbatches=1&batch=65536&seq=65536&vocab=10000000&layers=1"),
              HasSubstr("beyond 64 bits"));
}

}  // namespace
}  // namespace placer
