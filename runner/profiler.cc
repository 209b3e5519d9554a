#include "runner/profiler.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "graphs/base/error.h"
#include "runner/profile_builder.h"

namespace placer {
namespace {

/// The first device of every kind.
std::vector<DeviceId> OneOfEachKind(const Cluster& cluster) {
  std::set<std::string> kinds;
  std::vector<DeviceId> devices;
  for (std::size_t d = 0; d < cluster.num_devices(); ++d) {
    if (kinds.insert(cluster.devices()[d].kind).second) {
      devices.emplace_back(d);
    }
  }
  return devices;
}

/// Runs of classes this long on one device, in every other placement: a copy now and then, and long
/// stretches of work between, as in placements that are any good.
constexpr std::size_t kRunLength = 12;

}  // namespace

Placement RandomPlacement(const Graph& graph, const Cluster& cluster, std::span<const double> share,
                          std::size_t contiguous, Rng& rng) {
  double total = 0;
  for (const double part : share) {
    total += part;
  }
  const auto draw = [&] {
    double at = rng.Uniform() * total;
    for (std::size_t d = 0; d < share.size(); ++d) {
      at -= share[d];
      if (at < 0) {
        return DeviceId(d);
      }
    }
    return DeviceId(share.size() - 1);
  };
  std::vector<std::optional<DeviceId>> device_of_class(graph.num_colocation_classes());
  std::vector<std::uint64_t> allowed(graph.num_colocation_classes(), ~std::uint64_t{0});
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    std::uint64_t mask = 0;
    for (std::size_t d = 0; d < cluster.num_devices(); ++d) {
      mask |= static_cast<std::uint64_t>(IsAllowed(graph.op(OpId(i)), cluster.device(DeviceId(d))))
              << d;
    }
    allowed[graph.colocation_class(OpId(i))] &= mask;
  }
  DeviceId current = draw();
  Placement placement(graph.num_ops(), DeviceId(0));
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const std::uint32_t c = graph.colocation_class(OpId(i));
    if (!device_of_class[c]) {
      if (rng.Below(contiguous) == 0) {
        current = draw();
      }
      DeviceId device = current;
      while (((allowed[c] >> device.index()) & 1U) == 0) {
        device = DeviceId((device.index() + 1) % cluster.num_devices());
      }
      device_of_class[c] = device;
    }
    placement.set_device(OpId(i), *device_of_class[c]);
  }
  return placement;
}

Profile MeasureProfile(StepWorker& worker, const Cluster& cluster, const ProfilerOptions& options,
                       const std::function<void(int, int)>& on_progress) {
  ProfileBuilder builder(worker.graph(), cluster);
  const std::vector<DeviceId> single = OneOfEachKind(cluster);
  const int placements = cluster.num_devices() > 1 ? options.placements : 0;
  const int total = static_cast<int>(single.size()) * options.idle_steps +
                    placements * options.steps_per_placement;
  int done = 0;
  std::optional<WorkerError> failure;
  const auto record = [&](const Placement& placement, int steps, bool one_device) {
    done += steps;
    try {
      const MeasuredSteps measured =
          worker.Measure({StepPlan::Kind::kPlaced, placement, 1}, /*warmup=*/1, steps, true);
      for (const ExecutedTrace& trace : measured.traces) {
        builder.Add(trace, one_device);
      }
    } catch (const WorkerError& error) {
      if (error.outcome() == StepOutcome::kInterrupted) {
        throw;
      }
      failure = error;  // there are others
    }
    if (on_progress) {
      on_progress(done, total);
    }
  };
  for (const DeviceId device : single) {
    const Placement placement(worker.graph().num_ops(), device);
    if (FindFaults(placement, worker.graph(), cluster).empty()) {
      record(placement, options.idle_steps, true);
    }
  }
  const std::vector<double> equal(cluster.num_devices(), 1);
  for (int p = 0; p < placements; ++p) {
    Rng rng(DeriveSeed(options.seed, p));
    record(RandomPlacement(worker.graph(), cluster, equal, p % 2 == 0 ? 1 : kRunLength, rng),
           options.steps_per_placement, false);
  }
  Profile profile = std::move(builder).Build();
  if (profile.ops.empty() && failure) {
    throw WorkerError(*failure);
  }
  return profile;
}

}  // namespace placer
