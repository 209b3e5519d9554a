#include "runner/detail/step_simulation.h"

namespace placer::detail {

StepSimulation::StepSimulation(const Tables& tables)
    : tables_(tables), next_event_(tables.num_devices + tables.num_hops) {
  std::size_t num_transfers = 0;
  std::size_t num_channels = 0;
  for (std::uint32_t p = 0; p < tables.num_payloads; ++p) {
    num_transfers +=
        std::min<std::size_t>(tables.payloads[p].consumer_end - tables.payloads[p].consumer_begin,
                              tables.num_devices - 1U);
  }
  for (const std::uint32_t channel : tables.channels) {
    num_channels = std::max<std::size_t>(num_channels, channel + 1U);
  }
  device_.resize(tables.num_ops);
  pending_.resize(tables.num_ops);
  priority_.resize(tables.num_ops);
  queue_.resize(tables.num_ops);
  refs_.resize(tables.num_payloads);
  copy_refs_.resize(static_cast<std::size_t>(tables.num_payloads) * tables.num_devices);
  ready_.resize(tables.num_devices);
  queue_begin_.resize(tables.num_devices + 1U);
  running_.resize(tables.num_devices);
  busy_until_.resize(tables.num_devices);
  channel_free_.resize(num_channels);
  hop_queue_.resize(tables.num_hops);
  // At most one transfer per (tensor, destination) is under way.
  transfers_.resize(num_transfers);
  in_use_.resize(tables.num_devices);
  peak_.resize(tables.num_devices);
  freed_.resize(tables.num_devices);
  due_ops_.Reserve(tables.num_devices);
  requests_.Reserve(num_transfers);
  arrivals_.Reserve(num_transfers);
}

void StepSimulation::Reset(std::span<const DeviceId> device_of_op) {
  now_ = 0;
  num_finished_ = 0;
  last_finish_ = 0;
  free_transfer_ = kNone;
  num_transfers_ = 0;
  std::copy(tables_.pending.begin(), tables_.pending.end(), pending_.begin());
  std::fill(queue_begin_.begin(), queue_begin_.end(), 0U);
  for (std::size_t op = 0; op < device_of_op.size(); ++op) {
    device_[op] = static_cast<std::uint8_t>(device_of_op[op].index());
    ++queue_begin_[device_[op] + 1U];
  }
  for (std::size_t device = 0; device < tables_.num_devices; ++device) {
    queue_begin_[device + 1] += queue_begin_[device];
    ready_[device] = {queue_begin_[device], queue_begin_[device], queue_begin_[device], -1};
  }
  next_event_.Clear();
  idle_devices_ = tables_.num_devices == Cluster::kMaxDevices
                      ? ~std::uint64_t{0}
                      : (std::uint64_t{1} << tables_.num_devices) - 1;
  ready_devices_ = 0;
  freed_devices_ = 0;
  std::fill(busy_until_.begin(), busy_until_.end(), 0);
  std::fill(channel_free_.begin(), channel_free_.end(), 0);
  std::fill(hop_queue_.begin(), hop_queue_.end(), HopQueue{});
  std::fill(in_use_.begin(), in_use_.end(), 0);
  std::fill(freed_.begin(), freed_.end(), 0);
  requests_.Clear();
  arrivals_.Clear();
}

void StepSimulation::ComputePriorities() {
  for (std::uint32_t op = tables_.num_ops; op-- > 0;) {
    const std::uint32_t device = device_[op];
    std::int64_t longest = 0;
    for (std::uint32_t p = tables_.ops[op].payload_begin; p < tables_.ops[op].payload_end; ++p) {
      const std::int64_t* hop_time = tables_.hop_time.data() + tables_.payloads[p].time_row;
      for (std::uint32_t c = tables_.payloads[p].consumer_begin;
           c < tables_.payloads[p].consumer_end; ++c) {
        const std::uint32_t consumer = tables_.consumers[c];
        const std::uint32_t pair = device * tables_.num_devices + device_[consumer];
        std::int64_t rest = priority_[consumer];
        for (std::uint32_t r = tables_.route_begin[pair]; r < tables_.route_begin[pair + 1]; ++r) {
          rest += hop_time[tables_.route_hops[r]];
        }
        longest = std::max(longest, rest);
      }
    }
    priority_[op] = tables_.op_time[op * tables_.num_devices + device] + longest;
  }
}

}  // namespace placer::detail
