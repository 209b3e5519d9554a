#pragma once

#include <string_view>
#include <vector>

#include "graphs/detail/graphdef_shapes.h"
#include "graphs/op_rules.h"

namespace placer::graphdef {

/// Costs by the rules of the ONNX type that does the same, whose layout (channels second) the
/// shapes are brought to first. `known` is false where there is no such type.
/// @throws InputError on overflow
[[nodiscard]] OpCosts CostOfNode(const NodeView& view, std::vector<TensorSpec> inputs,
                                 std::vector<TensorSpec> outputs);

/// Whether output 0 is only another name for input 0's memory.
[[nodiscard]] bool IsViewNode(std::string_view op);
/// Whether nodes of the type apply a gradient to a variable.
[[nodiscard]] bool IsUpdateNode(std::string_view op);

}  // namespace placer::graphdef
