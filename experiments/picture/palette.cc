#include "experiments/picture/palette.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace placer {
namespace {

struct Rgb {
  double red = 0, green = 0, blue = 0;
};

constexpr std::array kOkabeIto = {
    Rgb{0x00, 0x72, 0xB2},  // blue
    Rgb{0xE6, 0x9F, 0x00},  // orange
    Rgb{0x00, 0x9E, 0x73},  // bluish green
    Rgb{0xCC, 0x79, 0xA7},  // reddish purple
    Rgb{0x56, 0xB4, 0xE9},  // sky blue
    Rgb{0xD5, 0x5E, 0x00},  // vermillion
    Rgb{0xF0, 0xE4, 0x42},  // yellow
};
constexpr std::array kViridis = {Rgb{0x44, 0x01, 0x54}, Rgb{0x3B, 0x52, 0x8B},
                                 Rgb{0x21, 0x91, 0x8C}, Rgb{0x5E, 0xC9, 0x62},
                                 Rgb{0xE5, 0xCF, 0x20}};
constexpr std::array<const char*, 4> kGreys = {"#8c8c8c", "#bdbdbd", "#5f5f5f", "#d9d9d9"};
constexpr Rgb kWhite{255, 255, 255};
constexpr Rgb kBlack{0, 0, 0};

Rgb Mix(const Rgb& a, const Rgb& b, double share_of_b) {
  const auto mix = [&](double x, double y) { return x + (y - x) * share_of_b; };
  return {mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue)};
}

std::string Hex(const Rgb& color) {
  return fmt::format("#{:02x}{:02x}{:02x}", std::lround(color.red), std::lround(color.green),
                     std::lround(color.blue));
}

}  // namespace

std::string CategoryColor(std::size_t index) {
  const Rgb& base = kOkabeIto[index % kOkabeIto.size()];
  switch (index / kOkabeIto.size() % 3) {
    case 1:
      return Hex(Mix(base, kWhite, 0.5));
    case 2:
      return Hex(Mix(base, kBlack, 0.45));
    default:
      return Hex(base);
  }
}

std::string RampColor(double position) {
  constexpr auto kLast = static_cast<double>(kViridis.size() - 1);
  const double at = std::clamp(position, 0.0, 1.0) * kLast;
  const double below = std::min(std::floor(at), kLast - 1);
  const auto index = static_cast<std::size_t>(below);
  return Hex(Mix(kViridis[index], kViridis[index + 1], at - below));
}

std::vector<std::string> DeviceColors(const Cluster& cluster) {
  std::vector<std::string> colors;
  std::size_t greys = 0, categories = 0;
  for (const Device& device : cluster.devices()) {
    colors.push_back(device.kind == "cpu" ? kGreys[greys++ % kGreys.size()]
                                          : CategoryColor(categories++));
  }
  return colors;
}

std::string InkOn(const std::string& ground) {
  const auto channel = [&](std::size_t at) {
    return static_cast<double>(std::stoi(ground.substr(at, 2), nullptr, 16));
  };
  // Luma of Rec. 601.
  const double luma = 0.299 * channel(1) + 0.587 * channel(3) + 0.114 * channel(5);
  return luma > 140 ? "#000000" : "#ffffff";
}

}  // namespace placer
