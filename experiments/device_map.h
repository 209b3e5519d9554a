#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "graphs/graph.h"

namespace placer {

/// A plan as PyTorch takes it: `device_map`, from module path to device, with every module at the
/// coarsest level at which all of it is on one device (`""` is the whole model), and `conflicts`:
/// modules whose own ops are on several devices, or elsewhere than all they contain. Such a module
/// is mapped to the device with most of its ops' work. Devices are spelt as PyTorch does: `cpu`,
/// `cuda:0` for `/cpu:0`, `/gpu:0`; other names stay.
/// @param device_of_op  [num_ops]
/// @throws InputError for a training step, or a graph whose names have no module scopes
[[nodiscard]] nlohmann::ordered_json DeviceMapOf(const Graph& graph,
                                                 std::span<const std::string> device_of_op);

/// "/gpu:1" -> "cuda:1".
[[nodiscard]] std::string TorchDevice(const std::string& device);

}  // namespace placer
