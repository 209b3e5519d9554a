#include "experiments/report/report_json.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "cost_model/cluster.h"
#include "experiments/format.h"
#include "experiments/picture/timeline_rows.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

/// One unit for the whole table, as in `compare`.
TimeUnit UnitOf(const ReportProblem& problem) {
  std::vector<Seconds> times;
  for (const ReportRow& row : problem.rows) {
    if (row.step_seconds) {
      times.emplace_back(row.step_seconds->min);
    }
  }
  return UnitFor(times);
}

Json ChangeToJson(const std::optional<Change>& change) {
  if (!change) {
    return nullptr;
  }
  Json json = {{"mean", change->mean}, {"text", FormatChange(change->mean)}};
  if (change->interval) {
    json["low"] = change->interval->low;
    json["high"] = change->interval->high;
    json["interval_text"] =
        FormatChange(change->interval->low) + " .. " + FormatChange(change->interval->high);
  }
  return json;
}

Json TrialsToJson(const ReportMethod& method, TimeUnit unit) {
  Json trials = Json::array();
  for (const ReportTrial& trial : method.trials) {
    Json curve = Json::array();
    for (const LearningPoint& point : trial.curve) {
      curve.push_back(point.samples);
      curve.push_back(point.best.count());
    }
    trials.push_back({{"seed", trial.seed},
                      {"feasible", trial.feasible},
                      {"complete", trial.complete},
                      {"step_seconds", trial.step_time.count()},
                      {"text", trial.feasible ? FormatTime(trial.step_time, unit) : "does not fit"},
                      {"samples", trial.samples},
                      {"curve", curve}});
  }
  return trials;
}

Json RowToJson(const ReportRow& row, TimeUnit unit) {
  const auto time = [&](double Sample::*field) -> Json {
    return row.step_seconds ? Json(FormatTime(Seconds((*row.step_seconds).*field), unit))
                            : Json("-");
  };
  Json json = {{"method", row.method},
               {"mean_text", time(&Sample::mean)},
               {"min_text", time(&Sample::min)},
               {"max_text", time(&Sample::max)},
               {"gap_text", row.gap_limit ? FormatPercent(*row.gap_limit) : "-"},
               {"vs_heuristic", ChangeToJson(row.vs_heuristic)},
               {"vs_annealing", ChangeToJson(row.vs_annealing)},
               {"samples_text", FormatCount(std::llround(row.mean_samples))},
               {"unique_text", FormatCount(std::llround(row.mean_unique))},
               {"wall_text", FormatWall(row.mean_wall)},
               {"feasible", row.feasible},
               {"trials", row.trials}};
  json["step_seconds"] = row.step_seconds ? Json{{"mean", row.step_seconds->mean},
                                                 {"min", row.step_seconds->min},
                                                 {"max", row.step_seconds->max},
                                                 {"deviation", row.step_seconds->deviation}}
                                          : Json(nullptr);
  return json;
}

Json MethodsToJson(const ReportProblem& problem, TimeUnit unit) {
  Json methods = Json::array();
  for (const ReportMethod& method : problem.methods) {
    methods.push_back(
        {{"label", method.label},
         {"computed_here", method.computed_here},
         {"uses_budget", method.uses_budget},
         {"budget_samples", method.budget.samples},
         {"budget_seconds", method.budget.seconds ? Json(*method.budget.seconds) : Json(nullptr)},
         {"trials", TrialsToJson(method, unit)}});
  }
  return methods;
}

/// Names share long beginnings with the name before: how many bytes, and what follows.
Json OpsToJson(const std::vector<ReportGraph::Op>& ops) {
  Json shared = Json::array(), rest = Json::array(), type = Json::array(), group = Json::array(),
       bytes = Json::array(), types = Json::array();
  std::map<std::string, std::size_t> index_of_type;
  std::string before;
  for (const ReportGraph::Op& op : ops) {
    auto same = static_cast<std::size_t>(
        std::mismatch(op.name.begin(), op.name.end(), before.begin(), before.end()).first -
        op.name.begin());
    while (same > 0 && same < op.name.size() &&
           (static_cast<unsigned char>(op.name[same]) & 0xC0U) == 0x80U) {
      --same;  // not within a character
    }
    if (std::any_of(op.name.begin(), op.name.end(),
                    [](char c) { return static_cast<unsigned char>(c) >= 0x80U; })) {
      same = 0;  // the page counts in other units
    }
    shared.push_back(same);
    rest.push_back(op.name.substr(same));
    const auto [at, is_new] = index_of_type.try_emplace(op.type, types.size());
    if (is_new) {
      types.push_back(op.type);
    }
    type.push_back(at->second);
    group.push_back(op.group);
    bytes.push_back(op.output_bytes);
    before = op.name;
  }
  return {{"shared", shared}, {"rest", rest},   {"types", types},
          {"type", type},     {"group", group}, {"bytes", bytes}};
}

Json GraphToJson(const ReportGraph& graph) {
  Json name = Json::array(), num_ops = Json::array(), position = Json::array(),
       resident = Json::array(), output = Json::array(), edges = Json::array();
  for (const ReportGraph::Group& group : graph.groups) {
    name.push_back(group.name);
    num_ops.push_back(group.num_ops);
    position.push_back(group.position);
    resident.push_back(group.resident_bytes);
    output.push_back(group.output_bytes);
  }
  for (const ReportGraph::Edge& edge : graph.edges) {
    edges.push_back(edge.from);
    edges.push_back(edge.to);
    edges.push_back(edge.bytes);
  }
  return {{"groups",
           {{"name", name},
            {"num_ops", num_ops},
            {"position", position},
            {"resident_bytes", resident},
            {"output_bytes", output}}},
          {"edges", edges},
          {"ops", OpsToJson(graph.ops)}};
}

/// Per row a flat array: kind, gap to the end of the span before, length, op, critical; of copies
/// also bytes, destination and time waited.
Json TimelineToJson(const ReportTimeline& timeline) {
  Json rows = Json::array();
  for (const ReportTimelineRow& row : timeline.rows) {
    rows.push_back({{"name", row.name}, {"channel", row.is_channel}, {"spans", Json::array()}});
  }
  std::vector<Picoseconds> last(timeline.rows.size());
  for (const ReportSpan& span : timeline.spans) {
    Json& spans = rows[span.row]["spans"];
    spans.push_back(span.kind);
    spans.push_back((span.start - last[span.row]).count());
    spans.push_back((span.end - span.start).count());
    spans.push_back(span.op);
    spans.push_back(span.critical ? 1 : 0);
    if (span.is_copy) {
      spans.push_back(span.bytes);
      spans.push_back(span.device);
      spans.push_back(span.waited.count());
    }
    last[span.row] = span.end;
  }
  Json kinds = Json::array();
  for (const WorkKind& kind : WorkKinds()) {
    kinds.push_back({{"name", kind.name}, {"color", kind.color}});
  }
  return {{"rows", rows}, {"kinds", kinds}, {"left_out", timeline.left_out}};
}

Json MemoryToJson(const std::vector<std::vector<ReportMemoryPoint>>& memory) {
  Json devices = Json::array();
  for (const std::vector<ReportMemoryPoint>& points : memory) {
    Json flat = Json::array();
    Picoseconds last{0};
    for (const ReportMemoryPoint& point : points) {
      flat.push_back((point.time - last).count());
      flat.push_back(point.bytes);
      last = point.time;
    }
    devices.push_back(flat);
  }
  return devices;
}

TimeUnit UnitOfBusy(const Json& parts) {
  std::vector<Seconds> times;
  for (const Json& part : parts) {
    times.emplace_back(part.at("busy_seconds").get<double>());
  }
  return UnitFor(times);
}

/// The step of `simulate --json`, with the texts of its tables.
Json StepToJson(const ReportPlan& plan) {
  Json step = plan.step;
  step["step_time_text"] = FormatTime(Seconds(step.at("step_time_seconds").get<double>()));
  step["bound_text"] = FormatTime(Seconds(step.at("bound_seconds").get<double>()));
  step["gap_text"] = FormatPercent(step.at("gap_limit").get<double>());
  step["moved_text"] = FormatBytes(step.at("moved_bytes").get<std::int64_t>());
  for (const char* part : {"devices", "links"}) {
    const TimeUnit unit = UnitOfBusy(step.at(part));
    for (Json& each : step.at(part)) {
      each["busy_text"] = FormatTime(Seconds(each.at("busy_seconds").get<double>()), unit);
      each["busy_share_text"] = FormatPercent(each.at("busy_share").get<double>());
    }
  }
  for (Json& device : step.at("devices")) {
    device["peak_text"] = FormatBytes(device.at("peak_bytes").get<std::int64_t>());
    device["capacity_text"] = FormatBytes(device.at("capacity_bytes").get<std::int64_t>());
    device["memory_share_text"] = FormatPercent(device.at("memory_share").get<double>());
  }
  for (Json& share : step.at("critical_chain")) {
    share["text"] = FormatPercent(share.at("share").get<double>());
    share["time_text"] = FormatTime(Seconds(share.at("seconds").get<double>()));
  }
  return step;
}

Json PlanToJson(const ReportPlan& plan) {
  Json times = Json::array();
  for (const Picoseconds time : plan.time_of_group) {
    times.push_back(time.count());
  }
  return {{"label", plan.label},
          {"method", plan.method},
          {"seed", plan.seed},
          {"device_of_group", plan.device_of_group},
          {"time_of_group", times},
          {"step", StepToJson(plan)},
          {"timeline", plan.timeline ? TimelineToJson(*plan.timeline) : Json(nullptr)},
          {"memory", MemoryToJson(plan.memory)}};
}

Json EnvironmentRows(const Environment& environment) {
  Json rows = Json::array();
  for (const auto& [key, value] : DescribeEnvironment(environment)) {
    rows.push_back({key, value});
  }
  return rows;
}

Json SourceToJson(const ReportSource& source) {
  Json environments = Json::array();
  for (const Environment& environment : source.environments) {
    environments.push_back(EnvironmentRows(environment));
  }
  return {{"method", source.method},
          {"path", source.path},
          {"command", source.command},
          {"config", source.config},
          {"environments", environments}};
}

Json LinesToJson(const ReportProblem& problem) {
  Json lines = Json::array();
  for (const Baseline& line : problem.lines) {
    lines.push_back({{"label", line.label}, {"seconds", line.step_time.count()}});
  }
  return lines;
}

Json DevicesToJson(const ReportProblem& problem) {
  Json devices = Json::array();
  for (std::size_t d = 0; d < problem.device_names.size(); ++d) {
    devices.push_back({{"name", problem.device_names[d]},
                       {"kind", problem.device_kinds[d]},
                       {"color", problem.device_colors[d]}});
  }
  return devices;
}

Json ProblemToJson(const ReportProblem& problem) {
  const TimeUnit unit = UnitOf(problem);
  Json rows = Json::array(), plans = Json::array(), sources = Json::array();
  for (const ReportRow& row : problem.rows) {
    rows.push_back(RowToJson(row, unit));
  }
  for (const ReportPlan& plan : problem.plans) {
    plans.push_back(PlanToJson(plan));
  }
  for (const ReportSource& source : problem.sources) {
    sources.push_back(SourceToJson(source));
  }
  return {
      {"name", problem.name},
      {"facts", problem.facts},
      {"devices", DevicesToJson(problem)},
      {"methods", MethodsToJson(problem, unit)},
      {"rows", rows},
      {"best_heuristic", problem.best_heuristic ? Json(*problem.best_heuristic) : Json(nullptr)},
      {"lines", LinesToJson(problem)},
      {"bound_seconds", problem.bound_seconds ? Json(*problem.bound_seconds) : Json(nullptr)},
      {"bound_text",
       problem.bound_seconds ? Json(FormatTime(Seconds(*problem.bound_seconds))) : Json(nullptr)},
      {"head_room", problem.head_room},
      {"graph", problem.graph ? GraphToJson(*problem.graph) : Json(nullptr)},
      {"plans", plans},
      {"notes", problem.notes},
      {"sources", sources}};
}

}  // namespace

Json ReportToJson(const ReportModel& model) {
  Json problems = Json::array();
  for (const ReportProblem& problem : model.problems) {
    problems.push_back(ProblemToJson(problem));
  }
  return {{"format", "placer.report/1"},
          {"title", model.title},
          {"command", model.command},
          {"environment", EnvironmentRows(model.environment)},
          {"problems", problems}};
}

}  // namespace placer
