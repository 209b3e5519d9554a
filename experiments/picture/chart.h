#pragma once

#include <string>
#include <vector>

#include "experiments/picture/axis.h"

namespace placer {

struct ChartAxis {
  std::string title;  ///< with the unit: "step time (ms)"
  AxisScale::Kind kind = AxisScale::Kind::kLinear;
};

/// A value with its spread.
struct BandPoint {
  double x = 0;
  double y = 0;              ///< such as the mean over seeds
  double low = 0, high = 0;  ///< such as the extremes
};
struct ChartLine {
  std::string label;
  std::vector<BandPoint> points;  ///< x ascends
};
/// A horizontal line: a baseline, a bound.
struct ReferenceLine {
  std::string label;
  double y = 0;
};

/// Several lines with their bands over one x axis. Every line has its label beside its end, in the
/// order of the ends, so that no legend has to be matched by colour alone.
struct LineChart {
  std::string title;
  ChartAxis x, y;
  std::vector<ChartLine> lines;
  std::vector<ReferenceLine> references;
};
/// @return an SVG document. Points that have no place on an axis (not finite; not positive on a
/// logarithmic one) are left out. Without lines or points there are only axes and a remark
[[nodiscard]] std::string DrawLineChart(const LineChart& chart);

struct ScatterPoint {
  double x = 0, y = 0;
  std::string tooltip = {};  ///< may be empty
};
struct ScatterClass {
  std::string label;
  std::vector<ScatterPoint> points;
};
/// Two measures of the same things against each other: both axes have the same range, and on the
/// diagonal the two agree.
struct ScatterChart {
  std::string title;
  std::string x_title, y_title;  ///< with the unit
  AxisScale::Kind kind = AxisScale::Kind::kLinear;
  std::vector<ScatterClass> classes;      ///< one colour each; drawn in this order
  std::vector<std::string> remarks = {};  ///< short lines in the corner, such as "MAPE 8.1 %"
};
/// @return an SVG document, with the same rules for points as DrawLineChart
[[nodiscard]] std::string DrawScatterChart(const ScatterChart& chart);

}  // namespace placer
