#include "graphs/onnx_exporter.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"
#include "graphs/detail/onnx_devices.h"
#include "graphs/detail/onnx_external.h"
#include "graphs/detail/onnx_file.h"
#include "graphs/detail/onnx_parts.h"
#include "graphs/detail/onnx_value_types.h"

namespace placer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kDeviceKey = "placer.device";
constexpr const char* kDevicesKey = "placer.devices";
/// NodeProto.metadata_props, in ONNX since 1.16, which the messages here may be older than.
constexpr int kNodeMetadata = 9;

/// A key and a value as protobuf writes them.
std::string MetadataEntry(const std::string& device) {
  onnx::StringStringEntryProto entry;
  entry.set_key(kDeviceKey);
  entry.set_value(device);
  return entry.SerializeAsString();
}

/// Replaces what an export before this one wrote.
void SetNodeDevice(onnx::NodeProto& node, const std::string& device) {
  auto& fields = *node.GetReflection()->MutableUnknownFields(&node);
  for (int i = fields.field_count(); i-- > 0;) {
    onnx::StringStringEntryProto entry;
    if (fields.field(i).number() == kNodeMetadata &&
        fields.field(i).type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED &&
        entry.ParseFromString(fields.field(i).length_delimited()) && entry.key() == kDeviceKey) {
      fields.DeleteSubrange(i, 1);
    }
  }
  fields.AddLengthDelimited(kNodeMetadata, MetadataEntry(device));
}

void SetMetadata(onnx::ModelProto& model, const std::string& key, const std::string& value) {
  for (auto& entry : *model.mutable_metadata_props()) {
    if (entry.key() == key) {
      entry.set_value(value);
      return;
    }
  }
  auto& entry = *model.add_metadata_props();
  entry.set_key(key);
  entry.set_value(value);
}

std::string Serialize(const onnx::ModelProto& model) {
  if (model.ByteSizeLong() >= (std::size_t{1} << 31U)) {
    throw InputError("has " + std::to_string(model.ByteSizeLong()) +
                     " bytes, expected less than 2 GiB (store the weights as external data)");
  }
  return model.SerializeAsString();
}

/// "/gpu:0" -> "gpu_0".
std::string FileNameOf(const std::string& device) {
  std::string name;
  for (const char c : device) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain || (!name.empty() && name.back() != '_')) {
      name += plain ? c : '_';
    }
  }
  return name;
}

std::string PartName(std::size_t index, const std::string& device) {
  std::string number = std::to_string(index);
  number.insert(0, 3 - std::min<std::size_t>(3, number.size()), '0');
  return "part_" + number + "_" + FileNameOf(device);
}

/// Makes the models of the parts.
class PartWriter {
 public:
  PartWriter(const fs::path& path, const Graph& graph, std::span<const std::string> device_of_op)
      : path_(path),
        model_(onnx_detail::ReadModel(path)),
        nodes_(onnx_detail::PlaceNodes(model_.graph(), graph, device_of_op)),
        types_(model_, nodes_, graph) {
    for (const auto& tensor : model_.graph().initializer()) {
      weights_.emplace(tensor.name(), &tensor);
    }
    for (const auto& tensor : model_.graph().sparse_initializer()) {
      sparse_.emplace(tensor.values().name(), &tensor);
    }
  }

  OnnxParts Write(const fs::path& folder) {
    const std::vector<onnx_detail::NodePart> cut =
        onnx_detail::CutIntoParts(model_.graph(), nodes_);
    OnnxParts parts;
    for (const auto& input : model_.graph().input()) {
      if (!weights_.contains(input.name()) && !sparse_.contains(input.name())) {
        parts.inputs.push_back(input.name());
      }
    }
    for (const auto& output : model_.graph().output()) {
      parts.outputs.push_back(output.name());
    }
    for (const onnx_detail::NodePart& part : cut) {
      const std::string name = PartName(parts.parts.size(), part.device);
      onnx_detail::ExternalData data(path_, folder / (name + ".data"));
      const std::string bytes = Serialize(MakeModel(part, name, data));
      data.Write();
      ReplaceFile(folder / (name + ".onnx"), bytes);
      num_missing_ += data.num_missing();
      parts.parts.push_back(
          {name + ".onnx", part.device, part.inputs, part.outputs, part.nodes.size()});
    }
    if (num_missing_ > 0) {
      parts.warnings.push_back("the data of " + std::to_string(num_missing_) +
                               " weights is not there: the parts refer to it as the model does");
    }
    return parts;
  }

 private:
  onnx::ModelProto MakeModel(const onnx_detail::NodePart& part, const std::string& name,
                             onnx_detail::ExternalData& data) const {
    onnx::ModelProto model;
    model.set_ir_version(model_.ir_version());
    model.set_producer_name("placer");
    *model.mutable_opset_import() = model_.opset_import();
    *model.mutable_functions() = model_.functions();
    *model.mutable_metadata_props() = model_.metadata_props();
    SetMetadata(model, kDeviceKey, part.device);
    onnx::GraphProto& graph = *model.mutable_graph();
    graph.set_name(model_.graph().name().empty() ? name : model_.graph().name() + "/" + name);
    for (const int node : part.nodes) {
      *graph.add_node() = model_.graph().node(node);
    }
    for (const std::string& weight : part.initializers) {
      if (const auto dense = weights_.find(weight); dense != weights_.end()) {
        onnx::TensorProto& tensor = *graph.add_initializer();
        tensor = *dense->second;
        data.Copy(tensor);
      } else {
        *graph.add_sparse_initializer() = *sparse_.at(weight);
      }
    }
    const auto add = [&](const std::string& value, onnx::ValueInfoProto& info) {
      info.set_name(value);
      *info.mutable_type() = types_.Of(value);
    };
    for (const std::string& value : part.inputs) {
      add(value, *graph.add_input());
    }
    for (const std::string& value : part.outputs) {
      add(value, *graph.add_output());
    }
    return model;
  }

  fs::path path_;
  onnx::ModelProto model_;
  onnx_detail::PlacedNodes nodes_;
  onnx_detail::ValueTypes types_;
  std::unordered_map<std::string, const onnx::TensorProto*> weights_;
  std::unordered_map<std::string, const onnx::SparseTensorProto*> sparse_;
  int num_missing_ = 0;
};

std::string Manifest(const fs::path& model, const OnnxParts& parts) {
  Json list = Json::array();
  for (std::size_t i = 0; i < parts.parts.size(); ++i) {
    const OnnxPart& part = parts.parts[i];
    list.push_back({{"file", part.file},
                    {"device", part.device},
                    {"order", i},
                    {"nodes", part.num_nodes},
                    {"inputs", part.inputs},
                    {"outputs", part.outputs}});
  }
  const Json manifest = {{"format", "placer.onnx_parts/1"},
                         {"model", model.filename().string()},
                         {"inputs", parts.inputs},
                         {"outputs", parts.outputs},
                         {"parts", std::move(list)}};
  return manifest.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string OnnxWithDevices(const fs::path& model, const Graph& graph,
                            std::span<const std::string> device_of_op) {
  try {
    onnx::ModelProto proto = onnx_detail::ReadModel(model);
    const auto nodes = onnx_detail::PlaceNodes(proto.graph(), graph, device_of_op);
    Json devices = Json::object();
    for (int i = 0; i < proto.graph().node_size(); ++i) {
      const auto index = static_cast<std::size_t>(i);
      SetNodeDevice(*proto.mutable_graph()->mutable_node(i), nodes.device[index]);
      devices[nodes.names[index]] = nodes.device[index];
    }
    SetMetadata(proto, kDevicesKey, devices.dump(-1, ' ', false, Json::error_handler_t::replace));
    return Serialize(proto);
  } catch (const InputError& error) {
    throw error.In(model.string());
  }
}

OnnxParts WriteOnnxParts(const fs::path& model, const Graph& graph,
                         std::span<const std::string> device_of_op, const fs::path& folder) {
  std::error_code fault;
  fs::create_directories(folder, fault);
  if (fault || !fs::is_directory(folder) || !fs::is_empty(folder)) {
    throw InputError(folder.string() + ": " + (fault ? fault.message() : "is not an empty folder") +
                     ", expected a new or an empty folder for the parts");
  }
  OnnxParts parts;
  try {
    parts = PartWriter(model, graph, device_of_op).Write(folder);
  } catch (const InputError& error) {
    throw error.In(model.string());
  }
  ReplaceFile(folder / "manifest.json", Manifest(model, parts));
  return parts;
}

}  // namespace placer
