#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graphs/base/error.h"
#include "graphs/onnx_importer.h"
#include "tests/support/onnx_text.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

using testing::HasSubstr;

struct Fault {
  std::string file;
  std::vector<std::string> message;  ///< parts of it
};

class FaultTest : public testing::TestWithParam<Fault> {};

TEST_P(FaultTest, IsNamedInOneLine) {
  const std::string path = std::string(TEST_DATA_DIR) + "/bad/onnx/" + GetParam().file + ".onnx";
  try {
    (void)ImportOnnx(path);
    FAIL() << "no error";
  } catch (const InputError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find(path + ": "), 0U) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const std::string& part : GetParam().message) {
      EXPECT_THAT(message, HasSubstr(part));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, FaultTest,
    testing::Values(Fault{"cycle", {"node 'first'", "cycle of 2 nodes", "node 'second'"}},
                    Fault{"dangling_input", {"node 'conv1'", "input 'w' has no producer"}},
                    Fault{"dangling_output", {"output 'z' has no producer"}},
                    Fault{"dilation_zero", {"node 'conv1'", "'dilations' has 0, expected 1"}},
                    Fault{"duplicate_initializer", {"initializer 'w' is given twice"}},
                    Fault{"duplicate_input", {"input 'x' is given twice"}},
                    Fault{"duplicate_value", {"node 'b'", "'y' is already produced by node 'a'"}},
                    Fault{"empty", {"has no graph"}},
                    Fault{"group_zero", {"node 'conv1'", "'group' has 0"}},
                    Fault{"kernel_too_large", {"node 'conv1'", "output 'y'", "-2, expected >= 0"}},
                    Fault{"long_list",
                          {"node 'e'", "'s' lists 1099511627776 values, expected at most 64"}},
                    Fault{"mismatched_channels", {"node 'conv1'", "3 channels", "4x5x3x3"}},
                    Fault{"mismatched_matrices", {"node 'm'", "Incompatible dimensions"}},
                    Fault{"missing_opset", {"node 'conv1'", "does not import an opset"}},
                    Fault{"negative_dim", {"input 'x'", "-8, expected >= 0"}},
                    Fault{"negative_initializer_dim", {"initializer 'w'", "-3, expected >= 0"}},
                    Fault{"no_graph", {"has no graph"}}, Fault{"no_nodes", {"without nodes"}},
                    Fault{"overflowing_dims", {"input 'x'", "overflows 64 bits"}},
                    Fault{"overflowing_flops", {"node 'm'", "beyond 64 bits"}},
                    Fault{"reshape_count", {"node 'r'", "1x3x8x8 to 1x191"}},
                    Fault{"short_data", {"initializer 's'", "1 elements of data, expected 2"}},
                    Fault{"stride_negative", {"node 'conv1'", "'strides' has -1"}},
                    Fault{"stride_zero", {"node 'conv1'", "'strides' has 0"}},
                    Fault{"text", {"no ONNX model"}}, Fault{"truncated", {"is truncated"}},
                    Fault{"unknown_op", {"node 'conv1'", "'Conw'", "opset 13"}},
                    Fault{"wrong_attribute", {"node 'conv1'", "stride"}},
                    Fault{"wrong_input_count", {"node 'conv1'", "input size 1"}}),
    [](const auto& fault) { return fault.param.file; });

TEST(OnnxImporter, NamesFilesItCannotRead) {
  EXPECT_THROW((void)ImportOnnx("/nowhere/a.onnx"), InputError);
  EXPECT_THROW((void)ImportOnnx(TEST_DATA_DIR), InputError);
  EXPECT_THROW((void)IsOnnxFile("/nowhere/a.onnx"), InputError);
}

TEST(OnnxImporter, StaysOnOneLineWhateverNamesAModelHas) {
  onnx::ModelProto model =
      test::ParseOnnxText("g (float[2] x) => (float[2] y) { y = com.example.Magic(x) }");
  model.mutable_graph()->mutable_node(0)->set_op_type("Ma\ngic");
  const test::TempDir dir;
  for (const std::string& line : ImportOnnx(test::WriteOnnx(dir, model)).warnings) {
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
  }
  model.mutable_graph()->mutable_node(0)->set_input(0, "no\nbody");
  try {
    (void)ImportOnnx(test::WriteOnnx(dir, model));
    FAIL() << "no error";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("'no?body'"));
  }
}

TEST(OnnxImporter, RefusesARecurrentLayerOfAMatrixInEveryOpset) {
  for (const char* type : {"RNN", "GRU", "LSTM"}) {
    for (const int opset : {1, 7, 13, 14}) {
      const test::TempDir dir;
      const std::string path = test::WriteOnnx(
          dir, test::ParseOnnxText(std::string("g (float[4] x, float[1, 8, 4] w, float[1, 8, 8] r) "
                                               "=> (float[N] y) { y = ") +
                                       type + " <hidden_size = 8> (x, w, r) }",
                                   opset));
      try {
        (void)ImportOnnx(path);
        ADD_FAILURE() << type << " of opset " << opset << ": no error";
      } catch (const InputError& error) {
        EXPECT_THAT(error.what(), HasSubstr("input 'x' has rank 1, expected 3"));
      }
    }
  }
}

TEST(IsOnnxFile, TellsModelsFromOtherFiles) {
  const test::TempDir dir;
  EXPECT_TRUE(IsOnnxFile(std::string(SAMPLES_DIR) + "/resnet50.onnx"));
  EXPECT_TRUE(IsOnnxFile(std::string(TEST_DATA_DIR) + "/bad/onnx/truncated.onnx"));
  EXPECT_FALSE(IsOnnxFile(dir.Write("a", "name: \"g\"\nops { name: \"x\" }\n")));
  EXPECT_FALSE(IsOnnxFile(dir.Write("b", "{\"name\": \"g\"}")));
  EXPECT_FALSE(IsOnnxFile(dir.Write("c", "")));
}

}  // namespace
}  // namespace placer
