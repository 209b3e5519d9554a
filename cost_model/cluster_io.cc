#include "cost_model/cluster_io.h"

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

#include "cost_model/cluster.pb.h"
#include "cost_model/cluster_variation.h"
#include "graphs/base/error.h"
#include "graphs/base/proto_file.h"

namespace placer {
namespace {

constexpr ProtoFormat kFormat{"a Placer cluster", "placer.cluster/1"};
constexpr std::string_view kZooPrefix = "zoo:";

void ReadPeaks(const proto::Device& from, Device& device) {
  for (const proto::Peak& peak : from.peak_flops_per_s()) {
    const auto dtype = ParseDataType(peak.dtype());
    if (!dtype) {
      throw InputError("device '" + from.name() + "': peak_flops_per_s: dtype is '" + peak.dtype() +
                       "', expected \"float32\", \"float16\" or the like");
    }
    double& value = device.peak_flops_per_s[static_cast<std::size_t>(*dtype)];
    if (value != 0) {
      throw InputError("device '" + from.name() + "': peak_flops_per_s of " + peak.dtype() +
                       " is given twice");
    }
    if (peak.value() == 0) {
      throw InputError("device '" + from.name() + "': peak_flops_per_s of " + peak.dtype() +
                       " is 0, expected a finite number > 0");
    }
    value = peak.value();
  }
}

void ReadEfficiencies(const proto::Device& from, Device& device) {
  for (const proto::ClassEfficiency& own : from.efficiencies()) {
    const auto op_class = ParseOpClass(own.op_class());
    if (!op_class) {
      throw InputError("device '" + from.name() + "': efficiencies: op_class is '" +
                       own.op_class() + "', expected \"matmul\", \"convolution\" or the like");
    }
    device.efficiencies.push_back({*op_class, {own.compute(), own.memory()}});
  }
}

Device DeviceFrom(const proto::Device& from) {
  Device device;
  device.name = from.name();
  device.kind = from.kind();
  ReadPeaks(from, device);
  ReadEfficiencies(from, device);
  device.memory_bytes_per_s = from.memory_bytes_per_s();
  device.memory_bytes = from.memory_bytes();
  device.launch_overhead = Seconds(from.launch_overhead_s());
  switch (from.copied_by()) {
    case proto::DMA:
      device.copied_by = CopiedBy::kDma;
      break;
    case proto::SENDER:
      device.copied_by = CopiedBy::kSender;
      break;
    case proto::RECEIVER:
      device.copied_by = CopiedBy::kReceiver;
      break;
    default:
      throw InputError("device '" + from.name() + "': copied_by is " +
                       std::to_string(static_cast<int>(from.copied_by())) +
                       ", expected DMA, SENDER or RECEIVER");
  }
  return device;
}

ClusterSpec SpecFrom(const proto::Cluster& from) {
  ClusterSpec spec;
  spec.name = from.name();
  for (const proto::Device& device : from.devices()) {
    spec.devices.push_back(DeviceFrom(device));
  }
  spec.switches.assign(from.switches().begin(), from.switches().end());
  for (const proto::Link& link : from.links()) {
    spec.links.push_back({link.name(), link.a(), link.b(), link.bytes_per_s(),
                          Seconds(link.latency_s()), link.shared()});
  }
  for (const proto::Route& route : from.routes()) {
    spec.routes.push_back(
        {route.from(), route.to(), {route.links().begin(), route.links().end()}, route.staged()});
  }
  return spec;
}

void WriteDevice(const Device& device, proto::Device& to) {
  to.set_name(device.name);
  to.set_kind(device.kind);
  for (std::size_t i = 0; i < kNumDataTypes; ++i) {
    if (device.peak_flops_per_s[i] > 0) {
      proto::Peak& peak = *to.add_peak_flops_per_s();
      peak.set_dtype(std::string(Name(static_cast<DataType>(i))));
      peak.set_value(device.peak_flops_per_s[i]);
    }
  }
  to.set_memory_bytes_per_s(device.memory_bytes_per_s);
  to.set_memory_bytes(device.memory_bytes);
  to.set_launch_overhead_s(device.launch_overhead.count());
  for (const ClassEfficiency& own : device.efficiencies) {
    proto::ClassEfficiency& efficiency = *to.add_efficiencies();
    efficiency.set_op_class(std::string(Name(own.op_class)));
    efficiency.set_compute(own.efficiency.compute);
    efficiency.set_memory(own.efficiency.memory);
  }
  to.set_copied_by(device.copied_by == CopiedBy::kSender     ? proto::SENDER
                   : device.copied_by == CopiedBy::kReceiver ? proto::RECEIVER
                                                             : proto::DMA);
}

}  // namespace

namespace {

Cluster LoadPlain(const std::string& cluster) {
  return cluster.starts_with(kZooPrefix) ? MakeZooCluster(cluster.substr(kZooPrefix.size()))
                                         : ReadCluster(cluster);
}

}  // namespace

Cluster LoadCluster(const std::string& cluster) {
  const std::size_t mark = cluster.find('?');
  std::error_code ignored;
  if (mark == std::string::npos || std::filesystem::exists(cluster, ignored)) {
    return LoadPlain(cluster);
  }
  ClusterSpec spec = LoadPlain(cluster.substr(0, mark)).spec();
  std::string_view rest = std::string_view(cluster).substr(mark + 1);
  try {
    while (!rest.empty()) {
      const std::string_view pair = rest.substr(0, rest.find('&'));
      rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
      const std::size_t equals = pair.find('=');
      if (equals == std::string_view::npos) {
        throw InputError("found '" + std::string(pair) + "', expected key=value");
      }
      VaryCluster(spec, pair.substr(0, equals), pair.substr(equals + 1));
    }
    spec.name += cluster.substr(mark);
    return Cluster(std::move(spec));
  } catch (const InputError& error) {
    throw error.In(cluster);
  }
}

Cluster ReadCluster(const std::filesystem::path& path) {
  proto::Cluster message;
  ReadProtoFile(path, kFormat, message);
  try {
    return Cluster(SpecFrom(message));
  } catch (const InputError& e) {
    throw e.In(path.string());
  }
}

void WriteCluster(const Cluster& cluster, const std::filesystem::path& path) {
  const ClusterSpec& spec = cluster.spec();
  proto::Cluster message;
  message.set_name(spec.name);
  for (const Device& device : spec.devices) {
    WriteDevice(device, *message.add_devices());
  }
  for (const std::string& name : spec.switches) {
    message.add_switches(name);
  }
  for (const Link& link : spec.links) {
    proto::Link& to = *message.add_links();
    to.set_name(link.name);
    to.set_a(link.a);
    to.set_b(link.b);
    to.set_bytes_per_s(link.bytes_per_s);
    to.set_latency_s(link.latency.count());
    to.set_shared(link.shared);
  }
  for (const ExplicitRoute& route : spec.routes) {
    proto::Route& to = *message.add_routes();
    to.set_from(route.from);
    to.set_to(route.to);
    for (const std::string& link : route.links) {
      to.add_links(link);
    }
    to.set_staged(route.staged);
  }
  WriteProtoFile(path, kFormat, message);
}

}  // namespace placer
