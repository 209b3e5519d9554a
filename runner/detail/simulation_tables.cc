#include "runner/detail/simulation_tables.h"

#include <algorithm>

namespace placer {

SimulatedRunner::Tables::Tables(const Graph& graph, const Cluster& cluster, const CostModel& costs)
    : num_ops(static_cast<std::uint32_t>(graph.num_ops())),
      num_devices(static_cast<std::uint32_t>(cluster.num_devices())),
      num_hops(static_cast<std::uint32_t>(cluster.hops().size())),
      op_time(costs.op_times()),
      hop_time(costs.hop_times()) {
  const auto u32 = [](std::size_t value) { return static_cast<std::uint32_t>(value); };
  std::vector<std::uint32_t> payload_of_tensor(graph.num_tensors());
  const auto add_payload = [&](OpId op, std::span<const OpId> readers,
                               std::size_t id) -> PayloadInfo& {
    PayloadInfo& info = payloads.emplace_back();
    info.producer = u32(op.index());
    info.storage = num_payloads++;
    info.consumer_begin = u32(consumers.size());
    for (const OpId reader : readers) {
      consumers.push_back(u32(reader.index()));
    }
    info.consumer_end = u32(consumers.size());
    external_id.push_back(u32(id));
    is_control.push_back(id < graph.num_tensors() ? 0 : 1);
    return info;
  };
  for (std::size_t i = 0; i < num_ops; ++i) {
    const OpId op(i);
    const bool resident = graph.is_resident(op);
    OpInfo& op_info = ops.emplace_back();
    op_info.payload_begin = num_payloads;
    std::int64_t output_bytes = 0;
    for (std::size_t o = 0; o < graph.num_outputs(op); ++o) {
      const TensorId id(graph.first_output(op).index() + o);
      const Tensor& tensor = graph.tensor(id);
      payload_of_tensor[id.index()] = num_payloads;
      PayloadInfo& info = add_payload(op, graph.consumers(id), id.index());
      info.storage = payload_of_tensor[tensor.storage.index()];
      info.time_row = costs.size_classes()[id.index()] * num_hops;
      if (resident || tensor.graph_output) {
        // Of the memory, however many tensors share it: these counts are added up.
        payloads[info.storage].initial_refs = kForever;
      }
      info.bytes = tensor.bytes;
      info.home_bytes = tensor.held_bytes;
      output_bytes += info.home_bytes;
    }
    if (!graph.control_consumers(op).empty()) {
      add_payload(op, graph.control_consumers(op), graph.num_tensors() + i).initial_refs = kForever;
    }
    op_info.payload_end = num_payloads;
    op_info.workspace_bytes = graph.op(op).workspace_bytes;
    op_info.start_bytes = resident ? 0 : output_bytes + op_info.workspace_bytes;
    static_bytes.push_back(graph.op(op).persistent_bytes + (resident ? output_bytes : 0));
    if (static_bytes.back() > 0) {
      static_ops.push_back(u32(i));
    }
    if (resident) {
      resident_ops.push_back(u32(i));
    }
  }

  pending.assign(num_ops, 0);
  for (const std::uint32_t reader : consumers) {
    ++pending[reader];
  }
  for (std::size_t i = 0; i < num_ops; ++i) {
    const auto begin = static_cast<std::ptrdiff_t>(inputs.size());
    for (const TensorId tensor : graph.inputs(OpId(i))) {
      inputs.push_back(payload_of_tensor[tensor.index()]);
    }
    std::sort(inputs.begin() + begin, inputs.end());
    inputs.erase(std::unique(inputs.begin() + begin, inputs.end()), inputs.end());
    ops[i].input_begin = u32(static_cast<std::size_t>(begin));
    ops[i].input_end = u32(inputs.size());
    if (pending[i] == 0 && !graph.is_resident(OpId(i))) {
      source_ops.push_back(u32(i));
    }
  }

  route_begin.push_back(0);
  for (std::size_t from = 0; from < num_devices; ++from) {
    capacity.push_back(cluster.devices()[from].memory_bytes);
    pays_transfers.push_back(cluster.devices()[from].kind == "cpu" ? 0 : 1);
    for (std::size_t to = 0; to < num_devices; ++to) {
      const auto route = cluster.route(DeviceId(from), DeviceId(to));
      route_hops.insert(route_hops.end(), route.begin(), route.end());
      route_begin.push_back(u32(route_hops.size()));
    }
  }
  for (const Hop& hop : cluster.hops()) {
    HopInfo& info = hops.emplace_back();
    info.channel_begin = u32(channels.size());
    channels.insert(channels.end(), hop.channels.begin(), hop.channels.end());
    info.channel_end = u32(channels.size());
    info.from = static_cast<std::uint8_t>(hop.from.index());
    info.to = static_cast<std::uint8_t>(hop.to.index());
    switch (cluster.device(hop.from).copied_by) {
      case CopiedBy::kDma:
        break;
      case CopiedBy::kSender:
        info.copier = info.from;
        break;
      case CopiedBy::kReceiver:
        info.copier = info.to;
        break;
    }
  }
}

}  // namespace placer
