#include "experiments/picture/chart_frame.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace placer {
namespace {

constexpr double kTickGap = 6;

}  // namespace

std::size_t TicksWanted(double pixels, double pixels_per_tick) {
  return static_cast<std::size_t>(std::max(2.0, std::floor(pixels / pixels_per_tick)));
}

double LeftMargin(const std::vector<Tick>& ticks) {
  double widest = 0;
  for (const Tick& tick : ticks) {
    widest = std::max(widest, TextWidth(tick.label, kTickSize));
  }
  return widest + kTickGap + 2.2 * kLabelSize;
}

void DrawFrame(Svg& svg, const ChartFrame& frame) {
  const Box& plot = frame.plot;
  svg.BeginGroup("axes");
  for (const Tick& tick : frame.y.Ticks(TicksWanted(plot.height, 50))) {
    const double y = frame.y.Pixel(tick.value);
    svg.Line({plot.x, y}, {plot.right(), y}, {.stroke = kGridInk});
    svg.Text({plot.x - kTickGap, y + kTickSize * 0.35}, tick.label,
             {.size = kTickSize, .anchor = Anchor::kEnd, .color = kSoftInk});
  }
  for (const Tick& tick : frame.x.Ticks(TicksWanted(plot.width, 80))) {
    const double x = frame.x.Pixel(tick.value);
    svg.Line({x, plot.y}, {x, plot.bottom()}, {.stroke = kGridInk});
    svg.Text({x, plot.bottom() + kTickSize + kTickGap}, tick.label,
             {.size = kTickSize, .anchor = Anchor::kMiddle, .color = kSoftInk});
  }
  svg.Line({plot.x, plot.y}, {plot.x, plot.bottom()}, {.stroke = kSoftInk});
  svg.Line({plot.x, plot.bottom()}, {plot.right(), plot.bottom()}, {.stroke = kSoftInk});
  svg.Text({plot.x + plot.width / 2, plot.bottom() + kTickSize + kTickGap + 1.8 * kLabelSize},
           frame.x_title, {.size = kLabelSize, .anchor = Anchor::kMiddle});
  const double title_x =
      plot.x - LeftMargin(frame.y.Ticks(TicksWanted(plot.height, 50))) + 1.2 * kLabelSize;
  svg.Text({title_x, plot.y + plot.height / 2}, frame.y_title,
           {.size = kLabelSize, .anchor = Anchor::kMiddle, .degrees = -90});
  svg.EndGroup();
}

std::vector<double> SpreadLabels(const std::vector<double>& wanted, double distance, double low,
                                 double high) {
  std::vector<std::size_t> order(wanted.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return wanted[a] < wanted[b]; });
  std::vector<double> placed;
  for (const std::size_t i : order) {
    const double earliest = placed.empty() ? low : placed.back() + distance;
    placed.push_back(std::max(wanted[i], earliest));
  }
  // What was pushed beyond the end moves back, and whatever is in its way with it.
  double latest = high;
  for (std::size_t i = placed.size(); i-- > 0;) {
    placed[i] = std::max(std::min(placed[i], latest), low + distance * static_cast<double>(i));
    latest = placed[i] - distance;
  }
  std::vector<double> result(wanted.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    result[order[i]] = placed[i];
  }
  return result;
}

}  // namespace placer
