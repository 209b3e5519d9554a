#include <algorithm>
#include <array>
#include <utility>

#include "graphs/base/error.h"
#include "graphs/base/text.h"
#include "graphs/detail/onnx_cost.h"
#include "graphs/detail/onnx_fold.h"
#include "graphs/detail/onnx_import.h"
#include "graphs/detail/onnx_order.h"
#include "graphs/op_rules.h"

namespace placer::onnx_detail {

/// A node on its way into the graph.
struct Importer::NodeState {
  const onnx::NodeProto& node;
  int index = 0;
  NodeReads reads;
  int opset = 0;
  bool known = false;  ///< libonnx has a schema, and there is no subgraph or function behind it
  std::vector<NodeInput> inputs;
  onnx::TensorProto target;  ///< of a Reshape, with another batch
  std::vector<onnx::TypeProto> outputs;
};

namespace {

constexpr std::array kNotDeterministic = {"RandomNormal",      "RandomUniform", "RandomNormalLike",
                                          "RandomUniformLike", "Bernoulli",     "Multinomial"};

bool HasSubgraph(const onnx::NodeProto& node) {
  return std::any_of(node.attribute().begin(), node.attribute().end(),
                     [](const auto& a) { return a.has_g() || a.graphs_size() > 0; });
}

std::int64_t Elements(const onnx::TypeProto& type) {
  const auto shape = StaticShape(type);
  return shape ? NumElements(*shape) : kMaxConstantElements + 1;
}

/// Constants that are part of the op which reads them: numbers and small tables of integers. Bytes
/// in more than one dimension are quantised weights, and initializers of floats are weights.
bool IsFolded(const Value& value) {
  if (value.kind == Value::Kind::kTensor) {
    return false;
  }
  const std::int32_t type = ElementType(value.type);
  const std::int64_t elements = Elements(value.type);
  if (type == onnx::TensorProto::STRING ||
      (value.kind == Value::Kind::kConstant && elements <= 1)) {
    return true;
  }
  const bool bytes = type == onnx::TensorProto::INT8 || type == onnx::TensorProto::UINT8;
  return value.data && IsInteger(type) && !(bytes && Rank(value.type).value_or(0) > 1);
}

/// True if a node of constants alone may read the value.
bool IsConstant(const Value& value) {
  return value.kind == Value::Kind::kConstant ||
         (value.kind == Value::Kind::kInitializer &&
          (IsFolded(value) || (value.data && value.data->size() <= 1)));
}

/// Branches of an If have the same outputs.
void TypesOfIf(const onnx::NodeProto& node, std::vector<onnx::TypeProto>& outputs) {
  const auto* branch = FindAttribute(node, "then_branch");
  if (branch == nullptr || branch->g().output_size() != static_cast<int>(outputs.size())) {
    return;
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    outputs[i] = branch->g().output(static_cast<int>(i)).type();
    CheckDims(outputs[i]);
  }
}

}  // namespace

Importer::NodeState Importer::Prepare(int index) {
  NodeState state{.node = graph_.node(index), .index = index};
  state.reads = ReadsOf(state.node);
  const auto opset = opsets_.find(IsDefaultDomain(state.node) ? "" : state.node.domain());
  if (opset != opsets_.end()) {
    state.opset = opset->second;
  } else if (IsDefaultDomain(state.node)) {
    throw InputError("has op type " + Quoted(state.node.op_type()) +
                     ", but the model does not import an opset for it, expected one");
  }
  const bool function = functions_.contains(state.node.domain() + ":" + state.node.op_type());
  state.known = !function && !HasSubgraph(state.node) && opset != opsets_.end() &&
                HasSchema(state.node, state.opset);
  for (const std::string& name : state.reads.inputs) {
    const auto found = values_.find(name);
    if (found == values_.end()) {
      state.inputs.emplace_back();
      continue;
    }
    const Value& value = found->second;
    const bool typed = value.type.value_case() != onnx::TypeProto::VALUE_NOT_SET;
    state.inputs.push_back({.type = typed ? &value.type : nullptr, .data = value.proto.get()});
  }
  state.outputs.resize(static_cast<std::size_t>(state.node.output_size()));
  return state;
}

void Importer::RebatchReshape(NodeState& state) {
  if (!dims_->overrides() || state.node.op_type() != "Reshape" || !state.known ||
      state.inputs.size() < 2 || state.inputs[0].type == nullptr ||
      state.inputs[1].data == nullptr) {
    return;
  }
  const auto shape = StaticShape(*state.inputs[0].type);
  const auto& old = *state.inputs[1].data;
  const std::vector<std::int64_t> target(old.int64_data().begin(), old.int64_data().end());
  const auto rebatched = shape ? RebatchTarget(target, *shape, *dims_) : std::nullopt;
  if (rebatched) {
    state.target = MakeTensor({.ints = *rebatched}, onnx::TensorProto::INT64,
                              {static_cast<std::int64_t>(rebatched->size())});
    state.inputs[1].data = &state.target;
  }
}

void Importer::InferTypes(NodeState& state) {
  if (!state.known) {
    InferUnknownOp(state);
  } else {
    RebatchReshape(state);
    Inferred inferred = InferNode(state.node, state.opset, state.inputs);
    if (!inferred.doubt.empty()) {
      notes_->Add(notes::kDoubt, NodeText(graph_, state.index));
    }
    state.outputs = std::move(inferred.outputs);
    const auto* first = state.inputs.empty() ? nullptr : state.inputs[0].type;
    if (!state.outputs.empty() && first != nullptr &&
        state.outputs[0].value_case() == onnx::TypeProto::VALUE_NOT_SET &&
        CostOf(state.node.op_type(), {}).op_class == OpClass::kElementwise) {
      state.outputs[0] = *first;  // some schemas infer nothing
    }
    if (state.node.op_type() == "Dropout" && state.outputs.size() > 1 && first != nullptr &&
        !Rank(state.outputs[1])) {
      state.outputs[1] = *first;  // the mask, which old schemas leave out
    }
  }
  RefineTypes(state);
}

void Importer::InferUnknownOp(NodeState& state) {
  const std::string type = TypeOf(state);
  const std::string text = type + " (" + NodeText(graph_, state.index) + ")";
  if (HasSubgraph(state.node)) {
    notes_->Add(notes::kControlFlow, text);
    if (state.node.op_type() == "If") {
      TypesOfIf(state.node, state.outputs);
    }
  } else if (functions_.contains(state.node.domain() + ":" + state.node.op_type())) {
    notes_->Add(notes::kFunction, text);
  } else if (!IsDefaultDomain(state.node)) {
    notes_->Add(notes::kCustomDomain, type);
  } else if (state.opset <= kNewestOpset) {
    throw InputError("has op type " + Quoted(type) + ", which opset " +
                     std::to_string(state.opset) + " does not have");
  }
}

void Importer::RefineTypes(NodeState& state) {
  for (std::size_t i = 0; i < state.outputs.size(); ++i) {
    const std::string& name = state.node.output(static_cast<int>(i));
    const auto declared = declared_.find(name);
    if (declared != declared_.end() &&
        !Refine(state.outputs[i], dims_->ResolveDeclared(*declared->second)) &&
        !dims_->overrides()) {
      notes_->Add(notes::kContradiction, Quoted(name));
    }
    CheckDims(state.outputs[i]);
  }
  if (state.node.op_type() == "Reshape" && state.known && state.inputs[0].type != nullptr) {
    const auto from = StaticShape(*state.inputs[0].type);
    const auto to = StaticShape(state.outputs[0]);
    if (from && to && NumElements(*from) != NumElements(*to)) {
      throw InputError("reshapes " + ShapeText(*state.inputs[0].type) + " to " +
                       ShapeText(state.outputs[0]) + ", expected as many elements");
    }
  }
}

/// Exporters merge initializers of equal values and put an Identity where each was read. Vectors
/// (fresh biases are all zero) become parameters of their own again; matrices are shared weights.
bool Importer::FoldIdentity(const NodeState& state) {
  if (state.node.op_type() != "Identity" || !state.known || !IsDefaultDomain(state.node)) {
    return false;
  }
  const std::string& name = state.reads.inputs.at(0);
  const auto found = values_.find(name);
  if (found == values_.end() || found->second.kind != Value::Kind::kInitializer ||
      IsFolded(found->second)) {
    return false;
  }
  Value value;
  value.kind = Value::Kind::kInitializer;
  value.type = found->second.type;
  value.bytes = found->second.bytes;
  value.source = state.node.name();
  if (Rank(value.type).value_or(0) > 1) {
    value.same_as = name;
  }
  values_.insert_or_assign(state.node.output(0), std::move(value));
  return true;
}

std::optional<std::vector<FoldInput>> Importer::ConstantInputs(const NodeState& state) const {
  const std::string& type = state.node.op_type();
  if (!state.known || !IsDefaultDomain(state.node) ||
      (state.inputs.empty() && type != "Constant") ||
      std::find(kNotDeterministic.begin(), kNotDeterministic.end(), type) !=
          kNotDeterministic.end()) {
    return std::nullopt;
  }
  const bool of_shape = type == "Shape" || type == "Size";  // no matter what is in the tensor
  std::vector<FoldInput> inputs;
  for (std::size_t i = 0; i < state.inputs.size(); ++i) {
    const auto found = values_.find(state.reads.inputs[i]);
    if (found == values_.end()) {
      inputs.emplace_back();
      continue;
    }
    const auto shape = StaticShape(found->second.type);
    if (!shape || !(of_shape || IsConstant(found->second))) {
      return std::nullopt;
    }
    const ConstantData* data = found->second.data ? &*found->second.data : nullptr;
    inputs.push_back({.data = data, .shape = *shape});
  }
  return inputs;
}

bool Importer::FoldNode(const NodeState& state) {
  const auto inputs = ConstantInputs(state);
  if (!inputs || !std::all_of(state.outputs.begin(), state.outputs.end(),
                              [](const auto& type) { return StaticShape(type).has_value(); })) {
    return false;
  }
  for (int i = 0; i < state.node.output_size(); ++i) {
    Value value;
    value.kind = Value::Kind::kConstant;
    value.type = state.outputs[static_cast<std::size_t>(i)];
    value.source = state.node.name();
    const auto shape = *StaticShape(value.type);
    if (state.node.output_size() == 1) {
      value.data = Fold(state.node, *inputs, ElementType(value.type), shape);
    }
    if (value.data) {
      value.proto = std::make_unique<onnx::TensorProto>(
          MakeTensor(*value.data, ElementType(value.type), shape));
    }
    values_.insert_or_assign(state.node.output(i), std::move(value));
  }
  return true;
}

std::optional<TensorId> Importer::Materialize(const std::string& name, bool setting) {
  Value& value = values_.at(name);
  if (!value.same_as.empty()) {
    return Materialize(value.same_as, setting);
  }
  if (value.tensor) {
    return value.tensor;
  }
  if (setting || IsFolded(value)) {
    return std::nullopt;
  }
  return AddParameter(name, value);
}

std::string Importer::TypeOf(const NodeState& state) const {
  const std::string& type = state.node.op_type();
  if (!IsDefaultDomain(state.node)) {
    return state.node.domain() + "." + type;
  }
  // A Dropout that drops is no view.
  const auto* mode = type == "Dropout" && state.inputs.size() > 2 ? state.inputs[2].data : nullptr;
  const bool training = mode != nullptr && mode->int32_data_size() == 1 && mode->int32_data(0) != 0;
  return training ? "DropoutTraining" : type;
}

Importer::NodeEdges Importer::ConnectInputs(const NodeState& state) {
  NodeEdges edges;
  std::vector<std::vector<std::int64_t>> shapes;
  const auto read = [&](const std::string& name, bool setting) -> std::optional<TensorId> {
    const auto found = values_.find(name);
    if (found == values_.end()) {
      return std::nullopt;  // an optional input that is not given
    }
    const auto tensor = Materialize(name, setting);
    edges.shapes.inputs.push_back(tensor ? builder_.tensor(*tensor) : SpecOf(name, found->second));
    shapes.push_back(edges.shapes.inputs.back().shape);
    if (tensor) {
      edges.inputs.push_back(*tensor);
    }
    return tensor;
  };
  for (std::size_t i = 0; i < state.reads.inputs.size(); ++i) {
    const auto tensor = read(state.reads.inputs[i], state.known && IsSetting(state.node, i));
    edges.reads_first = edges.reads_first || (i == 0 && tensor);
  }
  for (const std::string& name : state.reads.captured) {
    (void)read(name, /*setting=*/false);
  }
  edges.shapes.kernel_elements = KernelElements(state.node, shapes);
  return edges;
}

void Importer::AddNode(const NodeState& state) {
  const std::string type = TypeOf(state);
  NodeEdges edges = ConnectInputs(state);
  std::vector<std::pair<std::string, Value>> values;
  for (std::size_t i = 0; i < state.outputs.size(); ++i) {
    const std::string& name = state.node.output(static_cast<int>(i));
    if (!name.empty()) {
      Value value;
      value.type = state.outputs[i];
      edges.shapes.outputs.push_back(SpecOf(name, value));
      values.emplace_back(name, std::move(value));
    }
  }
  const OpCosts costs = CostOf(type, edges.shapes);
  if (!costs.known && state.known) {
    notes_->Add(notes::kNoRule, type);
  }
  if (state.known && IsView(type) && edges.reads_first && !edges.shapes.outputs.empty()) {
    edges.shapes.outputs[0].aliases_input = 0;
  }
  const OpId op = builder_.AddOp({.name = node_names_[static_cast<std::size_t>(state.index)],
                                  .type = type,
                                  .op_class = costs.op_class,
                                  .flops = costs.flops,
                                  .traffic_bytes = costs.traffic_bytes,
                                  .source_name = state.node.name()},
                                 std::move(edges.inputs), std::move(edges.shapes.outputs));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i].second.tensor = builder_.Output(op, i);
    values_.insert_or_assign(values[i].first, std::move(values[i].second));
  }
}

void Importer::ImportNode(int index) {
  NodeState state = Prepare(index);
  InferTypes(state);
  if (!FoldIdentity(state) && !FoldNode(state)) {
    AddNode(state);
  }
}

}  // namespace placer::onnx_detail
