#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "graphs/graph.h"

namespace placer {

/// What the cost rules may look at. Types are ONNX op type names; backward and update types are
/// those of docs/training.md.
struct OpShapes {
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  /// Grouped convolutions and the like need nothing else: weights' and outputs' shapes say it all.
  /// Ops whose cost an attribute decides (pooling's window) pass it here.
  std::int64_t kernel_elements = 1;
};

/// The costs of one op, independent of any device.
struct OpCosts {
  OpClass op_class = OpClass::kOther;
  std::int64_t flops = 0;  ///< a multiply-add counts two
  std::int64_t traffic_bytes =
      0;              ///< inputs read + outputs written, unless the rule knows better (views: 0)
  bool known = true;  ///< false: no rule for this type, a default was used
};

/// Costs by the one table of rules (graphs/op_rules.cc). @throws InputError on overflow
[[nodiscard]] OpCosts CostOf(std::string_view op_type, const OpShapes& shapes);

/// True for types that only re-interpret their first input's memory (Reshape, Squeeze, Flatten,
/// Identity, ...): their first output aliases input 0.
[[nodiscard]] bool IsView(std::string_view op_type);

}  // namespace placer
