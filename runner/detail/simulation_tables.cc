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
  payload_begin.push_back(0);
  consumer_begin.push_back(0);
  const auto add_payload = [&](OpId op, std::span<const OpId> readers) {
    producer.push_back(u32(op.index()));
    for (const OpId reader : readers) {
      consumers.push_back(u32(reader.index()));
    }
    consumer_begin.push_back(u32(consumers.size()));
    return num_payloads++;
  };
  for (std::size_t i = 0; i < num_ops; ++i) {
    const OpId op(i);
    const bool resident = graph.is_resident(op);
    std::int64_t output_bytes = 0;
    for (std::size_t o = 0; o < graph.num_outputs(op); ++o) {
      const TensorId id(graph.first_output(op).index() + o);
      const Tensor& tensor = graph.tensor(id);
      const std::uint32_t payload = add_payload(op, graph.consumers(id));
      payload_of_tensor[id.index()] = payload;
      storage.push_back(payload_of_tensor[tensor.storage.index()]);
      size_class.push_back(costs.size_classes()[id.index()]);
      initial_refs.push_back(resident || tensor.graph_output ? kForever : 0);
      bytes.push_back(tensor.bytes);
      home_bytes.push_back(tensor.storage == id ? tensor.bytes : 0);
      external_id.push_back(u32(id.index()));
      is_control.push_back(0);
      output_bytes += home_bytes.back();
    }
    if (!graph.control_consumers(op).empty()) {
      storage.push_back(add_payload(op, graph.control_consumers(op)));
      size_class.push_back(0);
      initial_refs.push_back(kForever);
      bytes.push_back(0);
      home_bytes.push_back(0);
      external_id.push_back(u32(graph.num_tensors() + i));
      is_control.push_back(1);
    }
    payload_begin.push_back(num_payloads);
    workspace_bytes.push_back(graph.op(op).workspace_bytes);
    start_bytes.push_back(resident ? 0 : output_bytes + graph.op(op).workspace_bytes);
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
  input_begin.push_back(0);
  for (std::size_t i = 0; i < num_ops; ++i) {
    const std::size_t begin = inputs.size();
    for (const TensorId tensor : graph.inputs(OpId(i))) {
      inputs.push_back(payload_of_tensor[tensor.index()]);
    }
    std::sort(inputs.begin() + static_cast<std::ptrdiff_t>(begin), inputs.end());
    inputs.erase(std::unique(inputs.begin() + static_cast<std::ptrdiff_t>(begin), inputs.end()),
                 inputs.end());
    input_begin.push_back(u32(inputs.size()));
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
  channel_begin.push_back(0);
  for (const Hop& hop : cluster.hops()) {
    channels.insert(channels.end(), hop.channels.begin(), hop.channels.end());
    channel_begin.push_back(u32(channels.size()));
    hop_from.push_back(static_cast<std::uint8_t>(hop.from.index()));
    hop_to.push_back(static_cast<std::uint8_t>(hop.to.index()));
    switch (cluster.device(hop.from).copied_by) {
      case CopiedBy::kDma:
        hop_copier.push_back(kNoCopier);
        break;
      case CopiedBy::kSender:
        hop_copier.push_back(hop_from.back());
        break;
      case CopiedBy::kReceiver:
        hop_copier.push_back(hop_to.back());
        break;
    }
  }
}

}  // namespace placer
