#include "graphs/grouping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "graphs/base/error.h"
#include "graphs/base/rng.h"
#include "graphs/zoo.h"

namespace placer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// Builds graphs from lines: name, inputs (first outputs of earlier ops).
class Sketch {
 public:
  OpId Add(const std::string& name, const std::vector<std::string>& inputs,
           std::int64_t bytes = 4000, OpRole role = OpRole::kForward,
           const std::string& colocation_group = "") {
    Op op;
    op.name = name;
    op.role = role;
    op.flops = 1'000'000;
    op.colocation_group = colocation_group;
    std::vector<TensorId> tensors;
    for (const std::string& input : inputs) {
      tensors.push_back(builder_.Output(ids_.at(input)));
    }
    TensorSpec spec;
    spec.bytes = bytes;
    return ids_[name] = builder_.AddOp(std::move(op), std::move(tensors), {spec});
  }
  Op& op(const std::string& name) { return builder_.mutable_op(ids_.at(name)); }
  void After(const std::string& name, const std::string& before) {
    builder_.AddControlInput(ids_.at(name), ids_.at(before));
  }
  Graph Build() { return std::move(builder_).Build(); }

 private:
  GraphBuilder builder_{"sketch"};
  std::map<std::string, OpId> ids_;
};

/// "ab cd": the names of the ops of each group.
std::string Show(const Grouping& grouping, const Graph& graph) {
  std::string text;
  for (std::size_t g = 0; g < grouping.num_groups(); ++g) {
    text += g == 0 ? "" : " ";
    for (const OpId op : grouping.ops(GroupId(g))) {
      text += graph.op(op).name;
    }
  }
  return text;
}

TEST(Grouping, NumbersGroupsByTheirSmallestOp) {
  Sketch sketch;
  for (const char* name : {"a", "b", "c", "d"}) {
    sketch.Add(name, {});
  }
  const Graph graph = sketch.Build();
  const Grouping grouping(graph, std::vector<std::uint32_t>{9, 4, 9, 70000});
  EXPECT_EQ(Show(grouping, graph), "ac b d");
  EXPECT_EQ(grouping.group(OpId(2)), GroupId(0));
  EXPECT_EQ(grouping.num_groups(), 3U);
  EXPECT_EQ(grouping, Grouping(graph, std::vector<std::uint32_t>{0, 1, 0, 2}));
  EXPECT_THROW(Grouping(graph, std::vector<std::uint32_t>{0}), InputError);
}

TEST(Grouping, EmptyGraph) {
  EXPECT_EQ(GroupOps(Graph()).num_groups(), 0U);
  EXPECT_EQ(GroupOps(Graph(), {.max_groups = 3}).num_groups(), 0U);
  EXPECT_EQ(GroupByColocation(Graph()).num_groups(), 0U);
}

TEST(Grouping, LabelsMustRespectCoLocation) {
  Sketch sketch;
  sketch.Add("p", {}, 4, OpRole::kParameter, "p");
  sketch.Add("f", {"p"});
  sketch.Add("u", {"f"}, 4, OpRole::kUpdate, "p");
  const Graph graph = sketch.Build();
  EXPECT_THAT(
      [&] {
        Grouping(graph, std::vector<std::uint32_t>{0, 0, 1});
      },
      ThrowsMessage<InputError>(AllOf(HasSubstr("'u'"), HasSubstr("'p'"))));
  EXPECT_EQ(Show(GroupByColocation(graph), graph), "pu f");
}

TEST(Grouping, ChainsJoin) {
  // x -> a -> b -> c -> {d, e}; d -> f, e -> f; w is a parameter that only c reads.
  Sketch sketch;
  sketch.Add("x", {}, 4, OpRole::kInput);
  sketch.Add("a", {"x"});
  sketch.Add("b", {"a"});
  sketch.Add("w", {}, 4, OpRole::kParameter);
  sketch.Add("c", {"b", "w"});
  sketch.Add("d", {"c"}, 8);
  sketch.Add("e", {"c"}, 16);
  sketch.Add("f", {"d", "e"});
  const Graph graph = sketch.Build();
  EXPECT_EQ(Show(GroupOps(graph), graph), "xabwc def");
  EXPECT_EQ(Show(GroupOps(graph, {.chains = false}), graph), "x a b w c d e f");
}

TEST(Grouping, HeavyBranchesStayFree) {
  // Three branches from a to f of two ops each. Work of 4.0e8 + 2 x 10^7 flop (each op has 10^7 for
  // its start) against 2 x 10^7 + 100 per byte: with 4 x 10^6 bytes the first and third are just
  // not worth sending, with 3.9 x 10^6 the second is.
  const auto show = [](std::int64_t flops, const GroupingOptions& options) {
    Sketch sketch;
    sketch.Add("x", {}, 4, OpRole::kInput);
    sketch.Add("a", {"x"});
    for (const char* branch : {"1", "2", "3"}) {
      const std::string name = branch;
      sketch.Add("b" + name, {"a"});
      sketch.op("b" + name).flops = flops / 2;
      sketch.Add("c" + name, {"b" + name}, name == "2" ? 3'900'000 : 4'000'000);
      sketch.op("c" + name).flops = flops / 2;
    }
    sketch.Add("f", {"c1", "c2", "c3"});
    const Graph graph = sketch.Build();
    return Show(GroupOps(graph, options), graph);
  };
  EXPECT_EQ(show(400'000'000, {}), "xa b1c1b3c3f b2c2");
  // Then all are, but one always joins: the first of those that send most.
  EXPECT_EQ(show(401'000'000, {}), "xa b1c1f b2c2 b3c3");
  EXPECT_EQ(show(401'000'000, {.keep_branches = false}), "xa b1c1b2c2b3c3f");
}

TEST(Grouping, ScopesAreDecidedTogether) {
  // Two steps of one layer, then a block of two branches, one of which forks.
  Sketch sketch;
  sketch.Add("words/t0", {}, 4, OpRole::kInput);
  sketch.Add("state", {}, 4, OpRole::kInput);
  sketch.Add("lstm0/w", {}, 4, OpRole::kParameter, "w");
  sketch.Add("lstm0/t0/a", {"words/t0", "state", "lstm0/w"});
  sketch.Add("lstm0/t0/b", {"lstm0/t0/a"});
  sketch.Add("lstm0/t1/a", {"lstm0/t0/b", "state", "lstm0/w"});
  sketch.Add("m/branch1/1/conv", {"lstm0/t1/a"});
  sketch.Add("m/branch1/2a/conv", {"m/branch1/1/conv"});
  sketch.Add("m/branch1/2b/conv", {"m/branch1/1/conv"});
  sketch.Add("m/branch2/1/conv", {"lstm0/t1/a"});
  sketch.Add("m/concat", {"m/branch1/2a/conv", "m/branch1/2b/conv", "m/branch2/1/conv"});
  sketch.Add("loss/t0", {"m/concat"}, 4, OpRole::kBackward);
  sketch.Add("m/branch2/1/conv/grad", {"loss/t0"}, 4, OpRole::kBackward);
  sketch.Add("lstm0/t1/a/grad", {"m/branch2/1/conv/grad"}, 4, OpRole::kBackward);
  sketch.Add("lstm0/w/grad_sum", {"lstm0/t1/a/grad"}, 4, OpRole::kBackward);
  sketch.Add("lstm0/w/update", {"lstm0/w/grad_sum"}, 4, OpRole::kUpdate, "w");
  const Graph graph = sketch.Build();
  const Grouping grouping = GroupOps(graph, {.scopes = true});
  std::vector<std::vector<std::string>> groups;
  for (std::size_t g = 0; g < grouping.num_groups(); ++g) {
    groups.emplace_back();
    for (const OpId op : grouping.ops(GroupId(g))) {
      groups.back().push_back(graph.op(op).name);
    }
  }
  EXPECT_THAT(
      groups,
      ElementsAre(ElementsAre("words/t0", "lstm0/t0/a", "lstm0/t0/b"), ElementsAre("state"),
                  ElementsAre("lstm0/w", "lstm0/w/grad_sum", "lstm0/w/update"),
                  ElementsAre("lstm0/t1/a", "lstm0/t1/a/grad"), ElementsAre("m/branch1/1/conv"),
                  ElementsAre("m/branch1/2a/conv"), ElementsAre("m/branch1/2b/conv"),
                  ElementsAre("m/branch2/1/conv", "m/branch2/1/conv/grad"), ElementsAre("m/concat"),
                  ElementsAre("loss/t0")));
}

TEST(Grouping, ScopesOfThePapersModels) {
  const auto groups = [](const std::string& model) {
    return GroupOps(MakeZooGraph(model), {.scopes = true}).num_groups();
  };
  // 40 steps each of embedding, two LSTM layers, softmax and loss; four sets of parameters; the
  // loss.
  EXPECT_EQ(groups("rnnlm"), 5U * 40 + 5);
  // The paper has 83.
  EXPECT_EQ(groups("inception_v3?aux=1"), 83U);
}

TEST(Grouping, ControlEdgesCountAsConsumers) {
  Sketch sketch;
  sketch.Add("a", {});
  sketch.Add("b", {"a"});
  sketch.Add("c", {});
  sketch.After("c", "a");
  const Graph graph = sketch.Build();
  EXPECT_EQ(Show(GroupOps(graph), graph), "a b c");
}

TEST(Grouping, ParametersStayWithTheirUpdates) {
  // The only consumer of h is g, that of g is u, which lives with w; f has two.
  Sketch sketch;
  sketch.Add("w", {}, 4, OpRole::kParameter, "w");
  sketch.Add("f", {"w"});
  sketch.Add("h", {"f"});
  sketch.Add("g", {"h", "f"});
  sketch.Add("u", {"w", "g"}, 4, OpRole::kUpdate, "w");
  const Graph graph = sketch.Build();
  EXPECT_EQ(Show(GroupOps(graph), graph), "whgu f");
}

TEST(Grouping, DifferentAllowedDevicesNeverMix) {
  Sketch sketch;
  sketch.Add("a", {});
  sketch.Add("b", {"a"});
  sketch.Add("c", {"b"});
  sketch.op("b").allowed_devices = {"cpu"};
  sketch.op("c").allowed_devices = {"cpu"};
  const Graph graph = sketch.Build();
  EXPECT_EQ(Show(GroupOps(graph), graph), "a bc");
  EXPECT_EQ(Show(GroupOps(graph, {.max_groups = 1}), graph), "a bc");
}

Graph LongChain(int length) {
  Sketch sketch;
  sketch.Add("0", {});
  sketch.Add("side0", {"0"});
  for (int i = 1; i < length; ++i) {
    sketch.Add(std::to_string(i), {std::to_string(i - 1)});
    sketch.Add("side" + std::to_string(i), {std::to_string(i)});  // no pure chain
  }
  return sketch.Build();
}

TEST(Grouping, TheCapIsKeptAndGroupsAreBalanced) {
  const Graph graph = LongChain(500);
  for (const std::size_t cap : {1U, 2U, 7U, 30U, 100U, 499U}) {
    const Grouping grouping = GroupOps(graph, {.max_groups = cap});
    EXPECT_LE(grouping.num_groups(), cap);
    EXPECT_GE(grouping.num_groups(), std::min<std::size_t>(cap, 400));
    std::size_t largest = 0;
    for (std::size_t g = 0; g < grouping.num_groups(); ++g) {
      largest = std::max(largest, grouping.ops(GroupId(g)).size());
    }
    EXPECT_LE(largest, 3 * graph.num_ops() / cap + 2) << cap;
  }
}

TEST(Grouping, GroupsOfAChainAreContiguous) {
  const Graph graph = LongChain(200);
  const Grouping grouping = GroupOps(graph, {.max_groups = 20});
  for (std::size_t g = 0; g < grouping.num_groups(); ++g) {
    const auto ops = grouping.ops(GroupId(g));
    EXPECT_EQ(ops.back().index() - ops.front().index() + 1, ops.size()) << g;
  }
}

TEST(Grouping, HeavyTrafficMergesFirst) {
  // A ring of pairs: within a pair 1 MB moves, between pairs 4 kB.
  Sketch sketch;
  for (int i = 0; i < 10; ++i) {
    const std::string n = std::to_string(i);
    sketch.Add(
        "a" + n,
        i == 0 ? std::vector<std::string>{} : std::vector<std::string>{"b" + std::to_string(i - 1)},
        1'000'000);
    sketch.Add("b" + n, {"a" + n}, 4000);
    sketch.Add("c" + n, {"b" + n}, 4000);
    sketch.op("c" + n).allowed_devices = {"cpu"};  // keeps b from being a chain
  }
  const Graph graph = sketch.Build();
  const Grouping grouping = GroupOps(graph, {.chains = false, .max_groups = 20});
  for (int i = 0; i < 10; ++i) {
    const std::string n = std::to_string(i);
    EXPECT_EQ(grouping.group(*graph.FindOp("a" + n)), grouping.group(*graph.FindOp("b" + n)));
  }
}

TEST(Grouping, UnconnectedOpsMergeWithTheNearest) {
  Sketch sketch;
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
    sketch.Add(name, {});
  }
  const Graph graph = sketch.Build();
  EXPECT_EQ(Show(GroupOps(graph, {.max_groups = 3}), graph), "ab cd ef");
}

TEST(Grouping, OpsWithoutNeighboursDoNotMakeTheOthersGrow) {
  // Beside a chain, one counter per link, as batch normalisation has: more of them than the cap.
  Sketch sketch;
  const int length = 60;
  for (int i = 0; i < length; ++i) {
    const std::string n = std::to_string(i);
    sketch.Add("link" + n,
               i == 0 ? std::vector<std::string>{}
                      : std::vector<std::string>{"link" + std::to_string(i - 1)},
               1'000'000);
    sketch.op("link" + n).flops = 1'000'000'000;
    sketch.Add("counter" + n, {}, 8);
  }
  const Graph graph = sketch.Build();
  const std::size_t cap = 20;
  const Grouping grouping = GroupOps(graph, {.chains = false, .max_groups = cap});
  EXPECT_EQ(grouping.num_groups(), cap);
  for (std::size_t g = 0; g < grouping.num_groups(); ++g) {
    const auto links = std::ranges::count_if(
        grouping.ops(GroupId(g)), [&](OpId op) { return graph.op(op).name.starts_with("link"); });
    EXPECT_LE(links, 2 * length / static_cast<int>(cap)) << g;
  }
}

/// An unrolled LSTM: `layers` x `steps` cells of 6 ops, weights read by all steps of a layer.
Graph Unrolled(int layers, int steps) {
  Sketch sketch;
  for (int l = 0; l < layers; ++l) {
    sketch.Add("w" + std::to_string(l), {}, 64'000'000, OpRole::kParameter);
  }
  const auto cell = [](const char* part, int l, int t) {
    return part + std::to_string(l) + "_" + std::to_string(t);
  };
  for (int t = 0; t < steps; ++t) {
    sketch.Add("x" + std::to_string(t), {}, 500'000, OpRole::kInput);
    for (int l = 0; l < layers; ++l) {
      std::vector<std::string> inputs{"w" + std::to_string(l),
                                      l > 0 ? cell("h", l - 1, t) : "x" + std::to_string(t)};
      if (t > 0) {
        inputs.push_back(cell("h", l, t - 1));
      }
      sketch.Add(cell("m", l, t), inputs, 2'000'000);
      sketch.op(cell("m", l, t)).flops = 4'000'000'000;
      sketch.Add(cell("i", l, t), {cell("m", l, t)}, 500'000);
      sketch.Add(cell("f", l, t), {cell("m", l, t)}, 500'000);
      sketch.Add(
          cell("c", l, t),
          t > 0 ? std::vector<std::string>{cell("i", l, t), cell("f", l, t), cell("c", l, t - 1)}
                : std::vector<std::string>{cell("i", l, t), cell("f", l, t)},
          500'000);
      sketch.Add(cell("o", l, t), {cell("m", l, t)}, 500'000);
      sketch.Add(cell("h", l, t), {cell("o", l, t), cell("c", l, t)}, 500'000);
    }
    sketch.Add("loss" + std::to_string(t), {cell("h", layers - 1, t)}, 4);
  }
  return sketch.Build();
}

TEST(Grouping, PiecesOfAnLstmCellMergeFirst) {
  const int layers = 2;
  const int steps = 20;
  const Graph graph = Unrolled(layers, steps);
  const Grouping grouping = GroupOps(graph, {.max_groups = 45});
  EXPECT_LE(grouping.num_groups(), 45U);
  std::size_t whole = 0;
  for (int l = 0; l < layers; ++l) {
    for (int t = 0; t < steps; ++t) {
      const auto group = [&](const char* part) {
        return grouping.group(*graph.FindOp(part + std::to_string(l) + "_" + std::to_string(t)));
      };
      whole += group("m") == group("i") && group("m") == group("f") && group("m") == group("c") &&
               group("m") == group("o") && group("m") == group("h");
    }
  }
  EXPECT_GE(whole, 34U);  // of 40; merging stops at the cap
}

TEST(Grouping, RandomGraphsKeepEveryPromise) {
  Rng rng(11);
  for (int trial = 0; trial < 20; ++trial) {
    Sketch sketch;
    const std::size_t n = 50 + rng.Below(300);
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<std::string> inputs;
      for (std::size_t k = rng.Below(4); k > 0 && i > 0; --k) {
        inputs.push_back(std::to_string(rng.Below(i)));
      }
      sketch.Add(std::to_string(i), inputs, static_cast<std::int64_t>(rng.Below(1'000'000)),
                 OpRole::kForward, rng.Below(5) == 0 ? "c" + std::to_string(rng.Below(9)) : "");
    }
    const Graph graph = sketch.Build();
    const std::size_t cap = 1 + rng.Below(40);
    const Grouping grouping = GroupOps(graph, {.max_groups = cap});
    EXPECT_LE(grouping.num_groups(), cap);
    EXPECT_EQ(grouping, GroupOps(graph, {.max_groups = cap}));
    std::map<std::uint32_t, GroupId> of_class;
    std::vector<char> covered(graph.num_ops(), 0);
    for (std::size_t g = 0; g < grouping.num_groups(); ++g) {
      EXPECT_FALSE(grouping.ops(GroupId(g)).empty());
      for (const OpId op : grouping.ops(GroupId(g))) {
        ++covered[op.index()];
        EXPECT_EQ(grouping.group(op), GroupId(g));
        EXPECT_EQ(of_class.try_emplace(graph.colocation_class(op), GroupId(g)).first->second,
                  GroupId(g));
      }
    }
    EXPECT_EQ(std::ranges::count(covered, 1), static_cast<std::ptrdiff_t>(graph.num_ops()));
  }
}

}  // namespace
}  // namespace placer
