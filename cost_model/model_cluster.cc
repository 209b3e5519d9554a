#include "cost_model/model_cluster.h"

#include "graphs/base/error.h"

namespace placer {

Cluster MakeModelCluster(const std::string& name, const ModelDevices& devices) {
  constexpr double kMemoryBytesPerSecond = 1e12;
  ClusterSpec spec{.name = name, .devices = {}, .switches = {"hub"}, .links = {}, .routes = {}};
  for (const DevicePool& pool : devices.pools) {
    if (pool.count > Cluster::kMaxDevices) {
      throw InputError(name + ": is for " + std::to_string(pool.count) + " devices of kind '" +
                       pool.kind + "', expected at most " + std::to_string(Cluster::kMaxDevices));
    }
    for (std::size_t i = 0; i < pool.count; ++i) {
      Device device{.name = "/" + pool.kind + ":" + std::to_string(i),
                    .kind = pool.kind,
                    .memory_bytes_per_s = kMemoryBytesPerSecond,
                    .memory_bytes = pool.memory_bytes};
      device.peak_flops_per_s[static_cast<std::size_t>(DataType::kFloat32)] = pool.flops_per_s;
      spec.links.push_back({.name = device.name + "--hub",
                            .a = device.name,
                            .b = "hub",
                            .bytes_per_s = devices.bytes_per_s});
      spec.devices.push_back(std::move(device));
    }
  }
  return Cluster(std::move(spec));
}

}  // namespace placer
