#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cost_model/cluster.h"

namespace placer {

/// "cpu:0,cpu:1,cuda:0" -> its names. @throws InputError for a name that is not cpu:N or cuda:N, a
/// name that is there twice, no name, or a cpu:N without a core N that this process may use
[[nodiscard]] std::vector<std::string> ParseDeviceList(std::string_view list);

/// The first core that this process may use, as a device.
[[nodiscard]] std::string AnyCpuDevice();

/// What this machine is, as far as placing depends on it.
struct HostHardware {
  std::string processor;          ///< "AMD EPYC 9B45"
  double core_flops_per_s = 0;    ///< float32, one core: clock x vector width, an estimate
  std::int64_t memory_bytes = 0;  ///< of the machine, or its control group's limit
};
[[nodiscard]] HostHardware DetectHost();

/// The least memory that a process's control group and those around it allow; nullopt: no limit.
/// @param root  where control groups are mounted: /sys/fs/cgroup
/// @param groups  what /proc/self/cgroup says, of version 2 or 1
[[nodiscard]] std::optional<std::int64_t> GroupMemoryLimit(const std::filesystem::path& root,
                                                           const std::string& groups);

/// A cluster of such devices on this machine, named as they are: `cpu:N` is a core that copies what
/// it receives, with an equal share of the memory; every two devices are linked. Rates are
/// estimates that a profile overrides.
[[nodiscard]] Cluster MakeDeviceCluster(const std::vector<std::string>& devices,
                                        const HostHardware& host = DetectHost());

/// kind -> hardware of that kind here, for the kinds of the cluster: what a profile is compared to.
[[nodiscard]] std::map<std::string, std::string> HardwareOf(
    const Cluster& cluster, const HostHardware& host = DetectHost());

}  // namespace placer
