#include "cost_model/placement.h"

#include <algorithm>

#include "graphs/base/text.h"

namespace placer {
namespace {

/// Keeps the first faults and counts the rest: a plan for another cluster may be wrong at every op.
class FaultList {
 public:
  void Add(std::string fault) {
    if (faults_.size() < kShown) {
      faults_.push_back(std::move(fault));
    } else {
      ++hidden_;
    }
  }
  [[nodiscard]] std::vector<std::string> Take() && {
    if (hidden_ > 0) {
      faults_.push_back("and " + std::to_string(hidden_) + " more faults");
    }
    return std::move(faults_);
  }

 private:
  static constexpr std::size_t kShown = 20;
  std::vector<std::string> faults_;
  std::size_t hidden_ = 0;
};

}  // namespace

bool IsAllowed(const Op& op, const Device& device) {
  return op.allowed_devices.empty() ||
         std::any_of(
             op.allowed_devices.begin(), op.allowed_devices.end(),
             [&](const std::string& name) { return name == device.name || name == device.kind; });
}

std::vector<std::string> FindFaults(const Placement& placement, const Graph& graph,
                                    const Cluster& cluster) {
  if (placement.num_ops() != graph.num_ops()) {
    return {"the placement has " + std::to_string(placement.num_ops()) + " ops, expected the " +
            std::to_string(graph.num_ops()) + " of graph " + Quoted(graph.name())};
  }
  FaultList faults;
  std::vector<OpId> leader(graph.num_colocation_classes());
  std::vector<bool> seen(graph.num_colocation_classes(), false);
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const OpId id(i);
    const Op& op = graph.op(id);
    const DeviceId device = placement.device(id);
    const std::string where = "op " + Quoted(op.name);
    if (device.index() >= cluster.num_devices()) {
      faults.Add(where + ": is on device #" + std::to_string(device.index()) +
                 ", but the cluster has " + std::to_string(cluster.num_devices()));
      continue;
    }
    const Device& target = cluster.device(device);
    if (!IsAllowed(op, target)) {
      faults.Add(where + ": is on " + Quoted(target.name) + ", expected one of " +
                 QuotedList(op.allowed_devices));
    }
    const std::uint32_t together = graph.colocation_class(id);
    if (!seen[together]) {
      seen[together] = true;
      leader[together] = id;
      continue;
    }
    const DeviceId expected = placement.device(leader[together]);
    if (expected != device && expected.index() < cluster.num_devices()) {
      faults.Add(where + ": is on " + Quoted(target.name) + ", expected " +
                 Quoted(cluster.device(expected).name) + ", which it must share with op " +
                 Quoted(graph.op(leader[together]).name));
    }
  }
  return std::move(faults).Take();
}

}  // namespace placer
