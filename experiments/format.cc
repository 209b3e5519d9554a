#include "experiments/format.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace placer {

std::string FormatCount(std::int64_t count) {
  std::string digits = fmt::format("{}", count);
  const std::ptrdiff_t first = count < 0 ? 1 : 0;
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > first; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

TimeUnit UnitFor(std::span<const Seconds> times) {
  double smallest = std::numeric_limits<double>::infinity();
  double largest = 0;
  for (const Seconds time : times) {
    if (time.count() > 0) {
      smallest = std::min(smallest, time.count());
      largest = std::max(largest, time.count());
    }
  }
  // In the finer unit numbers of up to four digits are still easy to read.
  if (largest >= 10 || smallest >= 1) {
    return largest > 0 ? TimeUnit::kSeconds : TimeUnit::kMilliseconds;
  }
  return largest >= 10e-3 || smallest >= 1e-3 ? TimeUnit::kMilliseconds : TimeUnit::kMicroseconds;
}

std::string_view Name(TimeUnit unit) noexcept {
  constexpr std::array<std::string_view, 3> kNames = {"s", "ms", "us"};
  return kNames[static_cast<std::size_t>(unit)];
}

double PerSecond(TimeUnit unit) noexcept {
  constexpr std::array<double, 3> kPerSecond = {1, 1e3, 1e6};
  return kPerSecond[static_cast<std::size_t>(unit)];
}

std::string FormatTime(Seconds time, TimeUnit unit) {
  return fmt::format("{:.3f} {}", time.count() * PerSecond(unit), Name(unit));
}

std::string FormatTime(Seconds time) { return FormatTime(time, UnitFor(std::span(&time, 1))); }
std::string FormatTime(Picoseconds time) { return FormatTime(ToSeconds(time)); }

std::string FormatWall(Seconds wall) {
  return wall.count() < 0.9995 ? fmt::format("{:.0f} ms", wall.count() * 1e3)
                               : fmt::format("{:.1f} s", wall.count());
}

std::string FormatTimeLeft(Seconds left) {
  const auto seconds = static_cast<std::int64_t>(std::ceil(left.count()));
  if (seconds < 120) {
    return fmt::format("{} s left", seconds);
  }
  const std::int64_t minutes = (seconds + 59) / 60;
  return minutes < 120 ? fmt::format("{} min left", minutes)
                       : fmt::format("{} h {} min left", minutes / 60, minutes % 60);
}

std::string FormatPercent(double fraction) { return fmt::format("{:.1f} %", fraction * 100); }

std::string FormatChange(double fraction) {
  return std::abs(fraction) < 0.0005 ? "0.0 %" : fmt::format("{:+.1f} %", fraction * 100);
}

std::string FormatFlops(std::int64_t flops) {
  constexpr std::array<const char*, 7> kPrefixes = {"", "k", "M", "G", "T", "P", "E"};
  auto value = static_cast<double>(flops);
  std::size_t prefix = 0;
  while (value >= 999.995 && prefix + 1 < kPrefixes.size()) {
    value /= 1000;
    ++prefix;
  }
  return fmt::format("{:.2f} {}FLOP", value, kPrefixes[prefix]);
}

std::string FormatFingerprint(std::uint64_t fingerprint) {
  return fmt::format("{:016x}", fingerprint);
}

}  // namespace placer
