#include "placer/detail/candidates.h"

#include <algorithm>
#include <tuple>

#include "placer/search_session.h"

namespace placer {

PlaceResult CandidatePlacer::DoPlace(const PlaceRequest& request) const {
  SearchSession session(request);
  std::string note;
  for (const Candidate& candidate : Candidates(request.problem, request.seed)) {
    const StepSummary before = session.best();
    const bool had_best = session.has_best();
    if (!session.Evaluate(candidate.groups)) {
      break;
    }
    if (!had_best || IsBetter(session.best(), before)) {
      note = candidate.note;
    }
  }
  return std::move(session).Finish(std::move(note));
}

std::vector<DeviceId> AllDevices(const Cluster& cluster) {
  std::vector<DeviceId> devices;
  for (std::size_t d = 0; d < cluster.num_devices(); ++d) {
    devices.emplace_back(d);
  }
  return devices;
}

std::vector<DeviceId> Accelerators(const Cluster& cluster) {
  std::vector<DeviceId> devices = AllDevices(cluster);
  std::erase_if(devices, [&](DeviceId d) { return cluster.device(d).kind == "cpu"; });
  return devices.empty() ? AllDevices(cluster) : devices;
}

DeviceId Permitted(const Problem& problem, GroupId group, DeviceId preferred) {
  return problem.allowed(group, preferred) ? preferred : problem.allowed_devices(group).front();
}

std::int64_t HeldBytes(const Problem& problem, GroupId group) {
  std::int64_t bytes = problem.output_bytes(group);
  for (const OpId op : problem.grouping().ops(group)) {
    bytes += problem.graph().op(op).persistent_bytes;
  }
  return bytes;
}

std::vector<Candidate> SingleDeviceCandidates(const Problem& problem) {
  struct Option {
    bool overfull = false;
    Picoseconds time{0};
    DeviceId device;
  };
  std::vector<Option> options;
  for (const DeviceId device : AllDevices(problem.cluster())) {
    Option option{false, Picoseconds(0), device};
    std::int64_t bytes = 0;
    for (std::size_t g = 0; g < problem.num_groups(); ++g) {
      const DeviceId home = Permitted(problem, GroupId(g), device);
      option.time += problem.group_time(GroupId(g), home);
      bytes += home == device ? problem.resident_bytes(GroupId(g)) : 0;
    }
    option.overfull = bytes > problem.cluster().device(device).memory_bytes;
    options.push_back(option);
  }
  std::sort(options.begin(), options.end(), [](const Option& a, const Option& b) {
    return std::tie(a.overfull, a.time, a.device) < std::tie(b.overfull, b.time, b.device);
  });
  std::vector<Candidate> candidates;
  for (const Option& option : options) {
    GroupPlacement groups;
    for (std::size_t g = 0; g < problem.num_groups(); ++g) {
      groups.push_back(Permitted(problem, GroupId(g), option.device));
    }
    candidates.push_back(
        {std::move(groups), "all on " + problem.cluster().device(option.device).name});
  }
  return candidates;
}

}  // namespace placer
