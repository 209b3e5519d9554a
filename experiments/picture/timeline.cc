#include "experiments/picture/timeline.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "experiments/format.h"
#include "experiments/picture/chart_frame.h"
#include "experiments/picture/device_legend.h"
#include "experiments/picture/svg.h"
#include "experiments/picture/timeline_rows.h"

namespace placer {
namespace {

constexpr double kMargin = 16, kTitleHeight = 34, kPlotWidth = 900;
constexpr double kDeviceRow = 26, kChannelRow = 17, kRowGap = 4, kSectionGap = 10;
constexpr std::size_t kLongestName = 34;
/// A bar with its tooltip takes about 150 bytes, so these stay well below 1 MB.
constexpr double kMostBars = 5000;
constexpr double kNarrowestCell = 1.5;

std::size_t CellsPerRow(std::size_t num_rows) {
  const double fit = kMostBars / static_cast<double>(std::max<std::size_t>(1, num_rows));
  return static_cast<std::size_t>(std::max(20.0, std::min(kPlotWidth / kNarrowestCell, fit)));
}

class Timeline {
 public:
  Timeline(const Graph& graph, const Cluster& cluster, const Trace& trace, const std::string& title)
      : graph_(graph),
        cluster_(cluster),
        trace_(trace),
        title_(title),
        rows_(RowsOf(graph, cluster, trace)),
        end_(EndOf(trace)) {
    for (const TimelineRow& row : rows_) {
      left_ = std::max(left_, TextWidth(Shorten(row.name, kLongestName), kTickSize));
    }
    left_ += kMargin + 8;
    double y = kTitleHeight + 6;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      y += i > 0 && rows_[i].is_channel && !rows_[i - 1].is_channel ? kSectionGap : 0;
      top_.push_back(y);
      y += HeightOf(rows_[i]) + kRowGap;
    }
    bottom_ = y;
    const double seconds = end_.count() > 0 ? ToSeconds(end_).count() : 1;
    const Seconds longest(seconds);
    unit_ = UnitFor(std::span(&longest, 1));
    scale_ = AxisScale(AxisScale::Kind::kLinear, 0, seconds * PerSecond(unit_), left_,
                       left_ + kPlotWidth);
  }

  [[nodiscard]] std::string Draw() const {
    const double busy_width = TextWidth("100.0 %", kTickSize) + 10;
    const double width = left_ + kPlotWidth + busy_width + kMargin;
    const std::vector<LegendEntry> legend = Legend();
    const double legend_top = bottom_ + 48;
    const double legend_width = width - left_ - kMargin;
    const double legend_height = DrawLegend(nullptr, {left_, 0}, legend_width, legend);
    Svg svg(width, legend_top + legend_height + 24, title_);
    svg.Text({kMargin, 24},
             Shorten(title_, static_cast<std::size_t>((width - 2 * kMargin) / (0.62 * kTitleSize))),
             {.size = kTitleSize, .bold = true});
    svg.Text({width - kMargin, kTitleHeight}, "busy",
             {.size = kTickSize, .anchor = Anchor::kEnd, .color = kSoftInk});
    DrawAxis(svg);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      DrawRow(svg, i, width);
    }
    DrawLegend(&svg, {left_, legend_top}, legend_width, legend);
    svg.Text({left_, legend_top + legend_height + 12},
             "Where ops or copies are too short to be seen, the height is the share of the time "
             "that was busy.",
             {.size = kTickSize, .color = kSoftInk});
    return svg.ToString();
  }

 private:
  static double HeightOf(const TimelineRow& row) {
    return row.is_channel ? kChannelRow : kDeviceRow;
  }
  [[nodiscard]] double X(Picoseconds time) const {
    return scale_.Pixel(ToSeconds(time).count() * PerSecond(unit_));
  }

  void DrawAxis(Svg& svg) const {
    svg.BeginGroup("axes");
    for (const Tick& tick : scale_.Ticks(TicksWanted(kPlotWidth, 90))) {
      const double x = scale_.Pixel(tick.value);
      svg.Line({x, kTitleHeight + 2}, {x, bottom_}, {.stroke = kGridInk});
      svg.Text({x, bottom_ + kTickSize + 4}, tick.label,
               {.size = kTickSize, .anchor = Anchor::kMiddle, .color = kSoftInk});
    }
    svg.Text({left_ + kPlotWidth / 2, bottom_ + kTickSize + 24},
             fmt::format("time ({})", Name(unit_)), {.anchor = Anchor::kMiddle});
    svg.EndGroup();
  }

  void DrawRow(Svg& svg, std::size_t index, double width) const {
    const TimelineRow& row = rows_[index];
    const double top = top_[index];
    const double height = HeightOf(row);
    const double base_line = top + height / 2 + kTickSize * 0.35;
    svg.Text({left_ - 8, base_line}, Shorten(row.name, kLongestName),
             {.size = kTickSize, .anchor = Anchor::kEnd});
    svg.Rect({left_, top, kPlotWidth, height}, {.fill = "#f4f4f4"});
    const double share = end_.count() == 0 ? 0
                                           : static_cast<double>(row.busy().count()) /
                                                 static_cast<double>(end_.count());
    svg.Text({width - kMargin, base_line}, FormatPercent(share),
             {.size = kTickSize, .anchor = Anchor::kEnd, .color = kSoftInk});
    const RasterRow raster = Rasterize(row, end_, CellsPerRow(rows_.size()));
    for (std::size_t kind = 0; kind < WorkKinds().size(); ++kind) {
      svg.BeginGroup(row.is_channel ? "channel" : "device", WorkKinds()[kind].color);
      DrawRuns(svg, raster, kind, top, height);
      for (const TimelineRow::Span& span : raster.alone) {
        if (span.kind == kind) {
          const double x = X(span.start);
          const double wide = X(span.end) - x;
          svg.Rect({x, top, std::max(wide - 0.4, 0.6 * wide), height}, {}, Tooltip(row, span));
        }
      }
      svg.EndGroup();
    }
  }

  void DrawRuns(Svg& svg, const RasterRow& raster, std::size_t kind, double top,
                double height) const {
    const double cell = kPlotWidth / static_cast<double>(CellsPerRow(rows_.size()));
    for (const RasterRow::Run& run : raster.runs) {
      if (run.kind == kind) {
        const double high = run.share * height;
        svg.Rect(
            {left_ + static_cast<double>(run.first) * cell, top + height - high,
             static_cast<double>(run.last - run.first + 1) * cell, high},
            {},
            fmt::format("{} short ones, {:.0f} % busy",
                        FormatCount(static_cast<std::int64_t>(run.num_spans)), run.share * 100));
      }
    }
  }

  [[nodiscard]] std::string Tooltip(const TimelineRow& row, const TimelineRow::Span& span) const {
    const std::string when = fmt::format("{} from {}", FormatTime(span.end - span.start),
                                         FormatTime(ToSeconds(span.start), unit_));
    if (!row.is_channel) {
      return Shorten(graph_.op(trace_.ops[span.item].op).name, 80) + ": " + when;
    }
    const Trace::Transfer& transfer = trace_.transfers[span.item];
    const bool is_tensor = transfer.payload < graph_.num_tensors();
    const OpId producer = is_tensor ? graph_.tensor(TensorId(transfer.payload)).producer
                                    : OpId(transfer.payload - graph_.num_tensors());
    return fmt::format("{} to {}, {}: {}", Shorten(graph_.op(producer).name, 80),
                       cluster_.device(transfer.destination).name, FormatBytes(transfer.bytes),
                       when);
  }

  [[nodiscard]] std::vector<LegendEntry> Legend() const {
    std::vector<bool> used(WorkKinds().size());
    for (const TimelineRow& row : rows_) {
      for (const TimelineRow::Span& span : row.spans) {
        used[span.kind] = true;
      }
    }
    std::vector<LegendEntry> legend;
    for (std::size_t kind = 0; kind < used.size(); ++kind) {
      if (used[kind]) {
        legend.push_back({WorkKinds()[kind].color, WorkKinds()[kind].name});
      }
    }
    return legend;
  }

  const Graph& graph_;
  const Cluster& cluster_;
  const Trace& trace_;
  std::string title_;
  std::vector<TimelineRow> rows_;
  std::vector<double> top_;
  Picoseconds end_;
  double left_ = 0, bottom_ = 0;
  TimeUnit unit_ = TimeUnit::kMilliseconds;
  AxisScale scale_;
};

}  // namespace

std::string DrawTimeline(const Graph& graph, const Cluster& cluster, const Trace& trace,
                         const std::string& title) {
  return Timeline(graph, cluster, trace, title).Draw();
}

}  // namespace placer
