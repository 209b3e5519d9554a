#include "graphs/model_loader.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "graphs/base/error.h"
#include "graphs/graph_io.h"
#include "graphs/onnx_importer.h"
#include "graphs/zoo.h"

namespace placer {
namespace {

constexpr std::string_view kZooPrefix = "zoo:";

bool IsTrainingStep(const Graph& graph) {
  return std::any_of(graph.ops().begin(), graph.ops().end(), [](const Op& op) {
    return op.role == OpRole::kBackward || op.role == OpRole::kUpdate;
  });
}

Graph LoadZoo(const std::string& model, const LoadOptions& options) {
  const std::string spec = model.substr(kZooPrefix.size());
  if (options.batch) {
    const std::string separator = spec.find('?') == std::string::npos ? "?" : "&";
    throw InputError(model + ": a zoo graph takes its batch as a parameter, expected " + model +
                     separator + "batch=" + std::to_string(*options.batch) + " instead of --batch");
  }
  Graph graph = MakeZooGraph(spec);
  if (options.training && IsTrainingStep(graph)) {
    throw InputError(model +
                     ": is a training step already, expected no --training (its batch is "
                     "set by ?batch=)");
  }
  return graph;
}

Graph LoadGraphFile(const std::string& model, const LoadOptions& options) {
  Graph graph = ReadGraph(model);
  if (options.batch) {
    throw InputError(model +
                     ": a graph file has its batch built in, expected --batch only with "
                     "an ONNX model");
  }
  return graph;
}

LoadedModel LoadForward(const std::string& model, const LoadOptions& options) {
  if (model.starts_with(kZooPrefix)) {
    return {.graph = LoadZoo(model, options), .warnings = {}};
  }
  // The suffix decides only where the content does not: what message a broken file gets.
  if (IsOnnxFile(model) || std::filesystem::path(model).extension() == ".onnx") {
    return ImportOnnx(model, options.batch);
  }
  return {.graph = LoadGraphFile(model, options), .warnings = {}};
}

}  // namespace

LoadedModel LoadModel(const std::string& model, const LoadOptions& options) {
  LoadedModel loaded = LoadForward(model, options);
  if (options.training) {
    try {
      loaded.graph = MakeTrainingGraph(loaded.graph, *options.training, &loaded.warnings);
    } catch (const InputError& error) {
      throw error.In(model);
    }
  }
  return loaded;
}

}  // namespace placer
