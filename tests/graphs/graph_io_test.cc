#include "graphs/graph_io.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graphs/base/error.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

/// Every field of every message is used.
Graph Everything() {
  GraphBuilder builder("every thing");
  Op input;
  input.name = "image";
  input.role = OpRole::kInput;
  Op weights;
  weights.name = "weights";
  weights.role = OpRole::kParameter;
  weights.colocation_group = "w";
  weights.persistent_bytes = 7;
  Op conv;
  conv.name = "conv:0";
  conv.type = "Conv";
  conv.op_class = OpClass::kConvolution;
  conv.flops = 123'456'789'012;
  conv.traffic_bytes = 99;
  conv.workspace_bytes = 5;
  conv.allowed_devices = {"gpu", "/cpu:0"};
  conv.source_name = "conv";
  Op view;
  view.name = "reshape";
  view.type = "Reshape";
  view.op_class = OpClass::kView;
  Op update;
  update.name = "update";
  update.role = OpRole::kUpdate;
  update.op_class = OpClass::kUpdate;
  update.colocation_group = "w";
  TensorSpec half;
  half.dtype = DataType::kFloat16;
  half.shape = {2, 3};
  TensorSpec odd;  // bytes that do not follow from the shape
  odd.shape = {4};
  odd.bytes = 1000;
  TensorSpec alias;
  alias.dtype = DataType::kFloat16;
  alias.shape = {6};
  alias.aliases_input = 0;
  alias.graph_output = true;
  const OpId x = builder.AddOp(input, {}, {half});
  const OpId w = builder.AddOp(weights, {}, {odd});
  const OpId y =
      builder.AddOp(conv, {builder.Output(x), builder.Output(w), builder.Output(x)}, {half, odd});
  const OpId z = builder.AddOp(view, {builder.Output(y), builder.Output(y, 1)}, {alias});
  builder.AddOp(update, {builder.Output(w)}, {}, {y, z});
  return std::move(builder).Build();
}

TEST(GraphIo, EveryFormatGivesTheSameGraphBack) {
  const test::TempDir dir;
  const Graph graph = Everything();
  for (const char* name : {"g.pb", "g.txtpb", "g.json"}) {
    WriteGraph(graph, dir / name);
    EXPECT_EQ(ReadGraph(dir / name), graph) << name;
  }
  // Told apart by content, not by name.
  EXPECT_EQ(ReadGraph(dir.Write("json.pb", dir.Read("g.json"))), graph);
  EXPECT_EQ(ReadGraph(dir.Write("pb.txt", dir.Read("g.pb"))), graph);
}

TEST(GraphIo, ReadsWhatAPersonWrites) {
  const test::TempDir dir;
  // Ops in any order, defaults left out.
  const Graph graph = ReadGraph(dir.Write("hand.txtpb", R"(
    name: "hand"
    ops { name: "b" inputs { op: "a" } control_inputs: "c" }
    ops { name: "a" outputs { shape: [2, 5] } }
    ops { name: "c" })"));
  EXPECT_EQ(graph.num_ops(), 3U);
  const OpId a = *graph.FindOp("a");
  EXPECT_EQ(graph.tensor(graph.first_output(a)).bytes, 40);
  EXPECT_EQ(graph.op(a).role, OpRole::kForward);
  const OpId b = *graph.FindOp("b");
  EXPECT_EQ(graph.inputs(b).size(), 1U);
  EXPECT_EQ(graph.control_inputs(b)[0], *graph.FindOp("c"));
}

struct Fault {
  const char* what;
  const char* text;
  std::vector<const char*> expected;
};
class BadGraphFile : public ::testing::TestWithParam<Fault> {};

TEST_P(BadGraphFile, IsRefusedWithFileAndOp) {
  const test::TempDir dir;
  const std::string path = dir.Write("bad.txtpb", GetParam().text);
  try {
    (void)ReadGraph(path);
    FAIL() << "accepted";
  } catch (const InputError& e) {
    EXPECT_THAT(e.what(), StartsWith(path));
    EXPECT_THAT(e.what(), Not(HasSubstr("\n")));
    for (const char* part : GetParam().expected) {
      EXPECT_THAT(e.what(), HasSubstr(part));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Faults, BadGraphFile,
    ::testing::Values(
        Fault{"UnknownField",
              "ops {\n  name: \"a\"\n  flopz: 3\n}",
              {":3:", "\"flopz\"", "expected one of name, type, op_class"}},
        Fault{"UnknownInput",
              "ops { name: \"a\" inputs { op: \"b\" } }",
              {"op 'a'", "input 0", "'b'"}},
        Fault{"UnknownOutput",
              "ops { name: \"a\" outputs {} } ops { name: \"b\" inputs { op: \"a\" output: 1 } }",
              {"op 'b'", "output 1 of 'a'", "has 1"}},
        Fault{
            "UnknownControlInput", "ops { name: \"a\" control_inputs: \"z\" }", {"op 'a'", "'z'"}},
        Fault{"DuplicateName", "ops { name: \"a\" } ops { name: \"a\" }", {"op 'a'", "twice"}},
        Fault{"NoName", "ops { type: \"Conv\" }", {"no name"}},
        // what() ends at a zero: what is wrong must come through nevertheless.
        Fault{"NameOfZeros",
              "ops { name: \"a\\000b\" type: \"Conv\" inputs { op: \"c\\000d\" } }",
              {"op 'a?b': input 0 is 'c?d', but there is no such op"}},
        Fault{"Cycle",
              "ops { name: \"a\" outputs {} inputs { op: \"b\" } }"
              "ops { name: \"b\" outputs {} inputs { op: \"a\" } }",
              {"cycle", "'a'", "'b'"}},
        Fault{"NegativeDim", "ops { name: \"a\" outputs { shape: -1 } }", {"op 'a'", "-1"}},
        Fault{"HugeDims",
              "ops { name: \"a\" outputs { shape: [4294967296, 4294967296] } }",
              {"op 'a'", "overflow"}},
        Fault{"NegativeFlops", "ops { name: \"a\" flops: -5 }", {"op 'a'", "flops is -5"}},
        Fault{"UnknownClass",
              "ops { name: \"a\" op_class: \"magic\" }",
              {"op 'a'", "'magic'", "matmul, convolution"}},
        Fault{
            "UnknownRole", "ops { name: \"a\" role: \"boss\" }", {"op 'a'", "'boss'", "parameter"}},
        Fault{"UnknownDtype",
              "ops { name: \"a\" outputs { dtype: \"float31\" } }",
              {"op 'a'", "'float31'", "float32"}},
        Fault{"AliasOfNothing",
              "ops { name: \"a\" outputs { aliases_input: 2 } }",
              {"op 'a'", "input 2"}},
        Fault{"ParameterWithInputs",
              "ops { name: \"a\" outputs {} } ops { name: \"p\" role: \"parameter\" inputs { op: "
              "\"a\" } }",
              {"op 'p'"}},
        Fault{"NoGraphAtAll", "The quick brown fox", {":1:", "a Placer graph"}},
        Fault{"JsonOfSomethingElse", "{\"name\": \"x\", \"layers\": []}", {"layers", "JSON"}},
        Fault{"Empty", "", {"is empty"}}),
    [](const auto& c) { return c.param.what; });

TEST(GraphIo, CutOrChangedBytesNeverCrash) {
  const test::TempDir dir;
  WriteGraph(Everything(), dir / "good.pb");
  const std::string good = dir.Read("good.pb");
  std::size_t refused = 0;
  for (std::size_t i = 0; i < good.size(); i += 7) {
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 0x35);
    for (const std::string& content : {changed, good.substr(0, i)}) {
      try {
        (void)ReadGraph(dir.Write("changed.pb", content));
      } catch (const InputError& e) {
        ++refused;
        EXPECT_THAT(e.what(), HasSubstr("changed.pb"));
      }
    }
  }
  EXPECT_GE(refused, good.size() / 14);  // most cuts: some leave a smaller graph
}

TEST(GraphIo, BadOutputPathsLeaveNothingBehind) {
  const test::TempDir dir;
  EXPECT_THAT([&] { WriteGraph(Everything(), dir / "g.onnx"); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("'.onnx'"), HasSubstr(".txtpb"))));
  EXPECT_THAT([&] { WriteGraph(Everything(), dir / "missing/g.pb"); },
              ThrowsMessage<InputError>(HasSubstr("cannot be written")));
  EXPECT_TRUE(dir.IsEmpty());
}

}  // namespace
}  // namespace placer
