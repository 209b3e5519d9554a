#include "graphs/detail/onnx_value_types.h"

#include <vector>

#include "graphs/base/error.h"
#include "graphs/base/text.h"
#include "graphs/detail/onnx_infer.h"
#include "graphs/detail/onnx_order.h"
#include "graphs/detail/onnx_types.h"

namespace placer::onnx_detail {
namespace {

bool IsTyped(const onnx::TypeProto& type) {
  return !type.has_tensor_type() ||
         (type.tensor_type().elem_type() != onnx::TensorProto::UNDEFINED &&
          type.tensor_type().has_shape());
}

std::int32_t ToOnnx(DataType dtype) {
  for (int type = onnx::TensorProto::DataType_MIN; type <= onnx::TensorProto::DataType_MAX;
       ++type) {
    if (dtype != DataType::kUnknown && FromOnnx(type) == dtype) {
      return type;
    }
  }
  return onnx::TensorProto::UNDEFINED;
}

}  // namespace

ValueTypes::ValueTypes(const onnx::ModelProto& model, const PlacedNodes& nodes, const Graph& graph)
    : model_(model), nodes_(nodes), graph_(graph) {
  const auto& proto = model.graph();
  for (const auto* infos : {&proto.input(), &proto.output(), &proto.value_info()}) {
    for (const auto& info : *infos) {
      if (info.has_type() && IsTyped(info.type())) {
        declared_.emplace(info.name(), info.type());
      }
    }
  }
  for (const auto& tensor : proto.initializer()) {
    declared_[tensor.name()] =
        MakeType(tensor.data_type(), {tensor.dims().begin(), tensor.dims().end()});
  }
  for (const auto& input : proto.input()) {
    const auto shape = StaticShape(input.type());
    const auto op = graph.FindOp(input.name());
    const bool same = !shape || !op || graph.num_outputs(*op) == 0 ||
                      graph.tensor(graph.first_output(*op)).shape == *shape;
    static_dims_ = static_dims_ && same && (shape || !input.type().has_tensor_type());
  }
}

onnx::TypeProto ValueTypes::Of(const std::string& value) const {
  if (const auto declared = declared_.find(value); declared != declared_.end()) {
    return declared->second;
  }
  const auto producer = nodes_.producer.find(value);
  onnx::TypeProto type;
  if (producer != nodes_.producer.end()) {
    type = nodes_.folded[static_cast<std::size_t>(producer->second)]
               ? Inferred(value, producer->second)
               : FromGraph(value, producer->second);
  }
  if (!type.has_tensor_type() || !IsTyped(type)) {
    throw InputError("tensor " + Quoted(value) +
                     ": is cut, but its type is not known, expected a value_info in the model");
  }
  if (!static_dims_) {
    for (auto& dim : *type.mutable_tensor_type()->mutable_shape()->mutable_dim()) {
      dim.Clear();
    }
  }
  return type;
}

onnx::TypeProto ValueTypes::FromGraph(const std::string& value, int node) const {
  const auto op = graph_.FindOp(nodes_.names[static_cast<std::size_t>(node)]);
  std::size_t index = 0;  // outputs without a name are not counted
  for (const std::string& output : model_.graph().node(node).output()) {
    if (output == value) {
      break;
    }
    index += output.empty() ? 0 : 1;
  }
  if (!op || index >= graph_.num_outputs(*op)) {
    return {};
  }
  const Tensor& tensor = graph_.tensor(TensorId(graph_.first_output(*op).index() + index));
  return MakeType(ToOnnx(tensor.dtype), tensor.shape);
}

onnx::TypeProto ValueTypes::Inferred(const std::string& value, int node) const {
  const auto& proto = model_.graph().node(node);
  int opset = 0;
  for (const auto& import : model_.opset_import()) {
    if (import.domain() == proto.domain() || (IsDefaultDomain(proto) && import.domain().empty())) {
      opset = static_cast<int>(import.version());
    }
  }
  std::vector<onnx::TypeProto> types;
  types.reserve(static_cast<std::size_t>(proto.input_size()));
  std::vector<NodeInput> inputs;
  for (const std::string& input : proto.input()) {
    types.push_back(input.empty() ? onnx::TypeProto{} : Of(input));
    inputs.push_back({input.empty() ? nullptr : &types.back(), nullptr});
  }
  const std::vector<onnx::TypeProto> outputs = InferNode(proto, opset, inputs).outputs;
  for (int k = 0; k < proto.output_size(); ++k) {
    if (proto.output(k) == value && static_cast<std::size_t>(k) < outputs.size()) {
      return outputs[static_cast<std::size_t>(k)];
    }
  }
  return {};
}

}  // namespace placer::onnx_detail
