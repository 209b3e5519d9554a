#include "experiments/paper/ablation.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "experiments/format.h"
#include "experiments/stats.h"

namespace placer {
namespace {

constexpr double kWithin = 1.05;

}  // namespace

std::vector<AblationRow> AblationRows() {
  return {
      {"default", "the preset"},
      {"hidden 512", "the paper's width", "default", {{"hidden", "512"}}},
      {"additive attention", "Bahdanau's", "default", {{"attention", "bahdanau"}}},
      {"reward sqrt(time)", "not relative to the bound", "default", {{"reward", "sqrt-time"}}},
      {"moving-average baseline", "not the batch's", "default", {{"baseline", "moving-average"}}},
      {"learning rate 0.1", "not 0.004", "default", {{"learning_rate", "0.1"}}},
      {"no entropy bonus", "", "default", {{"entropy_weight", "0"}}},
      {"one epoch", "no reuse of samples", "default", {{"epochs", "1"}}},
      {"no self-imitation", "of elites", "default", {{"elite_weight", "0"}, {"narrowing", "0"}}},
      {"no neighbourhoods", "every sample decides all", "default", {{"neighbourhood", "0"}}},
      {"none together", "each group by itself", "default", {{"together", "0"}}},
      {"random start",
       "a tenth of the budget explores",
       "default",
       {{"uniform_start", "false"}, {"exploration", "0.1"}}},
      {"no oversampling", "nor reheating", "default", {{"oversampling", "1"}, {"reheating", "1"}}},
      {"paper", "all of them", "paper", {}},
  };
}

AblationTrial TrialOf(const PlaceResult& result) {
  return {ToSeconds(result.best.step_time).count(), result.curve};
}

nlohmann::ordered_json ToJson(const AblationTrial& trial) {
  auto curve = nlohmann::ordered_json::array();
  for (const CurvePoint& point : trial.curve) {
    curve.push_back({point.samples, point.best.outcome == StepOutcome::kOk,
                     point.best.step_time.count(), point.wall.count()});
  }
  return {{"step_seconds", trial.step_seconds}, {"curve", curve}};
}

AblationTrial AblationTrialFrom(const nlohmann::ordered_json& json) {
  AblationTrial trial{json.at("step_seconds").get<double>(), {}};
  for (const auto& point : json.at("curve")) {
    CurvePoint& added = trial.curve.emplace_back();
    added.samples = point.at(0).get<std::int64_t>();
    added.best.outcome = point.at(1).get<bool>() ? StepOutcome::kOk : StepOutcome::kOutOfMemory;
    added.best.step_time = Picoseconds(point.at(2).get<std::int64_t>());
    added.wall = Seconds(point.at(3).get<double>());
  }
  return trial;
}

std::optional<Arrival> ArrivalOf(const AblationTrial& trial, double best_known) {
  const auto first = std::ranges::find_if(trial.curve, [&](const CurvePoint& point) {
    return point.best.outcome == StepOutcome::kOk &&
           ToSeconds(point.best.step_time).count() <= kWithin * best_known;
  });
  if (first == trial.curve.end()) {
    return std::nullopt;
  }
  return Arrival{static_cast<double>(first->samples), first->wall.count()};
}

Table AblationTable(std::span<const AblationResult> results, double best_known) {
  Table table({{"row", Table::Align::kLeft},
               {"", Table::Align::kLeft},
               {"mean / best"},
               {"min"},
               {"max"},
               {"within 5 %"},
               {"samples"},
               {"seconds"}});
  for (const AblationResult& result : results) {
    std::vector<double> ratios, samples, seconds;
    for (const AblationTrial& trial : result.trials) {
      ratios.push_back(trial.step_seconds / best_known);
      if (const std::optional<Arrival> arrival = ArrivalOf(trial, best_known)) {
        samples.push_back(arrival->samples);
        seconds.push_back(arrival->wall_seconds);
      }
    }
    const Sample sample = Summarize(ratios);
    table.AddRow({result.row.name, result.row.what, fmt::format("{:.3f}", sample.mean),
                  fmt::format("{:.3f}", sample.min), fmt::format("{:.3f}", sample.max),
                  fmt::format("{} of {}", samples.size(), ratios.size()),
                  samples.empty() ? "-" : fmt::format("{:.0f}", Median(samples)),
                  seconds.empty() ? "-" : fmt::format("{:.1f}", Median(seconds))});
  }
  return table;
}

}  // namespace placer
