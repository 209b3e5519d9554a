#include "experiments/picture/axis.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "experiments/format.h"

namespace placer {
namespace {

/// With the digits that a step needs, and commas between thousands.
std::string Label(double value, double step) {
  const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
  if (std::abs(value) >= 1e15 || decimals > 9) {
    return fmt::format("{:.3g}", value);
  }
  if (decimals == 0) {
    return FormatCount(std::llround(value));
  }
  return fmt::format("{:.{}f}", value == 0 ? 0.0 : value, decimals);
}

std::string Label(double value) {
  const double magnitude = std::pow(10, std::floor(std::log10(value) + 1e-9));
  return Label(value, std::min(1.0, magnitude));
}

double Forward(AxisScale::Kind kind, double value) {
  return kind == AxisScale::Kind::kLog ? std::log10(value) : value;
}

}  // namespace

AxisScale::AxisScale(Kind kind, double low, double high, double from_pixel, double to_pixel)
    : kind_(kind), low_(low), high_(high), from_pixel_(from_pixel), to_pixel_(to_pixel) {
  if (!(low < high) || !Shows(low) || !Shows(high)) {
    throw std::logic_error(fmt::format("no axis can run from {} to {}", low, high));
  }
}

AxisScale AxisScale::Covering(Kind kind, std::span<const double> values, double margin,
                              double from_pixel, double to_pixel) {
  AxisScale any;
  any.kind_ = kind;
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const double value : values) {
    if (any.Shows(value)) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (low > high) {
    low = high = 1;
  }
  const bool log = kind == Kind::kLog;
  low = Forward(kind, low);
  high = Forward(kind, high);
  if (high - low <= 1e-9 * std::abs(high)) {  // one value: as much room as it is large
    const double room = log || high == 0 ? 0.5 : std::abs(high) / 2;
    low -= room;
    high += room;
  }
  const double extra = (high - low) * margin;
  low -= extra;
  high += extra;
  return log ? AxisScale(kind, std::pow(10, low), std::pow(10, high), from_pixel, to_pixel)
             : AxisScale(kind, low, high, from_pixel, to_pixel);
}

bool AxisScale::Shows(double value) const noexcept {
  return std::isfinite(value) && (kind_ == Kind::kLinear || value > 0);
}

double AxisScale::Pixel(double value) const {
  const double low = Forward(kind_, low_);
  const double share = (Forward(kind_, value) - low) / (Forward(kind_, high_) - low);
  return from_pixel_ + share * (to_pixel_ - from_pixel_);
}

AxisScale AxisScale::OnPixels(double from_pixel, double to_pixel) const {
  return {kind_, low_, high_, from_pixel, to_pixel};
}

std::vector<Tick> AxisScale::LinearTicks(std::size_t wanted) const {
  const double rough = (high_ - low_) / static_cast<double>(std::max<std::size_t>(1, wanted));
  const double magnitude = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * magnitude;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * magnitude >= 0.75 * rough) {
      step = factor * magnitude;
      break;
    }
  }
  std::vector<Tick> ticks;
  const double slack = step * 1e-6;
  for (double i = std::ceil((low_ - slack) / step); i * step <= high_ + slack; ++i) {
    ticks.push_back({i * step, Label(i * step, step)});
  }
  return ticks;
}

std::vector<Tick> AxisScale::Ticks(std::size_t wanted) const {
  if (kind_ == Kind::kLinear) {
    return LinearTicks(wanted);
  }
  const double first = std::floor(std::log10(low_));
  const double last = std::ceil(std::log10(high_));
  const double decades = std::log10(high_) - std::log10(low_);
  // Three ticks a decade where they fit, else one, else every second, third, ...
  const bool dense = decades * 3 <= static_cast<double>(wanted) * 1.5;
  const double stride = dense ? 1 : std::max(1.0, std::ceil(decades / static_cast<double>(wanted)));
  std::vector<Tick> ticks;
  for (double decade = first; decade <= last; decade += stride) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double value = factor * std::pow(10, decade);
      const bool inside = value >= low_ * (1 - 1e-9) && value <= high_ * (1 + 1e-9);
      if (inside && (dense || factor == 1.0)) {
        ticks.push_back({value, Label(value)});
      }
    }
  }
  return ticks.size() < 3 ? LinearTicks(wanted) : ticks;
}

}  // namespace placer
