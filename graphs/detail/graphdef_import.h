#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "graphs/base/union_find.h"
#include "graphs/detail/graphdef_cost.h"
#include "graphs/detail/graphdef_order.h"
#include "graphs/detail/graphdef_shapes.h"
#include "graphs/detail/import_notes.h"
#include "graphs/graph.h"

namespace placer::graphdef {

/// What a model says of its inputs and outputs beside the graph: the signature of a TensorFlow.js
/// model. Shapes by node and output.
struct Signature {
  std::map<std::pair<std::string, std::size_t>, std::optional<Dims>> inputs, outputs;
};

/// Turns one GraphDef into a graph. One use.
class GraphDefImporter {
 public:
  GraphDefImporter(const tf::GraphDef& graph, Signature signature, std::string name,
                   std::optional<std::int64_t> batch);
  /// @throws InputError naming the node, without the file
  [[nodiscard]] Graph Run(ImportNotes& notes);

 private:
  /// A node as far as it is in the graph.
  struct NodeState {
    std::vector<Value> outputs;
    std::vector<TensorId> tensors;
    std::optional<OpId> op;
  };
  struct Reads {
    std::vector<TensorId> tensors;
    std::vector<OpId> control;
    std::vector<TensorSpec> specs;
    bool reads_first = false;  ///< tensors[0] is the node's input 0
  };

  void CountReaders();
  void FindBatch();
  void ImportUnit(const NodeOrder::Unit& unit);
  void ImportNode(int index, const std::string& name);
  void ImportLoop(const NodeOrder::Unit& unit);
  [[nodiscard]] NodeView View(const tf::NodeDef& node) const;
  [[nodiscard]] std::vector<Value> OutputsOf(const NodeView& view);
  [[nodiscard]] std::optional<std::vector<Value>> SourceOutputs(const tf::NodeDef& node) const;
  [[nodiscard]] Value Placeholder(const tf::NodeDef& node) const;
  void RefineFromFile(const tf::NodeDef& node, std::vector<Value>& outputs);
  /// Open dims of an input: the batch, or 1.
  void ResolveInput(const tf::NodeDef& node);
  [[nodiscard]] NodeView Rebatched(NodeView view) const;
  [[nodiscard]] Reads ReadsOf(const std::vector<int>& nodes);
  [[nodiscard]] TensorSpec SpecOf(const std::string& name, std::size_t output, const Value& value);
  [[nodiscard]] OpRole RoleOf(const tf::NodeDef& node) const;
  void NoteKind(const tf::NodeDef& node);
  void Tie();
  void MarkOutputs();

  const tf::GraphDef& graph_;
  Signature signature_;
  std::optional<std::int64_t> batch_;
  std::optional<std::int64_t> old_batch_;  ///< of the file, if it fixes one and another is wanted
  ImportNotes* notes_ = nullptr;
  NodeOrder order_;
  GraphBuilder builder_;
  std::unordered_map<std::string, int> index_;
  std::unordered_set<std::string> functions_;
  std::vector<NodeState> states_;
  std::vector<std::size_t> num_read_;  ///< outputs of each node that something reads
};

}  // namespace placer::graphdef
