#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "cost_model/cluster.h"
#include "cost_model/cost_model.h"
#include "graphs/base/rng.h"
#include "graphs/graph.h"

namespace placer::testing_support {

/// Devices on which an op of kind kOther takes as many microseconds as TimedOp() says, links of 1
/// us latency and 1 byte per nanosecond: a tensor of 4,000 bytes takes 5 us.
inline Device UnitDevice(const std::string& name, std::int64_t memory_bytes = 1'000'000'000) {
  Device device;
  device.name = name;
  device.kind = "test";
  device.peak_flops_per_s[static_cast<std::size_t>(DataType::kFloat32)] = 1e12;
  device.memory_bytes_per_s = 1e12;
  device.memory_bytes = memory_bytes;
  return device;
}

inline Link UnitLink(const std::string& a, const std::string& b, bool shared = false) {
  Link link;
  link.name = a + "-" + b;
  link.a = a;
  link.b = b;
  link.bytes_per_s = 1e9;
  link.latency = Seconds(1e-6);
  link.shared = shared;
  return link;
}

inline Op TimedOp(const std::string& name, double microseconds, OpRole role = OpRole::kForward) {
  Op op;
  op.name = name;
  op.type = "Test";
  op.role = role;
  op.flops = std::llround(microseconds * 1e6 * EfficiencyOf(OpClass::kOther, "test").compute);
  return op;
}

/// A tensor of that many bytes (a multiple of 4).
inline TensorSpec Bytes(std::int64_t bytes) {
  TensorSpec spec;
  spec.shape = {bytes / 4};
  return spec;
}

/// d0 ... d(n-1), a link between every two.
inline Cluster CompleteCluster(std::size_t num_devices, std::int64_t memory_bytes = 1'000'000'000) {
  ClusterSpec spec;
  spec.name = "complete";
  for (std::size_t i = 0; i < num_devices; ++i) {
    spec.devices.push_back(UnitDevice("d" + std::to_string(i), memory_bytes));
    for (std::size_t j = 0; j < i; ++j) {
      spec.links.push_back(UnitLink("d" + std::to_string(j), "d" + std::to_string(i)));
    }
  }
  return Cluster(spec);
}

/// A random layered graph: parameters, ops with 1-3 inputs each, some aliases, control edges and
/// co-location groups.
inline Graph RandomGraph(std::size_t num_ops, Seed seed) {
  Rng rng(seed);
  GraphBuilder builder("random" + std::to_string(seed));
  std::vector<TensorId> tensors;
  std::vector<OpId> ops;
  for (std::size_t i = 0; i < num_ops; ++i) {
    const std::string name = "op" + std::to_string(i);
    if (tensors.empty() || rng.Below(8) == 0) {
      const OpId op =
          builder.AddOp(TimedOp(name, 0, rng.Below(2) == 0 ? OpRole::kParameter : OpRole::kInput),
                        {}, {Bytes(4 * static_cast<std::int64_t>(1 + rng.Below(5000)))});
      tensors.push_back(builder.Output(op));
      continue;
    }
    std::vector<TensorId> inputs;
    const std::size_t num_inputs = 1 + rng.Below(3);
    for (std::size_t k = 0; k < num_inputs; ++k) {
      const std::size_t window = std::min<std::size_t>(tensors.size(), 12);
      inputs.push_back(tensors[tensors.size() - 1 - rng.Below(window)]);
    }
    Op op = TimedOp(name, static_cast<double>(rng.Below(20)));
    op.workspace_bytes = static_cast<std::int64_t>(rng.Below(3) * 1000);
    op.persistent_bytes = rng.Below(10) == 0 ? 500 : 0;
    if (rng.Below(12) == 0) {
      op.colocation_group = "group" + std::to_string(rng.Below(3));
    }
    std::vector<TensorSpec> outputs{Bytes(4 * static_cast<std::int64_t>(rng.Below(5000)))};
    if (rng.Below(6) == 0) {
      outputs.push_back(builder.tensor(inputs[0]));
      outputs.back().aliases_input = 0;
      outputs.back().graph_output = false;
    }
    outputs[0].graph_output = rng.Below(20) == 0;
    std::vector<OpId> before;
    if (!ops.empty() && rng.Below(10) == 0) {
      before.push_back(ops[rng.Below(ops.size())]);
    }
    const OpId id = builder.AddOp(op, inputs, outputs, before);
    ops.push_back(id);
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      tensors.push_back(builder.Output(id, o));
    }
  }
  return std::move(builder).Build();
}

/// A uniformly random placement that respects co-location.
inline std::vector<DeviceId> RandomDevices(const Graph& graph, std::size_t num_devices, Rng& rng) {
  std::vector<DeviceId> device_of_class(graph.num_colocation_classes());
  for (DeviceId& device : device_of_class) {
    device = DeviceId(rng.Below(num_devices));
  }
  std::vector<DeviceId> devices;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    devices.push_back(device_of_class[graph.colocation_class(OpId(i))]);
  }
  return devices;
}

}  // namespace placer::testing_support
