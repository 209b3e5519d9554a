#pragma once

#include <onnx/defs/parser.h>

#include <stdexcept>
#include <string>

#include "tests/support/temp_dir.h"

namespace placer::test {

/// The model that ONNX's own text says, e.g. "g (float[2] x) => (float[2] y) { y = Relu(x) }". An
/// initializer `float[2, 3] w = {}` has no data.
inline onnx::ModelProto ParseOnnxText(const std::string& graph, int opset = 13) {
  const std::string text = "<ir_version: 8, opset_import: [\"\" : " + std::to_string(opset) +
                           ", \"com.example\" : 1]>\n" + graph;
  onnx::ModelProto model;
  onnx::OnnxParser parser(text.c_str());
  if (const auto status = parser.Parse(model); !status.IsOK()) {
    throw std::logic_error("bad ONNX text in a test: " + status.ErrorMessage());
  }
  return model;
}

/// @return the path of the file
inline std::string WriteOnnx(const TempDir& dir, const onnx::ModelProto& model,
                             const std::string& name = "model.onnx") {
  return dir.Write(name, model.SerializeAsString());
}

}  // namespace placer::test
