#include "graphs/modules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace placer {
namespace {

using testing::ElementsAre;

std::string ModuleOfName(const std::string& name) {
  Op op;
  op.name = name;
  return ModuleOf(op);
}

TEST(ModulesTest, OnnxNodeNames) {
  EXPECT_EQ(ModuleOfName("/conv1/Conv"), "conv1");
  EXPECT_EQ(ModuleOfName("/layer1/layer1.0/conv1/Conv"), "layer1.0.conv1");
  EXPECT_EQ(ModuleOfName("/layer1/layer1.0/downsample/downsample.0/Conv"), "layer1.0.downsample.0");
  EXPECT_EQ(ModuleOfName("/features/features.0/features.0.2/Mul"), "features.0.2");
  EXPECT_EQ(ModuleOfName("/model/layers.11/self_attn/q_proj/MatMul"),
            "model.layers.11.self_attn.q_proj");
  EXPECT_EQ(ModuleOfName("/Flatten"), "");
}

TEST(ModulesTest, TorchScriptScopesAndParameters) {
  EXPECT_EQ(ModuleOfName("__module.layer1/__module.layer1.0/__module.layer1.0.conv1/aten::conv"),
            "layer1.0.conv1");
  EXPECT_EQ(
      ModuleOfName("ResNet::/Sequential::layer1/Bottleneck::layer1.0/Conv2d::conv1/onnx::Conv"),
      "layer1.0.conv1");
  EXPECT_EQ(ModuleOfName("features.4.block.2.fc1.weight"), "features.4.block.2.fc1");
  EXPECT_EQ(ModuleOfName("onnx::Conv_497"), "");
}

TEST(ModulesTest, Within) {
  EXPECT_TRUE(IsWithin("layer1.0.conv1", "layer1.0"));
  EXPECT_TRUE(IsWithin("layer1", "layer1"));
  EXPECT_TRUE(IsWithin("layer1", ""));
  EXPECT_FALSE(IsWithin("layer10", "layer1"));
}

/// Names become ops that read the one before; a `w` in front makes a parameter of the next op.
Graph Chain(const std::vector<std::string>& names) {
  GraphBuilder builder("chain");
  std::vector<TensorId> inputs;
  for (const std::string& name : names) {
    Op op;
    op.name = name;
    op.role = name.starts_with("w") ? OpRole::kParameter : OpRole::kForward;
    const bool resident = op.role == OpRole::kParameter;
    const OpId id = builder.AddOp(op, resident ? std::vector<TensorId>{} : inputs, {TensorSpec{}});
    if (!resident) {
      inputs.clear();
    }
    inputs.push_back(builder.Output(id));
  }
  return std::move(builder).Build();
}

TEST(ModulesTest, ParametersWithoutScopeBelongToTheirReader) {
  const Graph graph = Chain({"/a/Conv", "w1", "/b/Conv"});
  EXPECT_THAT(ModulesOfOps(graph), ElementsAre("a", "b", "b"));
}

TEST(ModulesTest, AModuleWithOpsOfItsOwnIsAUnitWithAllInside) {
  const Graph graph =
      Chain({"/stem/Conv", "/stage/stage.0/conv1/Conv", "/stage/stage.0/Add",
             "/stage/stage.1/conv1/Conv", "/stage/stage.1/Add", "/head/Gemm", "/Softmax"});
  EXPECT_THAT(ModuleUnits(graph), ElementsAre(0U, 1U, 1U, 2U, 2U, 3U, std::nullopt));
}

TEST(ModulesTest, WhatHoldsMostOfTheModelIsOnlyAContainer) {
  const Graph graph = Chain({"/body/block.0/Conv", "/body/block.0/Add", "/body/block.1/Conv",
                             "/body/Norm", "/head/Gemm"});
  EXPECT_THAT(ModuleUnits(graph), ElementsAre(0U, 0U, 1U, std::nullopt, 2U));
}

}  // namespace
}  // namespace placer
