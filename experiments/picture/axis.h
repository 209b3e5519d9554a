#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace placer {

struct Tick {
  double value = 0;
  std::string label;  ///< "1,000", "0.05"
  bool operator==(const Tick&) const = default;
};

/// Maps a range of values to a range of pixels. A regular value.
class AxisScale {
 public:
  enum class Kind : std::uint8_t { kLinear, kLog };

  AxisScale() = default;
  /// @param from_pixel, to_pixel  where `low` and `high` go
  /// @throws std::logic_error unless low < high, both finite, and positive if logarithmic
  AxisScale(Kind kind, double low, double high, double from_pixel, double to_pixel);
  /// The range of the values, and a margin of that share of it at both ends. Values that are not
  /// finite, or not positive on a logarithmic axis, are left out; without any it is a range around
  /// 1.
  [[nodiscard]] static AxisScale Covering(Kind kind, std::span<const double> values, double margin,
                                          double from_pixel, double to_pixel);

  [[nodiscard]] double low() const noexcept { return low_; }
  [[nodiscard]] double high() const noexcept { return high_; }
  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  /// Whether the value has a place: finite, and positive on a logarithmic axis.
  [[nodiscard]] bool Shows(double value) const noexcept;
  [[nodiscard]] double Pixel(double value) const;
  /// The same range on other pixels.
  [[nodiscard]] AxisScale OnPixels(double from_pixel, double to_pixel) const;
  /// Round values within the range, ascending, about `wanted` of them: 1, 2 or 5 times a power of
  /// ten apart; on a logarithmic axis at 1, 2, 5 times powers of ten where that gives enough.
  [[nodiscard]] std::vector<Tick> Ticks(std::size_t wanted) const;

 private:
  [[nodiscard]] std::vector<Tick> LinearTicks(std::size_t wanted) const;

  Kind kind_ = Kind::kLinear;
  double low_ = 0, high_ = 1, from_pixel_ = 0, to_pixel_ = 1;
};

}  // namespace placer
