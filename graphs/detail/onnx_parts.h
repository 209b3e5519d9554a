#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <vector>

#include "graphs/detail/onnx_devices.h"

namespace placer::onnx_detail {

/// A connected set of nodes on one device.
struct NodePart {
  std::string device;
  std::vector<int> nodes;  ///< in an order in which they can be run, repeated constants included
  std::vector<std::string> inputs;   ///< what other parts or the model's inputs bring
  std::vector<std::string> outputs;  ///< what other parts read, or the model gives out
  std::vector<std::string> initializers;
};

/// Cuts a model so that no two parts wait for each other; the parts come in an order in which they
/// can be run. A part is a connected set of nodes of one device at one level; the level is the most
/// changes of device on any way to the node. Nodes of constants alone are repeated in every part
/// that reads them.
/// @throws InputError if an output of the model is an initializer
[[nodiscard]] std::vector<NodePart> CutIntoParts(const onnx::GraphProto& graph,
                                                 const PlacedNodes& nodes);

}  // namespace placer::onnx_detail
