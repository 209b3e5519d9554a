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

  /// What the event loop touches together lies together.
  struct OpInfo {
    std::uint32_t payload_begin = 0, payload_end = 0;
    std::uint32_t input_begin = 0, input_end = 0;  // rows of `inputs`
    std::int64_t start_bytes = 0;  // allocated when it starts: outputs and workspace
    std::int64_t workspace_bytes = 0;
  };
  struct PayloadInfo {
    std::uint32_t consumer_begin = 0, consumer_end = 0;  // rows of `consumers`
    std::uint32_t producer = 0;
    std::uint32_t storage = 0;       // payload whose home memory it shares
    std::uint32_t time_row = 0;      // its first entry in hop_time
    std::uint32_t initial_refs = 0;  // kForever for what stays to the end of the step
    std::int64_t bytes = 0;          // of a copy
    std::int64_t home_bytes = 0;     // 0 for aliases
  };
  struct HopInfo {
    std::uint32_t channel_begin = 0, channel_end = 0;  // rows of `channels`
    std::uint8_t from = 0, to = 0, copier = kNoCopier;
  };

  std::vector<OpInfo> ops;
  std::vector<std::uint32_t> pending;                   // payloads an op waits for
  std::vector<std::uint32_t> inputs;                    // distinct tensors an op reads, as payloads
  std::vector<std::uint32_t> resident_ops, source_ops;  // the latter run but wait for nothing
  std::vector<std::uint32_t> static_ops;                // with static_bytes > 0
  std::vector<std::int64_t> static_bytes;               // held for the whole step

  std::vector<PayloadInfo> payloads;
  std::vector<std::uint32_t> consumers;
  std::vector<std::uint32_t> external_id;  // tensor index, or num_tensors + op index
  std::vector<std::uint8_t> is_control;

  std::vector<std::uint32_t> route_begin, route_hops;  // [num_devices^2 + 1]
  std::vector<HopInfo> hops;
  std::vector<std::uint32_t> channels;
  std::vector<std::int64_t> capacity;
  std::vector<std::uint8_t> pays_transfers;  // for MAX_LOAD: every device that is not a CPU

  std::span<const std::int64_t> op_time;   // [num_ops, num_devices]
  std::span<const std::int64_t> hop_time;  // [size class, num_hops]

  static constexpr std::uint32_t kForever = 1U << 30U;
};

}  // namespace placer
