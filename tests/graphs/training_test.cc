#include "graphs/training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "graphs/base/error.h"
#include "graphs/base/rng.h"
#include "tests/support/net.h"

namespace placer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;

const Op& OpNamed(const Graph& graph, const std::string& name) {
  const auto id = graph.FindOp(name);
  if (!id) {
    throw std::runtime_error("no op " + name);
  }
  return graph.op(*id);
}

const Tensor& TensorOf(const Graph& graph, const std::string& op, std::size_t index = 0) {
  return graph.tensor(TensorId(graph.first_output(graph.FindOp(op).value()).index() + index));
}

std::string ErrorOf(const Graph& graph, const TrainingOptions& options = {}) {
  try {
    (void)MakeTrainingGraph(graph, options);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

/// x [4, 8] times w [8, 16], rectified.
Graph Perceptron() {
  Net net;
  const TensorId x = net.Input("x", {4, 8});
  const TensorId w = net.Parameter("w", {8, 16});
  net.MarkOutput(net.Op1("relu", "Relu", {net.Op1("mm", "MatMul", {x, w}, {4, 16})}, {4, 16}));
  return net.Build();
}

TEST(Training, ReadsExactlyWhatTheRulesSay) {
  const Graph graph = MakeTrainingGraph(Perceptron(), {});
  EXPECT_THAT(AddedByTraining(graph),
              ElementsAre("loss/relu = Loss(relu)", "relu/grad = ReluGrad(loss/relu:1, relu)",
                          "mm/grad_b = MatMulGradB(relu/grad, x)",
                          "w/update = MomentumUpdate(w, mm/grad_b)"));
  EXPECT_EQ(OpNamed(graph, "mm/grad_b").flops, 2 * 4 * 8 * 16);
  EXPECT_EQ(OpNamed(graph, "mm/grad_b").role, OpRole::kBackward);
  EXPECT_EQ(OpNamed(graph, "w/update").role, OpRole::kUpdate);
  EXPECT_THAT(TensorOf(graph, "mm/grad_b").shape, ElementsAre(8, 16));
}

TEST(Training, TheLossIsTheOnlyOutput) {
  const Graph graph = MakeTrainingGraph(Perceptron(), {});
  std::vector<std::string> outputs;
  for (std::size_t i = 0; i < graph.num_tensors(); ++i) {
    if (graph.tensor(TensorId(i)).graph_output) {
      outputs.push_back(TensorName(graph, TensorId(i)));
    }
  }
  EXPECT_THAT(outputs, ElementsAre("loss/relu"));
  EXPECT_THAT(TensorOf(graph, "loss/relu").shape, IsEmpty());
}

TEST(Training, ForwardOpsStayAsTheyAre) {
  const Graph forward = Perceptron();
  const Graph graph = MakeTrainingGraph(forward, {});
  for (std::size_t i = 0; i < forward.num_ops(); ++i) {
    Op op = graph.op(OpId(i));
    if (op.role == OpRole::kParameter) {
      op.colocation_group.clear();
    }
    EXPECT_EQ(op, forward.op(OpId(i)));
    EXPECT_EQ(graph.first_output(OpId(i)), forward.first_output(OpId(i)));
  }
}

TEST(Training, OptimizersHoldAndMoveTheirState) {
  constexpr int kBytes = 8 * 16 * 4;
  for (const auto& [optimizer, type, state, moved, flops] :
       {std::tuple{Optimizer::kSgd, "SgdUpdate", 0, 3, 2},
        std::tuple{Optimizer::kMomentum, "MomentumUpdate", 1, 5, 4},
        std::tuple{Optimizer::kAdam, "AdamUpdate", 2, 7, 12}}) {
    const Graph graph = MakeTrainingGraph(Perceptron(), {.optimizer = optimizer});
    const Op& update = OpNamed(graph, "w/update");
    EXPECT_EQ(update.type, type);
    EXPECT_EQ(update.op_class, OpClass::kUpdate);
    EXPECT_EQ(update.persistent_bytes, state * kBytes);
    EXPECT_EQ(update.traffic_bytes, moved * kBytes);
    EXPECT_EQ(update.flops, flops * 8 * 16);
    EXPECT_EQ(graph.colocation_class(*graph.FindOp("w/update")),
              graph.colocation_class(*graph.FindOp("w")));
    EXPECT_NE(graph.colocation_class(*graph.FindOp("mm/grad_b")),
              graph.colocation_class(*graph.FindOp("w")));
    EXPECT_EQ(ParseOptimizer(Name(optimizer)), optimizer);
  }
  EXPECT_EQ(ParseOptimizer("Adam"), std::nullopt);
}

TEST(Training, AnUpdateJoinsTheGroupOfItsParameter) {
  GraphBuilder builder("g");
  const OpId w = builder.AddOp(
      {.name = "w", .type = "P", .role = OpRole::kParameter, .colocation_group = "mine"}, {},
      {{.shape = {2}}});
  builder.AddOp({.name = "y", .type = "Relu"}, {builder.Output(w)}, {{.shape = {2}}});
  const Graph graph = MakeTrainingGraph(std::move(builder).Build(), {});
  EXPECT_EQ(OpNamed(graph, "w/update").colocation_group, "mine");
}

TEST(Training, ConvolutionCostsTwiceTheForwardPass) {
  Net net;
  const TensorId x = net.Input("x", {2, 3, 10, 10});
  const TensorId a = net.Op1("a", "Conv", {x, net.Parameter("wa", {8, 3, 3, 3})}, {2, 8, 8, 8});
  const TensorId b =
      net.Op1("b", "Conv", {a, net.Parameter("wb", {4, 8, 3, 3}), net.Parameter("bias", {4})},
              {2, 4, 6, 6});
  net.MarkOutput(b);
  const Graph graph = MakeTrainingGraph(net.Build(), {});
  EXPECT_THAT(AddedByTraining(graph),
              ElementsAre("loss/b = Loss(b)", "b/grad_input = ConvGradInput(loss/b:1, wb)",
                          "b/grad_weight = ConvGradWeight(loss/b:1, a)",
                          "b/grad_bias = ReduceSum(loss/b:1)",
                          "a/grad_weight = ConvGradWeight(b/grad_input, x)",
                          "wa/update = MomentumUpdate(wa, a/grad_weight)",
                          "wb/update = MomentumUpdate(wb, b/grad_weight)",
                          "bias/update = MomentumUpdate(bias, b/grad_bias)"));
  const int products = 2 * (2 * 4 * 6 * 6) * (8 * 3 * 3);
  EXPECT_EQ(OpNamed(graph, "b").flops, products + 2 * 4 * 6 * 6);
  EXPECT_EQ(OpNamed(graph, "b/grad_input").flops + OpNamed(graph, "b/grad_weight").flops,
            2 * products);
  EXPECT_EQ(OpNamed(graph, "b/grad_bias").flops, 2 * 4 * 6 * 6);
  EXPECT_EQ(OpNamed(graph, "a/grad_weight").flops, OpNamed(graph, "a").flops);
}

TEST(Training, PoolingGradientsKeepTheWindow) {
  Net net;
  const TensorId w = net.Parameter("w", {1, 2, 6, 6});
  net.MarkOutput(net.Op1("pool", "MaxPool", {w}, {1, 2, 2, 2}, 9));
  const Graph graph = MakeTrainingGraph(net.Build(), {});
  EXPECT_EQ(OpNamed(graph, "pool/grad").flops, 8 * 9);
  EXPECT_EQ(OpNamed(graph, "pool/grad").op_class, OpClass::kPooling);
  EXPECT_EQ(OpNamed(graph, "pool/grad").traffic_bytes, 4 * (8 + 72 + 8 + 72));
}

TEST(Training, GradientsThatMeetAreAddedOnce) {
  Net net;
  const TensorId w = net.Parameter("w", {4});
  const TensorId a = net.Op1("a", "Relu", {w}, {4});
  const TensorId b = net.Op1("b", "Tanh", {a}, {4});
  const TensorId c = net.Op1("c", "Sigmoid", {a}, {4});
  net.MarkOutput(net.Op1("d", "Add", {b, c}, {4}));
  EXPECT_THAT(
      AddedByTraining(MakeTrainingGraph(net.Build(), {})),
      ElementsAre("loss/d = Loss(d)", "c/grad = SigmoidGrad(loss/d:1, c)",
                  "b/grad = TanhGrad(loss/d:1, b)", "a/grad_sum = Sum(c/grad, b/grad)",
                  "a/grad = ReluGrad(a/grad_sum, a)", "w/update = MomentumUpdate(w, a/grad)"));
}

TEST(Training, ATensorReadTwiceByOneOpGetsBothGradients) {
  Net net;
  const TensorId w = net.Parameter("w", {4});
  net.MarkOutput(net.Op1("square", "Mul", {w, w}, {4}));
  EXPECT_THAT(AddedByTraining(MakeTrainingGraph(net.Build(), {})),
              ElementsAre("loss/square = Loss(square)", "square/grad_a = Mul(loss/square:1, w)",
                          "square/grad_b = Mul(loss/square:1, w)",
                          "w/grad_sum = Sum(square/grad_a, square/grad_b)",
                          "w/update = MomentumUpdate(w, w/grad_sum)"));
}

/// One weight read by `readers` ops, each of them an output.
Graph Shared(int readers) {
  Net net;
  const TensorId w = net.Parameter("w", {4});
  for (int i = 0; i < readers; ++i) {
    net.MarkOutput(net.Op1("r" + std::to_string(i), "Relu", {w}, {4}));
  }
  return net.Build();
}

TEST(Training, ManyGradientsAreAddedInParts) {
  const Graph graph = MakeTrainingGraph(Shared(6), {.max_addends = 4});
  EXPECT_THAT(AddedByTraining(graph),
              IsSupersetOf({"w/grad_sum = Sum(r5/grad, r4/grad, r3/grad, r2/grad)",
                            "w/grad_sum2 = Sum(w/grad_sum, r1/grad, r0/grad)",
                            "w/update = MomentumUpdate(w, w/grad_sum2)"}));
  const Graph whole = MakeTrainingGraph(Shared(6), {.max_addends = 0});
  EXPECT_EQ(whole.inputs(*whole.FindOp("w/grad_sum")).size(), 6U);
  EXPECT_EQ(whole.FindOp("w/grad_sum2"), std::nullopt);
  EXPECT_THAT(ErrorOf(Shared(2), {.max_addends = 1}), HasSubstr("max_addends is 1"));
}

TEST(Training, EveryOutputHasALossAndTheyMeet) {
  const Graph graph = MakeTrainingGraph(Shared(2), {});
  EXPECT_THAT(AddedByTraining(graph), IsSupersetOf({"loss/r0 = Loss(r0)", "loss/r1 = Loss(r1)",
                                                    "loss = Sum(loss/r0, loss/r1)"}));
  EXPECT_TRUE(TensorOf(graph, "loss").graph_output);
  EXPECT_FALSE(TensorOf(graph, "loss/r0").graph_output);
}

TEST(Training, WithoutMarkedOutputsWhatNobodyReadsIsTrained) {
  Net net;
  const TensorId w = net.Parameter("w", {4});
  net.Op1("b", "Relu", {net.Op1("a", "Relu", {w}, {4})}, {4});
  EXPECT_THAT(AddedByTraining(MakeTrainingGraph(net.Build(), {})),
              ElementsAre("loss/b = Loss(b)", "b/grad = ReluGrad(loss/b:1, b)",
                          "a/grad = ReluGrad(b/grad, a)", "w/update = MomentumUpdate(w, a/grad)"));
}

TEST(Training, ParametersWithoutGradientGetNoUpdate) {
  Net net;
  const TensorId x = net.Input("x", {2, 4, 3, 3});
  std::vector<TensorId> inputs = {x};
  for (const char* name : {"scale", "bias", "mean", "variance"}) {
    inputs.push_back(net.Parameter(name, {4}));
  }
  const TensorId bn = net.Op1("bn", "BatchNormalization", inputs, {2, 4, 3, 3});
  const TensorId table = net.Parameter("table", {2}, DataType::kInt64);
  (void)net.Op1("unused", "Relu", {net.Parameter("dead", {4})}, {4});
  net.MarkOutput(net.Op1("y", "Reshape", {bn, table}, {2, 36}));
  EXPECT_THAT(AddedByTraining(MakeTrainingGraph(net.Build(), {})),
              ElementsAre("loss/y = Loss(y)", "y/grad = Reshape(loss/y:1)",
                          "bn/grad = BatchNormalizationGrad(y/grad, x, scale)",
                          "scale/update = MomentumUpdate(scale, bn/grad)",
                          "bias/update = MomentumUpdate(bias, bn/grad:1)"));
}

TEST(Training, AViewsGradientIsAView) {
  Net net;
  const TensorId w = net.Parameter("w", {2, 6});
  const TensorId a = net.Op1("a", "Relu", {w}, {2, 6});
  const TensorId same = net.Op1("same", "Identity", {a}, {2, 6});
  net.MarkOutput(net.Op1("flat", "Reshape", {same}, {12}));
  const Graph graph = MakeTrainingGraph(net.Build(), {});
  EXPECT_THAT(
      AddedByTraining(graph),
      ElementsAre("loss/flat = Loss(flat)", "flat/grad = Reshape(loss/flat:1)",
                  "a/grad = ReluGrad(flat/grad, a)", "w/update = MomentumUpdate(w, a/grad)"));
  EXPECT_EQ(TensorOf(graph, "flat/grad").storage,
            TensorId(graph.first_output(*graph.FindOp("loss/flat")).index() + 1));
  EXPECT_EQ(OpNamed(graph, "flat/grad").traffic_bytes, 0);
}

TEST(Training, LookingUpRowsOfAParameterIsSparse) {
  Net net;
  const TensorId table = net.Parameter("table", {1000, 8});
  std::vector<TensorId> rows;
  for (const std::string t : {"0", "1"}) {
    const TensorId words = net.Input("words" + t, {5}, DataType::kInt64);
    net.MarkOutput(net.Op1("look" + t, "Gather", {table, words}, {5, 8}));
  }
  const Graph graph = MakeTrainingGraph(net.Build(), {.optimizer = Optimizer::kSgd});
  EXPECT_THAT(AddedByTraining(graph),
              IsSupersetOf({"look0/grad = GatherGrad(loss/look0:1, words0)",
                            "table/grad_sum = Sum(look1/grad, look0/grad)",
                            "table/update = SgdUpdate(table, table/grad_sum)"}));
  const int sparse = 5 * 8 * 4 + 5 * 8;
  EXPECT_EQ(TensorOf(graph, "look0/grad").bytes, sparse);
  EXPECT_EQ(TensorOf(graph, "table/grad_sum").bytes, 2 * sparse);
  EXPECT_EQ(OpNamed(graph, "table/update").traffic_bytes, 3 * 2 * sparse);
}

TEST(Training, LookingUpRowsOfAnActivationIsDense) {
  Net net;
  const TensorId a = net.Op1("a", "Relu", {net.Parameter("w", {1000, 8})}, {1000, 8});
  const TensorId words = net.Input("words", {5}, DataType::kInt64);
  net.MarkOutput(net.Op1("look", "Gather", {a, words}, {5, 8}));
  EXPECT_EQ(TensorOf(MakeTrainingGraph(net.Build(), {}), "look/grad").bytes, 1000 * 8 * 4);
}

TEST(Training, UnknownTypesPassTheGradientOnAndAreNamedOnce) {
  Net net;
  const TensorId w = net.Parameter("w", {4});
  const TensorId ids = net.Input("ids", {4}, DataType::kInt64);
  const TensorId a = net.Op1("a", "com.acme.Magic", {w, ids}, {4});
  net.MarkOutput(net.Op1("b", "com.acme.Magic", {a}, {4}));
  std::vector<std::string> warnings;
  const Graph forward = net.Build();
  const Graph graph = MakeTrainingGraph(forward, {}, &warnings);
  EXPECT_THAT(AddedByTraining(graph),
              ElementsAre("loss/b = Loss(b)", "b/grad = com.acme.MagicGrad(loss/b:1, a)",
                          "a/grad = com.acme.MagicGrad(b/grad, w, ids)",
                          "w/update = MomentumUpdate(w, a/grad)"));
  EXPECT_EQ(OpNamed(graph, "a/grad").traffic_bytes, 2 * OpNamed(forward, "a").traffic_bytes);
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("'com.acme.Magic' has no backward rule: 2 ops")));
}

TEST(Training, RefusesGraphsThatCannotBeTrained) {
  EXPECT_THAT(ErrorOf(MakeTrainingGraph(Perceptron(), {})),
              HasSubstr("op 'loss/relu': is a backward op"));
  Net net;
  net.MarkOutput(net.Op1("y", "Relu", {net.Input("x", {2})}, {2}));
  EXPECT_THAT(ErrorOf(net.Build()), HasSubstr("graph 'net': nothing to train"));
  EXPECT_THAT(ErrorOf(Graph()), HasSubstr("nothing to train"));
  Net integers;
  integers.MarkOutput(integers.Output(integers.Add("max", "ArgMax", {integers.Parameter("w", {4})},
                                                   {{.dtype = DataType::kInt64, .shape = {1}}}),
                                      0));
  EXPECT_THAT(ErrorOf(integers.Build()), HasSubstr("nothing to train"));
}

TEST(Training, NamesThatAreTakenAreAvoided) {
  Net net;
  const TensorId w = net.Parameter("w", {2});
  const TensorId a = net.Op1("a", "Relu", {w}, {2});
  net.MarkOutput(net.Op1("a/grad", "Relu", {a}, {2}));
  EXPECT_THAT(
      AddedByTraining(MakeTrainingGraph(net.Build(), {})),
      ElementsAre("loss/a/grad = Loss(a/grad)", "a/grad/grad = ReluGrad(loss/a/grad:1, a/grad)",
                  "a/grad_2 = ReluGrad(a/grad/grad, a)", "w/update = MomentumUpdate(w, a/grad_2)"));
}

TEST(Training, RandomGraphsTrainEveryParameterThatMatters) {
  for (Seed seed = 0; seed < 20; ++seed) {
    Rng rng(DeriveSeed(7, seed));
    Net net;
    std::vector<TensorId> tensors = {net.Input("x", {4, 4})};
    for (int i = 0; i < 10; ++i) {
      tensors.push_back(net.Parameter("w" + std::to_string(i), {4, 4}));
    }
    for (int i = 0; i < 60; ++i) {
      constexpr std::array kTypes = {"Add", "MatMul", "Mul", "Relu", "Tanh"};
      const std::string type = kTypes[rng.Below(kTypes.size())];
      std::vector<TensorId> inputs = {tensors[rng.Below(tensors.size())]};
      if (type != "Relu" && type != "Tanh") {
        inputs.push_back(tensors[rng.Below(tensors.size())]);
      }
      tensors.push_back(net.Op1("op" + std::to_string(i), type, inputs, {4, 4}));
    }
    const Graph forward = net.Build();
    const Graph graph = MakeTrainingGraph(forward, {});
    EXPECT_EQ(graph.fingerprint(), MakeTrainingGraph(forward, {}).fingerprint());
    // Every tensor is read or an end, so a parameter that somebody reads reaches a loss.
    for (int i = 0; i < 10; ++i) {
      const std::string name = "w" + std::to_string(i);
      const bool read = !forward.consumers(forward.first_output(*forward.FindOp(name))).empty();
      EXPECT_EQ(graph.FindOp(name + "/update").has_value(), read) << "seed " << seed << " " << name;
    }
    EXPECT_EQ(graph.FindOp("x/grad_sum"), std::nullopt);
  }
}

}  // namespace
}  // namespace placer
