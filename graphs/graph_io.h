#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "graphs/graph.h"
#include "graphs/model_loader.h"

namespace placer {

class ModelFile;

/// Reads a graph in Placer's own format (graphs/graph.proto): `.pb` binary, `.txtpb` text, `.json`
/// protobuf JSON, told apart by content. @throws InputError with file, op and fault
[[nodiscard]] Graph ReadGraph(const std::filesystem::path& path);
[[nodiscard]] bool IsGraphFile(const ModelFile& file);
[[nodiscard]] LoadedModel ImportGraphFile(const ModelFile& file,
                                          std::optional<std::int64_t> batch = std::nullopt);
/// Writes by suffix: .pb, .txtpb, .json. The file appears by rename. @throws InputError for an
/// unknown suffix or a bad path
void WriteGraph(const Graph& graph, const std::filesystem::path& path);

/// The content of a binary file, for a graph that goes from one process to another.
[[nodiscard]] std::string GraphToBytes(const Graph& graph);
/// @throws InputError
[[nodiscard]] Graph GraphFromBytes(std::string_view bytes);

}  // namespace placer
