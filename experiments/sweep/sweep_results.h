#pragma once

#include <cstddef>
#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/stats.h"
#include "experiments/sweep/sweep_store.h"

namespace placer {

struct SweepPlan;

inline constexpr const char* kStepTimeMetric = "step_time_seconds";

/// Trials that have some fields in common.
struct ResultGroup {
  std::vector<std::string> values;   ///< of the fields
  std::optional<Sample> sample;      ///< of the metric over feasible trials; min is the best
  std::optional<Interval> interval;  ///< 95 %, of the mean, from two trials on
  std::string best_key;              ///< of the trial with the smallest; ties: the first
  double mean_samples = 0, mean_wall_seconds = 0;  ///< of feasible trials
  std::size_t trials = 0, infeasible = 0, failed = 0, crashed = 0, unfinished = 0;
};

/// What stores know of the trials of a plan, by key: they may have been given other plans since.
struct PlanResults {
  /// The plan's, in its order and with its axes; what no store knows is pending.
  std::vector<MergedTrial> trials;
  std::size_t others = 0;  ///< trials of the stores that the plan does not have
};
[[nodiscard]] PlanResults ResultsOf(const SweepPlan& plan, std::span<const SweepStore> stores);
/// The same of one store.
[[nodiscard]] std::vector<StoredTrial> TrialsOf(const SweepPlan& plan, const SweepStore& store);

/// The value of an axis, or of any other field of the trial's experiment.
/// @throws InputError for a field that does not exist
[[nodiscard]] std::string FieldOf(const StoredTrial& trial, const std::string& field);

/// In the order of their first trials. A trial without the metric is left out of its group's
/// sample.
/// @throws InputError for a field that does not exist, or a metric that no finished trial has
[[nodiscard]] std::vector<ResultGroup> GroupTrials(const std::vector<StoredTrial>& trials,
                                                   const std::vector<std::string>& fields,
                                                   const std::string& metric);
/// The axes but the seed.
[[nodiscard]] std::vector<std::string> DefaultGrouping(const std::vector<StoredTrial>& trials);

/// One row per group: fields, n, mean, interval, best, samples, wall, what went wrong.
void PrintGroups(std::ostream& out, const std::vector<std::string>& fields,
                 const std::vector<ResultGroup>& groups, const std::string& metric);
/// One line per failed or crashed trial, the first few: key, axes, message.
void PrintUnsuccessful(std::ostream& out, const std::vector<StoredTrial>& trials);
/// Name, counts, groups and trials with their axes and metrics.
[[nodiscard]] nlohmann::ordered_json ResultsToJson(const std::string& name,
                                                   const std::vector<StoredTrial>& trials,
                                                   const std::vector<std::string>& fields,
                                                   const std::vector<ResultGroup>& groups,
                                                   const std::string& metric);
/// One line per trial: key, axes, state, attempts, every metric, message, process (RFC 4180).
[[nodiscard]] std::string ResultsToCsv(const std::vector<StoredTrial>& trials);

}  // namespace placer
