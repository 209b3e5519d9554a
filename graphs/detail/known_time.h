#pragma once

#include <cmath>
#include <cstdint>

#include "graphs/base/units.h"

namespace placer {

/// Files that give times but no work: grouping, features and devices of other kinds see the work
/// of a device with this rate, 1 Tflop/s, a round figure between hosts and accelerators.
inline constexpr double kStandInFlopsPerSecond = 1e12;

[[nodiscard]] inline std::int64_t StandInFlops(Seconds time) {
  return static_cast<std::int64_t>(std::llround(time.count() * kStandInFlopsPerSecond));
}

}  // namespace placer
