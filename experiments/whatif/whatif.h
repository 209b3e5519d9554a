#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "experiments/sweep/sweep_plan.h"
#include "experiments/sweep/sweep_store.h"

namespace placer {

struct ExperimentConfig;

/// "links.bandwidth=1x,2x": what is varied, and how.
struct Variation {
  std::string field;  ///< a field of an experiment, as an axis of a sweep names it
  std::string name;   ///< as the user wrote it
  std::vector<std::string> values;
};
/// A name is a parameter of the cluster (cost_model/cluster_variation.h), `batch` or another
/// parameter of a zoo model, or a field of an experiment.
/// @throws InputError
[[nodiscard]] Variation ParseVariation(const std::string& text, const ExperimentConfig& base);

/// What a variation is in a trial.
[[nodiscard]] std::string ValueOf(const StoredTrial& trial, const Variation& variation);

/// Every combination of the values as a sweep of one seed each.
/// @throws InputError
[[nodiscard]] SweepPlan PlanWhatIf(const ExperimentConfig& base,
                                   const std::vector<Variation>& variations,
                                   const std::filesystem::path& output_dir);

/// Whether a field of an experiment says what a step computes and how it is judged (`model`,
/// `model.batch`, `objective`, ...): the step times of two values of it do not compare.
[[nodiscard]] bool IsOfTheWork(const std::string& field);
/// The values of those axes of a trial: "model.batch=16 objective=latency".
[[nodiscard]] std::string WorkOf(const StoredTrial& trial);

/// Which trials no other of the same work beats: none is at least as good in step time, devices
/// used and largest memory of a device and better in one of them. Equal ones are all on the front;
/// trials without a feasible plan never are.
[[nodiscard]] std::vector<bool> ParetoFront(const std::vector<StoredTrial>& trials);

}  // namespace placer
