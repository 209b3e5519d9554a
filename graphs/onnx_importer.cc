#include "graphs/onnx_importer.h"

#include "graphs/base/error.h"
#include "graphs/detail/onnx_file.h"
#include "graphs/detail/onnx_import.h"

namespace placer {

LoadedModel ImportOnnx(const std::filesystem::path& path, std::optional<std::int64_t> batch) {
  try {
    const onnx::ModelProto model = onnx_detail::ReadModel(path);
    onnx_detail::ImportNotes notes;
    onnx_detail::Importer importer(model, path.stem().string(), batch);
    Graph graph = importer.Run(notes);
    return {.graph = std::move(graph), .warnings = notes.Lines()};
  } catch (const InputError& error) {
    throw error.In(path.string());
  }
}

}  // namespace placer
