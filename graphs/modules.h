#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "graphs/graph.h"

namespace placer {

/// The module of the source model that an op or a parameter belongs to, as PyTorch names modules:
/// `layer1.0.conv1` for the ONNX node `/layer1/layer1.0/conv1/Conv`, for the TorchScript scope
/// `__module.layer1/__module.layer1.0/__module.layer1.0.conv1/aten::conv` and for the parameter
/// `layer1.0.conv1.weight`. Empty: the model itself, which inputs and names without a scope belong
/// to.
[[nodiscard]] std::string ModuleOf(const Op& op);

/// The module of every op. A parameter whose name has no scope belongs to its first reader's
/// module.
[[nodiscard]] std::vector<std::string> ModulesOfOps(const Graph& graph);

/// Whether `module` is `outer` or inside it.
[[nodiscard]] bool IsWithin(const std::string& module, const std::string& outer);

/// Ops that stay together when modules are kept whole: equal numbers make a unit, nothing for ops
/// that are in none. A module that runs ops of its own (a residual block, which adds) is a unit
/// with all that is inside it; of nested ones the outermost. The model itself, and a module with
/// more than half of all ops, are only containers: their own ops are free.
[[nodiscard]] std::vector<std::optional<std::uint32_t>> ModuleUnits(const Graph& graph);

}  // namespace placer
