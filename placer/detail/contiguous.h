#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace placer {

/// Splits items 0..n-1 into one contiguous part per device, in order, so that the largest part's
/// sum is as small as a contiguous split in this order of devices allows (within one unit).
/// @param cost  [num_items, num_devices], >= 0: what the item adds to the part of the device
/// @return the part of every item, ascending
[[nodiscard]] std::vector<std::uint32_t> SplitContiguously(std::span<const std::int64_t> cost,
                                                           std::size_t num_devices);

}  // namespace placer
