#include "experiments/picture/network_layout.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "graphs/forward_ops.h"

namespace placer {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

bool IsBackward(const Op& op) { return op.role == OpRole::kBackward || op.role == OpRole::kUpdate; }

/// Per op, by the rule in the header; resident ops have that of an input.
std::vector<std::size_t> Positions(const Graph& graph) {
  const ForwardOps forward(graph);
  std::vector<std::size_t> position(graph.num_ops(), 0);
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const OpId op(i);
    if (IsBackward(graph.op(op))) {
      const OpId served = forward(op);
      position[i] = served < op || graph.is_resident(served) ? position[served.index()] : 0;
      continue;
    }
    const auto after = [&](OpId before) {
      if (!graph.is_resident(before)) {
        position[i] = std::max(position[i], position[before.index()] + 1);
      }
    };
    for (const TensorId input : graph.inputs(op)) {
      after(graph.tensor(input).producer);
    }
    for (const OpId before : graph.control_inputs(op)) {
      after(before);
    }
  }
  return position;
}

/// @param part_of_op  gets the part of every op that is not resident
std::vector<NetworkLayout::Part> FindParts(const Graph& graph, const Grouping& grouping,
                                           const std::vector<std::size_t>& position,
                                           std::vector<std::size_t>& part_of_op) {
  std::map<std::pair<bool, GroupId>, NetworkLayout::Part> found;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const OpId op(i);
    if (graph.is_resident(op)) {
      continue;
    }
    const bool backward = IsBackward(graph.op(op));
    const GroupId group = grouping.group(op);
    auto [at, is_new] = found.try_emplace({backward, group});
    NetworkLayout::Part& part = at->second;
    if (is_new) {
      part = {group, backward, position[i], position[i], 0, {}};
    }
    part.first = std::min(part.first, position[i]);
    part.last = std::max(part.last, position[i]);
    part.ops.push_back(op);
  }
  std::vector<NetworkLayout::Part> parts;
  for (auto& [key, part] : found) {
    parts.push_back(std::move(part));
  }
  std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) {
    return std::tie(a.backward, a.first, a.group) < std::tie(b.backward, b.first, b.group);
  });
  part_of_op.assign(graph.num_ops(), kNone);
  for (std::size_t p = 0; p < parts.size(); ++p) {
    for (const OpId op : parts[p].ops) {
      part_of_op[op.index()] = p;
    }
  }
  return parts;
}

std::vector<std::pair<std::size_t, std::size_t>> FindEdges(
    const Graph& graph, const std::vector<NetworkLayout::Part>& parts,
    const std::vector<std::size_t>& part_of_op) {
  std::vector<std::pair<std::size_t, std::size_t>> edges;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    for (const TensorId input : graph.inputs(OpId(i))) {
      const std::size_t from = part_of_op[graph.tensor(input).producer.index()];
      const std::size_t to = part_of_op[i];
      if (from != kNone && to != kNone && from != to &&
          parts[from].backward == parts[to].backward) {
        edges.emplace_back(from, to);
      }
    }
  }
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edges;
}

/// Gives lanes from left to right: to each part the lane of a neighbour to the left if that is
/// free, so that branches go straight on, else the lowest free one.
void AssignLanes(NetworkLayout& layout) {
  std::vector<std::vector<std::size_t>> neighbours(layout.parts.size());
  for (const auto& [from, to] : layout.edges) {
    neighbours[std::max(from, to)].push_back(std::min(from, to));
  }
  std::array<std::vector<std::size_t>, 2> free_from;  ///< per lane: its first free position
  for (std::size_t p = 0; p < layout.parts.size(); ++p) {
    NetworkLayout::Part& part = layout.parts[p];
    std::vector<std::size_t>& lanes = free_from[part.backward ? 1 : 0];
    std::size_t lane = kNone;
    for (const std::size_t neighbour : neighbours[p]) {
      const std::size_t candidate = layout.parts[neighbour].lane;
      if (lanes[candidate] <= part.first) {
        lane = std::min(lane, candidate);
      }
    }
    if (lane == kNone) {
      lane = static_cast<std::size_t>(
          std::find_if(lanes.begin(), lanes.end(),
                       [&](std::size_t free) { return free <= part.first; }) -
          lanes.begin());
    }
    if (lane == lanes.size()) {
      lanes.push_back(0);
    }
    lanes[lane] = part.last + 1;
    part.lane = lane;
  }
  layout.num_lanes = {free_from[0].size(), free_from[1].size()};
}

/// At every position the block that most of its forward ops are in; neighbours of one name join.
std::vector<NetworkLayout::Block> FindBlocks(const Graph& graph,
                                             const std::vector<std::size_t>& position,
                                             std::size_t num_positions) {
  std::vector<std::map<std::string_view, std::size_t>> count(num_positions);
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const Op& op = graph.op(OpId(i));
    if (op.role == OpRole::kForward) {
      ++count[position[i]][BlockOf(op.name)];
    }
  }
  std::vector<NetworkLayout::Block> blocks;
  for (std::size_t at = 0; at < num_positions; ++at) {
    const auto most =
        std::max_element(count[at].begin(), count[at].end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most == count[at].end() || most->first.empty()) {
      continue;
    }
    if (!blocks.empty() && blocks.back().name == most->first) {
      blocks.back().last = at;
    } else {
      blocks.push_back({std::string(most->first), at, at});
    }
  }
  return blocks;
}

}  // namespace

std::string_view BlockOf(std::string_view op_name) {
  op_name.remove_prefix(std::min(op_name.find_first_not_of('/'), op_name.size()));
  const std::size_t slash = op_name.find('/');
  return slash == std::string_view::npos ? std::string_view() : op_name.substr(0, slash);
}

NetworkLayout LayOutNetwork(const Graph& graph, const Grouping& grouping) {
  NetworkLayout layout;
  const std::vector<std::size_t> position = Positions(graph);
  std::vector<std::size_t> part_of_op;
  layout.parts = FindParts(graph, grouping, position, part_of_op);
  for (const NetworkLayout::Part& part : layout.parts) {
    layout.num_positions = std::max(layout.num_positions, part.last + 1);
  }
  layout.edges = FindEdges(graph, layout.parts, part_of_op);
  AssignLanes(layout);
  layout.blocks = FindBlocks(graph, position, layout.num_positions);
  return layout;
}

}  // namespace placer
