#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <unordered_map>

#include "graphs/detail/onnx_devices.h"
#include "graphs/graph.h"

namespace placer::onnx_detail {

/// The types of a model's values, for models cut out of it. Borrows its arguments.
class ValueTypes {
 public:
  ValueTypes(const onnx::ModelProto& model, const PlacedNodes& nodes, const Graph& graph);

  /// What the file declares, else what the graph knows. Where inputs have dims without a number,
  /// the graph's dims are examples: only the rank is kept then.
  /// @throws InputError if neither knows element type and rank
  [[nodiscard]] onnx::TypeProto Of(const std::string& value) const;

 private:
  [[nodiscard]] onnx::TypeProto FromGraph(const std::string& value, int node) const;
  [[nodiscard]] onnx::TypeProto Inferred(const std::string& value, int node) const;

  const onnx::ModelProto& model_;
  const PlacedNodes& nodes_;
  const Graph& graph_;
  std::unordered_map<std::string, onnx::TypeProto> declared_;
  bool static_dims_ = true;
};

}  // namespace placer::onnx_detail
