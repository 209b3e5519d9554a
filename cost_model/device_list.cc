#include "cost_model/device_list.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <thread>

#include "graphs/base/error.h"

namespace placer {
namespace {

constexpr std::string_view kCpu = "cpu:";
constexpr std::string_view kCuda = "cuda:";

/// Where nothing is known of a clock: that of slow servers.
constexpr double kAssumedClock = 2e9;
/// What one core reads and writes of memory beyond its caches on the servers of the last ten years,
/// and copies: half of it, since a copy reads and writes. From the STREAM benchmark's single-core
/// results (about 10 to 20 GB/s); used only where no profile says better.
constexpr double kCoreBytesPerSecond = 12e9;
constexpr double kCopyBytesPerSecond = kCoreBytesPerSecond / 2;
/// Waking another thread takes about that long.
constexpr double kCpuLatency = 5e-6;
/// Dispatching an operator through LibTorch.
constexpr double kCpuLaunch = 2e-6;
/// A stand-in for a GPU that nobody has profiled: a Tesla T4 (NVIDIA data sheet, 2019: 8.1 Tflop/s,
/// 320 GB/s, 16 GB, PCIe 3.0 x16).
constexpr double kGpuFlops = 8.1e12;
constexpr double kGpuBytesPerSecond = 320e9;
constexpr double kGpuMemory = 16e9;
constexpr double kGpuLaunch = 5e-6;
constexpr double kPcieBytesPerSecond = 12e9;
constexpr double kPcieLatency = 10e-6;

std::optional<int> NumberAfter(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) {
    return std::nullopt;
  }
  name.remove_prefix(prefix.size());
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number < 0) {
    return std::nullopt;
  }
  return number;
}

void CheckDevice(const std::string& name) {
  if (NumberAfter(name, kCuda)) {
    return;
  }
  const std::optional<int> core = NumberAfter(name, kCpu);
  if (!core) {
    throw InputError("devices: found '" + name + "', expected cpu:N or cuda:N");
  }
  cpu_set_t usable;
  CPU_ZERO(&usable);
  const bool known = sched_getaffinity(0, sizeof(usable), &usable) == 0;
  if (*core >= CPU_SETSIZE || (known && !CPU_ISSET(static_cast<unsigned>(*core), &usable))) {
    throw InputError("devices: found '" + name + "', but this process may use " +
                     std::to_string(known ? CPU_COUNT(&usable) : 0) +
                     " cores and that is none of them");
  }
}

/// Fields of the first processor in /proc/cpuinfo.
std::map<std::string, std::string> CpuInfo() {
  std::map<std::string, std::string> fields;
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos && colon + 2 <= line.size()) {
      fields[line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1)] = line.substr(colon + 2);
    }
  }
  return fields;
}

/// Two multiply-adds of a full vector per cycle, as most cores since 2013 do.
double FlopsPerCycle(const std::string& flags) {
  const auto has = [&](const char* flag) {
    return (" " + flags + " ").find(std::string(" ") + flag + " ") != std::string::npos;
  };
  const double lanes = has("avx512f") ? 16 : has("avx2") ? 8 : 4;
  return 4 * lanes;
}

std::optional<std::int64_t> ReadLimit(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::int64_t limit = 0;  // "max" is no number
  return file >> limit && limit > 0 ? std::optional(limit) : std::nullopt;
}

Device MakeDevice(const std::string& name, std::int64_t memory, const HostHardware& host) {
  constexpr auto kFloat = static_cast<std::size_t>(DataType::kFloat32);
  Device device;
  device.name = name;
  device.copied_by = CopiedBy::kReceiver;  // as they are executed, GPUs too
  if (NumberAfter(name, kCpu)) {
    device.kind = "cpu";
    device.peak_flops_per_s[kFloat] = host.core_flops_per_s;
    device.memory_bytes_per_s = kCoreBytesPerSecond;
    device.memory_bytes = memory;
    device.launch_overhead = Seconds(kCpuLaunch);
  } else {
    device.kind = "gpu";
    device.peak_flops_per_s[kFloat] = kGpuFlops;
    device.memory_bytes_per_s = kGpuBytesPerSecond;
    device.memory_bytes = static_cast<std::int64_t>(kGpuMemory);
    device.launch_overhead = Seconds(kGpuLaunch);
  }
  return device;
}

}  // namespace

std::vector<std::string> ParseDeviceList(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string name(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    CheckDevice(name);
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      throw InputError("devices: found '" + name + "' twice");
    }
    names.push_back(std::move(name));
  }
  if (names.empty()) {
    throw InputError("devices: the list is empty, expected for instance cpu:0,cpu:1");
  }
  return names;
}

std::string AnyCpuDevice() {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  unsigned core = 0;
  if (sched_getaffinity(0, sizeof(usable), &usable) == 0) {
    while (core + 1 < CPU_SETSIZE && !CPU_ISSET(core, &usable)) {
      ++core;
    }
  }
  return std::string(kCpu) + std::to_string(core);
}

std::optional<std::int64_t> GroupMemoryLimit(const std::filesystem::path& root,
                                             const std::string& groups) {
  std::optional<std::int64_t> least;
  // Each group is bound by those around it. Of a path from outside of a container only its end, or
  // nothing but the root, may be there.
  const auto look = [&](const std::filesystem::path& mount, const std::string& group,
                        const char* file) {
    std::filesystem::path path = std::filesystem::path(group).lexically_normal().relative_path();
    for (bool is_root = false; !is_root; path = path.parent_path()) {
      is_root = path.empty();
      if (const std::optional<std::int64_t> limit = ReadLimit(mount / path / file)) {
        least = std::min(least.value_or(*limit), *limit);
      }
    }
  };
  std::istringstream lines(groups);
  for (std::string line; std::getline(lines, line);) {  // HIERARCHY:CONTROLLERS:PATH
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controllers == ",,") {
      look(root, line.substr(second + 1), "memory.max");
    } else if (controllers.find(",memory,") != std::string::npos) {  // version 1
      look(root / "memory", line.substr(second + 1), "memory.limit_in_bytes");
    }
  }
  return least;
}

HostHardware DetectHost() {
  std::map<std::string, std::string> info = CpuInfo();
  HostHardware host;
  host.processor = info.contains("model name") ? info["model name"] : "unknown processor";
  double clock = kAssumedClock;
  if (const auto mhz = info.find("cpu MHz"); mhz != info.end()) {
    clock = std::max(std::strtod(mhz->second.c_str(), nullptr) * 1e6, 1e8);
  }
  host.core_flops_per_s = clock * FlopsPerCycle(info["flags"]);
  host.memory_bytes = static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  std::ifstream groups("/proc/self/cgroup");
  const std::string text{std::istreambuf_iterator<char>(groups), std::istreambuf_iterator<char>()};
  if (const auto limit = GroupMemoryLimit("/sys/fs/cgroup", text)) {
    host.memory_bytes = std::min(host.memory_bytes, *limit);
  }
  return host;
}

Cluster MakeDeviceCluster(const std::vector<std::string>& devices, const HostHardware& host) {
  ClusterSpec spec;
  const auto cpus = std::count_if(devices.begin(), devices.end(),
                                  [](const std::string& name) { return name.starts_with(kCpu); });
  for (const std::string& name : devices) {
    spec.name += (spec.name.empty() ? "" : ",") + name;
    spec.devices.push_back(
        MakeDevice(name, host.memory_bytes / std::max<std::int64_t>(cpus, 1), host));
    for (const Device& other : spec.devices) {
      if (other.name == name) {
        continue;
      }
      Link link;
      link.name = other.name + "--" + name;
      link.a = other.name;
      link.b = name;
      const bool both_cpu = other.kind == "cpu" && spec.devices.back().kind == "cpu";
      link.bytes_per_s = both_cpu ? kCopyBytesPerSecond : kPcieBytesPerSecond;
      link.latency = Seconds(both_cpu ? kCpuLatency : kPcieLatency);
      spec.links.push_back(link);
    }
  }
  return Cluster(std::move(spec));
}

std::map<std::string, std::string> HardwareOf(const Cluster& cluster, const HostHardware& host) {
  std::map<std::string, std::string> hardware;
  for (const Device& device : cluster.devices()) {
    hardware[device.kind] = device.kind == "cpu" ? host.processor : "unknown " + device.kind;
  }
  return hardware;
}

}  // namespace placer
