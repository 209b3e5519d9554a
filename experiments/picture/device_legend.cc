#include "experiments/picture/device_legend.h"

#include <algorithm>

#include "experiments/format.h"
#include "experiments/picture/chart_frame.h"
#include "experiments/picture/palette.h"

namespace placer {
namespace {

constexpr double kSample = 12, kGap = 5, kBetween = 18, kLineHeight = 18;
constexpr std::size_t kLongestName = 28;

}  // namespace

double DrawLegend(Svg* svg, const Point& at, double width,
                  const std::vector<LegendEntry>& entries) {
  double x = at.x, y = at.y;
  if (svg != nullptr) {
    svg->BeginGroup("legend");
  }
  for (const LegendEntry& entry : entries) {
    const double wide = kSample + kGap + TextWidth(entry.text, kLabelSize);
    if (x > at.x && x + wide > at.x + width) {
      x = at.x;
      y += kLineHeight;
    }
    if (svg != nullptr) {
      svg->Rect({x, y, kSample, kSample}, {.fill = entry.color});
      svg->Text({x + kSample + kGap, y + kSample - 2}, entry.text, {.size = kLabelSize});
    }
    x += wide + kBetween;
  }
  if (svg != nullptr) {
    svg->EndGroup();
  }
  return entries.empty() ? 0 : y + kLineHeight - at.y;
}

std::vector<LegendEntry> DeviceLegend(const PlacedModel& model) {
  const DeviceTimes times = TimesOfStep(model);
  const std::vector<std::string> colors = DeviceColors(model.cluster);
  std::vector<LegendEntry> entries;
  for (std::size_t d = 0; d < colors.size(); ++d) {
    entries.push_back({colors[d], Shorten(model.cluster.devices()[d].name, kLongestName) + " (" +
                                      FormatPercent(times.share(d)) + ")"});
  }
  return entries;
}

}  // namespace placer
