#pragma once

#include <functional>

#include "cost_model/profile.h"
#include "graphs/base/rng.h"
#include "runner/step_worker.h"

namespace placer {

/// How much is executed for a profile.
struct ProfilerOptions {
  int idle_steps = 4;   ///< recorded steps with everything on one device, per device kind
  int placements = 12;  ///< placements that keep all devices busy, half of them contiguous parts
  int steps_per_placement = 3;
  Seed seed = 1;  ///< of those placements
};

/// Executes the worker's model under many placements and records every op and copy, for a
/// ProfileBuilder.
/// @param on_progress  called with the steps done and their number
/// @throws WorkerError
[[nodiscard]] Profile MeasureProfile(StepWorker& worker, const Cluster& cluster,
                                     const ProfilerOptions& options = {},
                                     const std::function<void(int, int)>& on_progress = {});

/// A valid placement: co-location classes, in order, dealt out with the given shares.
/// @param share  [num_devices], of the expected work of each device
/// @param contiguous  mean length of a run of classes on one device; 1: each by itself
[[nodiscard]] Placement RandomPlacement(const Graph& graph, const Cluster& cluster,
                                        std::span<const double> share, std::size_t contiguous,
                                        Rng& rng);

}  // namespace placer
