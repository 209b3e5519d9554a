#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>
#include <istream>

namespace placer::onnx_detail {

/// Parses the file; what it says is not checked yet beyond having a graph with nodes.
/// @throws InputError without the file's name in front
[[nodiscard]] onnx::ModelProto ReadModel(const std::filesystem::path& path);
[[nodiscard]] onnx::ModelProto ReadModel(std::istream& file);

}  // namespace placer::onnx_detail
