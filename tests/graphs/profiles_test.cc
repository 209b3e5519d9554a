// PipeDream profiles and DOPPLER graphs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graphs/base/error.h"
#include "graphs/doppler.h"
#include "graphs/model_file.h"
#include "graphs/pipedream.h"

namespace placer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kProfile =
    "node1 -- Input -- forward_compute_time=9.0, backward_compute_time=0.0, activation_size=64.0, "
    "parameter_size=0.0\n"
    "node2 -- Conv2d(3, 8, kernel_size=(3, 3)) -- forward_compute_time=2.0, "
    "backward_compute_time=3.0, activation_size=[100.0; 20.0], parameter_size=40.0\n"
    "node3 -- ReLU(inplace) -- forward_compute_time=0.5, backward_compute_time=0.25, "
    "activation_size=120.0, parameter_size=0.0 -- stage_id=1\n"
    "\tnode1 -- node2\n"
    "\tnode2 -- node3\n";

template <typename Import>
std::string ErrorOf(const Import& import, std::string text, const std::string& from,
                    const std::string& to) {
  text.replace(text.find(from), from.size(), to);
  try {
    (void)import(ModelFile("p.txt", text), std::nullopt);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(ImportPipeDream, MakesAForwardAndABackwardOpOfEachLayer) {
  const LoadedModel model = ImportPipeDream(ModelFile("p.txt", kProfile));
  const Graph& graph = model.graph;
  ASSERT_EQ(graph.num_ops(), 5U);
  EXPECT_EQ(graph.op(*graph.FindOp("node1")).role, OpRole::kInput);
  const OpId conv = *graph.FindOp("node2");
  const OpId conv_grad = *graph.FindOp("node2/grad");
  const OpId relu = *graph.FindOp("node3");
  const OpId relu_grad = *graph.FindOp("node3/grad");
  EXPECT_EQ(graph.op(conv).type, "Conv2d");
  EXPECT_EQ(graph.op(conv).persistent_bytes, 40);
  EXPECT_THAT(graph.op(conv).times, ElementsAre(OpTime{"gpu", Seconds(2e-3)}));
  EXPECT_THAT(graph.op(conv_grad).times, ElementsAre(OpTime{"gpu", Seconds(3e-3)}));
  EXPECT_EQ(graph.op(conv_grad).role, OpRole::kBackward);
  EXPECT_EQ(graph.op(conv_grad).source_name, "node2");
  EXPECT_EQ(graph.colocation_class(conv), graph.colocation_class(conv_grad));
  EXPECT_NE(graph.colocation_class(conv), graph.colocation_class(relu));
  EXPECT_EQ(graph.tensor(graph.first_output(conv)).bytes, 120);
  EXPECT_THAT(graph.inputs(relu), ElementsAre(graph.first_output(conv)));
  EXPECT_THAT(graph.inputs(relu_grad), ElementsAre(graph.first_output(relu)));
  EXPECT_THAT(graph.inputs(conv_grad),
              ElementsAre(graph.first_output(conv), graph.first_output(relu_grad)));
  EXPECT_EQ(graph.num_outputs(conv_grad), 0U);  // an input needs no gradient
  EXPECT_THAT(model.warnings, ElementsAre(HasSubstr("0.009000 s")));
}

TEST(ImportPipeDream, SaysWhatIsWrongWhere) {
  const auto error = [](const std::string& from, const std::string& to) {
    return ErrorOf(ImportPipeDream, kProfile, from, to);
  };
  EXPECT_EQ(error("forward_compute_time=2.0", "forward_compute_time=x"),
            "p.txt:2: forward_compute_time is 'x', expected a number from 0 to 1000000000.0");
  EXPECT_THAT(error("parameter_size=40.0", "parameter=40.0"), HasSubstr("p.txt:2: has field"));
  EXPECT_THAT(error(", parameter_size=40.0", ""), HasSubstr("p.txt:2: node 'node2' lacks a field"));
  EXPECT_THAT(error("\tnode2 -- node3", "\tnode2 -- node9"),
              HasSubstr("p.txt:5: has an edge with 'node9', but there is no such node"));
  EXPECT_THAT(error("node3 --", "node2 --"), HasSubstr("p.txt:3: node 'node2' is given twice"));
  EXPECT_THAT(error("\tnode1 -- node2", "\tnode3 -- node2"), HasSubstr("cycle"));
  EXPECT_THAT(error("\tnode1 -- node2", "\tnode2 -- node1"),
              HasSubstr("input 'node1' has an edge to it"));
  // The same where the input is the last node of the file.
  const std::string late =
      "node2 -- ReLU(inplace) -- forward_compute_time=0.5, backward_compute_time=0.25, "
      "activation_size=120.0, parameter_size=0.0\n"
      "node1 -- Input -- forward_compute_time=0.0, backward_compute_time=0.0, "
      "activation_size=64.0, parameter_size=0.0\n"
      "\tnode1 -- node2\n";
  EXPECT_THAT(ErrorOf(ImportPipeDream, late, "\tnode1 -- node2", "\tnode2 -- node1"),
              HasSubstr("input 'node1' has an edge to it"));
}

// Five nodes, two of them inputs that edges and costs leave out: 0 -> 1, 0 -> 2.
const std::string kDoppler = "5\n0, 1, \n0, 0, \n1, 2, \n10000000000,4\n20,5\n30,6\n";

TEST(ImportDoppler, ReadsEdgesAndCostsWithoutTheInputs) {
  const LoadedModel model = ImportDoppler(ModelFile("d.txt", kDoppler));
  const Graph& graph = model.graph;
  ASSERT_EQ(graph.num_ops(), 3U);
  EXPECT_THAT(graph.op(OpId(0)).times, ElementsAre(OpTime{"device", Seconds(1)}));
  EXPECT_EQ(graph.tensor(TensorId(1)).bytes, 5);
  EXPECT_THAT(graph.consumers(TensorId(0)), ElementsAre(OpId(1), OpId(2)));
  ASSERT_TRUE(model.devices);
  EXPECT_EQ(model.devices->pools.front().count, 4U);
}

TEST(ImportDoppler, SaysWhatIsWrongWhere) {
  const auto error = [](const std::string& from, const std::string& to) {
    return ErrorOf(ImportDoppler, kDoppler, from, to);
  };
  EXPECT_THAT(error("\n1, 2, ", "\n1, "), HasSubstr("p.txt:4: lists 1 destinations, expected 2"));
  EXPECT_THAT(error("20,5", "20;5"), HasSubstr("p.txt:6: is '20;5'"));
  EXPECT_THAT(error("20,5\n", ""), HasSubstr("expected 5 nodes less 2 inputs"));
  EXPECT_THAT(error("\n1, 2, ", "\n1, 3, "), HasSubstr("p.txt:4: edge 1 has node 3"));
  EXPECT_THAT(error("20,5", "20,-5"), HasSubstr("p.txt:6: the cost of sending is '-5'"));
}

}  // namespace
}  // namespace placer
