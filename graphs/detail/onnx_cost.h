#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <vector>

namespace placer::onnx_detail {

/// OpShapes::kernel_elements of a node: elements of a pooling window, of a normalisation's
/// neighbourhood, or of the indices an Einsum sums over; 1 for other ops. @throws InputError beyond
/// int64
[[nodiscard]] std::int64_t KernelElements(
    const onnx::NodeProto& node, const std::vector<std::vector<std::int64_t>>& input_shapes);

/// True if the input of this index only says how the op works (a target shape, bounds, pads, ...):
/// such a constant is no parameter.
[[nodiscard]] bool IsSetting(const onnx::NodeProto& node, std::size_t input);

}  // namespace placer::onnx_detail
