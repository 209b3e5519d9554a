#include "experiments/environment.h"

#include <spdlog/fmt/fmt.h>
#include <sys/utsname.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "cost_model/cluster.h"
#include "cost_model/device_list.h"
#include "experiments/command.h"
#include "experiments/format.h"

namespace placer {
namespace {

/// PRETTY_NAME of os-release(5), or else the kernel's name.
std::string SystemName() {
  utsname names{};
  const bool known = ::uname(&names) == 0;
  std::string system = known ? names.sysname : "unknown system";
  std::ifstream file("/etc/os-release");
  constexpr std::string_view kKey = "PRETTY_NAME=\"";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(kKey) && line.ends_with('"')) {
      system = line.substr(kKey.size(), line.size() - kKey.size() - 1);
    }
  }
  return known ? system + ", " + names.machine : system;
}

void Read(const nlohmann::ordered_json& json, const char* key, std::string& value) {
  if (const auto at = json.find(key); at != json.end() && at->is_string()) {
    value = at->get<std::string>();
  }
}
void Read(const nlohmann::ordered_json& json, const char* key, std::int64_t& value) {
  if (const auto at = json.find(key); at != json.end() && at->is_number_integer()) {
    value = at->get<std::int64_t>();
  }
}

}  // namespace

Environment ThisEnvironment() {
  const HostHardware host = DetectHost();
  return {kVersionText,
          PLACER_REVISION,
          PLACER_BUILD,
          PLACER_LIBTORCH,
          SystemName(),
          host.processor,
          static_cast<std::int64_t>(std::thread::hardware_concurrency()),
          host.memory_bytes};
}

nlohmann::ordered_json EnvironmentToJson(const Environment& environment) {
  return {{"version", environment.version}, {"revision", environment.revision},
          {"build", environment.build},     {"libtorch", environment.libtorch},
          {"system", environment.system},   {"processor", environment.processor},
          {"cores", environment.cores},     {"memory_bytes", environment.memory_bytes}};
}

Environment EnvironmentFromJson(const nlohmann::ordered_json& json) {
  Environment environment;
  if (!json.is_object()) {
    return environment;
  }
  Read(json, "version", environment.version);
  Read(json, "revision", environment.revision);
  Read(json, "build", environment.build);
  Read(json, "libtorch", environment.libtorch);
  Read(json, "system", environment.system);
  Read(json, "processor", environment.processor);
  Read(json, "cores", environment.cores);
  Read(json, "memory_bytes", environment.memory_bytes);
  return environment;
}

std::vector<std::pair<std::string, std::string>> DescribeEnvironment(
    const Environment& environment) {
  return {{"Placer", fmt::format("{}, revision {}", environment.version, environment.revision)},
          {"build", fmt::format("{}, LibTorch {}", environment.build, environment.libtorch)},
          {"system", environment.system},
          {"machine",
           fmt::format("{}, {} cores, {}", environment.processor, FormatCount(environment.cores),
                       FormatBytes(environment.memory_bytes))}};
}

}  // namespace placer
