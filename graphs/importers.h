#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "graphs/model_file.h"
#include "graphs/model_loader.h"

namespace placer {

/// A kind of file that becomes a graph. docs/importers.md says what each keeps and drops.
struct Importer {
  std::string_view name;  ///< "onnx"
  std::string_view what;  ///< "an ONNX model", for messages
  /// Whether the content is of this kind, if only it were whole: a file that is cut off or has a
  /// fault further on still counts. No two importers say yes to one file.
  /// @throws InputError if the file cannot be read
  bool (*recognizes)(const ModelFile& file) = nullptr;
  /// @throws InputError in one line: file, node or line, what was found, what was expected
  LoadedModel (*load)(const ModelFile& file, std::optional<std::int64_t> batch) = nullptr;
  bool takes_batch = false;  ///< else `batch` is always empty
};

/// All of them; docs and tests go by this list.
[[nodiscard]] std::span<const Importer> Importers();

/// Who reads the file. Content decides; where no importer knows it, the suffix decides whose
/// message the user gets. @throws InputError listing the kinds of file that are known
[[nodiscard]] const Importer& ImporterFor(const ModelFile& file);

}  // namespace placer
