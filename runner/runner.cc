#include "runner/runner.h"

#include <stdexcept>

#include "graphs/base/error.h"

namespace placer {

StepReport Runner::Run(const Placement& placement) const {
  const std::vector<std::string> faults = FindFaults(placement, graph_, cluster_);
  if (!faults.empty()) {
    throw InputError("placement: " + faults.front());
  }
  return DoRun(placement);
}

void Runner::RunBatch(std::span<const Placement> placements,
                      std::span<StepSummary> summaries) const {
  if (placements.size() != summaries.size()) {
    throw std::logic_error("RunBatch: as many summaries as placements are needed");
  }
  DoRunBatch(placements, summaries);
}

}  // namespace placer
