#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <string_view>
#include <vector>

namespace placer::onnx_detail {

/// One input of a node as shape inference sees it; null: not given or not known.
struct NodeInput {
  const onnx::TypeProto* type = nullptr;
  const onnx::TensorProto* data = nullptr;
};

struct Inferred {
  std::vector<onnx::TypeProto> outputs;  ///< types without value where nothing is known
  std::string doubt;  ///< not empty: the node does not fit the newest schema known here
};

/// The attribute of this name, or null.
[[nodiscard]] const onnx::AttributeProto* FindAttribute(const onnx::NodeProto& node,
                                                        std::string_view name);
/// @return `otherwise` if the node has no such attribute
[[nodiscard]] std::int64_t IntAttribute(const onnx::NodeProto& node, std::string_view name,
                                        std::int64_t otherwise);

/// Attribute values that no shape inference should see, and libonnx does not survive: kernels,
/// strides and dilations below one, axes far out of range, ... @throws InputError
void CheckAttributes(const onnx::NodeProto& node, const std::vector<NodeInput>& inputs);

/// Checks a node against its schema and infers the types of its outputs.
/// @param opset   version of the node's domain. Beyond kNewestOpset a node that does not fit its
///                schema is in doubt, not an error
/// @throws InputError what does not fit
[[nodiscard]] Inferred InferNode(const onnx::NodeProto& node, int opset,
                                 const std::vector<NodeInput>& inputs);

/// The newest opset of the default domain whose schemas the linked libonnx has.
inline constexpr int kNewestOpset = 17;

/// True for ONNX's own ops, whose domain is written "" or "ai.onnx".
[[nodiscard]] bool IsDefaultDomain(const onnx::NodeProto& node);

/// True if libonnx knows a schema for the op.
[[nodiscard]] bool HasSchema(const onnx::NodeProto& node, int opset);

}  // namespace placer::onnx_detail
