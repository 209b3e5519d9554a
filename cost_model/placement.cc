#include "cost_model/placement.h"

#include <algorithm>

#include "graphs/base/text.h"

namespace placer {

bool IsAllowed(const Op& op, const Device& device) {
  return op.allowed_devices.empty() ||
         std::any_of(
             op.allowed_devices.begin(), op.allowed_devices.end(),
             [&](const std::string& name) { return name == device.name || name == device.kind; });
}

KnownDevices AllKnown(const Placement& placement) {
  return KnownDevices(placement.device_of_op().begin(), placement.device_of_op().end());
}

std::vector<std::string> FindFaults(const Placement& placement, const Graph& graph,
                                    const Cluster& cluster) {
  return FindFaults(AllKnown(placement), graph, cluster);
}

std::vector<std::string> FindFaults(const KnownDevices& devices, const Graph& graph,
                                    const Cluster& cluster) {
  if (devices.size() != graph.num_ops()) {
    return {"the placement has " + std::to_string(devices.size()) + " ops, expected the " +
            std::to_string(graph.num_ops()) + " of graph " + Quoted(graph.name())};
  }
  std::vector<std::string> faults;
  std::vector<std::optional<OpId>> leader(graph.num_colocation_classes());
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const auto device = devices[i];
    if (!device) {
      continue;
    }
    const Op& op = graph.op(OpId(i));
    const std::string where = "op " + Quoted(op.name);
    if (device->index() >= cluster.num_devices()) {
      faults.push_back(where + ": is on device #" + std::to_string(device->index()) +
                       ", but the cluster has " + std::to_string(cluster.num_devices()));
      continue;
    }
    const Device& target = cluster.device(*device);
    if (!IsAllowed(op, target)) {
      faults.push_back(where + ": is on " + Quoted(target.name) + ", expected one of " +
                       QuotedList(op.allowed_devices));
    }
    std::optional<OpId>& first = leader[graph.colocation_class(OpId(i))];
    if (!first) {
      first = OpId(i);
    } else if (devices[first->index()] != device) {
      faults.push_back(where + ": is on " + Quoted(target.name) + ", expected " +
                       Quoted(cluster.device(*devices[first->index()]).name) +
                       ", which it must share with op " + Quoted(graph.op(*first).name));
    }
  }
  return faults;
}

std::int64_t ResidentBytes(const Graph& graph, OpId op) {
  std::int64_t bytes = graph.op(op).persistent_bytes;
  for (std::size_t k = 0; graph.is_resident(op) && k < graph.num_outputs(op); ++k) {
    bytes += graph.tensor(TensorId(graph.first_output(op).index() + k)).held_bytes;
  }
  return bytes;
}

}  // namespace placer
