#include "graphs/graphdef_exporter.h"

#include <stdexcept>
#include <string_view>
#include <unordered_map>

#include "graphs/base/error.h"
#include "graphs/detail/graphdef_file.h"
#include "graphs/detail/graphdef_order.h"

namespace placer {
namespace {

/// "node", "node:1" and "^node" name the same node.
std::string NodeOf(std::string_view input) {
  if (input.starts_with('^')) {
    input.remove_prefix(1);
  }
  return std::string(input.substr(0, input.find(':')));
}

std::unordered_map<std::string, std::string> DevicesOfOps(
    const Graph& graph, std::span<const std::string> device_of_op) {
  if (device_of_op.size() != graph.num_ops() || device_of_op.empty()) {
    throw std::logic_error("GraphDefWithDevices: not one device for each op");
  }
  std::unordered_map<std::string, std::string> devices;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const Op& op = graph.op(OpId(i));
    devices.emplace(op.source_name.empty() ? op.name : op.source_name, device_of_op[i]);
  }
  return devices;
}

/// The op of a loop stands for all its nodes, and is known by the first.
void PlaceLoops(const tf::GraphDef& graph, std::unordered_map<std::string, std::string>& devices) {
  for (const graphdef::NodeOrder::Unit& unit : graphdef::OrderNodes(graph).units) {
    if (const auto at = devices.find(graph.node(unit.nodes.front()).name()); at != devices.end()) {
      const std::string device = at->second;
      for (const int node : unit.nodes) {
        devices.emplace(graph.node(node).name(), device);
      }
    }
  }
}

/// Nodes without an op follow a reader, then what they read; chains of them settle in a few rounds,
/// as files list producers mostly first.
void PlaceRest(const tf::GraphDef& graph, std::unordered_map<std::string, std::string>& devices) {
  const auto follow = [&](const tf::NodeDef& node, bool readers) {
    bool changed = false;
    for (const std::string& input : node.input()) {
      const std::string other = NodeOf(input);
      const std::string& known = readers ? node.name() : other;
      const std::string& open = readers ? other : node.name();
      if (const auto at = devices.find(known); at != devices.end()) {
        const std::string device = at->second;
        changed = devices.emplace(open, device).second || changed;
      }
    }
    return changed;
  };
  for (const bool readers : {true, false}) {
    for (bool changed = true; changed;) {
      changed = false;
      if (readers) {
        for (int i = graph.node_size(); i-- > 0;) {
          changed = follow(graph.node(i), readers) || changed;
        }
      } else {
        for (const tf::NodeDef& node : graph.node()) {
          changed = follow(node, readers) || changed;
        }
      }
    }
  }
}

}  // namespace

std::string GraphDefWithDevices(const std::filesystem::path& path, const Graph& graph,
                                std::span<const std::string> device_of_op) {
  graphdef::GraphDefFile file = graphdef::ReadGraphDef(path);
  std::unordered_map<std::string, std::string> devices = DevicesOfOps(graph, device_of_op);
  bool any = false;
  for (const tf::NodeDef& node : file.graph.node()) {
    any = any || devices.contains(node.name());
  }
  if (!any) {
    throw InputError(path.string() + ": none of its " + std::to_string(file.graph.node_size()) +
                     " nodes is an op of graph '" + graph.name() +
                     "', expected the model that the graph was made of");
  }
  try {
    PlaceLoops(file.graph, devices);
  } catch (const InputError& error) {
    throw error.In(path.string());
  }
  PlaceRest(file.graph, devices);
  for (tf::NodeDef& node : *file.graph.mutable_node()) {
    const auto device = devices.find(node.name());
    node.set_device(device != devices.end() ? device->second : device_of_op.front());
  }
  return graphdef::SerializeGraphDef(file);
}

}  // namespace placer
