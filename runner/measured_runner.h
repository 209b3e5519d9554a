#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "runner/runner.h"
#include "runner/step_timing.h"
#include "runner/step_worker.h"

namespace placer {

/// Executes every placement for real and reports the time its step took. One at a time, whatever
/// the number of threads: two measurements would disturb each other. What crashes, hangs or takes
/// too much memory is a report with that outcome and its reason; the worker is started anew. A
/// placement is measured once: later runs of it are answered from memory, until Forget(). From the
/// first good step on, the worker's time limit is 20 times the best step, but at least 10 s and
/// never more than it was.
class MeasuredRunner final : public Runner {
 public:
  /// Borrows all; device i of the cluster is device i of the worker.
  /// @param graph  the worker's, or one with the same ops that is constrained further
  /// @throws InputError if the devices are not the worker's
  MeasuredRunner(const Graph& graph, const Cluster& cluster, StepWorker& worker,
                 TimingOptions options = {});
  MeasuredRunner(const Cluster& cluster, StepWorker& worker, TimingOptions options = {})
      : MeasuredRunner(worker.graph(), cluster, worker, options) {}
  ~MeasuredRunner() override = default;

  /// Searches that are to be independent of each other share no measurements: what was measured is
  /// measured again from here on.
  void Forget();

  /// Placements measured so far, repeats answered from memory not counted.
  [[nodiscard]] std::int64_t num_measured() const;
  /// Of them, those without a step time, and why the first of them has none.
  [[nodiscard]] std::int64_t num_failed() const;
  [[nodiscard]] std::string first_failure() const;

 private:
  /// One at a time: a stop is noticed between two measurements, and nothing runs in parallel.
  [[nodiscard]] std::size_t DoPreferredBatch() const noexcept override { return 1; }
  [[nodiscard]] StepReport DoRun(const Placement& placement) const override;
  void DoRunBatch(std::span<const Placement> placements,
                  std::span<StepSummary> summaries) const override;
  [[nodiscard]] StepReport MeasureLocked(const Placement& placement) const;
  [[nodiscard]] StepReport ReportOf(StepTiming timing) const;
  void AddTraceLocked(const Placement& placement, StepReport& report) const;

  StepWorker& worker_;
  TimingOptions options_;
  Seconds longest_limit_;  ///< the worker's own
  mutable std::mutex mutex_;
  mutable std::map<std::vector<std::uint8_t>, StepReport> known_;
  mutable std::optional<double> best_;  ///< seconds
  mutable bool runs_at_all_ = false;    ///< some step has ended well
  mutable std::int64_t measured_ = 0, failed_ = 0, failed_in_a_row_ = 0;
  mutable std::string first_failure_;
};

}  // namespace placer
