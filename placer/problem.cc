#include "placer/problem.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "graphs/base/error.h"
#include "graphs/base/fingerprint.h"

namespace placer {
namespace {

std::string NameOf(const Graph& graph, const Grouping& grouping, GroupId group) {
  return "group " + std::to_string(group.index()) + " of graph '" + graph.name() + "' (first op '" +
         graph.op(grouping.ops(group).front()).name + "')";
}

/// One edge per (producing group, reading group) of every tensor and control edge, unsorted.
std::vector<Problem::GroupEdge> CollectEdges(const Graph& graph, const Grouping& grouping) {
  std::vector<Problem::GroupEdge> edges;
  std::vector<GroupId> readers;
  const auto add = [&](GroupId from, std::span<const OpId> consumers, std::int64_t bytes) {
    readers.clear();
    for (const OpId consumer : consumers) {
      if (grouping.group(consumer) != from) {
        readers.push_back(grouping.group(consumer));
      }
    }
    std::sort(readers.begin(), readers.end());
    readers.erase(std::unique(readers.begin(), readers.end()), readers.end());
    for (const GroupId reader : readers) {
      edges.push_back({from, reader, bytes});
    }
  };
  for (std::size_t t = 0; t < graph.num_tensors(); ++t) {
    const Tensor& tensor = graph.tensor(TensorId(t));
    add(grouping.group(tensor.producer), graph.consumers(TensorId(t)), tensor.bytes);
  }
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    add(grouping.group(OpId(i)), graph.control_consumers(OpId(i)), 0);
  }
  return edges;
}

std::vector<Problem::GroupEdge> MergeEdges(std::vector<Problem::GroupEdge> edges) {
  std::sort(edges.begin(), edges.end(), [](const auto& a, const auto& b) {
    return std::pair(a.from, a.to) < std::pair(b.from, b.to);
  });
  std::vector<Problem::GroupEdge> merged;
  for (const Problem::GroupEdge& edge : edges) {
    if (!merged.empty() && merged.back().from == edge.from && merged.back().to == edge.to) {
      merged.back().bytes += edge.bytes;
    } else {
      merged.push_back(edge);
    }
  }
  return merged;
}

}  // namespace

Problem::Problem(const CostModel& costs, const Runner& runner, Grouping grouping,
                 std::span<const ApartRule> apart)
    : costs_(costs), runner_(runner), grouping_(std::move(grouping)) {
  if (grouping_.num_ops() != graph().num_ops() || costs_.num_ops() != graph().num_ops() ||
      costs_.num_devices() != cluster().num_devices()) {
    throw std::logic_error("Problem: graph, cluster, costs and grouping do not belong together");
  }
  ComputeGroups();
  edges_ = MergeEdges(CollectEdges(graph(), grouping_));
  separation_ = Separate(apart);
}

Problem::Problem(const Problem& other, const Runner& runner)
    : costs_(other.costs_),
      runner_(runner),
      grouping_(other.grouping_),
      allowed_(other.allowed_),
      group_time_(other.group_time_),
      resident_bytes_(other.resident_bytes_),
      output_bytes_(other.output_bytes_),
      edges_(other.edges_),
      separation_(other.separation_) {
  if (&runner.graph() != &other.graph() || &runner.cluster() != &other.cluster()) {
    throw std::logic_error("Problem: the runner is bound to another graph or cluster");
  }
}

Separation Problem::Separate(std::span<const ApartRule> apart) const {
  std::vector<std::uint32_t> group_of_op;
  for (const GroupId group : grouping_.group_of_op()) {
    group_of_op.push_back(static_cast<std::uint32_t>(group.index()));
  }
  std::vector<Separation::DeviceSet> allowed;
  for (const std::vector<DeviceId>& devices : allowed_) {
    allowed.push_back(0);
    for (const DeviceId device : devices) {
      allowed.back() |= Separation::DeviceSet{1} << device.index();
    }
  }
  return {apart, group_of_op, allowed};
}

void Problem::ComputeGroups() {
  allowed_.resize(num_groups());
  group_time_.assign(num_groups() * num_devices(), 0);
  resident_bytes_.assign(num_groups(), 0);
  output_bytes_.assign(num_groups(), 0);
  for (std::size_t g = 0; g < num_groups(); ++g) {
    for (std::size_t d = 0; d < num_devices(); ++d) {
      std::int64_t& total = group_time_[g * num_devices() + d];
      for (const OpId op : grouping_.ops(GroupId(g))) {
        total =
            costs_.allowed(op, DeviceId(d)) ? total + costs_.op_time(op, DeviceId(d)).count() : -1;
        if (total < 0) {
          break;
        }
      }
      if (total >= 0) {
        allowed_[g].emplace_back(d);
      }
    }
    if (allowed_[g].empty()) {
      throw InputError(NameOf(graph(), grouping_, GroupId(g)) +
                       ": its ops have no allowed device in common on cluster '" +
                       cluster().name() + "', expected at least one");
    }
    for (const OpId op : grouping_.ops(GroupId(g))) {
      AddBytes(op, g);
    }
  }
}

void Problem::AddBytes(OpId op, std::size_t group) {
  resident_bytes_[group] += ResidentBytes(graph(), op);
  for (std::size_t i = 0; i < graph().num_outputs(op); ++i) {
    const TensorId id(graph().first_output(op).index() + i);
    output_bytes_[group] += graph().tensor(id).held_bytes;
  }
}

std::string Problem::Identity() const {
  Fingerprint grouping;
  for (const GroupId group : grouping_.group_of_op()) {
    grouping.Add(static_cast<std::int64_t>(group.index()));
  }
  std::string apart;
  if (!separation_.empty()) {
    apart = ", apart " + std::to_string(separation_.fingerprint());
  }
  return "graph " + std::to_string(graph().fingerprint()) + ", cluster " +
         std::to_string(cluster().fingerprint()) + ", grouping " +
         std::to_string(grouping.value()) + apart;
}

Placement Problem::Expand(std::span<const DeviceId> device_of_group) const {
  if (device_of_group.size() != num_groups()) {
    throw std::logic_error("Expand: " + std::to_string(device_of_group.size()) +
                           " devices given, expected one for each of " +
                           std::to_string(num_groups()) + " groups");
  }
  std::vector<DeviceId> device_of_op;
  device_of_op.reserve(graph().num_ops());
  for (const GroupId group : grouping_.group_of_op()) {
    device_of_op.push_back(device_of_group[group.index()]);
  }
  return Placement(std::move(device_of_op));
}

GroupPlacement Problem::Collapse(const Placement& placement) const {
  if (placement.num_ops() != graph().num_ops()) {
    throw InputError("placement for graph '" + graph().name() +
                     "': " + std::to_string(placement.num_ops()) + " ops found, expected " +
                     std::to_string(graph().num_ops()));
  }
  GroupPlacement groups;
  groups.reserve(num_groups());
  for (std::size_t g = 0; g < num_groups(); ++g) {
    const std::span<const OpId> ops = grouping_.ops(GroupId(g));
    const DeviceId device = placement.device(ops.front());
    for (const OpId op : ops) {
      if (placement.device(op) != device) {
        throw InputError("placement for graph '" + graph().name() + "': op '" +
                         graph().op(op).name + "' is on another device than op '" +
                         graph().op(ops.front()).name + "', expected the same: they are one group");
      }
    }
    groups.push_back(device);
  }
  return groups;
}

}  // namespace placer
