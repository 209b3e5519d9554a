#pragma once

#include <iosfwd>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <vector>

#include "experiments/console.h"
#include "experiments/execution.h"
#include "experiments/experiment_config.h"
#include "experiments/run_directory.h"
#include "experiments/trials.h"
#include "experiments/workbench.h"

namespace placer {

/// One experiment in its run directory: the seeds that are not done yet, then the report over all.
/// Borrows everything.
class ExperimentRun {
 public:
  ExperimentRun(const ExperimentConfig& config, const PlacerRegistry& registry,
                const RunDirectory& directory, const Execution& execution)
      : config_(config),
        registry_(registry),
        directory_(directory),
        execution_(execution),
        bench_(execution.bench()) {}

  /// @param jobs  seeds at a time
  void RunSeeds(const Console& console, int jobs);
  /// result.json of every seed that has one, in the order of the seeds; after RunSeeds().
  [[nodiscard]] const std::vector<nlohmann::ordered_json>& results() const noexcept {
    return results_;
  }
  /// Writes report.json, report.txt and the best placement of all seeds. @return the report
  [[nodiscard]] nlohmann::ordered_json WriteReport() const;
  void Print(std::ostream& out) const;
  [[nodiscard]] bool AnyFeasible() const;

 private:
  [[nodiscard]] TrialOptions Options(const std::vector<TrialSpec>& specs, std::stop_token stop,
                                     int jobs) const;
  void FinishSeed(Seed seed, const PlaceResult& result) const;
  [[nodiscard]] std::ptrdiff_t Position(const nlohmann::ordered_json& result) const;

  const ExperimentConfig& config_;
  const PlacerRegistry& registry_;
  const RunDirectory& directory_;
  const Execution& execution_;
  const Workbench& bench_;
  std::vector<nlohmann::ordered_json> results_;
};

}  // namespace placer
