#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "graphs/graph.h"

namespace placer {

/// The GraphDef again, in the encoding of the file, with `device` set on every node; nothing else
/// changes. The nodes of a loop are given the device of the one op that they are in the graph; a
/// node that no op stands for that of its first reader, failing that of what it reads.
/// @param graph         what the file was imported as
/// @param device_of_op  [num_ops], as TensorFlow is to read it
/// @return the bytes of the file. @throws InputError with file and fault
[[nodiscard]] std::string GraphDefWithDevices(const std::filesystem::path& path, const Graph& graph,
                                              std::span<const std::string> device_of_op);

}  // namespace placer
