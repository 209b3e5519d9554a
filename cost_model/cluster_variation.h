#pragma once

#include <string_view>

#include "cost_model/cluster.h"

namespace placer {

/// Changes a cluster as a `key=value` behind the question mark of LoadCluster() says:
///
///     devices=4, gpu=4            so many devices of a kind; `devices`: of the most frequent kind
///     that
///                                 is no cpu. Fewer: the last ones go. More: copies of the last
///                                 one, linked as it is
///     links.bandwidth=2x          also links.latency
///     gpu.memory=32GB             also .flops, .memory_bandwidth, .launch_overhead;
///     `devices.memory`
///                                 is that of every device
///
/// A value is a factor, `2x` or `0.5x`, or a number with a unit: bytes (GB, GiB, ...), bytes per
/// second (GB/s), seconds (us, ms, s), flop per second in float32 (TFLOP/s; other types keep their
/// proportion).
/// @throws InputError for an unknown key, a value that is none, more devices where it cannot be
/// told how they are linked, or none left
void VaryCluster(ClusterSpec& spec, std::string_view key, std::string_view value);

/// Whether a key is one of VaryCluster()'s for that cluster.
[[nodiscard]] bool IsClusterVariation(const ClusterSpec& spec, std::string_view key);

}  // namespace placer
