#include "runner/elite_runner.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "tests/support/fake_runner.h"
#include "tests/support/test_graphs.h"

namespace placer {
namespace {

using testing_support::FakeRunner;

constexpr std::size_t kOps = 10;

/// Ten ops without edges; a step takes 100 ps, and op i on the second device changes that by
/// `change[i]`. Placements with op 9 there do not fit.
class EliteRunnerTest : public ::testing::Test {
 protected:
  static Graph MakeGraph() {
    GraphBuilder builder("ten");
    for (std::size_t i = 0; i < kOps; ++i) {
      builder.AddOp(testing_support::TimedOp("op" + std::to_string(i), 1), {}, {});
    }
    return std::move(builder).Build();
  }
  [[nodiscard]] StepSummary Answer(const Placement& placement) const {
    StepSummary summary;
    summary.step_time = Picoseconds(100);
    for (std::size_t i = 0; i < kOps; ++i) {
      if (placement.device(OpId(i)) == DeviceId(1)) {
        summary.step_time += Picoseconds(change_[i]);
      }
    }
    if (placement.device(OpId(9)) == DeviceId(1)) {
      summary.outcome = StepOutcome::kOutOfMemory;
    }
    return summary;
  }
  static Placement With(std::initializer_list<std::size_t> ops_on_second) {
    Placement placement(kOps, DeviceId(0));
    for (const std::size_t op : ops_on_second) {
      placement.set_device(OpId(op), DeviceId(1));
    }
    return placement;
  }
  static std::vector<std::int64_t> TimesOf(const std::vector<EliteRunner::Elite>& elites) {
    std::vector<std::int64_t> times;
    times.reserve(elites.size());
    for (const EliteRunner::Elite& elite : elites) {
      times.push_back(elite.summary.step_time.count());
    }
    return times;
  }

  std::array<std::int64_t, kOps> change_{-1, -2, -4, -8, 1, 2, 4, 8, 0, -50};
  Graph graph_ = MakeGraph();
  Cluster cluster_ = testing_support::CompleteCluster(2);
  FakeRunner inner_{graph_, cluster_, [this](const Placement& p) { return Answer(p); }};
};

TEST_F(EliteRunnerTest, PassesEverythingOn) {
  const EliteRunner runner(inner_, 3, 0.1);
  EXPECT_EQ(runner.preferred_batch(), inner_.preferred_batch());
  EXPECT_EQ(runner.Run(With({0, 4})).step_time, Picoseconds(100));
  const std::vector<Placement> placements{With({3}), With({9})};
  std::vector<StepSummary> summaries(2);
  runner.RunBatch(placements, summaries);
  EXPECT_EQ(summaries[0].step_time, Picoseconds(92));
  EXPECT_EQ(summaries[1].outcome, StepOutcome::kOutOfMemory);
}

TEST_F(EliteRunnerTest, KeepsTheBestThatDifferInOrder) {
  const EliteRunner runner(inner_, 3, 0.1);        // two ops, or more than one of ten
  static_cast<void>(runner.Run(With({4, 5})));     // 103
  static_cast<void>(runner.Run(With({0, 1})));     // 97
  static_cast<void>(runner.Run(With({2, 3})));     // 88
  static_cast<void>(runner.Run(With({6, 7})));     // 112: there is room for three
  static_cast<void>(runner.Run(With({2, 3, 9})));  // does not fit, however quick
  EXPECT_EQ(TimesOf(runner.elites()), (std::vector<std::int64_t>{88, 97, 103}));
  static_cast<void>(runner.Run(With({2, 3, 0, 1})));  // 85: the last has to go
  EXPECT_EQ(TimesOf(runner.elites()), (std::vector<std::int64_t>{85, 88, 97}));
  EXPECT_EQ(runner.elites()[0].placement, With({0, 1, 2, 3}));
}

TEST_F(EliteRunnerTest, KeepsTheBetterOfTwoThatAreNear) {
  const EliteRunner runner(inner_, 3, 0.1);
  static_cast<void>(runner.Run(With({2, 3})));     // 88
  static_cast<void>(runner.Run(With({2, 3, 4})));  // 89, one op away: not kept
  EXPECT_EQ(TimesOf(runner.elites()), (std::vector<std::int64_t>{88}));
  static_cast<void>(runner.Run(With({2, 3})));  // again
  EXPECT_EQ(TimesOf(runner.elites()), (std::vector<std::int64_t>{88}));
  static_cast<void>(runner.Run(With({1, 2, 3})));  // 86, one op away: in its place
  EXPECT_EQ(TimesOf(runner.elites()), (std::vector<std::int64_t>{86}));
}

TEST_F(EliteRunnerTest, MakesRoomNearAWinnerForWhatWasCrowdedOut) {
  const EliteRunner runner(inner_, 2, 0.1);
  static_cast<void>(runner.Run(With({3, 0})));     // 91
  static_cast<void>(runner.Run(With({3, 4, 0})));  // 92, near
  static_cast<void>(runner.Run(With({3, 1})));     // 90, two ops from the first
  EXPECT_EQ(TimesOf(runner.elites()), (std::vector<std::int64_t>{90, 91}));
  static_cast<void>(runner.Run(With({3, 0, 1})));  // 89, one op from each of them
  EXPECT_EQ(TimesOf(runner.elites()), (std::vector<std::int64_t>{89}));
}

TEST_F(EliteRunnerTest, ForgetsWhatWasTaken) {
  EliteRunner runner(inner_, 3, 0.1);
  static_cast<void>(runner.Run(With({2, 3})));
  EXPECT_EQ(TimesOf(runner.TakeElites()), (std::vector<std::int64_t>{88}));
  EXPECT_TRUE(runner.elites().empty());
  static_cast<void>(runner.Run(With({4, 5})));
  EXPECT_EQ(TimesOf(runner.elites()), (std::vector<std::int64_t>{103}));
}

TEST_F(EliteRunnerTest, KeepsNothingWithoutRoom) {
  const EliteRunner runner(inner_, 0);
  static_cast<void>(runner.Run(With({2, 3})));
  EXPECT_TRUE(runner.elites().empty());
}

}  // namespace
}  // namespace placer
