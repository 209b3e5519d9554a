#pragma once

#include "experiments/picture/placed_model.h"
#include "experiments/picture/svg.h"

namespace placer {

/// A row of colour samples with texts, broken into lines where it would be wider than `width`.
struct LegendEntry {
  std::string color, text;
};
/// @return the height it takes, in pixels
double DrawLegend(Svg* svg, const Point& at, double width, const std::vector<LegendEntry>& entries);
/// One entry per device: its colour, its name, its share of the step's compute time.
[[nodiscard]] std::vector<LegendEntry> DeviceLegend(const PlacedModel& model);

}  // namespace placer
