#include "graphs/detail/onnx_parts.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "graphs/base/error.h"
#include "graphs/base/text.h"
#include "graphs/base/union_find.h"
#include "graphs/detail/onnx_types.h"

namespace placer::onnx_detail {
namespace {

class Cutter {
 public:
  Cutter(const onnx::GraphProto& graph, const PlacedNodes& nodes)
      : graph_(graph),
        nodes_(nodes),
        constant_(nodes.order.size(), false),
        level_(nodes.order.size(), 0),
        part_(nodes.order.size(), 0) {
    for (const auto& tensor : graph.initializer()) {
      initializers_.insert(tensor.name());
    }
    for (const auto& tensor : graph.sparse_initializer()) {
      initializers_.insert(tensor.values().name());
    }
    for (const auto& output : graph.output()) {
      outputs_.insert(output.name());
      if (initializers_.contains(output.name())) {
        throw InputError(
            "output " + Quoted(output.name()) +
            ": is an initializer, expected an output of a node: no part could give it");
      }
    }
  }

  std::vector<NodePart> Run() {
    FindConstants();
    AssignParts();
    for (const int node : nodes_.order) {
      if (!constant_[Index(node)]) {
        parts_[part_[Index(node)]].nodes.push_back(node);
        parts_[part_[Index(node)]].device = nodes_.device[Index(node)];
      }
    }
    FindCuts();
    for (NodePart& part : parts_) {
      AddConstants(part);
    }
    return std::move(parts_);
  }

 private:
  static std::size_t Index(int node) { return static_cast<std::size_t>(node); }

  [[nodiscard]] const int* Producer(const std::string& value) const {
    const auto found = nodes_.producer.find(value);
    return found == nodes_.producer.end() ? nullptr : &found->second;
  }

  void FindConstants() {
    for (const int node : nodes_.order) {
      const auto& outputs = graph_.node(node).output();
      const auto& reads = nodes_.reads[Index(node)];
      constant_[Index(node)] =
          nodes_.folded[Index(node)] &&
          std::none_of(outputs.begin(), outputs.end(),
                       [&](const std::string& output) { return outputs_.contains(output); }) &&
          std::all_of(reads.begin(), reads.end(), [&](const std::string& value) {
            const int* producer = Producer(value);
            return producer != nullptr ? constant_[Index(*producer)]
                                       : initializers_.contains(value);
          });
    }
  }

  void AssignParts() {
    UnionFind connected(nodes_.order.size());
    for (const int node : nodes_.order) {
      for (const std::string& value : nodes_.reads[Index(node)]) {
        const int* before = Producer(value);
        if (before == nullptr || constant_[Index(*before)]) {
          continue;
        }
        const bool same = nodes_.device[Index(*before)] == nodes_.device[Index(node)];
        level_[Index(node)] =
            std::max(level_[Index(node)], level_[Index(*before)] + (same ? 0 : 1));
      }
      for (const std::string& value : nodes_.reads[Index(node)]) {
        const int* before = Producer(value);
        if (before != nullptr && !constant_[Index(*before)] &&
            nodes_.device[Index(*before)] == nodes_.device[Index(node)] &&
            level_[Index(*before)] == level_[Index(node)]) {
          connected.Union(Index(*before), Index(node));
        }
      }
    }
    // By level, then by the first node in the order.
    std::map<std::size_t, std::size_t> number;
    std::vector<std::tuple<int, std::size_t, std::size_t>> keys;
    for (std::size_t i = 0; i < nodes_.order.size(); ++i) {
      const int node = nodes_.order[i];
      const std::size_t leader = connected.Find(Index(node));
      if (!constant_[Index(node)] && number.try_emplace(leader, 0).second) {
        keys.emplace_back(level_[Index(node)], i, leader);
      }
    }
    std::sort(keys.begin(), keys.end());
    for (std::size_t k = 0; k < keys.size(); ++k) {
      number[std::get<2>(keys[k])] = k;
    }
    parts_.resize(keys.size());
    for (const int node : nodes_.order) {
      if (!constant_[Index(node)]) {
        part_[Index(node)] = number[connected.Find(Index(node))];
      }
    }
  }

  void FindCuts() {
    std::vector<std::set<std::string>> inputs(parts_.size()), weights(parts_.size());
    std::set<std::string> cut;
    for (const int node : nodes_.order) {
      if (constant_[Index(node)]) {
        continue;
      }
      const std::size_t part = part_[Index(node)];
      for (const std::string& value : nodes_.reads[Index(node)]) {
        const int* producer = Producer(value);
        if (producer == nullptr && initializers_.contains(value)) {
          AddOnce(value, weights[part], parts_[part].initializers);
        } else if (producer == nullptr ||
                   (!constant_[Index(*producer)] && part_[Index(*producer)] != part)) {
          AddOnce(value, inputs[part], parts_[part].inputs);
          cut.insert(value);
        }
      }
    }
    for (const int node : nodes_.order) {
      for (const std::string& output : graph_.node(node).output()) {
        if (cut.contains(output) || outputs_.contains(output)) {
          parts_[part_[Index(node)]].outputs.push_back(output);
        }
      }
    }
  }

  static void AddOnce(const std::string& value, std::set<std::string>& seen,
                      std::vector<std::string>& values) {
    if (seen.insert(value).second) {
      values.push_back(value);
    }
  }

  /// Puts the constants that the part reads, and what these read, in front.
  void AddConstants(NodePart& part) {
    std::set<int> needed;
    std::set<std::string> weights(part.initializers.begin(), part.initializers.end());
    std::vector<int> open = part.nodes;
    while (!open.empty()) {
      const int node = open.back();
      open.pop_back();
      for (const std::string& value : nodes_.reads[Index(node)]) {
        const int* producer = Producer(value);
        if (producer != nullptr && constant_[Index(*producer)] && needed.insert(*producer).second) {
          open.push_back(*producer);
        } else if (producer == nullptr && constant_[Index(node)]) {
          AddOnce(value, weights, part.initializers);
        }
      }
    }
    std::vector<int> all;
    std::copy_if(nodes_.order.begin(), nodes_.order.end(), std::back_inserter(all),
                 [&](int node) { return needed.contains(node); });
    all.insert(all.end(), part.nodes.begin(), part.nodes.end());
    part.nodes = std::move(all);
  }

  const onnx::GraphProto& graph_;
  const PlacedNodes& nodes_;
  std::set<std::string> initializers_, outputs_;
  std::vector<bool> constant_;
  std::vector<int> level_;
  std::vector<std::size_t> part_;
  std::vector<NodePart> parts_;
};

}  // namespace

std::vector<NodePart> CutIntoParts(const onnx::GraphProto& graph, const PlacedNodes& nodes) {
  return Cutter(graph, nodes).Run();
}

}  // namespace placer::onnx_detail
