#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "cost_model/cluster.h"
#include "graphs/graph.h"

namespace placer {

/// What decides how long an op takes on a device: "aten::add(float32[8,64],float32[8,64])->
/// float32[8,64] 512F 6144B", type, inputs, outputs, flops and memory traffic. Ops of one signature
/// share a measured time.
[[nodiscard]] std::string OpSignature(const Graph& graph, OpId op);

/// Mean of so many measurements.
struct MeasuredMean {
  double seconds = 0;
  std::int64_t count = 0;
  /// The mean of both sets of measurements.
  void Merge(const MeasuredMean& other);
  bool operator==(const MeasuredMean&) const = default;
};

/// Measured times of ops and copies by device kind, and the hardware they were measured on. A
/// regular value.
class Profile {
 public:
  struct OpTime {
    MeasuredMean busy;  ///< while the other devices were busy
    MeasuredMean idle;  ///< while no other device ran anything
    bool operator==(const OpTime&) const = default;
  };
  using OpKey = std::pair<std::string, std::string>;                   ///< signature, kind
  using CopyKey = std::tuple<std::string, std::string, std::int64_t>;  ///< from, to, bytes

  std::map<std::string, std::string> hardware;  ///< kind -> "AMD EPYC 9B45"
  std::map<OpKey, OpTime> ops;
  std::map<CopyKey, MeasuredMean> copies;
  std::map<std::string, MeasuredMean> launch_overheads;  ///< by kind

  /// Seconds of the op with launch overhead: measured while the others were busy if there is such a
  /// time, else while they were idle. nullopt: never measured.
  [[nodiscard]] std::optional<double> OpSeconds(const std::string& signature,
                                                const std::string& kind) const;
  /// Seconds of a copy: interpolated between the two measured sizes around it, on a straight line;
  /// below the smallest size that size's time, above the largest the time per byte of the largest.
  /// nullopt: no copy between these kinds was measured.
  [[nodiscard]] std::optional<double> CopySeconds(const std::string& from_kind,
                                                  const std::string& to_kind,
                                                  std::int64_t bytes) const;

  /// Adds the measurements of `other`. @throws InputError if it was made on other hardware
  void Merge(const Profile& other);
  /// One line per device kind of the cluster whose measured hardware is not `here` (kind -> name).
  [[nodiscard]] std::vector<std::string> HardwareWarnings(
      const std::map<std::string, std::string>& here) const;
  bool operator==(const Profile&) const = default;
};

/// How much of a graph a profile knows on the kinds of a cluster.
struct ProfileCoverage {
  std::size_t measured = 0, ops = 0;  ///< ops that take time, on each kind of the cluster
};
[[nodiscard]] ProfileCoverage Coverage(const Profile& profile, const Graph& graph,
                                       const Cluster& cluster);

/// .pb, .txtpb, .json by content. @throws InputError that says where the fault is, for a file that
/// was cut off as well
[[nodiscard]] Profile ReadProfile(const std::filesystem::path& path);
/// Writes by suffix, by rename. @throws InputError
void WriteProfile(const Profile& profile, const std::filesystem::path& path);

}  // namespace placer
