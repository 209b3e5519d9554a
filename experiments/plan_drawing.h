#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "graphs/graph.h"

namespace placer {

enum class DrawingFormat : std::uint8_t { kDot, kSvg };

/// A graph with every op in the colour of its device, laid out by Graphviz. Up to 120 ops are drawn
/// one by one; of more, neighbours on the same device are drawn as one of at most 60 boxes (or one
/// per device more), and of many lines only the heaviest, so that a picture of thousands of ops is
/// readable and quick. Lines are as wide as what they carry is
/// large; what crosses devices is drawn dark and says how many bytes. Inputs and parameters are
/// left out (their bytes are in the legend). Thread-safe, one drawing at a time.
/// @param device_of_op  [num_ops]
/// @param title         put above the picture
/// @throws Error if Graphviz cannot lay the graph out
[[nodiscard]] std::string DrawPlan(const Graph& graph, std::span<const std::string> device_of_op,
                                   const std::string& title, DrawingFormat format);

}  // namespace placer
