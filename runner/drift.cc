#include "runner/drift.h"

#include <algorithm>
#include <set>

#include "runner/statistics.h"

namespace placer {
namespace {

/// Measurements on either side. Steps of a second or so: the clock rates of shared cores keep for
/// longer than these, and the median of twenty is known to a quarter of one's noise.
constexpr std::size_t kReach = 10;
/// Means of items and factors depend on each other; some rounds of one after the other settle both.
constexpr int kSettle = 8;
/// A window much shorter than a round has few measurements of the same item, whose other rounds
/// would otherwise be its neighbours and hide what they share.
constexpr std::size_t kItemsPerReach = 4;
/// With fewer neighbours on a side, a factor says more of their noise than of the machine.
constexpr std::size_t kShortestReach = 3;

std::size_t ReachFor(std::span<const TimedItem> measured) {
  std::set<std::size_t> items;
  for (const TimedItem& each : measured) {
    items.insert(each.item);
  }
  return std::min(kReach, items.size() / kItemsPerReach);
}

std::vector<double> MeansOfItems(std::span<const TimedItem> measured,
                                 std::span<const double> factors) {
  std::vector<std::vector<double>> times;
  for (std::size_t i = 0; i < measured.size(); ++i) {
    times.resize(std::max(times.size(), measured[i].item + 1));
    times[measured[i].item].push_back(measured[i].seconds / factors[i]);
  }
  std::vector<double> means;
  means.reserve(times.size());
  for (const std::vector<double>& of_item : times) {
    means.push_back(of_item.empty() ? 0 : TrimmedMean(of_item).mean);
  }
  return means;
}

/// Near the ends the window keeps its size and lies to one side.
double MedianAround(std::span<const double> ratios, std::size_t i, std::size_t reach) {
  const std::size_t width = std::min(2 * reach + 1, ratios.size());
  const std::size_t begin = std::min(i - std::min(i, reach), ratios.size() - width);
  std::vector<double> others;
  others.reserve(width);
  for (std::size_t k = begin; k < begin + width; ++k) {
    if (k != i) {
      others.push_back(ratios[k]);
    }
  }
  return Median(others);
}

}  // namespace

std::vector<double> DriftFactors(std::span<const TimedItem> measured) {
  std::vector<double> factors(measured.size(), 1.0);
  const std::size_t reach = ReachFor(measured);
  if (reach < kShortestReach) {
    return factors;
  }
  std::vector<double> ratios(measured.size());
  for (int round = 0; round < kSettle; ++round) {
    const std::vector<double> means = MeansOfItems(measured, factors);
    for (std::size_t i = 0; i < measured.size(); ++i) {
      ratios[i] = measured[i].seconds / means[measured[i].item];
    }
    double sum = 0;
    for (std::size_t i = 0; i < measured.size(); ++i) {
      factors[i] = MedianAround(ratios, i, reach);
      sum += factors[i];
    }
    for (double& factor : factors) {
      factor *= static_cast<double>(measured.size()) / sum;
    }
  }
  return factors;
}

}  // namespace placer
