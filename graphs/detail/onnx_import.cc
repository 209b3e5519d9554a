#include "graphs/detail/onnx_import.h"

#include <algorithm>

#include "graphs/base/error.h"
#include "graphs/base/text.h"
#include "graphs/detail/onnx_order.h"

namespace placer::onnx_detail {
namespace {

const onnx::TensorShapeProto::Dimension* FirstDim(const onnx::TypeProto& type) {
  return Rank(type).value_or(0) > 0 ? &type.tensor_type().shape().dim(0) : nullptr;
}

std::vector<const onnx::ValueInfoProto*> RealInputs(const onnx::GraphProto& graph) {
  std::unordered_set<std::string> initializers;
  for (const auto& initializer : graph.initializer()) {
    initializers.insert(initializer.name());
  }
  for (const auto& initializer : graph.sparse_initializer()) {
    initializers.insert(initializer.values().name());
  }
  std::vector<const onnx::ValueInfoProto*> inputs;
  for (const auto& input : graph.input()) {
    if (!initializers.contains(input.name())) {
      inputs.push_back(&input);
    }
  }
  return inputs;
}

}  // namespace

Importer::Importer(const onnx::ModelProto& model, std::string name,
                   std::optional<std::int64_t> batch)
    : model_(model), graph_(model.graph()), batch_(batch), builder_(std::move(name)) {}

Graph Importer::Run(ImportNotes& notes) {
  notes_ = &notes;
  ReadOpsets();
  const std::vector<int> order = OrderNodes(graph_);
  node_names_ = NameNodes(graph_, names_);
  ReadInputs();
  ReadDeclaredTypes();
  ReadInitializers();
  for (const int node : order) {
    try {
      ImportNode(node);
    } catch (const InputError& error) {
      if (!dims_->overrides()) {
        throw error.In(NodeText(graph_, node));
      }
      throw InputError(std::string(error.In(NodeText(graph_, node)).what()) + " (with batch " +
                       std::to_string(*batch_) + "; the model may have its own batch built in)");
    }
  }
  MarkOutputs();
  for (std::string& line : dims_->warnings()) {
    notes_->AddLine(std::move(line));
  }
  return std::move(builder_).Build();
}

void Importer::ReadOpsets() {
  for (const auto& opset : model_.opset_import()) {
    const std::string domain = opset.domain() == "ai.onnx" ? "" : opset.domain();
    if (opset.version() < 1 || opset.version() > 1'000'000) {
      throw InputError("opset of domain " + Quoted(domain) + " is " +
                       std::to_string(opset.version()) + ", expected at least 1");
    }
    opsets_[domain] = static_cast<int>(opset.version());
  }
  const auto main = opsets_.find("");
  if (main != opsets_.end() && main->second > kNewestOpset) {
    notes_->AddLine("opset " + std::to_string(main->second) + " is newer than " +
                    std::to_string(kNewestOpset) +
                    ", the newest known here: nodes are read by its rules");
  }
  for (const auto& function : model_.functions()) {
    functions_.insert(function.domain() + ":" + function.name());
  }
}

std::vector<std::string> NameNodes(const onnx::GraphProto& graph, UniqueNames& names) {
  std::vector<std::string> of_node;
  for (int i = 0; i < graph.node_size(); ++i) {
    const auto& node = graph.node(i);
    of_node.push_back(
        names.Make(node.name().empty() ? node.op_type() + "_" + std::to_string(i) : node.name()));
  }
  return of_node;
}

void Importer::ReadDeclaredTypes() {
  for (const auto* infos : {&graph_.value_info(), &graph_.output()}) {
    for (const auto& info : *infos) {
      try {
        CheckDims(info.type());
      } catch (const InputError& error) {
        throw error.In("value " + Quoted(info.name()));
      }
      declared_.emplace(info.name(), &info.type());
    }
  }
}

void Importer::ReadInputs() {
  const auto inputs = RealInputs(graph_);
  dims_.emplace(inputs, batch_);
  for (const auto* input : inputs) {
    try {
      if (input->name().empty()) {
        throw InputError("has no name, expected one");
      }
      Value value;
      value.type = dims_->ResolveInput(*input);
      CheckDims(value.type);
      const OpId op = builder_.AddOp(
          {.name = names_.Make(input->name()), .type = "Input", .role = OpRole::kInput}, {},
          {SpecOf(input->name(), value)});
      builder_.mutable_op(op).source_name = input->name();
      value.tensor = builder_.Output(op);
      values_.emplace(input->name(), std::move(value));
    } catch (const InputError& error) {
      throw error.In("input " + Quoted(input->name()));
    }
  }
}

void Importer::ReadInitializers() {
  for (const auto& tensor : graph_.initializer()) {
    try {
      AddInitializer(tensor);
    } catch (const InputError& error) {
      throw error.In("initializer " + Quoted(tensor.name()));
    }
  }
  for (const auto& tensor : graph_.sparse_initializer()) {
    try {
      AddSparseInitializer(tensor);
    } catch (const InputError& error) {
      throw error.In("initializer " + Quoted(tensor.values().name()));
    }
  }
}

void Importer::AddInitializer(const onnx::TensorProto& tensor) {
  if (FromOnnx(tensor.data_type()) == DataType::kUnknown) {
    throw InputError("has element type " + std::to_string(tensor.data_type()) +
                     ", expected one of ONNX's");
  }
  const std::vector<std::int64_t> shape(tensor.dims().begin(), tensor.dims().end());
  Value value;
  value.kind = Value::Kind::kInitializer;
  value.type = MakeType(tensor.data_type(), shape);
  CheckDims(value.type);
  value.source = tensor.name();
  value.data = ReadData(tensor);
  if (value.data) {
    value.proto =
        std::make_unique<onnx::TensorProto>(MakeTensor(*value.data, tensor.data_type(), shape));
  }
  values_.insert_or_assign(tensor.name(), std::move(value));
}

void Importer::AddSparseInitializer(const onnx::SparseTensorProto& tensor) {
  Value value;
  value.kind = Value::Kind::kInitializer;
  value.type = MakeType(tensor.values().data_type(), {tensor.dims().begin(), tensor.dims().end()});
  CheckDims(value.type);
  const auto type = MakeType(tensor.values().data_type(),
                             {tensor.values().dims().begin(), tensor.values().dims().end()});
  const auto indices = MakeType(onnx::TensorProto::INT64,
                                {tensor.indices().dims().begin(), tensor.indices().dims().end()});
  CheckDims(type);
  CheckDims(indices);
  value.bytes = NumElements(*StaticShape(type)) * SizeOf(FromOnnx(ElementType(type))) +
                NumElements(*StaticShape(indices)) * SizeOf(DataType::kInt64);
  values_.insert_or_assign(tensor.values().name(), std::move(value));
}

TensorSpec Importer::SpecOf(const std::string& name, const Value& value) {
  TensorSpec spec{.dtype = FromOnnx(ElementType(value.type)), .bytes = value.bytes};
  if (const auto shape = StaticShape(value.type)) {
    spec.shape = *shape;
    return spec;
  }
  notes_->Add(notes::kUnknownShape, name);
  if (!Rank(value.type)) {
    spec.bytes = 0;
    return spec;
  }
  for (const auto& dim : value.type.tensor_type().shape().dim()) {
    spec.shape.push_back(dim.has_dim_value() ? dim.dim_value() : 1);
  }
  return spec;
}

TensorId Importer::AddParameter(const std::string& name, Value& value) {
  Op op{.name = names_.Make(name), .type = "Parameter", .role = OpRole::kParameter};
  op.source_name = value.source;
  value.tensor = builder_.Output(builder_.AddOp(std::move(op), {}, {SpecOf(name, value)}));
  return *value.tensor;
}

void Importer::MarkOutputs() {
  for (const auto& output : graph_.output()) {
    const auto found = values_.find(output.name());
    if (found == values_.end()) {
      throw InputError("output " + Quoted(output.name()) +
                       " has no producer, expected an input, an initializer or a node's output");
    }
    Value& value = found->second;
    CheckOutputBatch(output, value);
    const std::string& name = value.same_as.empty() ? output.name() : value.same_as;
    Value& held = values_.at(name);
    builder_.MarkGraphOutput(held.tensor ? *held.tensor : AddParameter(name, held));
  }
}

void Importer::CheckOutputBatch(const onnx::ValueInfoProto& output, const Value& value) {
  if (!dims_->overrides()) {
    return;
  }
  const onnx::TypeProto declared = dims_->ResolveDeclared(output.type());
  const auto* expected = FirstDim(declared);
  const auto* found = FirstDim(value.type);
  if (expected == nullptr || found == nullptr || expected->dim_value() != *batch_ ||
      !found->has_dim_value() || found->dim_value() == *batch_) {
    return;
  }
  const std::string fault = "output " + Quoted(output.name()) + " has first dimension " +
                            std::to_string(found->dim_value()) + " with batch " +
                            std::to_string(*batch_) +
                            ", expected the batch: the model may have its own batch built in";
  if (dims_->old_batch() == 1) {
    notes_->AddLine(fault);  // a dimension of 1 need not be the batch
  } else {
    throw InputError(fault);
  }
}

}  // namespace placer::onnx_detail
