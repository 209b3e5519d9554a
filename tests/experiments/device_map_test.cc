#include "experiments/device_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "graphs/base/error.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

/// Parameters, a forward op that reads them all, and so on; with a device for each.
class Plan {
 public:
  void Parameter(const std::string& name, const std::string& device) {
    Add(name, OpRole::kParameter, {}, device);
  }
  void Forward(const std::string& name, const std::string& device) {
    Add(name, OpRole::kForward, std::exchange(tensors_, {}), device);
  }
  [[nodiscard]] Json Map() && { return DeviceMapOf(std::move(builder_).Build(), devices_); }

 private:
  void Add(const std::string& name, OpRole role, std::vector<TensorId> inputs,
           const std::string& device) {
    Op op;
    op.name = name;
    op.role = role;
    tensors_.push_back(builder_.Output(builder_.AddOp(op, std::move(inputs), {TensorSpec{}})));
    devices_.push_back(device);
  }

  GraphBuilder builder_{"model"};
  std::vector<TensorId> tensors_;
  std::vector<std::string> devices_;
};

/// As a vision transformer has them: a token of the model's own, an embedding of a module that
/// holds others.
Json VisionTransformer(const std::string& token_device, const std::string& embedding_device) {
  Plan plan;
  plan.Parameter("patches.weight", "/gpu:0");
  plan.Forward("/patches/Conv", "/gpu:0");
  plan.Parameter("class_token", token_device);
  plan.Forward("/Concat", "/gpu:0");
  plan.Parameter("body.pos_embedding", embedding_device);
  plan.Forward("/body/Add", "/gpu:0");
  plan.Parameter("body.layers.0.weight", "/gpu:0");
  plan.Forward("/body/layers/layers.0/MatMul", "/gpu:0");
  plan.Parameter("onnx::MatMul_497", "/gpu:1");
  plan.Forward("/body/layers/layers.1/MatMul", "/gpu:1");
  plan.Parameter("head.weight", "/gpu:1");
  plan.Forward("/head/Gemm", "/gpu:1");
  return std::move(plan).Map();
}

TEST(DeviceMapTest, ParametersOfTornModulesHaveEntriesOfTheirOwn) {
  const Json result = VisionTransformer("/gpu:0", "/gpu:0");
  EXPECT_EQ(result.at("device_map"), Json({{"class_token", "cuda:0"},
                                           {"patches", "cuda:0"},
                                           {"body.pos_embedding", "cuda:0"},
                                           {"body.layers.0", "cuda:0"},
                                           {"body.layers.1", "cuda:1"},
                                           {"head", "cuda:1"}}));
  ASSERT_EQ(result.at("conflicts").size(), 1U);
  EXPECT_EQ(result.at("conflicts")[0],
            Json({{"module", "body"},
                  {"why", "it runs ops itself, and holds modules elsewhere"},
                  {"ops", {{"body.pos_embedding", "cuda:0"}, {"/body/Add", "cuda:0"}}}}));
}

TEST(DeviceMapTest, TheModelItselfConflictsWhereItsOwnAreTorn) {
  const Json result = VisionTransformer("/gpu:1", "/gpu:1");
  EXPECT_EQ(result.at("device_map").at("class_token"), "cuda:1");
  EXPECT_EQ(result.at("device_map").at("body.pos_embedding"), "cuda:1");
  ASSERT_EQ(result.at("conflicts").size(), 2U);
  EXPECT_EQ(result.at("conflicts")[0],
            Json({{"module", ""},
                  {"why", "its ops are on several devices"},
                  {"ops", {{"class_token", "cuda:1"}, {"/Concat", "cuda:0"}}}}));
  EXPECT_EQ(result.at("conflicts")[1].at("module"), "body");
  EXPECT_EQ(result.at("conflicts")[1].at("why"), "its ops are on several devices");
}

/// A token that a module is handed is not that module's.
TEST(DeviceMapTest, ParametersAreUnderTheirOwnName) {
  Plan plan;
  plan.Parameter("token", "/gpu:1");
  plan.Forward("/embed/Add", "/gpu:1");
  plan.Parameter("scales.0", "/gpu:0");
  plan.Parameter("scales.1", "/gpu:1");
  plan.Forward("/head/Gemm", "/gpu:0");
  const Json result = std::move(plan).Map();
  EXPECT_EQ(result.at("device_map"), Json({{"token", "cuda:1"},
                                           {"embed", "cuda:1"},
                                           {"scales.0", "cuda:0"},
                                           {"scales.1", "cuda:1"},
                                           {"head", "cuda:0"}}));
  EXPECT_THAT(result.at("conflicts"), IsEmpty()) << "they run no ops";
}

TEST(DeviceMapTest, AModuleThatHoldsNoOthersGoesWhereMostOfItIs) {
  Plan plan;
  plan.Parameter("a.weight", "/gpu:1");
  plan.Forward("/a/Conv", "/gpu:0");
  plan.Forward("/a/Relu", "/gpu:0");
  plan.Forward("/b/Gemm", "/cpu:0");
  const Json result = std::move(plan).Map();
  EXPECT_EQ(result.at("device_map"), Json({{"a", "cuda:0"}, {"b", "cpu"}}));
  ASSERT_EQ(result.at("conflicts").size(), 1U);
  EXPECT_EQ(result.at("conflicts")[0].at("module"), "a");
}

TEST(DeviceMapTest, NamesWithoutScopesAreRefused) {
  Plan plan;
  plan.Parameter("w", "/gpu:0");
  plan.Forward("Conv_1", "/gpu:1");
  EXPECT_THAT([&] { static_cast<void>(std::move(plan).Map()); },
              ThrowsMessage<InputError>(HasSubstr("have no module scopes")));
}

}  // namespace
}  // namespace placer
