#pragma once

#include "cost_model/placement.h"
#include "experiments/report/report_model.h"
#include "experiments/workbench.h"

namespace placer {

/// The groups, edges and ops of a problem. Ops are left out where there are more than
/// kMaxNamedOps.
[[nodiscard]] ReportGraph ViewGraph(const Workbench& bench);

/// A placement by group, and one simulated step under it. `label`, `method` and `seed` are the
/// caller's. @throws InputError if the ops of a group are on different devices
[[nodiscard]] ReportPlan ViewPlan(const Workbench& bench, const Placement& placement);

/// More would make the page slow to open, and larger than 5 MB.
inline constexpr std::size_t kMaxNamedOps = 60'000;
inline constexpr std::size_t kMaxSpans = 40'000;
inline constexpr std::size_t kMaxMemoryPoints = 2'000;  ///< per device

/// At most about `max_points` of a step function, ascending in time; of the points of a stretch the
/// first, the largest and the last stay, so that peaks are exact.
[[nodiscard]] std::vector<ReportMemoryPoint> Thin(const std::vector<ReportMemoryPoint>& points,
                                                  std::size_t max_points);

}  // namespace placer
