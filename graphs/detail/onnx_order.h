#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <vector>

namespace placer::onnx_detail {

/// What a node reads: its named inputs, then what its subgraphs read from outside, each once.
struct NodeReads {
  std::vector<std::string> inputs;  ///< as written, with empty names for inputs not given
  std::vector<std::string> captured;
};
[[nodiscard]] NodeReads ReadsOf(const onnx::NodeProto& node);

/// "node 'conv1'", or "node #3 (Conv)" for one without a name.
[[nodiscard]] std::string NodeText(const onnx::GraphProto& graph, int node);

/// Indices of the nodes so that producers come before consumers; in file order where that allows.
/// @throws InputError for a value produced twice or by nobody, and for cycles
[[nodiscard]] std::vector<int> OrderNodes(const onnx::GraphProto& graph);

}  // namespace placer::onnx_detail
