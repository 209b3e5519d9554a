#include "experiments/ranks.h"

#include <oneapi/tbb/task_arena.h>

#include <memory>
#include <ostream>
#include <utility>

#include "experiments/execution.h"
#include "graphs/base/fingerprint.h"
#include "placer/rank_team.h"
#include "placer/reinforce_policy.h"
#include "placer/sharded_policy.h"
#include "placer/sharded_runner.h"

namespace placer {
namespace {

/// What a rank needs for its jobs.
struct RankWork {
  RankWork(const ExperimentConfig& config, const Console& console)
      : execution(config.model, config.problem, config.execution, console),
        features(PolicyFeaturesOf(problem())),
        // Rank 0 sends the policy that it starts from.
        policy(MakePolicyFor(problem(), LearningOptions(config.method), /*seed=*/0)) {}

  [[nodiscard]] const Problem& problem() const noexcept { return execution.problem(); }
  [[nodiscard]] std::string Do(const std::string& job) const {
    return IsPolicyJob(job) ? DoPolicyJob(job, features, *policy)
                            : DoRunnerJob(job, problem().runner());
  }

  Execution execution;
  GroupFeatures features;
  std::unique_ptr<Policy> policy;
};

}  // namespace

void CheckForRanks(const ExperimentConfig& config, const ProcessGroupAddress& address) {
  const std::string ranks = "WORLD_SIZE = " + std::to_string(address.size);
  if (!Learns(config.method.name)) {
    throw InputError("method: '" + config.method.name + "' does not learn, expected reinforce or " +
                     "reinforce+warm where several ranks train together (" + ranks + ")");
  }
  if (config.execution.Kind(config.model, config.problem) != RunnerKind::kSimulated) {
    throw InputError("runner: placements are executed, expected simulated where several ranks " +
                     std::string("train together (") + ranks + ")");
  }
  if (!config.problem.devices.empty() && config.problem.profile.empty()) {
    throw InputError("profile: missing, expected the one file for all ranks (" + ranks +
                     "), that they do not each measure their own");
  }
  const std::size_t micro_batches = LearningOptions(config.method).micro_batches;
  if (micro_batches < address.size) {
    throw InputError("options: micro_batches is " + std::to_string(micro_batches) +
                     ", expected at least one for each rank (" + ranks + ")");
  }
}

std::string WorkOf(const ExperimentConfig& config, const Problem& problem) {
  return "config " + std::to_string(Fingerprint().Add(ExperimentToText(config)).value()) + ", " +
         problem.Identity();
}

ExitCode ServeTraining(const ExperimentConfig& config, ProcessGroup& group,
                       const Console& console) {
  std::unique_ptr<RankWork> work;
  const auto begin = [&](std::string& ready) -> DoJob {
    work = std::make_unique<RankWork>(config, console);
    ready = WorkOf(config, work->problem());
    return [&](const std::string& job) { return work->Do(job); };
  };
  RunEnd end;
  try {
    tbb::task_arena arena(1);  // a rank is one thread; more ranks use more cores
    arena.execute([&] { end = ServeRankZero(group, begin); });
  } catch (const LostRankError& error) {
    throw Error(std::string(error.what()) + "; start all ranks again with --resume");
  }
  if (!end.message.empty()) {
    console.err << "placer: error: " << end.message << '\n';
  }
  return static_cast<ExitCode>(end.exit_code);
}

}  // namespace placer
