#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/workbench.h"

namespace placer {

/// Whether a better placement can exist, before and after a search.
struct HeadRoom {
  double work_over_critical_path = 1;  ///< ops that can run side by side on average, at most
  /// Best single device / bound - 1: no placement gains more over it. nullopt if none holds the
  /// model.
  std::optional<double> single_device_gap_limit;
  std::string statement;  ///< one line, for people; empty if there is head-room
};

/// The ratio up to which a graph counts as a chain: below it the best placement was one device,
/// within 7 %, on every graph tried (docs/command.md).
inline constexpr double kChainLikeRatio = 1.12;
/// A single device this close to the bound is as good as optimal.
inline constexpr double kProvenGap = 0.02;

/// The best feasible placement of everything on one device; devices that some op may not run on are
/// left out.
struct SingleDevice {
  DeviceId device;
  Picoseconds step_time{0};
};

[[nodiscard]] std::optional<Picoseconds> StepTimeOf(const std::optional<SingleDevice>& device);

/// The best single device, and the best that any method found, by the same judge.
struct JudgedTimes {
  std::optional<Picoseconds> single_device, found;
};
/// @param best_single_device  of the bench's simulator, which the bound belongs to
/// @param judged  as the user's runner has it; compared with each other only
[[nodiscard]] HeadRoom AssessHeadRoom(const Workbench& bench,
                                      const std::optional<SingleDevice>& best_single_device,
                                      const JudgedTimes& judged = {});

/// The devices that may run every op, whether or not they have the memory.
[[nodiscard]] std::vector<DeviceId> DevicesThatMayRunAll(const Workbench& bench);
/// Those of them that have the memory for a step, as the simulator says.
[[nodiscard]] std::vector<DeviceId> DevicesThatHold(const Workbench& bench);

[[nodiscard]] std::optional<SingleDevice> BestSingleDevice(const Workbench& bench);
/// The same as another runner for the bench's problem judges it.
[[nodiscard]] std::optional<SingleDevice> BestSingleDevice(const Workbench& bench,
                                                           const Runner& runner);

}  // namespace placer
