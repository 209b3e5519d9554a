#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graphs/detail/import_notes.h"
#include "graphs/detail/onnx_batch.h"
#include "graphs/detail/onnx_fold.h"
#include "graphs/detail/onnx_infer.h"
#include "graphs/detail/onnx_types.h"
#include "graphs/graph.h"
#include "graphs/op_rules.h"

namespace placer::onnx_detail {

/// A named value of the model.
struct Value {
  enum class Kind : std::uint8_t { kTensor, kConstant, kInitializer };
  Kind kind = Kind::kTensor;
  onnx::TypeProto type;
  std::optional<ConstantData> data;
  std::unique_ptr<onnx::TensorProto> proto;  ///< `data` as libonnx wants it
  std::optional<TensorId> tensor;            ///< once an op of the graph holds it
  std::string source;                        ///< the node that makes a constant
  std::optional<std::int64_t> bytes;         ///< of a sparse initializer
  std::string same_as;                       ///< the initializer this is another name of
};

/// What is said about each kind of finding; "%" stands for the number.
namespace notes {
inline constexpr std::string_view kCustomDomain =
    "% ops of custom domains are kept with a default cost";
inline constexpr std::string_view kControlFlow =
    "% control-flow nodes are kept as one op each, their subgraphs are not looked into";
inline constexpr std::string_view kFunction =
    "% calls of the model's functions are kept as one op each with a default cost";
inline constexpr std::string_view kNoRule =
    "% ops have no cost rule and are kept with a default cost";
inline constexpr std::string_view kDoubt =
    "% nodes do not fit the newest schema known here, the shapes the file declares are used";
inline constexpr std::string_view kUnknownShape =
    "% values have no or not fully known shape, unknown dims count as 1 and unknown shapes as 0 "
    "bytes";
inline constexpr std::string_view kContradiction =
    "% values have other shapes than the file declares, the inferred ones are used";
}  // namespace notes

/// The op of each node, in file order: its name, or `<OpType>_<index>`, made unique. A node that
/// folds away has a name but no op.
[[nodiscard]] std::vector<std::string> NameNodes(const onnx::GraphProto& graph, UniqueNames& names);

/// Turns one parsed model into a graph. One use.
class Importer {
 public:
  Importer(const onnx::ModelProto& model, std::string name, std::optional<std::int64_t> batch);
  /// @throws InputError naming the node, without the file
  [[nodiscard]] Graph Run(ImportNotes& notes);

 private:
  struct NodeState;
  /// What an op reads, and the shapes that decide its cost.
  struct NodeEdges {
    std::vector<TensorId> inputs;
    OpShapes shapes;
    bool reads_first = false;  ///< inputs[0] is the node's input 0
  };

  void ReadOpsets();
  void ReadDeclaredTypes();
  void ReadInputs();
  void ReadInitializers();
  void AddInitializer(const onnx::TensorProto& tensor);
  void AddSparseInitializer(const onnx::SparseTensorProto& tensor);

  void ImportNode(int index);
  [[nodiscard]] NodeState Prepare(int index);
  void RebatchReshape(NodeState& state);
  void InferTypes(NodeState& state);
  void InferUnknownOp(NodeState& state);
  void RefineTypes(NodeState& state);
  [[nodiscard]] bool FoldIdentity(const NodeState& state);
  /// The inputs of a node that reads nothing but constants; nothing for other nodes.
  [[nodiscard]] std::optional<std::vector<FoldInput>> ConstantInputs(const NodeState& state) const;
  [[nodiscard]] bool FoldNode(const NodeState& state);
  [[nodiscard]] NodeEdges ConnectInputs(const NodeState& state);
  void AddNode(const NodeState& state);
  [[nodiscard]] std::string TypeOf(const NodeState& state) const;

  [[nodiscard]] std::optional<TensorId> Materialize(const std::string& name, bool setting);
  TensorId AddParameter(const std::string& name, Value& value);
  [[nodiscard]] TensorSpec SpecOf(const std::string& name, const Value& value);
  void MarkOutputs();
  void CheckOutputBatch(const onnx::ValueInfoProto& output, const Value& value);

  const onnx::ModelProto& model_;
  const onnx::GraphProto& graph_;
  std::optional<std::int64_t> batch_;
  ImportNotes* notes_ = nullptr;
  GraphBuilder builder_;
  UniqueNames names_;
  std::vector<std::string> node_names_;
  std::unordered_map<std::string, int> opsets_;
  std::unordered_set<std::string> functions_;  // domain:name
  std::unordered_map<std::string, const onnx::TypeProto*> declared_;
  std::unordered_map<std::string, Value> values_;
  std::optional<DimResolver> dims_;
};

}  // namespace placer::onnx_detail
