#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace placer {

/// What computed a result: this build of Placer, and the machine. Says nothing of who or when, so
/// that the same run leaves the same bytes. A regular value.
struct Environment {
  std::string version;    ///< of Placer
  std::string revision;   ///< of its sources when the build was configured; "unknown" without git
  std::string build;      ///< "RelWithDebInfo, GNU 12.2.0"
  std::string libtorch;   ///< "1.13.1", or "none"
  std::string system;     ///< "Debian GNU/Linux 12 (bookworm), x86_64"
  std::string processor;  ///< "Intel(R) Xeon(R) ..."
  std::int64_t cores = 0;
  std::int64_t memory_bytes = 0;
  bool operator==(const Environment&) const = default;
};
[[nodiscard]] Environment ThisEnvironment();

[[nodiscard]] nlohmann::ordered_json EnvironmentToJson(const Environment& environment);
/// What is missing or of another type stays empty.
[[nodiscard]] Environment EnvironmentFromJson(const nlohmann::ordered_json& json);

/// For people: ("processor", "..., 2 cores, 24.00 GB").
[[nodiscard]] std::vector<std::pair<std::string, std::string>> DescribeEnvironment(
    const Environment& environment);

}  // namespace placer
