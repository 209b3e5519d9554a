#include "graphs/graphdef_importer.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "graphs/base/error.h"
#include "graphs/base/text.h"
#include "graphs/detail/graphdef_file.h"
#include "graphs/detail/graphdef_import.h"
#include "graphs/detail/json_document.h"
#include "graphs/detail/sniff.h"
#include "graphs/model_file.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

/// Field 1 of the file is a node, whose field 1 is its name: two tags with a length between.
bool StartsWithNode(std::string_view bytes) {
  constexpr char kField1 = 0x0a;
  constexpr std::size_t kLongestLength = 5;
  if (bytes.empty() || bytes[0] != kField1) {
    return false;
  }
  std::size_t at = 1;
  while (at < bytes.size() && at <= kLongestLength && (bytes[at] & '\x80') != 0) {
    ++at;
  }
  return at + 1 < bytes.size() && at <= kLongestLength && bytes[at + 1] == kField1;
}

/// A part of a TensorFlow.js signature: {"name": {"name": "node:0", "tensorShape": {"dim":
/// [{"size": "-1"}]}}}. It only helps: what is not as expected is passed over.
void ReadShapes(const Json& part,
                std::map<std::pair<std::string, std::size_t>, std::optional<graphdef::Dims>>& to) {
  for (const auto& [key, value] : part.items()) {
    if (!value.is_object()) {
      continue;
    }
    try {
      const graphdef::InputRef ref = graphdef::ParseInput(value.value("name", key));
      tf::TensorShapeProto shape;
      for (const Json& dim : value.at("tensorShape").at("dim")) {
        const Json& size = dim.at("size");
        shape.add_dim()->set_size(size.is_string() ? std::stoll(size.get<std::string>())
                                                   : size.get<std::int64_t>());
      }
      to.insert_or_assign({ref.node, ref.output}, graphdef::ShapeFrom(shape));
    } catch (const std::exception&) {
      continue;
    }
  }
}

graphdef::Signature ReadSignature(const std::string& document, const std::string& where) {
  graphdef::Signature signature;
  if (document.empty()) {
    return signature;
  }
  const Json root = ParseJsonDocument(document, where);
  const auto found = root.find("signature");
  if (found != root.end() && found->is_object()) {
    ReadShapes(found->value("inputs", Json::object()), signature.inputs);
    ReadShapes(found->value("outputs", Json::object()), signature.outputs);
  }
  return signature;
}

}  // namespace

bool IsGraphDefFile(const ModelFile& file) {
  constexpr std::array<std::string_view, 5> kFields{"node", "library", "versions", "version",
                                                    "debug_info"};
  if (file.is_json()) {
    return HasJsonKey(file, {"node", "modelTopology", "generatedBy", "convertedBy"});
  }
  const std::string_view word = FirstTextWord(file);
  return word.empty() ? StartsWithNode(file.head()) && !file.is_text()
                      : std::find(kFields.begin(), kFields.end(), word) != kFields.end();
}

LoadedModel ImportGraphDef(const ModelFile& file, std::optional<std::int64_t> batch) {
  const std::string where = file.path().string();
  const graphdef::GraphDefFile read = graphdef::ParseGraphDef(file.content(), where);
  graphdef::Signature signature = ReadSignature(read.document, where);
  try {
    if (batch && *batch < 1) {
      throw InputError("batch is " + std::to_string(*batch) + ", expected at least 1");
    }
    ImportNotes notes;
    graphdef::GraphDefImporter importer(read.graph, std::move(signature), file.stem(), batch);
    Graph graph = importer.Run(notes);
    return {.graph = std::move(graph), .warnings = notes.Lines()};
  } catch (const InputError& error) {
    throw InputError(WithoutControlCharacters(error.what())).In(where);
  }
}

}  // namespace placer
