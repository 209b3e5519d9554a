#pragma once

#include <onnx/onnx_pb.h>

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "graphs/graph.h"

namespace placer::onnx_detail {

/// A model's nodes and where they run.
struct PlacedNodes {
  std::vector<int> order;          ///< producers first
  std::vector<std::string> names;  ///< of ops, whether there is one or not
  std::vector<bool> folded;        ///< the graph has no op for the node
  std::vector<std::string> device;
  std::vector<std::vector<std::string>> reads;    ///< names of values, each once
  std::unordered_map<std::string, int> producer;  ///< of values that nodes make
};

/// A folded node runs where its first reader does, failing that where what it reads is made.
/// @throws InputError if the graph was not made of this model
[[nodiscard]] PlacedNodes PlaceNodes(const onnx::GraphProto& model, const Graph& graph,
                                     std::span<const std::string> device_of_op);

}  // namespace placer::onnx_detail
