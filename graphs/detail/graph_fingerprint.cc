#include "graphs/detail/graph_fingerprint.h"

#include <bit>

#include "graphs/base/fingerprint.h"

namespace placer {
namespace {

/// What most graphs do not have counts only where it is there, so that it changes no other graph's
/// fingerprint.
void AddKnownTimes(const Graph& graph, Fingerprint& print) {
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    for (const OpTime& time : graph.op(OpId(i)).times) {
      print.Add("time").Add(static_cast<std::int64_t>(i)).Add(time.device);
      print.Add(std::bit_cast<std::int64_t>(time.time.count()));
    }
  }
  for (std::size_t i = 0; i < graph.num_tensors(); ++i) {
    const Tensor& tensor = graph.tensor(TensorId(i));
    if (tensor.storage == TensorId(i) && tensor.held_bytes != tensor.bytes) {
      print.Add("held").Add(static_cast<std::int64_t>(i)).Add(tensor.held_bytes);
    }
    if (tensor.copy_time) {
      print.Add("copy").Add(static_cast<std::int64_t>(i));
      print.Add(std::bit_cast<std::int64_t>(tensor.copy_time->count()));
    }
  }
}

}  // namespace

std::uint64_t FingerprintOf(const Graph& graph) {
  Fingerprint print;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const Op& op = graph.op(OpId(i));
    print.Add(op.name)
        .Add(op.type)
        .Add(static_cast<std::int64_t>(op.op_class))
        .Add(static_cast<std::int64_t>(op.role));
    print.Add(op.flops)
        .Add(op.traffic_bytes)
        .Add(op.workspace_bytes)
        .Add(op.persistent_bytes)
        .Add(op.colocation_group);
    for (const std::string& device : op.allowed_devices) {
      print.Add(device);
    }
    for (const TensorId input : graph.inputs(OpId(i))) {
      print.Add(static_cast<std::int64_t>(input.index()));
    }
    for (const OpId control : graph.control_inputs(OpId(i))) {
      print.Add(static_cast<std::int64_t>(control.index()));
    }
  }
  for (const Tensor& tensor : graph.tensors()) {
    print.Add(static_cast<std::int64_t>(tensor.dtype)).Add(tensor.bytes);
    print.Add(static_cast<std::int64_t>(tensor.storage.index()))
        .Add(static_cast<std::int64_t>(tensor.graph_output));
  }
  AddKnownTimes(graph, print);
  return print.value();
}

}  // namespace placer
