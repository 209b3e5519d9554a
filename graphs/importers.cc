#include "graphs/importers.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>

#include "graphs/base/error.h"
#include "graphs/base/proto_file.h"
#include "graphs/detail/sniff.h"
#include "graphs/doppler.h"
#include "graphs/graph_io.h"
#include "graphs/graphdef_importer.h"
#include "graphs/onnx_importer.h"
#include "graphs/partitioning.h"
#include "graphs/pipedream.h"

namespace placer {
namespace {

constexpr std::array kImporters{
    Importer{"onnx", "an ONNX model", IsOnnxFile, ImportOnnx, /*takes_batch=*/true},
    Importer{"placer", "a Placer graph", IsGraphFile, ImportGraphFile},
    Importer{"graphdef", "a TensorFlow GraphDef or TensorFlow.js graph model", IsGraphDefFile,
             ImportGraphDef, /*takes_batch=*/true},
    Importer{"partitioning", "a partitioning workload (NeurIPS 2020)", IsPartitioningFile,
             ImportPartitioning},
    Importer{"pipedream", "a PipeDream profile", IsPipeDreamFile, ImportPipeDream},
    Importer{"doppler", "a DOPPLER graph", IsDopplerFile, ImportDoppler},
};

const Importer& ByName(std::string_view name) {
  return *std::ranges::find(kImporters, name, &Importer::name);
}

}  // namespace

std::span<const Importer> Importers() { return kImporters; }

const Importer& ImporterFor(const ModelFile& file) {
  const auto found = std::ranges::find_if(
      kImporters, [&file](const Importer& importer) { return importer.recognizes(file); });
  if (found != kImporters.end()) {
    return *found;
  }
  if (file.path().extension() == ".onnx") {
    return ByName("onnx");
  }
  // A text that nobody knows is most likely a graph by hand with a slip, and its reader says where.
  if (file.is_text()) {
    return ByName("placer");
  }
  std::string known;
  for (const Importer& importer : kImporters) {
    known += (known.empty() ? "" : ", ") + std::string(importer.what);
  }
  throw InputError(file.path().string() + ": is no kind of file known here, expected one of " +
                   known);
}

}  // namespace placer
