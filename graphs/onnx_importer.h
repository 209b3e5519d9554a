#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "graphs/model_file.h"
#include "graphs/model_loader.h"

namespace placer {

/// True if the file's outermost fields are those of an ONNX model. Reads only field headers, so
/// that a truncated model still counts as one. @throws InputError if the file cannot be read
[[nodiscard]] bool IsOnnxFile(const std::filesystem::path& path);
[[nodiscard]] bool IsOnnxFile(const ModelFile& file);

/// Reads an ONNX model as an op graph; weights stored elsewhere are not needed. docs/onnx.md says
/// what becomes of inputs, initializers, constants, control flow and custom ops.
/// @param batch  replaces the batch: the first dimension of the first input, and of every input
///               that has the same one
/// @throws InputError with file, node, what was found and what was expected
[[nodiscard]] LoadedModel ImportOnnx(const std::filesystem::path& path,
                                     std::optional<std::int64_t> batch = std::nullopt);
[[nodiscard]] LoadedModel ImportOnnx(const ModelFile& file, std::optional<std::int64_t> batch);

}  // namespace placer
