// What the nodes of a GraphDef put out, as far as the file and the rules say.

#include <algorithm>

#include "graphs/base/error.h"
#include "graphs/detail/graphdef_import.h"
#include "graphs/detail/graphdef_kinds.h"

namespace placer::graphdef {
namespace {

namespace notes {
constexpr std::string_view kContradiction =
    "% values have other shapes than follows from their inputs, those in the file are used";
constexpr std::string_view kOpenInput =
    "% inputs leave dims open besides the batch, which count as 1";
constexpr std::string_view kOpenBatch = "% inputs leave the batch open, 1 is used (see --batch)";
}  // namespace notes

/// What both know; where they contradict each other, `declared`. @return whether they agree
bool Merge(const std::optional<Dims>& declared, std::optional<Dims>& inferred) {
  if (!declared) {
    return true;
  }
  if (!inferred || inferred->size() != declared->size()) {
    const bool agree = !inferred;
    inferred = declared;
    return agree;
  }
  bool agree = true;
  for (std::size_t i = 0; i < declared->size(); ++i) {
    const std::int64_t dim = (*declared)[i];
    agree = agree && (dim == kOpen || (*inferred)[i] == kOpen || (*inferred)[i] == dim);
    (*inferred)[i] = dim == kOpen ? (*inferred)[i] : dim;
  }
  return agree;
}

}  // namespace

/// The batch that the first placeholder fixes.
void GraphDefImporter::FindBatch() {
  for (const tf::NodeDef& node : graph_.node()) {
    const tf::AttrValue* shape = FindAttr(node, "shape");
    if (batch_ && IsPlaceholder(node.op()) && shape != nullptr && shape->shape().dim_size() > 0) {
      const std::int64_t dim = shape->shape().dim(0).size();
      if (dim > 0) {
        old_batch_ = dim;
      }
      return;
    }
  }
}

NodeView GraphDefImporter::View(const tf::NodeDef& node) const {
  NodeView view{.node = node, .inputs = {}};
  for (const std::string& input : node.input()) {
    const InputRef ref = ParseInput(input);
    if (!ref.control) {
      const NodeState& state = states_[static_cast<std::size_t>(index_.at(ref.node))];
      view.inputs.push_back(ref.output < state.outputs.size() ? state.outputs[ref.output]
                                                              : Value{});
    }
  }
  return view;
}

Value GraphDefImporter::Placeholder(const tf::NodeDef& node) const {
  Value value{.dtype = TypeAttr(node, "dtype", tf::DT_INVALID), .shape = {}, .numbers = {}};
  const tf::AttrValue* attr = FindAttr(node, "shape");
  // Before version 24 an empty shape stood for none at all.
  const int version = graph_.versions().producer();
  const bool scalars = version == 0 || version >= 24;
  if (attr != nullptr && attr->value_case() == tf::AttrValue::kShape &&
      (attr->shape().dim_size() > 0 || scalars)) {
    value.shape = ShapeFrom(attr->shape());
  }
  if (const auto given = signature_.inputs.find({node.name(), 0});
      given != signature_.inputs.end() && !value.shape) {
    value.shape = given->second;
  }
  return value;
}

std::optional<std::vector<Value>> GraphDefImporter::SourceOutputs(const tf::NodeDef& node) const {
  if (IsConstant(node.op())) {
    const tf::AttrValue* attr = FindAttr(node, "value");
    if (attr == nullptr || attr->value_case() != tf::AttrValue::kTensor) {
      throw InputError("has no attribute 'value', expected a tensor");
    }
    Value value = ConstantFrom(attr->tensor());
    value.dtype = TypeAttr(node, "dtype", value.dtype);
    return {{std::move(value)}};
  }
  if (IsVariable(node.op()) || IsPlaceholder(node.op())) {
    return {{Placeholder(node)}};
  }
  return std::nullopt;
}

/// A list of dims in the file that starts with its own batch starts with the wanted one.
NodeView GraphDefImporter::Rebatched(NodeView view) const {
  if (!old_batch_ || view.node.op() != "Reshape" || !view.input(0).known() || !view.numbers(1) ||
      view.numbers(1)->empty() || view.numbers(1)->front() != *old_batch_) {
    return view;
  }
  const Dims& target = *view.numbers(1);
  if (std::find(target.begin(), target.end(), kOpen) == target.end() &&
      Elements(*view.shape(0)) != NumElements(target)) {
    view.inputs[1].numbers->front() = *batch_;
  }
  return view;
}

std::vector<Value> GraphDefImporter::OutputsOf(const NodeView& view) {
  const tf::NodeDef& node = view.node;
  std::optional<std::vector<Value>> source = SourceOutputs(node);
  std::vector<Value> outputs = source ? std::move(*source) : InferOutputs(Rebatched(view));
  const bool ruled = source || HasShapeRule(node.op());
  const std::size_t read = num_read_[static_cast<std::size_t>(index_.at(node.name()))];
  if (ruled && read > outputs.size()) {
    throw InputError("output " + std::to_string(read - 1) + " is read, but it has " +
                     std::to_string(outputs.size()));
  }
  if (!ruled) {
    const tf::AttrValue* types = FindAttr(node, "Tout");
    const int listed = types == nullptr ? 0 : types->list().type_size();
    outputs.resize(
        std::max(read, std::min<std::size_t>(static_cast<std::size_t>(listed), kMaxOutputs)));
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      outputs[i].dtype = static_cast<int>(i) < listed ? types->list().type(static_cast<int>(i))
                                                      : TypeAttr(node, "T", tf::DT_INVALID);
      outputs[i].dtype = TypeAttr(node, "dtype", outputs[i].dtype);
    }
  }
  RefineFromFile(node, outputs);
  return outputs;
}

/// `_output_shapes`, and what a signature says of the model's outputs.
void GraphDefImporter::RefineFromFile(const tf::NodeDef& node, std::vector<Value>& outputs) {
  // What they say of a variable's handle is the handle's, a scalar.
  const tf::AttrValue* attr =
      node.op() == "VarHandleOp" ? nullptr : FindAttr(node, "_output_shapes");
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    std::optional<Dims> declared;
    if (attr != nullptr && static_cast<int>(i) < attr->list().shape_size()) {
      declared = ShapeFrom(attr->list().shape(static_cast<int>(i)));
    }
    if (const auto said = signature_.outputs.find({node.name(), i});
        said != signature_.outputs.end() && !declared) {
      declared = said->second;
    }
    if (declared && batch_ && !declared->empty()) {  // the file's batch is not the one wanted
      std::int64_t& first = declared->front();
      first = first == kOpen || first == old_batch_ ? kOpen : first;
    }
    if (!Merge(declared, outputs[i].shape)) {
      notes_->Add(notes::kContradiction, Named(node.name(), i));
    }
  }
}

void GraphDefImporter::ResolveInput(const tf::NodeDef& node) {
  Value& value = states_[static_cast<std::size_t>(index_.at(node.name()))].outputs.at(0);
  if (!value.shape) {
    return;
  }
  Dims& shape = *value.shape;
  if (!shape.empty() && (shape[0] == kOpen || (old_batch_ && shape[0] == *old_batch_))) {
    if (!batch_) {
      notes_->Add(notes::kOpenBatch, node.name());
    }
    shape[0] = batch_.value_or(1);
  }
  if (std::find(shape.begin(), shape.end(), kOpen) != shape.end()) {
    notes_->Add(notes::kOpenInput, node.name() + " " + ShapeText(shape));
    std::replace(shape.begin(), shape.end(), kOpen, std::int64_t{1});
  }
}

}  // namespace placer::graphdef
