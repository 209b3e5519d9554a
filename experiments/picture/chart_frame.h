#pragma once

#include <string>
#include <vector>

#include "experiments/picture/axis.h"
#include "experiments/picture/svg.h"

namespace placer {

inline constexpr const char* kInk = "#222222";      ///< text
inline constexpr const char* kSoftInk = "#555555";  ///< tick labels, remarks
inline constexpr const char* kGridInk = "#e4e4e4";
inline constexpr double kTitleSize = 14;
inline constexpr double kLabelSize = 12;
inline constexpr double kTickSize = 11;

/// Grid, tick labels and titles of a plot's two axes; `x` and `y` map to the pixels of `plot`.
struct ChartFrame {
  Box plot;
  AxisScale x, y;
  std::string x_title, y_title;
};
void DrawFrame(Svg& svg, const ChartFrame& frame);
/// Pixels that the y axis needs to the left of the plot for tick labels and title.
[[nodiscard]] double LeftMargin(const std::vector<Tick>& ticks);
/// About one tick in so many pixels.
[[nodiscard]] std::size_t TicksWanted(double pixels, double pixels_per_tick);

/// Centres for labels that want to be at `wanted` (pixels) but not closer than `distance`, within
/// [low, high] as far as there is room: as near as they get without changing their order. Ties keep
/// the given order.
[[nodiscard]] std::vector<double> SpreadLabels(const std::vector<double>& wanted, double distance,
                                               double low, double high);

}  // namespace placer
