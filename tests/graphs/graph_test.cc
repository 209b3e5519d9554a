#include "graphs/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graphs/base/error.h"

namespace placer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Op Named(const std::string& name, OpRole role = OpRole::kForward) {
  Op op;
  op.name = name;
  op.type = "Test";
  op.role = role;
  return op;
}

std::string BuildError(GraphBuilder&& builder) {
  try {
    (void)std::move(builder).Build();
  } catch (const InputError& e) {
    return e.what();
  }
  return "no error";
}

TEST(GraphBuilder, KeepsOrderAndListsConsumersOnce) {
  GraphBuilder builder("g");
  const OpId x = builder.AddOp(Named("x", OpRole::kInput), {}, {{.shape = {2, 3}}});
  const OpId a =
      builder.AddOp(Named("a"), {builder.Output(x), builder.Output(x)}, {{.shape = {4}}});
  const OpId b = builder.AddOp(Named("b"), {builder.Output(a), builder.Output(x)}, {}, {x});
  const Graph graph = std::move(builder).Build();
  EXPECT_THAT(graph.inputs(a), ElementsAre(TensorId(0), TensorId(0)));
  EXPECT_THAT(graph.consumers(TensorId(0)), ElementsAre(a, b));
  EXPECT_THAT(graph.control_consumers(x), ElementsAre(b));
  EXPECT_EQ(graph.tensor(TensorId(0)).bytes, 24);
  EXPECT_EQ(graph.FindOp("b"), b);
  EXPECT_EQ(graph.FindOp("c"), std::nullopt);
}

TEST(GraphBuilder, SortsTopologically) {
  GraphBuilder builder("g");
  const OpId last = builder.AddOp(Named("last"), {}, {});
  const OpId first = builder.AddOp(Named("first"), {}, {{.shape = {}}});
  builder.SetInputs(last, {builder.Output(first)});
  const Graph graph = std::move(builder).Build();
  EXPECT_EQ(graph.op(OpId(0)).name, "first");
  EXPECT_EQ(graph.op(OpId(1)).name, "last");
}

TEST(GraphBuilder, AliasesShareStorageAndDevice) {
  GraphBuilder builder("g");
  const OpId a = builder.AddOp(Named("a"), {}, {{.shape = {8}}});
  const OpId other = builder.AddOp(Named("other"), {}, {{.shape = {8}}});
  const OpId view =
      builder.AddOp(Named("view"), {builder.Output(a)}, {{.shape = {2, 4}, .aliases_input = 0}});
  const OpId view2 = builder.AddOp(Named("view2"), {builder.Output(view)},
                                   {{.shape = {4, 2}, .aliases_input = 0}});
  const Graph graph = std::move(builder).Build();
  EXPECT_EQ(graph.tensor(graph.first_output(view2)).storage, graph.first_output(a));
  EXPECT_EQ(graph.colocation_class(view2), graph.colocation_class(a));
  EXPECT_NE(graph.colocation_class(other), graph.colocation_class(a));
  EXPECT_EQ(graph.num_colocation_classes(), 2U);
}

TEST(GraphBuilder, RefusesACycleAndNamesIt) {
  GraphBuilder builder("g");
  const OpId a = builder.AddOp(Named("a"), {}, {{.shape = {}}});
  const OpId b = builder.AddOp(Named("b"), {builder.Output(a)}, {{.shape = {}}});
  builder.SetInputs(a, {builder.Output(b)});
  const std::string error = BuildError(std::move(builder));
  EXPECT_THAT(error, HasSubstr("op 'a'"));
  EXPECT_THAT(error, HasSubstr("cycle of 2 ops"));
}

TEST(GraphBuilder, RefusesDuplicateNames) {
  GraphBuilder builder("g");
  builder.AddOp(Named("twin"), {}, {});
  builder.AddOp(Named("twin"), {}, {});
  EXPECT_THAT(BuildError(std::move(builder)), HasSubstr("op 'twin': the name is used twice"));
}

TEST(GraphBuilder, RefusesOverflowAndNegativeDims) {
  for (const auto& [shape, fault] :
       {std::pair{std::vector<std::int64_t>{1LL << 40, 1LL << 40}, "overflows"},
        std::pair{std::vector<std::int64_t>{-3}, "dimension -3"}}) {
    GraphBuilder builder("g");
    builder.AddOp(Named("big"), {}, {{.shape = shape}});
    const std::string error = BuildError(std::move(builder));
    EXPECT_THAT(error, HasSubstr("op 'big': output 0"));
    EXPECT_THAT(error, HasSubstr(fault));
  }
}

TEST(GraphBuilder, RefusesDanglingEdges) {
  GraphBuilder builder("g");
  builder.AddOp(Named("a"), {TensorId(7)}, {});
  EXPECT_THAT(BuildError(std::move(builder)), HasSubstr("op 'a': reads tensor #7"));
}

TEST(Graph, FingerprintDependsOnContent) {
  const auto make = [](std::int64_t flops) {
    GraphBuilder builder("g");
    Op op = Named("a");
    op.flops = flops;
    builder.AddOp(op, {}, {{.shape = {2}}});
    return std::move(builder).Build();
  };
  EXPECT_EQ(make(1).fingerprint(), make(1).fingerprint());
  EXPECT_NE(make(1).fingerprint(), make(2).fingerprint());
  EXPECT_EQ(make(1), make(1));
}

TEST(GraphBuilder, MessagesAreOneLineWhateverTheNames) {
  GraphBuilder builder("g");
  Op op;
  op.name = std::string("a\0b\n", 4);
  builder.AddOp(op, {}, {});
  builder.AddOp(op, {}, {});
  try {
    (void)std::move(builder).Build();
    FAIL() << "a name was taken twice";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("'a?b?'"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace placer
