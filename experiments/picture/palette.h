#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cost_model/cluster.h"

namespace placer {

/// Colours, "#rrggbb", that stay apart for readers who confuse red and green. The first seven are
/// those of Okabe and Ito, "Color Universal Design" (2008), without black; then their light and
/// dark shades. Repeats after 21.
[[nodiscard]] std::string CategoryColor(std::size_t index);

/// Dark violet (0) to yellow (1), evenly lighter all the way: for what has an order. Five points of
/// the "viridis" colour map (van der Walt and Smith 2015), the last darkened so that it shows on
/// white; linear between them.
[[nodiscard]] std::string RampColor(double position);

/// One colour per device, in device order: CPUs are greys, all others take the categories in turn.
[[nodiscard]] std::vector<std::string> DeviceColors(const Cluster& cluster);

/// Black or white, whichever reads better on a ground of "#rrggbb".
[[nodiscard]] std::string InkOn(const std::string& ground);

}  // namespace placer
