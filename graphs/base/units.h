#pragma once

#include <chrono>
#include <cstdint>
#include <ratio>

namespace placer {

/// Time inside the simulator: an integer, so that sums are exact and the same on every machine.
using Picoseconds = std::chrono::duration<std::int64_t, std::pico>;
/// Time anywhere else.
using Seconds = std::chrono::duration<double>;

[[nodiscard]] constexpr Seconds ToSeconds(Picoseconds time) noexcept {
  return Seconds(static_cast<double>(time.count()) * 1e-12);
}

}  // namespace placer
