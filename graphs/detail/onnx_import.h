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

/// Gives names that are unique in the graph.
class UniqueNames {
 public:
  [[nodiscard]] std::string Make(const std::string& wanted);

 private:
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int> next_;
};

/// Counts what the user should know about, to say it in one line per kind.
class ImportNotes {
 public:
  enum class Kind : std::uint8_t {
    kCustomDomain,
    kControlFlow,
    kFunction,
    kNoRule,
    kDoubt,
    kUnknownShape,
    kContradiction,
    kNumKinds,
  };
  void Add(Kind kind, const std::string& name);
  void AddLine(std::string line) { lines_.push_back(std::move(line)); }
  [[nodiscard]] std::vector<std::string> Lines() const;

 private:
  std::map<Kind, std::map<std::string, int>> counts_;
  std::vector<std::string> lines_;
};

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
  void NameNodes();
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
