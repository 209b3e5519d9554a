// topological: groups in order, cut into contiguous parts of equal work, one per device. The split
// by bytes is m-TOPO of Jeon et al., "Baechi: Fast Device Placement of Machine Learning Graphs",
// SoCC 2020.

#include <algorithm>
#include <string>

#include "placer/detail/candidates.h"
#include "placer/detail/contiguous.h"
#include "placer/detail/methods.h"

namespace placer {
namespace {

enum class Measure { kTime, kBytes };

/// Groups that may not run on the device of their part go to their first allowed one.
GroupPlacement Split(const Problem& problem, const std::vector<DeviceId>& devices,
                     Measure measure) {
  std::vector<std::int64_t> cost;
  cost.reserve(problem.num_groups() * devices.size());
  for (std::size_t g = 0; g < problem.num_groups(); ++g) {
    const GroupId group(g);
    for (const DeviceId device : devices) {
      const bool counts = problem.allowed(group, device);
      cost.push_back(!counts                      ? 0
                     : measure == Measure::kBytes ? HeldBytes(problem, group)
                                                  : problem.group_time(group, device).count());
    }
  }
  const std::vector<std::uint32_t> part = SplitContiguously(cost, devices.size());
  GroupPlacement groups;
  for (std::size_t g = 0; g < problem.num_groups(); ++g) {
    groups.push_back(Permitted(problem, GroupId(g), devices[part[g]]));
  }
  return groups;
}

class TopologicalPlacer final : public CandidatePlacer {
  [[nodiscard]] std::vector<Candidate> Candidates(const Problem& problem, Seed) const override {
    std::vector<DeviceId> devices = Accelerators(problem.cluster());
    std::vector<Candidate> candidates;
    candidates.push_back({Split(problem, devices, Measure::kTime), "equal time, accelerators"});
    candidates.push_back({Split(problem, devices, Measure::kBytes), "equal bytes, accelerators"});
    if (devices.size() < problem.num_devices()) {
      candidates.push_back({Split(problem, AllDevices(problem.cluster()), Measure::kTime),
                            "equal time, all devices"});
    }
    for (devices.pop_back(); devices.size() >= 2; devices.pop_back()) {
      candidates.push_back({Split(problem, devices, Measure::kTime),
                            "equal time, " + std::to_string(devices.size()) + " accelerators"});
    }
    return candidates;
  }
};

}  // namespace

std::unique_ptr<Placer> MakeTopologicalPlacer() { return std::make_unique<TopologicalPlacer>(); }

}  // namespace placer
