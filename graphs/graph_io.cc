#include "graphs/graph_io.h"

#include <unordered_map>

#include "graphs/base/error.h"
#include "graphs/base/proto_file.h"
#include "graphs/base/replace_file.h"
#include "graphs/base/text.h"
#include "graphs/detail/import_notes.h"
#include "graphs/detail/sniff.h"
#include "graphs/graph.pb.h"
#include "graphs/model_file.h"

namespace placer {
namespace {

constexpr ProtoFormat kFormat{"a Placer graph", "placer.graph/1"};

/// @param parse  name -> std::optional<Enum>
template <typename Enum, typename ParseName>
Enum EnumFrom(const std::string& name, const char* field, Enum if_empty, std::size_t count,
              const ParseName& parse) {
  if (name.empty()) {
    return if_empty;
  }
  if (const auto value = parse(name)) {
    return *value;
  }
  std::string known;
  for (std::size_t i = 0; i < count; ++i) {
    known += (i == 0 ? "" : ", ") + std::string(Name(static_cast<Enum>(i)));
  }
  throw InputError(std::string(field) + " is '" + name + "', expected one of " + known);
}

Op OpFrom(const proto::Op& from) {
  constexpr std::size_t kNumRoles = static_cast<std::size_t>(OpRole::kUpdate) + 1;
  Op op;
  op.name = from.name();
  op.type = from.type();
  op.op_class = EnumFrom(from.op_class(), "op_class", OpClass::kOther, kNumOpClasses, ParseOpClass);
  op.role = EnumFrom(from.role(), "role", OpRole::kForward, kNumRoles, ParseOpRole);
  op.flops = from.flops();
  op.traffic_bytes = from.traffic_bytes();
  op.workspace_bytes = from.workspace_bytes();
  op.persistent_bytes = from.persistent_bytes();
  op.colocation_group = from.colocation_group();
  op.allowed_devices.assign(from.allowed_devices().begin(), from.allowed_devices().end());
  op.source_name = from.source_name();
  for (const proto::Time& time : from.times()) {
    op.times.push_back({time.device(), Seconds(time.seconds())});
  }
  return op;
}

TensorSpec TensorFrom(const proto::Tensor& from) {
  TensorSpec spec;
  spec.dtype = EnumFrom(from.dtype(), "dtype", DataType::kFloat32, kNumDataTypes, ParseDataType);
  spec.shape.assign(from.shape().begin(), from.shape().end());
  if (from.has_bytes()) {
    spec.bytes = from.bytes();
  }
  if (from.has_aliases_input()) {
    spec.aliases_input = from.aliases_input();
  }
  spec.graph_output = from.graph_output();
  if (from.has_held_bytes()) {
    spec.held_bytes = from.held_bytes();
  }
  if (from.has_copy_seconds()) {
    spec.copy_time = Seconds(from.copy_seconds());
  }
  return spec;
}

class Reader {
 public:
  explicit Reader(const proto::Graph& from) : from_(from), builder_(from.name()) {}

  Graph Read() {
    for (const proto::Op& op : from_.ops()) {
      InOp(op, [&] {
        std::vector<TensorSpec> outputs;
        for (const proto::Tensor& tensor : op.outputs()) {
          outputs.push_back(TensorFrom(tensor));
        }
        const OpId id = builder_.AddOp(OpFrom(op), {}, std::move(outputs));
        by_name_.emplace(op.name(), id);  // Build() refuses names that are used twice
      });
    }
    for (int i = 0; i < from_.ops_size(); ++i) {
      InOp(from_.ops(i), [&] { Connect(OpId(static_cast<std::size_t>(i)), from_.ops(i)); });
    }
    return std::move(builder_).Build();
  }

 private:
  template <typename Action>
  static void InOp(const proto::Op& op, const Action& action) {
    try {
      action();
    } catch (const InputError& e) {
      throw e.In("op " + Quoted(op.name()));
    }
  }

  [[nodiscard]] OpId Find(const std::string& name, const std::string& what) const {
    const auto it = by_name_.find(name);
    if (it == by_name_.end()) {
      throw InputError(what + " is " + Quoted(name) + ", but there is no such op");
    }
    return it->second;
  }

  void Connect(OpId id, const proto::Op& op) {
    std::vector<TensorId> inputs;
    for (int i = 0; i < op.inputs_size(); ++i) {
      const std::string what = "input " + std::to_string(i);
      const proto::Input& input = op.inputs(i);
      const OpId producer = Find(input.op(), what);
      const auto outputs =
          static_cast<std::uint32_t>(from_.ops(static_cast<int>(producer.index())).outputs_size());
      if (input.output() >= outputs) {
        throw InputError(what + " is output " + std::to_string(input.output()) + " of '" +
                         input.op() + "', which has " + std::to_string(outputs));
      }
      inputs.push_back(builder_.Output(producer, input.output()));
    }
    builder_.SetInputs(id, std::move(inputs));
    for (const std::string& name : op.control_inputs()) {
      builder_.AddControlInput(id, Find(name, "a control input"));
    }
  }

  const proto::Graph& from_;
  GraphBuilder builder_;
  std::unordered_map<std::string, OpId> by_name_;
};

void WriteTensor(const Graph& graph, TensorId id, proto::Tensor& to) {
  const Tensor& tensor = graph.tensor(id);
  if (tensor.dtype != DataType::kFloat32) {
    to.set_dtype(std::string(Name(tensor.dtype)));
  }
  to.mutable_shape()->Add(tensor.shape.begin(), tensor.shape.end());
  std::int64_t computed = 0;
  if (__builtin_mul_overflow(NumElements(tensor.shape), SizeOf(tensor.dtype), &computed) ||
      computed != tensor.bytes) {
    to.set_bytes(tensor.bytes);
  }
  to.set_graph_output(tensor.graph_output);
  if (tensor.storage == id && tensor.held_bytes != tensor.bytes) {
    to.set_held_bytes(tensor.held_bytes);
  }
  if (tensor.copy_time) {
    to.set_copy_seconds(tensor.copy_time->count());
  }
  const auto inputs = graph.inputs(tensor.producer);
  for (std::size_t i = 0; i < inputs.size() && tensor.storage != id && !to.has_aliases_input();
       ++i) {
    if (graph.tensor(inputs[i]).storage == tensor.storage) {
      to.set_aliases_input(static_cast<std::uint32_t>(i));
    }
  }
}

void WriteOp(const Graph& graph, OpId id, proto::Op& to) {
  const Op& op = graph.op(id);
  to.set_name(op.name);
  to.set_type(op.type);
  to.set_op_class(std::string(Name(op.op_class)));
  to.set_role(std::string(Name(op.role)));
  to.set_flops(op.flops);
  to.set_traffic_bytes(op.traffic_bytes);
  to.set_workspace_bytes(op.workspace_bytes);
  to.set_persistent_bytes(op.persistent_bytes);
  to.set_colocation_group(op.colocation_group);
  for (const std::string& device : op.allowed_devices) {
    to.add_allowed_devices(device);
  }
  to.set_source_name(op.source_name);
  for (const OpTime& time : op.times) {
    proto::Time& known = *to.add_times();
    known.set_device(time.device);
    known.set_seconds(time.time.count());
  }
  for (const TensorId input : graph.inputs(id)) {
    const Tensor& tensor = graph.tensor(input);
    proto::Input& edge = *to.add_inputs();
    edge.set_op(graph.op(tensor.producer).name);
    edge.set_output(tensor.output_index);
  }
  for (const OpId before : graph.control_inputs(id)) {
    to.add_control_inputs(graph.op(before).name);
  }
  for (std::size_t o = 0; o < graph.num_outputs(id); ++o) {
    WriteTensor(graph, TensorId(graph.first_output(id).index() + o), *to.add_outputs());
  }
}

proto::Graph ToProto(const Graph& graph) {
  proto::Graph message;
  message.set_name(graph.name());
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    WriteOp(graph, OpId(i), *message.add_ops());
  }
  return message;
}

}  // namespace

Graph ReadGraph(const std::filesystem::path& path) {
  return ImportGraphFile(ModelFile(path)).graph;
}

bool IsGraphFile(const ModelFile& file) {
  if (IsBinary(file.head(), kFormat)) {
    return true;
  }
  const std::string_view word = FirstTextWord(file);
  return word == "format" || word == "name" || word == "ops" || HasJsonKey(file, {"ops"});
}

LoadedModel ImportGraphFile(const ModelFile& file, std::optional<std::int64_t> /*batch*/) {
  const std::string where = file.path().string();
  proto::Graph message;
  ParseProto(file.content(), where, kFormat, message);
  try {
    return {.graph = Reader(message).Read()};
  } catch (const InputError& e) {
    throw InputError(WithoutControlCharacters(e.what())).In(where);
  }
}

void WriteGraph(const Graph& graph, const std::filesystem::path& path) {
  proto::Graph message = ToProto(graph);
  WriteProtoFile(path, kFormat, message);
}

std::string GraphToBytes(const Graph& graph) {
  proto::Graph message = ToProto(graph);
  message.set_format(std::string(kFormat.format));
  return message.SerializeAsString();
}

Graph GraphFromBytes(std::string_view bytes) {
  proto::Graph message;
  ParseProto(bytes, std::string(kFormat.what), kFormat, message);
  return Reader(message).Read();
}

}  // namespace placer
