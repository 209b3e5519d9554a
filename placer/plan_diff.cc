#include "placer/plan_diff.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace placer {

PlanDifference ComparePlans(const SavedPlacement& first, const SavedPlacement& second) {
  std::map<std::string_view, std::string_view> others;
  for (const auto& [op, device] : second.device_of_op) {
    others.emplace(op, device);
  }
  PlanDifference difference;
  std::map<std::string_view, bool> known;
  for (const auto& [op, device] : first.device_of_op) {
    known.emplace(op, true);
    const auto other = others.find(op);
    if (other == others.end()) {
      difference.only_in_first.push_back(op);
    } else if (other->second != device) {
      difference.moved.push_back({op, device, std::string(other->second)});
    } else {
      ++difference.same;
    }
  }
  for (const auto& [op, device] : second.device_of_op) {
    if (!known.contains(op)) {
      difference.only_in_second.push_back(op);
    }
  }
  return difference;
}

std::int64_t CutBytes(const Graph& graph, const Placement& placement) {
  std::int64_t bytes = 0;
  std::vector<DeviceId> readers;
  for (std::size_t t = 0; t < graph.num_tensors(); ++t) {
    const Tensor& tensor = graph.tensor(TensorId(t));
    readers.clear();
    for (const OpId consumer : graph.consumers(TensorId(t))) {
      if (placement.device(consumer) != placement.device(tensor.producer)) {
        readers.push_back(placement.device(consumer));
      }
    }
    std::sort(readers.begin(), readers.end());
    bytes += tensor.bytes * (std::unique(readers.begin(), readers.end()) - readers.begin());
  }
  return bytes;
}

}  // namespace placer
