#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "placer/problem.h"

namespace placer {

/// A schedule under construction: ops are put on devices one by one, each after its producers, and
/// a group is decided together with the first of its ops. Resident groups are decided by who reads
/// them first: until then their tensors count as being wherever they are wanted. Not thread-safe.
class ScheduleEstimate {
 public:
  /// @param reserve_links  transfers wait for each other on links; otherwise links carry any number
  /// at once, as in the literature on list scheduling
  ScheduleEstimate(const Problem& problem, bool reserve_links);

  [[nodiscard]] bool decided(GroupId group) const { return decided_[group.index()] != 0; }
  /// Of a decided group.
  [[nodiscard]] DeviceId device(GroupId group) const { return device_[group.index()]; }

  /// When the inputs of `op` can be on `device`; all its producers are scheduled.
  [[nodiscard]] std::int64_t DataReady(OpId op, DeviceId device) const;
  /// The earliest start on `device` at or after `ready` of something that takes `duration`, in a
  /// gap if one is large enough.
  [[nodiscard]] std::int64_t EarliestStart(DeviceId device, std::int64_t ready,
                                           std::int64_t duration) const;
  /// When the device has finished all that was scheduled on it.
  [[nodiscard]] std::int64_t DeviceFree(DeviceId device) const;

  /// Schedules the op, deciding its group for `device` and, where allowed, those of the resident
  /// ops it reads.
  /// @param insert  fill gaps; otherwise append
  void Schedule(OpId op, DeviceId device, bool insert);
  /// Decides what nobody reads for its first allowed device. @return the placement
  [[nodiscard]] GroupPlacement Finish();

  /// Bytes held on the device by the groups decided for it.
  [[nodiscard]] std::int64_t used_bytes(DeviceId device) const {
    return used_bytes_[device.index()];
  }
  /// What deciding the op's group for `device` would add to used_bytes(device), the resident groups
  /// it draws along included. `bytes_of_group` as given to set_bytes().
  [[nodiscard]] std::int64_t AddedBytes(OpId op, DeviceId device) const;
  /// What a decided group holds, [num_groups]; nothing before this is called.
  void set_bytes(std::vector<std::int64_t> bytes_of_group) {
    bytes_of_group_ = std::move(bytes_of_group);
  }

 private:
  struct Interval {
    std::int64_t start = 0, end = 0;
  };
  /// A resident group that nobody has claimed and that may be on `device`.
  [[nodiscard]] bool FollowsReader(OpId producer, DeviceId device) const;
  [[nodiscard]] DeviceId HomeOf(OpId op) const;
  [[nodiscard]] std::int64_t Arrival(TensorId tensor, DeviceId device) const;
  [[nodiscard]] std::int64_t ControlArrival(OpId from, DeviceId device) const;
  void Send(TensorId tensor, DeviceId device);
  void Decide(GroupId group, DeviceId device);
  void Occupy(DeviceId device, Interval interval);

  const Problem& problem_;
  bool reserve_links_;
  std::vector<std::uint8_t> decided_;        ///< [num_groups]
  std::vector<DeviceId> device_;             ///< [num_groups]
  std::vector<std::int64_t> finish_;         ///< [num_ops]
  std::vector<std::int64_t> arrival_;        ///< [num_tensors, num_devices], -1: not sent
  std::vector<std::int64_t> channel_free_;   ///< [num_channels]
  std::vector<std::vector<Interval>> busy_;  ///< [num_devices], ascending, touching ones are one
  std::vector<std::int64_t> used_bytes_;     ///< [num_devices]
  std::vector<std::int64_t> bytes_of_group_;
};

/// Upward rank of every op: its mean time over its allowed devices, plus the longest way from there
/// to the end with mean transfer times over all pairs of devices. Picoseconds.
/// Source: Topcuoglu, Hariri, Wu, "Performance-effective and low-complexity task scheduling for
/// heterogeneous computing", IEEE TPDS 13(3), 2002, eq. 8.
[[nodiscard]] std::vector<double> UpwardRanks(const Problem& problem);

}  // namespace placer
