#pragma once

#include <string_view>

#include "cost_model/cost_model.h"
#include "graphs/base/units.h"

namespace placer {

/// No placement of the graph on the cluster has a shorter step. The parts say which argument is the
/// binding one.
struct LowerBound {
  Picoseconds critical_path{0};  ///< every op on its fastest allowed device, no transfers
  Picoseconds load{0};  ///< work spread over unequal devices, co-location respected (Lagrangian
                        ///< bound of R||Cmax)
  [[nodiscard]] Picoseconds value() const noexcept {
    return critical_path < load ? load : critical_path;
  }
  [[nodiscard]] std::string_view binding() const noexcept {
    return critical_path < load ? "load" : "critical path";
  }
};
[[nodiscard]] LowerBound ComputeLowerBound(const Graph& graph, const Cluster& cluster,
                                           const CostModel& costs);

}  // namespace placer
