#include "experiments/picture/trade_off.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <limits>
#include <map>

#include "cost_model/cluster.h"
#include "experiments/format.h"
#include "experiments/picture/chart_frame.h"
#include "experiments/picture/palette.h"
#include "experiments/picture/svg.h"

namespace placer {
namespace {

constexpr double kWidth = 460, kHeight = 340, kTop = 48, kBottom = 52;
constexpr std::size_t kLongestLabel = 44;

std::string Memory(double bytes) { return FormatBytes(static_cast<std::int64_t>(bytes)); }

std::string LabelOf(const TradeOffPoint& point) {
  return Shorten(point.label + ", " + Memory(point.peak_bytes), kLongestLabel);
}

/// Where a memory is between the smallest and the largest.
double Position(double bytes, double low, double high) {
  return high > low ? (bytes - low) / (high - low) : 0;
}

/// The fewer devices, the longer the step: the points that say how much longer at least.
std::vector<Point> Staircase(std::vector<const TradeOffPoint*> sorted, const ChartFrame& frame) {
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    return a->devices != b->devices ? a->devices < b->devices : a->step_seconds < b->step_seconds;
  });
  std::vector<Point> line;
  double best = std::numeric_limits<double>::infinity();
  for (const TradeOffPoint* point : sorted) {
    if (point->step_seconds < best) {
      best = point->step_seconds;
      line.push_back({frame.x.Pixel(point->devices), frame.y.Pixel(best)});
    }
  }
  return line;
}

void DrawStaircases(Svg& svg, const ChartFrame& frame, const std::vector<TradeOffPoint>& points) {
  std::map<std::string, std::vector<const TradeOffPoint*>> points_of_work;
  for (const TradeOffPoint& point : points) {
    points_of_work[point.work].push_back(&point);
  }
  for (const auto& [work, of_work] : points_of_work) {
    svg.Polyline(Staircase(of_work, frame),
                 {.stroke = kSoftInk, .stroke_width = 1.2, .dashes = "5 3"});
  }
}

void DrawFrontLabels(Svg& svg, const ChartFrame& frame, const std::vector<TradeOffPoint>& points) {
  std::vector<const TradeOffPoint*> front;
  for (const TradeOffPoint& point : points) {
    if (point.on_front) {
      front.push_back(&point);
    }
  }
  std::stable_sort(front.begin(), front.end(),
                   [](const auto* a, const auto* b) { return a->step_seconds > b->step_seconds; });
  std::vector<double> wanted;
  for (const TradeOffPoint* point : front) {
    wanted.push_back(frame.y.Pixel(point->step_seconds));
  }
  const std::vector<double> at =
      SpreadLabels(wanted, kLabelSize * 1.35, frame.plot.y + 6, frame.plot.bottom() - 6);
  svg.BeginGroup("front");
  for (std::size_t i = 0; i < front.size(); ++i) {
    const double x = frame.plot.right() + 16;
    svg.Connection({frame.x.Pixel(front[i]->devices) + 6, wanted[i]}, {x - 3, at[i]},
                   {.stroke = kGridInk, .stroke_width = 1});
    svg.Text({x, at[i] + kLabelSize * 0.35}, LabelOf(*front[i]),
             {.size = kLabelSize, .color = kInk});
  }
  svg.EndGroup();
}

}  // namespace

std::string DrawTradeOff(const std::string& title, const std::vector<TradeOffPoint>& points) {
  std::vector<double> devices, times;
  std::vector<Seconds> steps;
  double low = std::numeric_limits<double>::infinity(), high = 0;
  double label_width = 0;
  for (const TradeOffPoint& point : points) {
    label_width = std::max(label_width, point.on_front ? TextWidth(LabelOf(point), kLabelSize) : 0);
    devices.push_back(point.devices);
    steps.emplace_back(point.step_seconds);
    times.push_back(point.step_seconds);
    low = std::min(low, point.peak_bytes);
    high = std::max(high, point.peak_bytes);
  }
  const TimeUnit unit = UnitFor(steps);
  std::vector<TradeOffPoint> scaled = points;
  for (std::size_t i = 0; i < points.size(); ++i) {
    scaled[i].step_seconds *= PerSecond(unit);
    times[i] = scaled[i].step_seconds;
  }
  ChartFrame frame;
  frame.y = AxisScale::Covering(AxisScale::Kind::kLinear, times, 0.08, kTop + kHeight, kTop);
  const double left = LeftMargin(frame.y.Ticks(TicksWanted(kHeight, 50))) + 8;
  frame.plot = {left, kTop, kWidth, kHeight};
  frame.x = AxisScale::Covering(AxisScale::Kind::kLinear, devices, 0.08, left, left + kWidth);
  frame.x_title = "devices used";
  frame.y_title = fmt::format("step time ({})", Name(unit));
  Svg svg(frame.plot.right() + 28 + label_width, frame.plot.bottom() + kBottom, title);
  svg.Text({left, kTop - 26}, Shorten(title, 90), {.size = kTitleSize, .bold = true});
  DrawFrame(svg, frame);
  if (points.empty()) {
    svg.Text({left + kWidth / 2, kTop + kHeight / 2}, "no feasible plan",
             {.anchor = Anchor::kMiddle, .color = kSoftInk});
    return svg.ToString();
  }
  svg.Text({left, kTop - 8},
           fmt::format("largest memory of a device: dark {}, yellow {}; ringed: the front",
                       Memory(low), Memory(high)),
           {.size = kTickSize, .color = kSoftInk});
  DrawStaircases(svg, frame, scaled);
  DrawFrontLabels(svg, frame, scaled);
  svg.BeginGroup("points");
  for (std::size_t i = 0; i < scaled.size(); ++i) {
    const TradeOffPoint& point = scaled[i];
    const Point at{frame.x.Pixel(point.devices), frame.y.Pixel(point.step_seconds)};
    if (point.on_front) {
      svg.Circle(at, 7.5, {.stroke = kInk, .stroke_width = 1.4});
    }
    svg.Circle(at, 4.5, {.fill = RampColor(Position(point.peak_bytes, low, high))},
               fmt::format("{}: {}, {} devices, {}", point.label, FormatTime(steps[i], unit),
                           point.devices, Memory(point.peak_bytes)));
  }
  svg.EndGroup();
  return svg.ToString();
}

}  // namespace placer
