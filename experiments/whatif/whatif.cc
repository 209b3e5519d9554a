#include "experiments/whatif/whatif.h"

#include <algorithm>
#include <array>
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

std::optional<std::array<double, 3>> CostsOf(const StoredTrial& trial) {
  if (!trial.feasible()) {
    return std::nullopt;
  }
  return std::array{trial.metric("step_time_seconds").value_or(0),
                    trial.metric("devices_used").value_or(0),
                    trial.metric("peak_bytes").value_or(0)};
}

bool Beats(const std::array<double, 3>& a, const std::array<double, 3>& b) {
  return a != b && a[0] <= b[0] && a[1] <= b[1] && a[2] <= b[2];
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

std::vector<bool> ParetoFront(const std::vector<StoredTrial>& trials) {
  std::vector<bool> front;
  for (const StoredTrial& trial : trials) {
    const auto own = CostsOf(trial);
    front.push_back(own &&
                    std::none_of(trials.begin(), trials.end(), [&](const StoredTrial& other) {
                      const auto costs = CostsOf(other);
                      return costs && Beats(*costs, *own);
                    }));
  }
  return front;
}

}  // namespace placer
