#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "experiments/format.h"
#include "experiments/picture/chart_frame.h"
#include "experiments/picture/device_legend.h"
#include "experiments/picture/palette.h"
#include "experiments/picture/placement_picture.h"
#include "experiments/picture/unrolled_layout.h"

namespace placer {
namespace {

constexpr double kMargin = 16, kTitleHeight = 34, kBandTitle = 20, kBandGap = 14;
constexpr double kCellHeight = 20, kNarrowest = 4, kWidest = 26, kWidthOfAll = 900;
constexpr double kOnceGap = 10, kOnceWidth = 26;
constexpr double kMinorShare = 0.1, kRemarkHeight = 15;
constexpr std::size_t kLongestLayer = 36, kMostGroups = 6;

class UnrolledPicture {
 public:
  UnrolledPicture(const PlacedModel& model, const std::string& title)
      : model_(model), layout_(LayOutUnrolled(model.graph)), colors_(DeviceColors(model.cluster)) {
    for (const UnrolledLayout::Cell& cell : layout_.cells) {
      has_band_[cell.backward ? 1 : 0] = true;
      has_once_ = has_once_ || !cell.step;
    }
    for (const std::string& layer : layout_.layers) {
      left_ = std::max(left_, TextWidth(Shorten(layer, kLongestLayer), kLabelSize));
    }
    left_ += kMargin + 8;
    const auto steps = static_cast<double>(std::max<std::size_t>(1, layout_.num_steps));
    cell_width_ = std::clamp(std::floor(kWidthOfAll / steps), kNarrowest, kWidest);
    right_ = left_ + steps * cell_width_ + (has_once_ ? kOnceGap + kOnceWidth : 0);
    legend_ = DeviceLegend(model);
    title_ = title;
  }

  [[nodiscard]] std::string Draw() const {
    const double width = std::max(right_ + kMargin, 420.0);
    double y = kTitleHeight;
    std::array<double, 2> band_top{};
    for (const std::size_t band : {0U, 1U}) {
      if (has_band_[band]) {
        band_top[band] = y + kBandTitle;
        y += kBandTitle + Rows() * kCellHeight + kBandGap;
      }
    }
    const double axis = y - kBandGap;
    const double legend_top = axis + 50;
    const double legend_height = DrawLegend(nullptr, {left_, 0}, width - left_ - 8, legend_);
    const std::vector<std::string> remarks = Remarks();
    const double remarks_top = legend_top + legend_height + 10;
    Svg svg(width, remarks_top + kRemarkHeight * static_cast<double>(remarks.size()), title_);
    const auto fits = static_cast<std::size_t>((width - 2 * kMargin) / (0.62 * kTitleSize));
    svg.Text({kMargin, 24}, Shorten(title_, fits), {.size = kTitleSize, .bold = true});
    for (const std::size_t band : {0U, 1U}) {
      if (has_band_[band]) {
        DrawBand(svg, band, band_top[band]);
      }
    }
    DrawAxis(svg, axis);
    DrawLegend(&svg, {left_, legend_top}, width - left_ - 8, legend_);
    for (std::size_t i = 0; i < remarks.size(); ++i) {
      svg.Text({left_, remarks_top + kRemarkHeight * static_cast<double>(i)}, remarks[i],
               {.size = kTickSize, .color = kSoftInk});
    }
    return svg.ToString();
  }

 private:
  [[nodiscard]] double Rows() const { return static_cast<double>(layout_.layers.size()); }

  void DrawBand(Svg& svg, std::size_t band, double top) const {
    svg.Text({kMargin, top - 6}, band == 0 ? "Forward" : "Backward and update",
             {.size = kLabelSize, .bold = true});
    for (std::size_t i = 0; i < layout_.layers.size(); ++i) {
      // The last layer on top, as networks are drawn.
      svg.Text({left_ - 8, RowTop(top, i) + kCellHeight * 0.68},
               Shorten(layout_.layers[i], kLongestLayer),
               {.size = kLabelSize, .anchor = Anchor::kEnd});
    }
    svg.BeginGroup(band == 0 ? "forward" : "backward");
    for (const UnrolledLayout::Cell& cell : layout_.cells) {
      if (cell.backward == (band == 1)) {
        DrawCell(svg, cell, RowTop(top, cell.layer));
      }
    }
    svg.EndGroup();
  }

  [[nodiscard]] double RowTop(double band_top, std::size_t layer) const {
    return band_top + (Rows() - 1 - static_cast<double>(layer)) * kCellHeight;
  }

  void DrawCell(Svg& svg, const UnrolledLayout::Cell& cell, double top) const {
    DeviceTimes times(model_.cluster);
    for (const OpId op : cell.ops) {
      times.Add(model_, op);
    }
    const double gap = cell_width_ >= 8 ? 1 : 0.4;
    Box box{right_ - kOnceWidth, top, kOnceWidth - gap, kCellHeight - 1};
    if (cell.step) {
      box.x = left_ + static_cast<double>(*cell.step) * cell_width_;
      box.width = cell_width_ - gap;
    }
    svg.Rect(box, {.fill = colors_[times.first()]}, Tooltip(cell, times));
    const double minor = times.share(times.second());
    if (times.second() != times.first() && minor >= kMinorShare) {
      const double height = minor * box.height;
      svg.Rect({box.x, box.bottom() - height, box.width, height}, {.fill = colors_[times.second()]},
               Tooltip(cell, times));
    }
  }

  [[nodiscard]] std::string Tooltip(const UnrolledLayout::Cell& cell,
                                    const DeviceTimes& times) const {
    std::vector<std::size_t> groups;
    for (const OpId op : cell.ops) {
      groups.push_back(model_.grouping.group(op).index());
    }
    std::sort(groups.begin(), groups.end());
    groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
    const bool too_many = groups.size() > kMostGroups;
    const std::string numbers = too_many ? FormatCount(static_cast<std::int64_t>(groups.size()))
                                         : fmt::format("{}", fmt::join(groups, ", "));
    return fmt::format("{}, {}, {}: {}; {}{}", layout_.layers[cell.layer],
                       cell.step ? fmt::format("step {}", *cell.step) : "all steps",
                       cell.backward ? "backward" : "forward", Describe(times, model_.cluster),
                       too_many             ? "groups: "
                       : groups.size() == 1 ? "group "
                                            : "groups ",
                       numbers);
  }

  void DrawAxis(Svg& svg, double y) const {
    svg.BeginGroup("axes");
    std::size_t every = 1;
    for (const std::size_t candidate : {1U, 2U, 5U, 10U, 20U, 50U, 100U, 200U, 500U}) {
      every = candidate;
      if (static_cast<double>(candidate) * cell_width_ >= 26) {
        break;
      }
    }
    for (std::size_t step = 0; step < layout_.num_steps; step += every) {
      svg.Text({left_ + (static_cast<double>(step) + 0.5) * cell_width_, y + 13},
               fmt::format("{}", step),
               {.size = kTickSize, .anchor = Anchor::kMiddle, .color = kSoftInk});
    }
    const double steps_end = left_ + static_cast<double>(layout_.num_steps) * cell_width_;
    svg.Text({(left_ + steps_end) / 2, y + 32}, "time step", {.anchor = Anchor::kMiddle});
    if (has_once_) {
      svg.Text({right_ - kOnceWidth / 2, y + 13}, "all",
               {.size = kTickSize, .anchor = Anchor::kMiddle, .color = kSoftInk});
    }
    svg.EndGroup();
  }

  [[nodiscard]] std::vector<std::string> Remarks() const {
    std::vector<std::string> remarks = {
        "In brackets: share of compute time. A cell has two colours where two devices share it."};
    if (!layout_.rest.empty()) {
      DeviceTimes times(model_.cluster);
      for (const OpId op : layout_.rest) {
        times.Add(model_, op);
      }
      remarks.push_back("Not shown: " + Describe(times, model_.cluster) + " outside of the layers");
    }
    return remarks;
  }

  const PlacedModel& model_;
  UnrolledLayout layout_;
  std::vector<std::string> colors_;
  std::vector<LegendEntry> legend_;
  std::string title_;
  std::array<bool, 2> has_band_{};
  bool has_once_ = false;
  double left_ = 0, right_ = 0, cell_width_ = 0;
};

}  // namespace

std::string DrawUnrolled(const PlacedModel& model, const std::string& title) {
  return UnrolledPicture(model, title).Draw();
}

}  // namespace placer
