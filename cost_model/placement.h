#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cost_model/cluster.h"
#include "graphs/graph.h"

namespace placer {

/// A device for every op, in op order. A regular value.
class Placement {
 public:
  Placement() = default;
  explicit Placement(std::vector<DeviceId> device_of_op) : device_of_op_(std::move(device_of_op)) {}
  /// Every op on one device.
  Placement(std::size_t num_ops, DeviceId device) : device_of_op_(num_ops, device) {}

  [[nodiscard]] std::size_t num_ops() const noexcept { return device_of_op_.size(); }
  [[nodiscard]] DeviceId device(OpId op) const { return device_of_op_[op.index()]; }
  void set_device(OpId op, DeviceId device) { device_of_op_[op.index()] = device; }
  [[nodiscard]] std::span<const DeviceId> device_of_op() const noexcept { return device_of_op_; }
  bool operator==(const Placement&) const = default;

 private:
  std::vector<DeviceId> device_of_op_;
};

/// Whether the op may run on the device at all (its allowed_devices name the device or its kind).
[[nodiscard]] bool IsAllowed(const Op& op, const Device& device);

/// The device of every op as far as it is known, [num_ops].
using KnownDevices = std::vector<std::optional<DeviceId>>;
[[nodiscard]] KnownDevices AllKnown(const Placement& placement);

/// What is wrong with the placement, one line each: wrong size, unknown device, device not allowed,
/// co-location broken. Memory is the runner's business. Empty: valid.
[[nodiscard]] std::vector<std::string> FindFaults(const Placement& placement, const Graph& graph,
                                                  const Cluster& cluster);
/// The same of the ops whose device is known.
[[nodiscard]] std::vector<std::string> FindFaults(const KnownDevices& devices, const Graph& graph,
                                                  const Cluster& cluster);

/// What the op holds on its device for the whole step: persistent bytes and, of an input or a
/// parameter, its tensors.
[[nodiscard]] std::int64_t ResidentBytes(const Graph& graph, OpId op);

}  // namespace placer
