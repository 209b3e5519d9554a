#pragma once

#include <string>

#include "cost_model/cluster.h"
#include "graphs/model_loader.h"

namespace placer {

/// The devices that a workload file is about, as a cluster: "/accelerator:0", "/cpu:0", ..., all
/// linked to one switch. What the file's times and costs do not say has round figures that do not
/// matter beside them: 1 TB/s of memory bandwidth, no latencies, no launch overhead.
/// @throws InputError for no devices or too many
[[nodiscard]] Cluster MakeModelCluster(const std::string& name, const ModelDevices& devices);

}  // namespace placer
