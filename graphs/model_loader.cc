#include "graphs/model_loader.h"

#include <algorithm>
#include <string_view>

#include "graphs/base/error.h"
#include "graphs/importers.h"
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

LoadedModel LoadFile(const std::string& model, const LoadOptions& options) {
  const ModelFile file(model);
  const Importer& importer = ImporterFor(file);
  if (options.batch && !importer.takes_batch) {
    throw InputError(model + ": " + std::string(importer.what) +
                     " has its batch built in, expected --batch only with models that leave it "
                     "open");
  }
  return importer.load(file, options.batch);
}

LoadedModel LoadForward(const std::string& model, const LoadOptions& options) {
  if (model.starts_with(kZooPrefix)) {
    return {.graph = LoadZoo(model, options), .warnings = {}};
  }
  return LoadFile(model, options);
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
