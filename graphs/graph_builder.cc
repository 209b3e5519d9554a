#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "graphs/base/error.h"
#include "graphs/base/text.h"
#include "graphs/base/union_find.h"
#include "graphs/detail/graph_checks.h"
#include "graphs/detail/graph_fingerprint.h"
#include "graphs/detail/topological_order.h"
#include "graphs/graph.h"

namespace placer {
namespace {

/// Rows of a compressed sparse matrix from (row, value) pairs; values of a row sorted, each once.
template <typename T>
void FillRows(std::vector<std::pair<std::uint32_t, T>>& pairs, std::size_t num_rows,
              std::vector<std::uint32_t>& begin, std::vector<T>& values) {
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  begin.assign(num_rows + 1, 0);
  values.clear();
  values.reserve(pairs.size());
  for (const auto& [row, value] : pairs) {
    ++begin[row + 1];
    values.push_back(value);
  }
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
}

}  // namespace

OpId GraphBuilder::AddOp(Op op, std::vector<TensorId> inputs, std::vector<TensorSpec> outputs,
                         std::vector<OpId> control_inputs) {
  const OpId id(nodes_.size());
  Node node;
  node.op = std::move(op);
  node.inputs = std::move(inputs);
  node.outputs = std::move(outputs);
  node.control_inputs = std::move(control_inputs);
  node.first_output = static_cast<std::uint32_t>(tensor_refs_.size());
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    tensor_refs_.push_back({id, static_cast<std::uint32_t>(i)});
  }
  nodes_.push_back(std::move(node));
  return id;
}

TensorId GraphBuilder::Output(OpId op, std::size_t index) const {
  const Node& node = nodes_.at(op.index());
  if (index >= node.outputs.size()) {
    throw std::logic_error("op " + Quoted(node.op.name) + " has no output " +
                           std::to_string(index));
  }
  return TensorId(node.first_output + index);
}

void GraphBuilder::SetInputs(OpId op, std::vector<TensorId> inputs) {
  nodes_.at(op.index()).inputs = std::move(inputs);
}

void GraphBuilder::AddControlInput(OpId op, OpId before) {
  nodes_.at(op.index()).control_inputs.push_back(before);
}

const TensorSpec& GraphBuilder::tensor(TensorId id) const {
  const TensorRef ref = tensor_refs_.at(id.index());
  return nodes_[ref.op.index()].outputs[ref.index];
}

void GraphBuilder::MarkGraphOutput(TensorId id) {
  const TensorRef ref = tensor_refs_.at(id.index());
  nodes_[ref.op.index()].outputs[ref.index].graph_output = true;
}

void GraphBuilder::CheckNode(const Node& node) const {
  for (const TensorId input : node.inputs) {
    if (input.index() >= tensor_refs_.size()) {
      throw InputError("reads tensor #" + std::to_string(input.index()) + ", which no op produces");
    }
  }
  for (const OpId before : node.control_inputs) {
    if (before.index() >= nodes_.size()) {
      throw InputError("waits for op #" + std::to_string(before.index()) +
                       ", which does not exist");
    }
  }
  const OpRole role = node.op.role;
  const bool resident = role == OpRole::kInput || role == OpRole::kParameter;
  if (resident && (!node.inputs.empty() || !node.control_inputs.empty())) {
    throw InputError("an " + std::string(Name(role)) +
                     " op reads nothing, but this one has inputs");
  }
  for (std::size_t o = 0; o < node.outputs.size(); ++o) {
    const auto where = [o] { return "output " + std::to_string(o); };
    const TensorSpec& spec = node.outputs[o];
    try {
      (void)BytesOf(spec);
    } catch (const InputError& error) {
      throw error.In(where());
    }
    if (spec.aliases_input && *spec.aliases_input >= node.inputs.size()) {
      throw InputError(where() + " aliases input " + std::to_string(*spec.aliases_input) +
                       ", but there are " + std::to_string(node.inputs.size()) + " inputs");
    }
  }
}

void GraphBuilder::CheckNodes() const {
  std::unordered_map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Op& op = nodes_[i].op;
    if (op.name.empty()) {
      throw InputError("op #" + std::to_string(i) + " of type " + Quoted(op.type) + " has no name");
    }
    try {
      if (!seen.emplace(op.name, i).second) {
        throw InputError("the name is used twice, expected unique names");
      }
      CheckCosts(op);
      CheckNode(nodes_[i]);
    } catch (const InputError& error) {
      throw error.In("op " + Quoted(op.name));
    }
  }
}

std::vector<std::uint32_t> GraphBuilder::Order() const {
  Dependencies dependencies;
  for (const Node& node : nodes_) {
    for (const TensorId input : node.inputs) {
      dependencies.Add(static_cast<std::uint32_t>(producer(input).index()));
    }
    for (const OpId before : node.control_inputs) {
      dependencies.Add(static_cast<std::uint32_t>(before.index()));
    }
    dependencies.EndRow();
  }
  std::vector<std::uint32_t> order = TopologicalOrder(dependencies);
  if (order.size() == nodes_.size()) {
    return order;
  }
  constexpr std::size_t kShown = 4;
  const std::vector<std::uint32_t> cycle = FindCycle(dependencies, order);
  const std::string first = Quoted(nodes_[cycle.front()].op.name);
  std::string path;
  for (std::size_t i = 0; i < std::min(cycle.size(), kShown); ++i) {
    path += Quoted(nodes_[cycle[i]].op.name) + " <- ";
  }
  throw InputError("op " + first + ": is on a cycle of " + std::to_string(cycle.size()) + " ops (" +
                   path + (cycle.size() > kShown ? "... <- " : "") + first +
                   "), expected an acyclic graph");
}

/// The ids that Build() gives.
struct GraphBuilder::NewIds {
  std::vector<OpId> ops;
  std::vector<TensorId> tensors;
};

GraphBuilder::NewIds GraphBuilder::Renumber(std::span<const std::uint32_t> order) const {
  NewIds ids;
  ids.ops.resize(nodes_.size());
  ids.tensors.resize(tensor_refs_.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Node& node = nodes_[order[i]];
    ids.ops[order[i]] = OpId(i);
    for (std::size_t o = 0; o < node.outputs.size(); ++o) {
      ids.tensors[node.first_output + o] = TensorId(next++);
    }
  }
  return ids;
}

void GraphBuilder::AppendEdges(const Node& node, const NewIds& ids, Graph& graph) {
  for (const TensorId input : node.inputs) {
    graph.inputs_.push_back(ids.tensors[input.index()]);
  }
  graph.input_begin_.push_back(static_cast<std::uint32_t>(graph.inputs_.size()));
  std::vector<OpId> before;
  for (const OpId control : node.control_inputs) {
    before.push_back(ids.ops[control.index()]);
  }
  std::sort(before.begin(), before.end());
  before.erase(std::unique(before.begin(), before.end()), before.end());
  graph.control_inputs_.insert(graph.control_inputs_.end(), before.begin(), before.end());
  graph.control_input_begin_.push_back(static_cast<std::uint32_t>(graph.control_inputs_.size()));
}

void GraphBuilder::AppendTensors(Node& node, const NewIds& ids, Graph& graph) {
  for (std::size_t o = 0; o < node.outputs.size(); ++o) {
    TensorSpec& spec = node.outputs[o];
    Tensor tensor;
    tensor.producer = OpId(graph.ops_.size());
    tensor.output_index = static_cast<std::uint32_t>(o);
    tensor.dtype = spec.dtype;
    tensor.bytes = BytesOf(spec);
    tensor.shape = std::move(spec.shape);
    tensor.storage = TensorId(graph.tensors_.size());
    tensor.held_bytes = spec.aliases_input ? 0 : spec.held_bytes.value_or(tensor.bytes);
    tensor.copy_time = spec.copy_time;
    tensor.graph_output = spec.graph_output;
    if (spec.aliases_input) {
      const TensorId source = ids.tensors[node.inputs[*spec.aliases_input].index()];
      tensor.storage = graph.tensors_[source.index()].storage;
    }
    graph.tensors_.push_back(std::move(tensor));
  }
  graph.output_begin_.push_back(static_cast<std::uint32_t>(graph.tensors_.size()));
}

void GraphBuilder::FillConsumers(Graph& graph) {
  std::vector<std::pair<std::uint32_t, OpId>> reads;
  std::vector<std::pair<std::uint32_t, OpId>> waits;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    for (const TensorId input : graph.inputs(OpId(i))) {
      reads.emplace_back(static_cast<std::uint32_t>(input.index()), OpId(i));
    }
    for (const OpId control : graph.control_inputs(OpId(i))) {
      waits.emplace_back(static_cast<std::uint32_t>(control.index()), OpId(i));
    }
  }
  FillRows(reads, graph.num_tensors(), graph.consumer_begin_, graph.consumers_);
  FillRows(waits, graph.num_ops(), graph.control_consumer_begin_, graph.control_consumers_);
}

/// Aliases and co-location groups.
void GraphBuilder::TieOps(Graph& graph) {
  UnionFind together(graph.num_ops());
  for (const Tensor& tensor : graph.tensors_) {
    together.Union(tensor.producer.index(),
                   graph.tensors_[tensor.storage.index()].producer.index());
  }
  std::unordered_map<std::string_view, std::size_t> leader;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    if (const std::string& group = graph.ops_[i].colocation_group; !group.empty()) {
      together.Union(i, leader.emplace(group, i).first->second);
    }
  }
  graph.colocation_class_ = together.Classes();
  graph.num_colocation_classes_ = together.num_classes();
}

Graph GraphBuilder::Build() && {
  CheckNodes();
  const std::vector<std::uint32_t> order = Order();
  const NewIds ids = Renumber(order);
  Graph graph;
  graph.name_ = std::move(name_);
  graph.ops_.reserve(order.size());
  graph.tensors_.reserve(tensor_refs_.size());
  for (const std::uint32_t index : order) {
    AppendEdges(nodes_[index], ids, graph);
    AppendTensors(nodes_[index], ids, graph);
    graph.ops_.push_back(std::move(nodes_[index].op));
  }
  FillConsumers(graph);
  TieOps(graph);
  graph.ops_by_name_.resize(graph.num_ops());
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    graph.ops_by_name_[i] = OpId(i);
  }
  std::sort(graph.ops_by_name_.begin(), graph.ops_by_name_.end(),
            [&graph](OpId a, OpId b) { return graph.op(a).name < graph.op(b).name; });
  graph.fingerprint_ = FingerprintOf(graph);
  return graph;
}

}  // namespace placer
