#pragma once

#include <string>
#include <vector>

#include "runner/simulated_runner.h"

namespace placer {

/// A part of the step's time, and what it went to.
struct ChainShare {
  enum class Kind : std::uint8_t { kDevice, kLink, kIdle };
  Kind kind = Kind::kDevice;
  std::string name;  ///< device or link; the slowest link of a hop over several
  Picoseconds time{0};
  bool operator==(const ChainShare&) const = default;
};

/// One part of that chain: an op or a copy, and the time that it is charged with.
struct ChainStep {
  enum class Kind : std::uint8_t { kOp, kTransfer, kIdle };
  Kind kind = Kind::kOp;
  std::size_t index = 0;  ///< into Trace::ops or Trace::transfers; 0 for kIdle
  Picoseconds start{0}, end{0};
  bool operator==(const ChainStep&) const = default;
};

/// Why the step takes as long as it does: walks back from the op that ends last, always to what the
/// present op or copy waited for (the input that came last, or whoever held the device or the link
/// before it), and sums where the time went. The shares add up to the step time; largest first,
/// ties by name. kIdle is time for which no cause is found in the trace.
[[nodiscard]] std::vector<ChainShare> CriticalChain(const Graph& graph, const Cluster& cluster,
                                                    const Trace& trace);
/// The chain itself, in order of time: each step starts where the one before ends, from 0 to the
/// end of the step.
[[nodiscard]] std::vector<ChainStep> CriticalChainSteps(const Graph& graph, const Cluster& cluster,
                                                        const Trace& trace);

}  // namespace placer
