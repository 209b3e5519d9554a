#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <utility>
#include <vector>

#include "experiments/console.h"
#include "experiments/execution.h"
#include "experiments/experiment_config.h"
#include "experiments/run_directory.h"
#include "experiments/trials.h"
#include "experiments/workbench.h"
#include "placer/sharded_runner.h"

namespace placer {

/// One experiment in its run directory: the seeds that are not done yet, then the report over all.
/// Borrows everything. With a team of ranks, seeds run one at a time, and all stop when a rank is
/// lost, after the update that is going on.
class ExperimentRun {
 public:
  ExperimentRun(const ExperimentConfig& config, const PlacerRegistry& registry,
                const RunDirectory& directory, const Execution& execution,
                RankTeam* team = nullptr);

  /// Calls `observe` as seeds go on, from their threads; before RunSeeds().
  void Observe(std::function<void(Seed, const Progress&)> observe) {
    observe_ = std::move(observe);
  }
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
  [[nodiscard]] TrialOptions Options(const std::vector<TrialSpec>& specs, int jobs) const;
  void OnUpdate(Seed seed, bool first, const UpdateRecord& record) const;
  /// Executes what the search found and what comes near it; the best of that is the result.
  void MeasureAgain(PlaceResult& result, const Console& console) const;
  void FinishSeed(Seed seed, const PlaceResult& result) const;
  [[nodiscard]] std::ptrdiff_t Position(const nlohmann::ordered_json& result) const;

  const ExperimentConfig& config_;
  const PlacerRegistry& registry_;
  const RunDirectory& directory_;
  const Execution& execution_;
  const Workbench& bench_;
  RankTeam* team_;
  std::unique_ptr<ShardedRunner> shared_runner_;
  std::unique_ptr<Problem> shared_problem_;  ///< judged by all ranks
  mutable std::stop_source stop_;            ///< the user's wish, or a rank is lost
  std::function<void(Seed, const Progress&)> observe_;
  std::vector<nlohmann::ordered_json> results_;
};

}  // namespace placer
