#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graphs/base/strong_id.h"
#include "graphs/base/units.h"

namespace placer {

enum class DataType : std::uint8_t {
  kFloat32,
  kFloat64,
  kFloat16,
  kBFloat16,
  kInt8,
  kUInt8,
  kInt16,
  kUInt16,
  kInt32,
  kUInt32,
  kInt64,
  kUInt64,
  kBool,
  kComplex64,
  kComplex128,
  kString,
  kUnknown,
};
inline constexpr std::size_t kNumDataTypes = 17;
/// "float32", "bfloat16", ...
[[nodiscard]] std::string_view Name(DataType dtype) noexcept;
[[nodiscard]] std::optional<DataType> ParseDataType(std::string_view name) noexcept;
/// Bytes of one element; 0 for kUnknown and kString.
[[nodiscard]] std::int64_t SizeOf(DataType dtype) noexcept;

/// What an op does in the step. kInput and kParameter ops are *resident*: they take no time, and
/// their outputs live on their device for the whole step.
enum class OpRole : std::uint8_t { kInput, kParameter, kForward, kBackward, kUpdate };
[[nodiscard]] std::string_view Name(OpRole role) noexcept;
[[nodiscard]] std::optional<OpRole> ParseOpRole(std::string_view name) noexcept;

/// The kind of kernel behind an op type: what efficiency on a device depends on.
enum class OpClass : std::uint8_t {
  kMatMul,
  kConvolution,
  kDepthwiseConvolution,
  kElementwise,
  kNormalization,
  kPooling,
  kReduction,
  kSoftmax,
  kDataMovement,
  kEmbedding,
  kUpdate,
  kView,
  kOther,
};
inline constexpr std::size_t kNumOpClasses = 13;
[[nodiscard]] std::string_view Name(OpClass op_class) noexcept;
[[nodiscard]] std::optional<OpClass> ParseOpClass(std::string_view name) noexcept;

/// The time of an op where it is known, not estimated.
struct OpTime {
  std::string device;  ///< a device name or, for all others, a device kind
  Seconds time{0};
  bool operator==(const OpTime&) const = default;
};

/// What an op produces, before the graph is built.
struct TensorSpec {
  DataType dtype = DataType::kFloat32;
  std::vector<std::int64_t> shape;    ///< no negative dims; empty is a scalar
  std::optional<std::int64_t> bytes;  ///< default: elements x SizeOf(dtype)
  std::optional<std::size_t>
      aliases_input;          ///< index into the op's inputs whose memory this output shares
  bool graph_output = false;  ///< lives until the step ends
  /// Memory it takes at home; default: `bytes`, or none if it aliases an input.
  std::optional<std::int64_t> held_bytes = std::nullopt;
  /// Known time of one copy over any hop, instead of an estimate from `bytes`.
  std::optional<Seconds> copy_time = std::nullopt;
  bool operator==(const TensorSpec&) const = default;
};

/// An op without its edges.
struct Op {
  std::string name;  ///< unique in its graph
  std::string type;  ///< "Conv", "MatMul", "ConvGradWeight", ...
  OpClass op_class = OpClass::kOther;
  OpRole role = OpRole::kForward;
  std::int64_t flops = 0;             ///< floating-point operations; a multiply-add counts two
  std::int64_t traffic_bytes = 0;     ///< bytes read from and written to device memory
  std::int64_t workspace_bytes = 0;   ///< held while the op runs
  std::int64_t persistent_bytes = 0;  ///< held for the whole step (optimizer state)
  std::string colocation_group;       ///< ops with the same non-empty name share a device
  std::vector<std::string> allowed_devices;  ///< device kinds or device names; empty: any
  std::string source_name;    ///< the node in the source model; empty: same as `name`
  std::vector<OpTime> times;  ///< each device or kind at most once; other devices: an estimate
  bool operator==(const Op&) const = default;
};

/// One output of an op.
struct Tensor {
  OpId producer;
  std::uint32_t output_index = 0;
  DataType dtype = DataType::kFloat32;
  std::vector<std::int64_t> shape;
  std::int64_t bytes = 0;  ///< what a transfer moves
  TensorId storage;  ///< the tensor whose memory this one shares; itself if it aliases nothing
  std::int64_t held_bytes = 0;                      ///< memory it takes at home; 0 for an alias
  std::optional<Seconds> copy_time = std::nullopt;  ///< of one hop, if known
  bool graph_output = false;
  bool operator==(const Tensor&) const = default;
};

/// A dataflow graph: ops in topological order, immutable, always valid. A regular value. Const
/// access from many threads is safe. Tensors are numbered by producer, then by output index.
class Graph {
 public:
  Graph() = default;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::size_t num_ops() const noexcept { return ops_.size(); }
  [[nodiscard]] std::size_t num_tensors() const noexcept { return tensors_.size(); }
  [[nodiscard]] std::span<const Op> ops() const noexcept { return ops_; }
  [[nodiscard]] std::span<const Tensor> tensors() const noexcept { return tensors_; }
  [[nodiscard]] const Op& op(OpId id) const { return ops_[id.index()]; }
  [[nodiscard]] const Tensor& tensor(TensorId id) const { return tensors_[id.index()]; }
  [[nodiscard]] std::optional<OpId> FindOp(std::string_view name) const;

  /// The op's inputs as written, a tensor read twice appears twice.
  [[nodiscard]] std::span<const TensorId> inputs(OpId id) const {
    return Row(inputs_, input_begin_, id.index());
  }
  /// The first output of the op is tensor(first_output(id)), the others follow.
  [[nodiscard]] TensorId first_output(OpId id) const { return TensorId(output_begin_[id.index()]); }
  [[nodiscard]] std::size_t num_outputs(OpId id) const {
    return output_begin_[id.index() + 1] - output_begin_[id.index()];
  }
  [[nodiscard]] std::span<const OpId> control_inputs(OpId id) const {
    return Row(control_inputs_, control_input_begin_, id.index());
  }
  /// Ops that read the tensor, each once, ascending.
  [[nodiscard]] std::span<const OpId> consumers(TensorId id) const {
    return Row(consumers_, consumer_begin_, id.index());
  }
  /// Ops that wait for the op by a control edge, each once, ascending.
  [[nodiscard]] std::span<const OpId> control_consumers(OpId id) const {
    return Row(control_consumers_, control_consumer_begin_, id.index());
  }

  /// Ops that must share a device (aliases, co-location groups; transitive) have the same class;
  /// classes are numbered by their smallest op.
  [[nodiscard]] std::uint32_t colocation_class(OpId id) const {
    return colocation_class_[id.index()];
  }
  [[nodiscard]] std::size_t num_colocation_classes() const noexcept {
    return num_colocation_classes_;
  }

  [[nodiscard]] bool is_resident(OpId id) const {
    const OpRole role = op(id).role;
    return role == OpRole::kInput || role == OpRole::kParameter;
  }
  /// The dtype that decides which peak rate applies: that of the first output, else of the first
  /// input.
  [[nodiscard]] DataType compute_dtype(OpId id) const;

  /// Identifies the content (names, edges, sizes, costs); the same on every machine.
  [[nodiscard]] std::uint64_t fingerprint() const noexcept { return fingerprint_; }

  bool operator==(const Graph&) const = default;

 private:
  friend class GraphBuilder;
  template <typename T>
  static std::span<const T> Row(const std::vector<T>& values,
                                const std::vector<std::uint32_t>& begin, std::size_t row) {
    return std::span<const T>(values).subspan(begin[row], begin[row + 1] - begin[row]);
  }

  std::string name_;
  std::vector<Op> ops_;
  std::vector<Tensor> tensors_;
  std::vector<std::uint32_t> output_begin_{0}, input_begin_{0}, control_input_begin_{0},
      consumer_begin_{0}, control_consumer_begin_{0};
  std::vector<TensorId> inputs_;
  std::vector<OpId> control_inputs_, consumers_, control_consumers_;
  std::vector<std::uint32_t> colocation_class_;
  std::size_t num_colocation_classes_ = 0;
  std::vector<OpId> ops_by_name_;
  std::uint64_t fingerprint_ = 0;
};

/// Collects ops and edges in any order and checks them once, in Build(). Ids given out here are the
/// builder's; Build() keeps them if the ops were added in topological order, else it re-numbers.
/// Not thread-safe.
class GraphBuilder {
 public:
  explicit GraphBuilder(std::string name) : name_(std::move(name)) {}

  /// @return the op's id; its outputs are Output(id, 0), Output(id, 1), ...
  OpId AddOp(Op op, std::vector<TensorId> inputs, std::vector<TensorSpec> outputs,
             std::vector<OpId> control_inputs = {});
  [[nodiscard]] TensorId Output(OpId op, std::size_t index = 0) const;
  void SetInputs(OpId op, std::vector<TensorId> inputs);
  void AddControlInput(OpId op, OpId before);

  [[nodiscard]] std::size_t num_ops() const noexcept { return nodes_.size(); }
  [[nodiscard]] const Op& op(OpId id) const { return nodes_[id.index()].op; }
  [[nodiscard]] Op& mutable_op(OpId id) { return nodes_[id.index()].op; }
  [[nodiscard]] const TensorSpec& tensor(TensorId id) const;
  [[nodiscard]] OpId producer(TensorId id) const { return tensor_refs_[id.index()].op; }
  void MarkGraphOutput(TensorId id);

  /// Checks everything and makes the graph: unique non-empty names, edge ends, acyclic, dims >= 0,
  /// bytes, flops and times >= 0 and without overflow, resident ops without inputs, aliases that
  /// name an input. Sorts topologically, keeping the order of addition where it can.
  /// @throws InputError naming the op
  [[nodiscard]] Graph Build() &&;

 private:
  struct Node {
    Op op;
    std::vector<TensorId> inputs;
    std::vector<TensorSpec> outputs;
    std::vector<OpId> control_inputs;
    std::uint32_t first_output = 0;
  };
  struct TensorRef {
    OpId op;
    std::uint32_t index = 0;
  };
  struct NewIds;
  void CheckNode(const Node& node) const;
  void CheckNodes() const;
  [[nodiscard]] std::vector<std::uint32_t> Order() const;
  [[nodiscard]] NewIds Renumber(std::span<const std::uint32_t> order) const;
  static void AppendEdges(const Node& node, const NewIds& ids, Graph& graph);
  static void AppendTensors(Node& node, const NewIds& ids, Graph& graph);
  static void FillConsumers(Graph& graph);
  static void TieOps(Graph& graph);

  std::string name_;
  std::vector<Node> nodes_;
  std::vector<TensorRef> tensor_refs_;
};

/// Elements of a tensor. @throws InputError on a negative dim or a product beyond int64
[[nodiscard]] std::int64_t NumElements(std::span<const std::int64_t> shape);

}  // namespace placer
