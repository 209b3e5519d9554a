#pragma once

#include <string>

#include "cost_model/cluster.h"
#include "graphs/graph.h"
#include "runner/simulated_runner.h"

namespace placer {

/// Which device and which direction of which link was busy with what during a step: a row for each
/// device and for each channel that carried something; colours say whether an op is forward,
/// backward or an update, and whether a copy is of a parameter, an activation or a gradient. What
/// is too short to be seen by itself is put together: there the height is the share of the time
/// that was busy. The document stays below 1 MB whatever the number of ops.
/// @param title  of the picture
/// @return an SVG document
[[nodiscard]] std::string DrawTimeline(const Graph& graph, const Cluster& cluster,
                                       const Trace& trace, const std::string& title);

}  // namespace placer
