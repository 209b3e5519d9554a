#include "experiments/headroom.h"

#include <spdlog/fmt/fmt.h>

#include "experiments/format.h"

namespace placer {

HeadRoom AssessHeadRoom(const Workbench& bench,
                        const std::optional<SingleDevice>& best_single_device,
                        const JudgedTimes& judged) {
  HeadRoom room;
  const Picoseconds critical_path = bench.lower_bound().critical_path;
  if (critical_path.count() > 0) {
    room.work_over_critical_path =
        static_cast<double>(bench.work().count()) / static_cast<double>(critical_path.count());
  }
  if (!best_single_device) {
    return room;  // one device cannot hold the model: placing it is the whole point
  }
  room.single_device_gap_limit = bench.GapLimit(best_single_device->step_time);
  if (*room.single_device_gap_limit <= kProvenGap) {
    room.statement = fmt::format(
        "no head-room: one device is within {} of the bound, no placement can gain more",
        FormatPercent(*room.single_device_gap_limit));
  } else if (bench.objective() == Objective::kLatency &&
             room.work_over_critical_path <= kChainLikeRatio) {
    room.statement = fmt::format(
        "no head-room to speak of: work / critical path is {:.2f}, hardly anything can run in "
        "parallel",
        room.work_over_critical_path);
  } else if (judged.found && judged.single_device && *judged.found >= *judged.single_device) {
    room.statement = fmt::format(
        "no method found anything better than one device (the bound would allow up to {})",
        FormatPercent(1 - 1 / (1 + *room.single_device_gap_limit)));
  }
  return room;
}

std::optional<Picoseconds> StepTimeOf(const std::optional<SingleDevice>& device) {
  return device ? std::optional(device->step_time) : std::nullopt;
}

std::vector<DeviceId> DevicesThatMayRunAll(const Workbench& bench) {
  std::vector<DeviceId> devices;
  for (std::size_t d = 0; d < bench.cluster().num_devices(); ++d) {
    if (bench.Faults(Placement(bench.graph().num_ops(), DeviceId(d))).empty()) {
      devices.emplace_back(d);
    }
  }
  return devices;
}

std::vector<DeviceId> DevicesThatHold(const Workbench& bench) {
  std::vector<DeviceId> devices = DevicesThatMayRunAll(bench);
  std::erase_if(devices, [&](DeviceId device) {
    const Placement placement(bench.graph().num_ops(), device);
    return bench.runner().Run(placement).outcome != StepOutcome::kOk;
  });
  return devices;
}

std::optional<SingleDevice> BestSingleDevice(const Workbench& bench) {
  return BestSingleDevice(bench, bench.runner());
}

std::optional<SingleDevice> BestSingleDevice(const Workbench& bench, const Runner& runner) {
  std::optional<SingleDevice> best;
  for (const DeviceId device : DevicesThatMayRunAll(bench)) {
    const StepReport report = runner.Run(Placement(bench.graph().num_ops(), device));
    if (report.outcome == StepOutcome::kOk && (!best || report.step_time < best->step_time)) {
      best = SingleDevice{device, report.step_time};
    }
  }
  return best;
}

}  // namespace placer
