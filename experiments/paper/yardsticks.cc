#include "experiments/paper/yardsticks.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "experiments/format.h"
#include "graphs/base/error.h"

namespace placer {
namespace {

// Few time steps keep a step short to simulate, and so few groups that all placements take seconds:
// 3^12 = 531,441, 5^8 = 390,625, and for Inception-V3, whose depth is given, 3^10 = 59,049 and 5^7
// = 78,125. All other sizes are those of the zoo.
constexpr std::array kProblems = {
    YardstickProblem{"rnnlm, 2 GPUs", "zoo:rnnlm?unroll=2", "zoo:k80x2", 12},
    YardstickProblem{"rnnlm, 4 GPUs", "zoo:rnnlm?unroll=2", "zoo:k80x4", 8},
    YardstickProblem{"nmt, 2 GPUs", "zoo:nmt?unroll=2", "zoo:k80x2", 12},
    YardstickProblem{"nmt, 4 GPUs", "zoo:nmt?unroll=2", "zoo:k80x4", 8},
    YardstickProblem{"inception_v3, 2 GPUs", "zoo:inception_v3", "zoo:k80x2", 10},
    YardstickProblem{"inception_v3, 4 GPUs", "zoo:inception_v3", "zoo:k80x4", 7},
};

double OptimumSeconds(const YardstickResult& result) {
  return ToSeconds(result.optimum.best.step_time).count();
}

std::string Ratio(const YardstickResult& result, const MethodSummary& summary,
                  double Sample::*field) {
  return summary.step_seconds
             ? fmt::format("{:.3f}", (*summary.step_seconds).*field / OptimumSeconds(result))
             : "-";
}

}  // namespace

std::span<const YardstickProblem> YardstickProblems() { return kProblems; }

YardstickResult Assess(const YardstickProblem& yardstick, const Problem& problem,
                       const EnumerationResult& optimum, const std::vector<MethodTrials>& trials) {
  if (optimum.best.outcome != StepOutcome::kOk) {
    throw InfeasibleError(std::string(yardstick.name) + ": no placement of all fits");
  }
  YardstickResult result{
      yardstick, problem.graph().num_ops(), problem.num_groups(), problem.num_devices(), optimum,
      {}};
  const Comparison comparison = CompareMethods(trials);
  for (std::size_t m = 0; m < trials.size(); ++m) {
    const auto found = std::count_if(
        trials[m].results.begin(), trials[m].results.end(),
        [&](const PlaceResult& each) { return each.groups && !IsBetter(optimum.best, each.best); });
    result.rows.push_back({comparison.methods[m], static_cast<std::size_t>(found)});
  }
  return result;
}

Table YardstickTable(const YardstickResult& result) {
  Table table({{"method", Table::Align::kLeft},
               {"mean"},
               {"min"},
               {"max"},
               {"found"},
               {"fits"},
               {"samples"},
               {"unique"}});
  for (const YardstickRow& row : result.rows) {
    const MethodSummary& summary = row.summary;
    table.AddRow({summary.method, Ratio(result, summary, &Sample::mean),
                  Ratio(result, summary, &Sample::min), Ratio(result, summary, &Sample::max),
                  fmt::format("{}/{}", row.found, summary.trials),
                  fmt::format("{}/{}", summary.feasible, summary.trials),
                  FormatCount(std::llround(summary.mean_samples)),
                  FormatCount(std::llround(summary.mean_unique))});
  }
  return table;
}

std::string Headline(const YardstickResult& result) {
  return fmt::format(
      "{} (`{}` on `{}`): {} ops in {} groups, {} devices; optimum {}, {} of {} placements",
      result.problem.name, result.problem.model, result.problem.cluster,
      FormatCount(static_cast<std::int64_t>(result.num_ops)), result.num_groups, result.num_devices,
      FormatTime(result.optimum.best.step_time), FormatCount(result.optimum.optima),
      FormatCount(result.optimum.placements));
}

nlohmann::ordered_json ToJson(const YardstickResult& result) {
  auto methods = nlohmann::ordered_json::array();
  for (const YardstickRow& row : result.rows) {
    nlohmann::ordered_json method = {{"method", row.summary.method},
                                     {"trials", row.summary.trials},
                                     {"feasible", row.summary.feasible},
                                     {"found_optimum", row.found},
                                     {"mean_samples", row.summary.mean_samples},
                                     {"mean_unique_samples", row.summary.mean_unique}};
    if (row.summary.step_seconds) {
      const Sample& step = *row.summary.step_seconds;
      const double optimum = OptimumSeconds(result);
      method["ratio"] = {
          {"mean", step.mean / optimum}, {"min", step.min / optimum}, {"max", step.max / optimum}};
    }
    methods.push_back(std::move(method));
  }
  return {{"name", result.problem.name},
          {"model", result.problem.model},
          {"cluster", result.problem.cluster},
          {"ops", result.num_ops},
          {"groups", result.num_groups},
          {"devices", result.num_devices},
          {"placements", result.optimum.placements},
          {"optima", result.optimum.optima},
          {"optimum_seconds", OptimumSeconds(result)},
          {"methods", methods}};
}

}  // namespace placer
