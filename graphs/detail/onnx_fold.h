#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <vector>

#include "graphs/detail/onnx_types.h"

namespace placer::onnx_detail {

/// A constant input of a node, with its shape; null data: constant, but the elements are not known.
struct FoldInput {
  const ConstantData* data = nullptr;
  std::vector<std::int64_t> shape;
};

/// Evaluates the ops that shape arithmetic is made of, for inputs of few elements.
/// @param elem_type, shape  of the node's only output, as inferred
/// @return nothing if the op is none of these or an input's elements are not known
[[nodiscard]] std::optional<ConstantData> Fold(const onnx::NodeProto& node,
                                               const std::vector<FoldInput>& inputs,
                                               std::int32_t elem_type,
                                               const std::vector<std::int64_t>& shape);

}  // namespace placer::onnx_detail
