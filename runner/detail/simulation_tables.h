#pragma once

#include <cstdint>
#include <vector>

#include "cost_model/cost_model.h"
#include "runner/simulated_runner.h"

namespace placer {

/// Graph and cluster flattened for the event loop. What travels is a *payload*: a tensor, or the
/// control edge of an op (0 bytes). Payloads are numbered by producer: its tensors in order, then
/// its control edge.
struct SimulatedRunner::Tables {
  Tables(const Graph& graph, const Cluster& cluster, const CostModel& costs);

  static constexpr std::uint8_t kNoCopier = 0xff;

  std::uint32_t num_ops = 0, num_payloads = 0, num_devices = 0, num_hops = 0;

  // Per op.
  std::vector<std::uint32_t> payload_begin;        // [num_ops + 1]
  std::vector<std::uint32_t> input_begin, inputs;  // distinct tensors it reads
  std::vector<std::uint32_t> pending;              // payloads it waits for
  std::vector<std::int64_t> start_bytes;  // allocated when it starts: outputs and workspace
  std::vector<std::int64_t> workspace_bytes;
  std::vector<std::uint32_t> resident_ops, source_ops;  // the latter run but wait for nothing
  std::vector<std::uint32_t> static_ops;                // with static_bytes > 0
  std::vector<std::int64_t> static_bytes;               // held for the whole step

  // Per payload.
  std::vector<std::uint32_t> consumer_begin, consumers;
  std::vector<std::uint32_t> producer;
  std::vector<std::uint32_t> storage;       // payload whose home memory it shares
  std::vector<std::uint32_t> size_class;    // row of hop_time
  std::vector<std::uint32_t> initial_refs;  // kForever for what stays to the end of the step
  std::vector<std::int64_t> bytes;          // of a copy
  std::vector<std::int64_t> home_bytes;     // 0 for aliases
  std::vector<std::uint32_t> external_id;   // tensor index, or num_tensors + op index
  std::vector<std::uint8_t> is_control;

  // Per pair of devices and per hop.
  std::vector<std::uint32_t> route_begin, route_hops;  // [num_devices^2 + 1]
  std::vector<std::uint32_t> channel_begin, channels;  // [num_hops + 1]
  std::vector<std::uint8_t> hop_from, hop_to, hop_copier;
  std::vector<std::int64_t> capacity;
  std::vector<std::uint8_t> pays_transfers;  // for MAX_LOAD: every device that is not a CPU

  std::span<const std::int64_t> op_time;   // [num_ops, num_devices]
  std::span<const std::int64_t> hop_time;  // [size class, num_hops]

  static constexpr std::uint32_t kForever = 1U << 30U;
};

}  // namespace placer
