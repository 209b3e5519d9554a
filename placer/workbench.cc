#include "placer/workbench.h"

#include <algorithm>
#include <utility>

#include "cost_model/cluster_io.h"
#include "cost_model/device_list.h"
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

Profile LoadProfile(const ProblemSpec& spec) {
  return spec.profile.empty() ? Profile() : ReadProfile(spec.profile);
}

std::optional<ConstrainedProblem> Constrain(const Graph& graph, const Cluster& cluster,
                                            const Constraints& constraints) {
  return constraints.empty() ? std::nullopt
                             : std::optional(ApplyConstraints(graph, cluster, constraints));
}

}  // namespace

StepSource ModelSpec::Source(const std::vector<std::string>& devices) const {
  if (!is_executable()) {
    static_cast<void>(LoadModel(model, {}));  // says if there is no model at all
    throw InputError(model + ": found no TorchScript model, expected one: it is to be executed");
  }
  if (batch) {
    throw InputError(model +
                     ": the batch of a TorchScript model is in its inputs, expected no "
                     "--batch");
  }
  if (inputs.empty()) {
    throw InputError(model +
                     ": a TorchScript model needs example inputs, expected for instance "
                     "--inputs \"float32[8,3,299,299]\"");
  }
  if (optimizer && !training) {
    throw InputError("optimizer: given without training, which it belongs to");
  }
  StepSource source;
  source.model = model;
  source.inputs = inputs;
  source.training = training;
  source.optimizer = optimizer;
  source.loss = loss;
  source.devices = devices;
  return source;
}

LoadedModel ModelSpec::Load(const std::stop_token& stop) const {
  if (is_executable()) {
    const StepWorker worker(Source({AnyCpuDevice()}), {.stop = stop});
    return {.graph = worker.graph(), .warnings = worker.warnings()};
  }
  if (!inputs.empty() || !loss.empty()) {
    static_cast<void>(LoadModel(model, {}));  // says if there is no model at all
    throw InputError(model + ": inputs and loss are for TorchScript models, found another one");
  }
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

Cluster ProblemSpec::LoadTarget() const {
  if (devices.empty()) {
    return LoadCluster(cluster);
  }
  if (!cluster.empty()) {
    throw InputError("devices: given beside a cluster, expected one of them");
  }
  return MakeDeviceCluster(ParseDeviceList(devices));
}

Grouping ProblemSpec::Group(const Graph& graph,
                            const std::vector<std::uint32_t>& apart_label) const {
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
  options.label_of_op = apart_label;
  return GroupOps(graph, options);
}

Workbench::Workbench(LoadedModel model, const ProblemSpec& spec)
    : Workbench(std::move(model), spec.LoadTarget(), spec) {}

Workbench::Workbench(LoadedModel model, Cluster cluster, const ProblemSpec& spec)
    : Workbench(std::move(model), std::move(cluster), spec, LoadProfile(spec)) {}

Workbench::Workbench(LoadedModel model, Cluster cluster, const ProblemSpec& spec,
                     const Profile& profile)
    : model_(std::move(model)),
      cluster_(std::move(cluster)),
      constrained_(Constrain(model_.graph, cluster_, spec.constraints)),
      costs_(placed_graph(), placed_cluster(), &profile),
      runner_(placed_graph(), placed_cluster(), costs_, spec.Simulation()),
      problem_(constrained_
                   ? Problem(costs_, runner_, spec.Group(placed_graph(), constrained_->apart_label),
                             constrained_->apart)
                   : Problem(costs_, runner_, spec.Group(placed_graph()))),
      lower_bound_(ComputeLowerBound(placed_graph(), placed_cluster(), costs_)) {
  if (!profile.ops.empty()) {
    AddProfileWarnings(profile);
  }
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

void Workbench::AddProfileWarnings(const Profile& profile) {
  const std::vector<std::string> hardware = profile.HardwareWarnings(HardwareOf(cluster_));
  model_.warnings.insert(model_.warnings.end(), hardware.begin(), hardware.end());
  const ProfileCoverage coverage = Coverage(profile, graph(), cluster_);
  if (coverage.measured < coverage.ops) {
    model_.warnings.push_back(
        "profile: has no time for " + std::to_string(coverage.ops - coverage.measured) + " of " +
        std::to_string(coverage.ops) + " ops and kinds of device: theirs are estimates");
  }
}

Picoseconds Workbench::bound() const noexcept {
  return objective() == Objective::kMaxLoad ? lower_bound_.load : lower_bound_.value();
}

std::string_view Workbench::binding() const noexcept {
  return objective() == Objective::kMaxLoad ? "load" : lower_bound_.binding();
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
  for (const Device& device : placed_cluster().devices()) {
    bytes += device.memory_bytes;
  }
  return bytes;
}

std::vector<std::string> Workbench::Faults(const Placement& placement) const {
  return constrained_ ? FindFaults(AllKnown(placement), *constrained_)
                      : FindFaults(placement, graph(), cluster());
}

}  // namespace placer
