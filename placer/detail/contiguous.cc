#include "placer/detail/contiguous.h"

#include <algorithm>

namespace placer {
namespace {

/// Fills the devices in turn up to `limit`. @return false if items are left over
bool Fill(std::span<const std::int64_t> cost, std::size_t num_devices, std::int64_t limit,
          std::vector<std::uint32_t>* part) {
  std::size_t device = 0;
  std::int64_t used = 0;
  for (std::size_t item = 0; item < part->size(); ++item) {
    while (device < num_devices && used + cost[item * num_devices + device] > limit) {
      ++device;
      used = 0;
    }
    if (device == num_devices) {
      return false;
    }
    used += cost[item * num_devices + device];
    (*part)[item] = static_cast<std::uint32_t>(device);
  }
  return true;
}

}  // namespace

std::vector<std::uint32_t> SplitContiguously(std::span<const std::int64_t> cost,
                                             std::size_t num_devices) {
  std::vector<std::uint32_t> part(cost.size() / num_devices, 0);
  // All on the first device is a split, so that its sum is always enough.
  std::int64_t high = 0;
  for (std::size_t item = 0; item < part.size(); ++item) {
    high += cost[item * num_devices];
  }
  std::int64_t low = 0;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (Fill(cost, num_devices, middle, &part)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  Fill(cost, num_devices, high, &part);
  return part;
}

}  // namespace placer
