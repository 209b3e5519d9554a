#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cost_model/cluster.h"

namespace placer {

/// `zoo:NAME` or a file in the format of cost_model/cluster.proto (.txtpb, .pb, .json).
/// Either with `?key=value&...` behind it, which changes it (cost_model/cluster_variation.h).
/// @throws InputError; an unknown zoo name lists the known ones, an unknown field is an error
[[nodiscard]] Cluster LoadCluster(const std::string& cluster);
[[nodiscard]] Cluster ReadCluster(const std::filesystem::path& path);
/// Writes by suffix, by rename.
void WriteCluster(const Cluster& cluster, const std::filesystem::path& path);

struct ClusterZooEntry {
  std::string name;
  std::string summary;
};
/// Sorted by name. The constants' sources are in cost_model/cluster_zoo.cc.
[[nodiscard]] std::vector<ClusterZooEntry> ClusterZoo();
[[nodiscard]] Cluster MakeZooCluster(const std::string& name);

}  // namespace placer
