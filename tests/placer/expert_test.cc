#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "placer/registry.h"
#include "tests/support/test_devices.h"
#include "tests/support/test_problem.h"

namespace placer {
namespace {

using test::ComputeOp;
using testing_support::TestProblem;

/// Devices "cpu", "g0", ... and the expert's choice for every op, by name.
class Expert : public testing::Test {
 protected:
  static std::map<std::string, std::string> Place(Graph graph, std::size_t num_accelerators) {
    ClusterSpec spec = test::Switched(0);
    spec.devices.push_back(test::TestDevice("cpu"));
    spec.devices.back().kind = "cpu";
    spec.links.push_back(test::TestLink("cpu", "s"));
    for (std::size_t i = 0; i < num_accelerators; ++i) {
      spec.devices.push_back(test::TestDevice("g" + std::to_string(i)));
      spec.links.push_back(test::TestLink(spec.devices.back().name, "s"));
    }
    const TestProblem t(std::move(graph), Cluster(spec));
    const PlaceResult result =
        HeuristicPlacers().Make("expert")->Place({t.problem, {1, {}}, 1, {}, {}, {}});
    const Placement placement = t.problem.Expand(*result.groups);
    std::map<std::string, std::string> device;
    for (std::size_t i = 0; i < t.graph.num_ops(); ++i) {
      device[t.graph.op(OpId(i)).name] = t.cluster.device(placement.device(OpId(i))).name;
    }
    return device;
  }
};

/// embedding -> lstm0 -> lstm1 per step, softmax at the end; a weight per layer with its update,
/// and the gradient of the first layer.
Graph Recurrent() {
  GraphBuilder builder("recurrent");
  const auto weight = [&](const std::string& name) {
    Op op = ComputeOp(name, 0, OpRole::kParameter);
    op.colocation_group = name;
    return builder.AddOp(op, {}, {test::Bytes(4)});
  };
  const OpId w0 = weight("lstm0/kernel");
  const OpId w1 = weight("lstm1/kernel");
  std::vector<TensorId> tops;
  for (const std::string step : {"t0", "t1"}) {
    const OpId embed = builder.AddOp(ComputeOp("embedding/" + step, 10), {}, {test::Bytes(4)});
    const OpId l0 = builder.AddOp(ComputeOp("lstm0/" + step + "/matmul", 10),
                                  {builder.Output(embed), builder.Output(w0)}, {test::Bytes(4)});
    const OpId l1 = builder.AddOp(ComputeOp("lstm1/" + step + "/matmul", 10),
                                  {builder.Output(l0), builder.Output(w1)}, {test::Bytes(4)});
    tops.push_back(builder.Output(l1));
  }
  const OpId softmax = builder.AddOp(ComputeOp("softmax", 10), tops, {test::Bytes(4)});
  const OpId grad = builder.AddOp(ComputeOp("lstm0/t1/matmul/grad_weight", 10, OpRole::kBackward),
                                  {builder.Output(softmax)}, {test::Bytes(4)});
  Op update = ComputeOp("lstm0/kernel/update", 10, OpRole::kUpdate);
  update.colocation_group = "lstm0/kernel";
  builder.AddOp(update, {builder.Output(w0), builder.Output(grad)}, {});
  return std::move(builder).Build();
}

TEST_F(Expert, GivesARecurrentLayerToEveryAccelerator) {
  const auto device = Place(Recurrent(), 2);
  for (const std::string op :
       {"lstm0/kernel", "lstm0/t0/matmul", "lstm0/t1/matmul", "lstm0/t1/matmul/grad_weight",
        "lstm0/kernel/update", "embedding/t0"}) {
    EXPECT_EQ(device.at(op), "g0") << op;
  }
  for (const std::string op : {"lstm1/kernel", "lstm1/t0/matmul", "lstm1/t1/matmul", "softmax"}) {
    EXPECT_EQ(device.at(op), "g1") << op;
  }
}

TEST_F(Expert, PutsAttentionAndSoftmaxWithTheLastLayer) {
  GraphBuilder builder("nmt");
  std::vector<TensorId> inputs;
  for (const std::string name :
       {"encoder/embedding", "encoder/lstm0/t0/x", "encoder/lstm1/t0/x", "encoder/lstm2/t0/x",
        "encoder/lstm3/t0/x", "attention/t0/scores", "decoder/embed/t0", "decoder/lstm0/t0/x",
        "decoder/lstm1/t0/x", "projection/matmul"}) {
    const OpId op = builder.AddOp(ComputeOp(name, 10), inputs, {test::Bytes(4)});
    inputs = {builder.Output(op)};
  }
  const auto device = Place(std::move(builder).Build(), 4);
  EXPECT_EQ(device.at("encoder/embedding"), "g0");
  EXPECT_EQ(device.at("encoder/lstm2/t0/x"), "g2");
  EXPECT_EQ(device.at("encoder/lstm3/t0/x"), "g3");
  EXPECT_EQ(device.at("decoder/embed/t0"), "g0");
  EXPECT_EQ(device.at("decoder/lstm1/t0/x"), "g1");
  EXPECT_EQ(device.at("attention/t0/scores"), "g3");
  EXPECT_EQ(device.at("projection/matmul"), "g3");
}

TEST_F(Expert, SpreadsMoreLayersThanAcceleratorsEvenly) {
  GraphBuilder builder("deep");
  std::vector<TensorId> inputs;
  for (int i = 0; i < 12; ++i) {
    const OpId op =
        builder.AddOp(ComputeOp("lstm_" + std::to_string(i) + "/t0", 10), inputs, {test::Bytes(4)});
    inputs = {builder.Output(op)};
  }
  const auto device = Place(std::move(builder).Build(), 3);
  EXPECT_EQ(device.at("lstm_3/t0"), "g0");
  EXPECT_EQ(device.at("lstm_4/t0"), "g1");
  EXPECT_EQ(device.at("lstm_10/t0"), "g2");  // by number, not by letters
}

TEST_F(Expert, TakesWholeSequenceOpsAsLayers) {
  GraphBuilder builder("onnx");
  std::vector<TensorId> inputs;
  for (const std::string name : {"/rnn/LSTM", "/rnn/LSTM_1", "/fc/Gemm"}) {
    Op op = ComputeOp(name, 10);
    op.type = name == "/fc/Gemm" ? "Gemm" : "LSTM";
    inputs = {builder.Output(builder.AddOp(op, inputs, {test::Bytes(4)}))};
  }
  const auto device = Place(std::move(builder).Build(), 2);
  EXPECT_EQ(device.at("/rnn/LSTM"), "g0");
  EXPECT_EQ(device.at("/rnn/LSTM_1"), "g1");
  EXPECT_EQ(device.at("/fc/Gemm"), "g1");
}

TEST_F(Expert, CutsAConvolutionalModelByWorkWithTheBackwardPassFolded) {
  GraphBuilder builder("conv");
  std::vector<TensorId> inputs;
  for (int i = 0; i < 4; ++i) {
    const OpId op = builder.AddOp(ComputeOp("conv" + std::to_string(i), i == 0 ? 60 : 20), inputs,
                                  {test::Bytes(4)});
    inputs = {builder.Output(op)};
  }
  for (int i = 4; i-- > 0;) {
    const OpId op = builder.AddOp(
        ComputeOp("conv" + std::to_string(i) + "/grad", i == 0 ? 60 : 20, OpRole::kBackward),
        inputs, {test::Bytes(4)});
    inputs = {builder.Output(op)};
  }
  const auto device = Place(std::move(builder).Build(), 2);
  EXPECT_EQ(device.at("conv0"), "g0");
  EXPECT_EQ(device.at("conv0/grad"), "g0");
  for (const std::string op : {"conv1", "conv2", "conv3", "conv1/grad", "conv3/grad"}) {
    EXPECT_EQ(device.at(op), "g1") << op;
  }
}

}  // namespace
}  // namespace placer
