#include "graphs/partitioning.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <unordered_map>

#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"
#include "graphs/base/text.h"
#include "graphs/detail/import_notes.h"
#include "graphs/detail/json_document.h"
#include "graphs/detail/json_field.h"
#include "graphs/detail/known_time.h"
#include "graphs/detail/sniff.h"
#include "graphs/model_file.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMaxMs = 1e9;      // 10^6 s, the longest time a cost model takes
constexpr double kMaxBytes = 1e15;  // sums of a million nodes fit 64 bits
constexpr double kMaxDevices = 1e6;
/// Edge costs of the published workloads are their bytes at this rate, the PCIe of that machine.
constexpr double kBytesPerSecond = 2147483648.0;
/// A host's memory is no limit in these workloads: 1 PiB.
constexpr std::int64_t kUnlimited = std::int64_t{1} << 50U;

std::int64_t Bytes(const JsonObject& object, std::string_view field) {
  return static_cast<std::int64_t>(std::llround(object.Number(field, 0, kMaxBytes)));
}

Seconds FromMs(double milliseconds) { return Seconds(milliseconds / 1e3); }

/// What the out-edges of a node say of its output.
struct Output {
  double cost_ms = 0;
  std::int64_t bytes = 0;
  std::string first_edge;  ///< which edge said it
};

class WorkloadReader {
 public:
  WorkloadReader(const Json& document, std::string name)
      : root_(document, ""), builder_(std::move(name)) {}

  LoadedModel Read() {
    ReadEdges();
    ReadNodes();
    Connect();
    LoadedModel model{.graph = std::move(builder_).Build()};
    model.devices = Devices();
    return model;
  }

 private:
  struct Edge {
    std::int64_t source = 0, destination = 0;
    std::string where;
  };

  void ReadEdges() {
    const Json& edges = root_.List("edges");
    for (std::size_t i = 0; i < edges.size(); ++i) {
      const JsonObject edge(edges[i], "edges[" + std::to_string(i) + "]");
      const std::int64_t source = edge.Whole("sourceId");
      edges_.push_back({source, edge.Whole("destId"), edge.where()});
      const double cost = edge.Number("cost", 0, kMaxMs);
      const std::int64_t bytes =
          edge.Has("size") ? Bytes(edge, "size")
                           : static_cast<std::int64_t>(std::llround(cost / 1e3 * kBytesPerSecond));
      const auto [output, first] = outputs_.try_emplace(source, Output{cost, bytes, edge.where()});
      if (!first && output->second.cost_ms != cost) {
        throw InputError(edge.where() + ": has cost " + Json(cost).dump() + ", expected " +
                         Json(output->second.cost_ms).dump() + ", that of " +
                         output->second.first_edge + " from the same node " +
                         std::to_string(source));
      }
      output->second.bytes = std::max(output->second.bytes, bytes);
    }
  }

  void ReadNodes() {
    const Json& nodes = root_.List("nodes");
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const JsonObject node(nodes[i], "nodes[" + std::to_string(i) + "]");
      const std::int64_t id = node.Whole("id");
      std::string name = node.Has("name") ? node.Text("name") : "";
      Op op{.name = names_.Make(name.empty() ? "node" + std::to_string(id) : name),
            .type = TypeOf(name),
            .role = node.Has("isBackwardNode") && node.Flag("isBackwardNode") ? OpRole::kBackward
                                                                              : OpRole::kForward,
            .persistent_bytes = node.Has("size") ? Bytes(node, "size") : 0,
            .source_name = std::to_string(id)};
      SetTimes(node, op);
      if (node.Has("colorClass")) {
        op.colocation_group = "color:" + std::to_string(node.Whole("colorClass"));
      }
      std::vector<TensorSpec> outputs;
      if (const auto output = outputs_.find(id); output != outputs_.end()) {
        outputs.push_back({.dtype = DataType::kUInt8,
                           .shape = {output->second.bytes},
                           .held_bytes = 0,  // the node's size has it
                           .copy_time = FromMs(output->second.cost_ms)});
      }
      if (!op_of_id_.emplace(id, builder_.AddOp(std::move(op), {}, std::move(outputs))).second) {
        throw InputError(node.where() + ": id " + std::to_string(id) +
                         " is given twice, expected unique ids");
      }
    }
    if (op_of_id_.empty()) {
      throw InputError("has no nodes, expected at least one");
    }
  }

  static void SetTimes(const JsonObject& node, Op& op) {
    const Seconds on_cpu = FromMs(node.Number("cpuLatency", 0, kMaxMs));
    const bool accelerated = !node.Has("supportedOnFpga") || node.Flag("supportedOnFpga");
    op.times.push_back({std::string(kCpuKind), on_cpu});
    if (accelerated) {
      const Seconds on_accelerator = FromMs(node.Number("fpgaLatency", 0, kMaxMs));
      op.times.push_back({std::string(kAcceleratorKind), on_accelerator});
      op.flops = StandInFlops(on_accelerator);
    } else {
      op.allowed_devices = {std::string(kCpuKind)};
      op.flops = StandInFlops(on_cpu);
    }
  }

  /// "Softmax" of "Softmax1", "BatchNormalization" of "BatchNormalization1_gpu_0/res_conv1_bn_1".
  static std::string TypeOf(const std::string& name) {
    const auto end = std::find_if_not(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    });
    return end == name.begin() ? "node" : std::string(name.begin(), end);
  }

  void Connect() {
    std::unordered_map<std::int64_t, std::vector<TensorId>> inputs;
    for (const Edge& edge : edges_) {
      for (const auto& [id, field] :
           {std::pair{edge.source, "sourceId"}, std::pair{edge.destination, "destId"}}) {
        if (!op_of_id_.contains(id)) {
          throw InputError(edge.where + ": " + field + " is " + std::to_string(id) +
                           ", but no node has that id");
        }
      }
      inputs[edge.destination].push_back(builder_.Output(op_of_id_.at(edge.source)));
    }
    for (const auto& [id, op] : op_of_id_) {
      if (const auto read = inputs.find(id); read != inputs.end()) {
        builder_.SetInputs(op, read->second);
      }
    }
  }

  [[nodiscard]] ModelDevices Devices() const {
    ModelDevices devices{.pools = {}, .bytes_per_s = kBytesPerSecond};
    const auto add = [&](std::string_view kind, std::string_view field, std::int64_t memory) {
      const auto count = static_cast<std::size_t>(root_.Number(field, 0, kMaxDevices));
      if (count > 0) {
        devices.pools.push_back({.kind = std::string(kind),
                                 .count = count,
                                 .memory_bytes = memory,
                                 .flops_per_s = kStandInFlopsPerSecond});
      }
    };
    if (root_.Has("maxFPGAs")) {
      add(kAcceleratorKind, "maxFPGAs",
          root_.Has("maxSizePerFPGA") ? Bytes(root_, "maxSizePerFPGA") : kUnlimited);
    }
    if (root_.Has("maxCPUs")) {
      add(kCpuKind, "maxCPUs", kUnlimited);
    }
    return devices;
  }

  JsonObject root_;
  GraphBuilder builder_;
  UniqueNames names_;
  std::vector<Edge> edges_;
  std::map<std::int64_t, Output> outputs_;
  std::map<std::int64_t, OpId> op_of_id_;
};

std::map<std::string, OpId> OpsById(const Graph& graph) {
  std::map<std::string, OpId> ops;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    ops.emplace(graph.op(OpId(i)).source_name, OpId(i));
  }
  return ops;
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kShares{
    std::pair{std::string_view("fpgas"), kAcceleratorKind},
    std::pair{std::string_view("cpus"), kCpuKind}};

std::vector<PartitioningShare> SplitFrom(const Json& document, const Graph& graph) {
  const JsonObject root(document, "");
  const std::map<std::string, OpId> by_id = OpsById(graph);
  std::vector<PartitioningShare> split;
  std::vector<char> held(graph.num_ops(), 0);
  for (const auto& [field, kind] : kShares) {
    const Json& devices = root.List(field);
    for (std::size_t d = 0; d < devices.size(); ++d) {
      const JsonObject device(devices[d], std::string(field) + "[" + std::to_string(d) + "]");
      PartitioningShare share{.kind = kind, .index = d, .ops = {}};
      for (const Json& id : device.List("nodes")) {
        const auto op = by_id.find(ShortJson(id));
        if (op == by_id.end()) {
          throw InputError(device.where() + ": has node " + ShortJson(id) + ", but graph '" +
                           graph.name() + "' has no such node");
        }
        if (held[op->second.index()]++ != 0) {
          throw InputError(device.where() + ": node " + ShortJson(id) +
                           " is on two devices, expected one");
        }
        share.ops.push_back(op->second);
      }
      split.push_back(std::move(share));
    }
  }
  const auto missing = std::find(held.begin(), held.end(), 0);
  if (missing != held.end()) {
    const Op& op = graph.op(OpId(static_cast<std::size_t>(missing - held.begin())));
    throw InputError("node " + op.source_name + " ('" + op.name + "') is on no device");
  }
  return split;
}

/// Sums of many small times, so precise that the result is rounded only when it is printed.
using Sum = long double;

Sum TimeOn(const Op& op, std::string_view kind) {
  const auto time = std::find_if(op.times.begin(), op.times.end(),
                                 [kind](const OpTime& t) { return t.device == kind; });
  if (time == op.times.end()) {
    throw InputError("op '" + op.name + "' has no time on a device of kind '" + std::string(kind) +
                     "', expected a partitioning workload");
  }
  return time->time.count();
}

}  // namespace

bool IsPartitioningFile(const ModelFile& file) {
  return HasJsonKey(file, {"nodes", "edges", "maxFPGAs", "maxCPUs", "maxSizePerFPGA"});
}

LoadedModel ImportPartitioning(const ModelFile& file, std::optional<std::int64_t> /*batch*/) {
  const std::string where = file.path().string();
  const Json document = ParseJsonDocument(file.content(), where);
  try {
    return WorkloadReader(document, file.stem()).Read();
  } catch (const InputError& error) {
    throw InputError(WithoutControlCharacters(error.what())).In(where);
  }
}

std::vector<PartitioningShare> ReadPartitioningSplit(const std::filesystem::path& path,
                                                     const Graph& graph) {
  const Json document = ParseJsonDocument(ReadWholeFile(path), path.string());
  try {
    return SplitFrom(document, graph);
  } catch (const InputError& error) {
    throw error.In(path.string());
  }
}

std::vector<double> SplitLoadsMs(const std::vector<PartitioningShare>& split, const Graph& graph) {
  std::vector<std::size_t> share_of_op(graph.num_ops(), 0);
  for (std::size_t s = 0; s < split.size(); ++s) {
    for (const OpId op : split[s].ops) {
      share_of_op[op.index()] = s;
    }
  }
  std::vector<Sum> loads(split.size(), 0);
  const auto pay = [&](std::size_t share, Sum seconds) {
    loads[share] += split[share].kind == kCpuKind ? 0 : seconds;
  };
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const std::size_t home = share_of_op[i];
    loads[home] += TimeOn(graph.op(OpId(i)), split[home].kind);
    for (std::size_t o = 0; o < graph.num_outputs(OpId(i)); ++o) {
      const TensorId tensor(graph.first_output(OpId(i)).index() + o);
      const Sum cost = graph.tensor(tensor).copy_time.value_or(Seconds(0)).count();
      std::vector<char> reads(split.size(), 0);
      for (const OpId reader : graph.consumers(tensor)) {
        reads[share_of_op[reader.index()]] = 1;
      }
      reads[home] = 0;
      for (std::size_t s = 0; s < reads.size(); ++s) {
        pay(s, reads[s] != 0 ? cost : 0);
      }
      pay(home, std::find(reads.begin(), reads.end(), 1) != reads.end() ? cost : 0);
    }
  }
  std::vector<double> milliseconds;
  for (const Sum load : loads) {
    milliseconds.push_back(static_cast<double>(load * 1e3L));
  }
  return milliseconds;
}

}  // namespace placer
