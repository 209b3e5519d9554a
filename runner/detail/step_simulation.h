#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <vector>

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
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
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
  std::vector<std::int64_t> next_event_;    // per slot: devices, then hops
  std::vector<std::uint32_t> running_;      // per device
  std::vector<std::int64_t> busy_until_;    // per device
  std::vector<std::int64_t> channel_free_;  // per channel
  std::vector<HopQueue> hop_queue_;
  std::vector<Transfer> transfers_;
  std::uint32_t free_transfer_ = kNone;
  std::uint32_t num_transfers_ = 0;
  std::vector<std::int64_t> in_use_, peak_, freed_;  // bytes per device
  std::vector<std::uint32_t> due_slots_;
  std::vector<std::uint32_t> due_ops_;
  std::vector<Request> requests_, arrivals_;
  std::array<std::uint32_t, Cluster::kMaxDevices> readers_{};
};

template <typename Recorder>
void StepSimulation::Allocate(std::uint32_t device, std::int64_t bytes, Recorder& recorder) {
  in_use_[device] += bytes;
  peak_[device] = std::max(peak_[device], in_use_[device]);
  recorder.Memory(device, now_, in_use_[device]);
}

template <typename Recorder>
void StepSimulation::FreeHome(std::uint32_t storage, std::uint32_t device, Recorder& recorder) {
  freed_[device] += tables_.home_bytes[storage];
  recorder.Tensor(storage, device, now_, -tables_.home_bytes[storage]);
}

template <typename Recorder>
void StepSimulation::FreeCopy(std::uint32_t payload, std::uint32_t device, Recorder& recorder) {
  freed_[device] += tables_.bytes[payload];
  recorder.Tensor(payload, device, now_, -tables_.bytes[payload]);
}

/// Tells the op's consumers, asks for transfers to other devices, and counts who still needs the
/// outputs' memory.
template <typename Recorder>
void StepSimulation::PublishOutputs(std::uint32_t op, Recorder& recorder) {
  const std::uint32_t device = device_[op];
  for (std::uint32_t p = tables_.payload_begin[op]; p < tables_.payload_begin[op + 1]; ++p) {
    std::uint64_t elsewhere = 0;
    std::uint32_t local = 0;
    for (std::uint32_t c = tables_.consumer_begin[p]; c < tables_.consumer_begin[p + 1]; ++c) {
      const std::uint32_t consumer = tables_.consumers[c];
      const std::uint32_t at = device_[consumer];
      if (at == device) {
        ++local;
        if (--pending_[consumer] == 0) {
          PushReady(consumer, device);
        }
      } else {
        const std::uint64_t bit = std::uint64_t{1} << at;
        readers_[at] = (elsewhere & bit) != 0 ? readers_[at] + 1 : 1;
        elsewhere |= bit;
      }
    }
    const std::uint32_t storage = tables_.storage[p];
    const std::uint32_t needed =
        tables_.initial_refs[p] + local + static_cast<std::uint32_t>(std::popcount(elsewhere));
    if (storage == p) {
      refs_[p] = needed;
      if (needed == 0) {
        FreeHome(p, device, recorder);
      }
    } else {
      refs_[storage] += needed;
    }
    while (elsewhere != 0) {
      const auto at = static_cast<std::uint32_t>(std::countr_zero(elsewhere));
      elsewhere &= elsewhere - 1;
      copy_refs_[p * tables_.num_devices + at] = readers_[at];
      requests_.push_back({p, static_cast<std::uint8_t>(at), 0});
    }
  }
}

template <typename Recorder>
void StepSimulation::FinishOp(std::uint32_t op, Recorder& recorder) {
  const std::uint32_t device = device_[op];
  PublishOutputs(op, recorder);
  freed_[device] += tables_.workspace_bytes[op];
  for (std::uint32_t i = tables_.input_begin[op]; i < tables_.input_begin[op + 1]; ++i) {
    const std::uint32_t input = tables_.inputs[i];
    if (device_[tables_.producer[input]] == device) {
      const std::uint32_t storage = tables_.storage[input];
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
  const std::uint32_t source = device_[tables_.producer[request.payload]];
  const std::uint32_t hop =
      tables_.route_hops[RouteBegin(source, request.destination) + request.stage];
  std::int64_t start = now_;
  for (std::uint32_t c = tables_.channel_begin[hop]; c < tables_.channel_begin[hop + 1]; ++c) {
    start = std::max(start, channel_free_[tables_.channels[c]]);
  }
  const std::uint8_t copier = tables_.hop_copier[hop];
  if (copier != Tables::kNoCopier) {
    start = std::max(start, busy_until_[copier]);
  }
  const std::int64_t end =
      start + tables_.hop_time[tables_.size_class[request.payload] * tables_.num_hops + hop];
  for (std::uint32_t c = tables_.channel_begin[hop]; c < tables_.channel_begin[hop + 1]; ++c) {
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
      recorder.Tensor(payload, tables_.hop_to[hop], now_, tables_.bytes[payload]);
      Allocate(tables_.hop_to[hop], tables_.bytes[payload], recorder);
      queue.started = true;
      next = transfer.end;
      if (next > now_) {
        return;
      }
    }
    arrivals_.push_back(transfer.request);
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
  const std::uint32_t source = device_[tables_.producer[payload]];
  const std::uint32_t route = RouteBegin(source, request.destination);
  const std::uint32_t hop = tables_.route_hops[route + request.stage];
  if (request.stage == 0) {
    const std::uint32_t storage = tables_.storage[payload];
    if (--refs_[storage] == 0) {
      FreeHome(storage, source, recorder);
    }
  } else {
    FreeCopy(payload, tables_.hop_from[hop], recorder);
  }
  if (tables_.hop_to[hop] != request.destination) {
    requests_.push_back(
        {payload, request.destination, static_cast<std::uint8_t>(request.stage + 1)});
    return;
  }
  for (std::uint32_t c = tables_.consumer_begin[payload]; c < tables_.consumer_begin[payload + 1];
       ++c) {
    const std::uint32_t consumer = tables_.consumers[c];
    if (device_[consumer] == request.destination && --pending_[consumer] == 0) {
      PushReady(consumer, request.destination);
    }
  }
}

template <typename Recorder>
void StepSimulation::StartOps(Recorder& recorder) {
  for (std::uint32_t device = 0; device < tables_.num_devices; ++device) {
    if (ready_[device].head == ready_[device].tail || busy_until_[device] > now_ ||
        running_[device] != kNone) {
      continue;
    }
    const std::uint32_t op = PopReady(device);
    const std::int64_t end = now_ + tables_.op_time[op * tables_.num_devices + device];
    for (std::uint32_t p = tables_.payload_begin[op]; p < tables_.payload_begin[op + 1]; ++p) {
      recorder.Tensor(p, device, now_, tables_.home_bytes[p]);
    }
    if (tables_.start_bytes[op] > 0) {
      Allocate(device, tables_.start_bytes[op], recorder);
    }
    recorder.OpRun(op, device, now_, end);
    running_[device] = op;
    busy_until_[device] = end;
    next_event_[device] = end;
  }
}

/// One round of finishes, arrivals, requests, starts at the current instant.
template <typename Recorder>
void StepSimulation::RunInstant(Recorder& recorder) {
  due_ops_.clear();
  for (const std::uint32_t slot : due_slots_) {
    if (slot < tables_.num_devices) {
      due_ops_.push_back(running_[slot]);
      running_[slot] = kNone;
      next_event_[slot] = kNever;
    } else {
      AdvanceHop(slot - tables_.num_devices, recorder);
    }
  }
  if (due_ops_.size() > 1) {
    std::sort(due_ops_.begin(), due_ops_.end());
  }
  for (const std::uint32_t op : due_ops_) {
    FinishOp(op, recorder);
  }
  if (arrivals_.size() > 1) {
    std::sort(arrivals_.begin(), arrivals_.end());
  }
  const std::size_t from_finishes = requests_.size();
  for (const Request& arrival : arrivals_) {
    Arrive(arrival, recorder);
  }
  arrivals_.clear();
  if (requests_.size() > from_finishes) {
    std::sort(requests_.begin(), requests_.end());
  }
  // A transfer without duration is put into arrivals_ here and arrives in the next round of this
  // instant.
  for (const Request& request : requests_) {
    StartTransfer(request, recorder);
  }
  requests_.clear();
  StartOps(recorder);
}

template <typename Recorder>
void StepSimulation::EndInstant(Recorder& recorder) {
  for (std::uint32_t device = 0; device < tables_.num_devices; ++device) {
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
    for (std::uint32_t p = tables_.payload_begin[op]; p < tables_.payload_begin[op + 1]; ++p) {
      recorder.Tensor(p, device_[op], 0, tables_.home_bytes[p]);
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
  due_slots_.clear();
  while (true) {
    RunInstant(recorder);
    std::int64_t next = arrivals_.empty() ? kNever : now_;
    due_slots_.clear();
    const auto num_slots = static_cast<std::uint32_t>(next_event_.size());
    for (std::uint32_t slot = 0; slot < num_slots; ++slot) {
      if (next_event_[slot] < next) {
        next = next_event_[slot];
        due_slots_.clear();
        due_slots_.push_back(slot);
      } else if (next_event_[slot] == next && next != kNever) {
        due_slots_.push_back(slot);
      }
    }
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
