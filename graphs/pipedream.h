#pragma once

#include <cstdint>
#include <optional>

#include "graphs/model_loader.h"

namespace placer {

class ModelFile;

/// Profiles of "PipeDream: Generalized Pipeline Parallelism for DNN Training" (Narayanan et al.,
/// SOSP 2019): layers with times measured on a GPU, in lines. docs/importers.md says what becomes
/// of each field.
[[nodiscard]] bool IsPipeDreamFile(const ModelFile& file);
/// A training step: each layer is a forward and a backward op that share a device.
/// @throws InputError naming file and line
[[nodiscard]] LoadedModel ImportPipeDream(const ModelFile& file,
                                          std::optional<std::int64_t> batch = std::nullopt);

}  // namespace placer
