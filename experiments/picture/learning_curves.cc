#include "experiments/picture/learning_curves.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "experiments/format.h"
#include "experiments/picture/chart.h"
#include "graphs/base/error.h"

namespace placer {
namespace {

constexpr std::size_t kPointsPerLine = 160;
constexpr double kLogFromRatio = 4;

/// What a seed knows after so many samples: the last point by then.
std::optional<Seconds> BestAfter(const LearningCurve& curve, double samples) {
  const auto next = std::upper_bound(
      curve.begin(), curve.end(), samples,
      [](double value, const auto& point) { return value < static_cast<double>(point.samples); });
  return next == curve.begin() ? std::nullopt : std::optional(std::prev(next)->best);
}

/// Sample counts at even distances on a logarithmic axis: from the first at which every seed knows
/// something to the last of all.
std::vector<double> SampleCounts(const LearningSeries& series) {
  std::int64_t first = 1, last = 0;
  for (const LearningCurve& curve : series.seeds) {
    if (curve.empty()) {
      return {};
    }
    first = std::max(first, curve.front().samples);
    last = std::max(last, curve.back().samples);
  }
  std::vector<double> counts;
  const double ratio = static_cast<double>(last) / static_cast<double>(first);
  for (std::size_t i = 0; last > 0 && i < kPointsPerLine; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(kPointsPerLine - 1);
    const double count = std::round(static_cast<double>(first) * std::pow(ratio, share));
    if (counts.empty() || count > counts.back()) {
      counts.push_back(count);
    }
  }
  return counts;
}

ChartLine LineOf(const LearningSeries& series, double scale) {
  ChartLine line{series.label, {}};
  for (const double samples : SampleCounts(series)) {
    BandPoint point{samples, 0, std::numeric_limits<double>::infinity(), 0};
    for (const LearningCurve& curve : series.seeds) {
      // A curve that has ended keeps its last value.
      const double best = BestAfter(curve, samples).value_or(Seconds(0)).count() * scale;
      point.y += best / static_cast<double>(series.seeds.size());
      point.low = std::min(point.low, best);
      point.high = std::max(point.high, best);
    }
    line.points.push_back(point);
  }
  return line;
}

}  // namespace

LearningCurve CurveOf(const PlaceResult& result) {
  LearningCurve curve;
  for (const CurvePoint& point : result.curve) {
    if (point.best.outcome == StepOutcome::kOk) {
      curve.push_back({point.samples, ToSeconds(point.best.step_time)});
    }
  }
  return curve;
}

LearningCurve ReadLearningCurve(const std::filesystem::path& metrics) {
  std::ifstream file(metrics);
  if (!file) {
    throw InputError(metrics.string() + ": cannot be read, expected the metrics of a run");
  }
  LearningCurve curve;
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("samples") || !json.at("samples").is_number_integer() ||
        !json.contains("best_step_time_seconds") ||
        !json.at("best_step_time_seconds").is_number()) {
      continue;
    }
    const auto feasible = json.find("feasible");
    const LearningPoint point{json.at("samples").get<std::int64_t>(),
                              Seconds(json.at("best_step_time_seconds").get<double>())};
    const bool fits = feasible == json.end() || (feasible->is_boolean() && feasible->get<bool>());
    if (fits && point.best.count() > 0 && (curve.empty() || point.samples > curve.back().samples)) {
      curve.push_back(point);
    }
  }
  return curve;
}

std::string DrawLearningCurves(const std::string& title, const std::vector<LearningSeries>& series,
                               const std::vector<Baseline>& baselines) {
  std::vector<Seconds> times;
  for (const LearningSeries& each : series) {
    for (const LearningCurve& curve : each.seeds) {
      for (const LearningPoint& point : curve) {
        times.push_back(point.best);
      }
    }
  }
  for (const Baseline& baseline : baselines) {
    times.push_back(baseline.step_time);
  }
  const TimeUnit unit = UnitFor(times);
  const auto [least, most] = std::minmax_element(times.begin(), times.end());
  const bool wide = !times.empty() && *most > kLogFromRatio * *least;
  LineChart chart{title,
                  {"samples", AxisScale::Kind::kLog},
                  {"step time (" + std::string(Name(unit)) + ")",
                   wide ? AxisScale::Kind::kLog : AxisScale::Kind::kLinear}};
  for (const LearningSeries& each : series) {
    chart.lines.push_back(LineOf(each, PerSecond(unit)));
  }
  for (const Baseline& baseline : baselines) {
    chart.references.push_back({baseline.label, baseline.step_time.count() * PerSecond(unit)});
  }
  return DrawLineChart(chart);
}

}  // namespace placer
