#include "runner/profiler.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "graphs/base/error.h"
#include "runner/statistics.h"

namespace placer {
namespace {

constexpr double kBusyFrom = 0.8;
constexpr double kIdleBelow = 0.2;

struct Interval {
  std::int64_t start = 0, end = 0;
};

/// What each device did when, in order: ops, and the copies that it makes itself.
std::vector<std::vector<Interval>> Activities(const ExecutedTrace& trace, const Cluster& cluster) {
  std::vector<std::vector<Interval>> activities(cluster.num_devices());
  for (const Trace::OpRun& run : trace.ops) {
    activities[run.device.index()].push_back({run.start.count(), run.end.count()});
  }
  for (const ExecutedTrace::Copy& copy : trace.copies) {
    const CopiedBy by = cluster.device(copy.from).copied_by;
    if (by != CopiedBy::kDma) {
      const DeviceId device = by == CopiedBy::kSender ? copy.from : copy.to;
      activities[device.index()].push_back({copy.start.count(), copy.end.count()});
    }
  }
  for (std::vector<Interval>& row : activities) {
    std::sort(row.begin(), row.end(),
              [](const Interval& a, const Interval& b) { return a.start < b.start; });
  }
  return activities;
}

/// Time of `row` that falls into `window`; intervals of a row do not overlap.
std::int64_t Overlap(const std::vector<Interval>& row, const Interval& window) {
  auto it = std::lower_bound(row.begin(), row.end(), window.start,
                             [](const Interval& a, std::int64_t at) { return a.end <= at; });
  std::int64_t overlap = 0;
  for (; it != row.end() && it->start < window.end; ++it) {
    overlap += std::min(it->end, window.end) - std::max(it->start, window.start);
  }
  return overlap;
}

/// The end of what the device did before `start`, 0 if nothing.
std::int64_t EndBefore(const std::vector<Interval>& row, std::int64_t start) {
  const auto it = std::lower_bound(row.begin(), row.end(), start,
                                   [](const Interval& a, std::int64_t at) { return a.start < at; });
  return it == row.begin() ? 0 : std::prev(it)->end;
}

class Collector {
 public:
  Collector(const Graph& graph, const Cluster& cluster) : graph_(graph), cluster_(cluster) {
    for (std::size_t i = 0; i < graph.num_ops(); ++i) {
      signatures_.push_back(OpSignature(graph, OpId(i)));
    }
  }

  /// @param one_device  everything ran on one device: every gap between ops is launch overhead
  void Add(const ExecutedTrace& trace, bool one_device) {
    const auto activities = Activities(trace, cluster_);
    for (const Trace::OpRun& run : trace.ops) {
      AddOp(run, activities);
    }
    for (const ExecutedTrace::Copy& copy : trace.copies) {
      AddCopy(copy, activities);
    }
    for (std::size_t d = 0; one_device && d < activities.size(); ++d) {
      for (std::size_t i = 1; i < activities[d].size(); ++i) {
        launches_[cluster_.devices()[d].kind].push_back(
            Seconds(activities[d][i].start - activities[d][i - 1].end));
      }
    }
  }

  [[nodiscard]] Profile Finish() const {
    Profile profile;
    for (const auto& [key, samples] : busy_) {
      profile.ops[key].busy = Mean(samples);
    }
    for (const auto& [key, samples] : idle_) {
      profile.ops[key].idle = Mean(samples);
    }
    for (const auto& [key, samples] : copies_) {
      profile.copies[key] = Mean(samples);
    }
    for (const auto& [kind, samples] : launches_) {
      profile.launch_overheads[kind] = Mean(samples);
    }
    return profile;
  }

 private:
  static double Seconds(std::int64_t picoseconds) {
    return static_cast<double>(std::max<std::int64_t>(picoseconds, 0)) * 1e-12;
  }
  static MeasuredMean Mean(const std::vector<double>& samples) {
    return {TrimmedMean(samples).mean, static_cast<std::int64_t>(samples.size())};
  }

  void AddOp(const Trace::OpRun& run, const std::vector<std::vector<Interval>>& activities) {
    const Interval window{run.start.count(), run.end.count()};
    std::int64_t overlap = 0;
    for (std::size_t d = 0; d < activities.size(); ++d) {
      if (d != run.device.index()) {
        overlap = std::max(overlap, Overlap(activities[d], window));
      }
    }
    const double length = static_cast<double>(std::max<std::int64_t>(window.end - window.start, 1));
    const double share = static_cast<double>(overlap) / length;
    const Profile::OpKey key{signatures_[run.op.index()], cluster_.device(run.device).kind};
    if (share >= kBusyFrom) {
      busy_[key].push_back(Seconds(window.end - window.start));
    } else if (share < kIdleBelow) {
      idle_[key].push_back(Seconds(window.end - window.start));
    }
  }

  void AddCopy(const ExecutedTrace::Copy& copy,
               const std::vector<std::vector<Interval>>& activities) {
    const CopiedBy by = cluster_.device(copy.from).copied_by;
    std::int64_t ready = copy.requested.count();
    if (by != CopiedBy::kDma) {
      const DeviceId device = by == CopiedBy::kSender ? copy.from : copy.to;
      ready = std::max(ready, EndBefore(activities[device.index()], copy.start.count()));
    }
    copies_[{cluster_.device(copy.from).kind, cluster_.device(copy.to).kind, copy.bytes}].push_back(
        Seconds(copy.end.count() - std::min(ready, copy.start.count())));
  }

  const Graph& graph_;
  const Cluster& cluster_;
  std::vector<std::string> signatures_;
  std::map<Profile::OpKey, std::vector<double>> busy_, idle_;
  std::map<Profile::CopyKey, std::vector<double>> copies_;
  std::map<std::string, std::vector<double>> launches_;
};

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
  Collector collector(worker.graph(), cluster);
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
        collector.Add(trace, one_device);
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
  Profile profile = collector.Finish();
  if (profile.ops.empty() && failure) {
    throw WorkerError(*failure);
  }
  return profile;
}

}  // namespace placer
