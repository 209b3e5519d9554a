#include "graphs/onnx_importer.h"

#include <algorithm>

#include "graphs/base/error.h"
#include "graphs/detail/onnx_file.h"
#include "graphs/detail/onnx_import.h"

namespace placer {
namespace {

/// Names in the file may hold anything; messages are one line.
std::string OneLine(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '?');
  return text;
}

}  // namespace

LoadedModel ImportOnnx(const std::filesystem::path& path, std::optional<std::int64_t> batch) {
  try {
    const onnx::ModelProto model = onnx_detail::ReadModel(path);
    onnx_detail::ImportNotes notes;
    onnx_detail::Importer importer(model, path.stem().string(), batch);
    LoadedModel loaded{.graph = importer.Run(notes), .warnings = notes.Lines()};
    std::transform(loaded.warnings.begin(), loaded.warnings.end(), loaded.warnings.begin(),
                   OneLine);
    return loaded;
  } catch (const InputError& error) {
    throw InputError(OneLine(error.what())).In(path.string());
  }
}

}  // namespace placer
