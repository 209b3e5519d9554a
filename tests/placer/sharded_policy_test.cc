#include "placer/sharded_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "graphs/base/replace_file.h"
#include "placer/reinforce_policy.h"
#include "placer/reinforce_trainer.h"
#include "placer/sharded_runner.h"
#include "tests/support/local_ranks.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_problem.h"

namespace placer {
namespace {

using testing_support::CompleteCluster;
using testing_support::LocalRanks;
using testing_support::RandomDag;
using testing_support::TestProblem;

ReinforceOptions SmallOptions(std::size_t micro_batches) {
  ReinforceOptions options = ReinforcePreset("default");
  options.policy.hidden = 16;
  options.batch = 8;
  options.micro_batches = micro_batches;
  return options;
}

struct Outcome {
  std::string checkpoint;
  std::optional<GroupPlacement> best;
  std::vector<double> gradient_norms;
};

Outcome Train(const Problem& problem, const ReinforceOptions& options, RankTeam* team) {
  const test::TempDir dir;
  const PlaceRequest request{problem, {160, std::nullopt}, /*seed=*/3, {}, {}, dir / "state"};
  Outcome outcome;
  ReinforceTrainer trainer(
      request, options,
      [&](const UpdateRecord& record) { outcome.gradient_norms.push_back(record.gradient_norm); },
      team);
  trainer.Run();
  outcome.checkpoint = ReadWholeFile(dir / "state");
  outcome.best = trainer.Finish().groups;
  return outcome;
}

/// @param lost_after  jobs that the last rank does before it is gone; 0: it stays
Outcome TrainOnRanks(std::size_t num_ranks, const ReinforceOptions& options, int lost_after = 0) {
  LocalRanks ranks(num_ranks);
  std::vector<std::jthread> threads;
  for (std::size_t rank = 1; rank < num_ranks; ++rank) {
    threads.emplace_back([&, rank] {
      const std::unique_ptr<ProcessGroup> group = ranks.Join(rank);
      const TestProblem test(RandomDag(12, 1), CompleteCluster(3));
      const GroupFeatures features = PolicyFeaturesOf(test.problem);
      const auto policy = MakePolicyFor(test.problem, options, /*seed=*/0);
      int left = rank + 1 == num_ranks ? lost_after : 0;
      const auto begin = [&](std::string& ready) -> DoJob {
        ready = test.problem.Identity();
        return [&](const std::string& job) {
          if (left > 0 && --left == 0) {
            throw std::bad_alloc();  // no Error: the rank ends
          }
          return IsPolicyJob(job) ? DoPolicyJob(job, features, *policy)
                                  : DoRunnerJob(job, test.runner);
        };
      };
      try {
        static_cast<void>(ServeRankZero(*group, begin));
      } catch (const std::bad_alloc&) {
      }
    });
  }
  const TestProblem test(RandomDag(12, 1), CompleteCluster(3));
  const std::unique_ptr<ProcessGroup> group = ranks.Join(0);
  RankTeam team(*group);
  team.CheckReady(test.problem.Identity());
  const ShardedRunner runner(test.runner, team);
  const Problem problem(test.problem, runner);
  Outcome outcome = Train(problem, options, &team);
  EXPECT_EQ(team.lost().has_value(), lost_after > 0);
  team.Finish({0, ""});
  return outcome;
}

void ExpectEqual(const Outcome& a, const Outcome& b) {
  EXPECT_EQ(a.gradient_norms, b.gradient_norms);
  EXPECT_EQ(a.best, b.best);
  EXPECT_EQ(a.checkpoint, b.checkpoint);
}

TEST(ShardedPolicy, AnyNumberOfRanksGivesTheSameBytes) {
  const ReinforceOptions options = SmallOptions(4);
  const TestProblem test(RandomDag(12, 1), CompleteCluster(3));
  const Outcome alone = Train(test.problem, options, nullptr);
  EXPECT_GE(alone.gradient_norms.size(), 20U);
  for (const std::size_t num_ranks : {2U, 3U, 4U}) {
    ExpectEqual(TrainOnRanks(num_ranks, options), alone);
  }
}

TEST(ShardedPolicy, ALostRankChangesNothing) {
  const ReinforceOptions options = SmallOptions(4);
  const TestProblem test(RandomDag(12, 1), CompleteCluster(3));
  const Outcome alone = Train(test.problem, options, nullptr);
  for (const int lost_after : {2, 23, 24, 25, 26, 27, 28}) {
    ExpectEqual(TrainOnRanks(2, options, lost_after), alone);
  }
}

/// More parts than there is to share, and sizes that do not divide.
TEST(ShardedPolicy, UnevenParts) {
  ReinforceOptions options = SmallOptions(16);
  options.batch = 5;
  const TestProblem test(RandomDag(12, 1), CompleteCluster(3));
  ExpectEqual(TrainOnRanks(3, options), Train(test.problem, options, nullptr));
}

/// One part is what is learned from without parts, up to rounding.
TEST(ShardedPolicy, MicroBatchesChangeOnlyRounding) {
  const TestProblem test(RandomDag(12, 1), CompleteCluster(3));
  const Outcome whole = Train(test.problem, SmallOptions(1), nullptr);
  const Outcome parts = Train(test.problem, SmallOptions(4), nullptr);
  EXPECT_NEAR(parts.gradient_norms[0], whole.gradient_norms[0], 1e-4 * whole.gradient_norms[0]);
}

}  // namespace
}  // namespace placer
