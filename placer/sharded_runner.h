#pragma once

#include <string>

#include "placer/rank_team.h"
#include "runner/runner.h"

namespace placer {

/// A runner whose batches are shared by the ranks. Borrows. RunBatch() is not thread-safe, as the
/// team is not.
class ShardedRunner final : public Runner {
 public:
  ShardedRunner(const Runner& runner, RankTeam& team)
      : Runner(runner.graph(), runner.cluster()), runner_(runner), team_(team) {}

 private:
  [[nodiscard]] StepReport DoRun(const Placement& placement) const override {
    return runner_.Run(placement);
  }
  void DoRunBatch(std::span<const Placement> placements,
                  std::span<StepSummary> summaries) const override;
  [[nodiscard]] std::size_t DoPreferredBatch() const noexcept override {
    return runner_.preferred_batch();
  }

  const Runner& runner_;
  RankTeam& team_;
};

/// Does a job that a ShardedRunner sends. @return the answer
[[nodiscard]] std::string DoRunnerJob(const std::string& job, const Runner& runner);

}  // namespace placer
