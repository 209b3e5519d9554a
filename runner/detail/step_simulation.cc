#include "runner/detail/step_simulation.h"

namespace placer::detail {

StepSimulation::StepSimulation(const Tables& tables) : tables_(tables) {
  std::size_t num_transfers = 0;
  std::size_t num_channels = 0;
  for (std::uint32_t p = 0; p < tables.num_payloads; ++p) {
    num_transfers += std::min<std::size_t>(tables.consumer_begin[p + 1] - tables.consumer_begin[p],
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
  next_event_.resize(tables.num_devices + tables.num_hops);
  running_.resize(tables.num_devices);
  busy_until_.resize(tables.num_devices);
  channel_free_.resize(num_channels);
  hop_queue_.resize(tables.num_hops);
  // At most one transfer per (tensor, destination) is under way.
  transfers_.resize(num_transfers);
  in_use_.resize(tables.num_devices);
  peak_.resize(tables.num_devices);
  freed_.resize(tables.num_devices);
  due_slots_.reserve(next_event_.size());
  due_ops_.reserve(tables.num_devices);
  requests_.reserve(num_transfers);
  arrivals_.reserve(num_transfers);
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
  std::fill(next_event_.begin(), next_event_.end(), kNever);
  std::fill(running_.begin(), running_.end(), kNone);
  std::fill(busy_until_.begin(), busy_until_.end(), 0);
  std::fill(channel_free_.begin(), channel_free_.end(), 0);
  std::fill(hop_queue_.begin(), hop_queue_.end(), HopQueue{});
  std::fill(in_use_.begin(), in_use_.end(), 0);
  std::fill(freed_.begin(), freed_.end(), 0);
  requests_.clear();
  arrivals_.clear();
}

void StepSimulation::ComputePriorities() {
  for (std::uint32_t op = tables_.num_ops; op-- > 0;) {
    const std::uint32_t device = device_[op];
    std::int64_t longest = 0;
    for (std::uint32_t p = tables_.payload_begin[op]; p < tables_.payload_begin[op + 1]; ++p) {
      const std::int64_t* hop_time =
          tables_.hop_time.data() + tables_.size_class[p] * tables_.num_hops;
      for (std::uint32_t c = tables_.consumer_begin[p]; c < tables_.consumer_begin[p + 1]; ++c) {
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

void StepSimulation::PushReady(std::uint32_t op, std::uint32_t device) {
  ReadyQueue& ready = ready_[device];
  if (order_ == ScheduleOrder::kCriticalPath) {
    queue_[ready.tail++] = op;
    std::push_heap(queue_.begin() + ready.head, queue_.begin() + ready.tail,
                   [this](std::uint32_t a, std::uint32_t b) {
                     return priority_[a] != priority_[b] ? priority_[a] < priority_[b] : a > b;
                   });
    return;
  }
  if (ready.instant_time != now_) {
    ready.instant_time = now_;
    ready.instant = ready.tail;
  }
  std::uint32_t at = ready.tail++;
  const std::uint32_t first = std::max(ready.instant, ready.head);
  while (at > first && queue_[at - 1] > op) {
    queue_[at] = queue_[at - 1];
    --at;
  }
  queue_[at] = op;
}

std::uint32_t StepSimulation::PopReady(std::uint32_t device) {
  ReadyQueue& ready = ready_[device];
  if (order_ == ScheduleOrder::kFifo) {
    return queue_[ready.head++];
  }
  std::pop_heap(queue_.begin() + ready.head, queue_.begin() + ready.tail,
                [this](std::uint32_t a, std::uint32_t b) {
                  return priority_[a] != priority_[b] ? priority_[a] < priority_[b] : a > b;
                });
  return queue_[--ready.tail];
}

}  // namespace placer::detail
