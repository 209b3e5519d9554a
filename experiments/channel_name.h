#pragma once

#include <string>

#include "cost_model/cluster.h"

namespace placer {

/// A direction of a link, for people: "pcie:0 /cpu:0->/gpu:0"; of a shared link only its name.
[[nodiscard]] std::string ChannelName(const Cluster& cluster, Channel channel);

}  // namespace placer
