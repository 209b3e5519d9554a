#include "experiments/stats.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace placer {

Sample Summarize(std::span<const double> values) {
  if (values.empty()) {
    throw std::logic_error("no values to summarise");
  }
  Sample sample;
  sample.count = values.size();
  sample.min = *std::min_element(values.begin(), values.end());
  sample.max = *std::max_element(values.begin(), values.end());
  for (const double value : values) {
    sample.mean += value;
  }
  sample.mean /= static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) {
    squares += (value - sample.mean) * (value - sample.mean);
  }
  if (values.size() > 1) {
    sample.deviation = std::sqrt(squares / static_cast<double>(values.size() - 1));
  }
  return sample;
}

std::optional<Interval> MeanInterval95(std::span<const double> values) {
  if (values.size() < 2) {
    return std::nullopt;
  }
  const Sample sample = Summarize(values);
  const auto n = static_cast<double>(values.size());
  const double half = StudentQuantile(0.975, n - 1) * sample.deviation / std::sqrt(n);
  return Interval{sample.mean, sample.mean - half, sample.mean + half};
}

}  // namespace placer
