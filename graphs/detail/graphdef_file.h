#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "graphs/detail/graphdef.pb.h"

namespace placer::graphdef {

enum class Encoding : std::uint8_t { kBinary, kText, kJson };

/// A file that holds a GraphDef. Protobuf's JSON may be a TensorFlow.js graph model, whose
/// `modelTopology` is the GraphDef.
struct GraphDefFile {
  Encoding encoding = Encoding::kBinary;
  tf::GraphDef graph;
  /// The whole text of a JSON file, with what the message has no place for (weights, signature).
  std::string document;
};

/// Takes any of the encodings, told apart by content. Fields that the message does not know stay
/// in binary (as unknown fields) and in JSON (in `document`); in text they are refused.
/// @throws InputError in one line, `where: fault`, with line and column in text and JSON
[[nodiscard]] GraphDefFile ParseGraphDef(std::string content, const std::string& where);
[[nodiscard]] GraphDefFile ReadGraphDef(const std::filesystem::path& path);

/// The file's bytes again, in the same encoding. Binary and text hold `graph` as it is now. JSON is
/// `document` with the `device` of every node as it is now in `graph`, whose nodes must be the
/// document's; nothing else in it changes.
/// @throws std::logic_error if a JSON document's nodes are others
[[nodiscard]] std::string SerializeGraphDef(const GraphDefFile& file);

}  // namespace placer::graphdef
