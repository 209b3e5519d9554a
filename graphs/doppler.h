#pragma once

#include <cstdint>
#include <optional>

#include "graphs/model_loader.h"

namespace placer {

class ModelFile;

/// Compute graphs of "DOPPLER" (ICLR 2026): edges and, for each node, a cost of computing and one
/// of sending its output, in units of their simulator. docs/importers.md says what becomes of each.
[[nodiscard]] bool IsDopplerFile(const ModelFile& file);
/// @throws InputError naming file and line
[[nodiscard]] LoadedModel ImportDoppler(const ModelFile& file,
                                        std::optional<std::int64_t> batch = std::nullopt);

}  // namespace placer
