#pragma once

#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "experiments/execution.h"

namespace placer {

/// What executing the best placements of a search said.
struct MeasuredSearch {
  std::vector<MeasuredCandidate> candidates;  ///< in turns, the hopeless given up
  /// The best few and the best single device, in turns again in a fresh process. Empty if that was
  /// interrupted, or there are no candidates.
  std::vector<MeasuredCandidate> confirmed;
  bool interrupted = false;

  /// The best of the confirmed, or where none of them has a time of the candidates; nullptr if none
  /// was measured.
  [[nodiscard]] const MeasuredCandidate* winner() const;
  /// The best placement on one device, from where the winner is; nullptr if none was measured.
  [[nodiscard]] const MeasuredCandidate* single_device() const;
};

/// What a search found, and by which method.
struct FoundPlacement {
  std::string source;
  Placement placement;
};

/// Executes what a search found; with simulated+measured the other good placements of the simulator
/// as well. What several methods found is measured once, and what the simulator likes best first.
/// @param devices_alone  each device alone, if the simulator says that it can hold the model
[[nodiscard]] MeasuredSearch MeasureFound(const Execution& execution,
                                          std::vector<FoundPlacement> found, bool devices_alone,
                                          const Console& console);

void PrintMeasured(std::ostream& out, const MeasuredSearch& search);
[[nodiscard]] nlohmann::ordered_json MeasuredToJson(const MeasuredSearch& search);

}  // namespace placer
