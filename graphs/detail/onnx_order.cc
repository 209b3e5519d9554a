#include "graphs/detail/onnx_order.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "graphs/base/error.h"
#include "graphs/base/text.h"
#include "graphs/detail/onnx_types.h"

namespace placer::onnx_detail {
namespace {

constexpr int kOutside = -1;  // graph inputs and initializers

using Producers = std::unordered_map<std::string, int>;
using NameSet = std::unordered_set<std::string>;

void AddUnique(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    names.push_back(name);
  }
}

/// Adds what the subgraph reads and neither it nor a graph around it (`known`) makes.
void CaptureFrom(const onnx::GraphProto& graph, NameSet known, std::vector<std::string>& captured) {
  for (const auto& input : graph.input()) {
    known.insert(input.name());
  }
  for (const auto& initializer : graph.initializer()) {
    known.insert(initializer.name());
  }
  for (const auto& node : graph.node()) {
    known.insert(node.output().begin(), node.output().end());
  }
  const auto read = [&](const std::string& name) {
    if (!name.empty() && !known.contains(name)) {
      AddUnique(captured, name);
    }
  };
  for (const auto& node : graph.node()) {
    std::for_each(node.input().begin(), node.input().end(), read);
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) {
        CaptureFrom(attribute.g(), known, captured);
      }
      for (const auto& subgraph : attribute.graphs()) {
        CaptureFrom(subgraph, known, captured);
      }
    }
  }
  for (const auto& output : graph.output()) {
    read(output.name());
  }
}

/// Who makes every value.
Producers FindProducers(const onnx::GraphProto& graph) {
  Producers producers;
  for (const auto& input : graph.input()) {
    if (!producers.emplace(input.name(), kOutside).second) {
      throw InputError("input " + Quoted(input.name()) + " is given twice, expected unique names");
    }
  }
  NameSet initializers;
  const auto add_initializer = [&](const std::string& name) {
    if (!initializers.insert(name).second) {
      throw InputError("initializer " + Quoted(name) + " is given twice, expected unique names");
    }
    producers.emplace(name, kOutside);  // old models list initializers as inputs too
  };
  for (const auto& initializer : graph.initializer()) {
    add_initializer(initializer.name());
  }
  for (const auto& initializer : graph.sparse_initializer()) {
    add_initializer(initializer.values().name());
  }
  for (int i = 0; i < graph.node_size(); ++i) {
    for (const std::string& output : graph.node(i).output()) {
      if (output.empty()) {
        continue;
      }
      const auto [other, fresh] = producers.emplace(output, i);
      if (!fresh) {
        throw InputError(NodeText(graph, i) + ": output " + Quoted(output) +
                         " is already produced by " +
                         (other->second == kOutside ? "an input or initializer"
                                                    : NodeText(graph, other->second)) +
                         ", expected unique names");
      }
    }
  }
  return producers;
}

/// The producers each node waits for.
std::vector<std::vector<int>> FindPredecessors(const onnx::GraphProto& graph,
                                               const Producers& producers) {
  std::vector<std::vector<int>> predecessors(static_cast<std::size_t>(graph.node_size()));
  for (int i = 0; i < graph.node_size(); ++i) {
    const NodeReads reads = ReadsOf(graph.node(i));
    for (const auto* names : {&reads.inputs, &reads.captured}) {
      for (const std::string& name : *names) {
        if (name.empty()) {
          continue;
        }
        const auto producer = producers.find(name);
        if (producer == producers.end()) {
          throw InputError(NodeText(graph, i) + ": input " + Quoted(name) +
                           " has no producer, expected an input, an initializer or a node's "
                           "output");
        }
        if (producer->second != kOutside) {
          predecessors[static_cast<std::size_t>(i)].push_back(producer->second);
        }
      }
    }
  }
  return predecessors;
}

/// Every node in `waiting` waits for another one in it: walking backwards must come round.
[[noreturn]] void ThrowCycle(const onnx::GraphProto& graph,
                             const std::vector<std::vector<int>>& predecessors,
                             const std::vector<int>& waiting) {
  int at = static_cast<int>(
      std::find_if(waiting.begin(), waiting.end(), [](int n) { return n > 0; }) - waiting.begin());
  const auto step = [&](int node) {
    const auto& before = predecessors[static_cast<std::size_t>(node)];
    return *std::find_if(before.begin(), before.end(),
                         [&](int p) { return waiting[static_cast<std::size_t>(p)] > 0; });
  };
  std::vector<char> seen(waiting.size(), 0);
  while (seen[static_cast<std::size_t>(at)] == 0) {
    seen[static_cast<std::size_t>(at)] = 1;
    at = step(at);
  }
  const int start = at;
  int length = 0;
  std::string path;
  do {
    if (++length <= 4) {
      path += NodeText(graph, at) + " <- ";
    }
    at = step(at);
  } while (at != start);
  throw InputError(NodeText(graph, start) + ": is on a cycle of " + std::to_string(length) +
                   " nodes (" + path + (length > 4 ? "... <- " : "") + NodeText(graph, start) +
                   "), expected an acyclic graph");
}

}  // namespace

NodeReads ReadsOf(const onnx::NodeProto& node) {
  NodeReads reads;
  reads.inputs.assign(node.input().begin(), node.input().end());
  for (const auto& attribute : node.attribute()) {
    if (attribute.has_g()) {
      CaptureFrom(attribute.g(), {}, reads.captured);
    }
    for (const auto& subgraph : attribute.graphs()) {
      CaptureFrom(subgraph, {}, reads.captured);
    }
  }
  return reads;
}

std::string NodeText(const onnx::GraphProto& graph, int node) {
  const auto& proto = graph.node(node);
  return proto.name().empty() ? "node #" + std::to_string(node) + " (" + proto.op_type() + ")"
                              : "node " + Quoted(proto.name());
}

std::vector<int> OrderNodes(const onnx::GraphProto& graph) {
  const auto predecessors = FindPredecessors(graph, FindProducers(graph));
  const std::size_t size = predecessors.size();
  std::vector<std::vector<int>> next(size);
  std::vector<int> waiting(size, 0);
  for (std::size_t i = 0; i < size; ++i) {
    for (const int before : predecessors[i]) {
      next[static_cast<std::size_t>(before)].push_back(static_cast<int>(i));
      ++waiting[i];
    }
  }
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (std::size_t i = 0; i < size; ++i) {
    if (waiting[i] == 0) {
      ready.push(static_cast<int>(i));
    }
  }
  std::vector<int> order;
  order.reserve(size);
  while (!ready.empty()) {
    const int node = ready.top();
    ready.pop();
    order.push_back(node);
    for (const int consumer : next[static_cast<std::size_t>(node)]) {
      if (--waiting[static_cast<std::size_t>(consumer)] == 0) {
        ready.push(consumer);
      }
    }
  }
  if (order.size() < size) {
    ThrowCycle(graph, predecessors, waiting);
  }
  return order;
}

}  // namespace placer::onnx_detail
