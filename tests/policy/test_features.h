#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "graphs/base/rng.h"
#include "policy/group_features.h"

namespace placer {

/// Features of a made-up chain of groups with some extra edges; every device allowed everywhere.
inline GroupFeatures RandomFeatures(std::size_t groups, std::size_t devices, Seed seed) {
  Rng rng(seed);
  GroupFeatures features;
  features.num_groups = groups;
  features.num_devices = devices;
  features.type_begin.push_back(0);
  for (std::size_t group = 0; group < groups; ++group) {
    features.type_ids.push_back(static_cast<std::uint32_t>(rng.Below(kNumOpTypeIds)));
    features.type_weights.push_back(1);
    features.type_begin.push_back(static_cast<std::uint32_t>(features.type_ids.size()));
    for (std::size_t i = 0; i < GroupFeatures::kDense; ++i) {
      features.dense.push_back(static_cast<float>(rng.Uniform()));
    }
    if (group > 0) {
      features.edges.push_back({static_cast<std::uint32_t>(group - 1),
                                static_cast<std::uint32_t>(group),
                                static_cast<float>(rng.Uniform())});
    }
  }
  features.allowed.assign(groups * devices, 1);
  return features;
}

}  // namespace placer
