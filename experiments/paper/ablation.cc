#include "experiments/paper/ablation.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "experiments/format.h"
#include "graphs/base/error.h"
#include "graphs/base/text.h"

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
      {"flat failing cost",
       "100, by no excess",
       "default",
       {{"failing_cost", "100"}, {"graded", "false"}}},
      {"moving-average baseline", "not the batch's", "default", {{"baseline", "moving-average"}}},
      {"learning rate 0.1", "not 0.004", "default", {{"learning_rate", "0.1"}}},
      {"no entropy bonus", "", "default", {{"entropy_weight", "0"}}},
      {"one epoch", "no reuse of samples", "default", {{"epochs", "1"}}},
      {"no self-imitation",
       "nor narrowing",
       "default",
       {{"elite_weight", "0"}, {"narrowing", "0"}}},
      {"no narrowing", "of the elites", "default", {{"narrowing", "0"}}},
      {"no neighbourhoods", "every sample decides all", "default", {{"neighbourhood", "0"}}},
      {"none together", "each group by itself", "default", {{"together", "0"}}},
      {"random start",
       "a tenth of the budget explores",
       "default",
       {{"uniform_start", "false"}, {"exploration", "0.1"}}},
      {"no oversampling", "nor reheating", "default", {{"oversampling", "1"}, {"reheating", "1"}}},
      {"no reheating", "", "default", {{"reheating", "1"}}},
      {"paper", "all of them", "paper", {}},
  };
}

std::string PlainName(std::string name) {
  std::ranges::replace_if(
      name, [](char c) { return c == ' ' || c == '(' || c == ')'; }, '-');
  return name;
}

std::vector<AblationRow> ChosenRows(const std::string& list) {
  std::vector<std::string> wanted = SplitList(list);
  std::ranges::transform(wanted, wanted.begin(), PlainName);
  std::vector<AblationRow> chosen;
  std::string known;
  for (AblationRow& row : AblationRows()) {
    const std::string name = PlainName(row.name);
    known += (known.empty() ? "" : ", ") + name;
    if (std::erase(wanted, name) > 0) {
      chosen.push_back(std::move(row));
    }
  }
  if (!wanted.empty() || chosen.empty()) {
    throw InputError("rows: found " + (wanted.empty() ? "none" : Quoted(wanted.front())) +
                     ", expected some of " + known);
  }
  return chosen;
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

double BestKnown(std::span<const AblationResult> results) {
  std::vector<double> seconds;
  for (const AblationResult& result : results) {
    for (const AblationTrial& trial : result.trials) {
      seconds.push_back(trial.step_seconds);
    }
  }
  return Summarize(seconds).min;
}

LearningSeries CurvesOf(const AblationResult& result, const std::string& label,
                        std::int64_t samples) {
  LearningSeries series{label, {}};
  for (const AblationTrial& trial : result.trials) {
    LearningCurve curve;
    for (const CurvePoint& point : trial.curve) {
      if (point.samples <= samples && point.best.outcome == StepOutcome::kOk) {
        curve.push_back({point.samples, ToSeconds(point.best.step_time)});
      }
    }
    if (!curve.empty()) {
      series.seeds.push_back(std::move(curve));
    }
  }
  return series;
}

AblationSummary SummaryOf(const AblationResult& result, double best_known) {
  std::vector<double> ratios, samples, seconds;
  for (const AblationTrial& trial : result.trials) {
    ratios.push_back(trial.step_seconds / best_known);
    if (const std::optional<Arrival> arrival = ArrivalOf(trial, best_known)) {
      samples.push_back(arrival->samples);
      seconds.push_back(arrival->wall_seconds);
    }
  }
  AblationSummary summary{Summarize(ratios), samples.size(), std::nullopt};
  if (!samples.empty()) {
    summary.arrival = {Median(samples), Median(seconds)};
  }
  return summary;
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
    const AblationSummary summary = SummaryOf(result, best_known);
    const std::optional<Arrival>& arrival = summary.arrival;
    table.AddRow({result.row.name, result.row.what, fmt::format("{:.3f}", summary.ratio.mean),
                  fmt::format("{:.3f}", summary.ratio.min),
                  fmt::format("{:.3f}", summary.ratio.max),
                  fmt::format("{} of {}", summary.arrived, result.trials.size()),
                  arrival ? fmt::format("{:.0f}", arrival->samples) : "-",
                  arrival ? fmt::format("{:.1f}", arrival->wall_seconds) : "-"});
  }
  return table;
}

nlohmann::ordered_json ToJson(std::span<const AblationResult> results, double best_known) {
  auto rows = nlohmann::ordered_json::array();
  for (const AblationResult& result : results) {
    const AblationSummary summary = SummaryOf(result, best_known);
    nlohmann::ordered_json row = {
        {"row", result.row.name},
        {"what", result.row.what},
        {"preset", result.row.preset},
        {"options", result.row.options},
        {"ratio",
         {{"mean", summary.ratio.mean}, {"min", summary.ratio.min}, {"max", summary.ratio.max}}},
        {"seeds", result.trials.size()},
        {"within_5_percent", summary.arrived}};
    if (summary.arrival) {
      row["median_samples"] = summary.arrival->samples;
      row["median_seconds"] = summary.arrival->wall_seconds;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace placer
