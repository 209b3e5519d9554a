#pragma once

#include <string>
#include <utility>

#include "cost_model/cluster.h"
#include "graphs/graph.h"

/// Invented hardware with round numbers, so that times can be computed by hand and never change
/// with a data sheet: an op made by ComputeOp(name, n) takes n picoseconds on a TestDevice, and
/// sending n bytes over a link takes n picoseconds plus 10 per link.
namespace placer::test {

inline constexpr Seconds kLinkLatency{10e-12};

/// Kind "test" has no row of its own in the efficiency table: matrix products reach half of the
/// peak, so that 2 Tflop/s do one flop per picosecond.
/// @param speed  2: ops take half the time
inline Device TestDevice(std::string name, double speed = 1,
                         std::int64_t memory_bytes = 1'000'000) {
  Device device;
  device.name = std::move(name);
  device.kind = "test";
  device.peak_flops_per_s[static_cast<std::size_t>(DataType::kFloat32)] = 2e12 * speed;
  device.memory_bytes_per_s = 2e12 * speed;
  device.memory_bytes = memory_bytes;
  return device;
}

/// One byte per picosecond and direction.
inline Link TestLink(std::string a, std::string b, double speed = 1) {
  Link link;
  link.name = a + "-" + b;
  link.a = std::move(a);
  link.b = std::move(b);
  link.bytes_per_s = 1e12 * speed;
  link.latency = kLinkLatency;
  return link;
}

/// An op that takes `picoseconds` on a TestDevice of speed 1.
inline Op ComputeOp(std::string name, std::int64_t picoseconds, OpRole role = OpRole::kForward) {
  Op op;
  op.name = std::move(name);
  op.type = "MatMul";
  op.op_class = OpClass::kMatMul;
  op.role = role;
  op.flops = picoseconds;
  return op;
}

/// A tensor of so many bytes.
inline TensorSpec Bytes(std::int64_t bytes) {
  TensorSpec spec;
  spec.bytes = bytes;
  return spec;
}

/// Devices "a" and "b" on one link "a-b".
inline ClusterSpec TwoDevices() {
  ClusterSpec spec;
  spec.name = "two_devices";
  spec.devices = {TestDevice("a"), TestDevice("b")};
  spec.links = {TestLink("a", "b")};
  return spec;
}

/// "a" - "host" - "b": what a sends to b is staged in the host's memory.
inline ClusterSpec ThroughHost() {
  ClusterSpec spec;
  spec.name = "through_host";
  spec.devices = {TestDevice("a"), TestDevice("host"), TestDevice("b")};
  spec.links = {TestLink("a", "host"), TestLink("host", "b")};
  return spec;
}

/// "a", "b", "c" on stubs of a bus that carries one transfer at a time.
inline ClusterSpec SharedBus() {
  ClusterSpec spec;
  spec.name = "shared_bus";
  spec.devices = {TestDevice("a"), TestDevice("b"), TestDevice("c")};
  spec.switches = {"bus"};
  for (const Device& device : spec.devices) {
    spec.links.push_back(TestLink(device.name, "bus"));
    spec.links.back().shared = true;
  }
  return spec;
}

/// "d0" ... on full-duplex links to one switch "s".
inline ClusterSpec Switched(std::size_t num_devices) {
  ClusterSpec spec;
  spec.name = "switched";
  spec.switches = {"s"};
  for (std::size_t i = 0; i < num_devices; ++i) {
    spec.devices.push_back(TestDevice("d" + std::to_string(i)));
    spec.links.push_back(TestLink(spec.devices.back().name, "s"));
  }
  return spec;
}

}  // namespace placer::test
