#include "policy/group_features.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include "graphs/base/error.h"
#include "graphs/base/fingerprint.h"
#include "policy/detail/op_types.h"

namespace placer {
namespace {

// Columns of GroupFeatures::dense.
enum Column : std::size_t {
  kFlops,
  kTraffic,
  kOutputBytes,
  kParameterBytes,
  kPersistentBytes,
  kOps,
  kBytesIn,   // from other groups
  kBytesOut,  // to other groups
  kGroupsIn,  // neighbours
  kGroupsOut,
  kPosition,             // index / number of groups
  kWaves,                // sin and cos of 2 pi position x {1, 2, 4}
  kMeanOp = kWaves + 6,  // mean position of the ops
  kDepth,                // of the deepest op: longest path from a source / longest path of all
  kRoles,                // share of ops per role
  kShape = kRoles + 5,   // last four dims of the largest output
  kRank = kShape + 4,
  kFlopsShare,  // square roots of the group's share of the whole graph
  kBytesShare,
  kParameterShare,
  kColumns,
};
static_assert(kColumns == GroupFeatures::kDense);

constexpr std::size_t kShapeDims = 4;

// Maps 1 .. 10^9 to about 0 .. 1, so that sizes of all kinds meet the network at one scale.
float LogScale(double value) {
  return static_cast<float>(std::log1p(std::max(value, 0.0)) / std::log(1e9));
}
float RootShare(double part, double whole) {
  return whole > 0 ? static_cast<float>(std::sqrt(part / whole)) : 0.0F;
}

struct GroupTotals {
  double flops = 0, traffic = 0, output = 0, parameter = 0, persistent = 0;
  double bytes_in = 0, bytes_out = 0;
  std::size_t groups_in = 0, groups_out = 0;
  double op_index = 0;
  std::uint32_t depth = 0;
  std::array<double, 5> roles{};
  const Tensor* largest = nullptr;
};

std::vector<std::uint32_t> Depths(const Graph& graph) {
  std::vector<std::uint32_t> depths(graph.num_ops(), 0);
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const auto visit = [&](OpId before) {
      depths[i] = std::max(depths[i], depths[before.index()] + 1);
    };
    for (const TensorId input : graph.inputs(OpId(i))) {
      visit(graph.tensor(input).producer);
    }
    for (const OpId before : graph.control_inputs(OpId(i))) {
      visit(before);
    }
  }
  return depths;
}

GroupTotals TotalsOf(const Graph& graph, std::span<const OpId> ops,
                     const std::vector<std::uint32_t>& depths) {
  GroupTotals totals;
  for (const OpId id : ops) {
    const Op& op = graph.op(id);
    totals.flops += static_cast<double>(op.flops);
    totals.traffic += static_cast<double>(op.traffic_bytes);
    totals.persistent += static_cast<double>(op.persistent_bytes);
    totals.op_index += static_cast<double>(id.index());
    totals.depth = std::max(totals.depth, depths[id.index()]);
    totals.roles[static_cast<std::size_t>(op.role)] += 1;
    for (std::size_t i = 0; i < graph.num_outputs(id); ++i) {
      const TensorId output(graph.first_output(id).index() + i);
      const Tensor& tensor = graph.tensor(output);
      if (tensor.storage == output) {
        (op.role == OpRole::kParameter ? totals.parameter : totals.output) +=
            static_cast<double>(tensor.bytes);
      }
      if (totals.largest == nullptr || tensor.bytes > totals.largest->bytes) {
        totals.largest = &tensor;
      }
    }
  }
  return totals;
}

/// Bytes between groups: each tensor once per reading group, control edges as 0 bytes.
std::map<std::pair<std::uint32_t, std::uint32_t>, double> EdgeBytes(const Graph& graph,
                                                                    const Grouping& grouping) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, double> bytes;
  const auto group_of = [&](OpId op) {
    return static_cast<std::uint32_t>(grouping.group(op).index());
  };
  std::vector<std::uint32_t> readers;
  for (std::size_t t = 0; t < graph.num_tensors(); ++t) {
    const std::uint32_t from = group_of(graph.tensor(TensorId(t)).producer);
    readers.clear();
    for (const OpId consumer : graph.consumers(TensorId(t))) {
      readers.push_back(group_of(consumer));
    }
    std::ranges::sort(readers);
    const auto repeated = std::ranges::unique(readers);
    readers.erase(repeated.begin(), repeated.end());
    for (const std::uint32_t to : readers) {
      if (to != from) {
        bytes[{from, to}] += static_cast<double>(graph.tensor(TensorId(t)).bytes);
      }
    }
  }
  for (std::size_t op = 0; op < graph.num_ops(); ++op) {
    for (const OpId before : graph.control_inputs(OpId(op))) {
      if (const auto from = group_of(before), to = group_of(OpId(op)); from != to) {
        bytes[{from, to}] += 0;
      }
    }
  }
  return bytes;
}

void AddTypes(const Graph& graph, std::span<const OpId> ops, GroupFeatures& features) {
  std::map<std::uint32_t, std::size_t> counts;
  for (const OpId op : ops) {
    ++counts[OpTypeId(graph.op(op).type)];
  }
  for (const auto& [type, count] : counts) {
    features.type_ids.push_back(type);
    features.type_weights.push_back(static_cast<float>(count) / static_cast<float>(ops.size()));
  }
  features.type_begin.push_back(static_cast<std::uint32_t>(features.type_ids.size()));
}

struct Scales {
  double flops = 0, bytes = 0, parameters = 0;
  double groups = 0, ops = 0;
  std::uint32_t depth = 0;
};

void FillPosition(std::size_t group, double num_ops, const GroupTotals& totals, const Scales& whole,
                  std::span<float> row) {
  const double position = static_cast<double>(group) / whole.groups;
  row[kPosition] = static_cast<float>(position);
  for (std::size_t i = 0; i < 3; ++i) {
    const double angle = 2 * std::numbers::pi * position * static_cast<double>(1U << i);
    row[kWaves + 2 * i] = static_cast<float>(std::sin(angle));
    row[kWaves + 2 * i + 1] = static_cast<float>(std::cos(angle));
  }
  row[kMeanOp] = static_cast<float>(totals.op_index / (num_ops * whole.ops));
  row[kDepth] =
      whole.depth == 0 ? 0.0F : static_cast<float>(totals.depth) / static_cast<float>(whole.depth);
}

void FillShape(const Tensor* largest, std::span<float> row) {
  if (largest == nullptr) {
    return;
  }
  const std::vector<std::int64_t>& shape = largest->shape;
  const std::size_t kept = std::min(shape.size(), kShapeDims);
  for (std::size_t i = 0; i < kept; ++i) {  // right-aligned, as shapes broadcast
    row[kShape + kShapeDims - kept + i] =
        LogScale(static_cast<double>(shape[shape.size() - kept + i]));
  }
  row[kRank] = static_cast<float>(shape.size()) / static_cast<float>(kShapeDims);
}

void FillRow(std::size_t group, double num_ops, const GroupTotals& totals, const Scales& whole,
             std::span<float> row) {
  row[kFlops] = LogScale(totals.flops);
  row[kTraffic] = LogScale(totals.traffic);
  row[kOutputBytes] = LogScale(totals.output);
  row[kParameterBytes] = LogScale(totals.parameter);
  row[kPersistentBytes] = LogScale(totals.persistent);
  row[kOps] = LogScale(num_ops);
  row[kBytesIn] = LogScale(totals.bytes_in);
  row[kBytesOut] = LogScale(totals.bytes_out);
  row[kGroupsIn] = LogScale(static_cast<double>(totals.groups_in));
  row[kGroupsOut] = LogScale(static_cast<double>(totals.groups_out));
  FillPosition(group, num_ops, totals, whole, row);
  for (std::size_t role = 0; role < totals.roles.size(); ++role) {
    row[kRoles + role] = static_cast<float>(totals.roles[role] / num_ops);
  }
  FillShape(totals.largest, row);
  row[kFlopsShare] = RootShare(totals.flops, whole.flops);
  row[kBytesShare] = RootShare(totals.output, whole.bytes);
  row[kParameterShare] = RootShare(totals.parameter, whole.parameters);
}

void AddEdges(const Graph& graph, const Grouping& grouping, std::vector<GroupTotals>& totals,
              GroupFeatures& features) {
  for (const auto& [ends, bytes] : EdgeBytes(graph, grouping)) {
    const auto [from, to] = ends;
    features.edges.push_back({from, to, LogScale(bytes)});
    totals[from].bytes_out += bytes;
    totals[to].bytes_in += bytes;
    ++totals[from].groups_out;
    ++totals[to].groups_in;
  }
}

void CheckAllowed(std::size_t num_groups, std::size_t num_devices,
                  std::span<const std::uint8_t> allowed) {
  if (allowed.size() != num_groups * num_devices) {
    throw std::invalid_argument("group features: allowed must be [num_groups, num_devices]");
  }
  for (std::size_t group = 0; group < num_groups; ++group) {
    const auto row = allowed.subspan(group * num_devices, num_devices);
    if (std::ranges::all_of(row, [](std::uint8_t ok) { return ok == 0; })) {
      throw InputError("group " + std::to_string(group) + ": no allowed device, expected one");
    }
  }
}

}  // namespace

std::uint32_t OpTypeId(std::string_view op_type) noexcept {
  const auto& known = detail::kKnownOpTypes;
  static_assert(known.size() < kNumOpTypeIds);
  const auto found = std::ranges::lower_bound(known, op_type);
  if (found != known.end() && *found == op_type) {
    return static_cast<std::uint32_t>(found - known.begin());
  }
  const std::uint64_t buckets = kNumOpTypeIds - known.size();
  return static_cast<std::uint32_t>(known.size() + Fingerprint().Add(op_type).value() % buckets);
}

GroupFeatures MakeGroupFeatures(const Graph& graph, const Grouping& grouping,
                                std::size_t num_devices, std::span<const std::uint8_t> allowed) {
  if (grouping.num_ops() != graph.num_ops()) {
    throw std::invalid_argument("group features: the grouping is of another graph");
  }
  CheckAllowed(grouping.num_groups(), num_devices, allowed);
  GroupFeatures features;
  features.num_groups = grouping.num_groups();
  features.num_devices = num_devices;
  features.allowed.assign(allowed.begin(), allowed.end());
  features.dense.resize(features.num_groups * GroupFeatures::kDense);
  features.type_begin.push_back(0);

  const std::vector<std::uint32_t> depths = Depths(graph);
  std::vector<GroupTotals> totals;
  Scales whole;
  whole.groups = static_cast<double>(features.num_groups);
  whole.ops = static_cast<double>(graph.num_ops());
  for (std::size_t group = 0; group < features.num_groups; ++group) {
    const auto ops = grouping.ops(GroupId(group));
    AddTypes(graph, ops, features);
    const GroupTotals& added = totals.emplace_back(TotalsOf(graph, ops, depths));
    whole.flops += added.flops;
    whole.bytes += added.output;
    whole.parameters += added.parameter;
    whole.depth = std::max(whole.depth, added.depth);
  }
  AddEdges(graph, grouping, totals, features);
  for (std::size_t group = 0; group < features.num_groups; ++group) {
    FillRow(
        group, static_cast<double>(grouping.ops(GroupId(group)).size()), totals[group], whole,
        std::span(features.dense).subspan(group * GroupFeatures::kDense, GroupFeatures::kDense));
  }
  return features;
}

}  // namespace placer
