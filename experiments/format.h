#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "graphs/base/units.h"

namespace placer {

/// 1234567 -> "1,234,567".
[[nodiscard]] std::string FormatCount(std::int64_t count);

enum class TimeUnit : std::uint8_t { kSeconds, kMilliseconds, kMicroseconds };
/// One unit for a whole column, so that its numbers compare at a glance: the finest in which the
/// largest has at most four digits, but no finer than the smallest positive time needs. All zero:
/// milliseconds.
[[nodiscard]] TimeUnit UnitFor(std::span<const Seconds> times);
/// "s", "ms", "us".
[[nodiscard]] std::string_view Name(TimeUnit unit) noexcept;
/// How many of them are a second.
[[nodiscard]] double PerSecond(TimeUnit unit) noexcept;
/// Three digits after the point: "12.345 ms".
[[nodiscard]] std::string FormatTime(Seconds time, TimeUnit unit);
[[nodiscard]] std::string FormatTime(Seconds time);
[[nodiscard]] std::string FormatTime(Picoseconds time);

/// Wall time: "41 ms", "75.0 s".
[[nodiscard]] std::string FormatWall(Seconds wall);
/// "6 s left", "12 min left", "3 h 20 min left".
[[nodiscard]] std::string FormatTimeLeft(Seconds left);
/// 0.1234 -> "12.3 %".
[[nodiscard]] std::string FormatPercent(double fraction);
/// With its sign, "+12.3 %", "-0.5 %"; what rounds to nothing is "0.0 %".
[[nodiscard]] std::string FormatChange(double fraction);
/// Decimal prefixes, two digits: "8.20 GFLOP".
[[nodiscard]] std::string FormatFlops(std::int64_t flops);
/// 16 hexadecimal digits.
[[nodiscard]] std::string FormatFingerprint(std::uint64_t fingerprint);

}  // namespace placer
