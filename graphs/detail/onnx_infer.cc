#include "graphs/detail/onnx_infer.h"

#include <onnx/checker.h>
#include <onnx/defs/schema.h>

#include <optional>

#include "graphs/base/error.h"
#include "graphs/detail/onnx_types.h"

namespace placer::onnx_detail {
namespace {

/// What libonnx asks while it infers one node. Subgraphs are not inferred.
class Context final : public onnx::InferenceContext {
 public:
  Context(const onnx::NodeProto& node, const std::vector<NodeInput>& inputs)
      : node_(node), inputs_(inputs), outputs_(static_cast<std::size_t>(node.output_size())) {}

  [[nodiscard]] const onnx::AttributeProto* getAttribute(const std::string& name) const override {
    return FindAttribute(node_, name);
  }
  [[nodiscard]] std::size_t getNumInputs() const override { return inputs_.size(); }
  [[nodiscard]] const onnx::TypeProto* getInputType(std::size_t index) const override {
    // For what is given but not known some of libonnx's functions follow the null pointer.
    static const onnx::TypeProto unknown;
    const onnx::TypeProto* type = At(index).type;
    const bool given = !node_.input(static_cast<int>(index)).empty();
    return type == nullptr && given ? &unknown : type;
  }
  [[nodiscard]] const onnx::TensorProto* getInputData(std::size_t index) const override {
    return At(index).data;
  }
  [[nodiscard]] const onnx::SparseTensorProto* getInputSparseData(
      std::size_t /*index*/) const override {
    return nullptr;
  }
  [[nodiscard]] const onnx::TensorShapeProto* getSymbolicInput(
      std::size_t /*index*/) const override {
    return nullptr;
  }
  [[nodiscard]] std::size_t getNumOutputs() const override { return outputs_.size(); }
  onnx::TypeProto* getOutputType(std::size_t index) override {
    if (index >= outputs_.size()) {
      throw onnx::InferenceError("output " + std::to_string(index) + " does not exist");
    }
    return &outputs_[index];
  }
  onnx::GraphInferencer* getGraphAttributeInferencer(const std::string& name) override {
    throw onnx::InferenceError("subgraph '" + name + "' is not inferred");
  }

  [[nodiscard]] std::vector<onnx::TypeProto> TakeOutputs() { return std::move(outputs_); }

 private:
  [[nodiscard]] const NodeInput& At(std::size_t index) const {
    if (index >= inputs_.size()) {
      throw onnx::InferenceError("input " + std::to_string(index) + " is missing");
    }
    return inputs_[index];
  }

  const onnx::NodeProto& node_;
  const std::vector<NodeInput>& inputs_;
  std::vector<onnx::TypeProto> outputs_;
};

/// libonnx's messages span lines, and some start with "[ShapeInferenceError] ".
std::string FirstLine(const std::string& text) {
  std::size_t begin = text.find_first_not_of('\n');
  if (begin != std::string::npos && text[begin] == '[') {
    begin = text.find_first_not_of(' ', text.find(']', begin) + 1);
  }
  if (begin == std::string::npos) {
    return "does not fit its schema";
  }
  return text.substr(begin, text.find('\n', begin) - begin);
}

const onnx::OpSchema* Schema(const onnx::NodeProto& node, int opset) {
  return onnx::OpSchemaRegistry::Schema(node.op_type(), opset,
                                        IsDefaultDomain(node) ? "" : node.domain());
}

/// From opset 18 on reductions take `axes` as an input; the schema known here has an attribute.
bool TakesAxesAsInput(const onnx::NodeProto& node, const std::vector<NodeInput>& inputs) {
  return node.op_type().starts_with("Reduce") && node.op_type() != "ReduceSum" &&
         inputs.size() == 2;
}

Inferred InferWithAxes(const onnx::NodeProto& original, int opset, std::vector<NodeInput> inputs) {
  onnx::NodeProto node = original;
  if (inputs[1].data != nullptr) {
    const std::optional<ConstantData> axes = ReadData(*inputs[1].data);
    auto* attribute = node.add_attribute();
    attribute->set_name("axes");
    attribute->set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t axis : axes ? axes->ints : std::vector<std::int64_t>{}) {
      attribute->add_ints(axis);
    }
  }
  node.mutable_input()->RemoveLast();
  inputs.pop_back();
  return InferNode(node, opset, inputs);
}

bool KnowsAllInputs(const onnx::NodeProto& node, const std::vector<NodeInput>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!node.input(static_cast<int>(i)).empty() &&
        (inputs[i].type == nullptr || ElementType(*inputs[i].type) == 0 ||
         !StaticShape(*inputs[i].type))) {
      return false;
    }
  }
  return true;
}

/// libonnx takes the channels of a MaxUnpool from its indices, known or not.
bool NeedsMoreThanIsKnown(const onnx::NodeProto& node, const std::vector<NodeInput>& inputs) {
  return node.op_type() == "MaxUnpool" && inputs.size() > 1 &&
         (inputs[1].type == nullptr || !Rank(*inputs[1].type));
}

/// Some dims come from data; libonnx does not check what it computes from it.
void CheckOutputs(const onnx::NodeProto& node, const std::vector<onnx::TypeProto>& outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    try {
      CheckDims(outputs[i]);
    } catch (const InputError& error) {
      throw error.In("output '" + node.output(static_cast<int>(i)) + "'");
    }
  }
}

}  // namespace

bool IsDefaultDomain(const onnx::NodeProto& node) {
  return node.domain().empty() || node.domain() == "ai.onnx";
}

bool HasSchema(const onnx::NodeProto& node, int opset) { return Schema(node, opset) != nullptr; }

Inferred InferNode(const onnx::NodeProto& node, int opset, const std::vector<NodeInput>& inputs) {
  if (IsDefaultDomain(node) && opset > kNewestOpset && TakesAxesAsInput(node, inputs)) {
    return InferWithAxes(node, opset, inputs);
  }
  Inferred nothing{.outputs =
                       std::vector<onnx::TypeProto>(static_cast<std::size_t>(node.output_size()))};
  const onnx::OpSchema* schema = Schema(node, opset);
  if (schema == nullptr) {
    return nothing;
  }
  CheckAttributes(node, inputs);
  try {
    schema->Verify(node);
    if (NeedsMoreThanIsKnown(node, inputs)) {
      return nothing;
    }
    Context context(node, inputs);
    schema->GetTypeAndShapeInferenceFunction()(context);
    Inferred result{.outputs = context.TakeOutputs()};
    CheckOutputs(node, result.outputs);
    return result;
  } catch (const InputError&) {
    throw;
  } catch (const std::exception& error) {
    // With inputs only partly known libonnx may complain about what it does not know.
    const bool certain = KnowsAllInputs(node, inputs) ||
                         dynamic_cast<const onnx::checker::ValidationError*>(&error) != nullptr;
    if (certain && !(IsDefaultDomain(node) && opset > kNewestOpset)) {
      throw InputError(FirstLine(error.what()));
    }
    nothing.doubt = FirstLine(error.what());
    return nothing;
  }
}

}  // namespace placer::onnx_detail
