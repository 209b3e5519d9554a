#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "experiments/format.h"
#include "experiments/picture/chart_frame.h"
#include "experiments/picture/device_legend.h"
#include "experiments/picture/network_layout.h"
#include "experiments/picture/palette.h"
#include "experiments/picture/placement_picture.h"

namespace placer {
namespace {

constexpr double kMargin = 16, kTitleHeight = 34, kBandTitle = 22, kBandGap = 10;
constexpr double kWidth = 1040, kLowestBox = 5;
/// Lanes get lower where there are many, so that a picture still fits a page.
constexpr double kLaneHeight = 26, kLowestLane = 9, kHeightOfLanes = 420;
constexpr double kMinorShare = 0.1;
constexpr double kNameSpacing = 15;
constexpr std::size_t kLongestBlock = 22, kMostBlocks = 80;
constexpr const char* kCopyInk = "#333333";
constexpr const char* kStayInk = "#c8c8c8";

class NetworkPicture {
 public:
  NetworkPicture(const PlacedModel& model, const std::string& title)
      : model_(model),
        layout_(LayOutNetwork(model.graph, model.grouping)),
        colors_(DeviceColors(model.cluster)),
        title_(title) {
    for (const NetworkLayout::Part& part : layout_.parts) {
      DeviceTimes& times = times_.emplace_back(model.cluster);
      for (const OpId op : part.ops) {
        times.Add(model, op);
      }
      longest_ = std::max(longest_, times.total());
    }
    const auto lanes = static_cast<double>(layout_.num_lanes[0] + layout_.num_lanes[1]);
    lane_height_ = std::clamp(kHeightOfLanes / std::max(1.0, lanes), kLowestLane, kLaneHeight);
    unit_ = (kWidth - 2 * kMargin) /
            static_cast<double>(std::max<std::size_t>(1, layout_.num_positions));
    double y = kTitleHeight;
    for (const std::size_t band : {0U, 1U}) {
      if (layout_.num_lanes[band] > 0) {
        band_top_[band] = y + kBandTitle;
        y += kBandTitle + static_cast<double>(layout_.num_lanes[band]) * lane_height_ + kBandGap;
      }
    }
    axis_ = y;
  }

  [[nodiscard]] std::string Draw() const {
    std::vector<LegendEntry> legend = DeviceLegend(model_);
    const double inner = kWidth - 2 * kMargin;
    const double legend_top = axis_ + NamesHeight() + 12;
    const double legend_height = DrawLegend(nullptr, {kMargin, 0}, inner, legend);
    Svg svg(kWidth, legend_top + legend_height + 24, title_);
    svg.Text({kMargin, 24}, Shorten(title_, static_cast<std::size_t>(inner / (0.62 * kTitleSize))),
             {.size = kTitleSize, .bold = true});
    DrawBlocks(svg);
    DrawEdges(svg);
    for (const std::size_t band : {0U, 1U}) {
      if (layout_.num_lanes[band] > 0) {
        svg.Text({kMargin, band_top_[band] - 7}, band == 0 ? "Forward" : "Backward and update",
                 {.size = kLabelSize, .bold = true});
        svg.BeginGroup(band == 0 ? "forward" : "backward");
        for (std::size_t p = 0; p < layout_.parts.size(); ++p) {
          if (layout_.parts[p].backward == (band == 1)) {
            DrawPart(svg, p);
          }
        }
        svg.EndGroup();
      }
    }
    DrawLegend(&svg, {kMargin, legend_top}, inner, legend);
    svg.Text({kMargin, legend_top + legend_height + 12},
             "A box is a group; the taller, the more compute time. Dark lines: copies between "
             "devices. From left to right: depth in the network. In brackets: share of compute "
             "time.",
             {.size = kTickSize, .color = kSoftInk});
    return svg.ToString();
  }

 private:
  [[nodiscard]] double X(std::size_t position) const {
    return kMargin + static_cast<double>(position) * unit_;
  }

  /// Square roots, so that small groups can be seen beside large ones.
  [[nodiscard]] Box BoxOf(std::size_t p) const {
    const NetworkLayout::Part& part = layout_.parts[p];
    const double share = longest_.count() == 0 ? 0
                                               : static_cast<double>(times_[p].total().count()) /
                                                     static_cast<double>(longest_.count());
    const double tallest = lane_height_ - 3;
    const double height = kLowestBox + (tallest - kLowestBox) * std::sqrt(share);
    const double middle =
        band_top_[part.backward ? 1 : 0] + (static_cast<double>(part.lane) + 0.5) * lane_height_;
    const double gap = std::min(1.5, unit_ / 4);
    return {X(part.first) + gap, middle - height / 2,
            static_cast<double>(part.last - part.first + 1) * unit_ - 2 * gap, height};
  }

  void DrawPart(Svg& svg, std::size_t p) const {
    const Box box = BoxOf(p);
    const DeviceTimes& times = times_[p];
    const NetworkLayout::Part& part = layout_.parts[p];
    const std::string tooltip = fmt::format(
        "group {}, {}: {}; {}{}", part.group.index(), part.backward ? "backward" : "forward",
        Describe(times, model_.cluster), model_.graph.op(part.ops.front()).name,
        part.ops.size() > 1 ? " .. " + model_.graph.op(part.ops.back()).name : "");
    svg.Rect(box, {.fill = colors_[times.first()]}, tooltip);
    const double minor = times.share(times.second());
    if (times.second() != times.first() && minor >= kMinorShare) {
      const double height = minor * box.height;
      svg.Rect({box.x, box.bottom() - height, box.width, height}, {.fill = colors_[times.second()]},
               tooltip);
    }
  }

  void DrawEdges(Svg& svg) const {
    for (const bool copies : {false, true}) {
      svg.BeginGroup(copies ? "copies" : "edges");
      for (const auto& [from, to] : layout_.edges) {
        if ((times_[from].first() != times_[to].first()) != copies) {
          continue;
        }
        const bool right = layout_.parts[from].first <= layout_.parts[to].first;
        const Box a = BoxOf(right ? from : to);
        const Box b = BoxOf(right ? to : from);
        svg.Connection({a.right(), a.y + a.height / 2}, {b.x, b.y + b.height / 2},
                       {.stroke = copies ? kCopyInk : kStayInk, .stroke_width = 1});
      }
      svg.EndGroup();
    }
  }

  [[nodiscard]] bool HasNames() const {
    return !layout_.blocks.empty() && layout_.blocks.size() <= kMostBlocks;
  }

  [[nodiscard]] double NamesHeight() const {
    double longest = 0;
    for (const NetworkLayout::Block& block : layout_.blocks) {
      longest = std::max(longest, TextWidth(Shorten(block.name, kLongestBlock), kTickSize));
    }
    return HasNames() ? longest * 0.71 + 14 : 4;
  }

  void DrawBlocks(Svg& svg) const {
    if (!HasNames()) {
      return;
    }
    svg.BeginGroup("axes");
    double last = -kNameSpacing;
    for (const NetworkLayout::Block& block : layout_.blocks) {
      svg.Line({X(block.first), kTitleHeight + 6}, {X(block.first), axis_}, {.stroke = kGridInk});
      const double middle = (X(block.first) + X(block.last + 1)) / 2;
      if (middle - last >= kNameSpacing) {
        // Upwards to the right, ending under the middle of the block.
        svg.Text({middle + 4, axis_ + 10}, Shorten(block.name, kLongestBlock),
                 {.size = kTickSize, .anchor = Anchor::kEnd, .color = kSoftInk, .degrees = -45});
        last = middle;
      }
    }
    svg.EndGroup();
  }

  const PlacedModel& model_;
  NetworkLayout layout_;
  std::vector<std::string> colors_;
  std::string title_;
  std::vector<DeviceTimes> times_;  ///< per part
  Picoseconds longest_{0};
  std::array<double, 2> band_top_{};
  double lane_height_ = 0, unit_ = 0, axis_ = 0;
};

}  // namespace

std::string DrawNetwork(const PlacedModel& model, const std::string& title) {
  return NetworkPicture(model, title).Draw();
}

}  // namespace placer
