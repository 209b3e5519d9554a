#include "graphs/graph.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <numeric>
#include <queue>
#include <unordered_map>

#include "graphs/base/error.h"
#include "graphs/base/fingerprint.h"
#include "graphs/base/union_find.h"
#include "graphs/detail/import_notes.h"

namespace placer {
namespace {

constexpr std::array<std::string_view, kNumDataTypes> kDataTypeNames = {
    "float32", "float64",   "float16",    "bfloat16", "int8",   "uint8",
    "int16",   "uint16",    "int32",      "uint32",   "int64",  "uint64",
    "bool",    "complex64", "complex128", "string",   "unknown"};
constexpr std::array<std::int64_t, kNumDataTypes> kDataTypeSizes = {4, 8, 2, 2, 1, 1,  2, 2, 4,
                                                                    4, 8, 8, 1, 8, 16, 0, 0};
constexpr std::array<std::string_view, 5> kOpRoleNames = {"input", "parameter", "forward",
                                                          "backward", "update"};
constexpr std::array<std::string_view, kNumOpClasses> kOpClassNames = {
    "matmul",    "convolution", "depthwise_convolution", "elementwise", "normalization", "pooling",
    "reduction", "softmax",     "data_movement",         "embedding",   "update",        "view",
    "other"};

template <typename Enum, std::size_t N>
std::optional<Enum> Parse(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto it = std::find(names.begin(), names.end(), name);
  if (it == names.end()) {
    return std::nullopt;
  }
  return static_cast<Enum>(it - names.begin());
}

/// Names come from files: a zero in one would end the message.
std::string Quoted(std::string_view name) {
  return "'" + WithoutControlCharacters(std::string(name)) + "'";
}

void CheckTime(const std::string& what, Seconds time) {
  if (!(time.count() >= 0) || !std::isfinite(time.count())) {
    throw InputError(what + " is " + std::to_string(time.count()) +
                     " s, expected a finite time >= 0");
  }
}

std::int64_t BytesOf(const TensorSpec& spec) {
  const std::int64_t elements = NumElements(spec.shape);
  for (const auto& [label, bytes] :
       {std::pair{"bytes", spec.bytes}, std::pair{"held_bytes", spec.held_bytes}}) {
    if (bytes && *bytes < 0) {
      throw InputError(std::string(label) + " " + std::to_string(*bytes) + ", expected >= 0");
    }
  }
  if (spec.copy_time) {
    CheckTime("copy_time", *spec.copy_time);
  }
  if (spec.bytes) {
    return *spec.bytes;
  }
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(elements, SizeOf(spec.dtype), &bytes)) {
    throw InputError("tensor size overflows 64 bits");
  }
  return bytes;
}

void CheckTimes(const Op& op) {
  for (auto time = op.times.begin(); time != op.times.end(); ++time) {
    CheckTime("the time on " + Quoted(time->device), time->time);
    if (time->device.empty()) {
      throw InputError("a time has no device, expected a device's name or kind");
    }
    if (std::any_of(op.times.begin(), time,
                    [time](const OpTime& other) { return other.device == time->device; })) {
      throw InputError("the time on " + Quoted(time->device) + " is given twice, expected once");
    }
  }
}

/// What most graphs do not have counts only where it is there, so that it changes no other graph's
/// fingerprint.
void AddKnownTimes(const Graph& graph, Fingerprint& print) {
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    for (const OpTime& time : graph.op(OpId(i)).times) {
      print.Add("time").Add(static_cast<std::int64_t>(i)).Add(time.device);
      print.Add(std::bit_cast<std::int64_t>(time.time.count()));
    }
  }
  for (std::size_t i = 0; i < graph.num_tensors(); ++i) {
    const Tensor& tensor = graph.tensor(TensorId(i));
    if (tensor.storage == TensorId(i) && tensor.held_bytes != tensor.bytes) {
      print.Add("held").Add(static_cast<std::int64_t>(i)).Add(tensor.held_bytes);
    }
    if (tensor.copy_time) {
      print.Add("copy").Add(static_cast<std::int64_t>(i));
      print.Add(std::bit_cast<std::int64_t>(tensor.copy_time->count()));
    }
  }
}

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

std::string_view Name(DataType dtype) noexcept {
  return kDataTypeNames[static_cast<std::size_t>(dtype)];
}
std::optional<DataType> ParseDataType(std::string_view name) noexcept {
  return Parse<DataType>(kDataTypeNames, name);
}
std::int64_t SizeOf(DataType dtype) noexcept {
  return kDataTypeSizes[static_cast<std::size_t>(dtype)];
}
std::string_view Name(OpRole role) noexcept { return kOpRoleNames[static_cast<std::size_t>(role)]; }
std::optional<OpRole> ParseOpRole(std::string_view name) noexcept {
  return Parse<OpRole>(kOpRoleNames, name);
}
std::string_view Name(OpClass op_class) noexcept {
  return kOpClassNames[static_cast<std::size_t>(op_class)];
}
std::optional<OpClass> ParseOpClass(std::string_view name) noexcept {
  return Parse<OpClass>(kOpClassNames, name);
}

std::int64_t NumElements(std::span<const std::int64_t> shape) {
  std::int64_t elements = 1;
  for (const std::int64_t dim : shape) {
    if (dim < 0) {
      throw InputError("dimension " + std::to_string(dim) + ", expected >= 0");
    }
    if (__builtin_mul_overflow(elements, dim, &elements)) {
      throw InputError("tensor size overflows 64 bits");
    }
  }
  return elements;
}

std::optional<OpId> Graph::FindOp(std::string_view name) const {
  const auto it =
      std::lower_bound(ops_by_name_.begin(), ops_by_name_.end(), name,
                       [this](OpId id, std::string_view key) { return op(id).name < key; });
  if (it == ops_by_name_.end() || op(*it).name != name) {
    return std::nullopt;
  }
  return *it;
}

DataType Graph::compute_dtype(OpId id) const {
  if (num_outputs(id) > 0) {
    return tensor(first_output(id)).dtype;
  }
  return inputs(id).empty() ? DataType::kFloat32 : tensor(inputs(id).front()).dtype;
}

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

void GraphBuilder::CheckNodes() const {
  std::unordered_map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    const Op& op = node.op;
    if (op.name.empty()) {
      throw InputError("op #" + std::to_string(i) + " of type " + Quoted(op.type) + " has no name");
    }
    const auto fail = [&op](const std::string& fault) {
      throw InputError("op " + Quoted(op.name) + ": " + fault);
    };
    if (!seen.emplace(op.name, i).second) {
      fail("the name is used twice, expected unique names");
    }
    for (const auto& [label, value] :
         {std::pair{"flops", op.flops}, std::pair{"traffic_bytes", op.traffic_bytes},
          std::pair{"workspace_bytes", op.workspace_bytes},
          std::pair{"persistent_bytes", op.persistent_bytes}}) {
      if (value < 0) {
        fail(std::string(label) + " is " + std::to_string(value) + ", expected >= 0");
      }
    }
    try {
      CheckTimes(op);
    } catch (const InputError& e) {
      fail(e.what());
    }
    for (const TensorId input : node.inputs) {
      if (input.index() >= tensor_refs_.size()) {
        fail("reads tensor #" + std::to_string(input.index()) + ", which no op produces");
      }
    }
    for (const OpId before : node.control_inputs) {
      if (before.index() >= nodes_.size()) {
        fail("waits for op #" + std::to_string(before.index()) + ", which does not exist");
      }
    }
    const bool resident = op.role == OpRole::kInput || op.role == OpRole::kParameter;
    if (resident && (!node.inputs.empty() || !node.control_inputs.empty())) {
      fail("an " + std::string(Name(op.role)) + " op reads nothing, but this one has inputs");
    }
    for (std::size_t o = 0; o < node.outputs.size(); ++o) {
      const TensorSpec& spec = node.outputs[o];
      try {
        (void)BytesOf(spec);
      } catch (const InputError& e) {
        fail("output " + std::to_string(o) + ": " + e.what());
      }
      if (spec.aliases_input && *spec.aliases_input >= node.inputs.size()) {
        fail("output " + std::to_string(o) + " aliases input " +
             std::to_string(*spec.aliases_input) + ", but there are " +
             std::to_string(node.inputs.size()) + " inputs");
      }
    }
  }
}

std::vector<OpId> GraphBuilder::TopologicalOrder() const {
  std::vector<std::vector<std::uint32_t>> next(nodes_.size());
  std::vector<std::uint32_t> waiting(nodes_.size(), 0);
  const auto add_edge = [&](OpId from, std::size_t to) {
    next[from.index()].push_back(static_cast<std::uint32_t>(to));
    ++waiting[to];
  };
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    for (const TensorId input : nodes_[i].inputs) {
      add_edge(producer(input), i);
    }
    for (const OpId before : nodes_[i].control_inputs) {
      add_edge(before, i);
    }
  }
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (waiting[i] == 0) {
      ready.push(static_cast<std::uint32_t>(i));
    }
  }
  std::vector<OpId> order;
  order.reserve(nodes_.size());
  while (!ready.empty()) {
    const std::uint32_t op = ready.top();
    ready.pop();
    order.emplace_back(op);
    for (const std::uint32_t consumer : next[op]) {
      if (--waiting[consumer] == 0) {
        ready.push(consumer);
      }
    }
  }
  if (order.size() < nodes_.size()) {
    // Every op left waits for another one left: walking backwards must return to an op already
    // seen.
    std::size_t at = static_cast<std::size_t>(
        std::find_if(waiting.begin(), waiting.end(), [](std::uint32_t w) { return w > 0; }) -
        waiting.begin());
    std::vector<char> seen(nodes_.size(), 0);
    std::string path;
    const auto blocked_predecessor = [&](std::size_t op) {
      for (const TensorId input : nodes_[op].inputs) {
        if (waiting[producer(input).index()] > 0) {
          return producer(input).index();
        }
      }
      for (const OpId before : nodes_[op].control_inputs) {
        if (waiting[before.index()] > 0) {
          return before.index();
        }
      }
      return op;
    };
    while (seen[at] == 0) {
      seen[at] = 1;
      at = blocked_predecessor(at);
    }
    const std::size_t start = at;
    std::size_t length = 0;
    do {
      if (++length <= 4) {
        path += Quoted(nodes_[at].op.name) + " <- ";
      }
      at = blocked_predecessor(at);
    } while (at != start);
    throw InputError("op " + Quoted(nodes_[start].op.name) + ": is on a cycle of " +
                     std::to_string(length) + " ops (" + path + (length > 4 ? "... <- " : "") +
                     Quoted(nodes_[start].op.name) + "), expected an acyclic graph");
  }
  return order;
}

Graph GraphBuilder::Build() && {
  CheckNodes();
  const std::vector<OpId> order = TopologicalOrder();
  Graph graph;
  graph.name_ = std::move(name_);
  const std::size_t num_ops = nodes_.size();

  std::vector<OpId> new_op(num_ops);
  std::vector<TensorId> new_tensor(tensor_refs_.size());
  for (std::size_t i = 0; i < num_ops; ++i) {
    const Node& node = nodes_[order[i].index()];
    new_op[order[i].index()] = OpId(i);
    for (std::size_t o = 0; o < node.outputs.size(); ++o) {
      new_tensor[node.first_output + o] = TensorId(graph.output_begin_.back() + o);
    }
    graph.output_begin_.push_back(graph.output_begin_.back() +
                                  static_cast<std::uint32_t>(node.outputs.size()));
  }

  std::vector<std::pair<std::uint32_t, OpId>> reads;
  std::vector<std::pair<std::uint32_t, OpId>> waits;
  UnionFind together(num_ops);
  std::unordered_map<std::string, std::size_t> group_leader;
  graph.ops_.reserve(num_ops);
  graph.tensors_.reserve(tensor_refs_.size());
  for (std::size_t i = 0; i < num_ops; ++i) {
    Node& node = nodes_[order[i].index()];
    for (const TensorId input : node.inputs) {
      graph.inputs_.push_back(new_tensor[input.index()]);
      reads.emplace_back(static_cast<std::uint32_t>(new_tensor[input.index()].index()), OpId(i));
    }
    graph.input_begin_.push_back(static_cast<std::uint32_t>(graph.inputs_.size()));
    std::vector<OpId> before;
    for (const OpId control : node.control_inputs) {
      before.push_back(new_op[control.index()]);
    }
    std::sort(before.begin(), before.end());
    before.erase(std::unique(before.begin(), before.end()), before.end());
    for (const OpId control : before) {
      waits.emplace_back(static_cast<std::uint32_t>(control.index()), OpId(i));
    }
    graph.control_inputs_.insert(graph.control_inputs_.end(), before.begin(), before.end());
    graph.control_input_begin_.push_back(static_cast<std::uint32_t>(graph.control_inputs_.size()));
    for (std::size_t o = 0; o < node.outputs.size(); ++o) {
      TensorSpec& spec = node.outputs[o];
      Tensor tensor;
      tensor.producer = OpId(i);
      tensor.output_index = static_cast<std::uint32_t>(o);
      tensor.dtype = spec.dtype;
      tensor.bytes = BytesOf(spec);
      tensor.shape = std::move(spec.shape);
      tensor.storage = TensorId(graph.tensors_.size());
      tensor.held_bytes = spec.aliases_input ? 0 : spec.held_bytes.value_or(tensor.bytes);
      tensor.copy_time = spec.copy_time;
      tensor.graph_output = spec.graph_output;
      if (spec.aliases_input) {
        const TensorId source = new_tensor[node.inputs[*spec.aliases_input].index()];
        tensor.storage = graph.tensors_[source.index()].storage;
        together.Union(i, graph.tensors_[source.index()].producer.index());
      }
      graph.tensors_.push_back(std::move(tensor));
    }
    if (!node.op.colocation_group.empty()) {
      const auto [it, first] = group_leader.emplace(node.op.colocation_group, i);
      if (!first) {
        together.Union(i, it->second);
      }
    }
    graph.ops_.push_back(std::move(node.op));
  }
  FillRows(reads, graph.tensors_.size(), graph.consumer_begin_, graph.consumers_);
  FillRows(waits, num_ops, graph.control_consumer_begin_, graph.control_consumers_);
  graph.colocation_class_ = together.Classes();
  graph.num_colocation_classes_ = together.num_classes();

  graph.ops_by_name_.resize(num_ops);
  for (std::size_t i = 0; i < num_ops; ++i) {
    graph.ops_by_name_[i] = OpId(i);
  }
  std::sort(graph.ops_by_name_.begin(), graph.ops_by_name_.end(),
            [&graph](OpId a, OpId b) { return graph.op(a).name < graph.op(b).name; });

  Fingerprint print;
  for (std::size_t i = 0; i < num_ops; ++i) {
    const Op& op = graph.ops_[i];
    print.Add(op.name)
        .Add(op.type)
        .Add(static_cast<std::int64_t>(op.op_class))
        .Add(static_cast<std::int64_t>(op.role));
    print.Add(op.flops)
        .Add(op.traffic_bytes)
        .Add(op.workspace_bytes)
        .Add(op.persistent_bytes)
        .Add(op.colocation_group);
    for (const std::string& device : op.allowed_devices) {
      print.Add(device);
    }
    for (const TensorId input : graph.inputs(OpId(i))) {
      print.Add(static_cast<std::int64_t>(input.index()));
    }
    for (const OpId control : graph.control_inputs(OpId(i))) {
      print.Add(static_cast<std::int64_t>(control.index()));
    }
  }
  for (const Tensor& tensor : graph.tensors_) {
    print.Add(static_cast<std::int64_t>(tensor.dtype)).Add(tensor.bytes);
    print.Add(static_cast<std::int64_t>(tensor.storage.index()))
        .Add(static_cast<std::int64_t>(tensor.graph_output));
  }
  AddKnownTimes(graph, print);
  graph.fingerprint_ = print.value();
  return graph;
}

}  // namespace placer
