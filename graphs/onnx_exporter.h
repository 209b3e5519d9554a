#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "graphs/graph.h"

namespace placer {

/// The model again, with the device of every node in the node's `metadata_props` (key
/// `placer.device`; readers older than ONNX 1.16 keep and skip them) and, for these readers, in the
/// model's (`placer.devices`: a JSON object by node). Weights stay where they are: those in files
/// of their own are found beside the model only.
/// @param graph         what ImportOnnx() made of the file, with or without training
/// @param device_of_op  [num_ops]; a node that folds away is given the device of its reader
/// @return the bytes of the file. @throws InputError with file and node
[[nodiscard]] std::string OnnxWithDevices(const std::filesystem::path& model, const Graph& graph,
                                          std::span<const std::string> device_of_op);

/// One line of the manifest.
struct OnnxPart {
  std::string file, device;
  std::vector<std::string> inputs, outputs;  ///< tensors of the model, by name
  std::size_t num_nodes = 0;
};
struct OnnxParts {
  std::vector<OnnxPart> parts;  ///< in an order in which they can be run
  std::vector<std::string> inputs, outputs;
  std::vector<std::string> warnings;
};

/// Cuts a model into connected parts on one device each and writes every part as a model of its own
/// whose inputs and outputs are the tensors that are cut, and `manifest.json` (docs/exporters.md),
/// which lists them in an order in which they can be run one after the other. No two parts wait for
/// each other, so that a device may have several. Constants are repeated in every part that reads
/// them; weights go with their readers, those in files of their own into `PART.data`.
/// @param folder  does not exist, or is empty
/// @throws InputError with file, node or tensor
OnnxParts WriteOnnxParts(const std::filesystem::path& model, const Graph& graph,
                         std::span<const std::string> device_of_op,
                         const std::filesystem::path& folder);

}  // namespace placer
