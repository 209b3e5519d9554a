#include "graphs/detail/graphdef_import.h"

#include <algorithm>

#include "graphs/base/error.h"
#include "graphs/detail/graphdef_kinds.h"

namespace placer::graphdef {
namespace {

namespace notes {
constexpr std::string_view kLoop =
    "% loops are kept as one op each with a default cost, their nodes are not looked into";
constexpr std::string_view kFunction =
    "% calls of functions are kept as one op each with a default cost";
constexpr std::string_view kConditional =
    "% nodes of conditionals are kept, as if both branches ran";
constexpr std::string_view kNoRule = "% ops have no cost rule and are kept with a default cost";
constexpr std::string_view kUnknownShape =
    "% values have no or not fully known shape, unknown dims count as 1 and unknown shapes as 0 "
    "bytes";
constexpr std::string_view kNoSuchNode = "% co-location hints name nodes that are not there";
}  // namespace notes

}  // namespace

GraphDefImporter::GraphDefImporter(const tf::GraphDef& graph, Signature signature, std::string name,
                                   std::optional<std::int64_t> batch)
    : graph_(graph), signature_(std::move(signature)), batch_(batch), builder_(std::move(name)) {}

Graph GraphDefImporter::Run(ImportNotes& import_notes) {
  notes_ = &import_notes;
  if (graph_.node_size() == 0) {
    throw InputError("has a graph without nodes, expected at least one");
  }
  order_ = OrderNodes(graph_);
  for (const auto& function : graph_.library().function()) {
    functions_.insert(function.signature().name());
  }
  states_.resize(static_cast<std::size_t>(graph_.node_size()));
  CountReaders();
  FindBatch();
  for (const NodeOrder::Unit& unit : order_.units) {
    try {
      ImportUnit(unit);
    } catch (const InputError& error) {
      throw error.In("node '" + graph_.node(unit.nodes.front()).name() + "' (" +
                     graph_.node(unit.nodes.front()).op() + ")");
    }
  }
  Tie();
  MarkOutputs();
  return std::move(builder_).Build();
}

void GraphDefImporter::CountReaders() {
  for (int i = 0; i < graph_.node_size(); ++i) {
    index_.emplace(graph_.node(i).name(), i);
  }
  num_read_.assign(states_.size(), 0);
  for (const tf::NodeDef& node : graph_.node()) {
    for (const std::string& input : node.input()) {
      const InputRef ref = ParseInput(input);
      if (!ref.control) {
        std::size_t& read = num_read_[static_cast<std::size_t>(index_.at(ref.node))];
        read = std::max(read, ref.output + 1);
      }
    }
  }
}

void GraphDefImporter::ImportUnit(const NodeOrder::Unit& unit) {
  if (unit.loop) {
    ImportLoop(unit);
  } else {
    ImportNode(unit.nodes.front(), unit.name);
  }
}

TensorSpec GraphDefImporter::SpecOf(const std::string& name, std::size_t output,
                                    const Value& value) {
  TensorSpec spec{.dtype = FromTensorFlow(value.dtype)};
  if (!value.shape) {
    notes_->Add(notes::kUnknownShape, Named(name, output));
    spec.bytes = 0;
    return spec;
  }
  spec.shape = *value.shape;
  if (!value.known()) {
    notes_->Add(notes::kUnknownShape, Named(name, output));
    std::replace(spec.shape.begin(), spec.shape.end(), kOpen, std::int64_t{1});
  }
  return spec;
}

GraphDefImporter::Reads GraphDefImporter::ReadsOf(const std::vector<int>& nodes) {
  Reads reads;
  for (const int index : nodes) {
    std::size_t position = 0;
    for (const std::string& input : graph_.node(index).input()) {
      const InputRef ref = ParseInput(input);
      const NodeState& state = states_[static_cast<std::size_t>(index_.at(ref.node))];
      if (!state.op) {
        continue;  // inside of the loop
      }
      if (ref.control) {
        reads.control.push_back(*state.op);
        continue;
      }
      if (ref.output < state.tensors.size()) {
        reads.reads_first = reads.reads_first || position == 0;
        reads.tensors.push_back(state.tensors[ref.output]);
        reads.specs.push_back(builder_.tensor(state.tensors[ref.output]));
      }
      ++position;
    }
  }
  return reads;
}

OpRole GraphDefImporter::RoleOf(const tf::NodeDef& node) const {
  // A constant that waits for something is computed like any op.
  if (node.input_size() == 0) {
    if (IsPlaceholder(node.op())) {
      return OpRole::kInput;
    }
    if (IsVariable(node.op()) || IsConstant(node.op())) {
      return OpRole::kParameter;
    }
  }
  if (IsUpdateNode(node.op())) {
    return OpRole::kUpdate;
  }
  return IsGradientScope(node.name()) ? OpRole::kBackward : OpRole::kForward;
}

void GraphDefImporter::NoteKind(const tf::NodeDef& node) {
  if (IsCall(node.op()) || functions_.contains(node.op())) {
    notes_->Add(notes::kFunction, node.op() + " (node '" + node.name() + "')");
  } else if (IsConditional(node.op())) {
    notes_->Add(notes::kConditional, node.op());
  }
}

void GraphDefImporter::ImportNode(int index, const std::string& name) {
  const tf::NodeDef& node = graph_.node(index);
  NodeState& state = states_[static_cast<std::size_t>(index)];
  const NodeView view = View(node);
  state.outputs = OutputsOf(view);
  const OpRole role = RoleOf(node);
  if (role == OpRole::kInput) {
    ResolveInput(node);
  }
  NoteKind(node);
  Reads reads = ReadsOf({index});
  std::vector<TensorSpec> specs;
  for (std::size_t i = 0; i < state.outputs.size(); ++i) {
    specs.push_back(SpecOf(node.name(), i, state.outputs[i]));
  }
  const bool resident = role == OpRole::kInput || role == OpRole::kParameter;
  const OpCosts costs = resident ? OpCosts{} : CostOfNode(view, reads.specs, specs);
  if (!costs.known && !IsCall(node.op()) && !functions_.contains(node.op())) {
    notes_->Add(notes::kNoRule, node.op());
  }
  if (IsViewNode(node.op()) && reads.reads_first && !specs.empty()) {
    specs[0].aliases_input = 0;
  }
  const std::size_t num_outputs = specs.size();
  state.op = builder_.AddOp({.name = name,
                             .type = node.op(),
                             .op_class = costs.op_class,
                             .role = role,
                             .flops = costs.flops,
                             .traffic_bytes = costs.traffic_bytes,
                             .source_name = node.name()},
                            std::move(reads.tensors), std::move(specs), std::move(reads.control));
  for (std::size_t i = 0; i < num_outputs; ++i) {
    state.tensors.push_back(builder_.Output(*state.op, i));
  }
}

void GraphDefImporter::ImportLoop(const NodeOrder::Unit& unit) {
  Reads reads = ReadsOf(unit.nodes);
  std::vector<TensorSpec> specs;
  std::vector<std::pair<int, std::size_t>> sources;
  for (const int index : unit.nodes) {
    const tf::NodeDef& node = graph_.node(index);
    NodeState& state = states_[static_cast<std::size_t>(index)];
    state.outputs.resize(
        num_read_[static_cast<std::size_t>(index)],
        {.dtype = TypeAttr(node, "T", tf::DT_INVALID), .shape = {}, .numbers = {}});
    RefineFromFile(node, state.outputs);
    for (std::size_t i = 0; i < state.outputs.size(); ++i) {
      specs.push_back(SpecOf(node.name(), i, state.outputs[i]));
      sources.emplace_back(index, i);
    }
  }
  const std::string& first = graph_.node(unit.nodes.front()).name();
  notes_->Add(notes::kLoop,
              "'" + unit.name + "' of " + std::to_string(unit.nodes.size()) + " nodes");
  const OpCosts costs = CostOf("While", {.inputs = reads.specs, .outputs = specs});
  const OpId op =
      builder_.AddOp({.name = unit.name,
                      .type = "While",
                      .op_class = costs.op_class,
                      .flops = costs.flops,
                      .traffic_bytes = costs.traffic_bytes,
                      .source_name = first},
                     std::move(reads.tensors), std::move(specs), std::move(reads.control));
  for (std::size_t i = 0; i < sources.size(); ++i) {
    states_[static_cast<std::size_t>(sources[i].first)].tensors.push_back(builder_.Output(op, i));
  }
  for (const int index : unit.nodes) {
    states_[static_cast<std::size_t>(index)].op = op;
  }
}

/// `loc:@` hints, and whatever works on one variable, share a device.
void GraphDefImporter::Tie() {
  constexpr std::string_view kHint = "loc:@";
  UnionFind together(builder_.num_ops());
  for (int i = 0; i < graph_.node_size(); ++i) {
    const tf::NodeDef& node = graph_.node(i);
    const OpId op = *states_[static_cast<std::size_t>(i)].op;
    if (const tf::AttrValue* hints = FindAttr(node, "_class")) {
      for (const std::string& hint : hints->list().s()) {
        const auto other =
            hint.starts_with(kHint) ? index_.find(hint.substr(kHint.size())) : index_.end();
        if (other != index_.end()) {
          together.Union(op.index(), states_[static_cast<std::size_t>(other->second)].op->index());
        } else if (hint.starts_with(kHint)) {
          notes_->Add(notes::kNoSuchNode, hint);
        }
      }
    }
    for (const std::string& input : node.input()) {
      const auto from = static_cast<std::size_t>(index_.at(ParseInput(input).node));
      const std::string& type = graph_.node(static_cast<int>(from)).op();
      if (!input.starts_with('^') && (type == "VarHandleOp" || IsUpdateNode(node.op())) &&
          (type == "VarHandleOp" || IsVariable(type))) {
        together.Union(op.index(), states_[from].op->index());
      }
    }
  }
  std::vector<std::size_t> members(builder_.num_ops(), 0);
  for (std::size_t i = 0; i < members.size(); ++i) {
    ++members[together.Find(i)];
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    const std::size_t leader = together.Find(i);
    if (members[leader] > 1) {
      builder_.mutable_op(OpId(i)).colocation_group =
          std::string(kHint) + builder_.op(OpId(leader)).name;
    }
  }
}

void GraphDefImporter::MarkOutputs() {
  for (const auto& [output, shape] : signature_.outputs) {
    const auto node = index_.find(output.first);
    if (node != index_.end()) {
      const NodeState& state = states_[static_cast<std::size_t>(node->second)];
      if (output.second < state.tensors.size()) {
        builder_.MarkGraphOutput(state.tensors[output.second]);
      }
    }
  }
}

}  // namespace placer::graphdef
