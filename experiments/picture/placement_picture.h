#pragma once

#include <string>

#include "experiments/picture/placed_model.h"

namespace placer {

/// A placement in the form that suits the graph: DrawUnrolled for a model that is unrolled over
/// time steps, else DrawNetwork.
/// @return an SVG document
[[nodiscard]] std::string DrawPlacement(const PlacedModel& model, const std::string& title);

/// Layers by time steps; forward and backward below each other. A cell has the colour of the device
/// that does most of its compute time; the part of it that the second device does, from 10 % on, is
/// a strip at its foot. Ops of a layer that belong to no single step (updates, sums of gradients)
/// are a cell at the right end. Tooltips name shares, ops and groups.
[[nodiscard]] std::string DrawUnrolled(const PlacedModel& model, const std::string& title);

/// Groups along the network: x is the longest path from the model's inputs, in ops (of a backward
/// op: that of the forward op it serves), parallel branches are lanes. A box is the part of a group
/// that is forward or backward; it is taller where it takes more time. Dark connections are copies
/// from device to device.
[[nodiscard]] std::string DrawNetwork(const PlacedModel& model, const std::string& title);

}  // namespace placer
