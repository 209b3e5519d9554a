#include "cost_model/placement_io.h"

#include <array>
#include <cstdio>
#include <string_view>

#include "cost_model/placement.pb.h"
#include "graphs/base/csv.h"
#include "graphs/base/error.h"
#include "graphs/base/proto_file.h"
#include "graphs/base/replace_file.h"
#include "graphs/base/text.h"

namespace placer {
namespace {

constexpr ProtoFormat kFormat{"a Placer placement", "placer.placement/1"};

std::string Hex(std::uint64_t fingerprint) {
  std::array<char, 20> text{};
  (void)std::snprintf(text.data(), text.size(), "%016llx",
                      static_cast<unsigned long long>(fingerprint));
  return text.data();
}

std::string Csv(const SavedPlacement& saved) {
  std::string text = "op,device\n";
  for (const auto& [op, device] : saved.device_of_op) {
    text += CsvField(op) + ',' + CsvField(device) + '\n';
  }
  return text;
}

DeviceId DeviceNamed(const std::string& op, const std::string& name, const SavedPlacement& saved,
                     const Cluster& cluster) {
  if (const auto device = cluster.FindDevice(name)) {
    return *device;
  }
  std::string known;
  for (const Device& device : cluster.devices()) {
    known += (known.empty() ? "" : ", ") + Quoted(device.name);
  }
  throw InputError(
      "op " + Quoted(op) + ": device " + Quoted(name) + " is not in cluster " +
      Quoted(cluster.name()) + ", expected one of " + known +
      (saved.cluster_name.empty() || saved.cluster_name == cluster.name()
           ? ""
           : " (the placement was made for cluster " + Quoted(saved.cluster_name) + ")"));
}

proto::Placement ToMessage(const SavedPlacement& saved) {
  proto::Placement message;
  message.set_graph_name(saved.graph_name);
  message.set_cluster_name(saved.cluster_name);
  message.set_graph_fingerprint(saved.graph_fingerprint);
  message.set_cluster_fingerprint(saved.cluster_fingerprint);
  message.set_method(saved.method);
  message.set_seed(saved.seed);
  if (saved.step_time_seconds) {
    message.set_step_time_s(*saved.step_time_seconds);
  }
  for (const auto& [op, device] : saved.device_of_op) {
    proto::Assignment& assignment = *message.add_ops();
    assignment.set_op(op);
    assignment.set_device(device);
  }
  return message;
}

SavedPlacement FromMessage(const proto::Placement& message) {
  SavedPlacement saved;
  saved.graph_name = message.graph_name();
  saved.cluster_name = message.cluster_name();
  saved.graph_fingerprint = message.graph_fingerprint();
  saved.cluster_fingerprint = message.cluster_fingerprint();
  saved.method = message.method();
  saved.seed = message.seed();
  if (message.has_step_time_s()) {
    saved.step_time_seconds = message.step_time_s();
  }
  for (const proto::Assignment& assignment : message.ops()) {
    saved.device_of_op.emplace_back(assignment.op(), assignment.device());
  }
  return saved;
}

}  // namespace

SavedPlacement Save(const Placement& placement, const Graph& graph, const Cluster& cluster) {
  SavedPlacement saved;
  saved.graph_name = graph.name();
  saved.cluster_name = cluster.name();
  saved.graph_fingerprint = graph.fingerprint();
  saved.cluster_fingerprint = cluster.fingerprint();
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    saved.device_of_op.emplace_back(graph.op(OpId(i)).name,
                                    cluster.device(placement.device(OpId(i))).name);
  }
  return saved;
}

std::vector<std::string> DevicesOfOps(const SavedPlacement& saved, const Graph& graph) {
  if (saved.graph_fingerprint != 0 && saved.graph_fingerprint != graph.fingerprint()) {
    throw InputError("the placement was made for graph " + Quoted(saved.graph_name) +
                     " (fingerprint " + Hex(saved.graph_fingerprint) + ", " +
                     std::to_string(saved.device_of_op.size()) + " ops), expected " +
                     Quoted(graph.name()) + " (fingerprint " + Hex(graph.fingerprint()) + ", " +
                     std::to_string(graph.num_ops()) + " ops)");
  }
  std::vector<std::string> devices(graph.num_ops());
  std::vector<bool> placed(graph.num_ops(), false);
  for (const auto& [name, device] : saved.device_of_op) {
    const auto op = graph.FindOp(name);
    if (!op) {
      throw InputError("op " + Quoted(name) + " is not in graph " + Quoted(graph.name()));
    }
    if (placed[op->index()]) {
      throw InputError("op " + Quoted(name) + ": is placed twice");
    }
    placed[op->index()] = true;
    devices[op->index()] = device;
  }
  for (std::size_t i = 0; i < placed.size(); ++i) {
    if (!placed[i]) {
      throw InputError("op " + Quoted(graph.op(OpId(i)).name) +
                       ": has no device in the placement, expected one for each of the " +
                       std::to_string(graph.num_ops()) + " ops");
    }
  }
  return devices;
}

Placement Restore(const SavedPlacement& saved, const Graph& graph, const Cluster& cluster) {
  const std::vector<std::string> devices = DevicesOfOps(saved, graph);
  std::vector<DeviceId> device_of_op;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    device_of_op.push_back(DeviceNamed(graph.op(OpId(i)).name, devices[i], saved, cluster));
  }
  return Placement(std::move(device_of_op));
}

SavedPlacement ReadPlacement(const std::filesystem::path& path) {
  proto::Placement message;
  ReadProtoFile(path, kFormat, message);
  return FromMessage(message);
}

void WritePlacement(const SavedPlacement& saved, const std::filesystem::path& path) {
  const std::string suffix = path.extension().string();
  if (suffix == ".csv") {
    ReplaceFile(path, Csv(saved));
    return;
  }
  if (suffix != ".pb" && suffix != ".txtpb" && suffix != ".json") {
    throw InputError(path.string() + ": unknown suffix '" + suffix +
                     "', expected .pb, .txtpb, .json or .csv");
  }
  proto::Placement message = ToMessage(saved);
  WriteProtoFile(path, kFormat, message);
}

std::string PlacementToBytes(const SavedPlacement& saved) {
  proto::Placement message = ToMessage(saved);
  message.set_format(std::string(kFormat.format));
  return message.SerializeAsString();
}

SavedPlacement PlacementFromBytes(std::string_view bytes, const std::string& where) {
  proto::Placement message;
  ParseProto(bytes, where, kFormat, message);
  return FromMessage(message);
}

}  // namespace placer
