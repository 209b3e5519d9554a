#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <vector>

#include "runner/detail/event_slots.h"
#include "runner/detail/simulation_tables.h"

namespace placer::detail {

/// Hooks of the event loop that do nothing: for evaluations that only need the summary.
struct NoRecorder {
  void OpRun(std::uint32_t /*op*/, std::uint32_t /*device*/, std::int64_t /*start*/,
             std::int64_t /*end*/) {}
  void Transfer(std::uint32_t /*payload*/, std::uint32_t /*destination*/, std::uint32_t /*hop*/,
                std::int64_t /*requested*/, std::int64_t /*start*/, std::int64_t /*end*/) {}
  /// A copy or a home tensor begins to hold memory (bytes > 0) or ends (bytes < 0).
  void Tensor(std::uint32_t /*payload*/, std::uint32_t /*device*/, std::int64_t /*time*/,
              std::int64_t /*bytes*/) {}
  void Memory(std::uint32_t /*device*/, std::int64_t /*time*/, std::int64_t /*bytes_in_use*/) {}
};

/// A list that never grows beyond what it was made for, so that adding needs no check.
template <typename T>
class FixedList {
 public:
  void Reserve(std::size_t capacity) { values_.resize(capacity); }
  void Add(const T& value) { values_[size_++] = value; }
  void Clear() { size_ = 0; }
  void Sort() {
    if (size_ > 1) {
      std::sort(begin(), end());
    }
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] T* begin() { return values_.data(); }
  [[nodiscard]] T* end() { return values_.data() + size_; }

 private:
  std::vector<T> values_;
  std::size_t size_ = 0;
};

/// The event loop of one step (docs/simulator.md) and its buffers, which are allocated once. An
/// event *slot* is a device (an op finishes) or a hop (a transfer starts to hold memory, or
/// arrives): each has at most one next event, because a device runs one op at a time and transfers
/// over one hop follow one another.
class StepSimulation {
 public:
  using Tables = SimulatedRunner::Tables;

  explicit StepSimulation(const Tables& tables);

  template <typename Recorder>
  StepSummary Run(std::span<const DeviceId> device_of_op, ScheduleOrder order, Recorder& recorder);

  [[nodiscard]] std::span<const std::int64_t> peak_bytes() const noexcept { return peak_; }

 private:
  static constexpr std::int64_t kNever = EventSlots::kNever;
  static constexpr std::uint32_t kNone = 0xffffffffU;

  struct Request {
    std::uint32_t payload;
    std::uint8_t destination;
    std::uint8_t stage;  ///< which hop of the route
    friend bool operator<(const Request& a, const Request& b) {
      return a.payload != b.payload ? a.payload < b.payload : a.destination < b.destination;
    }
  };
  struct Transfer {
    std::int64_t start, end;
    Request request;
    std::uint32_t next;  ///< in the queue of the hop, or in the free list
  };
  struct HopQueue {
    std::uint32_t first = kNone, last = kNone;
    bool started = false;  ///< the first transfer holds memory already
  };
  /// Ready ops of a device: a segment of queue_. FIFO: [head, tail) in order of start.
  /// CRITICAL_PATH: a heap at [begin, tail).
  struct ReadyQueue {
    std::uint32_t head = 0, tail = 0;
    std::uint32_t instant = 0;  ///< where the ops that became ready at instant_time begin
    std::int64_t instant_time = -1;
  };

  void Reset(std::span<const DeviceId> device_of_op);
  void ComputePriorities();
  void PushReady(std::uint32_t op, std::uint32_t device);
  [[nodiscard]] std::uint32_t PopReady(std::uint32_t device);
  [[nodiscard]] std::uint32_t RouteBegin(std::uint32_t from, std::uint32_t to) const {
    return tables_.route_begin[from * tables_.num_devices + to];
  }
  template <typename Recorder>
  void Allocate(std::uint32_t device, std::int64_t bytes, Recorder& recorder);
  template <typename Recorder>
  void FreeHome(std::uint32_t storage, std::uint32_t device, Recorder& recorder);
  template <typename Recorder>
  void FreeCopy(std::uint32_t payload, std::uint32_t device, Recorder& recorder);
  template <typename Recorder>
  void PublishOutputs(std::uint32_t op, Recorder& recorder);
  template <typename Recorder>
  void FinishOp(std::uint32_t op, Recorder& recorder);
  template <typename Recorder>
  void StartTransfer(const Request& request, Recorder& recorder);
  template <typename Recorder>
  void AdvanceHop(std::uint32_t hop, Recorder& recorder);
  template <typename Recorder>
  void Arrive(const Request& request, Recorder& recorder);
  template <typename Recorder>
  void StartOps(Recorder& recorder);
  template <typename Recorder>
  void RunInstant(Recorder& recorder);
  template <typename Recorder>
  void EndInstant(Recorder& recorder);

  const Tables& tables_;
  ScheduleOrder order_ = ScheduleOrder::kFifo;
  std::int64_t now_ = 0;
  std::uint32_t num_finished_ = 0;
  std::int64_t last_finish_ = 0;

  std::vector<std::uint8_t> device_;    // per op
  std::vector<std::uint32_t> pending_;  // per op
  std::vector<std::int64_t> priority_;  // per op, CRITICAL_PATH only
  std::vector<std::uint32_t>
      refs_;  // per payload: readers and transfers of its home memory still to come
  std::vector<std::uint32_t>
      copy_refs_;                     // [payload, device]: local readers of a copy still to come
  std::vector<std::uint32_t> queue_;  // per op
  std::vector<ReadyQueue> ready_;     // per device
  std::vector<std::uint32_t> queue_begin_;  // per device
  EventSlots next_event_;                   // devices, then hops
  std::vector<std::uint32_t> running_;      // per device
  // Sets of devices, a bit each.
  std::uint64_t idle_devices_ = 0, ready_devices_ = 0, freed_devices_ = 0;
  std::vector<std::int64_t> busy_until_;    // per device
  std::vector<std::int64_t> channel_free_;  // per channel
  std::vector<HopQueue> hop_queue_;
  std::vector<Transfer> transfers_;
  std::uint32_t free_transfer_ = kNone;
  std::uint32_t num_transfers_ = 0;
  std::vector<std::int64_t> in_use_, peak_, freed_;  // bytes per device
  FixedList<std::uint32_t> due_ops_;
  FixedList<Request> requests_, arrivals_;
  std::array<std::uint32_t, Cluster::kMaxDevices> readers_{};
};

inline void StepSimulation::PushReady(std::uint32_t op, std::uint32_t device) {
  ReadyQueue& ready = ready_[device];
  ready_devices_ |= std::uint64_t{1} << device;
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

inline std::uint32_t StepSimulation::PopReady(std::uint32_t device) {
  ReadyQueue& ready = ready_[device];
  if (ready.tail - ready.head == 1) {
    ready_devices_ &= ~(std::uint64_t{1} << device);
  }
  if (order_ == ScheduleOrder::kFifo) {
    return queue_[ready.head++];
  }
  std::pop_heap(queue_.begin() + ready.head, queue_.begin() + ready.tail,
                [this](std::uint32_t a, std::uint32_t b) {
                  return priority_[a] != priority_[b] ? priority_[a] < priority_[b] : a > b;
                });
  return queue_[--ready.tail];
}

template <typename Recorder>
void StepSimulation::Allocate(std::uint32_t device, std::int64_t bytes, Recorder& recorder) {
  in_use_[device] += bytes;
  peak_[device] = std::max(peak_[device], in_use_[device]);
  recorder.Memory(device, now_, in_use_[device]);
}

template <typename Recorder>
void StepSimulation::FreeHome(std::uint32_t storage, std::uint32_t device, Recorder& recorder) {
  freed_devices_ |= std::uint64_t{1} << device;
  freed_[device] += tables_.payloads[storage].home_bytes;
  recorder.Tensor(storage, device, now_, -tables_.payloads[storage].home_bytes);
}

template <typename Recorder>
void StepSimulation::FreeCopy(std::uint32_t payload, std::uint32_t device, Recorder& recorder) {
  freed_devices_ |= std::uint64_t{1} << device;
  freed_[device] += tables_.payloads[payload].bytes;
  recorder.Tensor(payload, device, now_, -tables_.payloads[payload].bytes);
}

/// Tells the op's consumers, asks for transfers to other devices, and counts who still needs the
/// outputs' memory.
template <typename Recorder>
void StepSimulation::PublishOutputs(std::uint32_t op, Recorder& recorder) {
  const std::uint32_t device = device_[op];
  for (std::uint32_t p = tables_.ops[op].payload_begin; p < tables_.ops[op].payload_end; ++p) {
    const Tables::PayloadInfo& payload = tables_.payloads[p];
    std::uint64_t elsewhere = 0;
    std::uint32_t needed = payload.initial_refs;
    for (std::uint32_t c = payload.consumer_begin; c < payload.consumer_end; ++c) {
      const std::uint32_t consumer = tables_.consumers[c];
      const std::uint32_t at = device_[consumer];
      if (at == device) {
        ++needed;
        if (--pending_[consumer] == 0) {
          PushReady(consumer, device);
        }
      } else {
        const std::uint64_t bit = std::uint64_t{1} << at;
        const bool first = (elsewhere & bit) == 0;
        readers_[at] = first ? 1 : readers_[at] + 1;
        needed += first ? 1 : 0;
        elsewhere |= bit;
      }
    }
    if (payload.storage == p) {
      refs_[p] = needed;
      if (needed == 0) {
        FreeHome(p, device, recorder);
      }
    } else {
      refs_[payload.storage] += needed;
    }
    while (elsewhere != 0) {
      const auto at = static_cast<std::uint32_t>(std::countr_zero(elsewhere));
      elsewhere &= elsewhere - 1;
      copy_refs_[p * tables_.num_devices + at] = readers_[at];
      requests_.Add({p, static_cast<std::uint8_t>(at), 0});
    }
  }
}

template <typename Recorder>
void StepSimulation::FinishOp(std::uint32_t op, Recorder& recorder) {
  const std::uint32_t device = device_[op];
  PublishOutputs(op, recorder);
  const Tables::OpInfo& info = tables_.ops[op];
  freed_devices_ |= std::uint64_t{1} << device;
  freed_[device] += info.workspace_bytes;
  for (std::uint32_t i = info.input_begin; i < info.input_end; ++i) {
    const std::uint32_t input = tables_.inputs[i];
    const Tables::PayloadInfo& payload = tables_.payloads[input];
    if (device_[payload.producer] == device) {
      const std::uint32_t storage = payload.storage;
      if (--refs_[storage] == 0) {
        FreeHome(storage, device, recorder);
      }
    } else if (--copy_refs_[input * tables_.num_devices + device] == 0) {
      FreeCopy(input, device, recorder);
    }
  }
  ++num_finished_;
  last_finish_ = now_;
}

template <typename Recorder>
void StepSimulation::StartTransfer(const Request& request, Recorder& recorder) {
  const Tables::PayloadInfo& payload = tables_.payloads[request.payload];
  const std::uint32_t source = device_[payload.producer];
  const std::uint32_t hop =
      tables_.route_hops[RouteBegin(source, request.destination) + request.stage];
  const Tables::HopInfo& info = tables_.hops[hop];
  std::int64_t start = now_;
  for (std::uint32_t c = info.channel_begin; c < info.channel_end; ++c) {
    start = std::max(start, channel_free_[tables_.channels[c]]);
  }
  const std::uint8_t copier = info.copier;
  if (copier != Tables::kNoCopier) {
    start = std::max(start, busy_until_[copier]);
  }
  const std::int64_t end = start + tables_.hop_time[payload.time_row + hop];
  for (std::uint32_t c = info.channel_begin; c < info.channel_end; ++c) {
    channel_free_[tables_.channels[c]] = end;
  }
  if (copier != Tables::kNoCopier) {
    busy_until_[copier] = end;
  }
  recorder.Transfer(request.payload, request.destination, hop, now_, start, end);

  std::uint32_t id = free_transfer_;
  if (id == kNone) {
    id = num_transfers_++;
  } else {
    free_transfer_ = transfers_[id].next;
  }
  transfers_[id] = {start, end, request, kNone};
  HopQueue& queue = hop_queue_[hop];
  if (queue.last != kNone) {
    transfers_[queue.last].next = id;
    queue.last = id;
    return;
  }
  queue = {id, id, false};
  next_event_[tables_.num_devices + hop] = start;
  if (start == now_) {
    AdvanceHop(hop, recorder);
  }
}

/// Handles what is due on the hop now: transfers that begin to hold memory, and transfers that
/// arrive.
template <typename Recorder>
void StepSimulation::AdvanceHop(std::uint32_t hop, Recorder& recorder) {
  HopQueue& queue = hop_queue_[hop];
  std::int64_t& next = next_event_[tables_.num_devices + hop];
  while (next == now_) {
    const std::uint32_t id = queue.first;
    Transfer& transfer = transfers_[id];
    if (!queue.started) {
      const std::uint32_t payload = transfer.request.payload;
      recorder.Tensor(payload, tables_.hops[hop].to, now_, tables_.payloads[payload].bytes);
      Allocate(tables_.hops[hop].to, tables_.payloads[payload].bytes, recorder);
      queue.started = true;
      next = transfer.end;
      if (next > now_) {
        return;
      }
    }
    arrivals_.Add(transfer.request);
    queue.first = transfer.next;
    queue.started = false;
    transfer.next = free_transfer_;
    free_transfer_ = id;
    if (queue.first == kNone) {
      queue.last = kNone;
      next = kNever;
    } else {
      next = transfers_[queue.first].start;
    }
  }
}

template <typename Recorder>
void StepSimulation::Arrive(const Request& request, Recorder& recorder) {
  const std::uint32_t payload = request.payload;
  const Tables::PayloadInfo& info = tables_.payloads[payload];
  const std::uint32_t source = device_[info.producer];
  const std::uint32_t route = RouteBegin(source, request.destination);
  const std::uint32_t hop = tables_.route_hops[route + request.stage];
  if (request.stage == 0) {
    if (--refs_[info.storage] == 0) {
      FreeHome(info.storage, source, recorder);
    }
  } else {
    FreeCopy(payload, tables_.hops[hop].from, recorder);
  }
  if (tables_.hops[hop].to != request.destination) {
    requests_.Add({payload, request.destination, static_cast<std::uint8_t>(request.stage + 1)});
    return;
  }
  for (std::uint32_t c = info.consumer_begin; c < info.consumer_end; ++c) {
    const std::uint32_t consumer = tables_.consumers[c];
    if (device_[consumer] == request.destination && --pending_[consumer] == 0) {
      PushReady(consumer, request.destination);
    }
  }
}

template <typename Recorder>
void StepSimulation::StartOps(Recorder& recorder) {
  for (std::uint64_t able = ready_devices_ & idle_devices_; able != 0; able &= able - 1) {
    const auto device = static_cast<std::uint32_t>(std::countr_zero(able));
    if (busy_until_[device] > now_) {
      continue;  // with a copy
    }
    const std::uint32_t op = PopReady(device);
    const std::int64_t end = now_ + tables_.op_time[op * tables_.num_devices + device];
    for (std::uint32_t p = tables_.ops[op].payload_begin; p < tables_.ops[op].payload_end; ++p) {
      recorder.Tensor(p, device, now_, tables_.payloads[p].home_bytes);
    }
    if (tables_.ops[op].start_bytes > 0) {
      Allocate(device, tables_.ops[op].start_bytes, recorder);
    }
    recorder.OpRun(op, device, now_, end);
    running_[device] = op;
    idle_devices_ &= ~(std::uint64_t{1} << device);
    busy_until_[device] = end;
    next_event_[device] = end;
  }
}

/// One round of finishes, arrivals, requests, starts at the current instant.
template <typename Recorder>
void StepSimulation::RunInstant(Recorder& recorder) {
  due_ops_.Clear();
  next_event_.TakeDue([&](std::uint32_t slot) {
    if (slot < tables_.num_devices) {
      due_ops_.Add(running_[slot]);
      idle_devices_ |= std::uint64_t{1} << slot;
      next_event_[slot] = kNever;
    } else {
      AdvanceHop(slot - tables_.num_devices, recorder);
    }
  });
  due_ops_.Sort();
  for (const std::uint32_t op : due_ops_) {
    FinishOp(op, recorder);
  }
  arrivals_.Sort();
  const std::size_t from_finishes = requests_.size();
  for (const Request& arrival : arrivals_) {
    Arrive(arrival, recorder);
  }
  arrivals_.Clear();
  if (requests_.size() > from_finishes) {
    requests_.Sort();
  }
  // A transfer without duration is put into arrivals_ here and arrives in the next round of this
  // instant.
  for (const Request& request : requests_) {
    StartTransfer(request, recorder);
  }
  requests_.Clear();
  StartOps(recorder);
}

template <typename Recorder>
void StepSimulation::EndInstant(Recorder& recorder) {
  for (; freed_devices_ != 0; freed_devices_ &= freed_devices_ - 1) {
    const auto device = static_cast<std::uint32_t>(std::countr_zero(freed_devices_));
    if (freed_[device] != 0) {
      in_use_[device] -= freed_[device];
      freed_[device] = 0;
      recorder.Memory(device, now_, in_use_[device]);
    }
  }
}

template <typename Recorder>
StepSummary StepSimulation::Run(std::span<const DeviceId> device_of_op, ScheduleOrder order,
                                Recorder& recorder) {
  order_ = order;
  Reset(device_of_op);
  if (order_ == ScheduleOrder::kCriticalPath) {
    ComputePriorities();
  }
  for (const std::uint32_t op : tables_.static_ops) {
    in_use_[device_[op]] += tables_.static_bytes[op];
  }
  for (const std::uint32_t op : tables_.resident_ops) {
    for (std::uint32_t p = tables_.ops[op].payload_begin; p < tables_.ops[op].payload_end; ++p) {
      recorder.Tensor(p, device_[op], 0, tables_.payloads[p].home_bytes);
    }
  }
  for (std::uint32_t device = 0; device < tables_.num_devices; ++device) {
    peak_[device] = in_use_[device];
    recorder.Memory(device, 0, in_use_[device]);
  }
  for (const std::uint32_t op : tables_.source_ops) {
    PushReady(op, device_[op]);
  }
  for (const std::uint32_t op : tables_.resident_ops) {
    PublishOutputs(op, recorder);
    ++num_finished_;
  }
  while (true) {
    RunInstant(recorder);
    const std::int64_t next = next_event_.FindNext(arrivals_.size() == 0 ? kNever : now_);
    if (next == kNever) {
      break;
    }
    if (next > now_) {
      EndInstant(recorder);
      now_ = next;
    }
  }
  EndInstant(recorder);
  if (num_finished_ != tables_.num_ops) {
    throw std::logic_error("simulation stopped before all ops had run");
  }
  StepSummary summary{StepOutcome::kOk, Picoseconds(last_finish_), 0};
  for (std::uint32_t device = 0; device < tables_.num_devices; ++device) {
    summary.excess_bytes += std::max<std::int64_t>(0, peak_[device] - tables_.capacity[device]);
  }
  if (summary.excess_bytes > 0) {
    summary.outcome = StepOutcome::kOutOfMemory;
  }
  return summary;
}

}  // namespace placer::detail
