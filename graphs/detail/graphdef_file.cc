#include "graphs/detail/graphdef_file.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include <limits>
#include <stdexcept>
#include <utility>

#include "graphs/base/error.h"
#include "graphs/base/proto_file.h"
#include "graphs/base/replace_file.h"
#include "graphs/detail/json_document.h"

namespace placer::graphdef {
namespace {

namespace pb = google::protobuf;
using Json = nlohmann::ordered_json;

constexpr std::string_view kWhat = "a TensorFlow GraphDef";
constexpr const char* kTopology = "modelTopology";

/// The GraphDef in a document: all of it, or a TensorFlow.js model's part.
template <typename AnyJson>
AnyJson& TopologyOf(AnyJson& document) {
  return document.contains(kTopology) ? document.at(kTopology) : document;
}

void ParseJson(const std::string& content, const std::string& where, tf::GraphDef& graph) {
  const Json document = ParseJsonDocument(content, where);
  if (!document.is_object()) {
    throw InputError(where + ": is JSON but no object, expected " + std::string(kWhat));
  }
  if (!document.contains(kTopology)) {
    ParseProtoJson(content, where, kWhat, graph, /*ignore_unknown=*/true);
    return;
  }
  const Json& topology = TopologyOf(document);
  if (!topology.is_object() || !topology.contains("node")) {
    throw InputError(where +
                     ": modelTopology has no 'node', expected a TensorFlow.js graph model (a "
                     "layers model has no graph)");
  }
  ParseProtoJson(topology.dump(), where + ": modelTopology", kWhat, graph,
                 /*ignore_unknown=*/true);
}

/// The document with the devices of `graph`.
std::string WithDevices(const std::string& content, const tf::GraphDef& graph) {
  Json document = ParseJsonDocument(content, "document");
  Json& nodes = TopologyOf(document)["node"];
  if (nodes.size() != static_cast<std::size_t>(graph.node_size())) {
    throw std::logic_error("the JSON document of a GraphDef has " + std::to_string(nodes.size()) +
                           " nodes and its message " + std::to_string(graph.node_size()));
  }
  for (int i = 0; i < graph.node_size(); ++i) {
    Json& node = nodes[static_cast<std::size_t>(i)];
    const std::string& device = graph.node(i).device();
    if (device.empty()) {
      node.erase("device");
    } else {
      node["device"] = device;
    }
  }
  return document.dump();
}

}  // namespace

GraphDefFile ParseGraphDef(std::string content, const std::string& where) {
  if (content.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw InputError(where + ": has " + std::to_string(content.size()) +
                     " bytes, expected less than 2^31");
  }
  GraphDefFile file;
  const std::size_t start = content.find_first_not_of(" \t\r\n\f\v");
  if (!LooksLikeText(content)) {
    file.encoding = Encoding::kBinary;
    ParseProtoBinary(content, where, kWhat, file.graph);
  } else if (start != std::string::npos && content[start] == '{') {
    file.encoding = Encoding::kJson;
    ParseJson(content, where, file.graph);
    file.document = std::move(content);
  } else {
    file.encoding = Encoding::kText;
    ParseProtoText(content, where, kWhat, file.graph);
  }
  return file;
}

GraphDefFile ReadGraphDef(const std::filesystem::path& path) {
  return ParseGraphDef(ReadWholeFile(path), path.string());
}

std::string SerializeGraphDef(const GraphDefFile& file) {
  std::string content;
  if (file.encoding == Encoding::kJson) {
    return WithDevices(file.document, file.graph);
  }
  if (file.encoding == Encoding::kText) {
    pb::TextFormat::PrintToString(file.graph, &content);
    return content;
  }
  pb::io::StringOutputStream stream(&content);
  pb::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  if (!file.graph.SerializeToCodedStream(&coded)) {
    throw std::logic_error("a GraphDef that was read cannot be written");
  }
  coded.Trim();
  return content;
}

}  // namespace placer::graphdef
