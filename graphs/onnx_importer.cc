#include "graphs/onnx_importer.h"

#include "graphs/base/error.h"
#include "graphs/base/text.h"
#include "graphs/detail/import_notes.h"
#include "graphs/detail/onnx_file.h"
#include "graphs/detail/onnx_import.h"

namespace placer {

LoadedModel ImportOnnx(const std::filesystem::path& path, std::optional<std::int64_t> batch) {
  return ImportOnnx(ModelFile(path), batch);
}

LoadedModel ImportOnnx(const ModelFile& file, std::optional<std::int64_t> batch) {
  const auto stream = file.Open();
  try {
    const onnx::ModelProto model = onnx_detail::ReadModel(*stream);
    ImportNotes notes;
    onnx_detail::Importer importer(model, file.stem(), batch);
    Graph graph = importer.Run(notes);
    return {.graph = std::move(graph), .warnings = notes.Lines()};
  } catch (const InputError& error) {
    throw InputError(WithoutControlCharacters(error.what())).In(file.path().string());
  }
}

}  // namespace placer
