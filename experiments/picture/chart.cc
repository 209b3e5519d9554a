#include "experiments/picture/chart.h"

#include <algorithm>
#include <cmath>

#include "experiments/picture/chart_frame.h"
#include "experiments/picture/palette.h"
#include "experiments/picture/svg.h"

namespace placer {
namespace {

constexpr double kPlotWidth = 560, kPlotHeight = 340, kScatterSide = 400;
constexpr double kTop = 44, kBottom = 56;
constexpr double kLabelDistance = 16;
constexpr std::size_t kLongestLabel = 32;
/// From the plot's edge: the leader to the label, the sample of the line, the gap to the text.
constexpr double kLeader = 18, kSampleLine = 20, kGap = 5;

struct EndLabel {
  std::string text, color, dashes;
  double y = 0;
};

bool Shown(const BandPoint& point, const AxisScale& x, const AxisScale& y) {
  return x.Shows(point.x) && y.Shows(point.y);
}

double WidestLabel(const std::vector<EndLabel>& labels) {
  double widest = 0;
  for (const EndLabel& label : labels) {
    widest = std::max(widest, TextWidth(label.text, kLabelSize));
  }
  return widest;
}

void DrawBand(Svg& svg, const ChartFrame& frame, const ChartLine& line, const std::string& color) {
  std::vector<Point> outline;
  for (const BandPoint& point : line.points) {
    if (Shown(point, frame.x, frame.y) && frame.y.Shows(point.high)) {
      outline.push_back({frame.x.Pixel(point.x), frame.y.Pixel(point.high)});
    }
  }
  for (auto point = line.points.rbegin(); point != line.points.rend(); ++point) {
    if (Shown(*point, frame.x, frame.y) && frame.y.Shows(point->low)) {
      outline.push_back({frame.x.Pixel(point->x), frame.y.Pixel(point->low)});
    }
  }
  svg.Polygon(outline, {.fill = color, .opacity = 0.18});
}

void DrawMean(Svg& svg, const ChartFrame& frame, const ChartLine& line, const std::string& color) {
  std::vector<Point> points;
  for (const BandPoint& point : line.points) {
    if (Shown(point, frame.x, frame.y)) {
      points.push_back({frame.x.Pixel(point.x), frame.y.Pixel(point.y)});
    }
  }
  if (points.size() == 1) {
    svg.Circle(points.front(), 3, {.fill = color}, line.label);
  }
  svg.Polyline(points, {.stroke = color, .stroke_width = 2}, line.label);
}

void DrawEndLabels(Svg& svg, const Box& plot, const std::vector<EndLabel>& labels) {
  std::vector<double> wanted;
  for (const EndLabel& label : labels) {
    wanted.push_back(label.y);
  }
  const std::vector<double> at =
      SpreadLabels(wanted, kLabelDistance, plot.y + 4, plot.bottom() - 4);
  svg.BeginGroup("legend");
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double sample = plot.right() + kLeader;
    svg.Line({plot.right() + 2, labels[i].y}, {sample - 3, at[i]},
             {.stroke = "#bbbbbb", .stroke_width = 0.8});
    svg.Line({sample, at[i]}, {sample + kSampleLine, at[i]},
             {.stroke = labels[i].color, .stroke_width = 2, .dashes = labels[i].dashes});
    svg.Text({sample + kSampleLine + kGap, at[i] + kLabelSize * 0.35}, labels[i].text,
             {.size = kLabelSize});
  }
  svg.EndGroup();
}

/// The last value of every line and every reference, with its colour.
std::vector<EndLabel> EndLabels(const LineChart& chart, const ChartFrame& frame) {
  std::vector<EndLabel> labels;
  for (std::size_t i = 0; i < chart.lines.size(); ++i) {
    const auto& points = chart.lines[i].points;
    const auto last = std::find_if(points.rbegin(), points.rend(), [&](const BandPoint& point) {
      return Shown(point, frame.x, frame.y);
    });
    if (last != points.rend()) {
      labels.push_back({Shorten(chart.lines[i].label, kLongestLabel), CategoryColor(i), "",
                        frame.y.Pixel(last->y)});
    }
  }
  for (const ReferenceLine& reference : chart.references) {
    if (frame.y.Shows(reference.y)) {
      labels.push_back(
          {Shorten(reference.label, kLongestLabel), kSoftInk, "5 3", frame.y.Pixel(reference.y)});
    }
  }
  return labels;
}

ChartFrame FrameFor(const LineChart& chart) {
  std::vector<double> xs, ys;
  ChartFrame frame;
  for (const ChartLine& line : chart.lines) {
    for (const BandPoint& point : line.points) {
      xs.push_back(point.x);
      ys.insert(ys.end(), {point.y, point.low, point.high});
    }
  }
  for (const ReferenceLine& reference : chart.references) {
    ys.push_back(reference.y);
  }
  const double labels =
      kLabelDistance * static_cast<double>(chart.lines.size() + chart.references.size());
  const double height = std::max(kPlotHeight, labels + 16);
  frame.y = AxisScale::Covering(chart.y.kind, ys, 0.06, kTop + height, kTop);
  const double left = LeftMargin(frame.y.Ticks(TicksWanted(height, 50))) + 8;
  frame.plot = {left, kTop, kPlotWidth, height};
  frame.x = AxisScale::Covering(chart.x.kind, xs, 0, left, left + kPlotWidth);
  frame.x_title = chart.x.title;
  frame.y_title = chart.y.title;
  return frame;
}

void DrawTitle(Svg& svg, const Box& plot, double width, const std::string& title) {
  const auto fits = static_cast<std::size_t>(std::max(8.0, (width - plot.x) / (0.62 * kTitleSize)));
  svg.Text({plot.x, kTop - 20}, Shorten(title, fits), {.size = kTitleSize, .bold = true});
}

void DrawRemark(Svg& svg, const Box& plot, const std::string& remark) {
  svg.Text({plot.x + plot.width / 2, plot.y + plot.height / 2}, remark,
           {.anchor = Anchor::kMiddle, .color = kSoftInk});
}

}  // namespace

std::string DrawLineChart(const LineChart& chart) {
  const ChartFrame frame = FrameFor(chart);
  const std::vector<EndLabel> labels = EndLabels(chart, frame);
  const double width = frame.plot.right() + kLeader + kSampleLine + kGap + WidestLabel(labels) + 12;
  Svg svg(width, frame.plot.bottom() + kBottom, chart.title);
  DrawTitle(svg, frame.plot, width, chart.title);
  DrawFrame(svg, frame);
  svg.BeginGroup("references");
  for (const ReferenceLine& reference : chart.references) {
    if (frame.y.Shows(reference.y)) {
      const double y = frame.y.Pixel(reference.y);
      svg.Line({frame.plot.x, y}, {frame.plot.right(), y},
               {.stroke = kSoftInk, .stroke_width = 1.2, .dashes = "5 3"});
    }
  }
  svg.EndGroup();
  svg.BeginGroup("lines");
  for (std::size_t i = 0; i < chart.lines.size(); ++i) {
    DrawBand(svg, frame, chart.lines[i], CategoryColor(i));
  }
  for (std::size_t i = 0; i < chart.lines.size(); ++i) {
    DrawMean(svg, frame, chart.lines[i], CategoryColor(i));
  }
  svg.EndGroup();
  if (labels.empty()) {
    DrawRemark(svg, frame.plot, "nothing to show");
  }
  DrawEndLabels(svg, frame.plot, labels);
  return svg.ToString();
}

namespace {

ChartFrame FrameFor(const ScatterChart& chart) {
  std::vector<double> values;
  for (const ScatterClass& each : chart.classes) {
    for (const ScatterPoint& point : each.points) {
      values.insert(values.end(), {point.x, point.y});
    }
  }
  ChartFrame frame;
  frame.y = AxisScale::Covering(chart.kind, values, 0.06, kTop + kScatterSide, kTop);
  const double left = LeftMargin(frame.y.Ticks(TicksWanted(kScatterSide, 50))) + 8;
  frame.plot = {left, kTop, kScatterSide, kScatterSide};
  frame.x = frame.y.OnPixels(left, left + kScatterSide);
  frame.x_title = chart.x_title;
  frame.y_title = chart.y_title;
  return frame;
}

/// Draws the points that have a place. @return how many
std::size_t DrawPoints(Svg& svg, const ChartFrame& frame, const ScatterClass& each,
                       const std::string& color) {
  std::size_t drawn = 0;
  svg.BeginGroup("points", color);
  for (const ScatterPoint& point : each.points) {
    if (frame.x.Shows(point.x) && frame.y.Shows(point.y)) {
      svg.Circle({frame.x.Pixel(point.x), frame.y.Pixel(point.y)}, 3.2, {.opacity = 0.7},
                 point.tooltip);
      ++drawn;
    }
  }
  svg.EndGroup();
  return drawn;
}

void DrawScatterLegend(Svg& svg, const ScatterChart& chart, const Box& plot) {
  double y = plot.y + 10;
  const double x = plot.right() + kLeader;
  svg.BeginGroup("legend");
  for (std::size_t i = 0; i < chart.classes.size(); ++i, y += kLabelDistance) {
    svg.Circle({x, y}, 4, {.fill = CategoryColor(i)});
    svg.Text({x + 10, y + kLabelSize * 0.35}, Shorten(chart.classes[i].label, kLongestLabel),
             {.size = kLabelSize});
  }
  y += chart.classes.empty() ? 0 : kLabelDistance / 2;
  for (const std::string& remark : chart.remarks) {
    svg.Text({x - 4, y + kLabelSize * 0.35}, remark, {.size = kLabelSize, .color = kSoftInk});
    y += kLabelDistance;
  }
  svg.EndGroup();
}

double ScatterLegendWidth(const ScatterChart& chart) {
  double widest = 0;
  for (const ScatterClass& each : chart.classes) {
    widest = std::max(widest, 14 + TextWidth(Shorten(each.label, kLongestLabel), kLabelSize));
  }
  for (const std::string& remark : chart.remarks) {
    widest = std::max(widest, TextWidth(remark, kLabelSize));
  }
  return widest;
}

}  // namespace

std::string DrawScatterChart(const ScatterChart& chart) {
  const ChartFrame frame = FrameFor(chart);
  const Box& plot = frame.plot;
  const double width = plot.right() + kLeader + ScatterLegendWidth(chart) + 12;
  Svg svg(width, plot.bottom() + kBottom, chart.title);
  DrawTitle(svg, plot, width, chart.title);
  DrawFrame(svg, frame);
  svg.Line({plot.x, plot.bottom()}, {plot.right(), plot.y},
           {.stroke = kSoftInk, .stroke_width = 1.2, .dashes = "5 3"});
  std::size_t drawn = 0;
  for (std::size_t i = 0; i < chart.classes.size(); ++i) {
    drawn += DrawPoints(svg, frame, chart.classes[i], CategoryColor(i));
  }
  if (drawn == 0) {
    DrawRemark(svg, plot, "nothing to show");
  }
  DrawScatterLegend(svg, chart, plot);
  return svg.ToString();
}

}  // namespace placer
