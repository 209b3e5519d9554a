#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "graphs/graph.h"

namespace placer {

/// A plan as PyTorch takes it: `device_map`, from module path to device, with every module at the
/// coarsest level at which all of it is on one device (`""` is the whole model). The parameters of
/// a module that is not on one device, and holds others, have entries of their own; every parameter
/// that has its PyTorch name in the graph is under one entry.
/// `conflicts` are modules of which the map cannot say where their ops run: their own ops and
/// parameters are on several devices (one that holds no others is mapped to the device with most of
/// its work), or, but for the model itself, elsewhere than what they hold. Devices are spelt as
/// PyTorch does: `cpu`, `cuda:0` for `/cpu:0`, `/gpu:0`; other names stay.
/// @param device_of_op  [num_ops]
/// @throws InputError for a training step, or a graph whose names have no module scopes
[[nodiscard]] nlohmann::ordered_json DeviceMapOf(const Graph& graph,
                                                 std::span<const std::string> device_of_op);

/// "/gpu:1" -> "cuda:1".
[[nodiscard]] std::string TorchDevice(const std::string& device);

}  // namespace placer
