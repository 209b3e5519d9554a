#include "placer/workbench.h"

#include <algorithm>
#include <utility>

#include "cost_model/cluster_io.h"
#include "graphs/base/error.h"

namespace placer {
namespace {

template <typename T>
T Choose(const char* flag, const std::string& word,
         const std::vector<std::pair<const char*, T>>& choices) {
  std::string known;
  for (const auto& [name, value] : choices) {
    if (word == name) {
      return value;
    }
    known += (known.empty()                  ? ""
              : name == choices.back().first ? " or "
                                             : ", ") +
             std::string(name);
  }
  throw InputError(std::string(flag) + ": found '" + word + "', expected " + known);
}

}  // namespace

LoadedModel ModelSpec::Load() const {
  LoadOptions options;
  options.batch = batch;
  if (training) {
    options.training = TrainingOptions{};
  }
  if (optimizer) {
    const std::optional<Optimizer> parsed = ParseOptimizer(*optimizer);
    if (!parsed) {
      throw InputError("optimizer: found '" + *optimizer + "', expected sgd, momentum or adam");
    }
    if (!options.training) {
      throw InputError("optimizer: given without training, which it belongs to");
    }
    options.training->optimizer = *parsed;
  }
  return LoadModel(model, options);
}

SimulationOptions ProblemSpec::Simulation() const {
  SimulationOptions simulation;
  simulation.objective =
      Choose<Objective>("objective", objective,
                        {{"latency", Objective::kLatency}, {"max-load", Objective::kMaxLoad}});
  simulation.order = Choose<ScheduleOrder>(
      "order", order,
      {{"fifo", ScheduleOrder::kFifo}, {"critical-path", ScheduleOrder::kCriticalPath}});
  return simulation;
}

Grouping ProblemSpec::Group(const Graph& graph) const {
  enum class Space : std::uint8_t { kGroups, kScopes, kOps };
  const auto chosen =
      Choose<Space>("space", space,
                    {{"groups", Space::kGroups}, {"scopes", Space::kScopes}, {"ops", Space::kOps}});
  if (chosen == Space::kOps) {
    if (max_groups) {
      throw InputError("groups: makes no sense with space ops, which has no groups");
    }
    return GroupByColocation(graph);
  }
  GroupingOptions options;
  options.scopes = chosen == Space::kScopes;
  options.max_groups = max_groups.value_or(kDefaultMaxGroups);
  return GroupOps(graph, options);
}

Workbench::Workbench(LoadedModel model, const ProblemSpec& spec)
    : Workbench(std::move(model), LoadCluster(spec.cluster), spec) {}

Workbench::Workbench(LoadedModel model, Cluster cluster, const ProblemSpec& spec)
    : model_(std::move(model)),
      cluster_(std::move(cluster)),
      costs_(model_.graph, cluster_),
      runner_(model_.graph, cluster_, costs_, spec.Simulation()),
      problem_(costs_, runner_, spec.Group(model_.graph)),
      lower_bound_(ComputeLowerBound(model_.graph, cluster_, costs_)) {
  for (std::size_t op = 0; op < graph().num_ops(); ++op) {
    std::optional<Picoseconds> smallest;
    for (std::size_t d = 0; d < cluster_.num_devices(); ++d) {
      if (!costs_.allowed(OpId(op), DeviceId(d))) {
        continue;
      }
      const Picoseconds time = costs_.op_time(OpId(op), DeviceId(d));
      smallest = smallest ? std::min(*smallest, time) : time;
    }
    work_ += smallest.value_or(Picoseconds(0));
  }
}

Picoseconds Workbench::bound() const noexcept {
  return objective() == Objective::kMaxLoad ? lower_bound_.load : lower_bound_.value();
}

double Workbench::GapLimit(Picoseconds step_time) const noexcept {
  return bound().count() == 0
             ? 0
             : static_cast<double>(step_time.count()) / static_cast<double>(bound().count()) - 1;
}

std::int64_t Workbench::resident_bytes() const noexcept {
  std::int64_t bytes = 0;
  for (std::size_t g = 0; g < problem_.num_groups(); ++g) {
    bytes += problem_.resident_bytes(GroupId(g));
  }
  return bytes;
}

std::int64_t Workbench::capacity_bytes() const noexcept {
  std::int64_t bytes = 0;
  for (const Device& device : cluster_.devices()) {
    bytes += device.memory_bytes;
  }
  return bytes;
}

}  // namespace placer
