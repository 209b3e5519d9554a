#include "graphs/detail/graphdef_order.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <unordered_map>

#include "graphs/base/error.h"
#include "graphs/detail/graphdef_types.h"
#include "graphs/detail/import_notes.h"

namespace placer::graphdef {
namespace {

using Edges = std::vector<std::vector<std::uint32_t>>;

/// For every node, those it waits for.
Edges FindInputs(const tf::GraphDef& graph) {
  std::unordered_map<std::string_view, std::uint32_t> by_name;
  for (int i = 0; i < graph.node_size(); ++i) {
    const std::string& name = graph.node(i).name();
    if (name.empty()) {
      throw InputError("node #" + std::to_string(i) + " (" + graph.node(i).op() +
                       ") has no name, expected one");
    }
    if (!by_name.emplace(name, static_cast<std::uint32_t>(i)).second) {
      throw InputError("node '" + name + "': the name is used twice, expected unique names");
    }
  }
  Edges inputs(static_cast<std::size_t>(graph.node_size()));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const tf::NodeDef& node = graph.node(static_cast<int>(i));
    for (const std::string& input : node.input()) {
      try {
        const auto producer = by_name.find(ParseInput(input).node);
        if (producer == by_name.end()) {
          throw InputError("input '" + input + "' has no producer, expected a node's name");
        }
        inputs[i].push_back(producer->second);
      } catch (const InputError& error) {
        throw error.In("node '" + node.name() + "'");
      }
    }
  }
  return inputs;
}

/// Strongly connected components (Tarjan 1972), without recursion: a chain may be a million long.
class Components {
 public:
  explicit Components(const Edges& edges)
      : edges_(edges),
        component(edges.size(), 0),
        index_(edges.size(), 0),
        low_(edges.size(), 0),
        next_edge_(edges.size(), 0),
        on_stack_(edges.size(), 0) {
    for (std::uint32_t node = 0; node < edges.size(); ++node) {
      if (index_[node] == 0) {
        Visit(node);
      }
    }
  }

 private:
  void Enter(std::uint32_t node) {
    index_[node] = low_[node] = ++counter_;
    on_stack_[node] = 1;
    stack_.push_back(node);
    path_.push_back(node);
  }

  void Visit(std::uint32_t root) {
    Enter(root);
    while (!path_.empty()) {
      const std::uint32_t node = path_.back();
      if (next_edge_[node] < edges_[node].size()) {
        const std::uint32_t to = edges_[node][next_edge_[node]++];
        if (index_[to] == 0) {
          Enter(to);
        } else if (on_stack_[to] != 0) {
          low_[node] = std::min(low_[node], index_[to]);
        }
        continue;
      }
      path_.pop_back();
      if (!path_.empty()) {
        low_[path_.back()] = std::min(low_[path_.back()], low_[node]);
      }
      if (low_[node] == index_[node]) {
        Leave(node);
      }
    }
  }

  void Leave(std::uint32_t root) {
    std::uint32_t node = 0;
    do {
      node = stack_.back();
      stack_.pop_back();
      on_stack_[node] = 0;
      component[node] = count;
    } while (node != root);
    ++count;
  }

  const Edges& edges_;

 public:
  std::vector<std::uint32_t> component;
  std::uint32_t count = 0;

 private:
  std::vector<std::uint32_t> index_, low_;
  std::vector<std::size_t> next_edge_;
  std::vector<char> on_stack_;
  std::vector<std::uint32_t> stack_, path_;
  std::uint32_t counter_ = 0;
};

/// Components by their first node in the file.
std::vector<NodeOrder::Unit> MakeUnits(const Edges& inputs,
                                       std::vector<std::size_t>& unit_of_node) {
  const Components components(inputs);
  constexpr std::size_t kNone = ~std::size_t{0};
  std::vector<std::size_t> unit_of_component(components.count, kNone);
  std::vector<NodeOrder::Unit> units;
  for (std::size_t node = 0; node < inputs.size(); ++node) {
    std::size_t& unit = unit_of_component[components.component[node]];
    if (unit == kNone) {
      unit = units.size();
      units.emplace_back();
    }
    units[unit].nodes.push_back(static_cast<int>(node));
    unit_of_node.push_back(unit);
    units[unit].loop =
        units[unit].nodes.size() > 1 ||
        std::find(inputs[node].begin(), inputs[node].end(), node) != inputs[node].end();
  }
  return units;
}

/// A loop is called after its frame, which the nodes that enter it name.
std::string LoopName(const tf::GraphDef& graph, const Edges& inputs, const NodeOrder::Unit& unit) {
  for (const int node : unit.nodes) {
    for (const std::uint32_t input : inputs[static_cast<std::size_t>(node)]) {
      const std::string_view frame = TextAttr(graph.node(static_cast<int>(input)), "frame_name");
      if (!frame.empty()) {
        return std::string(frame);
      }
    }
  }
  return graph.node(unit.nodes.front()).name();
}

std::vector<std::size_t> TopologicalOrder(const Edges& inputs, const NodeOrder& order) {
  const std::size_t size = order.units.size();
  std::vector<std::vector<std::size_t>> next(size);
  std::vector<std::size_t> waiting(size, 0);
  for (std::size_t node = 0; node < inputs.size(); ++node) {
    const std::size_t to = order.unit_of_node[node];
    for (const std::uint32_t input : inputs[node]) {
      const std::size_t from = order.unit_of_node[input];
      if (from != to) {
        next[from].push_back(to);
        ++waiting[to];
      }
    }
  }
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t unit = 0; unit < size; ++unit) {
    if (waiting[unit] == 0) {
      ready.push(unit);
    }
  }
  std::vector<std::size_t> sorted;
  while (!ready.empty()) {
    const std::size_t unit = ready.top();
    ready.pop();
    sorted.push_back(unit);
    for (const std::size_t reader : next[unit]) {
      if (--waiting[reader] == 0) {
        ready.push(reader);
      }
    }
  }
  return sorted;
}

}  // namespace

NodeOrder OrderNodes(const tf::GraphDef& graph) {
  const Edges inputs = FindInputs(graph);
  NodeOrder order;
  order.units = MakeUnits(inputs, order.unit_of_node);
  UniqueNames names;
  for (NodeOrder::Unit& unit : order.units) {
    if (!unit.loop) {
      unit.name = names.Make(graph.node(unit.nodes.front()).name());
    }
  }
  for (NodeOrder::Unit& unit : order.units) {
    if (unit.loop) {
      unit.name = names.Make(LoopName(graph, inputs, unit));
    }
  }
  const std::vector<std::size_t> sorted = TopologicalOrder(inputs, order);
  NodeOrder result;
  result.unit_of_node.resize(inputs.size());
  for (const std::size_t unit : sorted) {
    for (const int node : order.units[unit].nodes) {
      result.unit_of_node[static_cast<std::size_t>(node)] = result.units.size();
    }
    result.units.push_back(std::move(order.units[unit]));
  }
  return result;
}

}  // namespace placer::graphdef
