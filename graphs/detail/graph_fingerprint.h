#pragma once

#include <cstdint>

#include "graphs/graph.h"

namespace placer {

/// What Graph::fingerprint() returns, computed from the ops, edges and tensors.
[[nodiscard]] std::uint64_t FingerprintOf(const Graph& graph);

}  // namespace placer
