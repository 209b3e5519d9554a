#pragma once

#include <functional>
#include <utility>

#include "runner/runner.h"

namespace placer::testing_support {

/// A runner that answers with whatever the function says; for tests of what stands on a runner.
class FakeRunner final : public Runner {
 public:
  using Function = std::function<StepSummary(const Placement&)>;
  FakeRunner(const Graph& graph, const Cluster& cluster, Function function,
             std::size_t preferred_batch = 64)
      : Runner(graph, cluster), function_(std::move(function)), preferred_batch_(preferred_batch) {}

 private:
  [[nodiscard]] StepReport DoRun(const Placement& placement) const override {
    const StepSummary summary = function_(placement);
    StepReport report;
    report.outcome = summary.outcome;
    report.step_time = summary.step_time;
    return report;
  }
  void DoRunBatch(std::span<const Placement> placements,
                  std::span<StepSummary> summaries) const override {
    for (std::size_t i = 0; i < placements.size(); ++i) {
      summaries[i] = function_(placements[i]);
    }
  }

  [[nodiscard]] std::size_t DoPreferredBatch() const noexcept override { return preferred_batch_; }

  Function function_;
  std::size_t preferred_batch_;
};

}  // namespace placer::testing_support
