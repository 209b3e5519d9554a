#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graphs/base/strong_id.h"
#include "graphs/base/units.h"
#include "graphs/graph.h"

namespace placer {

/// Who moves the bytes that leave a device: a DMA engine beside it (overlaps with compute), or a
/// worker that is busy with the copy as with an op: the sending device's, or the receiving
/// device's.
enum class CopiedBy : std::uint8_t { kDma, kSender, kReceiver };

/// Share of the peak that kernels of a class reach on a kind of device.
struct Efficiency {
  double compute = 1;  ///< of peak flop/s
  double memory = 1;   ///< of memory bandwidth
  bool operator==(const Efficiency&) const = default;
};

/// What is known better of one device than the table of its kind says, e.g. from a calibration.
struct ClassEfficiency {
  OpClass op_class = OpClass::kOther;
  Efficiency efficiency;
  bool operator==(const ClassEfficiency&) const = default;
};

struct Device {
  std::string name;  ///< "/gpu:0"
  std::string kind;  ///< "cpu", "gpu", "tpu", "npu", ...: selects efficiencies
  /// Peak rates in flop/s by DataType; 0: not given, the cost model falls back to float32.
  std::array<double, kNumDataTypes> peak_flops_per_s{};
  double memory_bytes_per_s = 0;  ///< device memory bandwidth
  std::int64_t memory_bytes = 0;  ///< capacity
  Seconds launch_overhead{0};     ///< added to every op that is not resident
  CopiedBy copied_by = CopiedBy::kDma;
  /// At most one per class; the other classes have the efficiency of the device's kind.
  std::vector<ClassEfficiency> efficiencies;
  bool operator==(const Device&) const = default;
};

/// A cable between two nodes; a node is a device or a switch. Full duplex unless `shared`.
struct Link {
  std::string name;
  std::string a, b;        ///< node names
  double bytes_per_s = 0;  ///< per direction
  Seconds latency{0};
  bool shared = false;  ///< one transfer at a time, whatever its direction
  bool operator==(const Link&) const = default;
};

/// A route that the user fixed. Without one: fewest hops, ties by lowest link index, staged where
/// it passes through a device.
struct ExplicitRoute {
  std::string from, to;            ///< device names; one direction
  std::vector<std::string> links;  ///< link names in order
  bool staged = false;
  bool operator==(const ExplicitRoute&) const = default;
};

struct ClusterSpec {
  std::string name;
  std::vector<Device> devices;
  std::vector<std::string> switches;  ///< nodes that are no devices
  std::vector<Link> links;
  std::vector<ExplicitRoute> routes;
  bool operator==(const ClusterSpec&) const = default;
};

/// One direction of a link, as an index: 2 x link (+ 1 from b to a); a shared link has only the
/// first.
using Channel = std::uint32_t;

/// A copy from one device's memory into another's. A route is one hop, or several where it is
/// staged through the memory of devices between.
struct Hop {
  DeviceId from, to;
  std::vector<Channel> channels;
  Seconds latency{0};      ///< sum over the links
  double bytes_per_s = 0;  ///< smallest over the links
  bool operator==(const Hop&) const = default;
};

/// Devices and links, checked and routed. A regular value, immutable; const access is thread-safe.
class Cluster {
 public:
  static constexpr std::size_t kMaxDevices = 64;

  Cluster() = default;
  /// @throws InputError naming device, link or route: no devices, duplicate or unknown names, rates
  /// or sizes that are not finite and positive, negative latencies, two devices without a route
  explicit Cluster(ClusterSpec spec);

  [[nodiscard]] const ClusterSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] const std::string& name() const noexcept { return spec_.name; }
  [[nodiscard]] std::size_t num_devices() const noexcept { return spec_.devices.size(); }
  [[nodiscard]] std::span<const Device> devices() const noexcept { return spec_.devices; }
  [[nodiscard]] const Device& device(DeviceId id) const { return spec_.devices[id.index()]; }
  [[nodiscard]] std::span<const Link> links() const noexcept { return spec_.links; }
  [[nodiscard]] std::size_t num_channels() const noexcept { return 2 * spec_.links.size(); }
  [[nodiscard]] std::optional<DeviceId> FindDevice(std::string_view name) const;
  /// All distinct hops; routes share them.
  [[nodiscard]] std::span<const Hop> hops() const noexcept { return hops_; }
  /// Indices into hops(), in order of travel; empty for from == to.
  [[nodiscard]] std::span<const std::uint32_t> route(DeviceId from, DeviceId to) const {
    return routes_[from.index() * num_devices() + to.index()];
  }
  /// Identifies the content; the same on every machine.
  [[nodiscard]] std::uint64_t fingerprint() const noexcept { return fingerprint_; }
  bool operator==(const Cluster&) const = default;

 private:
  ClusterSpec spec_;
  std::vector<Hop> hops_;
  std::vector<std::vector<std::uint32_t>> routes_;
  std::uint64_t fingerprint_ = 0;
};

/// "12.00 GB" style: decimal units, two digits.
[[nodiscard]] std::string FormatBytes(std::int64_t bytes);

}  // namespace placer
