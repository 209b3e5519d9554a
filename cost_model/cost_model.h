#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "cost_model/cluster.h"
#include "cost_model/profile.h"
#include "graphs/graph.h"

namespace placer {

/// From the table in cost_model/efficiency.cc, which cites a source for each row. Unknown kinds get
/// the default row.
[[nodiscard]] Efficiency EfficiencyOf(OpClass op_class, std::string_view device_kind);
/// The device's own figure for the class, else that of its kind.
[[nodiscard]] Efficiency EfficiencyOf(OpClass op_class, const Device& device);

/// Cost tables of one graph on one cluster: every op and every transfer rounded to picoseconds
/// once, here. Immutable; thread-safe. Borrows nothing: graph and cluster may go away.
///
/// Op time: max(flops / (peak(dtype) x efficiency), traffic / (bandwidth x efficiency)) + launch
/// overhead; resident ops take no time. Transfer time over a hop: sum of latencies + bytes /
/// smallest bandwidth. Where a profile has a measured time for the op's signature on the device's
/// kind, or for copies between the kinds of a hop's ends, that is the time instead; what the graph
/// says itself (Op::times, Tensor::copy_time) comes before both.
class CostModel {
 public:
  /// @throws InputError if an op may run on no device of the cluster, or a time exceeds 10^6 s
  CostModel(const Graph& graph, const Cluster& cluster, const Profile* profile = nullptr);

  [[nodiscard]] std::size_t num_ops() const noexcept { return num_ops_; }
  [[nodiscard]] std::size_t num_devices() const noexcept { return num_devices_; }
  [[nodiscard]] bool allowed(OpId op, DeviceId device) const {
    return op_time_[op.index() * num_devices_ + device.index()] >= 0;
  }
  /// Time of the op on an allowed device.
  [[nodiscard]] Picoseconds op_time(OpId op, DeviceId device) const {
    return Picoseconds(op_time_[op.index() * num_devices_ + device.index()]);
  }
  [[nodiscard]] Picoseconds hop_time(std::uint32_t hop, TensorId tensor) const {
    return Picoseconds(hop_time_[size_class_[tensor.index()] * num_hops_ + hop]);
  }
  /// Time of a 0-byte transfer (a control edge).
  [[nodiscard]] Picoseconds control_hop_time(std::uint32_t hop) const {
    return Picoseconds(hop_time_[hop]);
  }

  /// Raw tables for the simulator's inner loop. op_times: [num_ops, num_devices], -1 where not
  /// allowed.
  [[nodiscard]] std::span<const std::int64_t> op_times() const noexcept { return op_time_; }
  /// [num_size_classes, num_hops]; class 0 is 0 bytes.
  [[nodiscard]] std::span<const std::int64_t> hop_times() const noexcept { return hop_time_; }
  [[nodiscard]] std::span<const std::uint32_t> size_classes() const noexcept { return size_class_; }

 private:
  void MakeHopTimes(const Graph& graph, const Cluster& cluster, const Profile* profile);

  std::size_t num_ops_ = 0, num_devices_ = 0, num_hops_ = 0;
  std::vector<std::int64_t> op_time_;
  std::vector<std::int64_t> hop_time_;
  std::vector<std::uint32_t> size_class_;
};

}  // namespace placer
