#include "experiments/comparison.h"

#include <algorithm>

namespace placer {
namespace {

bool Feasible(const PlaceResult& result) {
  return result.groups && result.best.outcome == StepOutcome::kOk;
}

template <typename Value>
double Mean(const std::vector<PlaceResult>& results, Value value) {
  double sum = 0;
  for (const PlaceResult& result : results) {
    sum += value(result);
  }
  return results.empty() ? 0 : sum / static_cast<double>(results.size());
}

MethodSummary SummarizeTrials(const MethodTrials& trials) {
  MethodSummary summary;
  summary.method = trials.method;
  summary.trials = trials.results.size();
  std::vector<double> times;
  for (const PlaceResult& result : trials.results) {
    if (Feasible(result)) {
      times.push_back(ToSeconds(result.best.step_time).count());
    }
  }
  summary.feasible = times.size();
  if (!times.empty()) {
    summary.step_seconds = Summarize(times);
  }
  summary.mean_samples =
      Mean(trials.results, [](const auto& r) { return static_cast<double>(r.samples); });
  summary.mean_unique =
      Mean(trials.results, [](const auto& r) { return static_cast<double>(r.unique_samples); });
  summary.mean_wall_seconds = Mean(trials.results, [](const auto& r) { return r.wall.count(); });
  return summary;
}

void AddEqualWall(const std::vector<MethodTrials>& methods, Comparison& comparison) {
  for (std::size_t m = 0; m < methods.size(); ++m) {
    const Seconds wall(comparison.methods[m].mean_wall_seconds);
    if (methods[m].uses_budget && (!comparison.equal_wall || wall < *comparison.equal_wall)) {
      comparison.equal_wall = wall;
    }
  }
  if (!comparison.equal_wall) {
    return;
  }
  for (std::size_t m = 0; m < methods.size(); ++m) {
    std::vector<double> times;
    for (const PlaceResult& result : methods[m].results) {
      if (const auto best = BestBy(result, *comparison.equal_wall)) {
        times.push_back(ToSeconds(*best).count());
      }
    }
    if (!times.empty() && times.size() == methods[m].results.size()) {
      comparison.methods[m].equal_wall_seconds = Summarize(times);
    }
  }
}

std::vector<double> TimesOf(const std::vector<PlaceResult>& results) {
  std::vector<double> times;
  for (const PlaceResult& result : results) {
    times.push_back(static_cast<double>(result.best.step_time.count()));
  }
  return times;
}

void AddChanges(const std::vector<MethodTrials>& methods, Comparison& comparison) {
  if (!comparison.best_heuristic) {
    return;
  }
  const std::vector<PlaceResult>& reference = methods[*comparison.best_heuristic].results;
  for (std::size_t m = 0; m < methods.size(); ++m) {
    MethodSummary& summary = comparison.methods[m];
    if (summary.feasible != summary.trials || summary.trials != reference.size()) {
      continue;
    }
    const Change change = PairedChange(TimesOf(methods[m].results), TimesOf(reference));
    summary.change = change.mean;
    summary.change_interval = change.interval;
  }
}

}  // namespace

Change PairedChange(std::span<const double> times, std::span<const double> reference) {
  std::vector<double> changes;
  for (std::size_t s = 0; s < times.size(); ++s) {
    changes.push_back(times[s] / reference[s] - 1);
  }
  Change change{Summarize(changes).mean, std::nullopt};
  if (changes.size() >= kMinSeedsForInterval) {
    change.interval = MeanInterval95(changes);
  }
  return change;
}

std::optional<Picoseconds> BestBy(const PlaceResult& result, Seconds wall) {
  std::optional<Picoseconds> best;
  for (const CurvePoint& point : result.curve) {
    if (point.wall > wall) {
      break;
    }
    if (point.best.outcome == StepOutcome::kOk) {
      best = point.best.step_time;
    }
  }
  return best;
}

Comparison CompareMethods(const std::vector<MethodTrials>& methods) {
  Comparison comparison;
  for (std::size_t m = 0; m < methods.size(); ++m) {
    comparison.methods.push_back(SummarizeTrials(methods[m]));
    const MethodSummary& summary = comparison.methods.back();
    if (methods[m].uses_budget || summary.trials == 0 || summary.feasible != summary.trials) {
      continue;
    }
    if (!comparison.best_heuristic ||
        summary.step_seconds->mean <
            comparison.methods[*comparison.best_heuristic].step_seconds->mean) {
      comparison.best_heuristic = m;
    }
  }
  AddEqualWall(methods, comparison);
  AddChanges(methods, comparison);
  return comparison;
}

}  // namespace placer
