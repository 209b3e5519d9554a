#include "graphs/forward_ops.h"

#include <gtest/gtest.h>

#include "graphs/zoo.h"

namespace placer {
namespace {

std::string Of(const Graph& graph, const std::string& op) {
  const ForwardOps forward(graph);
  return graph.op(forward(graph.FindOp(op).value())).name;
}
std::string NamedBy(const Graph& graph, const std::string& op) {
  const ForwardOps forward(graph);
  const std::optional<OpId> named = forward.Named(graph.FindOp(op).value());
  return named ? graph.op(*named).name : "";
}

TEST(ForwardOps, EveryRoleHasItsForwardOp) {
  const Graph graph = MakeZooGraph("rnnlm?unroll=2&hidden=8&vocab=16");
  EXPECT_EQ(Of(graph, "lstm0/t1/matmul"), "lstm0/t1/matmul");
  EXPECT_EQ(Of(graph, "lstm0/t1/matmul/grad_b"), "lstm0/t1/matmul");
  EXPECT_EQ(Of(graph, "words/t1"), "embedding/t1");
  EXPECT_EQ(Of(graph, "lstm0/weight"), "lstm0/t0/matmul");
  EXPECT_EQ(Of(graph, "lstm0/weight/grad_sum"), "lstm0/t0/matmul");
  EXPECT_EQ(Of(graph, "lstm0/weight/update"), "lstm0/t0/matmul");
  EXPECT_EQ(Of(graph, "loss/softmax/t1/logits"), "softmax/t1/logits");
}

TEST(ForwardOps, NamesSayWhatIsServed) {
  const Graph graph = MakeZooGraph("rnnlm?unroll=2&hidden=8&vocab=16");
  EXPECT_EQ(NamedBy(graph, "lstm0/t1/matmul/grad_b"), "lstm0/t1/matmul");
  EXPECT_EQ(NamedBy(graph, "lstm0/weight/grad_sum"), "lstm0/weight");
  EXPECT_EQ(NamedBy(graph, "lstm0/t1/matmul"), "");
  EXPECT_EQ(NamedBy(graph, "lstm0/weight"), "");
  EXPECT_EQ(NamedBy(graph, "loss/softmax/t1/logits"), "");
}

}  // namespace
}  // namespace placer
