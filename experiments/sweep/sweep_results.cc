#include "experiments/sweep/sweep_results.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>
#include <utility>

#include "cost_model/cluster.h"
#include "experiments/detail/experiment_field.h"
#include "experiments/detail/experiment_messages.h"
#include "experiments/format.h"
#include "experiments/sweep/sweep_plan.h"
#include "experiments/sweep/sweep_run.h"
#include "experiments/table.h"
#include "graphs/base/csv.h"
#include "graphs/base/error.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostUnsuccessful = 20;

bool IsTime(const std::string& metric) { return metric.ends_with("_seconds"); }

/// Metrics are told apart by name.
std::string FormatMetric(const std::string& metric, double value, TimeUnit unit) {
  if (IsTime(metric)) {
    return FormatTime(Seconds(value), unit);
  }
  if (metric.ends_with("_bytes")) {
    return FormatBytes(static_cast<std::int64_t>(value));
  }
  return metric == "gap_limit" ? FormatPercent(value) : fmt::format("{:.6g}", value);
}

void Count(const StoredTrial& trial, ResultGroup& group) {
  ++group.trials;
  switch (trial.state) {
    case TrialState::kDone:
      group.infeasible += trial.feasible() ? 0 : 1;
      break;
    case TrialState::kFailed:
      ++group.failed;
      break;
    case TrialState::kCrashed:
      ++group.crashed;
      break;
    default:
      ++group.unfinished;
  }
}

std::string Remarks(const ResultGroup& group) {
  std::string remarks;
  const auto add = [&remarks](std::size_t count, const char* what) {
    if (count > 0) {
      remarks += (remarks.empty() ? "" : ", ") + std::to_string(count) + " " + what;
    }
  };
  add(group.infeasible, "infeasible");
  add(group.failed, "failed");
  add(group.crashed, "crashed");
  add(group.unfinished, "not finished");
  return remarks;
}

std::string TitleOf(const std::string& metric) {
  return metric == kStepTimeMetric ? "step time" : metric;
}

Json ToJson(const ResultGroup& group, const std::vector<std::string>& fields) {
  Json json = Json::object();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    json["fields"][fields[i]] = group.values[i];
  }
  json["trials"] = group.trials;
  json["feasible"] = group.sample ? group.sample->count : 0;
  json["infeasible"] = group.infeasible;
  json["failed"] = group.failed;
  json["crashed"] = group.crashed;
  json["unfinished"] = group.unfinished;
  if (group.sample) {
    json["mean"] = group.sample->mean;
    json["best"] = group.sample->min;
    json["worst"] = group.sample->max;
    json["best_trial"] = group.best_key;
    json["mean_samples"] = group.mean_samples;
    json["mean_wall_seconds"] = group.mean_wall_seconds;
  }
  if (group.interval) {
    json["interval_95"] = {group.interval->low, group.interval->high};
  }
  return json;
}

Json ToJson(const StoredTrial& trial) {
  Json axes = Json::object();
  for (const TrialAxis& axis : trial.axes) {
    axes[axis.field] = axis.value;
  }
  return {{"key", trial.key},           {"axes", axes},
          {"state", Name(trial.state)}, {"attempts", trial.attempts},
          {"message", trial.message},   {"metrics", trial.metrics},
          {"process", trial.process}};
}

}  // namespace

PlanResults ResultsOf(const SweepPlan& plan, std::span<const SweepStore> stores) {
  std::map<std::string, MergedTrial> known;
  for (MergedTrial& each : MergeAllTrials(stores)) {
    const std::string key = each.trial.key;
    known.emplace(key, std::move(each));
  }
  PlanResults results;
  for (const SweepTrial& trial : plan.trials) {
    MergedTrial& added = results.trials.emplace_back();
    if (const auto it = known.find(trial.key); it != known.end()) {
      added = std::move(it->second);
      known.erase(it);
    }
    added.trial.key = trial.key;
    added.trial.config = trial.config;
    added.trial.axes = trial.axes;
  }
  results.others = known.size();
  return results;
}

std::vector<StoredTrial> TrialsOf(const SweepPlan& plan, const SweepStore& store) {
  PlanResults results = ResultsOf(plan, std::span<const SweepStore>(&store, 1));
  std::vector<StoredTrial> trials;
  for (MergedTrial& each : results.trials) {
    trials.push_back(std::move(each.trial));
  }
  return trials;
}

std::string FieldOf(const StoredTrial& trial, const std::string& field) {
  for (const TrialAxis& axis : trial.axes) {
    if (axis.field == field) {
      std::string value = axis.value;
      std::ranges::replace(value, '\n', ',');  // elements of a list, as Get() has them
      return value;
    }
  }
  return detail::ExperimentField(field).Get(
      detail::ToMessage(ParseExperiment(trial.config, trial.key)));
}

std::vector<std::string> DefaultGrouping(const std::vector<StoredTrial>& trials) {
  std::vector<std::string> fields;
  if (!trials.empty()) {
    for (const TrialAxis& axis : trials.front().axes) {
      if (axis.field != "seed") {
        fields.push_back(axis.field);
      }
    }
  }
  return fields;
}

std::vector<ResultGroup> GroupTrials(const std::vector<StoredTrial>& trials,
                                     const std::vector<std::string>& fields,
                                     const std::string& metric) {
  std::vector<ResultGroup> groups;
  std::vector<std::vector<const StoredTrial*>> members;
  std::map<std::vector<std::string>, std::size_t> index;
  std::set<std::string> known;
  for (const StoredTrial& trial : trials) {
    std::vector<std::string> values;
    for (const std::string& field : fields) {
      values.push_back(FieldOf(trial, field));
    }
    const auto [it, is_new] = index.try_emplace(values, groups.size());
    if (is_new) {
      groups.emplace_back().values = values;
      members.emplace_back();
    }
    Count(trial, groups[it->second]);
    for (const auto& [name, value] : trial.metrics) {
      known.insert(name);
    }
    if (trial.state == TrialState::kDone && trial.feasible() && trial.metric(metric)) {
      members[it->second].push_back(&trial);
    }
  }
  if (!known.empty() && metric != kStepTimeMetric && !known.contains(metric)) {
    std::string names;
    for (const std::string& name : known) {
      names += (names.empty() ? "" : ", ") + name;
    }
    throw InputError("metric: found '" + metric + "', expected one of " + names);
  }
  for (std::size_t g = 0; g < groups.size(); ++g) {
    std::vector<double> values;
    for (const StoredTrial* trial : members[g]) {
      values.push_back(*trial->metric(metric));
      const auto count = static_cast<double>(members[g].size());
      groups[g].mean_samples += trial->metric("samples").value_or(0) / count;
      groups[g].mean_wall_seconds += trial->metric("wall_seconds").value_or(0) / count;
    }
    if (!values.empty()) {
      groups[g].sample = Summarize(values);
      groups[g].interval = MeanInterval95(values);
      groups[g].best_key =
          members[g][static_cast<std::size_t>(std::min_element(values.begin(), values.end()) -
                                              values.begin())]
              ->key;
    }
  }
  return groups;
}

void PrintGroups(std::ostream& out, const std::vector<std::string>& fields,
                 const std::vector<ResultGroup>& groups, const std::string& metric) {
  std::vector<Table::Column> columns;
  for (const std::string& field : fields) {
    columns.push_back({field, Table::Align::kLeft});
  }
  columns.insert(columns.end(), {{"n"},
                                 {TitleOf(metric)},
                                 {"95 %"},
                                 {"best"},
                                 {"samples"},
                                 {"wall"},
                                 {"", Table::Align::kLeft}});
  std::vector<Seconds> times;
  for (const ResultGroup& group : groups) {
    if (group.sample) {
      times.emplace_back(group.sample->mean);
    }
  }
  const TimeUnit unit = UnitFor(times);
  Table table(columns);
  for (const ResultGroup& group : groups) {
    std::vector<std::string> cells;
    for (const std::string& value : group.values) {
      cells.push_back(value.empty() ? "-" : value);
    }
    cells.push_back(std::to_string(group.sample ? group.sample->count : 0));
    const auto format = [&](double value) { return FormatMetric(metric, value, unit); };
    cells.push_back(group.sample ? format(group.sample->mean) : "-");
    cells.push_back(group.interval ? "+- " + format(group.interval->high - group.interval->mean)
                                   : "-");
    cells.push_back(group.sample ? format(group.sample->min) : "-");
    cells.push_back(group.sample ? FormatCount(std::llround(group.mean_samples)) : "-");
    cells.push_back(group.sample ? FormatWall(Seconds(group.mean_wall_seconds)) : "-");
    cells.push_back(Remarks(group));
    table.AddRow(cells);
  }
  table.Print(out);
}

void PrintUnsuccessful(std::ostream& out, const std::vector<StoredTrial>& trials) {
  std::size_t count = 0;
  for (const StoredTrial& trial : trials) {
    if (trial.state != TrialState::kFailed && trial.state != TrialState::kCrashed) {
      continue;
    }
    if (++count <= kMostUnsuccessful) {
      out << (count == 1 ? "\n" : "") << Name(trial.state) << " " << trial.key << " ("
          << Describe(trial.axes) << "): " << trial.message << '\n';
    }
  }
  if (count > kMostUnsuccessful) {
    out << "... and " << count - kMostUnsuccessful << " more\n";
  }
}

Json ResultsToJson(const std::string& name, const std::vector<StoredTrial>& trials,
                   const std::vector<std::string>& fields, const std::vector<ResultGroup>& groups,
                   const std::string& metric) {
  const SweepCounts counts = CountTrials(trials);
  Json json = {{"name", name},
               {"counts",
                {{"done", counts.done},
                 {"infeasible", counts.infeasible},
                 {"failed", counts.failed},
                 {"crashed", counts.crashed},
                 {"running", counts.running},
                 {"pending", counts.pending}}},
               {"metric", metric},
               {"groups", Json::array()},
               {"trials", Json::array()}};
  for (const ResultGroup& group : groups) {
    json["groups"].push_back(ToJson(group, fields));
  }
  for (const StoredTrial& trial : trials) {
    json["trials"].push_back(ToJson(trial));
  }
  return json;
}

std::string ResultsToCsv(const std::vector<StoredTrial>& trials) {
  std::set<std::string> metrics;
  for (const StoredTrial& trial : trials) {
    for (const auto& [name, value] : trial.metrics) {
      metrics.insert(name);
    }
  }
  std::string text = "key";
  if (!trials.empty()) {
    for (const TrialAxis& axis : trials.front().axes) {
      text += "," + CsvField(axis.field);
    }
  }
  text += ",state,attempts";
  for (const std::string& metric : metrics) {
    text += "," + metric;
  }
  text += ",message,process\n";
  for (const StoredTrial& trial : trials) {
    text += trial.key;
    for (const TrialAxis& axis : trial.axes) {
      text += "," + CsvField(axis.value);
    }
    text += fmt::format(",{},{}", Name(trial.state), trial.attempts);
    for (const std::string& metric : metrics) {
      const std::optional<double> value = trial.metric(metric);
      text += value ? fmt::format(",{}", *value) : ",";
    }
    text += "," + CsvField(trial.message) + "," + CsvField(trial.process) + "\n";
  }
  return text;
}

}  // namespace placer
