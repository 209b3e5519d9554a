#pragma once

#include <cstdint>
#include <optional>

#include "graphs/model_loader.h"

namespace placer {

class ModelFile;

/// TensorFlow GraphDefs: binary, text or JSON, alone or as `modelTopology` of a TensorFlow.js graph
/// model. Weights are not needed. docs/importers.md says what becomes of each kind of node.
[[nodiscard]] bool IsGraphDefFile(const ModelFile& file);
/// @param batch  the first dimension of the placeholders that leave it open or share the first
///               one's
/// @throws InputError naming file and node, or line and column
[[nodiscard]] LoadedModel ImportGraphDef(const ModelFile& file,
                                         std::optional<std::int64_t> batch = std::nullopt);

}  // namespace placer
