#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/console.h"
#include "experiments/sweep/sweep_plan.h"
#include "experiments/sweep/sweep_store.h"
#include "graphs/base/units.h"

namespace placer {

/// `i/n` with 0 <= i < n. @throws InputError
[[nodiscard]] SweepShard ParseShard(const std::string& text);

struct SweepRunOptions {
  int jobs = 1;  ///< worker processes, each with one trial at a time
  SweepShard shard;
  bool retry = false;  ///< failed and crashed trials of the shard first become pending again
  std::optional<Seconds> trial_limit;  ///< a trial that runs longer has crashed
};

/// How the trials of a shard stand.
struct SweepCounts {
  std::size_t done = 0, infeasible = 0, failed = 0, crashed = 0, running = 0, pending = 0;
  [[nodiscard]] std::size_t total() const noexcept {
    return done + failed + crashed + running + pending;
  }
};
/// `infeasible` ones are among `done`.
[[nodiscard]] SweepCounts CountTrials(const std::vector<StoredTrial>& trials,
                                      const SweepShard& shard = {});

/// Pending at the end is only what another process left behind at the very last moment.
/// @param what  "trials have no result"
/// @return how many have none, and why; empty if all have
[[nodiscard]] std::string DescribeMissing(const SweepCounts& counts, std::string_view what,
                                          bool can_retry);

/// @param what  "trials"
void WarnOfRepeated(const SweepPlan& plan, std::string_view what, const Console& console);

/// Runs the trials of the shard that are not finished in worker processes, and stores each result
/// as it comes. A worker that dies is started anew; the trial that it had begun has crashed. Trials
/// that another process runs are left to it, and taken over if it is gone before this one is done.
/// When console.stop asks for it trials end early and are pending again; they go on from their
/// checkpoints. Makes the plan that of the store first.
/// @throws Error if workers cannot be started; InputError as the store
void RunSweep(const SweepPlan& plan, SweepStore& store, const SweepRunOptions& options,
              const Console& console);

}  // namespace placer
