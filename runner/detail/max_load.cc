#include "runner/detail/max_load.h"

#include <algorithm>
#include <bit>

namespace placer::detail {

StepSummary MaxLoad::Compute(const SimulatedRunner::Tables& tables,
                             std::span<const DeviceId> device_of_op) {
  const std::uint32_t num_devices = tables.num_devices;
  load.assign(num_devices, 0);
  bytes.assign(num_devices, 0);
  workspace_.assign(num_devices, 0);
  for (std::uint32_t op = 0; op < tables.num_ops; ++op) {
    const auto device = static_cast<std::uint32_t>(device_of_op[op].index());
    load[device] += tables.op_time[op * num_devices + device];
    bytes[device] +=
        tables.static_bytes[op] + tables.ops[op].start_bytes - tables.ops[op].workspace_bytes;
    workspace_[device] = std::max(workspace_[device], tables.ops[op].workspace_bytes);
    for (std::uint32_t p = tables.ops[op].payload_begin; p < tables.ops[op].payload_end; ++p) {
      if (tables.is_control[p] != 0) {
        continue;
      }
      const std::int64_t* hop_time = tables.hop_time.data() + tables.payloads[p].time_row;
      std::uint64_t elsewhere = 0;
      for (std::uint32_t c = tables.payloads[p].consumer_begin; c < tables.payloads[p].consumer_end;
           ++c) {
        elsewhere |= std::uint64_t{1} << device_of_op[tables.consumers[c]].index();
      }
      elsewhere &= ~(std::uint64_t{1} << device);
      std::int64_t outgoing = 0;
      for (; elsewhere != 0; elsewhere &= elsewhere - 1) {
        const auto to = static_cast<std::uint32_t>(std::countr_zero(elsewhere));
        const std::uint32_t pair = device * num_devices + to;
        outgoing = std::max(outgoing, hop_time[tables.route_hops[tables.route_begin[pair]]]);
        if (tables.pays_transfers[to] != 0) {
          load[to] += hop_time[tables.route_hops[tables.route_begin[pair + 1] - 1]];
        }
      }
      if (tables.pays_transfers[device] != 0) {
        load[device] += outgoing;
      }
    }
  }
  StepSummary summary;
  for (std::uint32_t device = 0; device < num_devices; ++device) {
    bytes[device] += workspace_[device];
    summary.step_time = std::max(summary.step_time, Picoseconds(load[device]));
    summary.excess_bytes += std::max<std::int64_t>(0, bytes[device] - tables.capacity[device]);
  }
  if (summary.excess_bytes > 0) {
    summary.outcome = StepOutcome::kOutOfMemory;
  }
  return summary;
}

}  // namespace placer::detail
