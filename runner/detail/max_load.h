#pragma once

#include <span>
#include <vector>

#include "runner/detail/simulation_tables.h"

namespace placer::detail {

/// Load of every device when steps are pipelined: its ops' times, the first hop of each tensor it
/// sends (once, the dearest route), the last hop of each tensor it receives (once). CPUs pay no
/// transfers. Memory is a static sum: everything the device's ops produce and keep, and their
/// largest workspace. Source: Tarnawski et al., NeurIPS 2020, section 2.
struct MaxLoad {
  std::vector<std::int64_t> load;   ///< picoseconds, per device
  std::vector<std::int64_t> bytes;  ///< per device
  StepSummary Compute(const SimulatedRunner::Tables& tables,
                      std::span<const DeviceId> device_of_op);

 private:
  std::vector<std::int64_t> workspace_;
};

}  // namespace placer::detail
