#include "experiments/fidelity.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "experiments/format.h"
#include "experiments/methods.h"
#include "experiments/stats.h"
#include "runner/profiler.h"

namespace placer {
namespace {

constexpr double kMostMape = 0.10;
constexpr double kNoiseFactor = 1.5;
constexpr double kLeastSpearman = 0.95;
constexpr double kRandomShare = 0.6;
/// Of a search of so many samples: enough to be far better than anything constructed.
constexpr std::int64_t kSearchSamples = 3000;
/// Mean lengths of the runs of ops that stay on one device.
constexpr std::size_t kRuns[] = {1, 10, 60};

std::vector<std::uint8_t> KeyOf(const Placement& placement) {
  std::vector<std::uint8_t> key;
  for (const DeviceId device : placement.device_of_op()) {
    key.push_back(static_cast<std::uint8_t>(device.index()));
  }
  return key;
}

class Chooser {
 public:
  Chooser(const Workbench& bench, Seed seed) : bench_(bench), seed_(seed) {}

  void Add(const std::string& source, const std::string& label, const Placement& placement) {
    if (bench_.Faults(placement).empty() && seen_.insert(KeyOf(placement)).second) {
      points_.push_back({source, label, placement, 0, {}});
      Simulate(bench_, std::span(points_).last(1));
    }
  }

  void AddHeuristics() {
    for (std::size_t d = 0; d < bench_.cluster().num_devices(); ++d) {
      Add("heuristic", bench_.cluster().devices()[d].name + " alone",
          Placement(bench_.graph().num_ops(), DeviceId(d)));
    }
    const PlacerRegistry registry = HeuristicPlacers();
    for (const std::string& method : registry.Names()) {
      if (UsesBudget(method)) {
        continue;
      }
      const PlaceRequest request{bench_.problem(), Budget{10, std::nullopt}, seed_, {}, {}, {}};
      if (const PlaceResult result = registry.Make(method)->Place(request); result.groups) {
        Add("heuristic", method, bench_.problem().Expand(*result.groups));
      }
    }
  }

  /// The best of a search, and the best of shorter ones: what a search meets on its way.
  void AddFound(std::size_t count) {
    const std::size_t before = points_.size();
    const std::unique_ptr<Placer> annealing = HeuristicPlacers().Make("annealing");
    for (Seed s = 0; points_.size() < before + count && s < 12; ++s) {
      const EliteRunner elites(bench_.problem().runner(), count / 8 + 1, 0.03);
      const Problem problem(bench_.problem(), elites);
      const std::int64_t samples = std::max<std::int64_t>(kSearchSamples >> s, 10);
      const PlaceRequest request{
          problem, Budget{samples, std::nullopt}, DeriveSeed(seed_, 1, s), {}, {}, {}};
      static_cast<void>(annealing->Place(request));
      for (const EliteRunner::Elite& elite : elites.elites()) {
        if (points_.size() < before + count) {
          Add("found", fmt::format("found in {} samples", samples), elite.placement);
        }
      }
    }
  }

  /// Stratified by the share of the second and later devices.
  void AddRandom(std::size_t until) {
    const std::size_t devices = bench_.cluster().num_devices();
    for (std::size_t i = 0, tries = 0; points_.size() < until && tries < 4 * until; ++i, ++tries) {
      Rng rng(DeriveSeed(seed_, 2, i));
      const double position = (static_cast<double>(i % 20) + rng.Uniform()) / 20;
      std::vector<double> share(
          devices, position / static_cast<double>(std::max<std::size_t>(devices - 1, 1)));
      share[0] = 1 - position;
      std::rotate(share.begin(), share.begin() + static_cast<std::ptrdiff_t>(i / 20 % devices),
                  share.end());
      Add("random",
          fmt::format("random, {} on {}", FormatPercent(share[0]),
                      bench_.cluster().devices()[0].name),
          RandomPlacement(bench_.graph(), bench_.cluster(), share, kRuns[i % std::size(kRuns)],
                          rng));
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return points_.size(); }
  [[nodiscard]] std::vector<FidelityPoint> Take() { return std::move(points_); }

 private:
  const Workbench& bench_;
  Seed seed_;
  std::vector<FidelityPoint> points_;
  std::set<std::vector<std::uint8_t>> seen_;
};

}  // namespace

void Simulate(const Workbench& bench, std::span<FidelityPoint> points) {
  for (FidelityPoint& point : points) {
    point.simulated = ToSeconds(bench.runner().Run(point.placement).step_time).count();
  }
}

DriftRange RemoveDrift(std::span<const TimedItem> measured, std::span<FidelityPoint> points) {
  const std::vector<double> factors = DriftFactors(measured);
  DriftRange range;
  for (FidelityPoint& point : points) {
    point.times.clear();
  }
  for (std::size_t i = 0; i < measured.size(); ++i) {
    points[measured[i].item].times.push_back(measured[i].seconds / factors[i]);
    range.low = std::min(range.low, factors[i] - 1);
    range.high = std::max(range.high, factors[i] - 1);
  }
  return range;
}

std::vector<FidelityPoint> WithDrift(std::span<const FidelityPoint> points) {
  std::vector<FidelityPoint> as_measured(points.begin(), points.end());
  for (FidelityPoint& point : as_measured) {
    point.times = point.timing.times;
  }
  return as_measured;
}

namespace {

/// Over the pairs of rounds that at least half of the points have both.
double MeanSpearmanOfRounds(const std::vector<const FidelityPoint*>& points) {
  double sum = 0;
  std::int64_t pairs = 0;
  for (std::size_t a = 1;; ++a) {
    std::vector<const FidelityPoint*> both;
    std::ranges::copy_if(points, std::back_inserter(both),
                         [&](const FidelityPoint* point) { return point->times.size() > a; });
    if (both.empty() || 2 * both.size() < points.size()) {
      return pairs > 0 ? sum / static_cast<double>(pairs) : 0;
    }
    for (std::size_t b = 0; b < a; ++b, ++pairs) {
      std::vector<double> first, second;
      for (const FidelityPoint* point : both) {
        first.push_back(point->times[b]);
        second.push_back(point->times[a]);
      }
      sum += Spearman(first, second);
    }
  }
}

}  // namespace

FidelitySummary Summarize(std::span<const FidelityPoint> points, const std::string& source) {
  FidelitySummary summary;
  std::vector<const FidelityPoint*> used;
  std::vector<double> simulated, measured;
  double noise = 0;
  std::int64_t pairs = 0;
  for (const FidelityPoint& point : points) {
    if (!point.ok() || (!source.empty() && point.source != source)) {
      continue;
    }
    used.push_back(&point);
    simulated.push_back(point.simulated);
    measured.push_back(point.measured());
    summary.mape += std::abs(point.error());
    summary.bias += point.error();
    const std::vector<double>& times = point.times;
    for (std::size_t i = 1; i < times.size(); ++i) {
      noise += std::abs(times[i] - times[i - 1]) / ((times[i] + times[i - 1]) / 2);
      ++pairs;
    }
  }
  summary.points = simulated.size();
  if (summary.points > 0) {
    summary.mape /= static_cast<double>(summary.points);
    summary.bias /= static_cast<double>(summary.points);
  }
  summary.repeat_noise = pairs > 0 ? noise / static_cast<double>(pairs) : 0;
  summary.spearman = Spearman(simulated, measured);
  summary.round_spearman = MeanSpearmanOfRounds(used);
  return summary;
}

bool IsFaithful(const FidelitySummary& summary) {
  return summary.points > 0 &&
         summary.mape <= std::max(kMostMape, kNoiseFactor * summary.repeat_noise) &&
         summary.spearman >= kLeastSpearman;
}

std::vector<FidelityPoint> ChoosePlacements(const Workbench& bench, std::size_t count, Seed seed) {
  Chooser chooser(bench, seed);
  chooser.AddHeuristics();
  const auto random =
      static_cast<std::size_t>(std::llround(kRandomShare * static_cast<double>(count)));
  if (chooser.size() + random < count) {
    chooser.AddFound(count - random - chooser.size());
  }
  chooser.AddRandom(count);
  std::vector<FidelityPoint> points = chooser.Take();
  if (points.size() > count) {
    points.resize(count);
  }
  return points;
}

}  // namespace placer
