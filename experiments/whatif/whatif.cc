#include "experiments/whatif/whatif.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <sstream>

#include "cost_model/cluster_io.h"
#include "cost_model/cluster_variation.h"
#include "experiments/detail/experiment_messages.h"
#include "experiments/experiment_config.h"
#include "graphs/base/error.h"
#include "graphs/zoo.h"

namespace placer {
namespace {

constexpr std::string_view kZooPrefix = "zoo:";

bool IsModelParameter(const std::string& model, const std::string& name) {
  if (!model.starts_with(kZooPrefix)) {
    return name == "batch";
  }
  const std::string zoo = model.substr(kZooPrefix.size(), model.find('?') - kZooPrefix.size());
  for (const ZooEntry& entry : GraphZoo()) {
    if (entry.name == zoo) {
      return std::any_of(entry.parameters.begin(), entry.parameters.end(),
                         [&](const ZooParameter& each) { return each.name == name; });
    }
  }
  return false;
}

struct Costs {
  std::string work;
  std::array<double, 3> values{};
};

std::optional<Costs> CostsOf(const StoredTrial& trial) {
  if (!trial.feasible()) {
    return std::nullopt;
  }
  return Costs{WorkOf(trial),
               {trial.metric("step_time_seconds").value_or(0),
                trial.metric("devices_used").value_or(0), trial.metric("peak_bytes").value_or(0)}};
}

bool Beats(const Costs& a, const Costs& b) {
  return a.work == b.work && a.values != b.values && a.values[0] <= b.values[0] &&
         a.values[1] <= b.values[1] && a.values[2] <= b.values[2];
}

}  // namespace

Variation ParseVariation(const std::string& text, const ExperimentConfig& base) {
  Variation variation;
  const std::size_t equals = text.find('=');
  variation.name = text.substr(0, equals);
  std::istringstream values(equals == std::string::npos ? "" : text.substr(equals + 1));
  for (std::string value; std::getline(values, value, ',');) {
    if (!value.empty()) {
      variation.values.push_back(value);
    }
  }
  if (variation.name.empty() || variation.values.empty()) {
    throw InputError("vary: found '" + text + "', expected NAME=VALUE,VALUE,...");
  }
  const bool on_cluster =
      base.problem.devices.empty() &&
      IsClusterVariation(LoadCluster(base.problem.cluster).spec(), variation.name);
  variation.field = on_cluster ? "cluster." + variation.name
                    : IsModelParameter(base.model.model, variation.name) ? "model." + variation.name
                                                                         : variation.name;
  return variation;
}

SweepPlan PlanWhatIf(const ExperimentConfig& base, const std::vector<Variation>& variations,
                     const std::filesystem::path& output_dir) {
  proto::Sweep sweep;
  *sweep.mutable_base() = detail::ToMessage(base);
  sweep.mutable_base()->clear_name();
  sweep.mutable_base()->clear_output_dir();
  sweep.set_output_dir(output_dir.string());
  for (const Variation& variation : variations) {
    proto::Axis& axis = *sweep.add_axes();
    axis.set_field(variation.field);
    axis.mutable_values()->Assign(variation.values.begin(), variation.values.end());
  }
  return PlanSweep(sweep, "whatif");
}

std::string ValueOf(const StoredTrial& trial, const Variation& variation) {
  return trial.axis(variation.field == "seeds" ? "seed" : variation.field);
}

bool IsOfTheWork(const std::string& field) {
  constexpr std::array<std::string_view, 7> kFields = {"model",  "batch", "training", "optimizer",
                                                       "inputs", "loss",  "objective"};
  return field.starts_with("model.") || std::ranges::find(kFields, field) != kFields.end();
}

std::string WorkOf(const StoredTrial& trial) {
  std::vector<TrialAxis> work;
  std::ranges::copy_if(trial.axes, std::back_inserter(work), IsOfTheWork, &TrialAxis::field);
  return Describe(work);
}

std::vector<bool> ParetoFront(const std::vector<StoredTrial>& trials) {
  std::vector<std::optional<Costs>> costs;
  std::ranges::transform(trials, std::back_inserter(costs), CostsOf);
  std::vector<bool> front;
  for (const std::optional<Costs>& own : costs) {
    front.push_back(own && std::ranges::none_of(costs, [&own](const std::optional<Costs>& other) {
                      return other && Beats(*other, *own);
                    }));
  }
  return front;
}

}  // namespace placer
