#include "graphs/detail/onnx_devices.h"

#include <algorithm>
#include <stdexcept>

#include "graphs/base/error.h"
#include "graphs/detail/onnx_import.h"
#include "graphs/detail/onnx_order.h"

namespace placer::onnx_detail {
namespace {

std::vector<std::string> ValuesRead(const onnx::NodeProto& node) {
  const NodeReads reads = ReadsOf(node);
  std::vector<std::string> values;
  for (const auto* names : {&reads.inputs, &reads.captured}) {
    for (const std::string& name : *names) {
      if (!name.empty() && std::find(values.begin(), values.end(), name) == values.end()) {
        values.push_back(name);
      }
    }
  }
  return values;
}

void PlaceFolded(PlacedNodes& nodes, const std::string& otherwise) {
  // Readers come later in the order: backwards they are placed first, the first of them last.
  for (auto at = nodes.order.rbegin(); at != nodes.order.rend(); ++at) {
    for (const std::string& value : nodes.reads[static_cast<std::size_t>(*at)]) {
      const auto producer = nodes.producer.find(value);
      if (producer != nodes.producer.end() &&
          nodes.folded[static_cast<std::size_t>(producer->second)]) {
        nodes.device[static_cast<std::size_t>(producer->second)] =
            nodes.device[static_cast<std::size_t>(*at)];
      }
    }
  }
  for (const int at : nodes.order) {
    std::string& device = nodes.device[static_cast<std::size_t>(at)];
    for (const std::string& value : nodes.reads[static_cast<std::size_t>(at)]) {
      const auto producer = nodes.producer.find(value);
      if (device.empty() && producer != nodes.producer.end()) {
        device = nodes.device[static_cast<std::size_t>(producer->second)];
      }
    }
    device = device.empty() ? otherwise : device;
  }
}

}  // namespace

PlacedNodes PlaceNodes(const onnx::GraphProto& model, const Graph& graph,
                       std::span<const std::string> device_of_op) {
  if (device_of_op.size() != graph.num_ops() || device_of_op.empty()) {
    throw std::logic_error("PlaceNodes: not one device for each op");
  }
  PlacedNodes nodes;
  nodes.order = OrderNodes(model);
  UniqueNames unique;
  nodes.names = NameNodes(model, unique);
  std::size_t found = 0;
  for (int i = 0; i < model.node_size(); ++i) {
    const auto op = graph.FindOp(nodes.names[static_cast<std::size_t>(i)]);
    nodes.folded.push_back(!op);
    nodes.device.push_back(op ? device_of_op[op->index()] : "");
    nodes.reads.push_back(ValuesRead(model.node(i)));
    found += op ? 1 : 0;
    for (const std::string& output : model.node(i).output()) {
      if (!output.empty()) {
        nodes.producer.emplace(output, i);
      }
    }
  }
  if (found == 0) {
    throw InputError("none of its " + std::to_string(model.node_size()) +
                     " nodes is an op of graph '" + graph.name() +
                     "', expected the model that the graph was made of");
  }
  PlaceFolded(nodes, device_of_op.back());
  return nodes;
}

}  // namespace placer::onnx_detail
